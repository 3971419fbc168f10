/**
 * One pool's provider over machines of several settings. A launch is made, and made again, with the settings that it was
 * written with; what is listed and ended may be wherever any of them put it.
 */
import { ProviderError } from "../domain/errors.ts";
import type { ProviderId } from "../domain/ids.ts";
import type { ObservedMachine, ProviderState } from "../domain/observed.ts";
import { PartialListing } from "../domain/partial-listing.ts";
import type { MachinePermit } from "../domain/permit.ts";
import type { Group, HeldUp, LaunchOrders, LaunchRequest, Provider, ProviderAbilities } from "../ports/provider.ts";

export interface Place {
  readonly provider: Provider;
  /** Whether an id is one of its kind: of another it knows nothing, and what it says of it is worth nothing. */
  readonly names: (id: ProviderId) => boolean;
  /** What it calls its machines: no id of one kind is one of another. */
  readonly idKind: "process" | "instance" | "pod";
  /** What it shows is nowhere else, whatever others could call so: a pod is in one cluster, by its uid. */
  readonly isExclusive: boolean;
}

/** Some settings of a pool. */
interface Settled {
  readonly settingsHash: string;
  /** Where they put machines: those of one location are all shown by the listing of each of its settings. */
  readonly location: string;
}

export interface SettledPlace extends Place, Settled {}

export function joinProviders(current: SettledPlace, formers: readonly SettledPlace[]): Provider {
  const settled = [current, ...formers];
  const places = new Places(settled);
  return {
    launch: async (request, tenure) => findSettled(settled, request).provider.launch(request, tenure),
    list: (which) => places.list(which),
    terminate: async (permit) => terminateAt(places.of(permit.providerId), permit),
    readRunnerVersion: () => current.provider.readRunnerVersion(),
    check: () => current.provider.check(),
  };
}

/**
 * A process that ran beside this one can have launched with settings that this one never heard of.
 * @throws {ProviderError} `provider-unavailable`: whatever was started is at a place that only they name.
 */
function findSettled<One extends Settled>(settled: readonly One[], { settingsHash, launchId }: LaunchRequest): One {
  const found = settled.find((one) => one.settingsHash === settingsHash);
  if (found !== undefined) return found;
  const attempted = `making launch ${launchId}, which was written with settings that this process does not know`;
  throw new ProviderError("provider-unavailable", attempted);
}

/** Machines whose place is remembered; the one that was shown longest ago is forgotten, and all places are asked for it. */
const HOMES_MAX = 50_000;

interface Question {
  readonly place: SettledPlace;
  readonly which: "all" | readonly ProviderId[];
}

interface Answer extends Question {
  readonly observed: readonly ObservedMachine[];
}

class Places {
  /** The first is that of the settings of today. */
  readonly #places: readonly SettledPlace[];
  readonly #settled: readonly SettledPlace[];
  /** Where each machine was shown that can be in one place only. */
  readonly #homes = new Map<ProviderId, SettledPlace>();

  constructor(settled: readonly SettledPlace[]) {
    this.#settled = settled;
    this.#places = firstOfEachLocation(settled);
  }

  /** @throws {ProviderError} where none can have named it: then nobody says anything of it. */
  of(id: ProviderId): readonly SettledPlace[] {
    const home = this.#homes.get(id);
    if (home !== undefined) return [home];
    const able = this.#places.filter(({ names }) => names(id));
    if (able.length > 0) return able;
    throw new ProviderError("provider-unavailable", `looking for ${id}, which none of the pool's providers names so`);
  }

