import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { renderJob, viewJob } from "../../src/simulator/github/job-payloads.ts";
import { cancelJob, rerunJob } from "../../src/simulator/github/jobs.ts";
import { advance } from "../../src/simulator/github/lease.ts";
import type { GitHubState, Job } from "../../src/simulator/github/state.ts";
import { announced, begin, connect, createWorld, queue, register, START_MS } from "./world.ts";

const LATER_MS = START_MS + MINUTE_MS;

function queueRun(state: GitHubState, ...names: readonly string[]): readonly Job[] {
  return names.map((name) => queue(state, { name, runId: 7 }));
}

function cancelAll(state: GitHubState): void {
  for (const { id } of state.openJobs.values()) cancelJob(state, id, START_MS);
}

/** What GitHub shows of the steps: each one's status and end. */
function stepsOf(state: GitHubState, job: Job): readonly string[] {
  const { steps } = renderJob(state, job, viewJob(state, job)) as {
    readonly steps: readonly { readonly status: string; readonly conclusion: string | null }[];
  };
  return steps.map(({ status, conclusion }) => `${status} ${conclusion}`);
}

describe("a job that runs again", () => {
  it("is queued under a new id in a new attempt, in which what was over is over as it was", () => {
    const state = createWorld();
    const [one, two] = queueRun(state, "one", "two");
    cancelAll(state);
    expect(rerunJob(state, one?.id ?? 0, LATER_MS)).toBe("queued");
    const again = [...state.jobs.values()].filter(({ runAttempt }) => runAttempt === 2);
    expect(again.map(({ name, phase }) => [name, phase.kind])).toEqual([
      ["one", "queued"],
      ["two", "completed"],
    ]);
    expect(again[1]?.phase).toEqual(two?.phase);
    expect(again.map((job) => announced(state, job).length)).toEqual([1, 1]);
    expect([...state.openJobs.values()].map(({ name }) => name)).toEqual(["one"]);
    expect(one?.phase.kind).toBe("completed");
  });

  it("is one of the latest attempt, of which nothing goes on", () => {
    const state = createWorld();
    const [one] = queueRun(state, "one", "two");
    const ask = () => rerunJob(state, one?.id ?? 0, LATER_MS);
    expect(rerunJob(state, 999, LATER_MS)).toBe("unknown");
    cancelJob(state, one?.id ?? 0, START_MS);
    expect(ask()).toBe("already-running");
    cancelAll(state);
    expect([ask(), ask()]).toEqual(["queued", "already-running"]);
    cancelAll(state);
    expect(ask()).toBe("not-of-current-attempt");
  });
});

it("a runner that was lost ended no step of its job", () => {
  const state = createWorld();
  const runner = register(state, { name: "r1" });
  connect(state, runner);
  const job = queue(state, { steps: ["make", "make test"] });
  begin(state, runner);
  advance(state, START_MS + 20 * MINUTE_MS);
  expect(job.phase).toMatchObject({ kind: "completed", conclusion: "failure", cause: "lost-communication" });
  expect(stepsOf(state, job)).toEqual(["completed success", "in_progress null", "queued null"]);
});
