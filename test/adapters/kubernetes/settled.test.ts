/** What a repeat of a launch of pods asks for again, and what it takes as known. */
import { expect, it } from "vitest";
import { Settled } from "../../../src/adapters/kubernetes/settled.ts";
import { parseLaunchId } from "../../../src/domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { machineId } from "../../domain/builders.ts";
import { handClock } from "./stage.ts";

const LAUNCH = parseLaunchId("l-0123456789ab");
const POD = machineId(1);
const clock = handClock();
const settledOf = () => new Settled<{ kind: string }>(clock);

it("asks for no pod again that is settled", () => {
  const settled = settledOf();
  settled.note(LAUNCH, POD, { kind: "refused" });
  expect([settled.find(LAUNCH, POD)?.kind, settled.find(LAUNCH, machineId(2))]).toEqual(["refused", null]);
});

it("takes a creation that nobody heard of as under way for a minute", () => {
  const settled = settledOf();
  expect(settled.mayBeUnderWay(LAUNCH, POD)).toBe(false);
  settled.noteUnknown(LAUNCH, POD);
  clock.pass(MINUTE_MS - SECOND_MS);
  expect([settled.mayBeUnderWay(LAUNCH, POD), settled.mayBeUnderWay(LAUNCH, machineId(2))]).toEqual([true, false]);
  clock.pass(SECOND_MS);
  expect(settled.mayBeUnderWay(LAUNCH, POD)).toBe(false);
});

it("knows nothing of what was before another process had the pool", () => {
  const settled = settledOf();
  settled.take(1);
  settled.note(LAUNCH, POD, { kind: "refused" });
  settled.take(1);
  expect(settled.find(LAUNCH, POD)).not.toBeNull();
  settled.take(2);
  expect(settled.find(LAUNCH, POD)).toBeNull();
});
