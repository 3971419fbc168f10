/**
 * Who speaks as a machine. An agent that starts again is a new incarnation, and the one before it is dead: of one boot only
 * one holds the machine's lock. A machine that rebooted has another boot id. So:
 *
 *     a new incarnation of the same boot     an agent that was started again: its word counts at once
 *     of another boot                        a reboot, or somebody elsewhere: its word counts once the one before it has
 *                                            stayed silent for three heartbeats
 *     one that checks in again after a       both are alive, and one of them is not the machine's agent: the machine is in
 *     later one did                          quarantine, and neither is believed that nothing runs while both speak
 */
import type { IncarnationId } from "./ids.ts";
import { HEARTBEAT_MS } from "./protocol.ts";
import { type HeardTime, isPast } from "./time.ts";
import { MINUTE_MS } from "./units.ts";

export interface CheckedIn {
  readonly incarnation: IncarnationId;
  readonly bootId: string;
  /** The first time. */
  readonly atMs: number;
  /** The last time that it came back after a later one. */
  readonly returnedAtMs: number | null;
}

const REBOOT_SILENCE_MS = 3 * HEARTBEAT_MS;
/** After so long without a return only one of the two is left. */
const RETURN_SILENCE_MS = 10 * MINUTE_MS;

/** @param current the one that checked in last. */
export function isReturn(
  known: readonly CheckedIn[],
  current: IncarnationId | null,
  incarnation: IncarnationId,
): boolean {
  return current !== incarnation && known.some((one) => one.incarnation === incarnation);
}

/** Whether it is not certain that the machine's own agent speaks. @param known in the order of their first check-ins. */
export function isContested(known: readonly CheckedIn[], time: HeardTime): boolean {
  const hasReturn = known.some(
    ({ returnedAtMs }) => returnedAtMs !== null && !isPast(returnedAtMs, RETURN_SILENCE_MS, time),
  );
  const [before, latest] = known.slice(-2);
  const isElsewhere = before !== undefined && latest !== undefined && before.bootId !== latest.bootId;
  return hasReturn || (isElsewhere && !isPast(latest.atMs, REBOOT_SILENCE_MS, time));
}
