import { HOUR_MS } from "../../domain/units.ts";
import { findInstallation } from "./apps.ts";
import { formatInstant } from "./instant.ts";
import { type Json, nodeId, renderEnterprise, renderOwner, renderSender } from "./owner-payloads.ts";
import type { Scope } from "./places.ts";
import { findRepository, isOwner } from "./repositories.ts";
import { findUsable } from "./rest-access.ts";
import { answer, NOT_FOUND, paginate, type RestAnswer, readId } from "./rest-answer.ts";
import { type Call, ENTERPRISE, ORGANIZATION, REPOSITORY, type Route, scoped } from "./route.ts";
import { findEnterprise } from "./runner-groups.ts";
import type { App, GitHubState, Installation } from "./state.ts";

/** What an App asks with its JWT: who it is, where it is installed, and a token for there. */

const APP_CREATED = "2026-01-05T09:00:00Z";
const TOKEN_LIFE_MS = HOUR_MS;

function appOf({ request }: Call): App {
  const { caller } = request;
  if (caller.kind !== "app") throw new Error(`answering ${caller.kind} as an App`);
  return caller.app;
}

export function renderApp(state: GitHubState, app: App): Json {
  return {
    id: app.id,
    slug: app.slug,
    node_id: nodeId("A", app.id),
    client_id: app.clientId,
    owner: renderOwner(state, app.owner ?? firstOwner(state)),
    name: app.name,
    description: "",
    external_url: state.webUrl,
    html_url: `${state.webUrl}/apps/${app.slug}`,
    created_at: APP_CREATED,
    updated_at: APP_CREATED,
    permissions: app.permissions,
    events: app.events,
  };
}

function answerGetApp(call: Call): RestAnswer {
  const app = appOf(call);
  return answer(200, { ...renderApp(call.state, app), installations_count: app.installations.length });
}

function firstOwner(state: GitHubState): string {
  const [repository] = state.repositories.values();
  return repository?.owner ?? "acme";
}

function answerGetInstallation(scope: Scope, call: Call): RestAnswer {
  const account = accountOf(call.state, scope);
  const app = appOf(call);
  const installation = findInstallation(app, account);
  return installation === undefined
    ? NOT_FOUND
    : answer(200, renderInstallation(call.state, app, installation, account));
}

/** Of a person, who is no organization. */
function answerGetUserInstallation(call: Call): RestAnswer {
  const login = call.path.login ?? "";
  const app = appOf(call);
  const installation = isOwner(call.state, login) ? findInstallation(app, login) : undefined;
  return installation === undefined ? NOT_FOUND : answer(200, renderInstallation(call.state, app, installation, login));
}

function accountOf(state: GitHubState, scope: Scope): string {
  switch (scope.kind) {
    case "organization":
      return scope.organization;
    case "enterprise":
      return scope.enterprise;
    case "repository":
      return findRepository(state, scope.fullName)?.owner ?? "";
  }
}

function answerListInstallations(call: Call): RestAnswer {
  const { state, request } = call;
  const app = appOf(call);
  const { items, headers } = paginate(state, request, app.installations);
  const rendered = items.map((one) => renderInstallation(state, app, one, one.account ?? firstOwner(state)));
  return answer(200, rendered, headers);
}

function renderInstallation(state: GitHubState, app: App, installation: Installation, login: string): Json {
  const { id } = installation;
  const isEnterprise = findEnterprise(state, login) !== undefined;
  const account = isEnterprise ? renderEnterprise(state, login) : renderOwner(state, login);
  return {
    id,
    client_id: app.clientId,
    account,
    repository_selection: installation.repositorySelection,
    access_tokens_url: `${state.apiUrl}/app/installations/${id}/access_tokens`,
    repositories_url: `${state.apiUrl}/installation/repositories`,
    html_url: `${state.webUrl}/organizations/${login}/settings/installations/${id}`,
    app_id: app.id,
    target_id: account.id,
    target_type: isEnterprise ? "Enterprise" : account.type,
    permissions: installation.permissions,
    events: app.events,
    created_at: APP_CREATED,
    updated_at: APP_CREATED,
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    app_slug: app.slug,
    suspended_by: installation.isSuspended ? renderSender(state) : null,
    suspended_at: installation.isSuspended ? APP_CREATED : null,
  };
}

/** Issues a token for one hour. */
function answerCreateInstallationToken(call: Call): RestAnswer {
  const { state, path, nowMs } = call;
  const app = appOf(call);
  const usable = findUsable(app.installations, readId(path.id));
  if ("status" in usable) return usable;
  const token = `ghs_${state.options.ids.uuid().replaceAll("-", "")}`;
  const expiresAtMs = nowMs + TOKEN_LIFE_MS;
  state.installationTokens.set(token, { appId: app.id, installationId: usable.id, expiresAtMs });
  return answer(201, {
    token,
    expires_at: formatInstant(expiresAtMs),
    permissions: usable.permissions,
    repository_selection: usable.repositorySelection,
  });
}

/** Whose token it is; undefined if it is nobody's, or no longer good. */
export function findTokenInstallation(state: GitHubState, token: string, nowMs: number): Installation | undefined {
  const issued = state.installationTokens.get(token);
  if (issued === undefined || issued.expiresAtMs <= nowMs) return undefined;
  return state.apps.get(issued.appId)?.installations.find(({ id }) => id === issued.installationId);
}

const AS_APP = { by: "app" } as const;

export const APP_ROUTES: readonly Route[] = [
  { method: "GET", pattern: ["app"], operation: "get-app", access: AS_APP, handle: answerGetApp },
  {
    method: "GET",
    pattern: ["app", "installations"],
    operation: "list-installations",
    access: AS_APP,
    handle: answerListInstallations,
  },
  ...[ORGANIZATION, REPOSITORY, ENTERPRISE].map(
    (place): Route => ({
      method: "GET",
      pattern: [...place, "installation"],
      operation: "get-installation",
      access: AS_APP,
      handle: scoped(answerGetInstallation),
    }),
  ),
  {
    method: "GET",
    pattern: ["users", ":login", "installation"],
    operation: "get-installation",
    access: AS_APP,
    handle: answerGetUserInstallation,
  },
  {
    method: "POST",
    pattern: ["app", "installations", ":id", "access_tokens"],
    operation: "create-installation-token",
    access: AS_APP,
    handle: answerCreateInstallationToken,
  },
];
