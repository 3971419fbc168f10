/** One market of a fleet: which pools are tried in which order, and what each of them gives. */
import type { CreateFleetRequest, FleetOverride, MarketOptions } from "./api.ts";
import { freeAddressCount } from "./belongings.ts";
import { demandValue, type Ec2ErrorCode, Ec2Refusal } from "./errors.ts";
import { type FoundVersion, templateTags } from "./find-template.ts";
import { joinOverride, type LaunchSettings, readLaunch } from "./launch-settings.ts";
import type { Market, SubnetOption } from "./options.ts";
import { spend } from "./rates.ts";
import { findRoom, isOffered, priceOf } from "./room.ts";
import { forgetStart, startInstances } from "./start.ts";
import { type Ec2State, type Instance, poolKey } from "./state.ts";

export interface FleetPool {
  readonly found: FoundVersion;
  readonly override: FleetOverride;
}

export interface FleetError {
  readonly pool: FleetPool;
  readonly market: Market;
  readonly code: Ec2ErrorCode;
  readonly message: string;
}

export interface FleetStart {
  readonly pool: FleetPool;
  readonly launch: LaunchSettings;
  readonly subnet: SubnetOption;
  readonly instances: readonly Instance[];
}

export interface Filled {
  readonly market: Market;
  readonly starts: readonly FleetStart[];
  readonly errors: readonly FleetError[];
}

export interface MarketWish {
  readonly market: Market;
  readonly count: number;
  readonly options: MarketOptions;
  readonly pools: readonly FleetPool[];
  readonly request: CreateFleetRequest;
  readonly fleetId: string;
}

/** A pool whose settings are right. */
interface Ready {
  readonly pool: FleetPool;
  readonly launch: LaunchSettings;
  readonly subnet: SubnetOption;
}

/** As much as there is, of each pool in turn. Where the least that is asked for cannot be had, nothing is started. */
export function fillMarket(state: Ec2State, wish: MarketWish, nowMs: number): Filled {
  const { market, count, options } = wish;
  if (count === 0) return { market, starts: [], errors: [] };
  const errors: FleetError[] = [];
  const ready = wish.pools.flatMap((pool) => {
    const read = readPool(state, wish, pool);
    if (!(read instanceof Ec2Refusal)) return [read];
    errors.push({ pool, market, code: read.code, message: read.message });
    return [];
  });
  const starts: FleetStart[] = [];
  let missing = count;
  const ordered = order(state, ready, wish);
  for (const [index, one] of ordered.entries()) {
    if (missing === 0) break;
    const share = isDiverse(options) ? Math.ceil(missing / (ordered.length - index)) : missing;
    const { instances, refusal } = startSome(state, one, wish, share, nowMs);
    if (refusal !== null) errors.push({ pool: one.pool, market, code: refusal.code, message: refusal.message });
    if (instances.length > 0) starts.push({ ...one, instances });
    missing -= instances.length;
  }
  const isEnough = count - missing >= (options.MinTargetCapacity ?? 0);
  if (isEnough) return { market, starts, errors };
  for (const { instances } of starts) forgetStart(state, instances);
  return { market, starts: [], errors };
}

/** What is wrong with a pool's settings is an error of its own override, and no error of the call. */
function readPool(state: Ec2State, { market, request }: MarketWish, pool: FleetPool): Ready | Ec2Refusal {
  try {
    const data = joinOverride(pool.found.version.data, pool.override, request.TagSpecifications);
    const launch = readLaunch(state, data, market);
    const [first] = state.options.subnets;
    const subnet = launch.subnet ?? first;
    demandValue(subnet !== undefined, "No subnet for the fleet's instances.");
    if (!isOffered(launch.type, subnet.zone))
      throw new Ec2Refusal(
        "InvalidFleetConfiguration",
        `Your requested instance type (${launch.type.name}) is not supported in your requested Availability Zone (${subnet.zone}).`,
      );
    return { pool, launch, subnet };
  } catch (error) {
    if (error instanceof Ec2Refusal) return error;
    throw error;
  }
}

function isDiverse({ AllocationStrategy }: MarketOptions): boolean {
  return AllocationStrategy === "diversified";
}

/** By the allocation strategy; where two are equal, as they were given. */
function order(state: Ec2State, ready: readonly Ready[], { market, options }: MarketWish): readonly Ready[] {
  const price = ({ launch }: Ready) => priceOf(state, launch.type, market);
  const priority = ({ pool }: Ready) => pool.override.Priority ?? Number.POSITIVE_INFINITY;
  const scarcity = ({ launch, subnet }: Ready) =>
    -(state.room.get(poolKey(launch.type.name, subnet.zone, market))?.free ?? Number.POSITIVE_INFINITY);
  const keys = {
    "lowest-price": [price],
    prioritized: [priority],
    diversified: [],
    "capacity-optimized": [scarcity],
    "capacity-optimized-prioritized": [priority, scarcity],
    "price-capacity-optimized": [scarcity, price],
  } as const satisfies Record<string, readonly ((one: Ready) => number)[]>;
  const strategy = options.AllocationStrategy ?? "lowest-price";
  const own: readonly ((one: Ready) => number)[] | undefined = keys[strategy as keyof typeof keys];
  demandValue(own !== undefined, `Invalid value '${strategy}' for AllocationStrategy.`);
  return [...ready].sort((one, other) => {
    for (const key of own) if (key(one) !== key(other)) return key(one) < key(other) ? -1 : 1;
    return 0;
  });
}

function startSome(state: Ec2State, { pool, launch, subnet }: Ready, wish: MarketWish, count: number, nowMs: number) {
  const room = findRoom(state, {
    type: launch.type,
    zone: subnet.zone,
    market: wish.market,
    count,
    maxPrice: launch.maxPrice,
  });
  const addresses = freeAddressCount(state, subnet.id);
  const startable = Math.min(room.kind === "enough" ? count : room.count, addresses);
  const refusal =
    startable >= count
      ? null
      : room.kind === "short" && room.count <= addresses
        ? new Ec2Refusal(room.code, room.message)
        : new Ec2Refusal(
            "InsufficientFreeAddressesInSubnet",
            `There are not enough free addresses in subnet '${subnet.id}'.`,
          );
  if (startable === 0) return { instances: [], refusal };
  spend(state, "startedInstances", startable, nowMs);
  const ownTags = new Map([["aws:ec2:fleet-id", wish.fleetId], ...templateTags(pool.found)]);
  const clientToken = wish.request.ClientToken ?? null;
  return {
    instances: startInstances(state, { launch, subnet, hostId: null, clientToken, ownTags }, startable, nowMs),
    refusal,
  };
}
