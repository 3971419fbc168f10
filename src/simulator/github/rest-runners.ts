import type { Json } from "./owner-payloads.ts";
import type { Scope } from "./places.ts";
import { answer, isObject, NOT_FOUND, paginate, type RestAnswer, readId, refuse } from "./rest-answer.ts";
import { type Call, ENTERPRISE, ORGANIZATION, REPOSITORY, type Route, scoped } from "./route.ts";
import { findGroup } from "./runner-groups.ts";
import { deleteRunner, findRunner, listRunners, registerRunner, reportedBusy, reportedStatus } from "./runners.ts";
import type { GitHubState, Runner } from "./state.ts";

/** `…/actions/runners` of an organization, a repository or an enterprise. */

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

function answerListRunners(scope: Scope, { state, request, nowMs }: Call): RestAnswer {
  const name = request.query.get("name");
  const all = listRunners(state, scope).filter((runner) => name === null || name === "" || runner.name === name);
  const { items, headers } = paginate(state, request, all);
  return answer(
    200,
    { total_count: all.length, runners: items.map((runner) => renderRunner(state, runner, nowMs)) },
    headers,
  );
}

function answerGetRunner(scope: Scope, { state, path, nowMs }: Call): RestAnswer {
  const id = readId(path.id);
  const runner = id === null ? undefined : findRunner(state, scope, id);
  return runner === undefined ? NOT_FOUND : answer(200, renderRunner(state, runner, nowMs));
}

function answerDeleteRunner(scope: Scope, { state, path, nowMs }: Call): RestAnswer {
  const id = readId(path.id);
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

function answerGenerateJitConfig(scope: Scope, { state, request, nowMs }: Call): RestAnswer {
  if (request.body.kind === "malformed") return refuse(400, "Problems parsing JSON");
  const body = request.body.kind === "json" ? request.body.value : undefined;
  const wanted = readJitRequest(body);
  if (typeof wanted === "string") return refuse(422, `Invalid request.\n\n${wanted}`);
  if (findGroup(state, scope, wanted.groupId) === undefined) return NOT_FOUND;
  const runner = registerRunner(state, { scope, isEphemeral: true, ...wanted }, nowMs);
  if (runner === "name-taken") return refuse(409, "Already exists - A runner with the name *** already exists.");
  if (runner === "group-full") {
    // GitHub's words: ubicloud/ubicloud PR 6102.
    const { runnersPerGroupMax } = state.options;
    return refuse(422, `Runner group ${wanted.groupId} has reached max limit of ${runnersPerGroupMax} runners`);
  }
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
      PoolName: findGroup(state, runner.scope, runner.groupId)?.group.name ?? "Default",
      DisableUpdate: false,
      Ephemeral: runner.isEphemeral,
      ServerUrl: state.webUrl,
      WorkFolder: runner.workFolder,
      UseV2Flow: true,
      ServerUrlV2: state.webUrl,
    },
    ".credentials": {
      Scheme: "OAuth",
      Data: { ClientId: runner.clientId, AuthorizationUrl: state.webUrl, RequireFipsCryptography: "True" },
    },
    // The real file is an RSA key. Ours holds the listener's secret where the private exponent would be.
    ".credentials_rsaparams": { d: btoa(runner.secret), exponent: "AQAB" },
  };
  return encodeJson(Object.fromEntries(Object.entries(files).map(([name, content]) => [name, encodeJson(content)])));
}

function encodeJson(value: Json): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))));
}

function answerGetDeprecation(_scope: Scope, { state, path }: Call): RestAnswer {
  const version = path.version ?? "";
  const deprecation = Object.hasOwn(state.options.deprecations, version)
    ? state.options.deprecations[version]
    : undefined;
  return deprecation === undefined ? NOT_FOUND : answer(200, { runner_version: version, ...deprecation });
}

const READ = { by: "permission", area: "runners", level: "read" } as const;
const WRITE = { by: "permission", area: "runners", level: "write" } as const;

function runnerRoutes(place: readonly string[]): readonly Route[] {
  const base = [...place, "actions", "runners"];
  const one = [...base, ":id"];
  return [
    { method: "GET", pattern: base, operation: "list-runners", access: READ, handle: scoped(answerListRunners) },
    { method: "GET", pattern: one, operation: "get-runner", access: READ, handle: scoped(answerGetRunner) },
    { method: "DELETE", pattern: one, operation: "delete-runner", access: WRITE, handle: scoped(answerDeleteRunner) },
    {
      method: "POST",
      pattern: [...base, "generate-jitconfig"],
      operation: "generate-jitconfig",
      access: WRITE,
      handle: scoped(answerGenerateJitConfig),
    },
    {
      method: "GET",
      pattern: [...base, "deprecations", ":version"],
      operation: "get-deprecation",
      access: READ,
      handle: scoped(answerGetDeprecation),
    },
  ];
}

export const RUNNER_ROUTES: readonly Route[] = [
  ...runnerRoutes(ORGANIZATION),
  ...runnerRoutes(REPOSITORY),
  ...runnerRoutes(ENTERPRISE),
];
