import { describe, expect, it } from "vitest";
import {
  type DemandInput,
  decideDemand,
  FRESH_JOB_MS,
  type FreeMachine,
  type JobDecision,
  QUEUED_ANSWER_MS,
  type WaitingJob,
} from "../../src/domain/demand.ts";
import type { Job } from "../../src/domain/job.ts";
import type { PoolPolicy, RegistrationScope } from "../../src/domain/pool.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import type { Ticket, TicketStateKind } from "../../src/domain/ticket.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { heard, job, jobId, machineId, pool, runnerId, START_MS, ticket, ticketId, ticketState } from "./builders.ts";

const NOW_MS = SECOND_MS;

/** Queued at the start, never had a ticket, never asked about: the usual job. */
function waiting(number = 1, overrides: Partial<WaitingJob> & { readonly job?: Job } = {}): WaitingJob {
  return {
    job: job({ id: jobId(number) }),
    ticketCount: 0,
    lastTicketAtMs: null,
    askedAtMs: null,
    isAskPaused: false,
    ...overrides,
  };
}

const free = (number: number, state: FreeMachine["state"] = "parked"): FreeMachine => ({
  id: machineId(number),
  state,
});
const forJob = (number: number, state: TicketStateKind, fields: Parameters<typeof ticket>[0] = {}): Ticket =>
  ticket({ id: ticketId(number), jobId: jobId(number), runnerId: runnerId(number), state, ...fields });
const nobodys = (state: TicketStateKind, fields: Parameters<typeof ticket>[0] = {}): Ticket =>
  forJob(9, state, { ...fields, jobId: jobId(999) });

const mint = (job: number, machine: number): JobDecision => ({
  kind: "mint",
  jobId: jobId(job),
  machineId: machineId(machine),
});
const aim = (job: number, ticket: number): JobDecision => ({
  kind: "aim",
  jobId: jobId(job),
  ticketId: ticketId(ticket),
});
const ask = (job: number): JobDecision => ({ kind: "ask", jobId: jobId(job) });
const launch = (job: number): JobDecision => ({ kind: "launch", jobId: jobId(job) });
const wait = (job: number, reason: ReasonCode): JobDecision => ({ kind: "wait", jobId: jobId(job), reason });

function decide(
  overrides: Partial<DemandInput>,
  settings: Partial<PoolPolicy> = {},
  afterMs = NOW_MS,
): ReturnType<typeof decideDemand> {
  const nothing = { tickets: [], unnamedRunning: [], machines: [], isMintPaused: false };
  const input: DemandInput = { jobs: [waiting()], ...nothing, launchRoom: { count: 0, limit: "at-max" }, ...overrides };
  return decideDemand(input, pool(settings), heard(afterMs));
}

const room = (count: number) => ({ launchRoom: { count, limit: "at-max" } }) as const;

type Row = readonly [name: string, input: Partial<DemandInput>, want: readonly JobDecision[]];

describe("a job that nothing covers", () => {
  it.each<Row>([
    ["is given a parked machine", { machines: [free(1)] }, [mint(1, 1)]],
    ["is given one that boots: an issued ticket can be voided", { machines: [free(1, "provisioning")] }, [mint(1, 1)]],
    [
      "is given a parked one before one that boots",
      { machines: [free(1, "planned"), free(2, "provisioning"), free(3)] },
      [mint(1, 3)],
    ],
    [
      "waits for one that is being launched",
      { machines: [free(1, "planned")], ...room(5) },
      [wait(1, "machine-launching")],
    ],
    ["has one launched", room(1), [launch(1)]],
    ["waits where no more may be launched", room(0), [wait(1, "at-max")]],
    [
      "waits for the reason that launches are limited by",
      { launchRoom: { count: 0, limit: "launch-backoff" } },
      [wait(1, "launch-backoff")],
    ],
    [
      "waits out the pause after a refused mint",
      { machines: [free(1)], isMintPaused: true },
      [wait(1, "mint-backoff")],
    ],
    [
      "does not take a machine for two",
      { jobs: [waiting(1), waiting(2)], machines: [free(1)], ...room(1) },
      [mint(1, 1), launch(2)],
    ],
    [
      "does not launch more than there is room for",
      { jobs: [waiting(1), waiting(2), waiting(3)], ...room(2) },
      [launch(1), launch(2), wait(3, "at-max")],
    ],
  ])("%s", (_name, input, want) => {
    expect(decide(input).decisions).toEqual(want);
  });

  it("gets nothing from a pool that only observes", () => {
    const input = { machines: [free(1)], tickets: [nobodys("issued")], ...room(5) };
    expect(decide(input, { mode: "observe" })).toEqual({
      decisions: [wait(1, "pool-observes")],
      spare: [free(1)],
      unneeded: [],
    });
  });
});

