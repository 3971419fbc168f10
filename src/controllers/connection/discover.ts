/**
 * A slow look at the open jobs of every repository that the pools serve, for what no webhook and no delivery log told: jobs
 * that became queued, and known ones that went on. With `demand: poll` it is the only way that jobs are heard of.
 */
import { GitHubError, type GitHubErrorCode } from "../../domain/errors.ts";
import type { JobId } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job.ts";
import { isServedBy } from "../../domain/pool.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { listOpenJobsOfRepository, listRepositoriesWithOpenJobs } from "../../store/jobs/list.ts";
import { listKnownJobs } from "../../store/jobs/load.ts";
import { saveAnswers } from "../ingest.ts";
import { askAboutMissing, WEBHOOK_PATIENCE_MS } from "./ask-missing.ts";
import type { ConnectionContext, Trouble } from "./context.ts";
import { listServedRepositories } from "./repositories.ts";
import { isResting, meetTrouble, pauseAfterMs, TROUBLE_PAUSE_MS, troubleOf } from "./trouble.ts";

export const DISCOVER_PERIOD_MS = 5 * SECOND_MS;
/** Well inside the 5 minutes in which a job is found that nothing else told of. */
const SWEEP_INTERVAL_MS = 3 * MINUTE_MS;
const POLL_INTERVAL_MS = 15 * SECOND_MS;
const REPOSITORIES_PER_PASS_MAX = 200;
const CONCURRENT_LOOKS_MAX = 4;

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
    await lookAtAll(context, dueRepositories(context, repositories));
    forgetOthers(context, new Set(repositories));
    memory.trouble.discover = openTrouble(context);
    gaugeAge(context, repositories);
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    meetTrouble(context, "discover", error);
  }
}

function forgetOthers({ memory }: ConnectionContext, kept: ReadonlySet<string>): void {
  for (const known of [memory.lookedAtMs, memory.looks, memory.lastAskedIds])
    for (const name of known.keys()) if (!kept.has(name)) known.delete(name);
}

function openTrouble({ memory }: ConnectionContext): Trouble | null {
  const ofLooks = [...memory.looks.values()].flatMap(({ trouble }) => trouble ?? []);
  return ofLooks[0] ?? memory.repositories?.trouble ?? null;
}

/** The longest due first; each pass takes its share, so that calls come evenly. */
function dueRepositories(context: ConnectionContext, repositories: readonly string[]): readonly string[] {
  const nowMs = context.clock.monotonicMs();
  const dueAtMs = (name: string) => context.memory.looks.get(name)?.atMs ?? Number.NEGATIVE_INFINITY;
  const share = Math.ceil((repositories.length * DISCOVER_PERIOD_MS) / sweepIntervalMs(context)) + 1;
  return repositories
    .filter((name) => dueAtMs(name) <= nowMs && !isOwnerHeld(context, name))
    .sort((a, b) => (dueAtMs(a) < dueAtMs(b) ? -1 : Number(dueAtMs(a) > dueAtMs(b))))
    .slice(0, Math.min(share, REPOSITORIES_PER_PASS_MAX));
}

function ownerOf(repository: string): string {
  return repository.slice(0, repository.indexOf("/")).toLowerCase();
}

function isOwnerHeld({ memory, clock }: ConnectionContext, repository: string): boolean {
  return clock.monotonicMs() < (memory.ownersHeldUntilMs.get(ownerOf(repository)) ?? Number.NEGATIVE_INFINITY);
}

/** One repository that cannot be read holds up no other, a limit only those of its owner; an outage ends the pass. */
async function lookAtAll(context: ConnectionContext, repositories: readonly string[]): Promise<void> {
  const queue = [...repositories];
  let failure: GitHubError | null = null;
  const workers = Array.from({ length: Math.min(CONCURRENT_LOOKS_MAX, queue.length) }, async () => {
    for (let name = queue.shift(); name !== undefined && failure === null; name = queue.shift()) {
      if (isOwnerHeld(context, name)) continue;
      try {
        await lookAt(context, name);
        context.memory.failedLookCount = 0;
      } catch (error) {
        if (!(error instanceof GitHubError)) throw error;
        noteFailedLook(context, name, error);
        if (context.memory.failedLookCount >= FAILED_LOOKS_MAX) failure ??= error;
      }
    }
  });
  await Promise.all(workers);
  if (failure !== null) throw failure;
}

/** So many in a row of which each may have been a single repository's: then it is GitHub, or the way to it. */
const FAILED_LOOKS_MAX = 3;
/** An App may be installed for some repositories of an owner and not for others. */
const OF_REPOSITORY: ReadonlySet<GitHubErrorCode> = new Set([
  "github-not-found",
  "github-forbidden",
  "github-not-installed",
  "github-invalid",
]);
const OF_OWNER: ReadonlySet<GitHubErrorCode> = new Set(["github-suspended", "github-rate-limited", "github-budget"]);

function noteFailedLook(context: ConnectionContext, repository: string, error: GitHubError): void {
  const { memory, clock, telemetry, connection } = context;
  const isOfRepository = OF_REPOSITORY.has(error.code);
  const failureCount = (memory.looks.get(repository)?.failureCount ?? 0) + 1;
  // Soon again the first time. One that never succeeds takes no more turns than any other.
  const isSoon = failureCount === 1 && !isOfRepository;
  const pauseMs = isSoon ? TROUBLE_PAUSE_MS : lookPauseMs(context);
  // One that is gone is nobody's trouble.
  const trouble = error.code === "github-not-found" ? null : troubleOf(context, error);
  memory.looks.set(repository, { atMs: clock.monotonicMs() + pauseMs, failureCount, trouble });
  if (isOfRepository) memory.lookedAtMs.set(repository, clock.nowMs());
  else if (OF_OWNER.has(error.code))
    memory.ownersHeldUntilMs.set(ownerOf(repository), clock.monotonicMs() + pauseAfterMs(error));
  else memory.failedLookCount += 1;
  if (failureCount === 1)
    telemetry.warn("a repository's jobs cannot be read", { connection, repository, code: error.code });
}

function lookPauseMs(context: ConnectionContext): number {
  return sweepIntervalMs(context) - DISCOVER_PERIOD_MS;
}

async function lookAt(context: ConnectionContext, repository: string): Promise<void> {
  const beganAtMs = context.clock.nowMs();
  const nextAtMs = context.clock.monotonicMs() + lookPauseMs(context);
  const known = await listOpenJobsOfRepository(context.store.db, context.connection, repository);
  const listed = await context.github.listOpenJobs(repository);
  context.memory.lookedAtMs.set(repository, beganAtMs);
  context.memory.looks.set(repository, { atMs: nextAtMs, failureCount: 0, trouble: null });
  await saveListed(context, listed);
  const listedIds = new Set<JobId>(listed.map(({ id }) => id));
  const missing = known.filter(({ job }) => !listedIds.has(job.id));
  await askAboutMissing(context, repository, missing);
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
  const news = await saveAnswers(context, wanted);
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
