import { firstApp } from "../../src/simulator/github/apps.ts";
import { acquire } from "../../src/simulator/github/assignment.ts";
import { createGitHub } from "../../src/simulator/github/create.ts";
import type { HookTarget } from "../../src/simulator/github/delivery.ts";
import { createSeededIds } from "../../src/simulator/github/ids.ts";
import { type JobRequest, queueJob } from "../../src/simulator/github/jobs.ts";
import { finishJob, type JobResult, renew, startJob } from "../../src/simulator/github/lease.ts";
import { setHook } from "../../src/simulator/github/outbox.ts";
import { type RegistrationRequest, registerRunner } from "../../src/simulator/github/runners.ts";
import { beginPoll, closeSession, endPoll, openSession, takeMessage } from "../../src/simulator/github/sessions.ts";
import type { GitHubOptions, GitHubState, Job, Runner } from "../../src/simulator/github/state.ts";

/** The model alone, in a time of one's own, with the moves that the tests repeat. */

/** 2026-08-19T16:08:55Z */
export const START_MS = 1_787_155_735_000;

const HOOK_TARGET: HookTarget = {
  url: "http://hook.invalid/",
  secret: "s",
  events: ["workflow_job"],
  contentType: "json",
  isCertificateChecked: true,
  isActive: true,
};

export function createWorld(options: Partial<Omit<GitHubOptions, "ids">> = {}, seed = 1): GitHubState {
  const state = createGitHub({ ...options, ids: createSeededIds(seed) });
  setHook(state, { kind: "app", appId: firstApp(state).id }, HOOK_TARGET, START_MS);
  return state;
}

export function register(state: GitHubState, more: Partial<RegistrationRequest> & { readonly name: string }): Runner {
  const scope = { kind: "organization", organization: "acme" } as const;
  const registered = registerRunner(
    state,
    { scope, labels: ["linux"], groupId: 1, isEphemeral: true, ...more },
    START_MS,
  );
  if (typeof registered === "string") throw new Error(`registering ${more.name}: ${registered}`);
  return registered;
}

/** Opens a session and leaves a poll open, so that the runner is online whatever the time. */
export function connect(state: GitHubState, runner: Runner, nowMs = START_MS): string {
  const opening = openSession(state, runner, { version: "2.336.0", os: "Linux" }, nowMs);
  if (opening.kind !== "opened") throw new Error(`no session for ${runner.name}: ${opening.kind}`);
  beginPoll(state, opening.session.id, nowMs);
  return opening.session.id;
}

export function disconnect(state: GitHubState, runner: Runner, nowMs: number): void {
  const session = state.sessions.get(runner.sessionId ?? "");
  if (session === undefined) return;
  endPoll(state, session, nowMs);
  closeSession(state, session.id);
}

export function queue(state: GitHubState, more: Partial<JobRequest> = {}, nowMs = START_MS): Job {
  return queueJob(state, { repository: "acme/widgets", labels: ["linux"], steps: ["make"], ...more }, nowMs);
}

/** The request id on the session's next message, which is taken off it. */
export function receive(state: GitHubState, runner: Runner): string {
  const session = state.sessions.get(runner.sessionId ?? "");
  const message = session === undefined ? null : takeMessage(state, session);
  if (message?.kind !== "job-request") throw new Error(`${runner.name} has no job request`);
  return message.requestId;
}

/** Receives and acquires; the request id stands for the job from then on. */
export function take(state: GitHubState, runner: Runner, nowMs = START_MS): string {
  const requestId = receive(state, runner);
  const { kind } = acquire(state, runner, requestId, nowMs);
  if (kind !== "acquired") throw new Error(`${runner.name} was refused: ${kind}`);
  return requestId;
}

/** Takes a job and starts it. */
export function begin(state: GitHubState, runner: Runner, nowMs = START_MS): string {
  const requestId = take(state, runner, nowMs);
  renew(state, requestId, nowMs);
  startJob(state, requestId, nowMs);
  return requestId;
}

export function finish(state: GitHubState, requestId: string, result: JobResult, nowMs = START_MS): string {
  return finishJob(state, requestId, result, result === "Failed" ? 0 : null, nowMs);
}

/** What was announced of a job, in order: action, status, conclusion, runner's name and labels. */
export function announced(state: GitHubState, job: Job): readonly string[] {
  return [...state.deliveries.values()]
    .filter(({ jobId }) => jobId === job.id)
    .map(({ action, render }) => {
      const { workflow_job: seen } = JSON.parse(render()) as { workflow_job: Record<string, unknown> };
      return [action, seen.status, seen.conclusion, seen.runner_name, JSON.stringify(seen.labels)].join(" ");
    });
}
