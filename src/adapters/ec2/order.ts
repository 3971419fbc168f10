/**
 * How a launch is made: on which market, of which types, in which subnets, by which call. Decided once, from the settings
 * and from what rests now, and written out as the exact request, because a repeat with the same token must be identical.
 *
 * One order is one call with one token. Where spot has no room, the order fails, what failed rests, and the next order
 * is for on-demand: no launch has a second call that a crash could lose.
 */
import type { CreateFleetCommandInput, RunInstancesCommandInput, Tag } from "@aws-sdk/client-ec2";
import { ProviderError } from "../../domain/errors.ts";
import { invariant } from "../../domain/invariant.ts";
import { specify } from "../aws/tags.ts";
import type { Interruptions } from "./interruptions.ts";
import { describeRest, type Lifecycle, type Place, type Rest, type Rests } from "./rests.ts";
import type { Ec2Settings } from "./settings.ts";

export type Order = OrderHead &
  (
    | { readonly call: "CreateFleet"; readonly input: CreateFleetCommandInput }
    | { readonly call: "RunInstances"; readonly input: RunInstancesCommandInput }
  );

interface OrderHead {
  readonly draftedAtMs: number;
  readonly lifecycle: Lifecycle | "both";
  /** What the call may start machines in, for reading its errors. */
  readonly places: readonly Place[];
  readonly count: number;
}

