/** The next step of one machine that retires, as it would be taken now. Reads only. */
import { decideEnding, type EndingStep } from "../../domain/ending.ts";
import type { LeaseEpoch } from "../../domain/ids.ts";
import { isOfFirstSight, type Machine } from "../../domain/machine.ts";
import { isDeparting } from "../../domain/membership.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import type { HostFacts } from "../../domain/slow-proofs.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { heardTime, type PoolContext } from "../context.ts";
import { heedBars } from "./bars.ts";
import { guardOf } from "./guard.ts";

export interface Ending {
  readonly machine: Machine;
  /** Every ticket that it ever had. */
  readonly tickets: readonly Ticket[];
  /** What the provider said of it since it began to retire; null where it was not asked or had no answer. */
  readonly observed: ObservedMachine | null;
  readonly facts: HostFacts;
}

export async function decideStep(context: PoolContext, ending: Ending, epoch: LeaseEpoch): Promise<EndingStep> {
  const { machine } = ending;
  const step = decideEnding(
    {
      ...ending,
      forced: machine.forced,
      guard: guardOf(context, machine.id),
      epoch,
      time: heardTime(context),
    },
    context.pool,
  );
  return heedBars(context.store.db, machine, step);
}

/**
 * Whether the provider is asked about it before the step is decided. Only what was seen since the machine began to retire
 * counts; while nothing was called, the listing is recent enough. One whose host said that it leaves, and that came to its
 * call in this pass, needs no other word before it.
 */
export function owesLook(context: PoolContext, machine: Machine, isFirst: boolean): boolean {
  const { id, state, report } = machine;
  if (state.kind !== "retiring") return false;
  const listed = context.memory.observed.get(id) ?? null;
  const isShownAtRest = listed?.state === "dead" || listed?.state === "gone" || listed?.state === "stopped";
  // Whether its group still wants to end it decides what its end waits for, and how it is ended.
  if (isDeparting(listed?.membership)) return true;
  // That it still has never run is worth something only as the last thing that is known of it.
  if (isOfFirstSight(machine)) return true;
  const isLeaving = report?.phase === "leaving" && !isFirst && state.stage !== "confirming";
  return isShownAtRest || (state.stage !== "proving" && !isLeaving);
}
