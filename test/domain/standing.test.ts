/** Tickets in advance: which count for a job, which are kept, which are made, and what that does to the number of machines. */
import { describe, expect, it } from "vitest";
import { type DemandPlan, decideDemand, type FreeMachine } from "../../src/domain/demand.ts";
import type { RegistrationScope } from "../../src/domain/pool.ts";
import { decideScale } from "../../src/domain/scale.ts";
import { decideStanding, type StandingInput } from "../../src/domain/standing.ts";
import { standingScope, standingWanted } from "../../src/domain/supply.ts";
import type { Ticket, TicketStateKind } from "../../src/domain/ticket.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { heard, jobId, machineId, pool, START_MS, ticket, ticketId } from "./builders.ts";
import { aim, decide, free, mint, wait, waiting } from "./demand-scene.ts";

type Purpose = "registered" | "ready";
const standing = (
  purpose: Purpose,
  state: TicketStateKind,
  number = 9,
  fields: Parameters<typeof ticket>[0] = {},
): Ticket => ticket({ id: ticketId(number), machineId: machineId(number), purpose, jobId: null, state, ...fields });
const wanted = (registeredCount: number, readyCount = 0) => ({ standing: { registeredCount, readyCount } });
const DAY_OLD_MS = 11 * HOUR_MS;

describe("a waiting job and tickets in advance", () => {
  it.each<readonly [string, Purpose, TicketStateKind]>([
    ["a listener that waits online", "registered", "online"],
    ["one on its way there", "registered", "delivered"],
    ["one whose ticket has not left us", "registered", "issued"],
    ["a ticket held ready", "ready", "issued"],
    ["one that is being asked for", "ready", "minting"],
  ])("%s counts for it, before another is minted", (_name, purpose, state) => {
    const input = { tickets: [standing(purpose, state)], machines: [free(1)], ...wanted(1, 1) };
    expect(decide(input)).toMatchObject({ decisions: [aim(1, 9)], unneeded: [], standing: { registeredCount: 0 } });
  });

  it("a listener online for hours is as good as new, and what is online comes first", () => {
    const tickets = [
      standing("ready", "issued", 7),
      standing("registered", "issued", 8),
      standing("registered", "online", 9),
    ];
    const jobs = [1, 2, 3].map((number) => waiting(number, { askedAtMs: START_MS + DAY_OLD_MS }));
    const { decisions } = decide({ jobs, tickets: tickets.slice(2) }, {}, DAY_OLD_MS);
    expect(decisions[0]).toEqual(aim(1, 9));
    expect(decide({ jobs, tickets }).decisions).toEqual([aim(1, 9), aim(2, 8), aim(3, 7)]);
  });

  it("its bound runs from when a job was to come to it", () => {
    const aimedAtMs = START_MS + DAY_OLD_MS;
    const tickets = [standing("registered", "online", 9, { jobId: jobId(1), aimedAtMs })];
    const at = (afterMs: number) => {
      const jobs = [waiting(1, { askedAtMs: START_MS + DAY_OLD_MS + afterMs })];
      return decide({ jobs, tickets, machines: [free(5)] }, {}, DAY_OLD_MS + afterMs).decisions;
    };
    expect(at(2 * MINUTE_MS - 1)).toEqual([wait(1, "github-assigning")]);
    expect(at(2 * MINUTE_MS)).toEqual([mint(1, 5)]);
  });

  it("a ticket held ready that was aimed late in its life is not late at once", () => {
    const aimedAtMs = START_MS + DAY_OLD_MS;
    const tickets = [standing("ready", "issued", 9, { jobId: jobId(1), aimedAtMs })];
    expect(decide({ tickets }, {}, DAY_OLD_MS + SECOND_MS)).toMatchObject({
      decisions: [wait(1, "ticket-issued")],
      unneeded: [],
    });
  });

  it("GitHub does not assign: two listeners are late, and no third is aimed or minted", () => {
    const aimedAtMs = START_MS;
    const late = [8, 9].map((number) => standing("registered", "online", number, { jobId: jobId(1), aimedAtMs }));
    const jobs = [waiting(1, { askedAtMs: START_MS + HOUR_MS })];
    const input = { jobs, tickets: [...late, standing("registered", "online", 7)], machines: [free(5)], ...wanted(3) };
    expect(decide(input, {}, HOUR_MS).decisions).toEqual([wait(1, "github-does-not-assign")]);
  });
});

