import { beforeEach, describe, expect, it } from "vitest";
import { Interruptions } from "../../../src/adapters/ec2/interruptions.ts";
import type { Place } from "../../../src/adapters/ec2/rests.ts";
import { HOUR_MS } from "../../../src/domain/units.ts";
import { handClock } from "./stage.ts";

const at = (instanceType: string, zone: string): Place => ({ instanceType, zone, subnet: `subnet-${zone}` });
const TAKEN = at("m5.large", "a");
const OTHER = at("m5.large", "b");

let clock: ReturnType<typeof handClock>;
let interruptions: Interruptions;

beforeEach(() => {
  clock = handClock();
  interruptions = new Interruptions(clock);
});

function lived({ startedCount, reclaimedCount }: { startedCount: number; reclaimedCount: number }): void {
  interruptions.noteStarted(TAKEN, startedCount);
  for (let count = 0; count < reclaimedCount; count += 1) interruptions.noteReclaimed(TAKEN);
}

const isLeftOut = () => !interruptions.seldomIn([TAKEN, OTHER]).includes(TAKEN);

describe("a place whose spot machines EC2 takes back", () => {
  it.each([
    ["once, of a few: that is chance", { startedCount: 3, reclaimedCount: 1 }, false],
    ["seldom, of many", { startedCount: 20, reclaimedCount: 3 }, false],
    ["often", { startedCount: 10, reclaimedCount: 2 }, true],
    ["though this process started none of them", { startedCount: 0, reclaimedCount: 2 }, true],
  ])("%s", (_how, counts, isOut) => {
    lived(counts);
    expect(isLeftOut()).toBe(isOut);
    expect(interruptions.describe()).toHaveLength(isOut ? 1 : 0);
  });

  it("is tried again once that is long ago, and left out again where it goes on", () => {
    lived({ startedCount: 4, reclaimedCount: 2 });
    clock.pass(3 * HOUR_MS);
    expect(isLeftOut()).toBe(false);
    lived({ startedCount: 1, reclaimedCount: 1 });
    expect(isLeftOut()).toBe(true);
  });

  it("counts for what it is now, and not for what it was on better days", () => {
    lived({ startedCount: 40, reclaimedCount: 0 });
    clock.pass(24 * HOUR_MS);
    lived({ startedCount: 5, reclaimedCount: 2 });
    expect(isLeftOut()).toBe(true);
  });

  it("is asked for all the same where there is no other, or no better one", () => {
    lived({ startedCount: 2, reclaimedCount: 2 });
    expect(interruptions.seldomIn([TAKEN])).toEqual([TAKEN]);
    for (let count = 0; count < 2; count += 1) interruptions.noteReclaimed(OTHER);
    expect(interruptions.seldomIn([TAKEN, OTHER])).toEqual([TAKEN, OTHER]);
  });

  it("is a type in a zone, whichever subnet of it", () => {
    lived({ startedCount: 2, reclaimedCount: 2 });
    const sameZone = { ...TAKEN, subnet: "subnet-a2" };
    expect(interruptions.seldomIn([sameZone, OTHER, at("c5.large", "a")])).toEqual([OTHER, at("c5.large", "a")]);
  });

  it("is told in words, with how many of how many", () => {
    lived({ startedCount: 9, reclaimedCount: 4 });
    expect(interruptions.describe()).toEqual([
      "m5.large in a on spot comes last: EC2 took back about 4 of 9 machines there lately",
    ]);
  });
});
