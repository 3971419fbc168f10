/**
 * The launches that the provider was asked for, by their ids. What came of each is remembered for ever: a repetition starts
 * only what the first try had begun and not finished, and a refusal stays one.
 */
import { ProviderError } from "../../domain/errors.ts";
import { type ControllerId, type PoolName, parseProviderId } from "../../domain/ids.ts";
import type { LaunchedMachine, LaunchRequest } from "../../ports/provider.ts";
import type { Chance } from "../world/chance.ts";
import type { Capacity } from "./capacity.ts";
import type { ProviderModelWorld, ProviderNature } from "./provider-world.ts";
import type { Roster } from "./roster.ts";

/** What the provider is told, and compares: that a machine may have ended since is a word to the adapter alone. */
function textOf({ machines, ...request }: LaunchRequest): string {
  return JSON.stringify({ ...request, machines: machines.map(({ mayHaveEnded, ...machine }) => machine) });
}

interface Launch {
  /** The whole request, to tell a repetition from a change. */
  readonly text: string;
  readonly started: LaunchedMachine[];
  /** Places held for machines of it that could not start yet. */
  owedCount: number;
  /** Why nothing was started, ever; null where something was or will be. */
  refusal: string | null;
}

export class Launches {
  readonly #world: ProviderModelWorld;
  readonly #nature: ProviderNature;
  readonly #roster: Roster;
  readonly #capacity: Capacity;
  readonly #ids: Chance;
  readonly #launches = new Map<string, Launch>();
  /** Machines that were cleared away: a launch that is still to come starts none of them. */
  readonly #buried = new Set<string>();

  constructor(world: ProviderModelWorld, nature: ProviderNature, roster: Roster, capacity: Capacity) {
    this.#world = world;
    this.#nature = nature;
    this.#roster = roster;
    this.#capacity = capacity;
    this.#ids = world.chance.fork("ids");
  }

  bury(providerId: string): void {
    this.#buried.add(providerId);
  }

  launch(controllerId: ControllerId, pool: PoolName, request: LaunchRequest): readonly LaunchedMachine[] {
    const attempted = `starting ${request.machines.length} machines of pool ${pool}`;
    const key = `${controllerId}/${request.launchId}`;
    const text = textOf(request);
    const launch = this.#launches.get(key) ?? { text, started: [], owedCount: request.machines.length, refusal: null };
    if (launch.text !== text)
      throw new ProviderError(
        "provider-invalid",
        `${attempted}: launch ${request.launchId} was another request before`,
      );
    const startCount = this.#launches.has(key) ? this.#continue(launch) : this.#begin(launch);
    this.#launches.set(key, launch);
    if (launch.refusal !== null) throw new ProviderError("provider-capacity", `${attempted}: ${launch.refusal}`);
    this.#start(controllerId, request, launch, startCount);
    if (launch.owedCount > 0)
      throw new ProviderError("provider-unavailable", `${attempted}: ${launch.owedCount} of them wait for capacity`);
    return launch.started;
  }

  /** @returns how many may start now. */
  #begin(launch: Launch): number {
    const wantedCount = launch.owedCount;
    const refusal = this.#capacity.refuse(wantedCount, this.takenCount());
    if (refusal === null) return wantedCount;
    if (!refusal.startsNone) return refusal.count;
    launch.refusal = refusal.why;
    launch.owedCount = 0;
    return 0;
  }

  #continue(launch: Launch): number {
    return this.#capacity.isSpent() ? 0 : launch.owedCount;
  }

  /** Machines that are there, and places that half-begun launches hold. */
  takenCount(): number {
    let owedCount = 0;
    for (const launch of this.#launches.values()) owedCount += launch.owedCount;
    return this.#roster.hosts.size + owedCount;
  }

  #start(controllerId: ControllerId, request: LaunchRequest, launch: Launch, count: number): void {
    const { launchId, pool } = request;
    for (const { machineId, identitySecret } of request.machines.slice(launch.started.length).slice(0, count)) {
      const providerId = this.#nature.drawProviderId(this.#ids, machineId);
      launch.started.push({ machineId, providerId: parseProviderId(providerId) });
      launch.owedCount -= 1;
      if (this.#roster.find(providerId) !== undefined || this.#buried.has(providerId)) continue;
      const marks = { controllerId, machineId, launchId, pool };
      this.#roster.start({ providerId, marks, tags: {} }, (_providerId, onGone, bootMs) =>
        this.#world.makeAgentHost({ providerId, bootMs, onGone, machineId, identitySecret }),
      );
    }
  }
}
