/**
 * The jobs of a repository that are not over, for those whose webhook never came. GitHub has no list of jobs: the runs are
 * listed by status, and then the jobs of each run.
 */
import { GitHubError } from "../../domain/errors.ts";
import { parseJob } from "../../domain/github-job.ts";
import type { ConnectionName } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job.ts";
import type { Call } from "./client.ts";
import { type Ask, asInstallation, mapAtATime, type PageLimit, readCounted, withPatience } from "./pages.ts";
import { placeOfRepository } from "./places.ts";
import type { Session } from "./session.ts";
import { JobPageShape, type ListedRun, RunPageShape } from "./shapes-reading.ts";

/**
 * A run has the status of what holds it up. One with a job that waits for an approval or for its concurrency group is
 * `waiting` or `pending` as a whole, and may hold queued jobs beside it (actions/actions-runner-controller #2723: they
 * were never seen by whoever asked for queued and running runs only). A run that is `requested` has no jobs yet.
 */
const OPEN_RUN_STATUSES = ["queued", "in_progress", "waiting", "pending"] as const;
/** GitHub gives the newest 1,000 of a filtered list; the older ones come into view as those are over. */
const RUN_PAGES: PageLimit = { pageCountMax: 10, beyond: "stop" };
/** A matrix has at most 256 jobs, and a workflow several of them: this is 10,000. */
const JOB_PAGES: PageLimit = { pageCountMax: 100, beyond: "fail" };
const CONCURRENT_CALLS_MAX = 8;

/**
 * All or an error, but for two: a run that is gone when its jobs are asked for, and a job that cannot be parsed while
 * others can. An odd one must not hide all the rest, and its webhook tells of it where it comes. If none can be parsed,
 * GitHub's answers have changed, and that is an error.
 */
export async function listOpenJobs(
  session: Session,
  connection: ConnectionName,
  repository: string,
): Promise<readonly JobEvent[]> {
  const place = placeOfRepository(repository);
  const ask = withPatience(session, asInstallation(session, place.account));
  const runs = await listOpenRuns(ask, place.path);
  const found = await mapAtATime(runs, CONCURRENT_CALLS_MAX, async (run) => {
    const jobs = await listJobsOfRun(ask, place.path, run);
    const origin = {
      connection,
      repository: run.repository?.full_name ?? repository,
      action: null,
      nowMs: session.clock.nowMs(),
    };
    return jobs.map((job) => parseJob(job, origin));
  });
  return takeParsed(found.flat(), `reading the open jobs of ${place.path}`);
}

/** Each once: a run may change its status between two of the lists. */
async function listOpenRuns(ask: Ask, path: string): Promise<readonly ListedRun[]> {
  const lists = await mapAtATime(OPEN_RUN_STATUSES, CONCURRENT_CALLS_MAX, async (status) => {
    const call: Call = {
      operation: "list-runs",
      purpose: "sweep",
      method: "GET",
      path: `${path}/actions/runs`,
      query: { status },
      isConditional: true,
      attempted: `listing the ${status} runs of ${path}`,
    };
    return await readCounted(ask, call, RunPageShape, (run) => run.id, RUN_PAGES);
  });
  return [...new Map(lists.flat().map((run) => [run.id, run])).values()];
}

class RunGone extends Error {}

async function listJobsOfRun(ask: Ask, path: string, run: ListedRun): Promise<readonly unknown[]> {
  const call: Call = {
    operation: "list-jobs",
    purpose: "sweep",
    method: "GET",
    path: `${path}/actions/runs/${run.id}/jobs`,
    query: { filter: "latest" },
    isConditional: true,
    attempted: `listing the jobs of the run ${run.id} of ${path}`,
  };
  const askOfRun: Ask = async (page) => {
    const answer = await ask(page, ({ status }) => status === 200 || status === 404);
    if (answer.status === 404) throw new RunGone(page.attempted);
    return answer;
  };
  try {
    return await readCounted(askOfRun, call, JobPageShape, (job) => job.id, JOB_PAGES);
  } catch (error) {
    if (error instanceof RunGone) return [];
    throw error;
  }
}

function takeParsed(all: readonly ReturnType<typeof parseJob>[], attempted: string): readonly JobEvent[] {
  const jobs = all.flatMap((parsed) => (parsed.kind === "job" ? [parsed.job] : []));
  const problem = all.find((parsed) => parsed.kind === "invalid")?.problem;
  if (jobs.length > 0 || problem === undefined) return jobs;
  throw new GitHubError("github-invalid", attempted, { cause: new Error(problem) });
}
