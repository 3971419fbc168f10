import { assignRunner } from "./assignment.ts";
import { isPastRuntime } from "./deprecation.ts";
import { movePhase } from "./job-phase.ts";
import { findSession, isOnline, isRegistered } from "./runners.ts";
import type { GitHubState, Runner, RunnerMessage, Session } from "./state.ts";

export interface ListenerIdentity {
  readonly version: string;
  readonly os: string;
}

/**
 * `conflict`: another listener's session for this registration is alive; it dies with its silence. `deprecated`: GitHub
 * talks no more to runners of that version.
 */
export type SessionOpening =
  | { readonly kind: "opened"; readonly session: Session }
  | { readonly kind: "conflict" | "not-found" | "deprecated" };

export function openSession(
  state: GitHubState,
  runner: Runner,
  listener: ListenerIdentity,
  nowMs: number,
): SessionOpening {
  if (!isRegistered(runner)) return { kind: "not-found" };
  if (isPastRuntime(state, listener.version, nowMs)) return { kind: "deprecated" };
  const current = findSession(state, runner);
  if (current !== undefined && isOnline(state, runner, nowMs)) return { kind: "conflict" };
  if (current !== undefined) state.sessions.delete(current.id);
  const session: Session = {
    id: state.options.ids.uuid(),
    runnerId: runner.id,
    openedAtMs: nowMs,
    openPollCount: 0,
    messages: [],
  };
  state.sessions.set(session.id, session);
  runner.sessionId = session.id;
  runner.version = listener.version;
  runner.os = listener.os;
  touch(state, runner, nowMs);
  return { kind: "opened", session };
}

/** The listener goes; its registration stays, offline at once. */
export function closeSession(state: GitHubState, sessionId: string): void {
  const session = state.sessions.get(sessionId);
  if (session === undefined) return;
  state.sessions.delete(sessionId);
  const runner = state.runners.get(session.runnerId);
  if (runner?.sessionId === sessionId) runner.sessionId = null;
}

export type Poll =
  | { readonly kind: "open"; readonly session: Session }
  | { readonly kind: "runner-not-found" }
  | { readonly kind: "session-invalid" }
  | { readonly kind: "deprecated" };

/**
 * A long poll begins. `runner-not-found` only for a registration that was deleted; one that ended otherwise is left to
 * poll for ever. The driver asks `takeMessage` at once and whenever something changed, and says `endPoll` in the end.
 */
export function beginPoll(state: GitHubState, sessionId: string, nowMs: number): Poll {
  const session = state.sessions.get(sessionId);
  const runner = session === undefined ? undefined : state.runners.get(session.runnerId);
  if (session === undefined || runner === undefined) return { kind: "session-invalid" };
  if (runner.registration.kind === "ended" && runner.registration.cause === "deleted")
    return { kind: "runner-not-found" };
  if (runner.version !== null && isPastRuntime(state, runner.version, nowMs)) return { kind: "deprecated" };
  touch(state, runner, nowMs);
  session.openPollCount += 1;
  return { kind: "open", session };
}

export function endPoll(state: GitHubState, session: Session, nowMs: number): void {
  session.openPollCount -= 1;
  const runner = state.runners.get(session.runnerId);
  if (runner !== undefined) runner.lastContactMs = nowMs;
}

/** The oldest message on the session, if any: from here on it is on the wire. */
export function takeMessage(state: GitHubState, session: Session): RunnerMessage | null {
  const message = session.messages.shift();
  if (message === undefined) return null;
  const job = state.jobs.get(message.jobId);
  if (message.kind === "job-request" && job?.phase.kind === "assigned" && job.phase.requestId === message.requestId) {
    movePhase(state, job, { ...job.phase, isDelivered: true });
  }
  return message;
}

function touch(state: GitHubState, runner: Runner, nowMs: number): void {
  runner.lastContactMs = nowMs;
  if (runner.acquiredJobId === null && runner.assignedJobId === null) assignRunner(state, runner, nowMs);
}
