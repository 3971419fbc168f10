import { describe, expect, it } from "vitest";
import { parseJobId } from "../../src/domain/ids.ts";
import { type Job, RUN_DELETED } from "../../src/domain/job.ts";
import type { Observation } from "../../src/domain/observed.ts";
import {
  decideRerun,
  decideUnseen,
  describeRerun,
  newRerun,
  type ObservedRun,
  RERUN_WITHIN_MS,
  RERUNS_PER_RUN_MAX,
  type RerunState,
} from "../../src/domain/rerun.ts";
import { judgeWish, newWish, standingWish, type WishInput } from "../../src/domain/rerun-wish.ts";
import { HOUR_MS } from "../../src/domain/units.ts";
import { job, pool, poolName, START_MS } from "./builders.ts";

const NOW_MS = START_MS + HOUR_MS;
const MARK = { operator: "alice", reason: "spot took it", atMs: NOW_MS };
const ended = (conclusion: string, over: Partial<Job> = {}) =>
  job({ status: "completed", conclusion, createdAtMs: START_MS, ...over });
const running = job({ status: "in_progress", createdAtMs: START_MS });
const wish = newWish(ended("failure"), poolName("linux"), MARK);
const judge = (input: Partial<WishInput>, nowMs = NOW_MS) =>
  judgeWish({ job: ended("failure"), isLost: false, isRunGoingOn: false, ...input }, nowMs);

describe("an operator's wish", () => {
  it.each<readonly [string, Partial<WishInput>, object]>([
    ["of a failed job", {}, { kind: "take", isOver: true }],
    ["of a job that somebody cancelled", { job: ended("cancelled") }, { kind: "take", isOver: true }],
    ["of a job whose time ran out", { job: ended("timed_out") }, { kind: "take", isOver: true }],
    ["of a job whose machine is gone", { job: running, isLost: true }, { kind: "take", isOver: false }],
    ["of such a job, while its run goes on", { job: running, isLost: true, isRunGoingOn: true }, { kind: "take" }],
    ["of a lost job that is over, while its run goes on", { isLost: true, isRunGoingOn: true }, { kind: "take" }],
    ["of a job that runs", { job: running }, { code: "job-not-over" }],
    ["of a job that is queued", { job: job({ status: "queued" }) }, { code: "job-not-over" }],
    ["of a job that ended well", { job: ended("success") }, { code: "job-succeeded" }],
    ["of a job that was skipped", { job: ended("skipped") }, { code: "job-succeeded" }],
    ["of a job without a conclusion", { job: job({ status: "completed" }) }, { code: "job-succeeded" }],
    ["of a job whose run was deleted", { job: ended(RUN_DELETED) }, { code: "run-deleted" }],
    ["of a job whose run goes on", { isRunGoingOn: true }, { code: "run-not-over" }],
    [
      "of a run's last attempt but one",
      { job: ended("failure", { runAttempt: RERUNS_PER_RUN_MAX }) },
      { kind: "take" },
    ],
    [
      "of a run's last attempt",
      { job: ended("failure", { runAttempt: RERUNS_PER_RUN_MAX + 1 }) },
      { code: "rerun-too-often" },
    ],
  ])("%s", (_name, input, verdict) => {
    expect(judge(input)).toMatchObject(verdict);
  });

  it("is taken for thirty days and no longer", () => {
    expect(judge({}, START_MS + RERUN_WITHIN_MS - 1)).toMatchObject({ kind: "take" });
    expect(judge({}, START_MS + RERUN_WITHIN_MS)).toEqual({ kind: "refuse", code: "rerun-too-old" });
  });

  it.each<readonly [string, RerunState | null, number, boolean]>([
    ["nothing", null, 1, false],
    ["one that waits", wish.state, 1, true],
    ["one that was granted, of the same attempt", { kind: "asked", attempt: 2, sinceMs: 0 }, 1, true],
    ["one that was granted, of the attempt that it made", { kind: "asked", attempt: 2, sinceMs: 0 }, 2, false],
    ["one that came to nothing", { kind: "over", outcome: "past-limit", sinceMs: 0 }, 1, false],
  ])("finds %s", (_name, state, runAttempt, isStanding) => {
    const standing = state === null ? null : { ...wish, state };
    expect(standingWish(standing, { runAttempt }) !== null).toBe(isStanding);
  });

  it("takes the place of what the pool itself wants, which asks by other rules", () => {
    expect(standingWish(newRerun(running, poolName("linux"), NOW_MS), { runAttempt: 1 })).toBeNull();
  });
});

describe("what GitHub is asked for by a wish", () => {
  const seen = (run: Partial<ObservedRun>, conclusion: string, hasFailedStep = false): Observation<ObservedRun> => {
    const one = { id: parseJobId(1), name: running.name, runAttempt: 1, completedAtMs: 1, conclusion, hasFailedStep };
    const times = { createdAtMs: START_MS, attemptStartedAtMs: START_MS };
    const value = { attempt: 1, ...times, isCompleted: true, jobs: [one], ...run };
    return { kind: "present", observedAtMs: NOW_MS, value };
  };

  it("is asked whatever the pool wants, and for a job whose own step failed", () => {
    expect(decideUnseen(wish, ended("failure"), null)).toBeNull();
    expect(decideUnseen(wish, ended("cancelled"), pool({ rerun: null }))).toBeNull();
    expect(decideUnseen(wish, ended("success"), null)).toEqual({ kind: "over", outcome: "ended-otherwise" });
    for (const conclusion of ["failure", "cancelled", "timed_out"])
      expect(decideRerun(wish, seen({}, conclusion, true), NOW_MS)).toMatchObject({ kind: "ask", attempt: 2 });
    expect(decideRerun(wish, seen({}, "success"), NOW_MS)).toEqual({ kind: "over", outcome: "ended-otherwise" });
  });

  it("is not asked of a run that is too old, or was run again too often", () => {
    const old = seen({ createdAtMs: NOW_MS - RERUN_WITHIN_MS }, "failure");
    expect(decideRerun(wish, old, NOW_MS)).toEqual({ kind: "over", outcome: "too-old" });
    const attempt = RERUNS_PER_RUN_MAX + 1;
    const often = { ...wish, runAttempt: attempt };
    const run = { attempt, jobs: [{ ...JOB_SEEN, runAttempt: attempt }] };
    expect(decideRerun(often, seen(run, "failure"), NOW_MS)).toEqual({ kind: "over", outcome: "too-often" });
  });

  const JOB_SEEN = {
    id: parseJobId(1),
    name: running.name,
    completedAtMs: 1,
    conclusion: "failure",
    hasFailedStep: false,
  };
});

it("is told with who and why", () => {
  const told = (state: RerunState, runAttempt = 1) => describeRerun({ ...wish, state }, { runAttempt });
  expect(told(wish.state)).toMatch(
    /^It is wanted again by alice \(spot took it\) and is to run again: GitHub is asked/,
  );
  expect(told({ kind: "asked", attempt: 2, sinceMs: 0 })).toMatch(
    /and GitHub runs it again as attempt 2 of its run\.$/,
  );
  expect(told({ kind: "over", outcome: "too-old", sinceMs: 0 })).toMatch(/is not asked to run it again: GitHub runs/);
  expect(told(wish.state, 2)).toBe("Attempt 1 of it was to run again by alice (spot took it).");
});
