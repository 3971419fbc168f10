import type { Repository, Scope } from "./places.ts";
import { findRepository, isOrganization, isSameName } from "./repositories.ts";
import { allowsRepository, findEnterprise, findGroup } from "./runner-groups.ts";
import type { GitHubState, Registration, Runner, Session } from "./state.ts";

export interface RegistrationRequest {
  readonly scope: Scope;
  readonly name: string;
  readonly labels: readonly string[];
  readonly groupId: number;
  readonly workFolder?: string;
  /** Registrations by generate-jitconfig always are. */
  readonly isEphemeral: boolean;
}

/**
 * Registers at once; offline until a listener connects. `name-taken` if a registration of the scope has the name,
 * `group-full` if the group takes no more.
 */
export function registerRunner(
  state: GitHubState,
  request: RegistrationRequest,
  nowMs: number,
): Runner | "name-taken" | "group-full" {
  const { ids, runnersPerGroupMax } = state.options;
  const others = listRunners(state, request.scope);
  if (others.some(({ name }) => isSameName(name, request.name))) return "name-taken";
  const groupCount = others.reduce((count, { groupId }) => count + (groupId === request.groupId ? 1 : 0), 0);
  if (groupCount >= runnersPerGroupMax) return "group-full";
  const runner: Runner = {
    id: ids.number("runner"),
    name: request.name,
    scope: request.scope,
    groupId: request.groupId,
    labels: request.labels.map((name) => ({ id: ids.number("label"), name, type: "custom" })),
    workFolder: request.workFolder ?? "_work",
    isEphemeral: request.isEphemeral,
    clientId: ids.uuid(),
    secret: ids.uuid(),
    registeredAtMs: nowMs,
    os: "unknown",
    version: null,
    lastContactMs: null,
    sessionId: null,
    acquiredJobId: null,
    assignedJobId: null,
    registration: { kind: "registered" },
    misreport: {},
  };
  state.runners.set(runner.id, runner);
  state.registrations.set(runner.id, runner);
  return runner;
}

/** Registrations of exactly this scope that have not ended, by id. */
export function listRunners(state: GitHubState, scope: Scope): readonly Runner[] {
  return [...state.registrations.values()].filter((runner) => isSameScope(runner.scope, scope));
}

export function findRunner(state: GitHubState, scope: Scope, id: number): Runner | undefined {
  const runner = state.registrations.get(id);
  return runner !== undefined && isSameScope(runner.scope, scope) ? runner : undefined;
}

export type Deletion = "deleted" | "not-found" | "busy";

/**
 * DELETE of a registration. It refuses only what it believes to be busy, which is so from acquire on and not from the
 * dispatch on (actions/runner PR #4461), and it believes its own wrong busy flag (tf-aws #5228).
 */
export function deleteRunner(state: GitHubState, scope: Scope, id: number, nowMs: number): Deletion {
  const runner = findRunner(state, scope, id);
  if (runner === undefined) return "not-found";
  if (reportedBusy(runner)) return "busy";
  endRegistration(state, runner, "deleted", nowMs);
  return "deleted";
}

type EndCause = Extract<Registration, { kind: "ended" }>["cause"];

export function endRegistration(state: GitHubState, runner: Runner, cause: EndCause, nowMs: number): void {
  if (!isRegistered(runner)) return;
  runner.registration = { kind: "ended", cause, atMs: nowMs };
  state.registrations.delete(runner.id);
}

export function isRegistered(runner: Runner): boolean {
  return runner.registration.kind === "registered";
}

/** The truth: it has a session that polls, or polled a short time ago. A dead listener counts as online for that long. */
export function isOnline(state: GitHubState, runner: Runner, nowMs: number): boolean {
  const session = findSession(state, runner);
  if (session === undefined) return false;
  if (session.openPollCount > 0) return true;
  return runner.lastContactMs !== null && nowMs - runner.lastContactMs < state.options.offlineAfterMs;
}

export function findSession(state: GitHubState, runner: Runner): Session | undefined {
  return runner.sessionId === null ? undefined : state.sessions.get(runner.sessionId);
}

/** What REST says. The busy flag turns at acquire; nothing shows that a job was only assigned. */
export function reportedBusy(runner: Runner): boolean {
  return runner.misreport.busy ?? runner.acquiredJobId !== null;
}

export function reportedStatus(state: GitHubState, runner: Runner, nowMs: number): "online" | "offline" {
  return runner.misreport.status ?? (isOnline(state, runner, nowMs) ? "online" : "offline");
}

/** Whether the registration may take jobs of that repository: by its scope and by its group's policy. */
export function coversRepository(state: GitHubState, runner: Runner, repository: Repository): boolean {
  const { scope } = runner;
  if (scope.kind === "repository") return isSameName(scope.fullName, repository.fullName);
  if (scope.kind === "organization" && !isSameName(scope.organization, repository.owner)) return false;
  const group = findGroup(state, scope, runner.groupId);
  return group !== undefined && allowsRepository(state, group, repository);
}

/** All labels of the job are among the runner's, without regard to case. */
export function hasLabels(runner: Runner, labels: readonly string[]): boolean {
  return labels.every((label) => runner.labels.some(({ name }) => isSameName(name, label)));
}

export function isKnownScope(state: GitHubState, scope: Scope): boolean {
  switch (scope.kind) {
    case "organization":
      return isOrganization(state, scope.organization);
    case "repository":
      return findRepository(state, scope.fullName) !== undefined;
    case "enterprise":
      return findEnterprise(state, scope.enterprise) !== undefined;
  }
}

function isSameScope(one: Scope, other: Scope): boolean {
  return one.kind === other.kind && isSameName(nameOfScope(one), nameOfScope(other));
}

export function nameOfScope(scope: Scope): string {
  switch (scope.kind) {
    case "organization":
      return scope.organization;
    case "repository":
      return scope.fullName;
    case "enterprise":
      return scope.enterprise;
  }
}

/** Removes ephemeral registrations that were offline for too long. */
export function expireRegistrations(state: GitHubState, nowMs: number): void {
  for (const runner of state.registrations.values()) {
    if (!runner.isEphemeral || isOnline(state, runner, nowMs)) continue;
    if (nowMs - lastSeenMs(runner) >= state.options.offlineRegistrationMaxMs)
      endRegistration(state, runner, "expired", nowMs);
  }
}

function lastSeenMs(runner: Runner): number {
  return runner.lastContactMs ?? runner.registeredAtMs;
}
