import { afterEach, beforeEach } from "vitest";
import {
  type SimulatedGitHub,
  type SimulatedGitHubOptions,
  startSimulatedGitHub,
} from "../../src/simulator/server/simulated-github.ts";
import type { JobSnapshot } from "../../src/simulator/server/snapshots.ts";
import { createRunnerYard, DEADLINE_MS, eventually, type RunnerProcess, type RunnerYard } from "./runner-process.ts";

/** For each test of the file a simulated GitHub and a yard of stand-in runners; both are empty at its end. */
export interface RunnerHouse {
  readonly github: SimulatedGitHub;
  readonly yard: RunnerYard;
  /** Another GitHub in place of the one that the test began with. */
  replaceGitHub(options: SimulatedGitHubOptions): Promise<void>;
  /** A job of acme/widgets for the label that runners have unless told otherwise. */
  queue(steps: readonly string[], name?: string): number;
  completed(jobId: number): Promise<JobSnapshot>;
  inProgress(jobId: number): Promise<JobSnapshot>;
}

const OPTIONS = { repositories: ["acme/widgets"], longPollMs: 1_000 };

export function useRunners(): RunnerHouse {
  let github: SimulatedGitHub;
  let yard: RunnerYard;
  beforeEach(async () => {
    github = await startSimulatedGitHub(OPTIONS);
    yard = createRunnerYard();
  });
  afterEach(async () => {
    await yard.stopAll();
    await github.close();
  });
  const reached = (jobId: number, status: JobSnapshot["status"]) =>
    github.waitForJob(jobId, (job) => job.status === status, DEADLINE_MS);
  return {
    get github() {
      return github;
    },
    get yard() {
      return yard;
    },
    replaceGitHub: async (options) => {
      await github.close();
      github = await startSimulatedGitHub({ ...OPTIONS, ...options });
    },
    queue: (steps, name = "build") =>
      github.queueJob({ repository: "acme/widgets", labels: ["self-hosted"], steps, name }),
    completed: (jobId) => reached(jobId, "completed"),
    inProgress: (jobId) => reached(jobId, "in_progress"),
  };
}

/** Its session is there, and it knows. */
export function listening(runner: RunnerProcess): Promise<true> {
  return eventually("a listener that listens", () => runner.log().includes("Listening for Jobs") || undefined);
}

/** Each of the texts, in this order, somewhere in the log. */
export function expectInOrder(log: string, texts: readonly string[]): void {
  let from = 0;
  for (const text of texts) {
    const at = log.indexOf(text, from);
    if (at < 0) throw new Error(`${JSON.stringify(text)} does not come next in:\n${log.slice(from)}`);
    from = at + text.length;
  }
}
