/** The jobs of the demonstration: short, real shell commands, a burst first and then a stream. */
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { SimulatedGitHub } from "../../simulator/server/simulated-github.ts";
import { DEMO_LABELS, DEMO_REPOSITORIES } from "./stage.ts";

const BURST_COUNT = 6;
const STREAM_PAUSE_MS = 250;
const ENDLESS_PAUSE_MS = 1_500;
const NAMES = ["lint", "unit tests", "build", "package", "integration tests", "docs"] as const;

export interface WorkloadOptions {
  readonly github: SimulatedGitHub;
  readonly clock: Clock;
  readonly random: Random;
  /** Null: until the signal aborts. */
  readonly jobCount: number | null;
  readonly signal: AbortSignal;
}

export async function queueJobs(options: WorkloadOptions): Promise<void> {
  const { github, clock, random, jobCount, signal } = options;
  for (let count = 0; !signal.aborted && (jobCount === null || count < jobCount); count += 1) {
    if (count >= BURST_COUNT) await clock.sleep(jobCount === null ? ENDLESS_PAUSE_MS : STREAM_PAUSE_MS, signal);
    if (signal.aborted) return;
    const name = NAMES[count % NAMES.length] ?? "job";
    const seconds = (0.3 + random.fraction() * 1.2).toFixed(1);
    github.queueJob({
      repository: DEMO_REPOSITORIES[count % DEMO_REPOSITORIES.length] ?? DEMO_REPOSITORIES[0],
      name: `${name} #${count + 1}`,
      labels: [...DEMO_LABELS],
      steps: [`echo "${name} on $RUNNER_NAME"`, `sleep ${seconds}`, "echo done > result.txt && cat result.txt"],
    });
  }
}
