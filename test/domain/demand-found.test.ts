import { describe, expect, it } from "vitest";
import { type DemandInput, decideDemand } from "../../src/domain/demand.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import type { Ticket, TicketStateKind } from "../../src/domain/ticket.ts";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../src/domain/units.ts";
import { heard, job, jobId, pool, START_MS, ticketId } from "./builders.ts";

import { ask, decide, forJob, free, mint, room, wait, waiting } from "./demand-scene.ts";

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
      const nothing = { unnamedRunning: [], mintPauses: new Map(), ...room(0) };
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

  it.each([
    ["delivered", "runners-late"],
    ["online", "github-does-not-assign"],
  ] as const)("a late ticket is not aimed, and a second one ends the minting: %s", (state, reason) => {
    const late = forJob(1, state);
    const input = (...tickets: readonly Ticket[]) => ({ jobs: [asked(1, HOUR_MS)], tickets, machines: [free(5)] });
    expect(decide(input({ ...late, jobId: jobId(999) }), {}, HOUR_MS).decisions).toEqual([mint(1, 5)]);
    const second = forJob(2, state, { jobId: jobId(1) });
    expect(decide(input(late, second), {}, HOUR_MS).decisions).toEqual([wait(1, reason)]);
  });

  // Time: deadlines count only over time in which we could have heard. We were deaf until now: it may have a job.
  it("an online ticket is not late because we were deaf", () => {
    const input: DemandInput = {
      jobs: [asked(1, HOUR_MS)],
      tickets: [forJob(1, "online")],
      unnamedRunning: [],
      machines: [free(5)],
      mintPauses: new Map(),
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