export interface OrderParts {
  readonly settings: Ec2Settings;
  readonly rests: Rests;
  readonly interruptions: Interruptions;
  /** All types in all subnets, with their zones. */
  readonly places: readonly Place[];
  readonly launchId: string;
  readonly count: number;
  /** Of `count`, how many should be on-demand. */
  readonly onDemandCount: number;
  readonly template: { readonly id: string; readonly version: string };
  readonly tags: Tag[];
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/** @throws {ProviderError} `provider-capacity` | `provider-quota` where all that could be asked for rests. */
export function draftOrder(parts: OrderParts): Order {
  const mix = chooseMix(parts);
  const { nowMs, settings } = parts;
  const head: OrderHead = {
    draftedAtMs: nowMs,
    lifecycle: mix.onDemandCount === 0 ? "spot" : mix.spotCount === 0 ? "on-demand" : "both",
    places: mix.places,
    count: mix.onDemandCount + mix.spotCount,
  };
  const isSingle = mix.places.length === 1 && settings.instanceTypes.length * settings.subnets.length === 1;
  if (head.lifecycle !== "both" && (settings.tenancy === "host" || isSingle)) {
    const [place] = mix.places;
    invariant(place !== undefined, "an order has a place");
    return { ...head, places: [place], call: "RunInstances", input: runInstances(parts, place, head) };
  }
  return { ...head, call: "CreateFleet", input: createFleet(parts, mix) };
}

interface Mix {
  readonly spotCount: number;
  readonly onDemandCount: number;
  readonly places: readonly Place[];
}

/**
 * What has no room is left out, and what nothing has room for is left to the other market if the settings allow it. Where
 * both markets are asked for in one call, only places that are free on both count: an override cannot be for one of them.
 */
function chooseMix(parts: OrderParts): Mix {
  const { settings, count } = parts;
  const isSpotAllowed = settings.market !== "on-demand" && settings.tenancy !== "host";
  const onDemandCount = isSpotAllowed ? Math.min(parts.onDemandCount, count) : count;
  const spotCount = count - onDemandCount;
  const spotFree = isSpotAllowed ? parts.interruptions.seldomIn(freePlaces(parts, "spot")) : [];
  const onDemandFree = freePlaces(parts, "on-demand");
  if (spotCount > 0 && onDemandCount > 0) {
    const both = spotFree.filter((place) => onDemandFree.includes(place));
    if (both.length > 0) return { spotCount, onDemandCount, places: both };
    if (onDemandFree.length > 0) return { spotCount: 0, onDemandCount, places: onDemandFree };
    if (spotFree.length > 0) return { spotCount, onDemandCount: 0, places: spotFree };
    throw refusal(parts, ["spot", "on-demand"]);
  }
  if (onDemandCount > 0) {
    if (onDemandFree.length > 0) return { spotCount: 0, onDemandCount, places: onDemandFree };
    throw refusal(parts, ["on-demand"]);
  }
  if (spotFree.length > 0) return { spotCount, onDemandCount: 0, places: spotFree };
  const isOnDemandBehind = settings.market === "spot-then-on-demand";
  if (isOnDemandBehind && onDemandFree.length > 0) return { spotCount: 0, onDemandCount: count, places: onDemandFree };
  throw refusal(parts, isOnDemandBehind ? ["spot", "on-demand"] : ["spot"]);
}

function freePlaces({ places, rests }: OrderParts, lifecycle: Lifecycle): readonly Place[] {
  return places.filter((place) => rests.of(place, lifecycle) === null);
}

/** It names what rests; the pool has something to expect when the first of it ends. */
function refusal({ places, rests, monotonicMs }: OrderParts, lifecycles: readonly Lifecycle[]): ProviderError {
  const found = places.flatMap((place) => lifecycles.flatMap((lifecycle) => rests.of(place, lifecycle) ?? []));
  const reasons = [...new Map(found.map((rest): [string, Rest] => [rest.what, rest])).values()];
  const isQuota = reasons.every((rest) => rest.isQuota);
  const first = Math.min(...reasons.map((rest) => rest.untilMonotonicMs));
  return new ProviderError(
    isQuota ? "provider-quota" : "provider-capacity",
    `choosing where to start machines: ${reasons.map(describeRest).join("; ")}`,
    { retryAfterMs: Math.max(1, first - monotonicMs) },
  );
}

/** Two machines of ours may share a subnet and a type: which is whose, a fleet decides. */
function createFleet(parts: OrderParts, { spotCount, onDemandCount, places }: Mix): CreateFleetCommandInput {
  const { settings, template, launchId, tags } = parts;
  const isPrioritized =
    settings.spotAllocation === "capacity-optimized-prioritized" || settings.onDemandAllocation === "prioritized";
  return {
    Type: "instant",
    ClientToken: launchId,
    TargetCapacitySpecification: {
      TotalTargetCapacity: spotCount + onDemandCount,
      SpotTargetCapacity: spotCount,
      OnDemandTargetCapacity: onDemandCount,
      DefaultTargetCapacityType: spotCount > 0 ? "spot" : "on-demand",
    },
    ...(spotCount === 0 ? {} : { SpotOptions: { AllocationStrategy: settings.spotAllocation } }),
    ...(onDemandCount === 0 ? {} : { OnDemandOptions: { AllocationStrategy: settings.onDemandAllocation } }),
    LaunchTemplateConfigs: [
      {
        LaunchTemplateSpecification: { LaunchTemplateId: template.id, Version: template.version },
        Overrides: places.map(({ instanceType, subnet }) => ({
          InstanceType: instanceType as NonNullable<RunInstancesCommandInput["InstanceType"]>,
          SubnetId: subnet,
          ...(isPrioritized ? { Priority: settings.instanceTypes.indexOf(instanceType) } : {}),
          ...(spotCount > 0 && settings.spotMaxPrice !== null ? { MaxPrice: settings.spotMaxPrice } : {}),
        })),
      },
    ],
    // Volumes and interfaces are marked by the template: a fleet's call takes no tags for them.
    TagSpecifications: specify(["instance", "fleet"], tags),
  };
}

/** `MinCount` 1: what there is room for is started, and the rest is asked for anew. */
function runInstances(parts: OrderParts, place: Place, head: OrderHead): RunInstancesCommandInput {
  const { settings, template, launchId, tags } = parts;
  const isSpot = head.lifecycle === "spot";
  const price = settings.spotMaxPrice;
  return {
    ClientToken: launchId,
    MinCount: 1,
    MaxCount: head.count,
    InstanceType: place.instanceType as NonNullable<RunInstancesCommandInput["InstanceType"]>,
    LaunchTemplate: { LaunchTemplateId: template.id, Version: template.version },
    ...networkOf(settings, place),
    ...(isSpot
      ? {
          InstanceMarketOptions: {
            MarketType: "spot",
            SpotOptions: {
              SpotInstanceType: "one-time",
              InstanceInterruptionBehavior: "terminate",
              ...(price === null ? {} : { MaxPrice: price }),
            },
          },
        }
      : {}),
    TagSpecifications: specify(
      isSpot
        ? ["instance", "volume", "network-interface", "spot-instances-request"]
        : ["instance", "volume", "network-interface"],
      tags,
    ),
  };
}

/** A subnet and network interfaces exclude each other in one call, and the template has an interface where it sets an address. */
function networkOf(settings: Ec2Settings, { subnet }: Place): Partial<RunInstancesCommandInput> {
  if (settings.publicAddress === null) return { SubnetId: subnet };
  return {
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        SubnetId: subnet,
        AssociatePublicIpAddress: settings.publicAddress,
        DeleteOnTermination: true,
        ...(settings.securityGroups.length === 0 ? {} : { Groups: [...settings.securityGroups] }),
      },
    ],
  };
}

export function writeOrder(order: Order): string {
  return JSON.stringify(order);
}

/** Only what `writeOrder` wrote is ever stored in its place. */
export function readOrder(text: string | null | undefined): Order {
  invariant(typeof text === "string", "a launch of instances is drafted and stored before it is made");
  const order: unknown = JSON.parse(text);
  invariant(
    typeof order === "object" && order !== null && "call" in order && "input" in order && "draftedAtMs" in order,
    "a stored order is one that was drafted",
  );
  return order as Order;
}

/**
 * How many of a launch should be on-demand: until the base is there, all; above it, so many that the share holds with
 * the launch counted in.
 * @param standing machines that are there or on their way.
 */
export function onDemandCountOf(
  { market, onDemandBase, onDemandPercent }: Pick<Ec2Settings, "market" | "onDemandBase" | "onDemandPercent">,
  standing: { readonly onDemandCount: number; readonly count: number },
  count: number,
): number {
  if (market === "on-demand") return count;
  const aboveBase = Math.max(0, standing.count + count - onDemandBase);
  const wanted = Math.min(standing.count + count, onDemandBase) + Math.ceil((aboveBase * onDemandPercent) / 100);
  return Math.min(count, Math.max(0, wanted - standing.onDemandCount));
}
