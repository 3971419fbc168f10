import type { Enterprise, EnterpriseRunnerGroup, RunnerGroup } from "./options.ts";
import type { Repository, Scope } from "./places.ts";
import { isAmong, isSameName, traceRepository } from "./repositories.ts";
import type { GitHubState } from "./state.ts";

/** Which runners may take whose jobs. A repository has the default group only, an enterprise has groups of its own. */

/** Unlike those of an organization they are visible to organizations. */
type AnyGroup =
  | { readonly kind: "organization"; readonly group: RunnerGroup }
  | { readonly kind: "enterprise"; readonly group: EnterpriseRunnerGroup; readonly enterprise: Enterprise };

export const DEFAULT_GROUP_ID = 1;
const DEFAULT_GROUP: RunnerGroup = { id: DEFAULT_GROUP_ID, name: "Default", repositories: "all" };
const DEFAULT_ENTERPRISE_GROUP: EnterpriseRunnerGroup = { id: DEFAULT_GROUP_ID, name: "Default", organizations: "all" };

export function findEnterprise(state: GitHubState, slug: string): Enterprise | undefined {
  return state.options.enterprises.find((enterprise) => isSameName(enterprise.slug, slug));
}

/** The enterprise that an organization belongs to. */
export function findEnterpriseOf(state: GitHubState, organization: string): Enterprise | undefined {
  return state.options.enterprises.find(({ organizations }) => isAmong(organizations, organization));
}

export function listEnterpriseGroups(enterprise: Enterprise): readonly EnterpriseRunnerGroup[] {
  return enterprise.runnerGroups ?? [DEFAULT_ENTERPRISE_GROUP];
}

export function findGroup(state: GitHubState, scope: Scope, id: number): AnyGroup | undefined {
  if (scope.kind === "enterprise") {
    const enterprise = findEnterprise(state, scope.enterprise);
    const group = enterprise === undefined ? undefined : listEnterpriseGroups(enterprise).find((one) => one.id === id);
    return enterprise === undefined || group === undefined ? undefined : { kind: "enterprise", group, enterprise };
  }
  const groups = scope.kind === "repository" ? [DEFAULT_GROUP] : state.options.runnerGroups;
  const group = groups.find((one) => one.id === id);
  return group === undefined ? undefined : { kind: "organization", group };
}

export function allowsRepository(state: GitHubState, any: AnyGroup, repository: Repository): boolean {
  if (repository.isPublic && any.group.allowsPublicRepositories !== true) return false;
  if (any.kind === "organization") return isVisibleTo(state, any.group, repository);
  const { organizations } = any.group;
  return (
    isAmong(any.enterprise.organizations, repository.owner) &&
    (organizations === "all" || isAmong(organizations, repository.owner))
  );
}

export function isVisibleTo(state: GitHubState, group: RunnerGroup, repository: Repository): boolean {
  if (group.repositories === "all") return true;
  return group.repositories.some((fullName) => traceRepository(state, fullName) === repository);
}
