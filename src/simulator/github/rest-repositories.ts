import { reachesRepository } from "./apps.ts";
import { type Json, renderOwner, renderRepository } from "./owner-payloads.ts";
import type { Repository, Scope } from "./places.ts";
import { isSameName } from "./repositories.ts";
import { answer, paginate, type RestAnswer } from "./rest-answer.ts";
import { type Call, ORGANIZATION, type Route, scoped } from "./route.ts";
import type { GitHubState } from "./state.ts";

/** Who a token is, and the repositories that a credential reaches. */

const USER_CREATED = "2011-01-25T18:44:36Z";

/** The public view, which is what a token without the scope `user` gets. */
function answerGetUser({ state, request }: Call): RestAnswer {
  const login = request.caller.kind === "token" ? request.caller.token.login : "";
  return answer(200, {
    ...renderOwner(state, login, "User"),
    user_view_type: "public",
    name: login,
    company: null,
    blog: "",
    location: null,
    email: null,
    hireable: null,
    bio: null,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: USER_CREATED,
    updated_at: USER_CREATED,
  });
}

function answerListInstallationRepositories({ state, request }: Call): RestAnswer {
  const { caller } = request;
  if (caller.kind !== "installation") throw new Error(`listing the repositories of an installation for ${caller.kind}`);
  const { installation } = caller;
  const all = [...state.repositories.values()].filter((one) => reachesRepository(state, installation, one));
  const { items, headers } = paginate(state, request, all);
  const body = {
    total_count: all.length,
    repository_selection: installation.repositorySelection,
    repositories: items.map((one) => renderWhole(state, one)),
  };
  return answer(200, body, headers);
}

/** GitHub describes these listings without the custom properties that it has in others. */
function renderWhole(state: GitHubState, repository: Repository): Json {
  const { custom_properties: _customProperties, ...whole } = renderRepository(state, repository);
  return whole;
}

function answerListOrganizationRepositories(scope: Scope, { state, request }: Call): RestAnswer {
  const owner = scope.kind === "organization" ? scope.organization : "";
  const { caller } = request;
  const all = [...state.repositories.values()].filter(
    (one) =>
      isSameName(one.owner, owner) &&
      (caller.kind !== "installation" || reachesRepository(state, caller.installation, one)),
  );
  const { items, headers } = paginate(state, request, all);
  return answer(
    200,
    items.map((one) => renderRepository(state, one)),
    headers,
  );
}

function answerListUserRepositories({ state, request }: Call): RestAnswer {
  const { items, headers } = paginate(state, request, [...state.repositories.values()]);
  return answer(
    200,
    items.map((one) => renderWhole(state, one)),
    headers,
  );
}

export const REPOSITORY_ROUTES: readonly Route[] = [
  { method: "GET", pattern: ["user"], operation: "get-user", access: { by: "token" }, handle: answerGetUser },
  {
    method: "GET",
    pattern: ["user", "repos"],
    operation: "list-user-repositories",
    access: { by: "token" },
    handle: answerListUserRepositories,
  },
  {
    method: "GET",
    pattern: ["installation", "repositories"],
    operation: "list-installation-repositories",
    access: { by: "installation" },
    handle: answerListInstallationRepositories,
  },
  {
    method: "GET",
    pattern: [...ORGANIZATION, "repos"],
    operation: "list-organization-repositories",
    access: { by: "permission", area: "metadata", level: "read" },
    handle: scoped(answerListOrganizationRepositories),
  },
];
