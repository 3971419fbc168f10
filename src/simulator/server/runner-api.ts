import { acknowledge, acquire, findRequestedJob } from "../github/assignment.ts";
import { type ApiOperation, takeFault } from "../github/faults.ts";
import { finishJob, renew, startJob } from "../github/lease.ts";
import { isObject } from "../github/rest-answer.ts";
import { beginPoll, closeSession, endPoll, openSession, takeMessage } from "../github/sessions.ts";
import type { GitHubState, Job, Runner, RunnerMessage, Session } from "../github/state.ts";
import {
  type AcquiredJob,
  type BrokerMessage,
  type BrokerRefusal,
  PROTOCOL_PREFIX,
  type TaskResult,
} from "../runner/protocol.ts";
import type { Timers } from "./clock.ts";
import { isSame, readBearer } from "./credentials.ts";
import type { Exchange } from "./exchange.ts";
import type { MomentBoard, MomentName } from "./moments.ts";
import { transmit } from "./transmit.ts";

/** What the runner-facing calls need of the server. */
export interface RunnerApi {
  readonly state: GitHubState;
  readonly timers: Timers;
  readonly moments: MomentBoard;
  readonly longPollMs: number;
  /** Says that the model changed: due work is done and waiting polls look again. */
  pump(): void;
  /** Resolves when there is a message on the session, after `timeoutMs`, or when the caller is gone. */
  waitForMessage(session: Session, timeoutMs: number, gone: AbortSignal): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: object | null;
}

/** Who calls: a listener by its credentials, or a Worker (or a renewal) by the job's token. */
interface RunnerCall {
  readonly api: RunnerApi;
  readonly exchange: Exchange;
  readonly runner: Runner;
  readonly requestId: string;
}

/** Answers a call below `PROTOCOL_PREFIX`. */
export async function handleRunnerCall(api: RunnerApi, exchange: Exchange): Promise<void> {
  const path = exchange.path.slice(PROTOCOL_PREFIX.length);
  const polled = /^\/sessions\/([^/]+)\/message$/.exec(path)?.[1];
  const closed = /^\/sessions\/([^/]+)$/.exec(path)?.[1];
  const route = `${exchange.method} ${polled === undefined ? (closed === undefined ? path : "/sessions/:id") : "/poll"}`;
  switch (route) {
    case "POST /sessions":
      return asListener(api, exchange, "create-session", createSession);
    case "GET /poll":
      return asListener(api, exchange, "poll-message", (call) => pollMessage(call, polled ?? ""));
    case "DELETE /sessions/:id":
      return asListener(api, exchange, "delete-session", (call) => deleteSession(call, closed ?? ""));
    case "POST /acknowledge":
      return asListener(api, exchange, "acknowledge", acknowledgeRequest);
    case "POST /acquire":
      return asListener(api, exchange, "acquire", acquireRequest);
    case "POST /renew":
      return asJob(api, exchange, "renew", renewJob);
    case "POST /start":
      return asJob(api, exchange, "start-job", startRequestedJob);
    case "POST /complete":
      return asJob(api, exchange, "complete-job", completeRequestedJob);
    default:
      exchange.answer(404, { message: "Not Found" });
  }
}

type Handler = (call: RunnerCall) => Promise<Answer>;

async function asListener(api: RunnerApi, exchange: Exchange, operation: ApiOperation, handle: Handler): Promise<void> {
  const [id, secret] = readBearer(exchange.authorization)?.split(":") ?? [];
  const runner = api.state.runners.get(Number(id));
  if (runner === undefined || secret === undefined || !isSame(runner.secret, secret)) {
    finish(exchange, refusal(401, "Unauthorized", "No such listener."));
    return;
  }
  const requestId = readField(exchange, "runnerRequestId");
  await answerFaulty(exchange, operation, { api, exchange, runner, requestId }, handle);
}

async function asJob(api: RunnerApi, exchange: Exchange, operation: ApiOperation, handle: Handler): Promise<void> {
  const requestId = readBearer(exchange.authorization) ?? "";
  const request = api.state.requests.get(requestId);
  const runner = request === undefined ? undefined : api.state.runners.get(request.runnerId);
  if (runner === undefined) {
    finish(exchange, refusal(401, "Unauthorized", "No such job token."));
    return;
  }
  await answerFaulty(exchange, operation, { api, exchange, runner, requestId }, handle);
}

