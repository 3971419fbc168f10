import { HOUR_MS } from "../../domain/units.ts";
import { formatInstant } from "./instant.ts";
import { type Json, nodeId, renderOwner } from "./owner-payloads.ts";
import { answer, NOT_FOUND, type RestAnswer, readId } from "./rest-answer.ts";
import { type GitHubState, isOrganization } from "./state.ts";

/** What an App asks with its JWT: who it is, where it is installed, and a token for there. */

const PERMISSIONS = {
  actions: "read",
  metadata: "read",
  administration: "write",
  organization_self_hosted_runners: "write",
};
const EVENTS = ["workflow_job"];
const APP_CREATED = "2026-01-05T09:00:00Z";
const TOKEN_LIFE_MS = HOUR_MS;

export function answerGetApp(state: GitHubState): RestAnswer {
  const { appId, appSlug } = state.options;
  return answer(200, {
    id: appId,
    slug: appSlug,
    node_id: nodeId("A", appId),
    client_id: `Iv23li${appId}`,
    owner: renderOwner(state, firstOwner(state)),
    name: appSlug,
    description: "",
    external_url: state.apiUrl,
    html_url: `${state.apiUrl}/apps/${appSlug}`,
    created_at: APP_CREATED,
    updated_at: APP_CREATED,
    permissions: PERMISSIONS,
    events: EVENTS,
    installations_count: 1,
  });
}

function firstOwner(state: GitHubState): string {
  const [repository] = state.repositories.values();
  return repository?.owner ?? "acme";
}

export function answerGetInstallation(state: GitHubState, owner: string): RestAnswer {
  return isOrganization(state, owner) ? answer(200, renderInstallation(state, owner)) : NOT_FOUND;
}

function renderInstallation(state: GitHubState, owner: string): Json {
  const { appId, appSlug, installationId } = state.options;
  const account = renderOwner(state, owner);
  return {
    id: installationId,
    client_id: `Iv23li${appId}`,
    account,
    repository_selection: "all",
    access_tokens_url: `${state.apiUrl}/app/installations/${installationId}/access_tokens`,
    repositories_url: `${state.apiUrl}/installation/repositories`,
    html_url: `${state.apiUrl}/organizations/${owner}/settings/installations/${installationId}`,
    app_id: appId,
    target_id: account.id,
    target_type: "Organization",
    permissions: PERMISSIONS,
    events: EVENTS,
    created_at: APP_CREATED,
    updated_at: APP_CREATED,
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    app_slug: appSlug,
    suspended_by: null,
    suspended_at: null,
  };
}

/** Issues a token for one hour. */
export function answerCreateInstallationToken(
  state: GitHubState,
  idText: string | undefined,
  nowMs: number,
): RestAnswer {
  if (readId(idText) !== state.options.installationId) return NOT_FOUND;
  const token = `ghs_${state.options.ids.uuid().replaceAll("-", "")}`;
  const expiresAtMs = nowMs + TOKEN_LIFE_MS;
  state.installationTokens.set(token, { expiresAtMs });
  return answer(201, {
    token,
    expires_at: formatInstant(expiresAtMs),
    permissions: PERMISSIONS,
    repository_selection: "all",
  });
}

export function isInstallationToken(state: GitHubState, token: string, nowMs: number): boolean {
  const issued = state.installationTokens.get(token);
  return issued !== undefined && issued.expiresAtMs > nowMs;
}
