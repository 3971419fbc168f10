/**
 * A provider of the world, of either nature. Everything that it is asked takes effect at once; who asks adds the way there
 * and back, failed calls and lost answers.
 */
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import type { Provider, ProviderAbilities } from "../../ports/provider.ts";
import type { Chance } from "../world/chance.ts";
import type { Host } from "../world/host.ts";
import type { ListedMachine, ProviderAsker, ProviderModel } from "../world/provider.ts";
import { gateProvider } from "../world/provider-port.ts";
import type { Cause } from "../world/witness.ts";
import { Capacity } from "./capacity.ts";
import { ProviderChances } from "./chances.ts";
import { Launches } from "./launches.ts";
import type { ProviderMachine } from "./machine.ts";
import { makePort } from "./port.ts";
import type { ProviderModelWorld, ProviderNature } from "./provider-world.ts";
import { type MakeHost, Roster } from "./roster.ts";

const FOREIGN_COUNT = 3;
const FOREIGN_OWNER = "somebody-else";

export class NatureModel implements ProviderModel {
  readonly #world: ProviderModelWorld;
  readonly #nature: ProviderNature;
  readonly #chances: ProviderChances;
  readonly #capacity: Capacity;
  readonly #roster: Roster;
  readonly #launches: Launches;
  readonly #ids: Chance;
  readonly #reclaims: Chance;
  /** Machines of another installation in the same place: they run for ever, and nobody of this world may touch them. */
  readonly #foreign = new Map<string, ListedMachine>();
  readonly #touched = new Set<string>();

  constructor(world: ProviderModelWorld, nature: ProviderNature) {
    this.#world = world;
    this.#nature = nature;
    this.#chances = new ProviderChances(world, nature);
    this.#capacity = new Capacity(world, this.#chances);
    this.#roster = new Roster(world, nature, this.#chances);
    this.#launches = new Launches(world, nature, this.#roster, this.#capacity);
    this.#ids = world.chance.fork("other ids");
    this.#reclaims = world.chance.fork("reclaims");
    for (let count = 0; count < FOREIGN_COUNT; count += 1) this.#addForeign();
    for (const { everyMs } of this.#chances.active("provider.reclaim")) this.#expectReclaim(everyMs);
  }

  get hosts(): ReadonlyMap<string, Host> {
    return this.#roster.hosts;
  }

  get stoppedIds(): readonly string[] {
    return [];
  }

  get deniedIds(): readonly string[] {
    return [];
  }

  get startedCount(): number {
    return this.#roster.startedCount;
  }

  get foreignTouchedCount(): number {
    return this.#touched.size;
  }

  paidMs(): number {
    return this.#roster.paidMs();
  }

  forPool(
    controllerId: ControllerId,
    pool: PoolName,
    { nowMs = () => this.#world.scheduler.nowMs, line }: ProviderAsker = {},
  ): Provider & ProviderAbilities {
    const parts = {
      world: this.#world,
      nature: this.#nature,
      roster: this.#roster,
      launches: this.#launches,
      terminate: (...[providerId, permit, asker]: [string, { readonly proof: string }, ControllerId]) =>
        this.#terminate(providerId, { by: "controller", proof: permit.proof }, asker),
    };
    const port = makePort(parts, { controllerId, pool, nowMs });
    return line === undefined ? port : gateProvider(port, line);
  }

  start(tags: Readonly<Record<string, string>>, make: MakeHost): string | null {
    if (this.#capacity.refuse(1, this.#launches.takenCount()) !== null) return null;
    const providerId = this.#nature.drawProviderId(this.#ids, null);
    this.#roster.start({ providerId, marks: null, tags }, make);
    return providerId;
  }

  listTagged(tag: string, value: string): readonly ListedMachine[] {
    const foreign = [...this.#foreign.values()].filter(({ tags }) => tags[tag] === value);
    const listed = this.#roster.list(({ tags, lostMarks }) => lostMarks === "none" && tags[tag] === value);
    return [...foreign, ...listed.map(({ machine, state }) => list(machine, state))];
  }

  terminate(providerId: string, cause: Cause): boolean {
    const machine = this.#roster.find(providerId);
    const isKnown = this.#foreign.has(providerId) || (machine !== undefined && this.#roster.isVisible(machine));
    if (!isKnown) return false;
    return this.#terminate(providerId, cause, null) === "taken" || !this.#nature.reportsFailedEnding;
  }

  reclaim(providerId: string, kind: string): void {
    const machine = this.#roster.find(providerId);
    if (machine !== undefined) this.#roster.end(machine, { by: "fault", kind });
  }

  /** @param asker whose machine it should be; null for a baseline, which has none of ours. */
  #terminate(providerId: string, cause: Cause, asker: ControllerId | null): "taken" | "ignored" {
    const machine = this.#roster.find(providerId);
    const owner = machine?.marks?.controllerId ?? null;
    if (this.#foreign.has(providerId) || (machine !== undefined && owner !== asker)) this.#touched.add(providerId);
    // A machine that readings do not find yet cannot be ended by its id either.
    if (machine !== undefined && !this.#roster.isVisible(machine)) return "ignored";
    const isThere = machine !== undefined && machine.end === null;
    if (isThere && this.#chances.isEndingIgnored()) {
      this.#world.log.note("its ending was asked for and did not take", providerId);
      return "ignored";
    }
    if (machine !== undefined) this.#roster.end(machine, cause);
    if (this.#nature.hasFolders) {
      this.#launches.bury(providerId);
      if (machine !== undefined) this.#roster.forget(machine);
    }
    return "taken";
  }

  #addForeign(): void {
    const providerId = this.#nature.drawProviderId(this.#ids, null);
    const launchedAtMs = this.#world.scheduler.nowMs;
    this.#foreign.set(providerId, { providerId, state: "running", launchedAtMs, tags: { owner: FOREIGN_OWNER } });
  }

  #expectReclaim(everyMs: number): void {
    const { scheduler, witness } = this.#world;
    scheduler.after(this.#reclaims.wait(everyMs), () => {
      if (!this.#world.isFaulty()) return;
      const ids = [...this.hosts.keys()];
      if (ids.length > 0) {
        witness.faultHappened("provider.reclaim");
        this.reclaim(this.#reclaims.pick(ids), "provider.reclaim");
      }
      this.#expectReclaim(everyMs);
    });
  }
}

const LISTED_STATES = {
  starting: "pending",
  running: "running",
  stopped: "running",
  dead: "terminated",
  gone: "terminated",
  "not-found": "terminated",
} as const;

function list({ providerId, startedAtMs, tags }: ProviderMachine, state: keyof typeof LISTED_STATES): ListedMachine {
  return { providerId, state: LISTED_STATES[state], launchedAtMs: startedAtMs, tags };
}