describe("tickets in advance that no job needs", () => {
  const elsewhere: RegistrationScope = { kind: "repository", owner: "acme", repository: "gadgets" };
  const issued = (purpose: Purpose, ...numbers: readonly number[]) =>
    numbers.map((one) => standing(purpose, "issued", one));

  it.each<readonly [string, readonly Ticket[], number, number, readonly number[]]>([
    ["as many as are wanted are kept", issued("ready", 1, 2), 0, 2, []],
    ["one too many is voided", issued("ready", 1, 2), 0, 1, [2]],
    ["all are where none is wanted", [...issued("ready", 1), ...issued("registered", 2)], 0, 0, [1, 2]],
    ["what is online counts first", [...issued("registered", 1), standing("registered", "online", 2)], 1, 0, [1]],
    [
      "one that was aimed at a job that is over is voided",
      [standing("ready", "issued", 1, { jobId: jobId(9) })],
      0,
      1,
      [1],
    ],
    ["what jobs took does not count", [standing("registered", "running", 1), ...issued("registered", 2)], 1, 0, []],
  ])("%s", (_name, tickets, registered, ready, unneeded) => {
    const plan = decide({ jobs: [], tickets, ...wanted(registered, ready) });
    expect(plan.unneeded).toEqual(unneeded.map((number) => ticketId(number)));
  });

  it("one held ready is renewed after twelve hours, well before GitHub forgets it", () => {
    const tickets = [standing("ready", "issued", 1, { scope: elsewhere })];
    const at = (afterMs: number) => decide({ jobs: [], tickets, ...wanted(0, 1) }, {}, afterMs).unneeded;
    expect(at(12 * HOUR_MS - 1)).toEqual([]);
    expect(at(12 * HOUR_MS)).toEqual([ticketId(1)]);
  });

  it("one on its way to a listener is voided where its machine does not come for it", () => {
    const tickets = issued("registered", 1);
    const at = (afterMs: number) => decide({ jobs: [], tickets, ...wanted(1) }, {}, afterMs).unneeded;
    expect(at(7 * MINUTE_MS - 1)).toEqual([]);
    expect(at(7 * MINUTE_MS)).toEqual([ticketId(1)]);
  });
});

const calm: StandingInput = {
  wanted: { registeredCount: 0, readyCount: 0 },
  warmParkedCount: 0,
  mayMint: true,
  usable: new Set(Array.from({ length: 20 }, (_, number) => machineId(number))),
  mintingCount: 0,
};
const left = (spare: readonly FreeMachine[], registeredCount = 0, readyCount = 0): DemandPlan => ({
  decisions: [],
  spare,
  unneeded: [],
  standing: { registeredCount, readyCount },
});
const registered = (number: number) => ({ machineId: machineId(number), purpose: "registered" }) as const;
const ready = (number: number) => ({ machineId: machineId(number), purpose: "ready" }) as const;

