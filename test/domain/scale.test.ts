import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type DemandPlan,
  decideDemand,
  type FreeMachine,
  type JobDecision,
  type LaunchRoom,
} from "../../src/domain/demand.ts";
import { countsAsMachine } from "../../src/domain/machine.ts";
import {
  decideScale,
  LAUNCH_MACHINES_MAX,
  type LaunchState,
  launchRoom,
  nextLaunchSize,
  type ScaleDecision,
} from "../../src/domain/scale.ts";
import { jobId, machineId, pool } from "./builders.ts";
import { fleets } from "./fleet.ts";
import { always } from "./property.ts";

const free = (number: number, state: FreeMachine["state"] = "parked"): FreeMachine => ({
  id: machineId(number),
  state,
});
const NONE = { registeredCount: 0, readyCount: 0 };
const calm: LaunchState = {
  machineCount: 0,
  isListed: true,
  isPaused: false,
  isShuttingDown: false,
  isRunnerEnded: false,
};

describe("launchRoom", () => {
  it.each<readonly [string, Partial<LaunchState>, LaunchRoom]>([
    ["none yet", {}, { count: 10, limit: "at-max" }],
    ["some", { machineCount: 7 }, { count: 3, limit: "at-max" }],
    ["as many as may be", { machineCount: 10 }, { count: 0, limit: "at-max" }],
    ["more than settings allow by now", { machineCount: 12 }, { count: 0, limit: "at-max" }],
    ["before its machines were listed", { isListed: false }, { count: 0, limit: "fleet-not-listed" }],
    ["after a failed launch", { isPaused: true }, { count: 0, limit: "launch-backoff" }],
    ["with a runner that GitHub gives no jobs", { isRunnerEnded: true }, { count: 0, limit: "runner-deprecated" }],
    [
      "when all is taken down, whatever else",
      { isShuttingDown: true, isPaused: true },
      { count: 0, limit: "shutting-down" },
    ],
  ])("%s", (_name, state, want) => {
    expect(launchRoom(pool({ machineCountMax: 10 }), { ...calm, ...state })).toEqual(want);
  });
});

type Row = readonly [
  name: string,
  launches: number,
  spare: readonly FreeMachine[],
  warm: number,
  room: number,
  want: ScaleDecision,
];
const surplus = (...numbers: readonly number[]) => numbers.map((number) => machineId(number));

describe("decideScale", () => {
  it.each<Row>([
    ["nothing wanted, nothing there", 0, [], 0, 5, { launchCount: 0, surplus: [] }],
    ["jobs want two", 2, [], 0, 5, { launchCount: 2, surplus: [] }],
    ["three are to be warm", 0, [], 3, 5, { launchCount: 3, surplus: [] }],
    ["jobs and warm ones", 2, [], 3, 9, { launchCount: 5, surplus: [] }],
    ["jobs take the room first; what is left warms", 2, [], 3, 4, { launchCount: 4, surplus: [] }],
    ["no room", 0, [], 3, 0, { launchCount: 0, surplus: [] }],
    [
      "one that boots counts as warm",
      0,
      [free(1, "provisioning"), free(2, "planned")],
      3,
      5,
      { launchCount: 1, surplus: [] },
    ],
    ["as many as are kept warm", 0, [free(1), free(2)], 2, 5, { launchCount: 0, surplus: [] }],
    ["one more than are kept warm", 0, [free(1), free(2), free(3)], 2, 5, { launchCount: 0, surplus: surplus(1) }],
    ["none is kept warm", 0, [free(1), free(2)], 0, 5, { launchCount: 0, surplus: surplus(1, 2) }],
    [
      "one that boots is not parked yet, and no surplus",
      0,
      [free(1, "provisioning")],
      0,
      5,
      { launchCount: 0, surplus: [] },
    ],
  ])("%s", (_name, launches, spare, warmParkedCount, count, want) => {
    const decisions = Array.from(
      { length: launches },
      (_, index): JobDecision => ({ kind: "launch", jobId: jobId(index) }),
    );
    const demand: DemandPlan = { decisions, spare, unneeded: [], standing: NONE };
    expect(decideScale(demand, { count, limit: "at-max" }, pool({ warmParkedCount }))).toEqual(want);
  });

  it("a pool that observes launches nothing and gives up nothing", () => {
    const demand: DemandPlan = {
      decisions: [{ kind: "launch", jobId: jobId() }],
      spare: [free(1)],
      unneeded: [],
      standing: NONE,
    };
    const observing = pool({ mode: "observe", warmParkedCount: 5 });
    expect(decideScale(demand, { count: 5, limit: "at-max" }, observing)).toEqual({ launchCount: 0, surplus: [] });
  });

  it("never goes over machines.max, launches for every job that was promised one, and gives up no machine that a job gets", () => {
    always(
      fc.property(fleets, (fleet) => {
        const demand = decideDemand(fleet.demand, fleet.pool, fleet.time);
        const scale = decideScale(demand, fleet.demand.launchRoom, fleet.pool);
        const present = fleet.machines.filter(countsAsMachine).length;
        if (scale.launchCount > 0) expect(present + scale.launchCount).toBeLessThanOrEqual(fleet.pool.machineCountMax);
        const promised = demand.decisions.filter(({ kind }) => kind === "launch").length;
        expect(scale.launchCount).toBeGreaterThanOrEqual(promised);
        const used = demand.decisions.flatMap((one) => (one.kind === "mint" ? [one.machineId] : []));
        expect(scale.surplus.filter((id) => used.includes(id))).toEqual([]);
        // A machine whose ticket is held ready is one of those that are to be parked.
        const warmCount = demand.spare.length + demand.standing.readyCount;
        expect(warmCount - scale.surplus.length).toBeGreaterThanOrEqual(
          Math.min(warmCount, fleet.pool.warmParkedCount),
        );
        if (scale.surplus.length > 0) expect(scale.launchCount).toBe(0);
      }),
      2_000,
    );
  });
});

describe("nextLaunchSize", () => {
  it.each([
    ["half of what was refused", LAUNCH_MACHINES_MAX, 40, "refused", 20],
    ["one where two were refused", 2, 2, "refused", 1],
    ["one where one was refused", 1, 1, "refused", 1],
    ["twice the bound after a success, whatever it asked for", 20, 3, "started", 40],
    ["no more than one call takes", 80, 80, "started", LAUNCH_MACHINES_MAX],
  ] as const)("%s", (_what, before, count, outcome, want) => {
    expect(nextLaunchSize(before, count, outcome)).toBe(want);
  });
});
