/** Holdfast's port to GitHub, answered by the model: what is true there, with the lies that it tells. */
import { GitHubError, HoldfastError } from "../../domain/errors.ts";
import { parseWorkflowJobEvent } from "../../domain/github-job.ts";
import { type ConnectionName, parseDeliveryId, parseJobId, parseRunnerId } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job.ts";
import type { Observation, ObservedRunner } from "../../domain/observed.ts";
import { RegistrationPermit } from "../../domain/permit.ts";
import type { RegistrationScope } from "../../domain/pool.ts";
import type { ObservedRun, ObservedRunJob } from "../../domain/rerun.ts";
import type { GitHub, RunnerDeprecation } from "../../ports/github.ts";
import type { GitHubHooks, Hook, HookDelivery } from "../../ports/github-hooks.ts";
import type { LoggedAttempt } from "../github/delivery.ts";
import { renderWorkflowJobEvent, viewJob } from "../github/job-payloads.ts";
import { rerunJob } from "../github/jobs.ts";
import { isOk, redeliver } from "../github/outbox.ts";
import type { Scope } from "../github/places.ts";
import { findRepository } from "../github/repositories.ts";
import { encodeJitConfig } from "../github/rest-runners.ts";
import { deleteRunner, listRunners, registerRunner, reportedBusy, reportedStatus } from "../github/runners.ts";
import { listRuns } from "../github/runs.ts";
import type { GitHubState, Job, Runner } from "../github/state.ts";
import type { Faults } from "./faults.ts";
import type { GitHubWorld } from "./github-world.ts";
import type { WorldProcess } from "./process.ts";
import type { Failures, Remote } from "./remote.ts";

export const GITHUB_FAILURES: Failures = {
  refused: (attempted, chance) =>
    chance.happens(0.25)
      ? new GitHubError("github-rate-limited", attempted, { retryAfterMs: 60_000 })
      : new GitHubError("github-unavailable", attempted),
  unanswered: (attempted) => new GitHubError("github-unavailable", attempted),
};

export interface GitHubPortOptions {
  readonly github: GitHubWorld;
  readonly remote: Remote;
  readonly process: WorldProcess;
  readonly faults: Faults;
  readonly connection: ConnectionName;
  readonly nowMs: () => number;
  /** Right before a registration is deleted. */
  readonly onDelete: (runner: Runner, proof: string) => void;
}

export function createGitHubPort(options: GitHubPortOptions): { readonly github: GitHub; readonly hooks: GitHubHooks } {
  return { github: runnersAndJobs(options), hooks: deliveries(options) };
}

function runnersAndJobs(options: GitHubPortOptions): GitHub {
  const { github, remote, process, nowMs } = options;
  const { state } = github;
  const call = <Answer>(operation: string, effect: () => Answer) => remote.call(process, operation, effect);
  return {
    mintTicket: ({ scope, runnerName, labels }) =>
      call("generate-jitconfig", () => {
        const request = { scope: scopeOf(scope), name: runnerName, labels, groupId: 1, isEphemeral: true };
        const runner = registerRunner(state, request, nowMs());
        if (runner === "name-taken") throw new GitHubError("github-name-taken", `registering ${runnerName}`);
        if (runner === "group-full") throw new GitHubError("github-runners-full", `registering ${runnerName}`);
        return { runnerId: parseRunnerId(runner.id), jitConfig: encodeJitConfig(state, runner) };
      }),
    findRunner: (scope, runnerName) =>
      observe(options, "list-runners", () => {
        const runner = shown(options, scope).find(({ name }) => name === runnerName);
        return runner === undefined ? null : view(state, runner, nowMs());
      }),
    listRunners: (scope) =>
      call("list-runners", () => shown(options, scope).map((runner) => view(state, runner, nowMs()))),
    deleteRunner: async (permit) => {
      if (!RegistrationPermit.isMade(permit) || process.clock.nowMs() >= permit.expiresAtMs)
        throw new HoldfastError("permit-stale", `deleting the registration ${permit.runnerId}`);
      return call("delete-runner", () => remove(options, permit));
    },
    getJob: (repository, jobId) =>
      observe(options, "get-job", () => {
        const job = state.jobs.get(jobId);
        return job === undefined || job.repository.fullName !== repository ? null : tell(options, job);
      }),
    listOpenJobs: (repository) =>
      call("list-jobs", () =>
        [...state.openJobs.values()]
          .filter((job) => job.repository.fullName === repository)
          .map((job) => tell(options, job)),
      ),
    getRun: (repository, runId) => observe(options, "get-run", () => viewRun(state, repository, runId)),
    rerunJob: (repository, jobId) =>
      call("rerun-job", () => {
        const job = state.jobs.get(jobId);
        if (job?.repository.fullName !== repository) throw new GitHubError("github-not-found", `rerunning ${jobId}`);
        const said = rerunJob(state, jobId, nowMs());
        github.changed();
        return said === "queued" ? "asked" : "refused";
      }),
    listRepositories: (owner) =>
      call("list-repositories", () =>
        [...state.repositories.values()]
          .filter((repository) => owner === null || repository.owner === owner)
          .map(({ fullName }) => fullName),
      ),
    readDeprecation: () => observe<RunnerDeprecation>(options, "get-deprecation", () => null),
  };
}

