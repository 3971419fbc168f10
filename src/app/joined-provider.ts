/**
 * One pool's provider over machines of several settings. A launch is made, and made again, with the settings that it was
 * written with; what is listed and ended may be wherever any of them put it.
 */
import { ProviderError } from "../domain/errors.ts";
import type { ProviderId } from "../domain/ids.ts";
import type { ObservedMachine, ProviderState } from "../domain/observed.ts";
import type { MachinePermit } from "../domain/permit.ts";
import type { Group, HeldUp, LaunchOrders, Provider, ProviderAbilities } from "../ports/provider.ts";

export interface Place {
  readonly provider: Provider;
  /** Whether an id is one of its kind: of another it knows nothing, and what it says of it is worth nothing. */
  readonly names: (id: ProviderId) => boolean;
}

export interface FormerProvider extends Place {
  readonly settingsHash: string;
  /** Its machines are elsewhere: the others' listings do not show all of them. */
  readonly isElsewhere: boolean;
}

export function joinProviders({ provider: current, names }: Place, formers: readonly FormerProvider[]): Provider {
  if (formers.length === 0) return current;
  const places: readonly Place[] = [{ provider: current, names }, ...formers.filter(({ isElsewhere }) => isElsewhere)];
  return {
    launch: (request, tenure) => {
      const former = formers.find(({ settingsHash }) => settingsHash === request.settingsHash);
      return (former?.provider ?? current).launch(request, tenure);
    },
    list: async (which) => {
      const listings = await Promise.all(
        which === "all" ? places.map(({ provider }) => provider.list("all")) : listByIds(places, which),
      );
      return mergeListings(listings.flat());
    },
    terminate: async (permit) => terminateAt(placesOf(places, permit.providerId), permit),
    readRunnerVersion: () => current.readRunnerVersion(),
    check: () => current.check(),
  };
}

/** @throws {ProviderError} where none can have named it: then nobody says anything of it. */
function placesOf(places: readonly Place[], id: ProviderId): readonly Place[] {
  const able = places.filter(({ names }) => names(id));
  if (able.length > 0) return able;
  throw new ProviderError("provider-unavailable", `looking for ${id}, which none of the pool's providers names so`);
}

function listByIds(
  places: readonly Place[],
  ids: readonly ProviderId[],
): readonly Promise<readonly ObservedMachine[]>[] {
  const idsOf = new Map(places.map((place): [Place, ProviderId[]] => [place, []]));
  for (const id of ids) for (const place of placesOf(places, id)) idsOf.get(place)?.push(id);
  return [...idsOf].flatMap(([{ provider }, some]) => (some.length === 0 ? [] : [provider.list(some)]));
}

/**
 * Where it is not, this only makes sure that it never starts there. A place that cannot be asked keeps no other from being
 * asked: it may be the one where the machine is not.
 */
async function terminateAt(places: readonly Place[], permit: MachinePermit): Promise<void> {
  const failures: unknown[] = [];
  for (const { provider } of places)
    await provider.terminate(permit).catch((error: unknown) => {
      failures.push(error);
    });
  if (failures.length > 0) throw failures[0];
}

export interface FormerAbilities {
  readonly settingsHash: string;
  readonly isElsewhere: boolean;
  readonly abilities: ProviderAbilities;
}

/**
 * A launch is drafted as it is made: with the settings that it was written with. Stopped machines and consoles are reached
 * where the pool is now.
 */
export function joinAbilities(current: ProviderAbilities, formers: readonly FormerAbilities[]): ProviderAbilities {
  const group = joinGroups(current.group, formers);
  if ([current, ...formers.map(({ abilities }) => abilities)].every(({ orders }) => orders === null))
    return { ...current, group };
  const joined: LaunchOrders = {
    draft: async (request, tenure) => {
      const former = formers.find(({ settingsHash }) => settingsHash === request.settingsHash);
      const { orders } = former?.abilities ?? current;
      return orders === null ? null : orders.draft(request, tenure);
    },
    readObstacles: () => current.orders?.readObstacles() ?? [],
  };
  return { ...current, orders: joined, group };
}

/**
 * A machine is held by the group that it is in: the others know nothing of it, and each is asked. One that cannot be asked
 * keeps no other from being asked.
 */
function joinGroups(current: Group | null, formers: readonly FormerAbilities[]): Group | null {
  const former = formers.flatMap(({ abilities }) => abilities.group ?? []);
  if (former.length === 0) return current;
  const groups = current === null ? former : [current, ...former];
  const elsewhere = formers.flatMap(({ isElsewhere, abilities }) => (isElsewhere ? (abilities.group ?? []) : []));
  return {
    listHeldUp: () => listHeldUp(current === null ? elsewhere : [current, ...elsewhere]),
    hold: async (providerId) => {
      const failures: unknown[] = [];
      for (const group of groups) {
        const hold = await group.hold(providerId).catch((error: unknown) => {
          failures.push(error);
          return null;
        });
        if (hold !== null) return hold;
      }
      if (failures.length > 0) throw failures[0];
      return null;
    },
    // Each marks whom its own listing showed.
    noteRows: async (providerIds) => {
      await Promise.all(groups.map((group) => group.noteRows(providerIds)));
    },
    readMinimumCount: () => current?.readMinimumCount() ?? 0,
  };
}

/** What those know that can be asked: whom they show is held all the same. */
async function listHeldUp(groups: readonly Group[]): Promise<readonly HeldUp[]> {
  const answers = await Promise.allSettled(groups.map((group) => group.listHeldUp()));
  const heard = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const failed = answers.find(({ status }) => status === "rejected");
  if (heard.length === 0 && failed?.status === "rejected") throw failed.reason;
  return heard.flat();
}

/** The word of the place that has more of the machine: gone is only what is gone everywhere. */
const STATE_ORDER: Readonly<Record<ProviderState, number>> = {
  running: 0,
  stopped: 1,
  dead: 2,
  starting: 3,
  gone: 4,
  "not-found": 5,
};

function mergeListings(observed: readonly ObservedMachine[]): readonly ObservedMachine[] {
  const best = new Map<ProviderId, ObservedMachine>();
  for (const one of observed) {
    const other = best.get(one.providerId);
    if (other === undefined || hasMore(one, other)) best.set(one.providerId, one);
  }
  return [...best.values()];
}

/** Its marks are read where its folder is; a place that has only its processes says less. */
function hasMore(one: ObservedMachine, other: ObservedMachine): boolean {
  const isMarked = (machine: ObservedMachine): boolean => machine.launchId !== null;
  // A place that does not know the id says nothing against one that does.
  if (one.state === "not-found" || other.state === "not-found") return other.state === "not-found";
  if (one.state === "gone" || other.state === "gone") return other.state === "gone" && one.state !== "gone";
  // What a group makes of it only the group's own place knows; others may show it by its marks.
  const isMember = (machine: ObservedMachine): boolean => machine.membership !== undefined;
  if (isMember(one) !== isMember(other)) return isMember(one);
  if (isMarked(one) !== isMarked(other)) return isMarked(one);
  return STATE_ORDER[one.state] < STATE_ORDER[other.state];
}
