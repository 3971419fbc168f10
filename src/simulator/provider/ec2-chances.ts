/** What befalls the world's EC2: the scenario's faults, put on the model as capacity, quotas, lags and errors. */
import type { Ec2Action } from "../ec2/api.ts";
import { type Pool, setQuota, setRoom } from "../ec2/control.ts";
import type { Ec2FaultOutcome } from "../ec2/faults.ts";
import type { Ec2Lags, Market } from "../ec2/options.ts";
import { findType } from "../ec2/room.ts";
import type { Ec2State } from "../ec2/state.ts";
import type { Ec2ErrorPlace, FaultKind, FaultOf } from "../scenario/fault.ts";
import type { Chance, Range } from "../world/chance.ts";
import type { ProviderChances } from "./chances.ts";
import { EC2_SETTINGS } from "./ec2-orders.ts";
import type { ProviderModelWorld } from "./provider-world.ts";

export const EC2_FAULT_KINDS: ReadonlySet<FaultKind> = new Set([
  "provider.listing-lag",
  "provider.missing-from-listing",
  "provider.no-capacity",
  "provider.quota",
  "provider.terminate-does-not-take",
  "provider.reclaim",
  "provider.marks-lost",
  "ec2.error",
  "ec2.throttled",
  "ec2.pending-fails",
  "ec2.state-lag",
  "host.slow-boot",
  "host.never-boots",
]);

const MARKETS: readonly Market[] = ["spot", "on-demand"];
/** While there is no capacity a few instances may be had all the same. */
const LEFT_MAX = 2;
const PLACES: Readonly<Partial<Record<Ec2Action, Ec2ErrorPlace>>> = {
  CreateFleet: "launch",
  RunInstances: "launch",
  DescribeInstances: "list",
  TerminateInstances: "terminate",
  StopInstances: "stop",
  StartInstances: "start",
};

export type DrawnError = Extract<Ec2FaultOutcome, { readonly kind: "error" }>;

export function lagsOf(chances: ProviderChances): Ec2Lags {
  const none: Range = [0, 0];
  const listing = chances.active("provider.listing-lag").map(({ lagMs }) => lagMs);
  const state = chances.active("ec2.state-lag").map(({ lagMs }) => lagMs);
  const listingMs = listing[0] ?? none;
  return { freshIdMs: listingMs, listingMs, stateMs: state[0] ?? none, launchTemplateMs: none };
}

export class Ec2Chances {
  readonly #world: ProviderModelWorld;
  readonly #chances: ProviderChances;
  readonly #state: Ec2State;
  readonly #errors: Chance;
  readonly #spells: Chance;
  readonly #pending: Chance;
  readonly #quotaCounts = new Map<Market, number>();
  #throttledCount = 0;
  #shortCount = 0;

  constructor(world: ProviderModelWorld, chances: ProviderChances, state: Ec2State) {
    this.#world = world;
    this.#chances = chances;
    this.#state = state;
    this.#errors = world.chance.fork("errors");
    this.#spells = world.chance.fork("spells");
    this.#pending = world.chance.fork("pending");
    for (const { machines } of chances.active("provider.quota")) this.#divideQuota(machines);
    for (const fault of chances.active("provider.no-capacity")) this.#expect(fault, (isOn) => this.#shorten(isOn));
    for (const fault of chances.active("ec2.throttled"))
      this.#expect(fault, (isOn) => {
        this.#throttledCount += isOn ? 1 : -1;
      });
  }

  /** Half of the machines in each market: the family's vCPUs, whoever uses them. */
  #divideQuota(machines: number): void {
    const [name] = EC2_SETTINGS.instanceTypes;
    const vcpus = findType(this.#state.options, name)?.vcpuCount ?? 1;
    const spot = Math.ceil(machines / 2);
    this.#quotaCounts.set("spot", spot).set("on-demand", machines - spot);
    for (const [market, count] of this.#quotaCounts) setQuota(this.#state, name, market, count * vcpus);
  }

  /** Machines that there may be in these markets together, of all pools. */
  quotaOf(markets: readonly Market[]): number {
    return markets.reduce((sum, market) => sum + (this.#quotaCounts.get(market) ?? Number.POSITIVE_INFINITY), 0);
  }

  #expect(fault: FaultOf<"provider.no-capacity" | "ec2.throttled">, turn: (isOn: boolean) => void): void {
    const { scheduler, witness, log } = this.#world;
    const { kind, everyMs, forMs } = fault;
    scheduler.after(this.#spells.wait(everyMs), () => {
      if (!this.#world.isFaulty()) return;
      witness.faultHappened(kind);
      log.note(`${kind} begins`);
      turn(true);
      scheduler.after(this.#spells.whole(forMs), () => {
        log.note(`${kind} ends`);
        turn(false);
        this.#expect(fault, turn);
      });
    });
  }

  #shorten(isOn: boolean): void {
    this.#shortCount += isOn ? 1 : -1;
    if (!isOn && this.#shortCount > 0) return;
    for (const pool of this.#pools()) {
      const free = this.#spells.whole([0, LEFT_MAX]);
      setRoom(this.#state, pool, isOn && this.#world.isFaulty() ? free : null);
    }
  }

  #pools(): readonly Pool[] {
    const { instanceTypes, zones } = this.#state.options;
    return instanceTypes.flatMap(({ name: type }) =>
      zones.flatMap((zone) => MARKETS.map((market) => ({ type, zone, market }))),
    );
  }

  /** What goes wrong with this call; null: nothing. */
  drawOutcome(action: Ec2Action): DrawnError | null {
    if (this.#throttledCount > 0 && this.#world.isFaulty())
      return { kind: "error", code: "RequestLimitExceeded", effect: "none" };
    for (const { kind, code, on, effect, probability } of this.#chances.active("ec2.error")) {
      if (on !== PLACES[action] || !this.#errors.happens(probability)) continue;
      this.#world.witness.faultHappened(kind);
      return { kind: "error", code, effect };
    }
    return null;
  }

  /** Whether the instance never leaves `pending`. */
  drawDoom(instanceId: string): boolean {
    const chance = this.#pending.fork(instanceId);
    const isDoomed = this.#chances.active("ec2.pending-fails").some(({ perMachine }) => chance.happens(perMachine));
    if (isDoomed) this.#world.witness.faultHappened("ec2.pending-fails");
    return isDoomed;
  }
}
