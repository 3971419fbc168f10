/** What holds of every demand plan, over random fleets. */
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  type DemandInput,
  type DemandPlan,
  decideDemand,
  type FreeMachine,
  type WaitingJob,
} from "../../src/domain/demand.ts";
import type { Ticket } from "../../src/domain/ticket.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { heard, job, jobId, machineId, pool, START_MS, ticket, ticketId } from "./builders.ts";
import { type Fleet, fleets } from "./fleet.ts";
import { always } from "./property.ts";

const RUNS = 2_000;

function everyPlan(check: (plan: DemandPlan, fleet: Fleet) => void): void {
  always(
    fc.property(fleets, (fleet) => check(decideDemand(fleet.demand, fleet.pool, fleet.time), fleet)),
    RUNS,
  );
}

it("decides each job once, in the order of the jobs", () => {
  everyPlan((plan, { demand }) => {
    expect(plan.decisions.map(({ jobId: id }) => id)).toEqual(demand.jobs.map(({ job: { id } }) => id));
  });
});

it("uses no machine twice: each is given a ticket, waited for or spare", () => {
  everyPlan((plan, { demand }) => {
    const minted = plan.decisions.flatMap((one) => (one.kind === "mint" ? [one.machineId] : []));
    const left = [...minted, ...plan.spare.map(({ id }) => id)];
    expect(new Set(left).size).toBe(left.length);
    const offered = demand.machines.map(({ id }) => id);
    expect(left.filter((id) => !offered.includes(id))).toEqual([]);
  });
});

it("mints on no machine that the provider has not answered for", () => {
  everyPlan((plan, { demand }) => {
    const planned = demand.machines.filter(({ state }) => state === "planned").map(({ id }) => id);
    for (const one of plan.decisions) if (one.kind === "mint") expect(planned).not.toContain(one.machineId);
  });
});

it("uses no ticket twice: each covers its own job, is aimed, or is unneeded", () => {
  everyPlan((plan, { demand }) => {
    const aimed = plan.decisions.flatMap((one) => (one.kind === "aim" ? [one.ticketId] : []));
    const used = [...aimed, ...plan.unneeded];
    expect(new Set(used).size).toBe(used.length);
    const byId = new Map(demand.tickets.map((one) => [one.id, one]));
    for (const id of aimed) expect(["minting", "issued", "delivered", "online"]).toContain(byId.get(id)?.state.kind);
    for (const id of plan.unneeded) expect(byId.get(id)?.state.kind).toBe("issued");
  });
});

it("never launches more than there is room for, and only where no machine is left", () => {
  everyPlan((plan, { demand }) => {
    const launchCount = plan.decisions.filter(({ kind }) => kind === "launch").length;
    expect(launchCount).toBeLessThanOrEqual(demand.launchRoom.count);
    if (launchCount > 0) expect(plan.spare.length).toBe(0);
  });
});

it("mints only for a job that GitHub called queued within the last minute, or that is fresh and had no ticket", () => {
  everyPlan((plan, { demand, time }) => {
    for (const one of plan.decisions) {
      if (one.kind !== "mint" && one.kind !== "launch") continue;
      const { job: wanted, ticketCount, askedAtMs } = demand.jobs.find(({ job: { id } }) => id === one.jobId)!;
      const isFresh = ticketCount === 0 && time.nowMs - wanted.createdAtMs < MINUTE_MS;
      expect(isFresh || (askedAtMs !== null && time.nowMs - askedAtMs < MINUTE_MS)).toBe(true);
    }
  });
});

it("a pool that observes mints, aims, launches and voids nothing", () => {
  everyPlan((plan, { pool: { mode } }) => {
    if (mode !== "observe") return;
    expect(plan.decisions.filter(({ kind }) => kind !== "wait" && kind !== "ask")).toEqual([]);
    expect(plan.unneeded).toEqual([]);
  });
});

it("is the same for the same input, and does not change it", () => {
  everyPlan((plan, { demand, pool: policy, time }) => {
    const frozen = JSON.stringify(demand);
    expect(decideDemand(demand, policy, time)).toEqual(plan);
    expect(JSON.stringify(demand)).toBe(frozen);
  });
});

const SUPPLY = ["minting", "issued", "delivered", "online"] as const;
const NO_SUPPLY = ["running", "handing-back", "unknown", "spent", "barren", "handed-back", "void", "lost"] as const;

/** Fresh jobs only, tickets of one scope, each for one of the jobs or for none of them. */
const freshDemand = fc.record({
  jobCount: fc.nat(10),
  supply: fc.array(fc.record({ kind: fc.constantFrom(...SUPPLY), job: fc.nat(15) }), { maxLength: 8 }),
  others: fc.array(fc.constantFrom(...NO_SUPPLY), { maxLength: 4 }),
  machines: fc.array(fc.constantFrom<FreeMachine["state"]>("parked", "provisioning", "planned"), { maxLength: 8 }),
  room: fc.nat(8),
});

it("n fresh jobs and m tickets on their way: exactly n - m more are wanted, from machines and room while they last", () => {
  always(
    fc.property(freshDemand, ({ jobCount, supply, others, machines, room }) => {
      const jobs: WaitingJob[] = Array.from({ length: jobCount }, (_, index) => ({
        job: job({ id: jobId(index + 1) }),
        ticketCount: 0,
        lastTicketAtMs: null,
        askedAtMs: null,
        isAskPaused: false,
      }));
      const tickets: Ticket[] = [
        ...supply.map((one, index) => ticket({ id: ticketId(index + 1), state: one.kind, jobId: jobId(one.job + 1) })),
        ...others.map((kind, index) => ticket({ id: ticketId(index + 100), state: kind, jobId: jobId(index + 1) })),
      ];
      const input: DemandInput = {
        jobs,
        tickets,
        unnamedRunning: [],
        machines: machines.map((state, index) => ({ id: machineId(index + 1), state })),
        mintPauses: new Map(),
        launchRoom: { count: room, limit: "at-max" },
      };
      const { decisions } = decideDemand(input, pool(), { ...heard(SECOND_MS), heardSinceMs: START_MS });
      const wanted = Math.max(0, jobCount - supply.length);
      const got = decisions.filter((one) => one.kind === "mint" || one.kind === "launch" || isLaunching(one)).length;
      expect(got).toBe(Math.min(wanted, machines.length + room));
    }),
    RUNS,
  );
});

function isLaunching(decision: DemandPlan["decisions"][number]): boolean {
  return decision.kind === "wait" && decision.reason === "machine-launching";
}