describe("a job with a ticket of its own", () => {
  const machines = [free(5)];
  it.each<readonly [TicketStateKind, ReasonCode]>([
    ["minting", "ticket-minting"],
    ["issued", "ticket-issued"],
    ["delivered", "runner-starting"],
    ["online", "github-assigning"],
  ])("that is %s waits: %s", (state, reason) => {
    expect(decide({ tickets: [forJob(1, state)], machines }).decisions).toEqual([wait(1, reason)]);
  });

  it.each<TicketStateKind>(["running", "handing-back", "unknown", "spent", "barren", "handed-back", "void", "lost"])(
    "that is %s is not covered by it",
    (state) => {
      expect(decide({ tickets: [forJob(1, state)], machines }).decisions).toEqual([mint(1, 5)]);
    },
  );

  it("keeps it, also where an older job has none", () => {
    const jobs = [waiting(1), waiting(2)];
    expect(decide({ jobs, tickets: [forJob(2, "issued")] }).decisions).toEqual([
      wait(1, "at-max"),
      wait(2, "ticket-issued"),
    ]);
  });

  const lateMs = 2 * MINUTE_MS;
  const askedAtMs = START_MS + lateMs - SECOND_MS;
  it.each<readonly [string, number, number, JobDecision]>([
    ["one ms before the bound", lateMs - 1, 1, wait(1, "github-assigning")],
    ["at the bound: one more", lateMs, 1, mint(1, 5)],
    ["at the bound, the second one late too: no third", lateMs, 2, wait(1, "github-does-not-assign")],
  ])("online without a job, %s", (_name, afterMs, listenerCount, want) => {
    const tickets = Array.from({ length: listenerCount }, (_, index) =>
      forJob(1, "online", { id: ticketId(index + 1) }),
    );
    const jobs = [waiting(1, { askedAtMs, ticketCount: listenerCount })];
    expect(decide({ jobs, tickets, machines }, {}, afterMs).decisions).toEqual([want]);
  });
});

describe("a ticket that was made for another job", () => {
  const elsewhere: RegistrationScope = { kind: "repository", owner: "acme", repository: "gadgets" };

  it.each<Row>([
    [
      "is aimed at the job before a new one is minted",
      { tickets: [nobodys("issued")], machines: [free(1)] },
      [aim(1, 9)],
    ],
    ["is aimed while it is minting", { tickets: [nobodys("minting")] }, [aim(1, 9)]],
    ["is aimed when it is out and its runner waits", { tickets: [nobodys("online")] }, [aim(1, 9)]],
    [
      "is not aimed where its scope does not cover the job",
      { tickets: [nobodys("issued", { scope: elsewhere })], machines: [free(1)] },
      [mint(1, 1)],
    ],
    ["is not aimed when it runs", { tickets: [nobodys("running")], machines: [free(1)] }, [mint(1, 1)]],
    [
      "is aimed at the oldest of two",
      { jobs: [waiting(1), waiting(2)], tickets: [nobodys("issued")], machines: [free(1)] },
      [aim(1, 9), mint(2, 1)],
    ],
    ["is aimed once", { jobs: [waiting(1), waiting(2)], tickets: [nobodys("issued")] }, [aim(1, 9), wait(2, "at-max")]],
  ])("%s", (_name, input, want) => {
    expect(decide(input).decisions).toEqual(want);
  });

  it.each<readonly [string, Partial<DemandInput>, readonly number[]]>([
    ["nobody needs it: void it before it leaves", { jobs: [], tickets: [nobodys("issued")] }, [9]],
    ["it is minting: it cannot be voided before GitHub has answered", { jobs: [], tickets: [nobodys("minting")] }, []],
    [
      "it has left us: only its host can end it",
      { jobs: [], tickets: [nobodys("delivered"), forJob(8, "online")] },
      [],
    ],
    ["it was aimed", { tickets: [nobodys("issued")] }, []],
    ["it covers its own job", { tickets: [forJob(1, "issued")] }, []],
    ["it covers none in its scope", { tickets: [nobodys("issued", { scope: elsewhere })] }, [9]],
    [
      "a second one of a covered job",
      { tickets: [forJob(1, "issued"), forJob(1, "issued", { id: ticketId(2) })] },
      [2],
    ],
  ])("unneeded: %s", (_name, input, want) => {
    expect(decide(input).unneeded).toEqual(want.map((number) => ticketId(number)));
  });
});

