import type { JobAction } from "./delivery.ts";
import { formatInstant } from "./instant.ts";
import {
  type Json,
  nodeId,
  renderEnterprise,
  renderInstallationReference,
  renderOrganization,
  renderRepository,
  renderSender,
} from "./owner-payloads.ts";
import { isOrganization } from "./repositories.ts";
import { findEnterpriseOf, findGroup } from "./runner-groups.ts";
import type { Conclusion, GitHubState, Job } from "./state.ts";

/** A job as it was at one moment, in REST's and the webhooks' own words; instants still in epoch milliseconds. */
export interface JobView {
  readonly status: "queued" | "waiting" | "in_progress" | "completed";
  readonly conclusion: Conclusion | null;
  readonly labels: readonly string[];
  readonly startedAtMs: number;
  readonly completedAtMs: number | null;
  readonly runner: {
    readonly id: number;
    readonly name: string;
    readonly groupId: number;
    readonly groupName: string;
  } | null;
  readonly steps: readonly Json[];
}

export function viewJob(state: GitHubState, job: Job): JobView {
  const { phase } = job;
  switch (phase.kind) {
    case "waiting":
      return { ...untouchedView(job), status: "waiting" };
    case "queued":
    case "assigned":
      return untouchedView(job);
    case "acquired":
      if (phase.startedAtMs === null) return untouchedView(job);
      return {
        ...untouchedView(job),
        status: "in_progress",
        startedAtMs: phase.startedAtMs,
        runner: viewJobRunner(state, phase.runnerId),
        steps: renderSteps(job, phase.startedAtMs, null, null),
      };
    case "completed":
      return {
        status: "completed",
        conclusion: phase.conclusion,
        // ARC #1370, #836, #2520: cancelled while queued means neither runner, nor steps, nor labels.
        labels: phase.cause === "cancelled-before-pick-up" ? [] : job.labels,
        startedAtMs: phase.startedAtMs ?? job.createdAtMs,
        completedAtMs: phase.atMs,
        runner: phase.runnerId === null ? null : viewJobRunner(state, phase.runnerId),
        steps: renderFinalSteps(job, phase),
      };
  }
}

/** What `completed` says of a job whose Worker still runs (actions/runner #4492). */
export function viewAsAlreadyCompleted(state: GitHubState, job: Job, nowMs: number): JobView {
  const view = viewJob(state, job);
  const steps = renderSteps(job, view.startedAtMs, nowMs, "success");
  return { ...view, status: "completed", conclusion: "success", completedAtMs: nowMs, steps };
}

/** GitHub sets `started_at` on queued jobs too, equal to `created_at`: it does not mean that the job started. */
function untouchedView(job: Job): JobView {
  return {
    status: "queued",
    conclusion: null,
    labels: job.labels,
    startedAtMs: job.createdAtMs,
    completedAtMs: null,
    runner: null,
    steps: [],
  };
}

function viewJobRunner(state: GitHubState, runnerId: number): JobView["runner"] {
  const runner = state.runners.get(runnerId);
  if (runner === undefined) return null;
  const found = findGroup(state, runner.scope, runner.groupId);
  return { id: runner.id, name: runner.name, groupId: runner.groupId, groupName: found?.group.name ?? "Default" };
}

/** Nobody told the ends of the steps of a job whose runner was lost: the one that ran still does. (NemoClaw #7146.) */
function renderFinalSteps(job: Job, phase: Extract<Job["phase"], { kind: "completed" }>): readonly Json[] {
  const { startedAtMs, atMs, cause, conclusion } = phase;
  if (startedAtMs === null) return [];
  if (cause !== "lost-communication") return renderSteps(job, startedAtMs, atMs, conclusion);
  const [setUp, running, ...rest] = renderSteps(job, startedAtMs, null, null);
  if (setUp === undefined || running === undefined) return setUp === undefined ? [] : [setUp];
  return [setUp, { ...running, status: "in_progress", started_at: formatInstant(startedAtMs) }, ...rest];
}

const STEP_NAME_LENGTH_MAX = 80;

function renderSteps(
  job: Job,
  startedAtMs: number,
  completedAtMs: number | null,
  conclusion: Conclusion | null,
): readonly Json[] {
  const started = formatInstant(startedAtMs);
  const ended = completedAtMs === null ? null : formatInstant(completedAtMs);
  const setUp = {
    name: "Set up job",
    status: "completed",
    conclusion: "success",
    number: 1,
    started_at: started,
    completed_at: started,
  };
  const ran = job.steps.map((command, index) => ({
    name: `Run ${command}`.slice(0, STEP_NAME_LENGTH_MAX),
    status: ended === null ? "queued" : "completed",
    conclusion: ended === null ? null : stepConclusion(job, index, conclusion),
    number: index + 2,
    started_at: ended === null ? null : started,
    completed_at: ended,
  }));
  if (ended === null) return [setUp, ...ran];
  const complete = {
    ...setUp,
    name: "Complete job",
    number: job.steps.length + 2,
    started_at: ended,
    completed_at: ended,
  };
  return [setUp, ...ran, complete];
}

function stepConclusion(job: Job, index: number, conclusion: Conclusion | null): Conclusion {
  if (conclusion === "success") return "success";
  const stoppedAt = job.failedStepIndex ?? 0;
  if (index < stoppedAt) return "success";
  return index === stoppedAt ? (conclusion ?? "failure") : "skipped";
}

export function renderJob(state: GitHubState, job: Job, view: JobView): Json {
  const url = `${state.apiUrl}/repos/${job.repository.fullName}`;
  return {
    id: job.id,
    run_id: job.runId,
    workflow_name: job.workflowName,
    head_branch: job.headBranch,
    run_url: `${url}/actions/runs/${job.runId}`,
    run_attempt: job.runAttempt,
    node_id: nodeId("CR", job.id),
    head_sha: job.headSha,
    url: `${url}/actions/jobs/${job.id}`,
    html_url: `${state.webUrl}/${job.repository.fullName}/actions/runs/${job.runId}/job/${job.id}`,
    status: view.status,
    conclusion: view.conclusion,
    created_at: formatInstant(job.createdAtMs),
    started_at: formatInstant(view.startedAtMs),
    completed_at: view.completedAtMs === null ? null : formatInstant(view.completedAtMs),
    name: job.name,
    steps: view.steps,
    check_run_url: `${url}/check-runs/${job.id}`,
    labels: view.labels,
    runner_id: view.runner?.id ?? null,
    runner_name: view.runner?.name ?? null,
    runner_group_id: view.runner?.groupId ?? null,
    runner_group_name: view.runner?.groupName ?? null,
  };
}

/** @param installationId of the App whose hook gets it; null for a hook that is no App's */
export function renderWorkflowJobEvent(
  state: GitHubState,
  action: JobAction,
  job: Job,
  view: JobView,
  installationId: number | null,
): Json {
  const { repository } = job;
  const enterprise = findEnterpriseOf(state, repository.owner);
  return {
    action,
    workflow_job: renderJob(state, job, view),
    repository: renderRepository(state, repository),
    ...(isOrganization(state, repository.owner) ? { organization: renderOrganization(state, repository.owner) } : {}),
    ...(enterprise === undefined ? {} : { enterprise: renderEnterprise(state, enterprise.slug) }),
    sender: renderSender(state),
    ...(installationId === null ? {} : { installation: renderInstallationReference(installationId) }),
  };
}