async function answerFaulty(
  exchange: Exchange,
  operation: ApiOperation,
  call: RunnerCall,
  handle: Handler,
): Promise<void> {
  const { state, timers } = call.api;
  const fault = takeFault(state.faults, operation);
  const isEffective = fault === null || !("effect" in fault) || fault.effect === "done";
  const answer = isEffective ? await handle(call) : null;
  if (isEffective) call.api.pump();
  if (fault?.kind === "status") {
    finish(exchange, faultRefusal(fault.status, fault.message ?? "Server Error"));
    return;
  }
  const { status, body } = answer ?? { status: 500, body: null };
  const text = body === null ? null : JSON.stringify(body);
  await transmit(exchange.response, { status, headers: {}, text }, fault ?? { kind: "whole" }, timers);
}

function finish(exchange: Exchange, answer: Answer): void {
  exchange.answer(answer.status, answer.body);
}

function refusal(status: number, errorKind: BrokerRefusal["errorKind"], message: string): Answer {
  return { status, body: { errorKind, message } satisfies BrokerRefusal };
}

function faultRefusal(status: number, message: string): Answer {
  const kind = status === 404 ? "JobNotFound" : status === 409 ? "JobAlreadyAcquired" : "Malformed";
  return refusal(status, kind, message);
}

function readField(exchange: Exchange, name: string): string {
  if (exchange.body.kind !== "json" || !isObject(exchange.body.value)) return "";
  const value = exchange.body.value[name];
  return typeof value === "string" ? value : "";
}

/** Runs one step with its two moments around it. */
async function step<Result>(call: RunnerCall, name: MomentName, act: () => Result): Promise<Result> {
  const { api, runner } = call;
  const jobId = findRequestedJob(api.state, runner, call.requestId)?.id ?? null;
  const moment = { name, runnerId: runner.id, runnerName: runner.name, jobId };
  await api.moments.reach({ ...moment, side: "before" });
  const result = act();
  api.pump();
  await api.moments.reach({ ...moment, side: "after" });
  return result;
}

async function createSession(call: RunnerCall): Promise<Answer> {
  const { state, timers } = call.api;
  const version = readField(call.exchange, "version");
  const os = readField(call.exchange, "os");
  if (version === "" || os === "") return refusal(400, "Malformed", "version and os are required.");
  const opening = await step(call, "session-created", () =>
    openSession(state, call.runner, { version, os }, timers.nowMs()),
  );
  switch (opening.kind) {
    case "opened":
      return { status: 201, body: { sessionId: opening.session.id } };
    case "conflict":
      return refusal(409, "SessionConflict", "A session for this runner already exists.");
    case "not-found":
      return runnerNotFound(call.runner);
    case "deprecated":
      return versionDeprecated(version);
  }
}

function versionDeprecated(version: string | null): Answer {
  return refusal(403, "AccessDenied", `Runner version v${version} is deprecated and cannot receive messages.`);
}

function runnerNotFound(runner: Runner): Answer {
  return refusal(404, "RunnerNotFound", `Runner ${runner.id} not found.`);
}

async function deleteSession(call: RunnerCall, sessionId: string): Promise<Answer> {
  await step(call, "session-deleted", () => closeSession(call.api.state, sessionId));
  return { status: 204, body: null };
}

/** Holds the call until there is a message, for as long as a long poll lasts. */
async function pollMessage(call: RunnerCall, sessionId: string): Promise<Answer> {
  const { api, runner, exchange } = call;
  const { state, timers } = api;
  const endMs = timers.nowMs() + api.longPollMs;
  const session = state.sessions.get(sessionId);
  if (session !== undefined && session.runnerId !== runner.id) return refusal(401, "Unauthorized", "Not your session.");
  const poll = beginPoll(state, sessionId, timers.nowMs());
  if (poll.kind === "runner-not-found") return runnerNotFound(runner);
  if (poll.kind === "deprecated") return versionDeprecated(runner.version);
  if (poll.kind === "session-invalid") return refusal(404, "RunnerSessionInvalid", "Session not found.");
  try {
    return await holdPoll(call, poll.session, endMs);
  } finally {
    endPoll(state, poll.session, timers.nowMs());
    if (!exchange.gone.aborted) api.pump();
  }
}

