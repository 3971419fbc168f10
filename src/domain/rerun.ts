/**
 * A job that is to run again: it went down with its machine, or an operator wants it. Pure: `controllers/connection/rerun`
 * looks at the job's run at GitHub, lets this decide, and asks.
 *
 *     due -> asked        GitHub took the wish: the job runs again as a new attempt of its run
 *     due -> over         no need, no way, or too late
 *
 * Once: there is one of these for each run and name of a job, whatever becomes of it and however often the job is lost. An
 * operator's wish takes its place, once for each attempt.
 *
 * At GitHub an attempt is the whole run's: running one job again makes a new attempt, in which the other jobs appear with
 * new ids and with the ends that they had. Only jobs of the latest attempt can be run again, and only while nothing of the
 * run goes on ("This workflow is already running", "Only jobs from the current attempt can be re-run": runs-on #259 and
 * #263, metabase #70916). So of several jobs that one run lost each is run again in an attempt of its own, one after the
 * other; and the wish carries the attempt that it was made for, by the job's id: made twice, it is refused once.
 */
import { type BackoffPolicy, backoffMs } from "./backoff.ts";
import type { ConnectionName, JobId, PoolName } from "./ids.ts";
import { formatInstant } from "./instant.ts";
import { type Job, RUN_DELETED } from "./job.ts";
import type { OperatorMark } from "./machine.ts";
import type { Observation } from "./observed.ts";
import type { PoolPolicy } from "./pool.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "./units.ts";

/** Why it is not asked for yet. */
export const RERUN_WAITS = {
  "not-looked": "GitHub has not been asked about it yet.",
  "run-goes-on": "GitHub runs a job again only once everything of its run is over.",
  "end-unknown": "GitHub has not said yet how the job ended.",
  "run-not-found": "GitHub does not find its run.",
  "github-silent": "GitHub could not be asked about its run.",
  "refused-for-now": "GitHub refused to run it again at this time.",
  "wish-failed": "The wish did not reach GitHub, or GitHub did not permit it.",
} as const satisfies Record<string, string>;
export type RerunWait = keyof typeof RERUN_WAITS;

/** Why it is not asked for at all. */
export const RERUN_OUTCOMES = {
  "runs-already": "somebody let it run again already, or GitHub's answer to us was lost",
  "ended-otherwise": "GitHub does not say that it failed",
  "step-failed": "one of its steps had failed before: it was not the machine",
  "not-found": "GitHub does not find the job or its run",
  "not-wanted": "its pool lets no lost job run again any more",
  "past-limit": "it could not be asked for within a day",
  "too-old": "GitHub runs nothing again of a run that is older than 30 days",
  "too-often": "GitHub runs nothing again of a run that was run again 50 times",
} as const satisfies Record<string, string>;
export type RerunOutcome = keyof typeof RERUN_OUTCOMES;

export type RerunState =
  | { readonly kind: "due"; readonly nextAtMs: number; readonly waitsFor: RerunWait }
  /** @property attempt the run's, in which the job runs again. */
  | { readonly kind: "asked"; readonly attempt: number; readonly sinceMs: number }
  | { readonly kind: "over"; readonly outcome: RerunOutcome; readonly sinceMs: number };

export interface Rerun {
  readonly connection: ConnectionName;
  readonly repository: string;
  readonly runId: number;
  readonly jobName: string;
  /** The job as it was lost: GitHub gives every attempt another id. */
  readonly jobId: JobId;
  readonly runAttempt: number;
  /** Whether GitHub had called it failed before we knew that its machine was lost. */
  readonly wasOver: boolean;
  readonly pool: PoolName;
  /** When its machine was lost, or when the operator said so. */
  readonly lostAtMs: number;
  /** Of the operator who wants it; null where it is the pool's own wish. */
  readonly wish: Pick<OperatorMark, "operator" | "reason"> | null;
  /** How often GitHub was asked without an end. */
  readonly lookCount: number;
  readonly state: RerunState;
  readonly version: number;
}

/** A run as GitHub tells of it. */
export interface ObservedRun {
  /** The latest: 1 until somebody runs something of it again. */
  readonly attempt: number;
  /** When the run itself began, which its attempts share. */
  readonly createdAtMs: number;
  /** GitHub's `run_started_at`: when the latest attempt began. */
  readonly attemptStartedAtMs: number;
  readonly isCompleted: boolean;
  /** The jobs of the latest attempt, with those that did not run in it. */
  readonly jobs: readonly ObservedRunJob[];
}

