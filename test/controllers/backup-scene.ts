/** A store that is a backup: its rows, the machines behind them, and the sign by which it is known. */
import { parseProviderId } from "../../src/domain/ids.ts";
import type { MachineState } from "../../src/domain/machine.ts";
import type { ReportAnswer } from "../../src/domain/protocol.ts";
import type { Ticket, TicketStateKind } from "../../src/domain/ticket.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { insertTicket } from "../../src/store/tickets/save.ts";
import { machineId, machine as machineOf, runnerId, ticketId, ticket as ticketOf } from "../domain/builders.ts";
import type { Agent, Yard } from "./yard.ts";

/** A row of the backup, and a machine at the provider. */
export async function inBackup(
  yard: Yard,
  number: number,
  state: MachineState,
  tickets: readonly Ticket[] = [],
): Promise<Agent> {
  const id = machineId(number);
  await insertMachine(yard.store.db, machineOf({ id, state }));
  for (const ticket of tickets) await insertTicket(yard.store.db, ticket);
  yard.provider.machines.set(id, { state: "running", machineId: id });
  const agent = yard.agent(id);
  agent.token = yard.tokens.issue({ machineId: id, providerId: parseProviderId(id) });
  agent.sequence = 10;
  return agent;
}

export const providerOf = (number: number) => parseProviderId(machineId(number));
export const parked = (number: number): MachineState => ({
  kind: "parked",
  providerId: providerOf(number),
  sinceMs: 0,
});
export const provisioning = (number: number): MachineState =>
  ({ ...parked(number), kind: "provisioning" }) as MachineState;
export const engaged = (number: number): MachineState => ({
  kind: "engaged",
  providerId: providerOf(number),
  ticketId: ticketId(number),
  sinceMs: 0,
});
export const retiring = (number: number): MachineState => ({
  kind: "retiring",
  providerId: providerOf(number),
  stage: "proving",
  reason: "surplus",
  heardSequence: 1,
  sinceMs: 0,
});
export const ticket = (number: number, state: TicketStateKind): Ticket =>
  ticketOf({ id: ticketId(number), machineId: machineId(number), state, createdAtMs: 0, runnerId: runnerId(number) });

/** Another machine's agent has seen a later store. */
export async function showRestored(yard: Yard): Promise<ReportAnswer> {
  const witness = await inBackup(yard, 90, parked(90));
  witness.storeGeneration = 40;
  return witness.report({ phase: "preparing" });
}
