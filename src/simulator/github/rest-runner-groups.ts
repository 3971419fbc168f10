import type { EnterpriseRunnerGroup, RunnerGroup } from "./options.ts";
import type { Json } from "./owner-payloads.ts";
import type { Scope } from "./places.ts";
import { findRepository, isAmong } from "./repositories.ts";
import { answer, paginate, type RestAnswer, type RestRequest } from "./rest-answer.ts";
import { type Call, ENTERPRISE, ORGANIZATION, type Route, scoped } from "./route.ts";
import { DEFAULT_GROUP_ID, findEnterprise, isVisibleTo, listEnterpriseGroups } from "./runner-groups.ts";
import { nameOfScope } from "./runners.ts";
import type { GitHubState } from "./state.ts";

/** `…/actions/runner-groups` of an organization or an enterprise. */

function answerListOrganizationGroups(scope: Scope, { state, request, path }: Call): RestAnswer {
  const visibleTo = request.query.get("visible_to_repository");
  const repository = visibleTo === null ? undefined : findRepository(state, `${path.org}/${visibleTo}`);
  const all = state.options.runnerGroups.filter(
    (group) =>
      visibleTo === null ||
      group.repositories === "all" ||
      (repository !== undefined && isVisibleTo(state, group, repository)),
  );
  return answerGroups(state, request, all, (group) => renderOrganizationGroup(state, scope, group));
}

function answerListEnterpriseGroups(scope: Scope, { state, request, path }: Call): RestAnswer {
  const enterprise = findEnterprise(state, path.enterprise ?? "");
  const visibleTo = request.query.get("visible_to_organization");
  const all = enterprise === undefined ? [] : listEnterpriseGroups(enterprise);
  const visible = all.filter(
    ({ organizations }) => visibleTo === null || organizations === "all" || isAmong(organizations, visibleTo),
  );
  return answerGroups(state, request, visible, (group) => renderEnterpriseGroup(state, scope, group));
}

function answerGroups<Group>(
  state: GitHubState,
  request: RestRequest,
  all: readonly Group[],
  render: (group: Group) => Json,
): RestAnswer {
  const { items, headers } = paginate(state, request, all);
  return answer(200, { total_count: all.length, runner_groups: items.map(render) }, headers);
}

function renderOrganizationGroup(state: GitHubState, scope: Scope, group: RunnerGroup): Json {
  const rendered = renderGroup(state, scope, group, group.repositories === "all");
  return {
    ...rendered,
    ...(group.repositories === "all"
      ? {}
      : { selected_repositories_url: `${urlOfGroup(state, scope, group)}/repositories` }),
    inherited: false,
  };
}

function renderEnterpriseGroup(state: GitHubState, scope: Scope, group: EnterpriseRunnerGroup): Json {
  const rendered = renderGroup(state, scope, group, group.organizations === "all");
  if (group.organizations === "all") return rendered;
  return { ...rendered, selected_organizations_url: `${urlOfGroup(state, scope, group)}/organizations` };
}

function urlOfGroup(state: GitHubState, scope: Scope, group: RunnerGroup | EnterpriseRunnerGroup): string {
  const place = scope.kind === "enterprise" ? `enterprises/${scope.enterprise}` : `orgs/${nameOfScope(scope)}`;
  return `${state.apiUrl}/${place}/actions/runner-groups/${group.id}`;
}

function renderGroup(
  state: GitHubState,
  scope: Scope,
  group: RunnerGroup | EnterpriseRunnerGroup,
  isForAll: boolean,
): Json {
  return {
    id: group.id,
    name: group.name,
    visibility: isForAll ? "all" : "selected",
    default: group.id === DEFAULT_GROUP_ID,
    runners_url: `${urlOfGroup(state, scope, group)}/runners`,
    allows_public_repositories: group.allowsPublicRepositories ?? false,
    workflow_restrictions_read_only: false,
    restricted_to_workflows: false,
    selected_workflows: [],
  };
}

const READ = { by: "permission", area: "runners", level: "read" } as const;

export const RUNNER_GROUP_ROUTES: readonly Route[] = [
  {
    method: "GET",
    pattern: [...ORGANIZATION, "actions", "runner-groups"],
    operation: "list-runner-groups",
    access: READ,
    handle: scoped(answerListOrganizationGroups),
  },
  {
    method: "GET",
    pattern: [...ENTERPRISE, "actions", "runner-groups"],
    operation: "list-runner-groups",
    access: READ,
    handle: scoped(answerListEnterpriseGroups),
  },
];
