/** The names under which evidence and decisions about a thing are stored. */
import type { Subject } from "../domain/evidence.ts";
import type { ConnectionName, JobId, MachineId, PoolName, TicketId } from "../domain/ids.ts";

/** GitHub's job ids are its own: the same number may come from two connections. */
export function jobSubject(connection: ConnectionName, id: JobId): Subject {
  return { kind: "job", id: `${connection}/${id}` };
}

export function machineSubject(id: MachineId): Subject {
  return { kind: "machine", id };
}

export function ticketSubject(id: TicketId): Subject {
  return { kind: "ticket", id };
}

export function poolSubject(name: PoolName): Subject {
  return { kind: "pool", id: name };
}
