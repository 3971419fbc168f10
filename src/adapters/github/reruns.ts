/**
 * A run with its jobs, and the wish that one of them runs again. (docs.github.com, REST API, Actions: "Get a workflow run",
 * "List jobs for a workflow run", "Re-run a job from a workflow run".)
 */
import { GitHubError } from "../../domain/errors.ts";
import type { JobId } from "../../domain/ids.ts";
import type { ObservedRun } from "../../domain/rerun.ts";
import type { Answer, Call } from "./client.ts";
import { asInstallation, type PageLimit, readCounted, readShape } from "./pages.ts";
import { placeOfRepository } from "./places.ts";
import { isRateLimit } from "./rate-limit.ts";
import type { Session } from "./session.ts";
import { messageOf } from "./shapes.ts";
import { ObservedRunShape, RunJobPageShape } from "./shapes-reading.ts";

/** As for the open jobs: 10,000. */
const JOB_PAGES: PageLimit = { pageCountMax: 100, beyond: "fail" };

/** @returns null where GitHub does not find the run. @throws {GitHubError} */
export async function readRun(session: Session, repository: string, runId: number): Promise<ObservedRun | null> {
  const place = placeOfRepository(repository);
  const call: Call = {
    operation: "get-run",
    purpose: "question",
    method: "GET",
    path: `${place.path}/actions/runs/${runId}`,
    query: { exclude_pull_requests: "true" },
    isConditional: true,
    attempted: `reading the run ${runId} of ${repository}`,
  };
  const answer = await session.ask(place.account, call, ({ status }) => status === 200 || status === 404);
  if (answer.status === 404) return null;
  const { id, ...run } = readShape(answer, call, ObservedRunShape);
  if (id !== runId) throw new GitHubError("github-invalid", call.attempted, { cause: new Error("it is another run") });
  const listing: Call = {
    operation: "list-jobs",
    purpose: "question",
    method: "GET",
    path: `${call.path}/jobs`,
    query: { filter: "latest" },
    isConditional: true,
    attempted: `listing the jobs of the run ${runId} of ${repository}`,
  };
  const ask = asInstallation(session, place.account);
  return { ...run, jobs: await readCounted(ask, listing, RunJobPageShape, (job) => job.id, JOB_PAGES) };
}

export async function rerunJob(session: Session, repository: string, jobId: JobId): Promise<"asked" | "refused"> {
  const place = placeOfRepository(repository);
  const call: Call = {
    operation: "rerun-job",
    purpose: "question",
    method: "POST",
    path: `${place.path}/actions/jobs/${jobId}/rerun`,
    attempted: `asking that the job ${jobId} of ${repository} runs again`,
  };
  const answer = await session.ask(place.account, call, (one) => one.status === 201 || saysNotNow(one));
  return answer.status === 201 ? "asked" : "refused";
}

/**
 * GitHub has one status for what may not be and for what cannot be. Of the latter are known: `This workflow is already
 * running`, `This workflow run cannot be retried` (metabase #70916), `Only jobs from the current attempt can be re-run`
 * (runs-on #263), `Unable to retry this workflow run because it was created over a month ago`.
 */
function saysNotNow(answer: Answer): boolean {
  if (answer.status !== 403 || isRateLimit(answer)) return false;
  const message = messageOf(answer.json);
  if (/\b(permissions?|rights|accessible)\b/i.test(message)) return false;
  return /already running|\bre-?run\b|\bretr(y|ied)\b|current attempt/i.test(message);
}
