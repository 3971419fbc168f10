/** What befalls the calls about the world's groups: the scenario's faults, put on the models. */
import type { AsgAction } from "../asg/api.ts";
import type { AsgErrorCode } from "../asg/errors.ts";
import type { AsgState } from "../asg/state.ts";
import type { FaultKind, GroupErrorPlace } from "../scenario/fault.ts";
import type { Chance, Range } from "../world/chance.ts";
import type { ProviderChances } from "./chances.ts";
import type { ProviderModelWorld } from "./provider-world.ts";

export const ASG_FAULT_KINDS: ReadonlySet<FaultKind> = new Set([
  "provider.listing-lag",
  "provider.missing-from-listing",
  "provider.no-capacity",
  "provider.reclaim",
  "provider.marks-lost",
  "ec2.throttled",
  "asg.error",
  "asg.throttled",
  "asg.stale-reads",
  "asg.resized",
  "asg.unprotected",
  "asg.unhealthy",
  "asg.refresh",
  "asg.one-zone",
  "asg.standby",
  "asg.detached",
  "asg.warm-pool-resized",
  "asg.ends-one",
  "host.slow-boot",
  "host.never-boots",
]);

const PLACES: Readonly<Partial<Record<AsgAction, GroupErrorPlace>>> = {
  DescribeAutoScalingGroups: "read",
  DescribeAutoScalingInstances: "read",
  DescribeWarmPool: "read",
  DescribeLifecycleHooks: "read",
  DescribeScalingActivities: "read",
  SetDesiredCapacity: "size",
  TerminateInstanceInAutoScalingGroup: "terminate",
  CompleteLifecycleAction: "complete",
  RecordLifecycleActionHeartbeat: "heartbeat",
};

export interface DrawnGroupError {
  readonly kind: "error";
  readonly code: AsgErrorCode;
  readonly effect: "none" | "done";
}

export class AsgChances {
  readonly #world: ProviderModelWorld;
  readonly #chances: ProviderChances;
  readonly #errors: Chance;
  /** Spells in which every call is refused. */
  throttledCount = 0;
  /** The same of calls to EC2. */
  ec2ThrottledCount = 0;

  constructor(world: ProviderModelWorld, chances: ProviderChances) {
    this.#world = world;
    this.#chances = chances;
    this.#errors = world.chance.fork("errors");
  }

  /** What goes wrong with this call; null: nothing. */
  drawOutcome(action: AsgAction): DrawnGroupError | null {
    if (this.throttledCount > 0 && this.#world.isFaulty()) return { kind: "error", code: "Throttling", effect: "none" };
    for (const { kind, code, on, effect, probability } of this.#chances.active("asg.error")) {
      if (on !== PLACES[action] || !this.#errors.happens(probability)) continue;
      this.#world.witness.faultHappened(kind);
      return { kind: "error", code, effect };
    }
    return null;
  }

  /** Whether EC2 refuses this call; it has limits of its own. */
  isEc2Throttled(): boolean {
    return this.ec2ThrottledCount > 0 && this.#world.isFaulty();
  }

  /** Lets this reading be as old, and as incomplete, as the scenario has it. */
  ageReading(state: AsgState): void {
    const none: Range = [0, 0];
    const [stale] = this.#chances.active("asg.stale-reads");
    const readingMs = stale?.lagMs ?? none;
    const omittedShare = this.#chances.isMissing() ? OMITTED_SHARE : 0;
    state.options = { ...state.options, lags: { readingMs, omittedShare } };
  }
}

/** Of the members, in a reading that lacks any. */
const OMITTED_SHARE = 0.3;