function viewRun(state: GitHubState, fullName: string, runId: number): ObservedRun | null {
  const repository = findRepository(state, fullName);
  const run = repository === undefined ? undefined : listRuns(state, repository).find(({ id }) => id === runId);
  if (run === undefined) return null;
  return {
    attempt: run.first.runAttempt,
    createdAtMs: run.createdAtMs,
    attemptStartedAtMs: run.startedAtMs,
    isCompleted: run.status === "completed",
    jobs: run.jobs.map(viewRunJob),
  };
}

function viewRunJob({ id, name, runAttempt, phase }: Job): ObservedRunJob {
  const end = phase.kind === "completed" ? phase : null;
  return {
    id: parseJobId(id),
    name,
    runAttempt,
    conclusion: end?.conclusion ?? null,
    completedAtMs: end?.atMs ?? null,
    hasFailedStep: end?.conclusion === "failure" && end.cause === "reported-by-runner",
  };
}

function remove({ github, nowMs, onDelete }: GitHubPortOptions, permit: RegistrationPermit) {
  const { state } = github;
  const runner = state.registrations.get(permit.runnerId);
  if (runner === undefined) return "absent";
  if (!reportedBusy(runner)) onDelete(runner, permit.proof);
  const deletion = deleteRunner(state, scopeOf(permit.scope), permit.runnerId, nowMs());
  github.changed();
  return deletion === "not-found" ? "absent" : deletion;
}

/** Those of a scope that a listing shows. */
function shown({ github, faults }: GitHubPortOptions, scope: RegistrationScope): readonly Runner[] {
  const all = listRunners(github.state, scopeOf(scope));
  return all.filter(() => faults.strikes("github.missing-from-listing", ({ probability }) => probability) === null);
}

function view(state: GitHubState, runner: Runner, nowMs: number): ObservedRunner {
  return {
    id: parseRunnerId(runner.id),
    name: runner.name,
    isOnline: reportedStatus(state, runner, nowMs) === "online",
    isBusy: reportedBusy(runner),
    version: runner.version,
  };
}

/** By the product's own reading of GitHub's own words. */
function tell({ github, connection, process }: GitHubPortOptions, job: Job): JobEvent {
  const payload = renderWorkflowJobEvent(github.state, "queued", job, viewJob(github.state, job), null);
  const asAnswer = { ...(payload as Record<string, unknown>), action: "answer" };
  const parsed = parseWorkflowJobEvent(asAnswer, connection, process.clock.nowMs());
  if (parsed.kind === "invalid") throw new GitHubError("github-invalid", parsed.problem);
  return parsed.job;
}

async function observe<Value>(
  { remote, process }: GitHubPortOptions,
  operation: string,
  look: () => Value | null,
): Promise<Observation<Value>> {
  try {
    const value = await remote.call(process, operation, look);
    const observedAtMs = process.clock.nowMs();
    return value === null ? { kind: "absent", observedAtMs } : { kind: "present", value, observedAtMs };
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    return { kind: "unknown", code: error.code, observedAtMs: process.clock.nowMs() };
  }
}

function deliveries({ github, remote, process, nowMs }: GitHubPortOptions): GitHubHooks {
  const { state } = github;
  const since = (sinceMs: number, limitCount: number, passes: (logged: LoggedAttempt) => boolean) =>
    [...state.attempts.values()]
      .reverse()
      .filter((logged) => logged.attempt.atMs >= sinceMs && passes(logged))
      .slice(0, limitCount)
      .map(viewAttempt);
  const find = (id: string) => state.attempts.get(BigInt(id));
  return {
    findHooks: () => remote.call(process, "get-app-hook", () => [...state.hooks.values()].map(viewHook)),
    listDeliveries: (_hook, sinceMs, limitCount) =>
      remote.call(process, "list-deliveries", () => since(sinceMs, limitCount, () => true)),
    listFailedDeliveries: (_hook, sinceMs, limitCount) =>
      remote.call(process, "list-deliveries", () => since(sinceMs, limitCount, ({ attempt }) => !isOk(attempt))),
    redeliver: (_hook, id) =>
      remote.call(process, "redeliver", () => {
        const logged = find(id);
        if (logged === undefined) throw new GitHubError("github-not-found", `redelivering ${id}`);
        redeliver(state, logged.delivery.id, nowMs());
      }),
    readPayload: (_hook, id) =>
      remote.call(process, "get-delivery", () => {
        const logged = find(id);
        return logged === undefined ? null : (JSON.parse(logged.delivery.render()) as unknown);
      }),
  };
}

function viewHook({ target }: { readonly target: { readonly url: string; readonly events: readonly string[] } }): Hook {
  const { url, events } = target;
  return { path: "/app/hook", url, events, contentType: "json", isCertificateChecked: true, isActive: true };
}

function viewAttempt({ delivery, attempt }: LoggedAttempt): HookDelivery {
  return {
    id: String(attempt.id),
    guid: parseDeliveryId(delivery.guid),
    deliveredAtMs: attempt.atMs,
    isRedelivery: attempt.isRedelivery,
    statusCode: attempt.statusCode ?? 0,
    status: isOk(attempt) ? "OK" : (attempt.failure ?? `Invalid HTTP Response: ${attempt.statusCode}`),
    event: delivery.event,
    action: delivery.action,
  };
}

function scopeOf(scope: RegistrationScope): Scope {
  return scope.kind === "repository" ? { kind: "repository", fullName: `${scope.owner}/${scope.repository}` } : scope;
}
