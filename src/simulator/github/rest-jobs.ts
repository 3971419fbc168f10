import { formatInstant } from "./instant.ts";
import { renderJob, viewJob } from "./job-payloads.ts";
import { rerunJob } from "./jobs.ts";
import { type Json, nodeId, renderRepository, renderSender } from "./owner-payloads.ts";
import type { Repository } from "./places.ts";
import { findRepository } from "./repositories.ts";
import { answer, NOT_FOUND, paginate, type RestAnswer, readId, refuse } from "./rest-answer.ts";
import { type Call, REPOSITORY, type Route } from "./route.ts";
import { listRuns, ofLatestAttempt, type Run } from "./runs.ts";
import type { GitHubState } from "./state.ts";

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

/** The words that GitHub has for it (metabase #70916, runs-on #263). */
const RERUN_REFUSALS = {
  "already-running": "This workflow is already running",
  "not-of-current-attempt": "Only jobs from the current attempt can be re-run",
} as const;

function answerRerunJob(call: Call): RestAnswer {
  const { state, path, nowMs } = call;
  const job = state.jobs.get(readId(path.id) ?? 0);
  if (job === undefined || job.repository !== repositoryOf(call)) return NOT_FOUND;
  const said = rerunJob(state, job.id, nowMs);
  if (said === "queued") return answer(201, {});
  return said === "unknown" ? NOT_FOUND : refuse(403, RERUN_REFUSALS[said]);
}

function answerGetRun(call: Call): RestAnswer {
  const { state, path } = call;
  const repository = repositoryOf(call);
  if (repository === undefined) return NOT_FOUND;
  const run = listRuns(state, repository).find(({ id }) => id === readId(path.id));
  return run === undefined ? NOT_FOUND : answer(200, renderRun(state, repository, run));
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
    run_started_at: formatInstant(run.startedAtMs),
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: `${base}/check-suites/${id}`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: first.runAttempt === 1 ? null : `${url}/attempts/${first.runAttempt - 1}`,
    workflow_url: `${base}/actions/workflows/${WORKFLOW_ID}`,
    head_commit: { ...commit, author: COMMITTER, committer: COMMITTER },
    repository: minimal,
    head_repository: minimal,
    display_title: first.workflowName,
  };
}

const ACTIONS = [...REPOSITORY, "actions"];
const READ = { by: "permission", area: "actions", level: "read" } as const;
const WRITE = { by: "permission", area: "actions", level: "write" } as const;

export const JOB_ROUTES: readonly Route[] = [
  { method: "GET", pattern: [...ACTIONS, "jobs", ":id"], operation: "get-job", access: READ, handle: answerGetJob },
  {
    method: "POST",
    pattern: [...ACTIONS, "jobs", ":id", "rerun"],
    operation: "rerun-job",
    access: WRITE,
    handle: answerRerunJob,
  },
  { method: "GET", pattern: [...ACTIONS, "runs"], operation: "list-runs", access: READ, handle: answerListRuns },
  { method: "GET", pattern: [...ACTIONS, "runs", ":id"], operation: "get-run", access: READ, handle: answerGetRun },
  {
    method: "GET",
    pattern: [...ACTIONS, "runs", ":id", "jobs"],
    operation: "list-run-jobs",
    access: READ,
    handle: answerListRunJobs,
  },
];
