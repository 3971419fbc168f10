/** What stopping and starting write: the move of the row with what was seen of it, and the pause after a failure. */
import { type BackoffPolicy, backoffMs, CALL_BACKOFF } from "../../domain/backoff.ts";
import type { MachineId } from "../../domain/ids.ts";
import { type Machine, type MachineEvent, moveMachine } from "../../domain/machine.ts";
import { HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { inLease } from "../../store/leases.ts";
import { loadMachine } from "../../store/machines/load.ts";
import { saveMachine } from "../../store/machines/save.ts";
import type { Queryable } from "../../store/schema.ts";
import { machineSubject } from "../../store/subjects.ts";
import type { Pause, PoolContext } from "../context.ts";

export const START_BACKOFF = CALL_BACKOFF;
/** A pool whose machines cannot be stopped would else start one after the other in vain. */
export const STOP_BACKOFF: BackoffPolicy = { firstMs: 15 * MINUTE_MS, limitMs: 6 * HOUR_MS };

export function notePause({ clock, random }: PoolContext, pause: Pause, policy: BackoffPolicy): void {
  pause.failureCount += 1;
  pause.untilMonotonicMs = clock.monotonicMs() + backoffMs(policy, pause.failureCount, random.fraction());
}

type StandbyEvent = Extract<MachineEvent, { readonly kind: "stopped" | "started" | "start-refused" | "retired" }>;

/** The states in which each is still about the machine; a row that has moved on since is left as it is. */
function isDue({ state }: Machine, { kind }: StandbyEvent): boolean {
  if (kind === "stopped" || kind === "retired") return state.kind === "stopping";
  return state.kind === "stopped" && state.isStarting;
}

/**
 * @param event null where only the fact is recorded. @param also in the same transaction as the move.
 * @returns whether the row moved.
 */
export async function moveStandby(
  context: PoolContext,
  id: MachineId,
  event: StandbyEvent | null,
  source: "provider" | "controller",
  fact: string,
  also: (tx: Queryable, machine: Machine) => Promise<void> = async () => undefined,
): Promise<boolean> {
  const lease = context.lease();
  if (lease === null) return false;
  const nowMs = context.clock.nowMs();
  return inLease(context.store, lease, async (tx) => {
    const machine = await loadMachine(tx, id);
    if (machine === null || (event !== null && !isDue(machine, event))) return false;
    await recordEvidence(tx, { subject: machineSubject(id), source, fact, observedAtMs: nowMs });
    if (event === null || !(await saveMachine(tx, moveMachine(machine, event, nowMs), machine.version))) return false;
    await also(tx, machine);
    return true;
  });
}
