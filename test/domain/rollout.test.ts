import { describe, expect, it } from "vitest";
import type { FreeMachine, LaunchRoom } from "../../src/domain/demand.ts";
import { decideLifecycle, type LifecycleDecision } from "../../src/domain/lifecycle.ts";
import type { Machine } from "../../src/domain/machine.ts";
import {
  decideMarks,
  decideRollout,
  freshFirst,
  type RolloutDecision,
  replacementReason,
  rolloutLimit,
  rolloutPlaceCount,
} from "../../src/domain/rollout.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { heard, heardFacts, machine, machineId, pool, retiring, START_MS } from "./builders.ts";

const OLD = "settings-0";
const NOW_MS = START_MS + HOUR_MS;

/** Numbered by age: 1 is the oldest. */
function made(number: number, overrides: Parameters<typeof machine>[0] = {}): Machine {
  return machine({ id: machineId(number), createdAtMs: START_MS + number, ...overrides });
}
const stale = (number: number, state: Machine["state"]["kind"] = "parked") =>
  made(number, { state, settingsHash: OLD });
const fresh = (number: number, state: Machine["state"]["kind"] = "parked") => made(number, { state });
const leaving = (number: number, reason: "outdated" | "too-old" | "surplus") =>
  made(number, { state: retiring({ reason }) });

function spareOf(machines: readonly Machine[]): readonly FreeMachine[] {
  return machines.flatMap(({ id, state: { kind } }) =>
    kind === "parked" || kind === "provisioning" || kind === "planned" ? [{ id, state: kind }] : [],
  );
}

describe("why a machine is to be replaced", () => {
  it.each([
    ["it is not: the present settings, and no age set", {}, {}, null],
    ["made from other settings", { settingsHash: OLD }, {}, "outdated"],
    ["one ms before its age", { createdAtMs: NOW_MS - HOUR_MS + 1 }, { maxAgeMs: HOUR_MS }, null],
    ["at its age", { createdAtMs: NOW_MS - HOUR_MS }, { maxAgeMs: HOUR_MS }, "too-old"],
    ["both: the settings are said", { settingsHash: OLD, createdAtMs: START_MS }, { maxAgeMs: 1 }, "outdated"],
    ["planned after now, by a clock that was set back", { createdAtMs: NOW_MS + HOUR_MS }, { maxAgeMs: 1 }, null],
  ] as const)("%s", (_name, overrides, settings, want) => {
    expect(replacementReason(machine(overrides), pool(settings), NOW_MS)).toBe(want);
  });
});

describe("how many go at a time", () => {
  it.each([
    [0, 1],
    [1, 1],
    [9, 1],
    [10, 2],
    [14, 2],
    [15, 3],
    [100, 20],
  ])("of %i machines %i", (machineCount, want) => {
    expect(rolloutLimit(machineCount)).toBe(want);
  });

  it("counts those that are on their way for a rollout, and no others", () => {
    const machines = [leaving(1, "outdated"), leaving(2, "too-old"), leaving(3, "surplus"), stale(4)];
    expect(rolloutPlaceCount(15, machines)).toBe(1);
    expect(rolloutPlaceCount(10, machines)).toBe(0);
    expect(rolloutPlaceCount(5, machines)).toBe(0);
  });
});

interface Given {
  readonly machines: readonly Machine[];
  readonly warm: number;
  readonly room?: LaunchRoom;
  readonly busyCount?: number;
  /** What jobs and the warm count want. */
  readonly launches?: number;
  readonly mode?: "run" | "observe" | "departed";
}

const ROOM: LaunchRoom = { count: 10, limit: "at-max" };
const FULL: LaunchRoom = { count: 0, limit: "at-max" };

function decide({ machines, warm, room = ROOM, busyCount = 0, launches = 0, mode = "run" }: Given): RolloutDecision {
  const machineCount = machines.length + busyCount;
  const scale = { launchCount: launches, surplus: [] };
  const input = { spare: spareOf(machines), machines, machineCount, warmCount: warm, room, scale };
  return decideRollout(input, pool({ mode }), NOW_MS);
}

