import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DemandInput, decideDemand, type JobDecision } from "../../src/domain/demand.ts";
import { parseMachineId } from "../../src/domain/ids.ts";
import { decideLifecycle, type LifecycleDecision } from "../../src/domain/lifecycle.ts";
import { checkPlan, type Plan, type PlanContext, type PlanNote } from "../../src/domain/plan-checks.ts";
import { decideScale } from "../../src/domain/scale.ts";
import { isTicketLive } from "../../src/domain/ticket.ts";
import { HOUR_MS } from "../../src/domain/units.ts";
import { heard, heardFacts, job, jobId, machine, machineId, pool, START_MS, ticket, ticketId } from "./builders.ts";
import { type Fleet, fleets, NOW_MS } from "./fleet.ts";
import { always } from "./property.ts";

const mint = (jobNumber: number, machineNumber: number): JobDecision => ({
  kind: "mint",
  jobId: jobId(jobNumber),
  machineId: machineId(machineNumber),
});
const aim = (jobNumber: number, ticketNumber = 1): JobDecision => ({
  kind: "aim",
  jobId: jobId(jobNumber),
  ticketId: ticketId(ticketNumber),
});
const wait = (jobNumber: number): JobDecision => ({ kind: "wait", jobId: jobId(jobNumber), reason: "at-max" });
const retire = (reason: Extract<LifecycleDecision, { kind: "retire" }>["reason"]): LifecycleDecision => ({
  kind: "retire",
  reason,
});

/** Two jobs, two parked machines, room for one more. */
const parkedOne = machine();
const parkedTwo = machine({ id: machineId(2) });

function demandOf(...numbers: readonly number[]): DemandInput {
  const jobs = numbers.map((number) => ({
    job: job({ id: jobId(number) }),
    ticketCount: 0,
    lastTicketAtMs: null,
    askedAtMs: null,
    isAskPaused: false,
  }));
  const launchRoom = { count: 1, limit: "at-max" } as const;
  return { jobs, tickets: [], unnamedRunning: [], machines: [], mintPauses: new Map(), launchRoom };
}

function check(plan: Partial<Plan>, context: Partial<PlanContext> = {}): readonly PlanNote[] {
  const calm: PlanContext = {
    pool: pool({ machineCountMax: 3 }),
    demand: demandOf(1, 2),
    machines: [parkedOne, parkedTwo],
    tickets: [],
  };
  const sound: Plan = { jobs: [mint(1, 1), mint(2, 2)], launchCount: 1, machines: new Map() };
  return checkPlan({ ...sound, ...plan }, { ...calm, ...context });
}

type Row = readonly [name: string, plan: Partial<Plan>, context: Partial<PlanContext>, want: readonly PlanNote[]];

const retiringOne = (decision: LifecycleDecision) => ({ machines: new Map([[machineId(), decision]]) });
const out = ticket({ state: "running" });
const HOLD = { operator: "alice", reason: "disk looks odd", atMs: START_MS };

describe("a sound plan has no notes", () => {
  it.each<Row>([
    ["two tickets on two machines, and one launched up to the bound", {}, {}, []],
    ["a ticket on a machine that boots", {}, { machines: [machine({ state: "provisioning" }), parkedTwo] }, []],
    ["a ticket on a machine that is kept", retiringOne({ kind: "keep", reason: "kept-warm" }), {}, []],
    [
      "two tickets aimed at two jobs",
      { jobs: [aim(1), aim(2, 2)] },
      {
        tickets: [1, 2].map((number) => ticket({ id: ticketId(number), machineId: machineId(number) })),
      },
      [],
    ],
    ["nothing to do", { jobs: [], launchCount: 0 }, { demand: demandOf() }, []],
    [
      "more machines than settings allow by now, and none launched",
      { launchCount: 0 },
      { pool: pool({ machineCountMax: 1 }) },
      [],
    ],
    [
      "a machine that is gone does not count",
      { launchCount: 2 },
      {
        machines: [parkedOne, parkedTwo, machine({ id: machineId(3), state: "gone" })],
        pool: pool({ machineCountMax: 4 }),
      },
      [],
    ],
    [
      "a ticket over on the machine that gets the next",
      {},
      { tickets: [ticket({ state: "spent" })], pool: pool({ machineCountMax: 3, jobsPerMachine: 2 }) },
      [],
    ],
    [
      "a dead machine retires with its ticket out",
      { jobs: [wait(1), wait(2)], ...retiringOne(retire("machine-dead")) },
      { tickets: [out] },
      [],
    ],
    [
      "an issued ticket's machine retires: it is voided",
      { jobs: [wait(1), wait(2)], ...retiringOne(retire("used-up")) },
      { tickets: [ticket({ state: "issued" })] },
      [],
    ],
    [
      "a machine with a ticket out is kept",
      { jobs: [wait(1), wait(2)], ...retiringOne({ kind: "keep", reason: "ticket-out" }) },
      { tickets: [out] },
      [],
    ],
  ])("%s", (_name, plan, context, want) => {
    expect(check(plan, context)).toEqual(want);
  });
});

