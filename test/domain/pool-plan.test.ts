/** What breakers hold back: the plan of a pool as a whole. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Breaker, CLOSED } from "../../src/domain/breakers.ts";
import type { DemandInput } from "../../src/domain/demand.ts";
import { countsAsMachine } from "../../src/domain/machine.ts";
import { checkPlan } from "../../src/domain/plan-checks.ts";
import { decidePool, type PoolDecision, type PoolInput } from "../../src/domain/pool-plan.ts";
import { standingWanted } from "../../src/domain/supply.ts";
import { isHeldReady } from "../../src/domain/ticket.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { heard, machineId, pool, START_MS, ticket, ticketId } from "./builders.ts";
import { aim, ask, forJob, free, launch, mint, wait, waiting } from "./demand-scene.ts";
import { type Fleet, fleets, NOW_MS } from "./fleet.ts";
import { always } from "./property.ts";

/** Open since the start; a probe may go one minute later. */
const open: Breaker = { kind: "open", sinceMs: START_MS, failureCount: 3, nextProbeAtMs: START_MS + MINUTE_MS };
const DUE_MS = MINUTE_MS;
const young = (number: number) => waiting(number, { askedAtMs: START_MS + MINUTE_MS - SECOND_MS });
const jobs = [young(1), young(2)];

function decide(overrides: Partial<PoolInput>, demand: Partial<DemandInput> = {}, afterMs = DUE_MS): PoolDecision {
  const nothing = { tickets: [], unnamedRunning: [], machines: [], mintPauses: new Map() };
  const input: PoolInput = {
    demand: { jobs, ...nothing, launchRoom: { count: 5, limit: "at-max" }, ...demand },
    wanted: { registeredCount: 0, readyCount: 0 },
    breakers: { tickets: CLOSED, launches: CLOSED },
    unheardCount: 0,
    usable: new Set(),
    ...overrides,
  };
  return decidePool(input, pool({ warmParkedCount: 1 }), heard(afterMs));
}

describe("while runners keep ending without a job", () => {
  const breakers = { tickets: open, launches: CLOSED };
  const stopped = [wait(1, "tickets-stopped"), wait(2, "tickets-stopped")];

  it("nothing is minted, launched, warmed or made in advance before a probe is due", () => {
    const input = { breakers, wanted: { registeredCount: 1, readyCount: 1 } };
    const plan = decide(input, { machines: [free(1), free(2)] }, DUE_MS - 1);
    expect(plan.demand).toMatchObject({ decisions: stopped, spare: [free(1), free(2)] });
    expect([plan.scale.launchCount, plan.standing.mints, plan.stops.tickets]).toEqual([0, [], "stopped"]);
    expect(decide({ breakers }, {}, DUE_MS - 1).demand.decisions).toEqual(stopped);
  });

  it("no stopped machine is started before a probe is due, and one then, before another is launched", () => {
    const startable = [machineId(8), machineId(9)];
    const standby = { waitingCount: 2, fit: startable, mayStart: true, mayStop: true, wantedCount: 2 };
    const tried = (afterMs: number, count: number) =>
      decide({ breakers, standby }, { startable, launchRoom: { count, limit: "at-max" } }, afterMs);
    expect(tried(DUE_MS - 1, 5).demand.decisions).toEqual(stopped);
    for (const roomCount of [0, 5]) {
      const plan = tried(DUE_MS, roomCount);
      expect(plan.demand.decisions).toMatchObject([{ kind: "start", machineId: machineId(8) }, { kind: "wait" }]);
      expect([plan.standby.starts, plan.scale.launchCount]).toEqual([[], 0]);
    }
  });

  it("one ticket is made to try, on a machine that is there", () => {
    const plan = decide({ breakers }, { machines: [free(1), free(2)] });
    expect(plan.demand.decisions).toEqual([mint(1, 1), wait(2, "tickets-stopped")]);
    expect([plan.demand.spare, plan.scale.launchCount, plan.stops.tickets]).toEqual([[free(2)], 0, "probe"]);
  });

  it("a ticket held ready is tried rather than a new one, and only one of them", () => {
    const ready = [8, 9].map((number) =>
      ticket({ id: ticketId(number), machineId: machineId(number), purpose: "ready", jobId: null }),
    );
    const usable = new Set(ready.map((one) => one.machineId));
    const plan = decide({ breakers, usable }, { tickets: ready, machines: [free(1)] });
    expect(plan.demand.decisions).toEqual([aim(1, 8), wait(2, "tickets-stopped")]);
    expect(plan.demand.unneeded).toEqual([]);
  });

  it("one machine is started to try where there is none, and no second while it starts", () => {
    const plan = decide({ breakers });
    expect(plan.demand.decisions).toEqual([launch(1), wait(2, "tickets-stopped")]);
    expect(plan.scale.launchCount).toBe(1);
    const next = decide({ breakers, unheardCount: 1 }, { machines: [free(1, "planned")] });
    expect(next.demand.decisions).toEqual([wait(1, "machine-launching"), wait(2, "tickets-stopped")]);
    expect(next.scale.launchCount).toBe(0);
    const starting = decide(
      { breakers, unheardCount: 1 },
      { tickets: [forJob(1, "issued", { createdAtMs: START_MS + 1 })] },
    );
    expect([starting.stops.tickets, starting.scale.launchCount]).toEqual(["stopped", 0]);
  });

  it("says at-max where that is what stands against the try", () => {
    const launchRoom = { count: 0, limit: "at-max" } as const;
    expect(decide({ breakers }, { launchRoom }).demand.decisions[0]).toEqual(wait(1, "at-max"));
  });

  it.each(["minting", "issued", "delivered", "online"] as const)(
    "no second is tried while the first is %s",
    (state) => {
      const tried = forJob(1, state, { createdAtMs: START_MS + 1 });
      const plan = decide({ breakers }, { tickets: [tried], machines: [free(1)] });
      expect([plan.stops.tickets, plan.demand.decisions[1]]).toEqual(["stopped", wait(2, "tickets-stopped")]);
    },
  );

  it("one that was made before the opening proves nothing, and holds up no probe", () => {
    const before = forJob(1, "online", { createdAtMs: START_MS });
    const plan = decide({ breakers }, { tickets: [before], machines: [free(1)] });
    expect(plan.demand.decisions[1]).toEqual(mint(2, 1));
  });
});