function want(launchCount: number, replaced: readonly number[], surplus: readonly number[] = []): RolloutDecision {
  return { launchCount, replaced: replaced.map(machineId), surplus: surplus.map(machineId) };
}

describe("a rollout", () => {
  it.each<readonly [string, Given, RolloutDecision]>([
    ["nothing to replace", { machines: [fresh(1), fresh(2)], warm: 2 }, want(0, [])],
    ["one replacement first", { machines: [stale(1), stale(2)], warm: 2 }, want(1, [])],
    [
      "it boots: nothing goes yet, and no second one",
      { machines: [stale(1), stale(2), fresh(3, "provisioning")], warm: 2 },
      want(0, []),
    ],
    [
      "it is parked: the oldest goes, and the next replacement starts",
      { machines: [stale(2), stale(1), fresh(3)], warm: 2 },
      want(0, [1], [1]),
    ],
    [
      "the oldest is on its way: the next waits for it",
      { machines: [leaving(1, "outdated"), stale(2), fresh(3)], warm: 2 },
      want(0, []),
    ],
    ["the oldest is gone: the next replacement", { machines: [stale(2), fresh(3)], warm: 2 }, want(1, [])],
    [
      "two at a time of ten",
      { machines: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((number) => stale(number)), warm: 10 },
      want(2, []),
    ],
    [
      "as many as their replacements are parked",
      { machines: [...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => stale(number)), fresh(10)], warm: 9 },
      want(1, [1], [1]),
    ],
    [
      "one of the old settings that still starts is not touched before it parks",
      { machines: [stale(1, "provisioning"), fresh(2)], warm: 1 },
      want(0, []),
    ],
    [
      "no warm ones are wanted: they are surplus, and not replaced",
      { machines: [stale(1), stale(2)], warm: 0 },
      want(0, [], [1, 2]),
    ],
    [
      "more than are kept warm, none of them new: the rest is surplus, and the warm ones are replaced",
      { machines: [stale(1), stale(2), stale(3)], warm: 2 },
      want(0, [], [1]),
    ],
    [
      "too many, some of them new: the old ones go first",
      { machines: [fresh(1), stale(2), fresh(3)], warm: 2 },
      want(0, [2], [2]),
    ],
    [
      "a full pool: the oldest goes first, alone",
      { machines: [stale(2), stale(1), stale(3)], warm: 3, room: FULL },
      want(0, [1]),
    ],
    [
      "a full pool: while it goes, no other",
      { machines: [leaving(1, "outdated"), stale(2), stale(3)], warm: 3, room: FULL },
      want(0, []),
    ],
    [
      "a full pool: while what took its place boots, no other",
      { machines: [fresh(4, "provisioning"), stale(2), stale(3)], warm: 3, room: FULL },
      want(0, []),
    ],
    [
      "a full pool: its replacement never came, so no other goes",
      { machines: [leaving(4, "surplus"), stale(2), stale(3)], warm: 3, room: FULL },
      want(0, []),
    ],
    [
      "a full pool of which the most is at work",
      { machines: [stale(1)], warm: 3, room: FULL, busyCount: 4 },
      want(0, [1]),
    ],
    [
      "launches rest after a failure: nothing is given up for what cannot be started",
      { machines: [stale(1), stale(2)], warm: 2, room: { count: 0, limit: "launch-backoff" } },
      want(0, []),
    ],
    [
      "jobs take the room first",
      { machines: [stale(1)], warm: 1, room: { count: 2, limit: "at-max" }, launches: 2 },
      want(2, []),
    ],
    [
      "and replacements what is left",
      { machines: [stale(1)], warm: 1, room: { count: 3, limit: "at-max" }, launches: 2 },
      want(3, []),
    ],
    ["a pool that observes", { machines: [stale(1)], warm: 1, mode: "observe" }, want(0, [])],
    ["a pool that left the configuration", { machines: [stale(1)], warm: 1, mode: "departed" }, want(0, [])],
  ])("%s", (_name, given, expected) => {
    expect(decide(given)).toEqual(expected);
  });
});

