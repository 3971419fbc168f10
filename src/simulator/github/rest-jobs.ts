import { formatInstant } from "./instant.ts";
import { type JobView, renderJob, viewJob } from "./job-payloads.ts";
import { type Json, nodeId, renderRepository, renderSender } from "./owner-payloads.ts";
import type { Repository } from "./places.ts";
import { findRepository } from "./repositories.ts";
import { answer, NOT_FOUND, paginate, type RestAnswer, readId } from "./rest-answer.ts";
import { type Call, REPOSITORY, type Route } from "./route.ts";
import type { GitHubState, Job } from "./state.ts";

/** Jobs, and the runs that they make up. */

/** With a filter GitHub lists no more. */
const FILTERED_RUN_COUNT_MAX = 1_000;

function repositoryOf({ state, path }: Call): Repository | undefined {
  return findRepository(state, `${path.owner}/${path.repo}`);
}

function answerGetJob(call: Call): RestAnswer {
  const { state, path } = call;
  const job = state.jobs.get(readId(path.id) ?? 0);
  if (job === undefined || job.repository !== repositoryOf(call)) return NOT_FOUND;
  return answer(200, renderJob(state, job, viewJob(state, job)));
}

function answerListRunJobs(call: Call): RestAnswer {
  const { state, request, path } = call;
  const runId = readId(path.id);
  const repository = repositoryOf(call);
  const all = [...state.jobs.values()].filter((job) => job.runId === runId && job.repository === repository);
  if (all.length === 0) return NOT_FOUND;
  const listed = request.query.get("filter") === "all" ? all : ofLatestAttempt(all);
  const { items, headers } = paginate(state, request, listed);
  return answer(
    200,
    { total_count: listed.length, jobs: items.map((job) => renderJob(state, job, viewJob(state, job))) },
    headers,
  );
}

function ofLatestAttempt(jobs: readonly Job[]): readonly Job[] {
  const latest = jobs.reduce((attempt, job) => Math.max(attempt, job.runAttempt), 0);
  return jobs.filter((job) => job.runAttempt === latest);
}

/** The jobs of the latest attempt of one run. */
interface Run {
  readonly id: number;
  readonly first: Job;
  readonly status: JobView["status"];
  readonly conclusion: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

function answerListRuns(call: Call): RestAnswer {
  const { state, request } = call;
  const repository = repositoryOf(call);
  if (repository === undefined) return NOT_FOUND;
  const status = request.query.get("status");
  const all = listRuns(state, repository).filter((run) => status === null || isIn(run, status));
  const listable = status === null ? all : all.slice(0, FILTERED_RUN_COUNT_MAX);
  const { items, headers } = paginate(state, request, listable);
  const rendered = items.map((run) => renderRun(state, repository, run));
  return answer(200, { total_count: all.length, workflow_runs: rendered }, headers);
}

function isIn(run: Run, status: string): boolean {
  return run.status === status || run.conclusion === status;
}

/** Newest first. */
function listRuns(state: GitHubState, repository: Repository): readonly Run[] {
  const jobsByRun = Map.groupBy(
    [...state.jobs.values()].filter((job) => job.repository === repository),
    (job) => job.runId,
  );
  return [...jobsByRun]
    .flatMap(([id, jobs]) => {
      const [first, ...rest] = ofLatestAttempt(jobs);
      return first === undefined ? [] : [summarize(state, id, first, [first, ...rest])];
    })
    .toReversed();
}

/** A run is in progress as soon as one of its jobs is, and completed when all are. */
function summarize(state: GitHubState, id: number, first: Job, jobs: readonly Job[]): Run {
  const views = jobs.map((job) => viewJob(state, job));
  const status = (["in_progress", "queued", "waiting"] as const).find((one) =>
    views.some((view) => view.status === one),
  );
  const conclusions = views.map(({ conclusion }) => conclusion);
  const conclusion =
    (["failure", "cancelled", "success"] as const).find((one) => conclusions.includes(one)) ?? "skipped";
  const times = views.flatMap(({ startedAtMs, completedAtMs }) => [startedAtMs, completedAtMs ?? 0]);
  return {
    id,
    first,
    status: status ?? "completed",
    conclusion: status === undefined ? conclusion : null,
    createdAtMs: first.createdAtMs,
    updatedAtMs: Math.max(...times),
  };
}

const WORKFLOW_ID = 161_335;
const COMMITTER = { name: "Octo Cat", email: "octocat@github.com" };

function renderRun(state: GitHubState, repository: Repository, run: Run): Json {
  const { id, first } = run;
  const base = `${state.apiUrl}/repos/${repository.fullName}`;
  const url = `${base}/actions/runs/${id}`;
  const created = formatInstant(run.createdAtMs);
  const minimal = renderRepository(state, repository);
  const commit = { id: first.headSha, tree_id: first.headSha, message: "Build", timestamp: created };
  return {
    id,
    name: first.workflowName,
    node_id: nodeId("WFR", id),
    head_branch: first.headBranch,
    head_sha: first.headSha,
    path: ".github/workflows/ci.yml",
    run_number: 1,
    run_attempt: first.runAttempt,
    event: "push",
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: WORKFLOW_ID,
    url,
    html_url: `${state.webUrl}/${repository.fullName}/actions/runs/${id}`,
    pull_requests: [],
    created_at: created,
    updated_at: formatInstant(run.updatedAtMs),
    actor: renderSender(state),
    triggering_actor: renderSender(state),
    run_started_at: created,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: `${base}/check-suites/${id}`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: null,
    workflow_url: `${base}/actions/workflows/${WORKFLOW_ID}`,
    head_commit: { ...commit, author: COMMITTER, committer: COMMITTER },
    repository: minimal,
    head_repository: minimal,
    display_title: first.workflowName,
  };
}

const ACTIONS = [...REPOSITORY, "actions"];
const READ = { by: "permission", area: "actions", level: "read" } as const;

export const JOB_ROUTES: readonly Route[] = [
  { method: "GET", pattern: [...ACTIONS, "jobs", ":id"], operation: "get-job", access: READ, handle: answerGetJob },
  { method: "GET", pattern: [...ACTIONS, "runs"], operation: "list-runs", access: READ, handle: answerListRuns },
  {
    method: "GET",
    pattern: [...ACTIONS, "runs", ":id", "jobs"],
    operation: "list-run-jobs",
    access: READ,
    handle: answerListRunJobs,
  },
];
