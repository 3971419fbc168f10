import { describe, expect, it } from "vitest";
import type { DemandInput, JobDecision } from "../../src/domain/demand.ts";
import type { RegistrationScope } from "../../src/domain/pool.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import type { TicketStateKind } from "../../src/domain/ticket.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { job, jobId, machineId, START_MS, ticketId } from "./builders.ts";

import { aim, decide, forJob, free, launch, mint, nobodys, type Row, room, wait, waiting } from "./demand-scene.ts";

const refused = { mintPauses: new Map([["acme", "github-suspended"]] as const) };

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
      "waits out the pause after a refused mint, with GitHub's reason",
      { machines: [free(1)], ...refused },
      [wait(1, "github-suspended")],
    ],
    [
      "has no machine launched for a ticket that GitHub does not give",
      { ...refused, ...room(1) },
      [wait(1, "github-suspended")],
    ],
    [
      "does not wait for a scope that GitHub refuses and that is not its own",
      { machines: [free(1)], mintPauses: new Map([["acme/other", "github-not-found"]]) },
      [mint(1, 1)],
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

  it("lets those that GitHub gives tickets go first", () => {
    const scope = { kind: "repositories", repositories: ["acme/*"] } as const;
    const jobs = [waiting(1, { job: job({ id: jobId(1), repository: "acme/moved" }) }), waiting(2)];
    const input = { jobs, machines: [free(1)], mintPauses: new Map([["acme/moved", "github-not-found"]] as const) };
    expect(decide(input, { scope }).decisions).toEqual([wait(1, "github-not-found"), mint(2, 1)]);
  });

  it.each<[string, Partial<DemandInput>, JobDecision]>([
    ["would be launched for", room(5), wait(1, "would-launch")],
    ["would get a ticket", { machines: [free(1)] }, wait(1, "would-mint")],
    ["would get another's ticket", { tickets: [nobodys("issued")] }, wait(1, "pool-observes")],
  ])("is told by a pool that only observes that it %s, and gets nothing", (_name, input, decision) => {
    const { machines = [] } = input;
    const standing = { registeredCount: 0, readyCount: 0 };
    expect(decide(input, { mode: "observe" })).toEqual({
      decisions: [decision],
      spare: machines,
      unneeded: [],
      standing,
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
    expect(decide({ machines: [free(1)], ...refused }).spare).toEqual([]);
  });
});

describe("a ticket that is out on a machine whose agent is silent", () => {
  const silent = new Set([machineId(1)]);

  it("covers its own job, whose deadline runs", () => {
    const { decisions } = decide({ tickets: [forJob(1, "online")], silent });
    expect(decisions).toEqual([wait(1, "github-assigning")]);
  });

  it("is aimed at no other: that job gets a machine that speaks", () => {
    const { decisions } = decide({ tickets: [nobodys("online")], machines: [free(2)], silent });
    expect(decisions).toEqual([mint(1, 2)]);
    const heard = decide({ tickets: [nobodys("online")], machines: [free(2)], silent: new Set([machineId(2)]) });
    expect(heard.decisions).toEqual([aim(1, 9)]);
  });

  it("is none that is kept online in advance: another is made", () => {
    const standing = { registeredCount: 1, readyCount: 0 };
    const tickets = [nobodys("online", { purpose: "registered", jobId: null })];
    expect(decide({ jobs: [], tickets, standing, silent }).standing.registeredCount).toBe(0);
    expect(decide({ jobs: [], tickets, standing }).standing.registeredCount).toBe(1);
  });
});
