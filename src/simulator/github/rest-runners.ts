import type { Json } from "./owner-payloads.ts";
import {
  answer,
  isObject,
  NOT_FOUND,
  paginate,
  type RestAnswer,
  type RestRequest,
  readId,
  refuse,
} from "./rest-answer.ts";
import { deleteRunner, findRunner, listRunners, registerRunner, reportedBusy, reportedStatus } from "./runners.ts";
import type { GitHubState, Runner, RunnerGroup, Scope } from "./state.ts";

/** `…/actions/runners` of an organization or a repository. */

function renderRunner(state: GitHubState, runner: Runner, nowMs: number): Json {
  return {
    id: runner.id,
    runner_group_id: runner.groupId,
    name: runner.name,
    os: runner.os,
    status: reportedStatus(state, runner, nowMs),
    busy: reportedBusy(runner),
    labels: runner.labels,
    ephemeral: runner.isEphemeral,
    version: runner.version,
  };
}

export function answerListRunners(state: GitHubState, scope: Scope, request: RestRequest, nowMs: number): RestAnswer {
  const name = request.query.get("name");
  const all = listRunners(state, scope).filter((runner) => name === null || name === "" || runner.name === name);
  const { items, headers } = paginate(state, request, all);
  return answer(
    200,
    { total_count: all.length, runners: items.map((runner) => renderRunner(state, runner, nowMs)) },
    headers,
  );
}

export function answerGetRunner(
  state: GitHubState,
  scope: Scope,
  idText: string | undefined,
  nowMs: number,
): RestAnswer {
  const id = readId(idText);
  const runner = id === null ? undefined : findRunner(state, scope, id);
  return runner === undefined ? NOT_FOUND : answer(200, renderRunner(state, runner, nowMs));
}

export function answerDeleteRunner(
  state: GitHubState,
  scope: Scope,
  idText: string | undefined,
  nowMs: number,
): RestAnswer {
  const id = readId(idText);
  if (id === null) return NOT_FOUND;
  const runner = findRunner(state, scope, id);
  switch (deleteRunner(state, scope, id, nowMs)) {
    case "deleted":
      return answer(204, null);
    case "not-found":
      return NOT_FOUND;
    case "busy":
      return refuse(422, `Bad request - Runner "${runner?.name}" is currently running a job and cannot be deleted.`);
  }
}

const LABEL_COUNT_MAX = 100;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

export function answerGenerateJitConfig(
  state: GitHubState,
  scope: Scope,
  request: RestRequest,
  nowMs: number,
): RestAnswer {
  if (request.body.kind === "malformed") return refuse(400, "Problems parsing JSON");
  const body = request.body.kind === "json" ? request.body.value : undefined;
  const wanted = readJitRequest(body);
  if (typeof wanted === "string") return refuse(422, `Invalid request.\n\n${wanted}`);
  if (!state.options.runnerGroups.some(({ id }) => id === wanted.groupId)) return NOT_FOUND;
  const runner = registerRunner(state, { scope, isEphemeral: true, ...wanted }, nowMs);
  if (runner === "name-taken") return refuse(409, "Already exists - A runner with the name *** already exists.");
  return answer(201, {
    runner: renderRunner(state, runner, nowMs),
    encoded_jit_config: encodeJitConfig(state, runner),
  });
}

interface JitRequest {
  readonly name: string;
  readonly groupId: number;
  readonly labels: readonly string[];
  readonly workFolder: string;
}

/** The request, or what is wrong with it. */
function readJitRequest(body: unknown): JitRequest | string {
  if (!isObject(body)) return "For 'allOf/0', nil is not an object.";
  const { name, runner_group_id: groupId, labels, work_folder: workFolder = "_work" } = body;
  if (name === undefined || groupId === undefined || labels === undefined) {
    return `"name", "runner_group_id", "labels" weren't supplied.`;
  }
  if (typeof name !== "string" || !NAME.test(name)) return "For 'properties/name', it is not a runner name.";
  if (!Number.isSafeInteger(groupId)) return "For 'properties/runner_group_id', it is not an integer.";
  const isLabels = Array.isArray(labels) && labels.length >= 1 && labels.length <= LABEL_COUNT_MAX;
  if (!isLabels || !labels.every((label) => typeof label === "string" && label !== "")) {
    return "For 'properties/labels', it is not an array of 1 to 100 strings.";
  }
  if (typeof workFolder !== "string") return "For 'properties/work_folder', it is not a string.";
  return { name, groupId: Number(groupId), labels, workFolder };
}

/** Base64 of a JSON object: file name in the runner's root to base64 of the file. The runner writes them as they are. */
export function encodeJitConfig(state: GitHubState, runner: Runner): string {
  const files = {
    ".runner": {
      AgentId: runner.id,
      AgentName: runner.name,
      PoolId: runner.groupId,
      PoolName: state.options.runnerGroups.find(({ id }) => id === runner.groupId)?.name ?? "Default",
      DisableUpdate: false,
      Ephemeral: runner.isEphemeral,
      ServerUrl: state.apiUrl,
      WorkFolder: runner.workFolder,
      UseV2Flow: true,
      ServerUrlV2: state.apiUrl,
    },
    ".credentials": {
      Scheme: "OAuth",
      Data: { ClientId: runner.clientId, AuthorizationUrl: state.apiUrl, RequireFipsCryptography: "True" },
    },
    // The real file is an RSA key. Ours holds the listener's secret where the private exponent would be.
    ".credentials_rsaparams": { d: btoa(runner.secret), exponent: "AQAB" },
  };
  return encodeJson(Object.fromEntries(Object.entries(files).map(([name, content]) => [name, encodeJson(content)])));
}

function encodeJson(value: Json): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))));
}

export function answerListRunnerGroups(state: GitHubState, organization: string, request: RestRequest): RestAnswer {
  const visibleTo = request.query.get("visible_to_repository");
  const all = state.options.runnerGroups.filter((group) => isVisible(group, organization, visibleTo));
  const { items, headers } = paginate(state, request, all);
  return answer(
    200,
    { total_count: all.length, runner_groups: items.map((group) => renderGroup(state, organization, group)) },
    headers,
  );
}

function isVisible(group: RunnerGroup, organization: string, repositoryName: string | null): boolean {
  if (repositoryName === null || group.repositories === "all") return true;
  return group.repositories.includes(`${organization}/${repositoryName}`);
}

function renderGroup(state: GitHubState, organization: string, group: RunnerGroup): Json {
  const url = `${state.apiUrl}/orgs/${organization}/actions/runner-groups/${group.id}`;
  const selected = { selected_repositories_url: `${url}/repositories` };
  return {
    id: group.id,
    name: group.name,
    visibility: group.repositories === "all" ? "all" : "selected",
    default: group.id === 1,
    ...(group.repositories === "all" ? {} : selected),
    runners_url: `${url}/runners`,
    inherited: false,
    allows_public_repositories: false,
    workflow_restrictions_read_only: false,
    restricted_to_workflows: false,
    selected_workflows: [],
  };
}
