import { describe, expect, it } from "vitest";
import { decideLifecycle, type LifecycleInput, SURPLUS_GRACE_MS } from "../../src/domain/lifecycle.ts";
import type { Machine } from "../../src/domain/machine.ts";
import { heedWords, type PoolWords } from "../../src/domain/operator-words.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { judgeMachine } from "../../src/domain/verdict.ts";
import { heard, heardFacts, machine, machineState, pool, START_MS, ticket } from "./builders.ts";

const parked = machine();
const stopping = machine({ state: machineState("stopping") });
const stopped = machine({ state: machineState("stopped") });
const starting = machine({ state: { ...machineState("stopped"), isStarting: true } as Machine["state"] });
const word = { operator: "alice", reason: "a look", atMs: START_MS };

const AFTER_MS = SURPLUS_GRACE_MS;

function inputOf(of: Machine, changes: Partial<LifecycleInput> = {}): LifecycleInput {
  return {
    machine: of,
    ticket: null,
    tickets: [],
    heardAtMs: START_MS + AFTER_MS,
    facts: heardFacts(START_MS + AFTER_MS),
    providerState: "running",
    surplusSinceMs: null,
    notReadySinceMs: null,
    isShuttingDown: false,
    ...changes,
  };
}

type Row = readonly [
  name: string,
  of: Machine,
  changes: Partial<LifecycleInput>,
  policy: Partial<PoolPolicy>,
  want: string,
];

const surplus = { surplusSinceMs: START_MS, mayBeStopped: true };

const ROWS: readonly Row[] = [
  ["surplus, and stopped ones are missing", parked, surplus, {}, "stop stops-for-later"],
  ["surplus within its grace", parked, { ...surplus, surplusSinceMs: START_MS + 1 }, {}, "keep within-surplus-grace"],
  ["surplus, and none is missing", parked, { surplusSinceMs: START_MS }, {}, "retire surplus"],
  ["surplus, and silent", parked, { ...surplus, heardAtMs: START_MS - HOUR_MS }, {}, "retire surplus"],
  [
    "surplus, with a ticket being made",
    parked,
    { ...surplus, ticket: ticket({ state: "minting" }) },
    {},
    "keep waits-for-ticket",
  ],
  [
    "surplus, and its last ticket is out",
    parked,
    { ...surplus, ticket: ticket({ state: "online" }) },
    {},
    "keep ticket-out",
  ],
  ["surplus, and used up", machine({ ticketsGiven: 1 }), surplus, {}, "retire used-up"],
  [
    "surplus, and to be replaced",
    machine({ settingsHash: "before" }),
    { ...surplus, mayBeReplaced: true },
    {},
    "retire outdated",
  ],
  ["surplus in a pool that left", parked, surplus, { mode: "departed" }, "retire pool-left"],
  ["being stopped", stopping, {}, {}, "keep stopping"],
  ["being stopped, and dead", stopping, { providerState: "dead" }, {}, "retire machine-dead"],
  ["being stopped in a pool that left", stopping, {}, { mode: "departed" }, "retire pool-left"],
  ["being stopped at the end of all", stopping, { isShuttingDown: true }, {}, "retire shutting-down"],
  ["stopped", stopped, { heardAtMs: null, providerState: "stopped" }, {}, "keep kept-stopped"],
  ["stopped, and gone", stopped, { providerState: "gone" }, {}, "retire machine-dead"],
  ["stopped, and surplus", stopped, { surplusSinceMs: START_MS }, {}, "retire surplus"],
  ["stopped, and surplus within its grace", stopped, { surplusSinceMs: START_MS + 1 }, {}, "keep within-surplus-grace"],
  ["stopped, of settings before", stopped, { mayBeReplaced: true }, { settingsHash: "after" }, "retire outdated"],
  ["stopped, of settings before, out of turn", stopped, {}, { settingsHash: "after" }, "keep awaits-replacement"],
  ["stopped, and too old", stopped, { mayBeReplaced: true }, { maxAgeMs: 1 }, "retire too-old"],
  ["stopped in a pool that left", stopped, {}, { mode: "departed" }, "retire pool-left"],
  ["stopped at the end of all", stopped, { isShuttingDown: true }, {}, "retire shutting-down"],
  [
    "stopped in a pool that only observes",
    stopped,
    { providerState: "gone" },
    { mode: "observe" },
    "keep pool-observes",
  ],
  ["being started", starting, {}, {}, "keep being-started"],
  [
    "being started for too long",
    starting,
    {},
    { deadlines: { ...pool().deadlines, bootMs: AFTER_MS } },
    "retire boot-deadline",
  ],
];

describe("a machine that is", () => {
  it.each(ROWS)("%s", (_name, of, changes, policy, want) => {
    const decision = decideLifecycle(inputOf(of, changes), pool(policy), heard(AFTER_MS));
    expect(`${decision.kind} ${decision.reason}`).toBe(want);
  });
});

it("a machine that is stopped stays so, however long nobody hears of it", () => {
  const input = inputOf(stopped, { heardAtMs: null, providerState: "stopped" });
  expect(decideLifecycle(input, pool(), heard(100 * HOUR_MS))).toEqual({ kind: "keep", reason: "kept-stopped" });
});

describe("operators' words on a machine that is", () => {
  const hear = (of: Machine, words: Partial<PoolWords>, changes: Partial<LifecycleInput> = {}) => {
    const input = inputOf(of, changes);
    const decision = decideLifecycle(input, pool(), heard(AFTER_MS));
    const heeded = heedWords(decision, { ...input, words: { drain: null, freeze: null, ...words } }, pool());
    return `${heeded.kind} ${heeded.reason}`;
  };

  it.each<readonly [string, Machine, Partial<PoolWords>, Partial<LifecycleInput>, string]>([
    ["to be stopped: a freeze keeps it", parked, { freeze: word }, surplus, "keep frozen"],
    ["to be stopped: a hold keeps it", { ...parked, hold: word }, {}, surplus, "keep held"],
    ["to be stopped: a drain ends it", parked, { drain: word }, surplus, "retire drained"],
    ["being stopped: a drain ends it", stopping, { drain: word }, {}, "retire drained"],
    ["stopped: a drain ends it", stopped, { drain: word }, {}, "retire drained"],
    ["stopped: force ends it", { ...stopped, forced: word }, {}, {}, "retire operator-forced"],
    ["stopped: a hold keeps it", { ...stopped, hold: word }, { drain: word }, {}, "keep held"],
    ["stopped and held: and says so", { ...stopped, hold: word }, {}, {}, "keep held"],
    ["stopped: a freeze keeps it", stopped, { freeze: word, drain: word }, {}, "keep frozen"],
  ])("%s", (_name, of, words, changes, want) => {
    expect(hear(of, words, changes)).toBe(want);
  });
});

describe("the verdict on a machine that is", () => {
  const silent = { heardAtMs: null, providerState: "stopped" as const };

  it.each([stopping, stopped, starting])("on its way to being stopped, or stopped: idle, however silent", (of) => {
    expect(judgeMachine(inputOf(of, silent), heard(MINUTE_MS))).toEqual({ kind: "idle", proof: "parked" });
  });

  it("on its way to being stopped with a ticket out: not", () => {
    const out = { ...silent, ticket: ticket({ state: "delivered" }) };
    expect(judgeMachine(inputOf(stopping, out), heard(MINUTE_MS)).kind).toBe("unknown");
  });
});
