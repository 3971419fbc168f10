/** What an operator's wish that a job runs again comes to, as far as the store tells. Pure; GitHub is asked afterwards. */
import type { PoolName } from "./ids.ts";
import { type Job, RUN_DELETED } from "./job.ts";
import type { OperatorMark } from "./machine.ts";
import { isWorthAnother, newRerun, RERUN_WITHIN_MS, RERUNS_PER_RUN_MAX, type Rerun } from "./rerun.ts";

/** At once: whoever asks knows that the job is over, or will be. */
export function newWish(job: Job, pool: PoolName, { operator, reason, atMs }: OperatorMark): Rerun {
  const state = { kind: "due", nextAtMs: atMs, waitsFor: "not-looked" } as const;
  return { ...newRerun(job, pool, atMs), wish: { operator, reason }, state };
}

export type WishVerdict =
  /** @property isOver whether GitHub has said so; else it is waited for. */
  { readonly kind: "take"; readonly isOver: boolean } | { readonly kind: "refuse"; readonly code: WishRefusal };
export type WishRefusal =
  | "job-not-over"
  | "job-succeeded"
  | "run-deleted"
  | "run-not-over"
  | "rerun-too-old"
  | "rerun-too-often";

export interface WishInput {
  readonly job: Job;
  /** Its machine is gone, or its end is forced: GitHub will learn of the job's end. */
  readonly isLost: boolean;
  /** Another job of the run is known that is not over. */
  readonly isRunGoingOn: boolean;
}

/** Whether an operator's wish is one that GitHub could grant, as far as the store tells. */
export function judgeWish({ job, isLost, isRunGoingOn }: WishInput, nowMs: number): WishVerdict {
  const isOver = job.status === "completed";
  if (!isOver && !isLost) return { kind: "refuse", code: "job-not-over" };
  if (job.conclusion === RUN_DELETED) return { kind: "refuse", code: "run-deleted" };
  if (isOver && !isWorthAnother(job.conclusion)) return { kind: "refuse", code: "job-succeeded" };
  if (nowMs - job.createdAtMs >= RERUN_WITHIN_MS) return { kind: "refuse", code: "rerun-too-old" };
  if (job.runAttempt > RERUNS_PER_RUN_MAX) return { kind: "refuse", code: "rerun-too-often" };
  // Of a run that lost a machine the other jobs may well go on: its own end is not there yet either.
  if (isOver && isRunGoingOn && !isLost) return { kind: "refuse", code: "run-not-over" };
  return { kind: "take", isOver };
}

/** What stands already of what an operator wants now; null where the wish is new. */
export function standingWish(standing: Rerun | null, job: Pick<Job, "runAttempt">): Rerun | null {
  if (standing === null) return null;
  switch (standing.state.kind) {
    case "due":
      return standing.wish === null ? null : standing;
    case "asked":
      return job.runAttempt < standing.state.attempt ? standing : null;
    case "over":
      return null;
  }
}
