import { describe, expect, it } from "vitest";
import { classify } from "../../../src/adapters/aws/errors.ts";
import { familyOf } from "../../../src/adapters/ec2/families.ts";
import { type Lifecycle, type Place, Rests } from "../../../src/adapters/ec2/rests.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import { handClock } from "./stage.ts";

const at = (instanceType: string, zone: string): Place => ({ instanceType, zone, subnet: `subnet-${zone}` });
const refused = (code: string) => classify(code, "", null);

/** What rests of two types in two zones on both markets, after one refusal of the first of them on spot. */
function restingAfter(code: string): readonly string[] {
  const rests = new Rests(handClock());
  rests.note(refused(code), at("m5.large", "a"), "spot");
  const places = ["m5.large", "g5.xlarge"].flatMap((type) => [at(type, "a"), at(type, "b")]);
  return (["spot", "on-demand"] as const).flatMap((market) =>
    places
      .filter((place) => rests.of(place, market) !== null)
      .map(({ instanceType, zone }) => `${instanceType} ${zone} ${market}`),
  );
}

describe("what rests", () => {
  it.each<readonly [string, readonly string[]]>([
    ["InsufficientInstanceCapacity", ["m5.large a spot"]],
    ["SpotMaxPriceTooLow", ["m5.large a spot"]],
    ["Unsupported", ["m5.large a spot", "m5.large a on-demand"]],
    [
      "InsufficientFreeAddressesInSubnet",
      ["m5.large a spot", "g5.xlarge a spot", "m5.large a on-demand", "g5.xlarge a on-demand"],
    ],
    ["MaxSpotInstanceCountExceeded", ["m5.large a spot", "m5.large b spot"]],
    ["VcpuLimitExceeded", ["m5.large a spot", "m5.large b spot"]],
    ["RequestLimitExceeded", []],
    ["UnauthorizedOperation", []],
  ])("after %s", (code, want) => {
    expect(restingAfter(code)).toEqual(want);
  });

  it("is everything after a quota of the account's", () => {
    expect(restingAfter("NetworkInterfaceLimitExceeded")).toHaveLength(8);
  });

  it("rests for minutes, longer each time, and is forgotten after an hour of calm", () => {
    const clock = handClock();
    const rests = new Rests(clock);
    const place = at("m5.large", "a");
    const restMs = () => {
      rests.note(refused("InsufficientInstanceCapacity"), place, "spot");
      const untilMs = rests.of(place, "spot")?.untilMonotonicMs ?? 0;
      return untilMs - clock.monotonicMs();
    };
    const first = restMs();
    clock.pass(first);
    expect(rests.of(place, "spot")).toBeNull();
    const second = restMs();
    clock.pass(second);
    const third = restMs();
    expect([first, second, third]).toEqual([3 * MINUTE_MS, 6 * MINUTE_MS, 10 * MINUTE_MS]);
    clock.pass(third + HOUR_MS + 1);
    expect(restMs()).toBe(3 * MINUTE_MS);
  });

  it("is not made longer by further words of the same answer", () => {
    const clock = handClock();
    const rests = new Rests(clock);
    const place = at("m5.large", "a");
    for (let count = 0; count < 5; count += 1) rests.note(refused("InsufficientInstanceCapacity"), place, "spot");
    expect(rests.of(place, "spot")?.untilMonotonicMs).toBe(clock.monotonicMs() + 3 * MINUTE_MS);
  });

  it("rests no more once something was started there", () => {
    const rests = new Rests(handClock());
    rests.note(refused("VcpuLimitExceeded"), at("m5.large", "a"), "spot");
    rests.noteStarted(at("m5.large", "b"), "spot");
    expect(rests.of(at("m5.large", "a"), "spot")).toBeNull();
  });

  it("is a place that spot took machines from", () => {
    const rests = new Rests(handClock());
    rests.noteReclaim(at("m5.large", "a"));
    const resting = (["spot", "on-demand"] as readonly Lifecycle[]).map((one) => rests.of(at("m5.large", "a"), one));
    expect(resting.map((rest) => rest !== null)).toEqual([true, false]);
  });

  it("is told with its end and EC2's word", () => {
    const rests = new Rests(handClock(0));
    rests.note(refused("VcpuLimitExceeded"), at("g5.xlarge", "a"), "on-demand");
    expect(rests.describe()).toEqual([
      "family G and VT on on-demand rests until 1970-01-01T00:02:00.000Z: VcpuLimitExceeded",
    ]);
  });
});

describe("types that share a quota", () => {
  it.each([
    ["c7i.large", "Standard"],
    ["t3.micro", "Standard"],
    ["inf2.xlarge", "Inf"],
    ["i4i.large", "Standard"],
    ["hpc7a.96xlarge", "HPC"],
    ["h1.2xlarge", "Standard"],
    ["dl1.24xlarge", "DL"],
    ["d3.xlarge", "Standard"],
    ["trn1.2xlarge", "Trn"],
    ["p5.48xlarge", "P"],
    ["g6.xlarge", "G and VT"],
    ["vt1.3xlarge", "G and VT"],
    ["x2idn.16xlarge", "X"],
    ["u-6tb1.metal", "High Memory"],
    ["mac2.metal", "Mac"],
    ["m7i.large", "Standard"],
    ["q9.large", "q9"],
  ])("%s is of %s", (instanceType, family) => {
    expect(familyOf(instanceType)).toBe(family);
  });
});
