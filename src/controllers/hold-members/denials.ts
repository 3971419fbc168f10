/**
 * Members at work that rest in the reserve, or are on their way, and wait at no hook: each reading makes them candidates, since
 * a hook may hold them up before the next one. Their hooks deny that, which takes a reading by id each time.
 */
import { isSamePlace, isShownAtHook } from "../../domain/membership.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { PoolContext } from "../context.ts";
import type { HeldUpMember } from "./held-up.ts";

/** By so much readings may lag: who is shown somewhere since less may wait at the next hook already. */
export const READING_LAG_MAX_MS = 2 * MINUTE_MS;
/** How often whoever is not shown at a hook is asked for all the same: the shortest timeout that a hook can have. */
export const UNSHOWN_AGAIN_MS = 30 * SECOND_MS;

/** Whether its hooks have denied for long enough, and just now, that it waits, and it is shown nowhere else since. */
export function isDeniedLately({ memory, clock }: PoolContext, { machineId, membership }: HeldUpMember): boolean {
  const denial = memory.denials.get(machineId);
  if (denial === undefined || isShownAtHook(membership) || !isSamePlace(denial.membership, membership)) return false;
  const monotonicMs = clock.monotonicMs();
  const isSettled = monotonicMs - denial.sinceMs >= READING_LAG_MAX_MS;
  return isSettled && monotonicMs - denial.deniedAtMs < UNSHOWN_AGAIN_MS;
}

export function rememberDenial({ memory, clock }: PoolContext, { machineId, membership }: HeldUpMember): void {
  const before = memory.denials.get(machineId);
  const deniedAtMs = clock.monotonicMs();
  const isFirst = before === undefined || !isSamePlace(before.membership, membership);
  memory.denials.set(machineId, { membership, sinceMs: isFirst ? deniedAtMs : before.sinceMs, deniedAtMs });
}

/** Of those that are candidates no more. */
export function forgetDenials({ memory }: PoolContext, wanted: readonly HeldUpMember[]): void {
  const ids = new Set(wanted.map(({ machineId }) => machineId));
  for (const id of memory.denials.keys()) if (!ids.has(id)) memory.denials.delete(id);
}
