/** Whether there is room for an instance: capacity of its pool, its account's quota, its dedicated host. */
import { Ec2Refusal } from "./errors.ts";
import type { Ec2Options, InstanceTypeOption, Market } from "./options.ts";
import { type Ec2State, type Instance, poolKey, type RoomCode } from "./state.ts";

/** The families that share a quota of vCPUs, by the letters that types begin with; every other family has its own. */
const STANDARD = new Set(["a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"]);

function familyOf(type: string): string {
  const letters = /^[a-z]+/.exec(type)?.[0] ?? type;
  return STANDARD.has(letters) ? "standard" : letters;
}

/** vCPUs are counted by market and family. */
export function quotaKey(type: string, market: Market): string {
  return `${market}/${familyOf(type)}`;
}

export function findType({ instanceTypes }: Ec2Options, name: string): InstanceTypeOption | undefined {
  return instanceTypes.find((type) => type.name === name);
}

export function isOffered(type: InstanceTypeOption, zone: string): boolean {
  return type.zones === undefined || type.zones.includes(zone);
}

/** US dollars an hour. */
export function priceOf({ options }: Ec2State, { hourlyPrice }: InstanceTypeOption, market: Market): number {
  return market === "spot" ? hourlyPrice * options.spotPriceShare : hourlyPrice;
}

/** Why a launch gets less than it wants, and how much it gets. */
export type Room =
  | { readonly kind: "enough" }
  | { readonly kind: "short"; readonly count: number; readonly code: ShortCode; readonly message: string };

export type ShortCode =
  | RoomCode
  | "VcpuLimitExceeded"
  | "MaxSpotInstanceCountExceeded"
  | "InsufficientCapacityOnHost"
  | "InsufficientHostCapacity";

export interface Wish {
  readonly type: InstanceTypeOption;
  readonly zone: string;
  readonly market: Market;
  readonly count: number;
  /** For a spot instance, US dollars an hour; null: the on-demand price. */
  readonly maxPrice: number | null;
}

/** The tighter of quota and capacity; the quota is looked at first. */
export function findRoom(state: Ec2State, wish: Wish): Room {
  const quota = findQuota(state, wish);
  const capacity = findCapacity(state, wish);
  if (quota.kind === "enough") return capacity;
  return capacity.kind === "short" && capacity.count < quota.count ? capacity : quota;
}

function findCapacity(state: Ec2State, { type, zone, market, count, maxPrice }: Wish): Room {
  const isTooLow = market === "spot" && maxPrice !== null && maxPrice < priceOf(state, type, market);
  if (isTooLow)
    return {
      kind: "short",
      count: 0,
      code: "SpotMaxPriceTooLow",
      message: capacityMessage("SpotMaxPriceTooLow", type, zone),
    };
  const room = state.room.get(poolKey(type.name, zone, market));
  if (room === undefined || room.free >= count) return { kind: "enough" };
  return {
    kind: "short",
    count: Math.max(0, room.free),
    code: room.code,
    message: capacityMessage(room.code, type, zone),
  };
}

function capacityMessage(code: RoomCode, { name }: InstanceTypeOption, zone: string): string {
  switch (code) {
    case "InsufficientInstanceCapacity":
    case "InsufficientReservedInstanceCapacity":
      return `We currently do not have sufficient ${name} capacity in the Availability Zone you requested (${zone}). Our system will be working on provisioning additional capacity.`;
    case "UnfulfillableCapacity":
      return "Unable to fulfill capacity due to your request configuration. Please adjust your request and try again.";
    case "SpotMaxPriceTooLow":
      return `Your Spot request price is lower than the minimum required Spot request fulfillment price.`;
  }
}

function findQuota(state: Ec2State, { type, market, count }: Wish): Room {
  const key = quotaKey(type.name, market);
  const quota = state.quotas.get(key);
  if (quota === undefined) return { kind: "enough" };
  const fitting = Math.max(0, Math.floor((quota - usedVcpus(state, key)) / type.vcpuCount));
  if (fitting >= count) return { kind: "enough" };
  if (market === "spot")
    return {
      kind: "short",
      count: fitting,
      code: "MaxSpotInstanceCountExceeded",
      message: "Max spot instance count exceeded",
    };
  const message = `You have requested more vCPU capacity than your current vCPU limit of ${quota} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.`;
  return { kind: "short", count: fitting, code: "VcpuLimitExceeded", message };
}

/** Whatever is not stopped and not terminated holds its vCPUs. */
function usedVcpus({ known, options }: Ec2State, key: string): number {
  let count = 0;
  for (const { type, market, phase } of known.values())
    if (phase.kind !== "stopped" && phase.kind !== "terminated" && quotaKey(type, market) === key)
      count += findType(options, type)?.vcpuCount ?? 0;
  return count;
}

export function takeRoom({ room }: Ec2State, instance: Instance): void {
  const pool = room.get(poolKey(instance.type, instance.zone, instance.market));
  instance.holdsRoom = true;
  if (pool !== undefined) pool.free -= 1;
}

export function giveRoomBack({ room }: Ec2State, instance: Instance): void {
  if (!instance.holdsRoom) return;
  const pool = room.get(poolKey(instance.type, instance.zone, instance.market));
  instance.holdsRoom = false;
  if (pool !== undefined) pool.free += 1;
}

/** The dedicated host that takes so many instances more. @throws {Ec2Refusal} where there is none. */
export function findHost(state: Ec2State, hostId: string | undefined, zone: string, count: number): string {
  const isFree = (id: string, countMax: number) => countMax - countOn(state, id) >= count;
  const { hosts } = state.options;
  if (hostId !== undefined) {
    const host = hosts.find(({ id }) => id === hostId);
    if (host === undefined) throw new Ec2Refusal("InvalidHostID.NotFound", `The host ID '${hostId}' does not exist`);
    if (!isFree(host.id, host.instanceCountMax))
      throw new Ec2Refusal("InsufficientCapacityOnHost", `There is not enough capacity on the host '${hostId}'.`);
    return host.id;
  }
  const free = hosts.find((host) => host.zone === zone && isFree(host.id, host.instanceCountMax));
  if (free === undefined)
    throw new Ec2Refusal("InsufficientHostCapacity", "There is not enough capacity on your Dedicated Hosts.");
  return free.id;
}

function countOn({ known }: Ec2State, hostId: string): number {
  let count = 0;
  for (const instance of known.values())
    if (instance.hostId === hostId && instance.phase.kind !== "terminated") count += 1;
  return count;
}
