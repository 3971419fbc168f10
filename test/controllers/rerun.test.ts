/** How GitHub is asked that a lost job runs again: once, also by two processes and by one that ends in between. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rerunLostJobs } from "../../src/controllers/connection/rerun.ts";
import { foretellPass } from "../../src/controllers/foretell.ts";
import { GitHubError, type GitHubErrorCode } from "../../src/domain/errors.ts";
import { parseJobId } from "../../src/domain/ids.ts";
import type { ObservedRun, ObservedRunJob } from "../../src/domain/rerun.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { loadRerun } from "../../src/store/reruns/load.ts";
import { insertRerun } from "../../src/store/reruns/save.ts";
import { connectionYard } from "./connection-yard.ts";
import { JOB, RerunScene } from "./rerun-scene.ts";

let scene: RerunScene;
afterEach(() => scene.yard.close());

describe("GitHub", () => {
  beforeEach(async () => {
    scene = await RerunScene.open();
    await scene.die();
  });

  it("is asked once the run is over, and once", async () => {
    await scene.githubSays({ isCompleted: false }, { conclusion: null, completedAtMs: null });
    await scene.pass();
    expect(await scene.rerun()).toMatchObject({ lookCount: 1, state: { kind: "due", waitsFor: "run-goes-on" } });
    await scene.pass(MINUTE_MS - 1);
    expect(scene.yard.github.runsRead).toHaveLength(1);
    await scene.githubSays({});
    await scene.pass(1);
    expect(scene.asked).toEqual([JOB]);
    expect((await scene.rerun())?.state).toEqual({ kind: "asked", attempt: 2, sinceMs: scene.yard.clock.nowMs() });
    expect((await scene.facts()).at(-1)).toBe("GitHub was asked to run it again, and does, as attempt 2 of its run");
    expect(scene.counted()).toEqual(["holdfast_reruns_total pool=linux outcome=asked"]);
    await scene.pass(HOUR_MS);
    expect(scene.asked).toEqual([JOB]);
  });

  it("is foretold to be asked when the next look is due, and not before", async () => {
    const foretold = async () => {
      const { steps } = await foretellPass(scene.yard.context);
      return steps.filter(({ controller }) => controller === "rerun");
    };
    expect(await foretold()).toEqual([]);
    scene.yard.clock.advance(MINUTE_MS);
    expect(await foretold()).toMatchObject([
      { action: "ask", reason: "rerun-due", subject: { kind: "job" }, note: "GitHub has not been asked about it yet." },
    ]);
    await scene.githubSays({});
    await scene.pass();
    expect(scene.asked).toEqual([JOB]);
    expect(await foretold()).toEqual([]);
  });

  it.each<readonly [string, Partial<ObservedRun>, Partial<ObservedRunJob>, string]>([
    ["a job that ended well after all", {}, { conclusion: "success" }, "ended-otherwise"],
    ["a job that a person cancelled", {}, { conclusion: "cancelled" }, "ended-otherwise"],
    ["a job that somebody runs again", { attempt: 2 }, { conclusion: null, completedAtMs: null }, "runs-already"],
  ])("is not asked for %s", async (_name, run, job, outcome) => {
    await scene.githubSays(run, job);
    await scene.pass();
    expect(scene.asked).toEqual([]);
    expect((await scene.rerun())?.state).toMatchObject({ kind: "over", outcome });
    expect((await scene.facts()).at(-1)).toMatch(/^GitHub is not asked to run it again: /);
    expect(scene.counted()).toEqual([`holdfast_reruns_total pool=linux outcome=${outcome}`]);
  });

  it("is not looked at where the webhook told that the job ended well", async () => {
    await scene.yard.tell(JOB, { status: "completed", conclusion: "success" });
    await scene.pass();
    expect((await scene.rerun())?.state).toMatchObject({ kind: "over", outcome: "ended-otherwise" });
    expect(scene.yard.github.runsRead).toEqual([]);
  });

  it("is not looked at where the pool wants it no more", async () => {
    const pools = [{ ...scene.yard.context.pool, rerun: null }];
    scene.connection = connectionYard(scene.yard, { github: scene.yard.github, ownPools: pools });
    await scene.pass();
    expect((await scene.rerun())?.state).toMatchObject({ kind: "over", outcome: "not-wanted" });
    expect(scene.yard.github.runsRead).toEqual([]);
  });

  it("is asked by one process of the connection, which holds a pool", async () => {
    await scene.githubSays({});
    scene.connection.isHolding = false;
    await scene.pass();
    expect(scene.yard.github.runsRead).toEqual([]);
  });

  it("that does not permit it is a trouble on the status page until it does, and asked ever later", async () => {
    await scene.githubSays({});
    let error: GitHubError | null = new GitHubError("github-forbidden", "asking that the job 1 runs again");
    scene.yard.github.onRerun = async (jobId) => {
      scene.asked.push(jobId);
      if (error !== null) throw error;
      return "asked";
    };
    await scene.pass();
    expect(scene.connection.memory.trouble.rerun).toMatchObject({
      code: "github-forbidden",
      text: "asking that the job 1 runs again",
    });
    expect((await scene.rerun())?.state).toMatchObject({ kind: "due", waitsFor: "wish-failed" });
    expect((await scene.facts()).at(-1)).toBe("GitHub was asked to run it again, in vain: github-forbidden");
    for (let count = 0; count < 60; count += 1) await scene.pass();
    expect(scene.asked.length).toBeLessThan(12);
    error = null;
    await scene.pass(10 * MINUTE_MS);
    expect((await scene.rerun())?.state.kind).toBe("asked");
    expect(scene.connection.memory.trouble.rerun).toBeNull();
  });

  it("that refuses for a day is asked no more", async () => {
    await scene.githubSays({});
    scene.yard.github.onRerun = async () => "refused";
    for (let passed = 0; passed <= DAY_MS; passed += 10 * MINUTE_MS) await scene.pass(10 * MINUTE_MS);
    expect((await scene.rerun())?.state).toMatchObject({ kind: "over", outcome: "past-limit" });
    expect(await scene.facts()).toContain("GitHub refused to run it again at this time");
    expect(scene.counted()).toEqual(["holdfast_reruns_total pool=linux outcome=past-limit"]);
  });

  it("is left alone for as long as it asks", async () => {
    await scene.githubSays({});
    scene.yard.github.onRerun = async (jobId) => {
      scene.asked.push(jobId);
      throw new GitHubError("github-rate-limited", "asking", { retryAfterMs: HOUR_MS });
    };
    await scene.pass();
    await scene.pass(HOUR_MS - 1);
    expect(scene.asked).toHaveLength(1);
    await scene.pass(1);
    expect(scene.asked).toHaveLength(2);
  });

  it("whose answer was lost is not asked again: the run shows it", async () => {
    await scene.githubSays({});
    scene.yard.github.onRerun = async (jobId) => {
      scene.asked.push(jobId);
      await scene.githubSays(
        { attempt: 2, isCompleted: false },
        { id: parseJobId(9), conclusion: null, completedAtMs: null },
      );
      throw new GitHubError("github-unavailable", "asking that the job 1 runs again");
    };
    await scene.pass();
    await scene.pass();
    expect(scene.asked).toEqual([JOB]);
    expect((await scene.rerun())?.state).toMatchObject({ kind: "over", outcome: "runs-already" });
  });

  it.each<GitHubErrorCode>(["github-unavailable", "github-budget"])(
    "that does not answer (%s) is asked about one of them alone, and shown",
    async (code) => {
      const first = await scene.rerun();
      if (first === null) throw new Error("it is to run again");
      await insertRerun(scene.yard.store.db, { ...first, jobName: "another" });
      scene.yard.github.runError = code;
      await scene.pass();
      expect(scene.yard.github.runsRead).toHaveLength(1);
      expect(scene.connection.memory.trouble.rerun?.code).toBe(code);
      scene.yard.github.runError = null;
      await scene.githubSays({});
      await scene.pass();
      expect(scene.yard.github.runsRead).toHaveLength(3);
      expect(scene.connection.memory.trouble.rerun).toBeNull();
    },
  );
});

describe("two processes that do the same", () => {
  /** GitHub's own guard: a job of the latest attempt alone, and only while it is over. */
  async function githubThatRuns(): Promise<{ attemptCount: number }> {
    const made = { attemptCount: 1 };
    await scene.githubSays({});
    scene.yard.github.onRerun = async (jobId) => {
      scene.asked.push(jobId);
      await Promise.resolve();
      if (made.attemptCount > 1) return "refused";
      made.attemptCount += 1;
      await scene.githubSays(
        { attempt: 2, isCompleted: false },
        { id: parseJobId(9), conclusion: null, completedAtMs: null },
      );
      return "asked";
    };
    return made;
  }

  it("make one attempt, and note it once", async () => {
    scene = await RerunScene.open();
    await scene.die();
    const made = await githubThatRuns();
    scene.yard.clock.advance(MINUTE_MS);
    const other = connectionYard(scene.yard, { github: scene.yard.github });
    await Promise.all([rerunLostJobs(scene.connection.context), rerunLostJobs(other.context)]);
    await scene.pass();
    await scene.pass(10 * MINUTE_MS);
    expect(made.attemptCount).toBe(2);
    expect(scene.counted()).toHaveLength(1);
    expect((await scene.rerun())?.state.kind).not.toBe("due");
  });

  it.each(["before", "after"] as const)("one that dies %s GitHub was asked leaves it to the other", async (when) => {
    scene = await RerunScene.open();
    await scene.die();
    const made = await githubThatRuns();
    const { onRerun } = scene.yard.github;
    scene.yard.github.onRerun = async (jobId) => {
      if (when === "after") await onRerun(jobId);
      throw new Error("the process is gone");
    };
    await expect(scene.pass()).rejects.toThrow("the process is gone");
    scene.yard.github.onRerun = onRerun;
    await scene.pass();
    expect(made.attemptCount).toBe(2);
    expect(scene.asked).toHaveLength(1);
    expect((await scene.rerun())?.state.kind).toBe(when === "before" ? "asked" : "over");
  });
});

