/** `holdfast demo`: GitHub, controller and machines in one go, and nothing left afterwards. */
import { join } from "node:path";
import type { OpenTracer } from "../../adapters/opentelemetry/tracer.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { HoldfastError } from "../../domain/errors.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { listMachines } from "../../store/machines/list.ts";
import { readEnvironment } from "../config/environment.ts";
import { readTracesOfEnvironment } from "../config/traces.ts";
import { openStage, type Stage } from "../demo/stage.ts";
import { isClean, type Summary, summarize } from "../demo/summary.ts";
import { openView, renderSummary, type Screen } from "../demo/view.ts";
import { queueJobs } from "../demo/workload.ts";
import { createParts } from "../parts.ts";
import { openTraces } from "../traces.ts";

export interface DemoOptions {
  /** Null: a stream without end. */
  readonly jobCount: number | null;
  /** Ends by itself once the jobs are done. */
  readonly exits: boolean;
  readonly port: number;
}

const REFRESH_MS = 200;
/** A queue of short jobs that takes longer is stuck. */
const JOBS_PATIENCE_MS = 10 * MINUTE_MS;
const CLEAN_PATIENCE_MS = MINUTE_MS;

/** @returns the exit code: 0 only if every job succeeded and nothing is left. */
export async function runDemo(options: DemoOptions, screen: Screen, stop: AbortSignal): Promise<number> {
  const tracer = await openTraces(await readTracesOfEnvironment(readEnvironment()), systemClock());
  try {
    return await perform(options, screen, stop, tracer);
  } finally {
    await tracer?.close();
  }
}

async function perform(
  options: DemoOptions,
  screen: Screen,
  stop: AbortSignal,
  tracer: OpenTracer | null,
): Promise<number> {
  const stage = await openStage({
    port: options.port,
    createParts: (directory) => createParts({ logFile: join(directory, "holdfast.log"), tracer }),
  });
  const parts = createParts({ logFile: join(stage.directory, "demo.log") });
  const { clock } = parts;
  screen.stream.write(`Holdfast demonstration: status page at ${stage.holdfast.addresses.operators}\n`);
  const view = openView(stage, screen, () => clock.nowMs());
  const workload = queueJobs({ ...options, github: stage.github, clock, random: parts.random, signal: stop });
  const untilMs = clock.monotonicMs() + JOBS_PATIENCE_MS;
  while (!stop.aborted && !(options.exits && clock.monotonicMs() > untilMs)) {
    await view.refresh();
    if (options.exits && isDone(stage, options.jobCount)) break;
    await clock.sleep(REFRESH_MS, stop);
  }
  await workload;
  const wasStopped = stop.aborted;
  if (wasStopped) cancelOpenJobs(stage);
  await comeDown(stage, clock, () => view.refresh());
  view.end();
  return report(stage, await summarize(stage), screen, wasStopped);
}

function isDone(stage: Stage, jobCount: number | null): boolean {
  const jobs = stage.github.jobs();
  return jobCount !== null && jobs.length >= jobCount && jobs.every((job) => job.status === "completed");
}

/** GitHub's own cancellation: it lets each runner end its job and report it. */
function cancelOpenJobs(stage: Stage): void {
  for (const job of stage.github.jobs()) if (job.status !== "completed") stage.github.cancelJob(job.id);
}

async function comeDown(stage: Stage, clock: Clock, refresh: () => Promise<void>): Promise<void> {
  stage.holdfast.takeDown();
  const untilMs = clock.monotonicMs() + CLEAN_PATIENCE_MS;
  while (clock.monotonicMs() < untilMs) {
    await refresh();
    const machines = await listMachines(stage.holdfast.store.db, { includeGone: false, limitCount: 1 });
    if (machines.length === 0 && stage.github.runners().length === 0) return;
    await clock.sleep(REFRESH_MS);
  }
}

async function report(stage: Stage, summary: Summary, screen: Screen, wasStopped: boolean): Promise<number> {
  const hasLostJobs = summary.jobs.failed > 0 || (!wasStopped && summary.jobs.cancelled > 0);
  const isFine = isClean(summary) && !hasLostJobs;
  screen.stream.write(renderSummary(summary));
  await stage.close(!isFine);
  if (isFine) return 0;
  throw new HoldfastError("demo-failed", `running the demonstration; its store and log are kept in ${stage.directory}`);
}
