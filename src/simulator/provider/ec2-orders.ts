/**
 * How the world's launches are made, as `LaunchOrders` has it: on spot while it has room, on demand behind it, and in no place
 * that EC2 has just refused. A place is a type in a subnet. Kept in the memory of one process, which a restart empties.
 */
import { type BackoffPolicy, backoffMs } from "../../domain/backoff.ts";
import { ProviderError, type ProviderErrorCode } from "../../domain/errors.ts";
import { invariant } from "../../domain/invariant.ts";
import { HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import type { Ec2ErrorCode } from "../ec2/errors.ts";
import type { Market } from "../ec2/options.ts";

/** What the world's pools are started from. */
export const EC2_SETTINGS = {
  template: "holdfast",
  instanceTypes: ["c5.xlarge", "m5.xlarge"],
  subnets: ["subnet-0a1b2c3d4e5f60710", "subnet-0a1b2c3d4e5f60711"],
} as const;

export interface Ec2Place {
  readonly type: string;
  readonly subnet: string;
}

export interface Ec2Order {
  readonly market: Market;
  readonly places: readonly Ec2Place[];
}

interface Rest {
  readonly untilMs: number;
  readonly isQuota: boolean;
  readonly what: string;
  readonly count: number;
}

const CAPACITY_REST: BackoffPolicy = { firstMs: 3 * MINUTE_MS, limitMs: 10 * MINUTE_MS };
const QUOTA_REST: BackoffPolicy = { firstMs: 2 * MINUTE_MS, limitMs: 15 * MINUTE_MS };
const FORGOTTEN_AFTER_MS = HOUR_MS;
const EVERYTHING = "everything";
/** Quotas of the account, whatever is started. */
const ACCOUNT_CODES: ReadonlySet<Ec2ErrorCode> = new Set([
  "MaxSpotFleetRequestCountExceeded",
  "TargetCapacityLimitExceededException",
  "ResourceLimitExceeded",
  "VolumeLimitExceeded",
  "NetworkInterfaceLimitExceeded",
]);

/** What a launch that ends so is for whoever asked for it; everything else is a matter of settings. */
const LAUNCH_CODES: Readonly<Partial<Record<Ec2ErrorCode, ProviderErrorCode>>> = {
  InsufficientInstanceCapacity: "provider-capacity",
  InsufficientHostCapacity: "provider-capacity",
  InsufficientCapacityOnHost: "provider-capacity",
  InsufficientReservedInstanceCapacity: "provider-capacity",
  UnfulfillableCapacity: "provider-capacity",
  Unsupported: "provider-capacity",
  UnsupportedOperation: "provider-capacity",
  InvalidInstanceType: "provider-capacity",
  SpotMaxPriceTooLow: "provider-capacity",
  InsufficientFreeAddressesInSubnet: "provider-capacity",
  VcpuLimitExceeded: "provider-quota",
  InstanceLimitExceeded: "provider-quota",
  MaxSpotInstanceCountExceeded: "provider-quota",
  MaxSpotFleetRequestCountExceeded: "provider-quota",
  TargetCapacityLimitExceededException: "provider-quota",
  ResourceLimitExceeded: "provider-quota",
  VolumeLimitExceeded: "provider-quota",
  NetworkInterfaceLimitExceeded: "provider-quota",
  RequestLimitExceeded: "provider-unavailable",
  Throttling: "provider-unavailable",
  EC2ThrottledException: "provider-unavailable",
  InternalError: "provider-unavailable",
  InternalFailure: "provider-unavailable",
  ServiceUnavailable: "provider-unavailable",
  Unavailable: "provider-unavailable",
  IncorrectInstanceState: "provider-unavailable",
  IncorrectState: "provider-unavailable",
  "InvalidLaunchTemplateName.AlreadyExistsException": "provider-unavailable",
  "InvalidInstanceID.NotFound": "provider-unavailable",
};

export function launchCodeOf(code: Ec2ErrorCode): ProviderErrorCode {
  return LAUNCH_CODES[code] ?? "provider-invalid";
}

export interface RefusedPlace {
  readonly code: Ec2ErrorCode;
  readonly place: Ec2Place;
}

export class Ec2Orders {
  readonly #monotonicMs: () => number;
  readonly #markets: readonly Market[];
  readonly #rests = new Map<string, Rest>();

  /** @param markets in the order in which they are tried. */
  constructor(monotonicMs: () => number, markets: readonly Market[]) {
    this.#monotonicMs = monotonicMs;
    this.#markets = markets;
  }

  /** @throws {ProviderError} `provider-capacity` | `provider-quota` while everything rests. */
  draft(): Ec2Order {
    for (const market of this.#markets) {
      const places = this.#freePlaces(market);
      if (places.length > 0) return { market, places };
    }
    const nowMs = this.#monotonicMs();
    const rests = this.#standing();
    const untilMs = Math.min(...rests.map((rest) => rest.untilMs));
    const isQuota = rests.every((rest) => rest.isQuota);
    throw new ProviderError(
      isQuota ? "provider-quota" : "provider-capacity",
      `choosing where to start machines: ${this.describe().join("; ")}`,
      { retryAfterMs: Math.max(1, untilMs - nowMs) },
    );
  }

  /** All that rests, in words. */
  describe(): readonly string[] {
    return this.#standing().map(({ what }) => what);
  }

  /** @param refused by its place; a call that was refused as a whole says it of each that it named. */
  note({ market }: Ec2Order, refused: readonly RefusedPlace[]): void {
    for (const { code, place } of refused) {
      const as = launchCodeOf(code);
      if (as === "provider-capacity") this.#rest(placeKey(place, market), CAPACITY_REST, code, false);
      if (as === "provider-quota") this.#rest(ACCOUNT_CODES.has(code) ? EVERYTHING : market, QUOTA_REST, code, true);
    }
  }

  /** Something was started there: nothing of it has to rest. */
  noteStarted(market: Market, place: Ec2Place): void {
    for (const key of keysOf(place, market)) this.#rests.delete(key);
  }

  /** Whether the next order would be for the market behind this one. */
  hasOtherWay({ market }: Ec2Order): boolean {
    const behind = this.#markets[this.#markets.indexOf(market) + 1];
    return behind !== undefined && this.#freePlaces(market).length === 0 && this.#freePlaces(behind).length > 0;
  }

  #freePlaces(market: Market): readonly Ec2Place[] {
    const nowMs = this.#monotonicMs();
    return PLACES.filter((place) =>
      keysOf(place, market).every((key) => (this.#rests.get(key)?.untilMs ?? 0) <= nowMs),
    );
  }

  #standing(): readonly Rest[] {
    const nowMs = this.#monotonicMs();
    return [...this.#rests.values()].filter(({ untilMs }) => untilMs > nowMs);
  }

  #rest(key: string, policy: BackoffPolicy, code: Ec2ErrorCode, isQuota: boolean): void {
    const nowMs = this.#monotonicMs();
    const before = this.#rests.get(key);
    // One call reports the same of each of its overrides.
    if (before !== undefined && before.untilMs > nowMs) return;
    const isFresh = before === undefined || nowMs - before.untilMs > FORGOTTEN_AFTER_MS;
    const count = isFresh ? 1 : before.count + 1;
    const untilMs = nowMs + backoffMs(policy, count, 0);
    this.#rests.set(key, { untilMs, isQuota, count, what: `${key} rests: ${code}` });
  }
}

const PLACES: readonly Ec2Place[] = EC2_SETTINGS.instanceTypes.flatMap((type) =>
  EC2_SETTINGS.subnets.map((subnet) => ({ type, subnet })),
);

function placeKey({ type, subnet }: Ec2Place, market: Market): string {
  return `${type} in ${subnet} on ${market}`;
}

/** The world's types are all of one family as far as quotas go. */
function keysOf(place: Ec2Place, market: Market): readonly string[] {
  return [placeKey(place, market), market, EVERYTHING];
}

export function writeOrder(order: Ec2Order): string {
  return JSON.stringify(order);
}

export function readOrder(text: string | null | undefined): Ec2Order {
  invariant(text !== null && text !== undefined, "a launch of instances is drafted and stored before it is made");
  return JSON.parse(text) as Ec2Order;
}