async function holdPoll(call: RunnerCall, session: Session, endMs: number): Promise<Answer> {
  const { api, exchange, runner } = call;
  while (!exchange.gone.aborted) {
    const [waiting] = session.messages;
    if (waiting !== undefined) {
      const moment = {
        name: "message-delivered",
        runnerId: runner.id,
        runnerName: runner.name,
        jobId: waiting.jobId,
      } as const;
      await api.moments.reach({ ...moment, side: "before" });
      // While it was held the message may have been withdrawn, or the caller may be gone.
      if (exchange.gone.aborted || session.messages[0] !== waiting) continue;
      takeMessage(api.state, session);
      api.pump();
      await api.moments.reach({ ...moment, side: "after" });
      return { status: 200, body: renderMessage(api.state, waiting) };
    }
    const remainingMs = endMs - api.timers.nowMs();
    if (remainingMs <= 0) break;
    await api.waitForMessage(session, remainingMs, exchange.gone);
  }
  return { status: 202, body: null };
}

function renderMessage(state: GitHubState, message: RunnerMessage): BrokerMessage {
  if (message.kind === "job-request") {
    return { messageType: "RunnerJobRequest", messageId: message.messageId, runnerRequestId: message.requestId };
  }
  const jobId = state.jobs.get(message.jobId)?.jobGuid ?? "";
  return { messageType: "JobCancellation", messageId: message.messageId, jobId };
}

async function acknowledgeRequest(call: RunnerCall): Promise<Answer> {
  const found = await step(call, "acknowledged", () => acknowledge(call.api.state, call.runner, call.requestId));
  return found === "ok" ? { status: 204, body: null } : jobNotFound();
}

function jobNotFound(): Answer {
  return refusal(404, "JobNotFound", "Job not found.");
}

async function acquireRequest(call: RunnerCall): Promise<Answer> {
  const { state, timers } = call.api;
  const acquisition = await step(call, "acquired", () => acquire(state, call.runner, call.requestId, timers.nowMs()));
  switch (acquisition.kind) {
    case "acquired":
      return { status: 200, body: renderAcquired(state, acquisition.job, call.requestId, acquisition.leaseUntilMs) };
    case "not-found":
      return jobNotFound();
    case "conflict":
      return refusal(409, "JobAlreadyAcquired", "Job already acquired.");
  }
}

function renderAcquired(state: GitHubState, job: Job, requestId: string, lockedUntilMs: number): AcquiredJob {
  return {
    requestId: state.options.ids.number("request"),
    runnerRequestId: requestId,
    planId: job.planId,
    jobId: job.jobGuid,
    jobDisplayName: job.name,
    token: requestId,
    lockedUntilMs,
    steps: job.steps,
    repository: job.repository.fullName,
    runId: job.runId,
    runAttempt: job.runAttempt,
    workflowName: job.workflowName,
    headSha: job.headSha,
    headBranch: job.headBranch,
  };
}

async function renewJob(call: RunnerCall): Promise<Answer> {
  const { state, timers } = call.api;
  const renewal = await step(call, "renewed", () => renew(state, call.requestId, timers.nowMs()));
  return renewal === "not-found" ? jobNotFound() : { status: 200, body: { lockedUntilMs: renewal.leaseUntilMs } };
}

async function startRequestedJob(call: RunnerCall): Promise<Answer> {
  const { state, timers } = call.api;
  const started = await step(call, "worker-started", () => startJob(state, call.requestId, timers.nowMs()));
  return started === "ok" ? { status: 204, body: null } : jobNotFound();
}

const RESULTS: readonly TaskResult[] = ["Succeeded", "Failed", "Canceled", "Skipped", "Abandoned"];

async function completeRequestedJob(call: RunnerCall): Promise<Answer> {
  const { state, timers } = call.api;
  const result = RESULTS.find((known) => known === readField(call.exchange, "result"));
  if (result === undefined) return refusal(400, "Malformed", "result is required.");
  const failedStepIndex = readFailedStep(call.exchange);
  const done = await step(call, "completed", () =>
    finishJob(state, call.requestId, result, failedStepIndex, timers.nowMs()),
  );
  return done === "ok" ? { status: 204, body: null } : jobNotFound();
}

function readFailedStep(exchange: Exchange): number | null {
  if (exchange.body.kind !== "json" || !isObject(exchange.body.value)) return null;
  const index = exchange.body.value.failedStepIndex;
  return typeof index === "number" && Number.isSafeInteger(index) && index >= 0 ? index : null;
}
