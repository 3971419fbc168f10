/**
 * A slow look at the open jobs of every repository that the pools serve, for what no webhook and no delivery log told: jobs
 * that became queued, and known ones that went on. With `demand: poll` it is the only way that jobs are heard of.
 */
import { GitHubError } from "../../domain/errors.ts";
import type { JobId } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job.ts";
import { isServedBy } from "../../domain/pool.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { listOpenJobsOfRepository, listRepositoriesWithOpenJobs } from "../../store/jobs/list.ts";
import { listKnownJobs } from "../../store/jobs/load.ts";
import { inTransaction } from "../../store/transaction.ts";
import { saveJobEvent } from "../ingest.ts";
import { askAboutMissing } from "./ask-missing.ts";
import type { ConnectionContext } from "./context.ts";
import { listServedRepositories } from "./repositories.ts";
import { isResting, meetTrouble } from "./trouble.ts";

export const DISCOVER_PERIOD_MS = 5 * SECOND_MS;
/** Well inside the 5 minutes in which a job is found that nothing else told of. */
const SWEEP_INTERVAL_MS = 3 * MINUTE_MS;
const POLL_INTERVAL_MS = 15 * SECOND_MS;
const REPOSITORIES_PER_PASS_MAX = 200;
const CONCURRENT_LOOKS_MAX = 4;
/** A webhook may take this long; a job that is found later than that was missed. */
const WEBHOOK_PATIENCE_MS = MINUTE_MS;

function sweepIntervalMs(context: Pick<ConnectionContext, "demand">): number {
  return context.demand === "poll" ? POLL_INTERVAL_MS : SWEEP_INTERVAL_MS;
}

export async function discover(context: ConnectionContext): Promise<void> {
  const { memory } = context;
  if (!context.isHolding() || isResting(context, "discover")) return;
  try {
    const served = await listServedRepositories(context);
    // A repository that was renamed has jobs under its old name.
    const open = await listRepositoriesWithOpenJobs(context.store.db, context.connection);
    const repositories = [...new Set([...served, ...open])];
    const due = dueRepositories(context, repositories);
    await lookAtAll(context, due);
    if (due.length > 0) memory.trouble.discover = null;
    const kept = new Set(repositories);
    for (const name of memory.lookedAtMs.keys()) if (!kept.has(name)) memory.lookedAtMs.delete(name);
    gaugeAge(context, repositories);
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    meetTrouble(context, "discover", error);
  }
}

/** The longest not looked at first; each pass takes its share, so that calls come evenly. */
function dueRepositories(context: ConnectionContext, repositories: readonly string[]): readonly string[] {
  const { lookedAtMs } = context.memory;
  const nowMs = context.clock.nowMs();
  const intervalMs = sweepIntervalMs(context);
  const share = Math.ceil((repositories.length * DISCOVER_PERIOD_MS) / intervalMs) + 1;
  return repositories
    .filter((name) => nowMs - (lookedAtMs.get(name) ?? 0) >= intervalMs - DISCOVER_PERIOD_MS)
    .sort((a, b) => (lookedAtMs.get(a) ?? 0) - (lookedAtMs.get(b) ?? 0))
    .slice(0, Math.min(share, REPOSITORIES_PER_PASS_MAX));
}

/** One repository that GitHub does not find holds up no other; a limit or an outage ends the pass. */
async function lookAtAll(context: ConnectionContext, repositories: readonly string[]): Promise<void> {
  const queue = [...repositories];
  let failure: GitHubError | null = null;
  const workers = Array.from({ length: Math.min(CONCURRENT_LOOKS_MAX, queue.length) }, async () => {
    for (let name = queue.shift(); name !== undefined && failure === null; name = queue.shift()) {
      try {
        await lookAt(context, name);
      } catch (error) {
        if (!(error instanceof GitHubError)) throw error;
        if (isOfRepository(error)) noteUnreadable(context, name, error);
        else failure ??= error;
      }
    }
  });
  await Promise.all(workers);
  if (failure !== null) throw failure;
}

function isOfRepository({ code }: GitHubError): boolean {
  return code === "github-not-found" || code === "github-forbidden" || code === "github-not-installed";
}

function noteUnreadable(context: ConnectionContext, repository: string, error: GitHubError): void {
  const { memory, clock, telemetry, connection } = context;
  memory.lookedAtMs.set(repository, clock.nowMs());
  telemetry.warn("a repository's jobs cannot be read", { connection, repository, code: error.code });
}

async function lookAt(context: ConnectionContext, repository: string): Promise<void> {
  const beganAtMs = context.clock.nowMs();
  const known = await listOpenJobsOfRepository(context.store.db, context.connection, repository);
  const listed = await context.github.listOpenJobs(repository);
  context.memory.lookedAtMs.set(repository, beganAtMs);
  await saveListed(context, listed);
  const listedIds = new Set<JobId>(listed.map(({ id }) => id));
  const missing = known.filter(({ job }) => !listedIds.has(job.id));
  await askAboutMissing(context, missing);
}

/** Jobs that no pool would run are left to their webhooks: a busy organization has thousands of hosted ones. */
async function saveListed(context: ConnectionContext, listed: readonly JobEvent[]): Promise<void> {
  const { store, connection } = context;
  const known = await listKnownJobs(
    store.db,
    connection,
    listed.map(({ id }) => id),
  );
  const wanted = listed.filter((job) => known.has(job.id) || isOfInterest(context, job));
  if (wanted.length === 0) return;
  const news = await inTransaction(store, async (tx) => {
    const found: JobEvent[] = [];
    for (const job of wanted) if (await saveJobEvent(context, tx, job, "github-api")) found.push(job);
    return found;
  });
  for (const job of news) if (!known.has(job.id)) countMissed(context, job);
  if (news.length > 0) context.wake.controller("ingest", null);
}

function isOfInterest({ ownPools }: ConnectionContext, job: JobEvent): boolean {
  if (job.status === "completed") return false;
  const isAskedFor = job.labels.some((label) => label.toLowerCase() === "self-hosted");
  return isAskedFor || ownPools.some((pool) => isServedBy(pool, job));
}

function countMissed({ demand, clock, telemetry, connection }: ConnectionContext, job: JobEvent): void {
  const isLate = clock.nowMs() - job.createdAtMs > WEBHOOK_PATIENCE_MS;
  if (demand === "webhooks" && isLate) telemetry.count("holdfast_recovered_jobs_total", { connection, by: "sweep" });
}

function gaugeAge({ memory, clock, telemetry, connection }: ConnectionContext, repositories: readonly string[]): void {
  const looked = repositories.map((name) => memory.lookedAtMs.get(name)).filter((atMs) => atMs !== undefined);
  const oldestMs = looked.length === 0 ? clock.nowMs() : Math.min(...looked);
  telemetry.gauge("holdfast_sweep_age_seconds", (clock.nowMs() - oldestMs) / SECOND_MS, { connection });
}
