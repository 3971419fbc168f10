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

it("asks for no pod again that started, or was refused", () => {
  const settled = settledOf();
  settled.note(LAUNCH, POD, { kind: "refused" });
  settled.note(LAUNCH, machineId(2), { kind: "started" });
  expect([settled.find(LAUNCH, POD)?.kind, settled.find(LAUNCH, machineId(2))?.kind]).toEqual(["refused", "started"]);
});

it("takes no refusal for certain while a creation may be under way that nobody heard of", () => {
  const settled = settledOf();
  settled.note(LAUNCH, POD, { kind: "unknown" });
  clock.pass(SECOND_MS);
  settled.note(LAUNCH, POD, { kind: "refused" });
  expect(settled.find(LAUNCH, POD)).toBeNull();
  clock.pass(MINUTE_MS);
  settled.note(LAUNCH, POD, { kind: "refused" });
  expect(settled.find(LAUNCH, POD)).toEqual({ kind: "refused" });
});

it("takes a start for certain at once", () => {
  const settled = settledOf();
  settled.note(LAUNCH, POD, { kind: "unknown" });
  settled.note(LAUNCH, POD, { kind: "started" });
  expect(settled.find(LAUNCH, POD)).toEqual({ kind: "started" });
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