export interface ObservedRunJob {
  readonly id: JobId;
  readonly name: string;
  readonly runAttempt: number;
  /** Null until it is completed. */
  readonly conclusion: string | null;
  readonly completedAtMs: number | null;
  /** A job whose runner was lost has none: its steps stay `in_progress` or are `cancelled`. (NVIDIA/NemoClaw #7146.) */
  readonly hasFailedStep: boolean;
}

/** GitHub notices after some ten minutes that a runner is lost; of one that it noticed before us the job is over. */
const FIRST_LOOK_AFTER_MS = MINUTE_MS;
const LOOK_BACKOFF: BackoffPolicy = { firstMs: MINUTE_MS, limitMs: 10 * MINUTE_MS };
/** Who waits for a job has long gone on by then. */
const GIVE_UP_AFTER_MS = DAY_MS;
/** GitHub says so by mistake, too. */
const NOT_FOUND_PATIENCE_MS = HOUR_MS;

/** The one conclusion with which GitHub ends a job whose runner it lost; a person ends one by `cancelled`. */
const LOST_CONCLUSION = "failure";

export type LostJobVerdict = "run-again" | "not-wanted" | "asks-not-to" | "ended-by-itself";

/**
 * Whether a job that a lost machine had is to run again, in the moment in which the machine is known to be gone. GitHub may
 * have called it failed before, where we learned late: then its steps tell what it failed of.
 */
export function judgeLostJob(job: Job, pool: Pick<PoolPolicy, "rerun" | "mode">): LostJobVerdict {
  if (job.status === "completed" && job.conclusion !== LOST_CONCLUSION) return "ended-by-itself";
  if (pool.rerun === null || pool.mode !== "run") return "not-wanted";
  const exceptLabel = pool.rerun.exceptLabel?.toLowerCase();
  return job.labels.some((label) => label.toLowerCase() === exceptLabel) ? "asks-not-to" : "run-again";
}

export function newRerun(job: Job, pool: PoolName, nowMs: number): Rerun {
  return {
    connection: job.connection,
    repository: job.repository,
    runId: job.runId,
    jobName: job.name,
    jobId: job.id,
    runAttempt: job.runAttempt,
    wasOver: job.status === "completed",
    pool,
    lostAtMs: nowMs,
    wish: null,
    lookCount: 0,
    state: { kind: "due", nextAtMs: nowMs + FIRST_LOOK_AFTER_MS, waitsFor: "not-looked" },
    version: 0,
  };
}

/** GitHub's documentation, "Re-running workflows and jobs": up to 30 days after the initial run. */
export const RERUN_WITHIN_MS = 30 * DAY_MS;
/** GitHub's changelog of 2026-04-10: whole runs and single jobs count alike. */
export const RERUNS_PER_RUN_MAX = 50;

/** By an operator's wish: whatever did not end well, a job that somebody cancelled too. */
export function isWorthAnother(conclusion: string | null): boolean {
  return conclusion !== null && !["success", "skipped", "neutral"].includes(conclusion);
}

export type RerunDecision =
  /** @property jobId the job's in the run's latest attempt. @property attempt the one to come. */
  | { readonly kind: "ask"; readonly jobId: JobId; readonly attempt: number }
  | { readonly kind: "wait"; readonly waitsFor: RerunWait }
  | { readonly kind: "over"; readonly outcome: RerunOutcome };

/** What makes a look at GitHub needless. @param job as the store knows it. */
export function decideUnseen(
  { wish }: Pick<Rerun, "wish">,
  job: Job | null,
  pool: Pick<PoolPolicy, "rerun"> | null,
): RerunDecision | null {
  // Whoever asks for it by name needs no setting of the pool.
  if (wish === null && (pool === null || pool.rerun === null)) return { kind: "over", outcome: "not-wanted" };
  const conclusion = job?.status === "completed" ? job.conclusion : null;
  const isOtherwise = conclusion !== null && conclusion !== RUN_DELETED && !isWanted(wish, conclusion);
  return isOtherwise ? { kind: "over", outcome: "ended-otherwise" } : null;
}