const usedUp = machine({ ticketsGiven: 1 });
const FAULTS: readonly Row[] = [
  ["a job decided twice", { jobs: [wait(1), wait(2), wait(2)] }, {}, [{ check: "job-decided-once", subject: "linux" }]],
  ["a job forgotten", { jobs: [mint(1, 1)] }, {}, [{ check: "job-decided-once", subject: "linux" }]],
  [
    "two tickets on one machine",
    { jobs: [mint(1, 1), mint(2, 1)] },
    {},
    [{ check: "machine-used-once", subject: machineId(1) }],
  ],
  [
    "a ticket where one is being made",
    {},
    { tickets: [ticket({ state: "minting" })] },
    [{ check: "one-live-ticket", subject: machineId(1) }],
  ],
  ["a ticket where one is out", {}, { tickets: [out] }, [{ check: "one-live-ticket", subject: machineId(1) }]],
  [
    "a ticket where one is unknown",
    {},
    { tickets: [ticket({ state: "unknown" })] },
    [{ check: "one-live-ticket", subject: machineId(1) }],
  ],
  [
    "a ticket on a machine that was used up",
    {},
    { machines: [usedUp, parkedTwo] },
    [{ check: "tickets-left", subject: machineId(1) }],
  ],
  [
    "a ticket on a machine that nobody knows",
    { jobs: [mint(1, 9), mint(2, 2)] },
    {},
    [
      { check: "machine-takes-tickets", subject: machineId(9) },
      { check: "tickets-left", subject: machineId(9) },
    ],
  ],
  [
    "a ticket on a machine that is not launched yet",
    {},
    { machines: [machine({ state: "planned" }), parkedTwo] },
    [{ check: "machine-takes-tickets", subject: machineId(1) }],
  ],
  [
    "one ticket aimed at two jobs",
    { jobs: [aim(1), aim(2)] },
    { tickets: [ticket({ state: "issued", machineId: machineId(3), jobId: jobId(9) })] },
    [{ check: "ticket-aimed-once", subject: ticketId() }],
  ],
  ["one launched too many", { launchCount: 2 }, {}, [{ check: "max", subject: "linux" }]],
  [
    "a machine retires with a ticket out",
    { jobs: [wait(1), wait(2)], ...retiringOne(retire("surplus")) },
    { tickets: [out] },
    [{ check: "no-retire-while-out", subject: machineId(1) }],
  ],
  [
    "a machine that an operator forces retires with a ticket out, and another does for less",
    {
      jobs: [wait(1), wait(2)],
      machines: new Map([
        [machineId(1), retire("operator-forced")],
        [machineId(2), retire("drained")],
      ]),
    },
    { tickets: [out, ticket({ id: ticketId(2), machineId: machineId(2), state: "online" })] },
    [{ check: "no-retire-while-out", subject: machineId(2) }],
  ],
  [
    "a machine retires with its ticket unknown",
    { jobs: [wait(1), wait(2)], ...retiringOne(retire("boot-deadline")) },
    { tickets: [ticket({ state: "unknown" })] },
    [{ check: "no-retire-while-out", subject: machineId(1) }],
  ],
  [
    "a held machine retires",
    { jobs: [wait(1), mint(2, 2)], ...retiringOne(retire("surplus")) },
    { machines: [machine({ hold: HOLD }), parkedTwo] },
    [{ check: "no-retire-while-held", subject: machineId(1) }],
  ],
  [
    "a ticket on a held machine",
    {},
    { machines: [machine({ hold: HOLD }), parkedTwo] },
    [{ check: "machine-takes-tickets", subject: machineId(1) }],
  ],
  [
    "a start of a machine that is not stopped",
    { jobs: [], starts: [{ machineId: machineId(1) }] },
    { demand: demandOf() },
    [{ check: "machine-can-start", subject: machineId(1) }],
  ],
  [
    "two faults at once",
    { jobs: [wait(1)], launchCount: 5 },
    {},
    [
      { check: "job-decided-once", subject: "linux" },
      { check: "max", subject: "linux" },
    ],
  ],
];

describe("a planted fault is found", () => {
  it.each(FAULTS)("%s", (_name, plan, context, want) => {
    expect(check(plan, context)).toEqual(want);
  });

  it("and each kind of note is planted", () => {
    const kinds: Readonly<Record<PlanNote["check"], true>> = {
      "job-decided-once": true,
      "machine-used-once": true,
      "one-live-ticket": true,
      "tickets-left": true,
      max: true,
      "no-retire-while-out": true,
      "no-retire-while-held": true,
      "ticket-aimed-once": true,
      "machine-takes-tickets": true,
      "machine-can-start": true,
    };
    const planted = FAULTS.flatMap(([, , , notes]) => notes.map((note) => note.check));
    expect(new Set(planted)).toEqual(new Set(Object.keys(kinds)));
  });
});

