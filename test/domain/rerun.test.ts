import { describe, expect, it } from "vitest";
import { parseJobId } from "../../src/domain/ids.ts";
import { formatInstant } from "../../src/domain/instant.ts";
import { RUN_DELETED } from "../../src/domain/job.ts";
import type { Observation } from "../../src/domain/observed.ts";
import {
  decideRerun,
  decideUnseen,
  describeRerun,
  judgeLostJob,
  newRerun,
  type ObservedRun,
  type ObservedRunJob,
  putOff,
  type Rerun,
} from "../../src/domain/rerun.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { job, pool, poolName, START_MS } from "./builders.ts";

const WANTED = { rerun: { exceptLabel: null } };
const LOST = job({ status: "in_progress", name: "build (1)", runAttempt: 1 });
const rerun = newRerun(LOST, poolName("linux"), START_MS);
const NOW_MS = START_MS + 15 * MINUTE_MS;
const ENDED_MS = START_MS + 10 * MINUTE_MS;

function runJob(overrides: Partial<ObservedRunJob> = {}): ObservedRunJob {
  return {
    id: LOST.id,
    name: LOST.name,
    runAttempt: 1,
    conclusion: "failure",
    completedAtMs: ENDED_MS,
    hasFailedStep: false,
    ...overrides,
  };
}

function present(overrides: Partial<ObservedRun> = {}): Observation<ObservedRun> {
  const value = {
    attempt: 1,
    createdAtMs: START_MS,
    attemptStartedAtMs: START_MS - HOUR_MS,
    isCompleted: true,
    jobs: [runJob()],
  };
  return { kind: "present", value: { ...value, ...overrides }, observedAtMs: NOW_MS };
}

const decide = (seen: Observation<ObservedRun>, one: Rerun = rerun, nowMs = NOW_MS) => decideRerun(one, seen, nowMs);
const AGAIN = parseJobId(77);

describe("a job of a lost machine", () => {
  it("runs again where its pool wants it", () => {
    expect(judgeLostJob(LOST, pool(WANTED))).toBe("run-again");
    expect(judgeLostJob(LOST, pool({ rerun: null }))).toBe("not-wanted");
    expect(judgeLostJob(LOST, pool({ ...WANTED, mode: "observe" }))).toBe("not-wanted");
    expect(judgeLostJob(LOST, pool({ ...WANTED, mode: "departed" }))).toBe("not-wanted");
  });

  it("does not where it asks not to, in whatever case", () => {
    const except = pool({ rerun: { exceptLabel: "No-Rerun" } });
    expect(judgeLostJob(job({ ...LOST, labels: ["linux", "no-rerun"] }), except)).toBe("asks-not-to");
    expect(judgeLostJob(job({ ...LOST, labels: ["linux"] }), except)).toBe("run-again");
  });

  it("that GitHub called failed before may have been lost, and one that ended otherwise was not", () => {
    const ended = (conclusion: string) => job({ ...LOST, status: "completed", conclusion });
    expect(judgeLostJob(ended("failure"), pool(WANTED))).toBe("run-again");
    for (const conclusion of ["success", "cancelled", "timed_out", RUN_DELETED])
      expect(judgeLostJob(ended(conclusion), pool(WANTED))).toBe("ended-by-itself");
  });
});

describe("without a look at GitHub", () => {
  it("nothing is asked for a pool that wants it no more, or a job that ended otherwise", () => {
    expect(decideUnseen(rerun, LOST, pool(WANTED))).toBeNull();
    expect(decideUnseen(rerun, null, pool(WANTED))).toBeNull();
    for (const gone of [null, pool({ rerun: null })])
      expect(decideUnseen(rerun, LOST, gone)).toEqual({ kind: "over", outcome: "not-wanted" });
    const ended = (conclusion: string) => job({ ...LOST, status: "completed", conclusion });
    for (const conclusion of ["success", "cancelled"])
      expect(decideUnseen(rerun, ended(conclusion), pool(WANTED))).toEqual({
        kind: "over",
        outcome: "ended-otherwise",
      });
    for (const conclusion of ["failure", RUN_DELETED])
      expect(decideUnseen(rerun, ended(conclusion), pool(WANTED))).toBeNull();
  });
});