function isWanted(wish: Rerun["wish"], conclusion: string): boolean {
  return wish === null ? conclusion === LOST_CONCLUSION : isWorthAnother(conclusion);
}

export function decideRerun(rerun: Rerun, seen: Observation<ObservedRun>, nowMs: number): RerunDecision {
  if (seen.kind === "unknown") return { kind: "wait", waitsFor: "github-silent" };
  if (seen.kind === "absent") {
    const isFinal = nowMs - rerun.lostAtMs >= NOT_FOUND_PATIENCE_MS;
    return isFinal ? { kind: "over", outcome: "not-found" } : { kind: "wait", waitsFor: "run-not-found" };
  }
  const run = seen.value;
  const job = findJob(rerun, run);
  const isLater = run.attempt > rerun.runAttempt;
  if (isLater && job !== null && !isCarriedOver(job, run)) return { kind: "over", outcome: "runs-already" };
  // Asked for now, it would be refused; and where somebody else asked for another attempt, this job may be part of it.
  if (!run.isCompleted) return { kind: "wait", waitsFor: "run-goes-on" };
  // The list of jobs may be of another moment than the run.
  if (job === null || job.conclusion === null) return { kind: "wait", waitsFor: "end-unknown" };
  if (!isWanted(rerun.wish, job.conclusion)) return { kind: "over", outcome: "ended-otherwise" };
  if (rerun.wish === null && rerun.wasOver && job.hasFailedStep) return { kind: "over", outcome: "step-failed" };
  if (nowMs - run.createdAtMs >= RERUN_WITHIN_MS) return { kind: "over", outcome: "too-old" };
  if (run.attempt > RERUNS_PER_RUN_MAX) return { kind: "over", outcome: "too-often" };
  return { kind: "ask", jobId: job.id, attempt: run.attempt + 1 };
}

function findJob({ jobId, jobName, runAttempt }: Rerun, run: ObservedRun): ObservedRunJob | null {
  const jobs = run.jobs.filter((job) => job.runAttempt === run.attempt);
  const isSame = run.attempt === runAttempt;
  return jobs.find((job) => (isSame ? job.id === jobId : job.name === jobName)) ?? null;
}

/** It did not run in this attempt: its end is older than the attempt. */
function isCarriedOver({ completedAtMs }: ObservedRunJob, { attemptStartedAtMs }: ObservedRun): boolean {
  return completedAtMs !== null && completedAtMs <= attemptStartedAtMs;
}

/**
 * Later and ever later, and not for longer than a day.
 * @param notBeforeMs until when GitHub wants no call, where it said so.
 */
export function putOff(rerun: Rerun, waitsFor: RerunWait, nowMs: number, notBeforeMs = nowMs): Rerun {
  const lookCount = rerun.lookCount + 1;
  if (nowMs - rerun.lostAtMs >= GIVE_UP_AFTER_MS)
    return { ...rerun, lookCount, state: { kind: "over", outcome: "past-limit", sinceMs: nowMs } };
  const nextAtMs = Math.max(nowMs + backoffMs(LOOK_BACKOFF, lookCount, 0), notBeforeMs);
  return { ...rerun, lookCount, state: { kind: "due", nextAtMs, waitsFor } };
}

/** What a person is told of it. @param job any attempt of the job. */
export function describeRerun({ state, runAttempt, wish }: Rerun, job: Pick<Job, "runAttempt">): string {
  if (job.runAttempt > runAttempt)
    return wish === null
      ? `Attempt ${runAttempt} of it went down with its machine, for which it is run again once and no more.`
      : `Attempt ${runAttempt} of it was to run again ${describeWish(wish)}.`;
  const why = wish === null ? "It went down with its machine" : `It is wanted again ${describeWish(wish)}`;
  switch (state.kind) {
    case "due":
      return `${why} and is to run again: GitHub is asked next at ${formatInstant(state.nextAtMs)}. ${RERUN_WAITS[state.waitsFor]}`;
    case "asked":
      return `${why}, and GitHub runs it again as attempt ${state.attempt} of its run.`;
    case "over":
      return `${why}, and GitHub is not asked to run it again: ${RERUN_OUTCOMES[state.outcome]}.`;
  }
}

function describeWish({ operator, reason }: NonNullable<Rerun["wish"]>): string {
  return reason === "" ? `by ${operator}` : `by ${operator} (${reason})`;
}
