/**
 * One pool's provider over machines of several settings. A launch is made, and made again, with the settings that it was
 * written with; what is listed and ended may be wherever any of them put it.
 */
import type { ProviderId } from "../domain/ids.ts";
import type { ObservedMachine, ProviderState } from "../domain/observed.ts";
import type { LaunchOrders, Provider, ProviderAbilities } from "../ports/provider.ts";

export interface FormerProvider {
  readonly settingsHash: string;
  readonly provider: Provider;
  /** Its machines are elsewhere: the others' listings do not show all of them. */
  readonly isElsewhere: boolean;
}

export function joinProviders(current: Provider, formers: readonly FormerProvider[]): Provider {
  const places = [current, ...formers.filter(({ isElsewhere }) => isElsewhere).map(({ provider }) => provider)];
  if (formers.length === 0) return current;
  return {
    launch: (request) => {
      const former = formers.find(({ settingsHash }) => settingsHash === request.settingsHash);
      return (former?.provider ?? current).launch(request);
    },
    list: async (which) => {
      const listings = await Promise.all(places.map((place) => place.list(which)));
      return mergeListings(listings.flat());
    },
    // Where it is not, this only makes sure that it never starts there.
    terminate: async (permit) => {
      for (const place of places) await place.terminate(permit);
    },
    readRunnerVersion: () => current.readRunnerVersion(),
    check: () => current.check(),
  };
}

/**
 * A launch is drafted as it is made: with the settings that it was written with. Stopped machines and consoles are reached
 * where the pool is now.
 */
export function joinAbilities(
  current: ProviderAbilities,
  formers: readonly { readonly settingsHash: string; readonly abilities: ProviderAbilities }[],
): ProviderAbilities {
  const { orders } = current;
  if (formers.length === 0 || orders === null) return current;
  const joined: LaunchOrders = {
    draft: (request) => {
      const former = formers.find(({ settingsHash }) => settingsHash === request.settingsHash);
      return (former?.abilities.orders ?? orders).draft(request);
    },
    readObstacles: () => orders.readObstacles(),
  };
  return { ...current, orders: joined };
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
  if (isMarked(one) !== isMarked(other)) return isMarked(one);
  return STATE_ORDER[one.state] < STATE_ORDER[other.state];
}