  /** @throws {PartialListing} where some of those could not be read that were asked, unless the others say nothing at all. */
  async list(which: "all" | readonly ProviderId[]): Promise<readonly ObservedMachine[]> {
    const questions = which === "all" ? this.#places.map((place) => ({ place, which })) : this.#byPlace(which);
    const outcomes = await Promise.allSettled(questions.map(({ place, which: some }) => place.provider.list(some)));
    const answers: Answer[] = [];
    const unread: SettledPlace[] = [];
    const failures: unknown[] = [];
    for (const [index, question] of questions.entries()) {
      const outcome = outcomes[index];
      if (outcome?.status === "fulfilled") answers.push({ ...question, observed: outcome.value });
      else {
        unread.push(question.place);
        failures.push(outcome?.reason);
      }
    }
    for (const answer of answers) this.#learn(answer);
    const listing = this.#nameSettings(mergeListings(answers.flatMap(({ observed }) => observed)), answers);
    if (unread.length === 0) return listing;
    const cause = failures.find((failure) => !(failure instanceof ProviderError)) ?? failures[0];
    const shown = listing.filter((one) => this.#isSettled(one, unread));
    const whole = answers.filter((answer) => this.#isWhole(answer, unread)).map(({ place }) => place.location);
    const isCurrentWhole = this.#places[0] !== undefined && whole.includes(this.#places[0].location);
    const isOnly = this.#places.length === 1;
    const isNothingSaid = isOnly || (which === "all" && shown.length === 0 && !isCurrentWhole);
    if (!(cause instanceof ProviderError) || isNothingSaid) throw cause;
    const unlistedSettings = this.#settled
      .filter(({ location }) => !whole.includes(location))
      .map(({ settingsHash }) => settingsHash);
    throw new PartialListing(cause.message, { shown, isCurrentWhole, unlistedSettings, cause });
  }

  #byPlace(ids: readonly ProviderId[]): readonly Question[] {
    const idsOf = new Map(this.#places.map((place): [SettledPlace, ProviderId[]] => [place, []]));
    for (const id of ids) for (const place of this.of(id)) idsOf.get(place)?.push(id);
    return [...idsOf].flatMap(([place, which]) => (which.length === 0 ? [] : [{ place, which }]));
  }

  /** Two that show the same machine were one cluster once: nobody knows in which of them it runs. */
  #learn({ place, observed }: Answer): void {
    if (!place.isExclusive) return;
    for (const { providerId, state } of observed) {
      if (state === "gone" || state === "not-found") continue;
      const home = this.#homes.get(providerId);
      this.#homes.delete(providerId);
      if (home !== undefined && home !== place) continue;
      const [oldest] = this.#homes.keys();
      if (this.#homes.size >= HOMES_MAX && oldest !== undefined) this.#homes.delete(oldest);
      this.#homes.set(providerId, place);
    }
  }

  /** Of what a former place shows, by itself or as well: for it that place has to be kept, and for nothing else. */
  #nameSettings(listing: readonly ObservedMachine[], answers: readonly Answer[]): readonly ObservedMachine[] {
    const [current, ...formers] = this.#places;
    if (formers.length === 0) return listing;
    const shownBy = new Map<ProviderId, SettledPlace[]>();
    for (const { place, observed } of answers)
      for (const { providerId, state } of observed)
        if (state !== "gone" && state !== "not-found")
          shownBy.set(providerId, [...(shownBy.get(providerId) ?? []), place]);
    return listing.map((one) => {
      const places = shownBy.get(one.providerId) ?? [];
      if (places.every((place) => place === current)) return one;
      return { ...one, shownBySettings: places.map(({ settingsHash }) => settingsHash) };
    });
  }

  /** It shows all that is there, whatever those would show: what is missing from it can be nowhere else, or is of another kind. */
  #isWhole({ place, observed }: Answer, unread: readonly Place[]): boolean {
    const isAlone = place.isExclusive || unread.every(({ idKind }) => idKind !== place.idKind);
    return isAlone && observed.every((one) => this.#isSettled(one, unread));
  }

  /** Nothing that those could say would change it. */
  #isSettled({ providerId }: ObservedMachine, unread: readonly Place[]): boolean {
    return !this.of(providerId).some((place) => unread.includes(place));
  }
}

function firstOfEachLocation<One extends Settled>(settled: readonly One[]): readonly One[] {
  return settled.filter(({ location }, index) => settled.findIndex((one) => one.location === location) === index);
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

export interface SettledAbilities extends Settled {
  readonly abilities: ProviderAbilities;
}

/**
 * A launch is drafted as it is made: with the settings that it was written with. Stopped machines and consoles are reached
 * where the pool is now.
 */
export function joinAbilities(settled: SettledAbilities, formers: readonly SettledAbilities[]): ProviderAbilities {
  const current = settled.abilities;
  const all = [settled, ...formers];
  const group = joinGroups(settled, formers);
  if (all.every(({ abilities }) => abilities.orders === null)) return { ...current, group };
  const joined: LaunchOrders = {
    draftsFor: (hash) => (all.find(({ settingsHash }) => settingsHash === hash)?.abilities.orders ?? null) !== null,
    draft: async (request, tenure) =>
      (await findSettled(all, request).abilities.orders?.draft(request, tenure)) ?? null,
    readObstacles: () => firstOfEachLocation(all).flatMap(({ abilities }) => abilities.orders?.readObstacles() ?? []),
  };
  return { ...current, orders: joined, group };
}

/**
 * A machine is held by the group that it is in: the others know nothing of it, and each is asked, once for all settings that
 * name it. One that cannot be asked keeps no other from being asked.
 */
function joinGroups(settled: SettledAbilities, formers: readonly SettledAbilities[]): Group | null {
  const current = settled.abilities.group;
  const groups = firstOfEachLocation([settled, ...formers]).flatMap(({ abilities }) => abilities.group ?? []);
  if (groups.length === 0 || (groups.length === 1 && groups[0] === current)) return current;
  return {
    listHeldUp: () => listHeldUp(groups),
    hold: async (providerId, last) => {
      const failures: unknown[] = [];
      for (const group of groups) {
        const hold = await group.hold(providerId, last).catch((error: unknown) => {
          failures.push(error);
          return null;
        });
        if (hold !== null) return hold;
      }
      if (failures.length > 0) throw failures[0];
      return null;
    },
    readHookEdition: async () => (await Promise.all(groups.map((group) => group.readHookEdition()))).join(),
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