describe("a runner whose job GitHub has not named", () => {
  const running = (sinceMs: number) => forJob(9, "running", { state: ticketState("running", START_MS + sinceMs) });
  const queuedAt = (seenMs: number) => [waiting(1, { job: job({ queuedSeenAtMs: START_MS + seenMs }) })];

  it.each<readonly [string, number, number, number, JobDecision]>([
    ["just began: it may run this one", 0, 5 * SECOND_MS, 10 * SECOND_MS, wait(1, "covered-by-running")],
    ["one ms before we ask", 0, 5 * SECOND_MS, 25 * SECOND_MS - 1, wait(1, "covered-by-running")],
    ["too long ago for GitHub's event to be late: ask", 0, 5 * SECOND_MS, 25 * SECOND_MS, ask(1)],
    [
      "GitHub called the job queued after that: it runs another",
      6 * SECOND_MS,
      5 * SECOND_MS,
      10 * SECOND_MS,
      mint(1, 1),
    ],
    [
      "GitHub called the job queued at that moment: it may run it",
      5 * SECOND_MS,
      5 * SECOND_MS,
      10 * SECOND_MS,
      wait(1, "covered-by-running"),
    ],
  ])("%s", (_name, seenMs, runningMs, afterMs, want) => {
    const input = { jobs: queuedAt(seenMs), unnamedRunning: [running(runningMs)], machines: [free(1)] };
    expect(decide(input, {}, afterMs).decisions).toEqual([want]);
  });

  it("covers one job, not two", () => {
    const jobs = [waiting(1), waiting(2)];
    const input = { jobs, unnamedRunning: [running(SECOND_MS)], machines: [free(1)] };
    expect(decide(input).decisions).toEqual([wait(1, "covered-by-running"), mint(2, 1)]);
  });

  it("covers none outside its scope", () => {
    const scope: RegistrationScope = { kind: "repository", owner: "acme", repository: "gadgets" };
    const input = { unnamedRunning: [{ ...running(SECOND_MS), scope }], machines: [free(1)] };
    expect(decide(input).decisions).toEqual([mint(1, 1)]);
  });
});