describe("with one", () => {
  it("is asked for once its run is over and it failed", () => {
    expect(decide(present())).toEqual({ kind: "ask", jobId: LOST.id, attempt: 2 });
  });

  it("waits while its run goes on, and while GitHub has not said how it ended", () => {
    expect(decide(present({ isCompleted: false }))).toEqual({ kind: "wait", waitsFor: "run-goes-on" });
    const open = runJob({ conclusion: null, completedAtMs: null });
    expect(decide(present({ jobs: [open] }))).toEqual({ kind: "wait", waitsFor: "end-unknown" });
    expect(decide(present({ jobs: [] }))).toEqual({ kind: "wait", waitsFor: "end-unknown" });
    expect(decide(present({ jobs: [runJob({ id: AGAIN })] }))).toEqual({ kind: "wait", waitsFor: "end-unknown" });
  });

  it.each(["success", "cancelled", "skipped", "timed_out"])("is over where it ended by %s", (conclusion) => {
    expect(decide(present({ jobs: [runJob({ conclusion })] }))).toEqual({ kind: "over", outcome: "ended-otherwise" });
  });

  it("failed by itself where a step had failed before its machine was known to be lost", () => {
    const jobs = [runJob({ hasFailedStep: true })];
    const late = { ...rerun, wasOver: true };
    expect(decide(present({ jobs }), late)).toEqual({ kind: "over", outcome: "step-failed" });
    expect(decide(present(), late).kind).toBe("ask");
    expect(decide(present({ jobs })).kind).toBe("ask");
  });

  it("runs already where a later attempt ran it, or is to", () => {
    const later = { attempt: 2, attemptStartedAtMs: NOW_MS };
    const queued = runJob({ id: AGAIN, runAttempt: 2, conclusion: null, completedAtMs: null });
    const failedAgain = runJob({ id: AGAIN, runAttempt: 2, completedAtMs: NOW_MS + MINUTE_MS });
    for (const one of [queued, failedAgain])
      for (const isCompleted of [true, false])
        expect(decide(present({ ...later, isCompleted, jobs: [one] }))).toEqual({
          kind: "over",
          outcome: "runs-already",
        });
  });

  it("is asked for by its new id where a later attempt ran others and only carried it over", () => {
    const carried = runJob({ id: AGAIN, runAttempt: 2 });
    const later = { attempt: 2, attemptStartedAtMs: ENDED_MS, jobs: [carried] };
    expect(decide(present(later))).toEqual({ kind: "ask", jobId: AGAIN, attempt: 3 });
    expect(decide(present({ ...later, isCompleted: false }))).toEqual({ kind: "wait", waitsFor: "run-goes-on" });
    const ofBefore = { ...later, jobs: [runJob()] };
    expect(decide(present(ofBefore))).toEqual({ kind: "wait", waitsFor: "end-unknown" });
  });

  it("waits where GitHub does not answer, and for a while where it finds nothing", () => {
    const observedAtMs = NOW_MS;
    const silent = { kind: "unknown", code: "github-unavailable", observedAtMs } as const;
    expect(decide(silent)).toEqual({ kind: "wait", waitsFor: "github-silent" });
    const absent = { kind: "absent", observedAtMs } as const;
    expect(decide(absent)).toEqual({ kind: "wait", waitsFor: "run-not-found" });
    expect(decide(absent, rerun, START_MS + HOUR_MS)).toEqual({ kind: "over", outcome: "not-found" });
  });
});

describe("looks", () => {
  it("come after a minute first, then ever later up to ten minutes", () => {
    let one = rerun;
    const waits: number[] = [];
    for (let nowMs = START_MS; waits.length < 7; ) {
      if (one.state.kind !== "due") throw new Error("it is due");
      waits.push((one.state.nextAtMs - nowMs) / MINUTE_MS);
      nowMs = one.state.nextAtMs;
      one = putOff(one, "run-goes-on", nowMs);
    }
    expect(waits).toEqual([1, 1, 2, 4, 8, 10, 10]);
  });

  it("end after a day", () => {
    const pastMs = START_MS + DAY_MS;
    expect(putOff(rerun, "wish-failed", pastMs - 1).state.kind).toBe("due");
    expect(putOff(rerun, "wish-failed", pastMs).state).toEqual({
      kind: "over",
      outcome: "past-limit",
      sinceMs: pastMs,
    });
  });

  it("wait as long as GitHub asks for", () => {
    const asked = putOff(rerun, "wish-failed", START_MS, START_MS + HOUR_MS);
    expect(asked.state).toEqual({ kind: "due", nextAtMs: START_MS + HOUR_MS, waitsFor: "wish-failed" });
  });
});

describe("a person is told", () => {
  const told = (state: Rerun["state"], runAttempt = 1) => describeRerun({ ...rerun, state }, { runAttempt });

  it("when GitHub is asked next, and what it waits for", () => {
    expect(told({ kind: "due", nextAtMs: START_MS, waitsFor: "run-goes-on" })).toBe(
      `It went down with its machine and is to run again: GitHub is asked next at ${formatInstant(START_MS)}. GitHub runs a job again only once everything of its run is over.`,
    );
  });

  it("what came of it", () => {
    expect(told({ kind: "asked", attempt: 2, sinceMs: NOW_MS })).toMatch(
      /GitHub runs it again as attempt 2 of its run/,
    );
    expect(told({ kind: "over", outcome: "past-limit", sinceMs: NOW_MS })).toMatch(/not asked .*: it could not be/);
  });

  it("of the attempt that it was lost in, where it is a later one", () => {
    expect(told({ kind: "asked", attempt: 2, sinceMs: NOW_MS }, 2)).toMatch(/^Attempt 1 of it went down/);
  });
});
