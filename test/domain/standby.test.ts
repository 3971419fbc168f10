import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobDecision } from "../../src/domain/demand.ts";
import { decideDemand } from "../../src/domain/demand.ts";
import type { Machine } from "../../src/domain/machine.ts";
import {
  chooseStops,
  decideStandby,
  fitForStart,
  type StandbyInput,
  type StandbyState,
} from "../../src/domain/standby.ts";
import { DAY_MS } from "../../src/domain/units.ts";
import { heard, job, jobId, machine, machineId, machineState, pool, START_MS } from "./builders.ts";
import { always } from "./property.ts";

const ids = (...numbers: readonly number[]) => numbers.map((number) => machineId(number));
const start = (number: number): JobDecision => ({ kind: "start", jobId: jobId(number), machineId: machineId(number) });

/** Three stopped, three wanted, nothing in the way. */
const CALM: StandbyState = { waitingCount: 3, fit: ids(1, 2, 3), mayStart: true, mayStop: true, wantedCount: 3 };

interface Change extends Partial<Omit<StandbyInput, "state" | "demand" | "scale">> {
  readonly state?: Partial<StandbyState>;
  readonly decisions?: readonly JobDecision[];
  readonly launchCount?: number;
}

function decide({ state, decisions = [], launchCount = 0, ...rest }: Change = {}) {
  const whole = { ...CALM, ...state };
  const taken = decisions.flatMap((one) => (one.kind === "start" ? [one.machineId] : []));
  return decideStandby({
    state: whole,
    demand: { decisions, startable: whole.fit.filter((id) => !taken.includes(id)) },
    scale: { launchCount, surplus: [] },
    inAdvanceCount: 0,
    beyondCount: 0,
    launchRoomCount: 10,
    ...rest,
  });
}

type Row = readonly [name: string, change: Change, starts: number, launches: number, surplus: number, stopRoom: number];

const ROWS: readonly Row[] = [
  ["all that are wanted are there", {}, 0, 0, 0, 0],
  ["one is missing: it is launched", { state: { waitingCount: 2, fit: ids(1, 2) } }, 0, 1, 0, 1],
  ["one is missing, and on its way", { state: { waitingCount: 2, fit: ids(1, 2) }, beyondCount: 1 }, 0, 0, 0, 1],
  ["one is missing, and there is no room", { state: { waitingCount: 2 }, launchRoomCount: 0 }, 0, 0, 0, 1],
  ["the provider stops none at the moment", { state: { waitingCount: 0, fit: [], mayStop: false } }, 0, 0, 0, 0],
  ["a job starts one: another takes its place", { decisions: [start(1)] }, 0, 1, 0, 1],
  ["one parked is missing: it is started, not launched", { inAdvanceCount: 1, launchCount: 1 }, 1, 1, 0, 1],
  [
    "one parked is missing, and none may be started",
    { state: { mayStart: false }, inAdvanceCount: 1, launchCount: 1 },
    0,
    1,
    0,
    0,
  ],
  ["more than are wanted", { state: { wantedCount: 1 } }, 0, 0, 2, 0],
  ["none is wanted", { state: { wantedCount: 0, mayStop: false } }, 0, 0, 3, 0],
  ["none is wanted, and a job starts one", { state: { wantedCount: 0 }, decisions: [start(1)] }, 0, 0, 2, 0],
];

