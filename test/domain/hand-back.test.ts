import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  askBack,
  decideHandBacks,
  type HandBackInput,
  isForWantOfJob,
  isWaitedFor,
} from "../../src/domain/hand-back.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { standingWanted } from "../../src/domain/supply.ts";
import type { HandBackReason, Ticket, TicketStateKind } from "../../src/domain/ticket.ts";
import type { HeardTime } from "../../src/domain/time.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { heard, jobId, machineId, pool, START_MS, ticket, ticketId } from "./builders.ts";
import { fleets } from "./fleet.ts";
import { always } from "./property.ts";

const BOUND_MS = 2 * MINUTE_MS;
const NONE = { registeredCount: 0, readyCount: 0 };

const at = (state: TicketStateKind, number = 1): Ticket =>
  ticket({ id: ticketId(number), machineId: machineId(number), state });

function decide(
  overrides: Partial<HandBackInput>,
  time: HeardTime = heard(BOUND_MS),
  settings: Partial<PoolPolicy> = {},
): readonly (readonly [string, HandBackReason])[] {
  const calm = { tickets: [], waiting: [], wanted: NONE, draining: new Set<never>(), askedAgoMs: null };
  return decideHandBacks({ ...calm, ...overrides }, pool(settings), time).map((one) => [one.ticketId, one.reason]);
}

type Row = readonly [string, Partial<HandBackInput>, HeardTime, readonly HandBackReason[]];
const waiting = { waiting: [{ id: jobId(7), repository: "acme/widgets" }] };

const askedFor = (reason: HandBackReason | null, overrides: Partial<Ticket> = {}): Ticket =>
  ticket({ ...overrides, state: { kind: "handing-back", sinceMs: START_MS, reason } });

describe("a ticket is asked back for want of a job", () => {
  it.each<readonly [HandBackReason | null, boolean]>([
    ["idle-ticket", true],
    ["listener-old", true],
    ["deaf-listener", false],
    ["runner-late", false],
    ["draining", false],
    [null, false],
  ])("where that is the reason: %s", (reason, isSo) => {
    expect(isForWantOfJob(askedFor(reason))).toBe(isSo);
  });

  it("not where it is not asked back", () => {
    expect(isForWantOfJob(at("online"))).toBe(false);
  });
});

it("a listener is waited for by a job of its scope", () => {
  const scope = { kind: "repository", owner: "acme", repository: "rockets" } as const;
  expect(isWaitedFor(at("online"), waiting.waiting)).toBe(true);
  expect(isWaitedFor(at("online"), [])).toBe(false);
  expect(isWaitedFor(ticket({ scope }), waiting.waiting)).toBe(false);
});

describe("an order that rests is given again", () => {
  const MINUTES_10 = 10 * MINUTE_MS;
  const going = { draining: new Set([askedFor(null).machineId]) };
  const reasonsFor = (reason: HandBackReason | null, overrides: Partial<HandBackInput>, agoMs = 0) =>
    decide({ tickets: [askedFor(reason)], ...waiting, ...overrides }, heard(agoMs)).map(([, given]) => given);

  it.each<HandBackReason>(["idle-ticket", "listener-old"])("where its machine is to go meanwhile: %s", (reason) => {
    expect(reasonsFor(reason, going)).toEqual(["draining"]);
    expect(reasonsFor(reason, {}, MINUTES_10 - 1)).toEqual([]);
  });

  it("where a job waited that long and did not come to it, one of them in a minute", () => {
    expect(reasonsFor("idle-ticket", {}, MINUTES_10)).toEqual(["deaf-listener"]);
    expect(reasonsFor("idle-ticket", { waiting: [] }, MINUTES_10)).toEqual([]);
    expect(reasonsFor("idle-ticket", { askedAgoMs: MINUTE_MS - 1 }, MINUTES_10)).toEqual([]);
    const tickets = [1, 2].map((number) => askedFor("idle-ticket", { id: ticketId(number) }));
    expect(reasonsFor("idle-ticket", { tickets }, MINUTES_10)).toEqual(["deaf-listener"]);
  });

  it.each<HandBackReason | null>(["deaf-listener", "runner-late", "draining", null])("not: %s", (reason) => {
    expect(reasonsFor(reason, going, MINUTES_10)).toEqual([]);
  });

  it("as the same attempt", () => {
    const before = askedFor("idle-ticket");
    expect(askBack(before, "draining", START_MS + 1)).toEqual({
      ...before,
      state: { kind: "handing-back", sinceMs: START_MS, reason: "draining" },
      version: before.version + 1,
    });
  });
});