describe("while machines never check in", () => {
  const breakers = { tickets: CLOSED, launches: open };

  it("none is launched before a probe is due, and those that are there are used", () => {
    const plan = decide({ breakers }, { machines: [free(1)] }, DUE_MS - 1);
    expect(plan.demand.decisions).toEqual([mint(1, 1), wait(2, "launches-stopped")]);
    expect([plan.scale.launchCount, plan.stops.launches]).toEqual([0, "stopped"]);
  });

  it("then one is, and none while it has not been heard of", () => {
    const plan = decide({ breakers });
    expect(plan.demand.decisions).toEqual([launch(1), wait(2, "launches-stopped")]);
    expect([plan.scale.launchCount, plan.stops.launches]).toEqual([1, "probe"]);
    expect(decide({ breakers, unheardCount: 1 }).scale.launchCount).toBe(0);
  });

  it("one is, to be kept warm, where no job waits", () => {
    expect(decide({ breakers }, { jobs: [] }).scale.launchCount).toBe(1);
    expect(decide({ breakers }, { jobs: [] }, DUE_MS - 1).scale.launchCount).toBe(0);
  });

  it("at-max stays the reason where it is", () => {
    const launchRoom = { count: 0, limit: "at-max" } as const;
    expect(decide({ breakers }, { launchRoom }).demand.decisions[0]).toEqual(wait(1, "at-max"));
  });
});

describe("a job whose own tickets keep ending without it", () => {
  const broken = { ...young(1), ticketCount: 2, lastTicketAtMs: START_MS, breaker: open };

  it("waits for its probe, and leaves the machine to the next job", () => {
    const plan = decide({}, { jobs: [broken, young(2)], machines: [free(1)] }, DUE_MS - 1);
    expect(plan.demand.decisions).toEqual([wait(1, "job-stopped"), mint(2, 1)]);
  });

  it("gets one when it is due, and is read at GitHub before", () => {
    const plan = decide({}, { jobs: [broken], machines: [free(1)] });
    expect(plan.demand.decisions).toEqual([mint(1, 1)]);
    const unread = { ...broken, askedAtMs: null };
    expect(decide({}, { jobs: [unread], machines: [free(1)] }).demand.decisions).toEqual([ask(1)]);
  });
});

