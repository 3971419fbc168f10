import type { HookPlace } from "./delivery.ts";
import type { Repository, Scope } from "./places.ts";
import type { GitHubState } from "./state.ts";

/** What there is at GitHub by name: repositories, and with them organizations. */

const FULL_NAME = /^([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([A-Za-z0-9._-]{1,100})$/;
const FIRST_ID = 700_000_000;

/** The repository of that full name; it is made if GitHub did not have it. */
export function ensureRepository(state: GitHubState, fullName: string): Repository {
  const known = findRepository(state, fullName);
  if (known !== undefined) return known;
  const [owner, name] = parseFullName(fullName);
  const id = FIRST_ID + state.repositories.size;
  const repository = { id, owner, name, fullName, isArchived: false, isDisabled: false, isPublic: false };
  state.repositories.set(fullName.toLowerCase(), repository);
  state.formerNames.delete(fullName.toLowerCase());
  return repository;
}

function parseFullName(fullName: string): readonly [owner: string, name: string] {
  const match = FULL_NAME.exec(fullName);
  if (match === null) throw new RangeError(`not an owner/name: ${JSON.stringify(fullName.slice(0, 80))}`);
  const [, owner = "", name = ""] = match;
  return [owner, name];
}

export function findRepository(state: GitHubState, fullName: string): Repository | undefined {
  return state.repositories.get(fullName.toLowerCase());
}

/** Under the name that it has or under one that it had. */
export function traceRepository(state: GitHubState, fullName: string): Repository | undefined {
  return findRepository(state, fullName) ?? state.formerNames.get(fullName.toLowerCase());
}

/**
 * Renames or transfers a repository: its id stays, its runners stay its own, and the old name leads to it until another
 * repository takes that name.
 */
export function renameRepository(state: GitHubState, from: string, to: string): void {
  const repository = findRepository(state, from);
  if (repository === undefined) throw new Error(`renaming ${from}, which GitHub does not have`);
  if (findRepository(state, to) !== undefined) throw new Error(`renaming ${from} to ${to}, which GitHub has`);
  const [owner, name] = parseFullName(to);
  state.repositories.delete(from.toLowerCase());
  state.formerNames.set(from.toLowerCase(), repository);
  state.formerNames.delete(to.toLowerCase());
  Object.assign(repository, { owner, name, fullName: to });
  state.repositories.set(to.toLowerCase(), repository);
  for (const runner of state.runners.values())
    if (isThere(runner.scope, from)) runner.scope = { kind: "repository", fullName: to };
  for (const hook of state.hooks.values())
    if (isThere(hook.place, from)) hook.place = { kind: "repository", fullName: to };
}

function isThere(place: Scope | HookPlace, fullName: string): boolean {
  return place.kind === "repository" && isSameName(place.fullName, fullName);
}

/** Whether anything belongs to that name. */
export function isOwner(state: GitHubState, login: string): boolean {
  return [...state.repositories.values()].some(({ owner }) => isSameName(owner, login)) || isOrganization(state, login);
}

export function isOrganization(state: GitHubState, organization: string): boolean {
  if (isAmong(state.options.users, organization)) return false;
  for (const repository of state.repositories.values()) if (isSameName(repository.owner, organization)) return true;
  return state.options.enterprises.some(({ organizations }) => isAmong(organizations, organization));
}

/** GitHub's names and labels compare without regard to case. */
export function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

export function isAmong(names: readonly string[], wanted: string): boolean {
  return names.some((name) => isSameName(name, wanted));
}