describe("a ticket is asked back", () => {
  it.each<Row>([
    ["whose runner is not online by its deadline", { tickets: [at("delivered")] }, heard(BOUND_MS), ["runner-late"]],
    ["that is online without a job for its bound", { tickets: [at("online")] }, heard(BOUND_MS), ["idle-ticket"]],
    ["of a machine that drains, at once", { tickets: [at("online")], draining: drain(1) }, heard(), ["draining"]],
    [
      "of a machine that drains before its runner is online",
      { tickets: [at("delivered")], draining: drain(1) },
      heard(),
      ["draining"],
    ],
    [
      "that no job came to for ten minutes, though jobs wait",
      { tickets: [at("online")], ...waiting },
      heard(10 * MINUTE_MS),
      ["deaf-listener"],
    ],
    [
      "that a waiting job could not come to: it is another repository's",
      {
        tickets: [ticket({ state: "online", scope: { kind: "repository", owner: "acme", repository: "rockets" } })],
        ...waiting,
      },
      heard(BOUND_MS),
      ["idle-ticket"],
    ],
  ])("%s", (_name, input, time, reasons) => {
    expect(decide(input, time).map(([, reason]) => reason)).toEqual(reasons);
  });
});

describe("a ticket is left alone", () => {
  it.each<Row>([
    ["before its deadline", { tickets: [at("delivered")] }, heard(BOUND_MS - 1), []],
    ["before its bound", { tickets: [at("online")] }, heard(BOUND_MS - 1), []],
    ["past its bound over time in which we could not hear", { tickets: [at("online")] }, deaf(), []],
    ["while a job waits that could come to it", { tickets: [at("online")], ...waiting }, heard(BOUND_MS), []],
    ["that runs a job", { tickets: [at("running")], draining: drain(1) }, heard(60 * MINUTE_MS), []],
    ["that never left us", { tickets: [at("issued")], draining: drain(1) }, heard(60 * MINUTE_MS), []],
    ["that nobody knows", { tickets: [at("unknown")], draining: drain(1) }, heard(60 * MINUTE_MS), []],
  ])("%s", (_name, input, time) => {
    expect(decide(input, time)).toEqual([]);
  });

  it("by a pool that only observes", () => {
    const input = { tickets: [at("online")], draining: drain(1) };
    expect(decide(input, heard(60 * MINUTE_MS), { mode: "observe" })).toEqual([]);
  });
});

describe("while jobs wait", () => {
  const late = [at("delivered", 1), at("delivered", 2), at("delivered", 3)];

  it("a host that is not asked in any case does not stand before the next one", () => {
    const barred = new Set([machineId(1)]);
    expect(decide({ tickets: late, barred, ...waiting })).toEqual([[ticketId(2), "runner-late"]]);
  });

  it("one in a minute is asked back", () => {
    expect(decide({ tickets: late, ...waiting })).toHaveLength(1);
    const soon = { askedAgoMs: MINUTE_MS - 1 };
    expect(decide({ tickets: late, ...waiting, ...soon })).toEqual([]);
    const later = { askedAgoMs: MINUTE_MS };
    expect(decide({ tickets: late, ...waiting, ...later })).toHaveLength(1);
  });

  it("drains are asked for all the same", () => {
    const input = { tickets: late, ...waiting, draining: drain(1, 2), askedAgoMs: 0 };
    expect(decide(input).map(([, reason]) => reason)).toEqual(["draining", "draining"]);
  });

  it("and none waits, all are", () => {
    expect(decide({ tickets: late, askedAgoMs: 0 })).toHaveLength(3);
  });
});