describe("GitHub is asked whether a job is still queued", () => {
  type AskRow = readonly [name: string, waiting: Partial<WaitingJob>, afterMs: number, want: JobDecision];
  const machines = [free(1)];
  const long = HOUR_MS;

  it.each<AskRow>([
    ["not where it is one ms younger than a minute", {}, FRESH_JOB_MS - 1, mint(1, 1)],
    ["where it is a minute old", {}, FRESH_JOB_MS, ask(1)],
    ["where it has had a ticket", { ticketCount: 1 }, NOW_MS, ask(1)],
    [
      "not again one ms before the answer is old",
      { askedAtMs: START_MS + long - QUEUED_ANSWER_MS + 1 },
      long,
      mint(1, 1),
    ],
    ["again where the answer is old", { askedAtMs: START_MS + long - QUEUED_ANSWER_MS }, long, ask(1)],
  ])("%s", (_name, fields, afterMs, want) => {
    expect(decide({ jobs: [waiting(1, fields)], machines }, {}, afterMs).decisions).toEqual([want]);
  });

  it.each<AskRow>([
    ["before a machine is launched for it", {}, FRESH_JOB_MS, ask(1)],
    ["and it is launched once the answer is there", { askedAtMs: START_MS + FRESH_JOB_MS }, FRESH_JOB_MS, launch(1)],
  ])("%s", (_name, fields, afterMs, want) => {
    expect(decide({ jobs: [waiting(1, fields)], ...room(1) }, {}, afterMs).decisions).toEqual([want]);
  });

  const old = waiting(1);
  const paused = waiting(1, { isAskPaused: true });
  const younger = waiting(2, { job: job({ id: jobId(2), createdAtMs: START_MS + long }) });
  it.each<Row>([
    ["keeps the machine that it would get", { jobs: [old, younger], machines }, [ask(1), wait(2, "at-max")]],
    ["keeps one machine of two", { jobs: [old, younger], machines: [free(1), free(2)] }, [ask(1), mint(2, 2)]],
    [
      "keeps the room for the one that would be launched",
      { jobs: [old, younger], ...room(1) },
      [ask(1), wait(2, "at-max")],
    ],
    ["keeps room for one of two", { jobs: [old, younger], ...room(2) }, [ask(1), launch(2)]],
    [
      "is not asked again yet: its machine goes to the next",
      { jobs: [paused, younger], machines },
      [wait(1, "asking-github"), mint(2, 1)],
    ],
    [
      "is not asked again yet: the room goes to the next",
      { jobs: [paused, younger], ...room(1) },
      [wait(1, "asking-github"), launch(2)],
    ],
    ["is not asked again yet, and nothing is free: that is the reason", { jobs: [paused] }, [wait(1, "at-max")]],
  ])("an old job %s", (_name, input, want) => {
    expect(decide(input, {}, long + SECOND_MS).decisions).toEqual(want);
  });

  it("a machine that an old job is asked about for is not spare; one that it does not get yet is", () => {
    expect(decide({ jobs: [old], machines }, {}, long).spare).toEqual([]);
    expect(decide({ jobs: [paused], machines }, {}, long).spare).toEqual(machines);
  });

  it.each<AskRow>([
    [
      "where the answer is young: no question is needed",
      { isAskPaused: true, askedAtMs: START_MS + long },
      long,
      mint(1, 1),
    ],
    ["where the job is fresh", { isAskPaused: true }, NOW_MS, mint(1, 1)],
    [
      "and counts for nothing where its answer is old",
      { isAskPaused: true, askedAtMs: START_MS },
      long,
      wait(1, "asking-github"),
    ],
  ])("a pause after a question without an answer does not matter %s", (_name, fields, afterMs, want) => {
    expect(decide({ jobs: [waiting(1, fields)], machines }, {}, afterMs).decisions).toEqual([want]);
  });

  it.each<readonly [string, boolean, JobDecision]>([
    ["asked", false, ask(1)],
    ["not asked again yet", true, wait(1, "asking-github")],
  ])("a job that a runner may have taken long ago is %s", (_name, isAskPaused, want) => {
    const unnamedRunning = [forJob(9, "running")];
    expect(decide({ jobs: [waiting(1, { isAskPaused })], unnamedRunning, machines }, {}, MINUTE_MS).decisions).toEqual([
      want,
    ]);
  });

  it("not where nothing could be done with the answer", () => {
    expect(decide({ jobs: [waiting()] }, {}, HOUR_MS).decisions).toEqual([wait(1, "at-max")]);
  });
});

describe("a job whose tickets end without it", () => {
  const at = (ms: number, ticketCount: number) => ({
    jobs: [waiting(1, { ticketCount, lastTicketAtMs: START_MS, askedAtMs: START_MS + ms })],
    machines: [free(1)],
  });

  it.each<readonly [string, number, number, JobDecision]>([
    ["one: the next a second later", SECOND_MS, 1, mint(1, 1)],
    ["one: not a ms earlier", SECOND_MS - 1, 1, wait(1, "ticket-backoff")],
    ["four: the next after 8 s", 8 * SECOND_MS, 4, mint(1, 1)],
    ["four: not a ms earlier", 8 * SECOND_MS - 1, 4, wait(1, "ticket-backoff")],
    ["a hundred: the next after 2 min", 2 * MINUTE_MS, 100, mint(1, 1)],
  ])("%s", (_name, afterMs, ticketCount, want) => {
    expect(decide(at(afterMs, ticketCount), {}, afterMs).decisions).toEqual([want]);
  });
});

describe("what no job needs", () => {
  it("is spare, in the order in which it would be used", () => {
    const machines = [free(1, "planned"), free(2), free(3, "provisioning"), free(4)];
    expect(decide({ machines }).spare).toEqual([free(4), free(3, "provisioning"), free(1, "planned")]);
  });

  it("is not what a job waits for, though it gets no ticket yet", () => {
    expect(decide({ machines: [free(1)], isMintPaused: true }).spare).toEqual([]);
  });
});

