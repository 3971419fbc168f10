import { describe, expect, it } from "vitest";
import { FRESH_JOB_MS, type JobDecision, QUEUED_ANSWER_MS, type WaitingJob } from "../../src/domain/demand.ts";
import type { RegistrationScope } from "../../src/domain/pool.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { job, jobId, START_MS, ticketState } from "./builders.ts";

import { ask, decide, forJob, free, launch, mint, NOW_MS, type Row, room, wait, waiting } from "./demand-scene.ts";

describe("a runner whose job GitHub has not named", () => {
  const running = (sinceMs: number) => forJob(9, "running", { state: ticketState("running", START_MS + sinceMs) });
  const queuedAt = (seenMs: number) => [waiting(1, { job: job({ queuedSeenAtMs: START_MS + seenMs }) })];

  it.each<readonly [string, number, number, number, JobDecision]>([
    ["just began: it may run this one", 0, 5 * SECOND_MS, 10 * SECOND_MS, wait(1, "covered-by-running")],
    ["one ms before we ask", 0, 5 * SECOND_MS, 25 * SECOND_MS - 1, wait(1, "covered-by-running")],
    ["too long ago for GitHub's event to be late: ask", 0, 5 * SECOND_MS, 25 * SECOND_MS, ask(1)],
    [
      "GitHub called the job queued long after that: it runs another",
      15 * SECOND_MS + 1,
      5 * SECOND_MS,
      16 * SECOND_MS,
      mint(1, 1),
    ],
    [
      "GitHub called the job queued right after that, as it does until the Worker has started: it may run it",
      15 * SECOND_MS,
      5 * SECOND_MS,
      16 * SECOND_MS,
      wait(1, "covered-by-running"),
    ],
    ["the job came after that: it runs another", 0, -1, 10 * SECOND_MS, mint(1, 1)],
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
