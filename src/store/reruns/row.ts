import { parseConnectionName, parseJobId, parsePoolName } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import type { Rerun, RerunOutcome, RerunState, RerunWait } from "../../domain/rerun.ts";
import type { RerunsTable } from "../schema.ts";

export function toRerunColumns(rerun: Rerun): RerunsTable {
  const { state } = rerun;
  return {
    connection: rerun.connection,
    run_id: rerun.runId,
    job_name: rerun.jobName,
    repository: rerun.repository,
    job_id: rerun.jobId,
    run_attempt: rerun.runAttempt,
    was_over: rerun.wasOver ? 1 : 0,
    pool: rerun.pool,
    lost_ms: rerun.lostAtMs,
    look_count: rerun.lookCount,
    state: state.kind,
    state_since_ms: state.kind === "due" ? null : state.sinceMs,
    next_ms: state.kind === "due" ? state.nextAtMs : null,
    attempt: state.kind === "asked" ? state.attempt : null,
    reason: state.kind === "due" ? state.waitsFor : state.kind === "over" ? state.outcome : null,
    operator: rerun.wish?.operator ?? null,
    operator_reason: rerun.wish?.reason ?? null,
    version: rerun.version,
  };
}

export function toRerun(columns: RerunsTable): Rerun {
  return {
    connection: parseConnectionName(columns.connection),
    repository: columns.repository,
    runId: columns.run_id,
    jobName: columns.job_name,
    jobId: parseJobId(columns.job_id),
    runAttempt: columns.run_attempt,
    wasOver: columns.was_over === 1,
    pool: parsePoolName(columns.pool),
    lostAtMs: columns.lost_ms,
    lookCount: columns.look_count,
    wish: columns.operator === null ? null : { operator: columns.operator, reason: columns.operator_reason ?? "" },
    state: toState(columns),
    version: columns.version,
  };
}

function toState({ state, state_since_ms: sinceMs, next_ms: nextAtMs, attempt, reason }: RerunsTable): RerunState {
  if (state === "due" && nextAtMs !== null) return { kind: "due", nextAtMs, waitsFor: reason as RerunWait };
  if (state === "asked" && sinceMs !== null && attempt !== null) return { kind: "asked", attempt, sinceMs };
  invariant(state === "over" && sinceMs !== null, `the state ${state} of a rerun is whole`);
  return { kind: "over", outcome: reason as RerunOutcome, sinceMs };
}