describe("what an attack on this module found", () => {
  const asked = (number: number, afterMs: number) => waiting(number, { askedAtMs: START_MS + afterMs, ticketCount: 1 });

  // I5 and the other direction ("ticket delivered, runner not online by its deadline"): its job must not wait for ever.
  it("a delivered ticket whose runner is not online by its deadline covers no job", () => {
    const input = { jobs: [asked(1, HOUR_MS)], tickets: [forJob(1, "delivered")], machines: [free(5)] };
    expect(decide(input, {}, HOUR_MS).decisions).toEqual([mint(1, 5)]);
  });

  // I5: a parked machine whose agent hangs never fetches its ticket. It has not left us: void it, and use another machine.
  it("an issued ticket that its machine does not fetch does not cover its job for ever", () => {
    const input = { jobs: [asked(1, DAY_MS)], tickets: [forJob(1, "issued")], machines: [free(5)] };
    expect(decide(input, {}, DAY_MS)).toMatchObject({ decisions: [mint(1, 5)], unneeded: [ticketId(1)] });
  });

  const { bootMs, onlineMs, idleTicketMs } = pool().deadlines;
  it.each<readonly [TicketStateKind, number, ReasonCode]>([
    ["issued", bootMs + onlineMs, "ticket-issued"],
    ["delivered", onlineMs, "runner-starting"],
    ["online", idleTicketMs, "github-assigning"],
  ])("a ticket that is %s is late after %d ms of heard time, and not one ms before", (state, boundMs, reason) => {
    const decideAt = (afterMs: number, heardForMs: number) => {
      const input = { jobs: [asked(1, afterMs)], tickets: [forJob(1, state)], machines: [free(5)] };
      const nothing = { unnamedRunning: [], isMintPaused: false, ...room(0) };
      const time = heard(afterMs, { heardSinceMs: START_MS + afterMs - heardForMs });
      return decideDemand({ ...input, ...nothing }, pool(), time);
    };
    const inTime = { decisions: [wait(1, reason)], unneeded: [] };
    expect(decideAt(boundMs - 1, HOUR_MS)).toMatchObject(inTime);
    expect(decideAt(HOUR_MS, boundMs - 1)).toMatchObject(inTime);
    // Only what has not left us can be voided; the others are for their hosts to end.
    const late = { decisions: [mint(1, 5)], unneeded: state === "issued" ? [ticketId(1)] : [] };
    expect(decideAt(boundMs, HOUR_MS)).toMatchObject(late);
    expect(decideAt(HOUR_MS, boundMs)).toMatchObject(late);
  });

  it("a ticket that is minting is never late: GitHub's answer is waited for", () => {
    const input = { jobs: [asked(1, DAY_MS)], tickets: [forJob(1, "minting")], machines: [free(5)] };
    expect(decide(input, {}, DAY_MS).decisions).toEqual([wait(1, "ticket-minting")]);
  });

  it.each(["delivered", "online"] as const)(
    "a late ticket is not aimed, and a second one ends the minting: %s",
    (state) => {
      const late = forJob(1, state);
      const input = (...tickets: readonly Ticket[]) => ({ jobs: [asked(1, HOUR_MS)], tickets, machines: [free(5)] });
      expect(decide(input({ ...late, jobId: jobId(999) }), {}, HOUR_MS).decisions).toEqual([mint(1, 5)]);
      const second = forJob(2, "delivered", { jobId: jobId(1) });
      expect(decide(input(late, second), {}, HOUR_MS).decisions).toEqual([wait(1, "github-does-not-assign")]);
    },
  );

  // Time: deadlines count only over time in which we could have heard. We were deaf until now: it may have a job.
  it("an online ticket is not late because we were deaf", () => {
    const input: DemandInput = {
      jobs: [asked(1, HOUR_MS)],
      tickets: [forJob(1, "online")],
      unnamedRunning: [],
      machines: [free(5)],
      isMintPaused: false,
      ...room(0),
    };
    const time = heard(HOUR_MS, { heardSinceMs: START_MS + HOUR_MS - SECOND_MS });
    expect(decideDemand(input, pool(), time).decisions).toEqual([wait(1, "github-assigning")]);
  });

  // States: one that has had a ticket is read before another is minted; an answer from before the last ticket is no such
  // reading.
  it("an answer from before its last ticket is not relied on for the next", () => {
    const had = { ticketCount: 1, askedAtMs: START_MS + 10 * SECOND_MS, lastTicketAtMs: START_MS + 11 * SECOND_MS };
    const input = { jobs: [waiting(1, had)], machines: [free(1)] };
    expect(decide(input, {}, 30 * SECOND_MS).decisions).toEqual([ask(1)]);
  });

  // `DemandInput.jobs`: oldest first. The older one must ask each minute, and a fresh one takes the machine meanwhile.
  it("the last machine is not given to a younger job while GitHub is asked about an older one", () => {
    const younger = waiting(2, { job: job({ id: jobId(2), createdAtMs: START_MS + HOUR_MS }) });
    const input = { jobs: [waiting(1), younger], machines: [free(1)] };
    expect(decide(input, {}, HOUR_MS + SECOND_MS).decisions).toEqual([ask(1), wait(2, "at-max")]);
  });
});