describe("the order in which machines get tickets", () => {
  it("is what is not to be replaced before what is, else unchanged", () => {
    const machines = [stale(1), fresh(3), stale(2), fresh(4)];
    const ids = freshFirst(machines, pool(), NOW_MS).map(({ id }) => id);
    expect(ids).toEqual([3, 4, 1, 2].map(machineId));
  });
});

describe("machines at work", () => {
  const engaged = (number: number, overrides: Parameters<typeof machine>[0] = {}) =>
    made(number, { state: "engaged", settingsHash: OLD, ...overrides });
  const marksOf = (machines: readonly Machine[], settings: Parameters<typeof pool>[0] = { jobsPerMachine: 3 }) =>
    decideMarks(machines, pool(settings), NOW_MS).map(({ id, retireWhenSpent }) => [id, retireWhenSpent]);

  it("are marked to retire when spent, the oldest first, as many as may go at a time", () => {
    expect(marksOf([engaged(3), engaged(2), engaged(1)])).toEqual([[machineId(1), "outdated"]]);
  });

  it.each<readonly [string, readonly Machine[], Parameters<typeof pool>[0]]>([
    ["made from the present settings", [fresh(1, "engaged")], { jobsPerMachine: 3 }],
    ["has run its last job", [engaged(1, { ticketsGiven: 3 })], { jobsPerMachine: 3 }],
    ["runs the only job that a machine may", [engaged(1)], { jobsPerMachine: 1 }],
    ["marked for something else", [engaged(1, { retireWhenSpent: "runner-late" })], { jobsPerMachine: 3 }],
    ["another is marked", [engaged(1, { retireWhenSpent: "too-old" }), engaged(2)], { jobsPerMachine: 3 }],
    [
      "a marked one is parked and not gone",
      [made(1, { retireWhenSpent: "outdated" }), engaged(2)],
      { jobsPerMachine: 3 },
    ],
    ["parked", [stale(1)], { jobsPerMachine: 3 }],
    ["the pool observes", [engaged(1)], { jobsPerMachine: 3, mode: "observe" }],
  ])("are not marked: %s", (_name, machines, settings) => {
    expect(marksOf(machines, settings)).toEqual([]);
  });
});

describe("a machine that is to be replaced", () => {
  const keep = { kind: "keep", reason: "awaits-replacement" } as const;
  it.each<readonly [string, Machine, boolean, LifecycleDecision]>([
    ["parked, and its turn", stale(1), true, { kind: "retire", reason: "outdated" }],
    ["parked, and not its turn", stale(1), false, keep],
    ["marked, and its turn", made(1, { retireWhenSpent: "too-old" }), true, { kind: "retire", reason: "too-old" }],
    ["marked, and not its turn", made(1, { retireWhenSpent: "too-old" }), false, keep],
    ["made from the present settings", fresh(1), true, { kind: "keep", reason: "kept-warm" }],
    ["still starting", stale(1, "provisioning"), true, { kind: "keep", reason: "booting" }],
    ["at work", stale(1, "engaged"), true, { kind: "keep", reason: "ticket-out" }],
  ])("%s", (_name, subject, mayBeReplaced, expected) => {
    const evidence = { ticket: null, heardAtMs: NOW_MS, providerState: "running" } as const;
    const calm = { surplusSinceMs: null, notReadySinceMs: null, isShuttingDown: false };
    const host = { tickets: [], facts: heardFacts(NOW_MS) };
    const input = { machine: subject, ...evidence, ...calm, ...host, mayBeReplaced };
    expect(decideLifecycle(input, pool(), heard(MINUTE_MS))).toEqual(expected);
  });
});
