/**
 * Lets jobs run again, through GitHub, that went down with their machine or that an operator wants. `domain/rerun` decides;
 * here is asked.
 *
 * No lease covers this, and none is needed: the wish names a job by its id of one attempt, and GitHub takes it only while
 * that attempt is the latest and over. Of two processes that wish the same one is refused; a process that ends between the
 * wish and the note that it was made finds the new attempt at its next look.
 */
import { GitHubError, type GitHubErrorCode } from "../../domain/errors.ts";
import type { Observation } from "../../domain/observed.ts";
import {
  decideRerun,
  decideUnseen,
  type ObservedRun,
  putOff,
  RERUN_OUTCOMES,
  type Rerun,
  type RerunDecision,
  type RerunState,
} from "../../domain/rerun.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { loadJob } from "../../store/jobs/load.ts";
import { listDueReruns } from "../../store/reruns/load.ts";
import { saveRerun } from "../../store/reruns/save.ts";
import { jobSubject } from "../../store/subjects.ts";
import { inTransaction } from "../../store/transaction.ts";
import type { ConnectionContext, Trouble } from "./context.ts";
import { troubleOf } from "./trouble.ts";

export const RERUN_PERIOD_MS = 15 * SECOND_MS;
/** One after the other: of two jobs of one run the second has to wait for the attempt of the first. */
export const RERUNS_PER_PASS_MAX = 20;
/** What the next one would meet as well: the rest of the pass is left to the next. */
const OF_ALL: ReadonlySet<GitHubErrorCode> = new Set(["github-unavailable", "github-rate-limited", "github-budget"]);

/** What came of one: the row as it is from now on, what is to be told on the job, and what went wrong. */
interface Step {
  readonly after: Rerun;
  readonly fact: string | null;
  readonly trouble: Trouble | null;
}

export async function rerunLostJobs(context: ConnectionContext): Promise<void> {
  if (!context.isHolding()) return;
  const { memory, clock, store, connection } = context;
  const options = { nowMs: clock.nowMs(), limitCount: RERUNS_PER_PASS_MAX };
  const due = await listDueReruns(store.db, connection, options);
  let trouble: Trouble | null = null;
  for (const rerun of due) {
    const step = await takeStep(context, rerun);
    await save(context, step);
    trouble = step.trouble ?? trouble;
    if (trouble !== null && OF_ALL.has(trouble.code as GitHubErrorCode)) break;
  }
  if (due.length > 0) memory.trouble.rerun = trouble;
}

async function takeStep(context: ConnectionContext, rerun: Rerun): Promise<Step> {
  const { clock, github, ownPools, store } = context;
  const row = await loadJob(store.db, rerun.connection, rerun.jobId);
  const pool = ownPools.find(({ name }) => name === rerun.pool) ?? null;
  const unseen = decideUnseen(rerun, row?.job ?? null, pool);
  if (unseen !== null) return await follow(context, rerun, unseen, null);
  const seen = await github.getRun(rerun.repository, rerun.runId);
  return await follow(context, rerun, decideRerun(rerun, seen, clock.nowMs()), troubleOfLook(rerun, seen));
}

async function follow(
  context: ConnectionContext,
  rerun: Rerun,
  decision: RerunDecision,
  trouble: Trouble | null,
): Promise<Step> {
  const nowMs = context.clock.nowMs();
  switch (decision.kind) {
    case "wait":
      return { after: putOff(rerun, decision.waitsFor, nowMs), fact: null, trouble };
    case "over":
      return settled(rerun, { kind: "over", outcome: decision.outcome, sinceMs: nowMs });
    case "ask":
      return await ask(context, rerun, decision);
  }
}

async function ask(
  context: ConnectionContext,
  rerun: Rerun,
  { jobId, attempt }: RerunDecision & { readonly kind: "ask" },
): Promise<Step> {
  const { clock, github, telemetry, connection } = context;
  try {
    const said = await github.rerunJob(rerun.repository, jobId);
    const nowMs = clock.nowMs();
    if (said === "asked") return settled(rerun, { kind: "asked", attempt, sinceMs: nowMs });
    const fact = "GitHub refused to run it again at this time";
    return { after: putOff(rerun, "refused-for-now", nowMs), fact, trouble: null };
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    const { code, retryAfterMs } = error;
    telemetry.error("a lost job could not be run again; it is tried later", error, { connection, job: jobId, code });
    const nowMs = clock.nowMs();
    const after = putOff(rerun, "wish-failed", nowMs, nowMs + (retryAfterMs ?? 0));
    return { after, fact: `GitHub was asked to run it again, in vain: ${code}`, trouble: troubleOf(context, error) };
  }
}

function settled(rerun: Rerun, state: RerunState): Step {
  return { after: { ...rerun, state }, fact: null, trouble: null };
}

/** A look that failed; the adapter has told its cause to the log. */
function troubleOfLook({ repository, runId }: Rerun, seen: Observation<ObservedRun>): Trouble | null {
  if (seen.kind !== "unknown") return null;
  const code = seen.code as GitHubErrorCode;
  return { code, text: `reading the run ${runId} of ${repository}`, atMs: seen.observedAtMs };
}

/** Whoever was faster has told and counted it. */
async function save({ store, clock, telemetry }: ConnectionContext, { after, fact }: Step): Promise<void> {
  const end = factOfEnd(after.state);
  const subject = jobSubject(after.connection, after.jobId);
  const facts = [fact, end].filter((one) => one !== null);
  const isSaved = await inTransaction(store, async (tx) => {
    if (!(await saveRerun(tx, after))) return false;
    for (const one of facts)
      await recordEvidence(tx, { subject, source: "controller", fact: one, observedAtMs: clock.nowMs() });
    return true;
  });
  if (!isSaved || after.state.kind === "due") return;
  const outcome = after.state.kind === "asked" ? "asked" : after.state.outcome;
  telemetry.count("holdfast_reruns_total", { pool: after.pool, outcome });
}

function factOfEnd(state: RerunState): string | null {
  switch (state.kind) {
    case "due":
      return null;
    case "asked":
      return `GitHub was asked to run it again, and does, as attempt ${state.attempt} of its run`;
    case "over":
      return `GitHub is not asked to run it again: ${RERUN_OUTCOMES[state.outcome]}`;
  }
}