describe("machines that wait stopped, where", () => {
  it.each(ROWS)("%s", (_name, change, starts, launches, surplus, stopRoom) => {
    const plan = decide(change);
    expect([plan.starts.length, plan.launchCount, plan.surplus.length, plan.stopRoom]).toEqual([
      starts,
      launches,
      surplus,
      stopRoom,
    ]);
  });

  it("none is both started and surplus, and no more are launched than may be, whatever there is", () => {
    const changes = fc.record({
      waitingCount: fc.nat(6),
      wantedCount: fc.nat(6),
      mayStart: fc.boolean(),
      mayStop: fc.boolean(),
      inAdvanceCount: fc.nat(4),
      beyondCount: fc.nat(4),
      launchCount: fc.nat(4),
      launchRoomCount: fc.nat(4),
      jobCount: fc.nat(3),
    });
    always(
      fc.property(changes, (drawn) => {
        const fit = ids(...Array.from({ length: drawn.waitingCount }, (_, index) => index + 1));
        const jobCount = drawn.mayStart ? Math.min(drawn.jobCount, fit.length) : 0;
        const decisions = Array.from({ length: jobCount }, (_, index) => start(index + 1));
        const plan = decide({ ...drawn, state: { ...drawn, fit }, decisions });
        const started = [
          ...decisions.map((_, index) => machineId(index + 1)),
          ...plan.starts.map((one) => one.machineId),
        ];
        expect(new Set(started).size).toBe(started.length);
        expect(plan.surplus.filter((id) => started.includes(id))).toEqual([]);
        expect(plan.launchCount).toBeLessThanOrEqual(drawn.launchRoomCount);
        const kept = drawn.waitingCount - started.length - plan.surplus.length;
        expect(kept).toBeLessThanOrEqual(drawn.wantedCount);
        expect(plan.stopRoom === 0 || plan.surplus.length === 0).toBe(true);
        if (plan.stopRoom > 0) expect(kept + plan.stopRoom).toBe(drawn.wantedCount);
      }),
    );
  });
});

describe("a job", () => {
  const waiting = { job: job(), ticketCount: 0, lastTicketAtMs: null, askedAtMs: null, isAskPaused: false };
  const demand = { jobs: [waiting], tickets: [], unnamedRunning: [], mintPauses: new Map() };
  const room = { count: 1, limit: "at-max" } as const;

  it("gets a parked machine first, then a stopped one, then a new one", () => {
    const decided = (machines: readonly ("parked" | "none")[], startable: readonly number[]) =>
      decideDemand(
        {
          ...demand,
          machines: machines.includes("parked") ? [{ id: machineId(9), state: "parked" }] : [],
          startable: ids(...startable),
          launchRoom: room,
        },
        pool(),
        heard(),
      ).decisions[0];
    expect(decided(["parked"], [1])).toMatchObject({ kind: "mint", machineId: machineId(9) });
    expect(decided(["none"], [1, 2])).toMatchObject({ kind: "start", machineId: machineId(1) });
    expect(decided(["none"], [])).toMatchObject({ kind: "launch" });
  });

  it("gets a stopped one where the pool is full", () => {
    const full = { ...demand, machines: [], startable: ids(1), launchRoom: { count: 0, limit: "at-max" } as const };
    expect(decideDemand(full, pool(), heard()).decisions).toMatchObject([{ kind: "start" }]);
  });
});

describe("which machines", () => {
  const stopped = (number: number, changes: Partial<Machine> = {}, sinceMs = START_MS) =>
    machine({ id: machineId(number), state: machineState("stopped", sinceMs), ...changes });
  const hold = { operator: "alice", reason: "a look", atMs: START_MS };

  it("can be started: those that may get a ticket and are not to be replaced, the longest stopped first", () => {
    const starting = { ...machineState("stopped"), isStarting: true } as Machine["state"];
    const rows = [
      stopped(1, {}, START_MS + 2),
      stopped(2, {}, START_MS + 1),
      stopped(3, { hold }),
      stopped(4, { settingsHash: "before" }),
      stopped(5, { state: starting }),
      stopped(6, { retireWhenSpent: "drained" }),
      machine({ id: machineId(7), state: machineState("stopping") }),
    ];
    expect(fitForStart(rows, pool(), START_MS)).toEqual(ids(2, 1));
  });

  it("are stopped: the first of the surplus that are worth keeping, as many as are missing", () => {
    const rows = [
      machine({ id: machineId(1), settingsHash: "before" }),
      machine({ id: machineId(2) }),
      machine({ id: machineId(3), origin: "adopted" }),
      machine({ id: machineId(4) }),
      machine({ id: machineId(5), hold }),
    ];
    const chosen = (room: number, nowMs = START_MS) =>
      chooseStops(ids(1, 2, 3, 4, 5), rows, room, pool({ maxAgeMs: DAY_MS }), nowMs);
    expect(chosen(5)).toEqual(ids(2, 4));
    expect(chosen(1)).toEqual(ids(2));
    expect(chosen(0)).toEqual([]);
    expect(chosen(5, START_MS + DAY_MS)).toEqual([]);
  });
});
