import type { CreateFleetCommandInput, RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { classify } from "../../../src/adapters/aws/errors.ts";
import { Interruptions } from "../../../src/adapters/ec2/interruptions.ts";
import { draftOrder, type Order, onDemandCountOf, readOrder, writeOrder } from "../../../src/adapters/ec2/order.ts";
import { type Lifecycle, type Place, Rests } from "../../../src/adapters/ec2/rests.ts";
import type { Ec2Settings } from "../../../src/adapters/ec2/settings.ts";
import { ProviderError } from "../../../src/domain/errors.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { handClock, NO_PLACE, settingsAt } from "./stage.ts";

const TYPES = ["m5.large", "c5.large"];

function placesOf({ instanceTypes, subnets }: Ec2Settings): readonly Place[] {
  return instanceTypes.flatMap((instanceType) =>
    subnets.map((subnet) => ({ instanceType, subnet, zone: subnet.slice(-1) })),
  );
}

interface Wish {
  readonly changes?: Partial<Ec2Settings>;
  readonly count?: number;
  readonly onDemandCount?: number;
  /** Places of these markets that have no room; all of a market where no type is named. */
  readonly full?: readonly (readonly [Lifecycle, string?])[];
  readonly code?: string;
  /** Types that spot takes back again and again, in every zone. */
  readonly reclaimed?: readonly string[];
}

function draft({ changes = {}, count = 4, onDemandCount = 0, full = [], reclaimed = [], ...wish }: Wish): Order {
  const { code = "UnfulfillableCapacity" } = wish;
  const settings = settingsAt("http://ec2.test", NO_PLACE, { instanceTypes: TYPES, ...changes });
  const clock = handClock();
  const rests = new Rests(clock);
  const places = placesOf(settings);
  for (const [lifecycle, type] of full)
    for (const place of places)
      if (type === undefined || place.instanceType === type) rests.note(classify(code, "", null), place, lifecycle);
  const interruptions = new Interruptions(clock);
  for (const place of places.filter(({ instanceType }) => reclaimed.includes(instanceType)))
    for (let count = 0; count < 3; count += 1) interruptions.noteReclaimed(place);
  return draftOrder({
    settings,
    rests,
    interruptions,
    places,
    launchId: "l-00000001",
    count,
    onDemandCount,
    template: { id: "lt-1", version: "7" },
    tags: [{ Key: "holdfast:launch", Value: "l-00000001" }],
    nowMs: clock.nowMs(),
    monotonicMs: clock.monotonicMs(),
  });
}

const mixOf = ({ input }: Order) => {
  const { TargetCapacitySpecification: target } = input as CreateFleetCommandInput;
  return [target?.SpotTargetCapacity, target?.OnDemandTargetCapacity, target?.TotalTargetCapacity];
};
const typesOf = ({ places }: Order) => [...new Set(places.map(({ instanceType }) => instanceType))];

function refusalOf(wish: Wish): ProviderError {
  try {
    draft(wish);
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("an order", () => {
  it.each<readonly [string, Wish, readonly number[], readonly string[]]>([
    ["spot first, in all places", {}, [4, 0, 4], TYPES],
    ["without the places that have no room", { full: [["spot", "m5.large"]] }, [4, 0, 4], ["c5.large"]],
    ["on-demand behind it, where spot has none", { full: [["spot"]] }, [0, 4, 4], TYPES],
    ["on-demand alone", { changes: { market: "on-demand" } }, [0, 4, 4], TYPES],
    ["both, by the share", { onDemandCount: 1 }, [3, 1, 4], TYPES],
    ["both, where both have room", { onDemandCount: 1, full: [["spot", "m5.large"]] }, [3, 1, 4], ["c5.large"]],
    ["on-demand's share alone, where spot has none", { onDemandCount: 1, full: [["spot"]] }, [0, 1, 1], TYPES],
    ["spot's share alone, where on-demand has none", { onDemandCount: 1, full: [["on-demand"]] }, [3, 0, 3], TYPES],
    ["spot where machines are left alone", { reclaimed: ["m5.large"] }, [4, 0, 4], ["c5.large"]],
    ["spot all the same, where they are left alone nowhere", { reclaimed: TYPES }, [4, 0, 4], TYPES],
    [
      "spot where it has room, however often it is taken back there",
      { reclaimed: ["m5.large"], full: [["spot", "c5.large"]] },
      [4, 0, 4],
      ["m5.large"],
    ],
    ["on-demand wherever spot is taken back", { reclaimed: ["m5.large"], onDemandCount: 4 }, [0, 4, 4], TYPES],
    ["spot alone", { changes: { market: "spot" }, full: [["on-demand"]] }, [4, 0, 4], TYPES],
  ])("asks for %s", (_name, wish, mix, types) => {
    const order = draft(wish);
    expect(order.call).toBe("CreateFleet");
    expect(mixOf(order)).toEqual(mix);
    expect(typesOf(order)).toEqual(types);
    expect(order.count).toBe(mix[2]);
  });

  it("carries the launch's id as its token, its tags, and how EC2 is to choose", () => {
    const input = draft({ changes: { spotMaxPrice: "0.1" } }).input as CreateFleetCommandInput;
    expect(input).toMatchObject({
      Type: "instant",
      ClientToken: "l-00000001",
      SpotOptions: { AllocationStrategy: "price-capacity-optimized" },
    });
    expect(input.TagSpecifications?.map(({ ResourceType }) => ResourceType)).toEqual(["instance", "fleet"]);
    const [config] = input.LaunchTemplateConfigs ?? [];
    expect(config?.LaunchTemplateSpecification).toEqual({ LaunchTemplateId: "lt-1", Version: "7" });
    expect(config?.Overrides).toHaveLength(4);
    expect(config?.Overrides?.[0]).toEqual({ InstanceType: "m5.large", SubnetId: "subnet-0000000a", MaxPrice: "0.1" });
  });

  it("has priorities in the order of the types where the allocation asks for them", () => {
    const changes = { market: "on-demand", onDemandAllocation: "prioritized" } as const;
    const { LaunchTemplateConfigs: configs } = draft({ changes }).input as CreateFleetCommandInput;
    expect(configs?.[0]?.Overrides?.map(({ Priority }) => Priority)).toEqual([0, 0, 1, 1]);
  });

  it.each<readonly [string, Wish, ProviderError["code"], number]>([
    [
      "no room on spot, and nothing behind it",
      { changes: { market: "spot" }, full: [["spot"]] },
      "provider-capacity",
      3,
    ],
    ["no room anywhere", { full: [["spot"], ["on-demand"]] }, "provider-capacity", 3],
    ["quotas on both markets", { full: [["spot"], ["on-demand"]], code: "VcpuLimitExceeded" }, "provider-quota", 2],
    ["both for a mix", { onDemandCount: 1, full: [["spot"], ["on-demand"]] }, "provider-capacity", 3],
  ])("is refused where all rests, with what rests and for how long: %s", (_name, wish, code, minutes) => {
    const error = refusalOf(wish);
    expect(error.code).toBe(code);
    expect(error.retryAfterMs).toBe(minutes * MINUTE_MS);
    expect(error.message).toMatch(/rests until/);
  });

  it("is a call for instances where there is one place, or hosts", () => {
    const one = { subnets: ["subnet-0000000a"], instanceTypes: ["m5.large"] };
    const spot = draft({ changes: one, count: 3 });
    expect(spot.call).toBe("RunInstances");
    expect(spot.input).toMatchObject({
      ClientToken: "l-00000001",
      MinCount: 1,
      MaxCount: 3,
      SubnetId: "subnet-0000000a",
      InstanceMarketOptions: { MarketType: "spot" },
    });
    const hosts = draft({ changes: { instanceTypes: ["m5.large"], tenancy: "host", market: "on-demand" } });
    expect(hosts.call).toBe("RunInstances");
    expect(hosts.places).toHaveLength(1);
    expect((hosts.input as RunInstancesCommandInput).InstanceMarketOptions).toBeUndefined();
    expect(draft({ changes: one, onDemandCount: 1 }).call).toBe("CreateFleet");
  });

  it("names the subnet by an interface where the settings say something of addresses", () => {
    const changes = { subnets: ["subnet-0000000a"], instanceTypes: ["m5.large"], publicAddress: false };
    const input = draft({ changes }).input as RunInstancesCommandInput;
    expect(input.SubnetId).toBeUndefined();
    expect(input.NetworkInterfaces?.[0]).toMatchObject({
      SubnetId: "subnet-0000000a",
      AssociatePublicIpAddress: false,
      Groups: ["sg-00000001"],
    });
  });

  it("is the same after it was stored", () => {
    const order = draft({ onDemandCount: 1, changes: { spotMaxPrice: "0.1" } });
    expect(readOrder(writeOrder(order))).toEqual(order);
    expect(writeOrder(readOrder(writeOrder(order)))).toBe(writeOrder(order));
  });
});

describe("how many are on-demand", () => {
  const settings = { market: "spot-then-on-demand", onDemandBase: 2, onDemandPercent: 25 } as const;
  it.each<readonly [string, number, number, number, number]>([
    ["the base first", 0, 0, 1, 1],
    ["the base and then the share", 0, 0, 6, 3],
    ["the base is there", 2, 2, 4, 1],
    ["one by one the share holds", 5, 3, 1, 0],
    ["one by one until the next is due", 6, 3, 1, 1],
    ["more on-demand than need be", 6, 6, 2, 0],
  ])("%s", (_name, count, onDemandCount, launched, want) => {
    expect(onDemandCountOf(settings, { count, onDemandCount }, launched)).toBe(want);
  });

  it("is all of them where the market is on-demand, and none without base and share", () => {
    const none = { onDemandBase: 0, onDemandPercent: 0 };
    expect(onDemandCountOf({ ...none, market: "on-demand" }, { count: 0, onDemandCount: 0 }, 3)).toBe(3);
    expect(onDemandCountOf({ ...none, market: "spot" }, { count: 9, onDemandCount: 0 }, 3)).toBe(0);
  });
});