describe("listeners that are kept online in advance", () => {
  const HOURS_MS = 5 * HOUR_MS;
  const listener = (number: number, ageMs = HOURS_MS, fields: Parameters<typeof ticket>[0] = {}): Ticket =>
    ticket({
      id: ticketId(number),
      machineId: machineId(number),
      purpose: "registered",
      jobId: null,
      state: { kind: "online", sinceMs: START_MS + DAY_MS - ageMs },
      ...fields,
    });
  const now = heard(DAY_MS, { heardSinceMs: START_MS });
  const wanted = (registeredCount: number) => ({ wanted: { registeredCount, readyCount: 0 } });
  const old = 12 * HOUR_MS;

  it.each<readonly [string, Partial<HandBackInput>, readonly (readonly [number, HandBackReason])[]]>([
    ["are kept, as many as are wanted", { tickets: [listener(1), listener(2)], ...wanted(2) }, []],
    [
      "beyond that the oldest goes",
      { tickets: [listener(1, HOURS_MS + 1), listener(2)], ...wanted(1) },
      [[1, "idle-ticket"]],
    ],
    ["all go where none is wanted any more", { tickets: [listener(1)], ...wanted(0) }, [[1, "idle-ticket"]]],
    ["none goes while a job waits that could come to it", { tickets: [listener(1)], ...wanted(0), ...waiting }, []],
    ["one that is old is replaced", { tickets: [listener(1, old)], ...wanted(1) }, [[1, "listener-old"]]],
    ["not one ms before", { tickets: [listener(1, old - 1)], ...wanted(1) }, []],
    [
      "one at a time, the oldest first",
      { tickets: [listener(1, old), listener(2, old + 1)], ...wanted(2) },
      [[2, "listener-old"]],
    ],
    ["the next only once none is missing", { tickets: [listener(1, old), listener(2, old)], ...wanted(3) }, []],
    [
      "nor while one is being asked for",
      {
        tickets: [
          listener(1, old),
          listener(2, 0, { state: { kind: "handing-back", sinceMs: START_MS, reason: "listener-old" } }),
        ],
        ...wanted(1),
      },
      [],
    ],
    ["nor while a job waits that could come to it", { tickets: [listener(1, old)], ...wanted(1), ...waiting }, []],
    [
      "goes with its machine, whatever is wanted",
      { tickets: [listener(1)], ...wanted(1), draining: drain(1) },
      [[1, "draining"]],
    ],
    [
      "one whose runner is not online by its deadline is asked back",
      { tickets: [listener(1, 0, { state: { kind: "delivered", sinceMs: START_MS } })], ...wanted(1) },
      [[1, "runner-late"]],
    ],
    [
      "one that GitHub gave no job for ten minutes, though one waited that was to come to it",
      {
        tickets: [listener(1, HOURS_MS, { jobId: jobId(7), aimedAtMs: START_MS + DAY_MS - 10 * MINUTE_MS })],
        ...waiting,
      },
      [[1, "deaf-listener"]],
    ],
    [
      "not one ms before, however long it was online",
      {
        tickets: [listener(1, HOURS_MS, { jobId: jobId(7), aimedAtMs: START_MS + DAY_MS - 10 * MINUTE_MS + 1 })],
        ...waiting,
      },
      [],
    ],
    [
      "is one of them again once another runner has its job",
      { tickets: [listener(1, HOURS_MS, { jobId: jobId(8), aimedAtMs: START_MS })], ...wanted(1) },
      [],
    ],
  ])("%s", (_name, input, want) => {
    expect(decide(input, now)).toEqual(want.map(([number, reason]) => [ticketId(number), reason]));
  });
});

it("names tickets that are out and not running, each once, whatever the fleet", () => {
  const property = fc.property(fleets, fc.boolean(), ({ demand, pool: policy, time, machines }, isDraining) => {
    const draining = new Set(isDraining ? machines.map(({ id }) => id) : []);
    const jobs = demand.jobs.map(({ job }) => job);
    const wanted = standingWanted(policy, isDraining);
    const input = { tickets: demand.tickets, waiting: jobs, wanted, draining, askedAgoMs: null };
    const named = decideHandBacks(input, policy, time).map((one) => one.ticketId);
    expect(new Set(named).size).toBe(named.length);
    for (const id of named) {
      const found = demand.tickets.find((one) => one.id === id);
      expect(["delivered", "online"]).toContain(found?.state.kind);
    }
  });
  always(property);
});

function drain(...numbers: readonly number[]) {
  return new Set(numbers.map((number) => machineId(number)));
}

/** Long past everything, and heard for a moment only. */
function deaf(): HeardTime {
  return heard(60 * MINUTE_MS, { heardSinceMs: START_MS + 60 * MINUTE_MS - 1 });
}