it("a ticket held ready for a machine that could not take it is no supply, and voided", () => {
  const ready = ticket({ id: ticketId(9), machineId: machineId(9), purpose: "ready", jobId: null });
  const input = { wanted: { registeredCount: 0, readyCount: 1 } };
  const lost = decide(input, { tickets: [ready], machines: [free(1)] });
  expect(lost.demand).toMatchObject({ decisions: [mint(1, 1), launch(2)], unneeded: [ticketId(9)] });
  const kept = decide({ ...input, usable: new Set([machineId(9)]) }, { tickets: [ready], jobs: [] });
  expect(kept.demand).toMatchObject({ unneeded: [], standing: { readyCount: 1 } });
});

const breaker = fc.constantFrom<Breaker>(
  CLOSED,
  CLOSED,
  { ...open, nextProbeAtMs: START_MS + NOW_MS },
  { ...open, nextProbeAtMs: START_MS + NOW_MS + 1 },
);

function everyPlan(check: (plan: PoolDecision, input: PoolInput, fleet: Fleet) => void): void {
  always(
    fc.property(
      fleets,
      breaker,
      breaker,
      fc.nat(1),
      fc.boolean(),
      (fleet, tickets, launches, unheardCount, isUsable) => {
        const usable = new Set(isUsable ? fleet.machines.map(({ id }) => id) : []);
        const wanted = standingWanted(fleet.pool, false);
        const input: PoolInput = {
          demand: fleet.demand,
          wanted,
          breakers: { tickets, launches },
          unheardCount,
          usable,
        };
        check(decidePool(input, fleet.pool, fleet.time), input, fleet);
      },
    ),
    2_000,
  );
}

describe("whatever the fleet", () => {
  it("the plan is sound: each job once, each machine and ticket at most once, machines.max holds", () => {
    everyPlan((plan, { demand }, { pool: policy, machines, tickets }) => {
      const whole = { jobs: plan.demand.decisions, standing: plan.standing.mints, launchCount: plan.scale.launchCount };
      const context = { pool: policy, demand, machines, tickets };
      expect(checkPlan({ ...whole, machines: new Map() }, context)).toEqual([]);
      const present = machines.filter(countsAsMachine).length;
      if (plan.scale.launchCount > 0)
        expect(present + plan.scale.launchCount).toBeLessThanOrEqual(policy.machineCountMax);
    });
  });

  it("a breaker lets through one try at most, and none before it is due", () => {
    everyPlan((plan, { breakers, demand }) => {
      const { decisions } = plan.demand;
      const mintCount = decisions.filter(({ kind }) => kind === "mint").length;
      const readyCount = decisions.filter(
        (one) => one.kind === "aim" && demand.tickets.some((other) => other.id === one.ticketId && isHeldReady(other)),
      ).length;
      if (breakers.tickets.kind === "open") {
        expect(mintCount + readyCount + plan.scale.launchCount).toBeLessThanOrEqual(
          plan.stops.tickets === "probe" ? 1 : 0,
        );
        expect(plan.standing.mints).toEqual([]);
      }
      if (breakers.launches.kind === "open")
        expect(plan.scale.launchCount).toBeLessThanOrEqual(plan.stops.launches === "probe" ? 1 : 0);
    });
  });

  it("no machine is minted on in advance and surplus at once, and none gets two tickets", () => {
    everyPlan((plan) => {
      const inAdvance = plan.standing.mints.map((one) => one.machineId);
      expect(inAdvance.filter((id) => plan.scale.surplus.includes(id))).toEqual([]);
      const forJobs = plan.demand.decisions.flatMap((one) => (one.kind === "mint" ? [one.machineId] : []));
      expect(new Set([...inAdvance, ...forJobs]).size).toBe(inAdvance.length + forJobs.length);
    });
  });

  it("a pool that observes makes nothing in advance and voids nothing", () => {
    everyPlan((plan, _input, { pool: { mode } }) => {
      if (mode !== "observe") return;
      expect([plan.standing.mints, plan.demand.unneeded, plan.scale]).toEqual([
        [],
        [],
        { launchCount: 0, surplus: [] },
      ]);
    });
  });
});