it("of two jobs that one run lost the second runs in an attempt after the first's", async () => {
  scene = await RerunScene.open();
  await scene.die();
  const first = await scene.rerun();
  if (first === null) throw new Error("it is to run again");
  const other = { ...first, jobName: "other", jobId: parseJobId(50) };
  await insertRerun(scene.yard.store.db, other);
  const ofBoth = (attempt: number, one: Partial<ObservedRunJob>, two: Partial<ObservedRunJob>) => {
    const failed = { runAttempt: attempt, conclusion: "failure", completedAtMs: 1, hasFailedStep: false };
    const jobs = [
      { id: JOB, name: first.jobName, ...failed, ...one },
      { id: other.jobId, name: other.jobName, ...failed, ...two },
    ];
    const isCompleted = jobs.every(({ conclusion }) => conclusion !== null);
    return scene.githubSays({ attempt, attemptStartedAtMs: 10, isCompleted, jobs });
  };
  const runs = { conclusion: null, completedAtMs: null };
  await ofBoth(1, {}, {});
  scene.yard.github.onRerun = async (jobId) => {
    scene.asked.push(jobId);
    if (jobId === JOB) await ofBoth(2, { id: parseJobId(60), ...runs }, { id: parseJobId(61) });
    return "asked";
  };
  await scene.pass();
  expect(scene.asked).toEqual([JOB]);
  await ofBoth(2, { id: parseJobId(60), conclusion: "success", completedAtMs: 20 }, { id: parseJobId(61) });
  await scene.pass(10 * MINUTE_MS);
  expect(scene.asked).toEqual([JOB, 61]);
  const { connection: name, runId, jobName } = other;
  expect((await loadRerun(scene.yard.store.db, { connection: name, runId, name: jobName }))?.state).toMatchObject({
    kind: "asked",
    attempt: 3,
  });
});