describe("decideStanding", () => {
  it.each<readonly [string, Partial<StandingInput>, DemandPlan, Partial<ReturnType<typeof decideStanding>>]>([
    ["nothing is wanted", {}, left([free(1)]), { mints: [], launchCount: 0, spare: [free(1)] }],
    [
      "a listener is missing: a free machine gets its ticket, and is spare no more",
      { wanted: { registeredCount: 1, readyCount: 0 } },
      left([free(1), free(2)]),
      { mints: [registered(1)], launchCount: 0, spare: [free(2)] },
    ],
    [
      "one is missing and none is free: one is launched",
      { wanted: { registeredCount: 2, readyCount: 0 } },
      left([], 1),
      { mints: [], launchCount: 1 },
    ],
    [
      "one is being launched for it already",
      { wanted: { registeredCount: 1, readyCount: 0 } },
      left([free(1, "planned")]),
      { mints: [], launchCount: 0, spare: [] },
    ],
    [
      "GitHub gives no tickets: what is free is kept for it, and nothing started",
      { wanted: { registeredCount: 2, readyCount: 0 }, mayMint: false },
      left([free(1)]),
      { mints: [], launchCount: 0, spare: [] },
    ],
    [
      "a ticket is held ready for a parked machine, which stays spare",
      { wanted: { registeredCount: 0, readyCount: 1 }, warmParkedCount: 2 },
      left([free(1), free(2), free(3, "provisioning")]),
      { mints: [ready(2)], spare: [free(1), free(2), free(3, "provisioning")] },
    ],
    [
      "none for the one that is surplus while another boots",
      { wanted: { registeredCount: 0, readyCount: 1 }, warmParkedCount: 1 },
      left([free(1), free(2, "provisioning")]),
      { mints: [] },
    ],
    [
      "none for a machine that boots",
      { wanted: { registeredCount: 0, readyCount: 1 }, warmParkedCount: 2 },
      left([free(3, "provisioning")]),
      { mints: [] },
    ],
    [
      "none more than is missing",
      { wanted: { registeredCount: 0, readyCount: 2 }, warmParkedCount: 3 },
      left([free(1), free(2)], 0, 1),
      { mints: [ready(1)] },
    ],
    [
      "a few at a time: GitHub's minute is for jobs",
      { wanted: { registeredCount: 9, readyCount: 0 }, mintingCount: 2 },
      left(Array.from({ length: 9 }, (_, index) => free(index + 1))),
      { mints: [registered(1), registered(2)], launchCount: 0 },
    ],
  ])("%s", (_name, input, demand, want) => {
    expect(decideStanding({ ...calm, ...input }, demand)).toMatchObject(want);
  });
});

describe("machines of a pool with tickets in advance", () => {
  const room = { count: 9, limit: "at-max" } as const;
  it("one whose ticket is held ready is a parked one: neither missing nor surplus", () => {
    const demand = left([free(1)], 0, 1);
    const plan = decideStanding({ ...calm, warmParkedCount: 2 }, demand);
    expect(decideScale(demand, room, pool({ warmParkedCount: 2 }), plan)).toEqual({ launchCount: 0, surplus: [] });
    expect(decideScale(demand, room, pool({ warmParkedCount: 1 }), plan).surplus).toEqual([machineId(1)]);
  });

  it("one that becomes a listener is parked no more, and replaced", () => {
    const demand = left([free(1)]);
    const plan = decideStanding({ ...calm, warmParkedCount: 1, wanted: { registeredCount: 1, readyCount: 0 } }, demand);
    expect(decideScale(demand, room, pool({ warmParkedCount: 1 }), plan)).toEqual({ launchCount: 1, surplus: [] });
  });

  it("never passes the room there is, jobs first", () => {
    const demand = decideDemand(
      { jobs: [waiting(1)], tickets: [], unnamedRunning: [], machines: [], mintPauses: new Map(), launchRoom: room },
      pool(),
      heard(SECOND_MS),
    );
    const plan = decideStanding({ ...calm, wanted: { registeredCount: 5, readyCount: 0 } }, demand);
    expect(plan.launchCount).toBe(5);
    expect(decideScale(demand, { count: 3, limit: "at-max" }, pool(), plan).launchCount).toBe(3);
  });
});

describe("where tickets in advance are registered", () => {
  const repositories = (...names: readonly string[]) => ({ kind: "repositories", repositories: names }) as const;
  it.each([
    [{ kind: "organization", organization: "acme" } as const, { kind: "organization", organization: "acme" }],
    [{ kind: "enterprise", enterprise: "big" } as const, { kind: "enterprise", enterprise: "big" }],
    [repositories("acme/widgets"), { kind: "repository", owner: "acme", repository: "widgets" }],
    [repositories("acme/*"), null],
    [repositories("acme/widgets", "acme/gadgets"), null],
    [repositories("acme/widgets", "acme/*"), null],
  ])("%o", (scope, want) => {
    const policy = pool({ scope, warmRegisteredCount: 2, readyTicketCount: 1 });
    expect(standingScope(policy)).toEqual(want);
    const counts = want === null ? { registeredCount: 0, readyCount: 0 } : { registeredCount: 2, readyCount: 1 };
    expect(standingWanted(policy, false)).toEqual(counts);
    expect(standingWanted(policy, true)).toEqual({ registeredCount: 0, readyCount: 0 });
  });
});
