/**
 * Which members a hook of their group holds up. The provider's last listing says so while listings come whole. They take more
 * than the group's own service: where they fail or take long, because another one refuses, the group is asked alone, since
 * its hooks wait no longer for that.
 */
import { HoldfastError, ProviderError } from "../../domain/errors.ts";
import type { MachineId, ProviderId } from "../../domain/ids.ts";
import { isHeldByHook, isOverruled, type Membership } from "../../domain/membership.ts";
import { strayMachineId } from "../../domain/stray.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Group, HeldUp } from "../../ports/provider.ts";
import { nameProviderIds } from "../../store/machines/names.ts";
import type { PoolContext } from "../context.ts";

/**
 * So often in a row the hooks of one that no listing shows held up say that nothing waits for it, before that is believed:
 * hooks that were replaced are read anew in between.
 */
export const DENIALS_MAX = 3;
/** Listings come every 5 s; the shortest timeout that a hook can have is 30 s. */
export const LISTING_AGE_MAX_MS = 15 * SECOND_MS;

export interface HeldUpMember {
  readonly machineId: MachineId;
  readonly providerId: ProviderId;
  readonly membership: Membership;
  /** A listing, or the group alone, shows it held up: else it was held before, and its hooks have not said that it is over. */
  readonly isShown: boolean;
}

/** A clock that was set makes it old: nobody knows then how old it is. */
export function isListingFresh({ memory, clock }: PoolContext): boolean {
  const { isWhole, wholeAtMs } = memory.guards.listing;
  return isWhole && wholeAtMs !== null && Math.abs(clock.nowMs() - wholeAtMs) < LISTING_AGE_MAX_MS;
}

/**
 * Known without a call. Whom an old listing shows held up counts as well: the group's reading may leave somebody out. So may
 * a fresh listing, or show where a member was two minutes ago: who was held is a candidate until its hooks say that nothing
 * waits.
 *
 * @param asked whom the group alone showed, where it was asked.
 */
export function listHeldUp(context: PoolContext, asked: readonly HeldUpMember[]): readonly HeldUpMember[] {
  const listed = [...context.memory.observed].flatMap(([machineId, { providerId, membership = null }]) =>
    membership !== null && isHeldByHook(membership) ? [{ machineId, providerId, membership, isShown: true }] : [],
  );
  const all = [...listRemembered(context), ...listed, ...asked];
  return [...new Map(all.map((one) => [one.machineId, heedLast(context, one)])).values()];
}

/**
 * One that was held goes on being held by the hooks that it waited for, whatever an older reading shows: those that the reading
 * names would deny it, and of one that its group wants to end one denial is not enough. Once its hooks denied it often, the
 * reading counts again.
 */
function heedLast({ memory }: PoolContext, one: HeldUpMember): HeldUpMember {
  const { membership: last = null, deniedCount = 0 } = memory.holds.get(one.machineId) ?? {};
  if (last === null || deniedCount >= DENIALS_MAX || !isOverruled(one.membership, last)) return one;
  return { ...one, membership: last, isShown: false };
}

function listRemembered({ memory }: PoolContext): readonly HeldUpMember[] {
  return [...memory.holds].flatMap(([machineId, { providerId, membership, deniedCount }]) => {
    const isGone = memory.observed.get(machineId)?.state === "gone";
    if (isGone || membership === null || deniedCount >= DENIALS_MAX) return [];
    return [{ machineId, providerId, membership, isShown: false }];
  });
}

/** Whom the group alone shows held up, where no listing has come lately. */
export async function askAlone(context: PoolContext, group: Group): Promise<readonly HeldUpMember[]> {
  return isListingFresh(context) ? [] : nameHeldUp(context, await askGroup(context, group));
}

async function askGroup({ telemetry, pool }: PoolContext, group: Group): Promise<readonly HeldUp[]> {
  try {
    return await group.listHeldUp();
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    telemetry.error("neither the provider's listing nor the group alone says whom it wants to end", error, {
      pool: pool.name,
    });
    return [];
  }
}

/** By the same names as a listing's. One that nobody knows is a stray, and of a group that was left it is somebody else's. */
async function nameHeldUp(context: PoolContext, heldUp: readonly HeldUp[]): Promise<readonly HeldUpMember[]> {
  if (heldUp.length === 0) return [];
  const shown = new Map([...context.memory.observed].map(([id, { providerId }]) => [providerId, id]));
  const unshown = heldUp.map(({ providerId }) => providerId).filter((id) => !shown.has(id));
  const stored = await nameStored(context, unshown);
  return heldUp.flatMap(({ providerId, membership, isGroupLeft }) => {
    const known = shown.get(providerId) ?? stored.get(providerId) ?? null;
    const machineId = known === null && !isGroupLeft ? strayMachineId(providerId) : known;
    return machineId === null ? [] : [{ machineId, providerId, membership, isShown: true }];
  });
}

async function nameStored(
  { store }: PoolContext,
  ids: readonly ProviderId[],
): Promise<ReadonlyMap<ProviderId, MachineId>> {
  try {
    return await nameProviderIds(store.db, ids);
  } catch (error) {
    // The rows cannot be read either, which is told there.
    if (error instanceof HoldfastError && error.code === "store-unavailable") return new Map();
    throw error;
  }
}
