/**
 * Keeps in memory when each agent was last heard: by the monotonic clock, so that no word is ever from the future, or from
 * long ago, because somebody set the wall clock.
 */
import type { MachineId } from "../domain/ids.ts";
import { SECOND_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { Hearing } from "../ports/hearing.ts";
import { readHeardElsewhere } from "../store/hearings.ts";
import type { Queryable } from "../store/schema.ts";

/** A machine that speaks all the time is told of no oftener; well inside the minute for which a word counts as present. */
const TELL_AGAIN_MS = 15 * SECOND_MS;

/** @param listener unique to one start of a process. */
export function createHearing(clock: Pick<Clock, "nowMs" | "monotonicMs">, listener: string): Hearing {
  const startedAtMonotonicMs = clock.monotonicMs();
  const heardAtMonotonicMs = new Map<MachineId, number>();
  const stirredAtMonotonicMs = new Map<MachineId, number>();
  const toldAtMonotonicMs = new Map<MachineId, number>();
  const wallOf = (atMs: number | undefined) =>
    atMs === undefined ? null : clock.nowMs() - (clock.monotonicMs() - atMs);
  const noteAgo = (at: Map<MachineId, number>, machineId: MachineId, forMs: number) => {
    const atMs = clock.monotonicMs() - Math.max(0, forMs);
    if (atMs > (at.get(machineId) ?? startedAtMonotonicMs)) at.set(machineId, atMs);
  };
  return {
    listener,
    note: (machineId) => {
      heardAtMonotonicMs.set(machineId, clock.monotonicMs());
      stirredAtMonotonicMs.set(machineId, clock.monotonicMs());
    },
    heardAtMs: (machineId) => wallOf(heardAtMonotonicMs.get(machineId)),
    noteTry: (machineId) => void stirredAtMonotonicMs.set(machineId, clock.monotonicMs()),
    stirredAtMs: (machineId) => wallOf(stirredAtMonotonicMs.get(machineId)),
    noteElsewhere: (machineId, heardForMs, stirredForMs) => {
      if (heardForMs !== null) noteAgo(heardAtMonotonicMs, machineId, heardForMs);
      noteAgo(stirredAtMonotonicMs, machineId, stirredForMs);
    },
    isToTell: (machineId) => {
      const nowMs = clock.monotonicMs();
      if (nowMs - (toldAtMonotonicMs.get(machineId) ?? -TELL_AGAIN_MS) < TELL_AGAIN_MS) return false;
      toldAtMonotonicMs.set(machineId, nowMs);
      return true;
    },
    forget: (machineId) => {
      heardAtMonotonicMs.delete(machineId);
      stirredAtMonotonicMs.delete(machineId);
      toldAtMonotonicMs.delete(machineId);
    },
  };
}

/** Takes over what the other processes told of since they last heard each agent. Idempotent. */
export async function hearOthers(db: Queryable, hearing: Hearing): Promise<void> {
  for (const { machineId, heardForMs, stirredForMs } of await readHeardElsewhere(db, hearing.listener))
    hearing.noteElsewhere(machineId, heardForMs, stirredForMs);
}
