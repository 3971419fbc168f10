/**
 * What machines are not asked for at the moment, because EC2 just refused them: a type in a zone on a market, a family on a
 * market, a subnet. Kept in memory: a restart costs one more refused call for each.
 */
import { type BackoffPolicy, backoffMs } from "../../domain/backoff.ts";
import { formatInstant } from "../../domain/instant.ts";
import { HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { describeFailure, type Ec2Failure } from "../aws/errors.ts";
import { familyOf } from "./families.ts";

export type Lifecycle = "spot" | "on-demand";

/** One way to start a machine. */
export interface Place {
  readonly instanceType: string;
  readonly subnet: string;
  readonly zone: string;
}

export interface Rest {
  readonly isQuota: boolean;
  readonly untilMonotonicMs: number;
  readonly untilMs: number;
  /** What rests, and EC2's word. */
  readonly what: string;
  readonly why: string;
}

const CAPACITY_REST: BackoffPolicy = { firstMs: 3 * MINUTE_MS, limitMs: 10 * MINUTE_MS };
const QUOTA_REST: BackoffPolicy = { firstMs: 2 * MINUTE_MS, limitMs: 15 * MINUTE_MS };
/** A zone does not get a type from one minute to the next. */
const UNSUPPORTED_REST: BackoffPolicy = { firstMs: 6 * HOUR_MS, limitMs: 6 * HOUR_MS };
/** A rest that ended so long ago counts for nothing: the next refusal is a first one again. */
const FORGOTTEN_AFTER_MS = HOUR_MS;
const RESTS_MAX = 10_000;

export class Rests {
  readonly #clock: Clock;
  readonly #rests = new Map<string, Rest & { readonly count: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of a refusal. What is no matter of place or market leaves no note. */
  note(failure: Ec2Failure, place: Place, lifecycle: Lifecycle): void {
    const why = describeFailure(failure);
    const { instanceType, subnet, zone } = place;
    switch (failure.trouble) {
      case "capacity":
      case "price":
        this.#rest(placeKey(place, lifecycle), CAPACITY_REST, `${instanceType} in ${zone} on ${lifecycle}`, why);
        break;
      case "unsupported":
        for (const market of LIFECYCLES)
          this.#rest(placeKey(place, market), UNSUPPORTED_REST, `${instanceType} in ${zone} on ${market}`, why);
        break;
      case "subnet-full":
        this.#rest(subnetKey(subnet), CAPACITY_REST, `subnet ${subnet}`, why);
        break;
      case "family-quota": {
        const family = familyOf(instanceType);
        this.#rest(familyKey(family, lifecycle), QUOTA_REST, `family ${family} on ${lifecycle}`, why, true);
        break;
      }
      case "account-quota":
        this.#rest(ACCOUNT_KEY, QUOTA_REST, "every launch", why, true);
        break;
    }
  }

  /** A machine was taken from there by spot's reclaim: new ones go elsewhere for a while. */
  noteReclaim(place: Place): void {
    const what = `${place.instanceType} in ${place.zone} on spot`;
    this.#rest(placeKey(place, "spot"), CAPACITY_REST, what, "EC2 reclaimed machines there");
  }

  /** Something was started there, so nothing of it needs to rest. */
  noteStarted(place: Place, lifecycle: Lifecycle): void {
    for (const key of keysOf(place, lifecycle)) this.#rests.delete(key);
  }

  /** What keeps this place from being asked for; null where nothing does. The one that lasts longest. */
  of(place: Place, lifecycle: Lifecycle): Rest | null {
    const nowMs = this.#clock.monotonicMs();
    let longest: Rest | null = null;
    for (const key of keysOf(place, lifecycle)) {
      const rest = this.#rests.get(key);
      if (rest === undefined || rest.untilMonotonicMs <= nowMs) continue;
      if (longest === null || rest.untilMonotonicMs > longest.untilMonotonicMs) longest = rest;
    }
    return longest;
  }

  /** All that last, in words. */
  describe(): readonly string[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#rests.values()].filter((rest) => rest.untilMonotonicMs > nowMs).map(describeRest);
  }

  #rest(key: string, policy: BackoffPolicy, what: string, why: string, isQuota = false): void {
    const monotonicMs = this.#clock.monotonicMs();
    const before = this.#rests.get(key);
    // Answers of one call report the same refusal for each of its overrides.
    if (before !== undefined && before.untilMonotonicMs > monotonicMs) return;
    const isFresh = before === undefined || monotonicMs - before.untilMonotonicMs > FORGOTTEN_AFTER_MS;
    const count = isFresh ? 1 : before.count + 1;
    const restMs = backoffMs(policy, count, 0);
    const untilMs = this.#clock.nowMs() + restMs;
    this.#forgetOldest(key);
    this.#rests.set(key, { isQuota, untilMonotonicMs: monotonicMs + restMs, untilMs, what, why, count });
  }

  #forgetOldest(key: string): void {
    this.#rests.delete(key);
    const [oldest] = this.#rests.keys();
    if (this.#rests.size >= RESTS_MAX && oldest !== undefined) this.#rests.delete(oldest);
  }
}

export function describeRest({ what, why, untilMs }: Rest): string {
  return `${what} rests until ${formatInstant(untilMs)}: ${why}`;
}

const LIFECYCLES: readonly Lifecycle[] = ["spot", "on-demand"];
const ACCOUNT_KEY = "account";

function keysOf(place: Place, lifecycle: Lifecycle): readonly string[] {
  return [
    placeKey(place, lifecycle),
    subnetKey(place.subnet),
    familyKey(familyOf(place.instanceType), lifecycle),
    ACCOUNT_KEY,
  ];
}

function placeKey({ instanceType, zone }: Place, lifecycle: Lifecycle): string {
  return `place ${instanceType} ${zone} ${lifecycle}`;
}

function subnetKey(subnet: string): string {
  return `subnet ${subnet}`;
}

function familyKey(family: string, lifecycle: Lifecycle): string {
  return `family ${family} ${lifecycle}`;
}
