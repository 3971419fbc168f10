import { describe, expect, it } from "vitest";
import {
  type CommandDecision,
  decideDrain,
  decideForce,
  decideHold,
  decideRelease,
} from "../../src/domain/commands.ts";
import type { Machine, RetiringStage } from "../../src/domain/machine.ts";
import { machine, retiring, START_MS } from "./builders.ts";

const MARK = { operator: "alice", reason: "disk looks odd", atMs: START_MS };
const OTHER = { operator: "bob", reason: "mine", atMs: START_MS + 1 };
const retiringAt = (stage: RetiringStage, overrides: Partial<Omit<Machine, "state">> = {}) =>
  machine({ ...overrides, state: retiring({ stage, reason: "drained" }) });
const gone = machine({ state: "gone" });
const engaged = machine({ state: "engaged" });

const ALREADY: CommandDecision = { kind: "already" };
const refused = (code: string) => ({ kind: "refused", code });
const written = (before: Machine, changes: Partial<Machine>) => ({
  kind: "write",
  machine: { ...before, ...changes, version: before.version + 1 },
});

describe("hold", () => {
  it.each<[string, Machine, unknown]>([
    ["at work", engaged, written(engaged, { hold: MARK })],
    ["held by somebody else: their name stays", machine({ hold: OTHER }), ALREADY],
    ["gone", gone, refused("machine-gone")],
    ["on its way out", retiringAt("proving"), written(retiringAt("proving"), { hold: MARK })],
    ["about to be ended", retiringAt("terminating"), written(retiringAt("terminating"), { hold: MARK })],
    ["asked of the provider already", retiringAt("confirming"), refused("machine-ending")],
    ["forced", machine({ forced: OTHER }), written(machine({ forced: OTHER }), { hold: MARK })],
  ])("%s", (_name, one, want) => {
    expect(decideHold(one, MARK)).toEqual(want);
  });
});

describe("drain", () => {
  const late = machine({ state: "engaged", retireWhenSpent: "runner-late" });
  it.each<[string, Machine, unknown]>([
    ["at work", engaged, written(engaged, { retireWhenSpent: "drained" })],
    ["marked for less", late, written(late, { retireWhenSpent: "drained" })],
    ["drained", machine({ retireWhenSpent: "drained" }), ALREADY],
    ["on its way out", retiringAt("proving"), ALREADY],
    ["gone", gone, ALREADY],
  ])("%s", (_name, one, want) => {
    expect(decideDrain(one)).toEqual(want);
  });
});

describe("release", () => {
  const both = machine({ hold: MARK, retireWhenSpent: "drained" });
  const drained = machine({ retireWhenSpent: "drained" });
  const heldAtLast = retiringAt("proving", { hold: MARK });
  it.each<[string, Machine, unknown]>([
    ["held", machine({ hold: MARK }), written(machine({ hold: MARK }), { hold: null })],
    ["held and drained: the hold ends first", both, written(both, { hold: null })],
    ["drained", drained, written(drained, { retireWhenSpent: null })],
    ["held on its way out", heldAtLast, written(heldAtLast, { hold: null })],
    ["on its way out", retiringAt("proving"), refused("machine-ending")],
    ["marked for another reason", machine({ retireWhenSpent: "runner-late" }), ALREADY],
    ["neither", machine(), ALREADY],
    ["gone", machine({ state: "gone", retireWhenSpent: "drained" }), ALREADY],
  ])("%s", (_name, one, want) => {
    expect(decideRelease(one)).toEqual(want);
  });
});

describe("force", () => {
  const calm = { mark: MARK, isFrozen: false, mode: "run" } as const;
  it.each<[string, Machine, Partial<Parameters<typeof decideForce>[1]>, unknown]>([
    ["at work", engaged, {}, written(engaged, { forced: MARK })],
    ["stuck on its way out", retiringAt("proving"), {}, written(retiringAt("proving"), { forced: MARK })],
    ["forced by somebody else: their name stays", machine({ forced: OTHER }), {}, ALREADY],
    ["held", machine({ hold: OTHER }), {}, refused("machine-held")],
    ["held after it was forced", machine({ hold: OTHER, forced: MARK }), {}, refused("machine-held")],
    ["in a frozen pool", engaged, { isFrozen: true }, refused("pool-frozen")],
    ["in a pool that observes", engaged, { mode: "observe" }, refused("pool-observes")],
    ["gone", gone, {}, refused("machine-gone")],
  ])("%s", (_name, one, setting, want) => {
    expect(decideForce(one, { ...calm, ...setting })).toEqual(want);
  });
});