/** The plan that the deciding functions make of a fleet, all of it at once. */
function planOf(fleet: Fleet, isShuttingDown: boolean, afterMs: number): Plan {
  const time = heard(afterMs);
  const demand = decideDemand(fleet.demand, fleet.pool, time);
  const scale = decideScale(demand, fleet.demand.launchRoom, fleet.pool);
  const decided = fleet.machines.map((one, index) => {
    const live = fleet.tickets.find((other) => other.machineId === one.id && isTicketLive(other)) ?? null;
    const surplusSinceMs = scale.surplus.includes(one.id) ? START_MS : null;
    const providerState = fleet.providerStates[index] ?? null;
    const heardAtMs = fleet.heardAtMs[index] ?? null;
    const input = {
      machine: one,
      ticket: live,
      heardAtMs,
      providerState,
      surplusSinceMs,
      notReadySinceMs: null,
      isShuttingDown,
      tickets: [],
      facts: heardFacts(heardAtMs),
    };
    return [one.id, decideLifecycle(input, fleet.pool, time)] as const;
  });
  return { jobs: demand.decisions, launchCount: scale.launchCount, machines: new Map(decided) };
}

/** Demand offers tickets without asking the provider, the boot deadline or whether all is taken down. */
const UNKNOWN_TO_DEMAND = ["machine-dead", "boot-deadline", "shutting-down"];

it("what demand, scale and lifecycle decide about a random fleet is sound", () => {
  let mintCount = 0;
  let retireCount = 0;
  always(
    fc.property(fleets, fc.boolean(), fc.constantFrom(NOW_MS, NOW_MS, HOUR_MS), (fleet, isShuttingDown, afterMs) => {
      const plan = planOf(fleet, isShuttingDown, afterMs);
      mintCount += plan.jobs.filter(({ kind }) => kind === "mint").length;
      retireCount += [...plan.machines.values()].filter(({ kind }) => kind === "retire").length;
      const { pool: settings, demand, machines, tickets } = fleet;
      // Two controllers write the two halves, and a compare-and-set decides between them.
      const ofJobs = { ...plan, machines: new Map() };
      expect(checkPlan(ofJobs, { pool: settings, demand, machines, tickets })).toEqual([]);
      const ofMachines = { jobs: [], launchCount: 0, machines: plan.machines };
      const noJobs = { ...demand, jobs: [] };
      expect(checkPlan(ofMachines, { pool: settings, demand: noJobs, machines, tickets })).toEqual([]);
      for (const note of checkPlan(plan, { pool: settings, demand, machines, tickets })) {
        expect(note.check).toBe("machine-takes-tickets");
        expect(UNKNOWN_TO_DEMAND).toContain(plan.machines.get(parseMachineId(note.subject))?.reason);
      }
    }),
    3_000,
  );
  expect(mintCount).toBeGreaterThan(200);
  expect(retireCount).toBeGreaterThan(1_000);
});

describe("what an attack on this module found", () => {
  // One decision for each job that waits: one for a job that does not is a ticket for nobody.
  it("a decision about a job that does not wait is found", () => {
    const note = { check: "job-decided-once", subject: "linux" };
    expect(check({ jobs: [mint(1, 1), mint(2, 2), wait(3)] })).toEqual([note]);
    expect(check({ jobs: [mint(1, 1), wait(3)] })).toEqual([note]);
  });

  // I3, and "retiring: a machine that gets no more tickets".
  it.each(["retiring", "engaged", "gone", "planned"] as const)("a ticket on a machine that is %s is found", (state) => {
    expect(check({ launchCount: 0 }, { machines: [machine({ state, ticketsGiven: 0 }), parkedTwo] })).toEqual([
      { check: "machine-takes-tickets", subject: machineId() },
    ]);
  });

  it("a machine that gets a ticket and retires in one plan is found", () => {
    expect(check(retiringOne(retire("surplus")))).toEqual([{ check: "machine-takes-tickets", subject: machineId() }]);
  });

  it("a ticket that is aimed at three jobs is found, and noted once", () => {
    const one = ticket({ state: "issued", machineId: machineId(3), jobId: jobId(9) });
    const context = { demand: demandOf(1, 2, 3), tickets: [one] };
    expect(check({ jobs: [aim(1), aim(2), aim(3)] }, context)).toEqual([
      { check: "ticket-aimed-once", subject: ticketId() },
    ]);
  });
});
