import { type ApiOperation, type FaultOutcome, takeFault } from "./faults.ts";
import { renderJob, viewJob } from "./job-payloads.ts";
import { answer, NOT_FOUND, paginate, type RestAnswer, type RestRequest, readId, refuse } from "./rest-answer.ts";
import { answerCreateInstallationToken, answerGetApp, answerGetInstallation } from "./rest-app.ts";
import {
  answerDeleteRunner,
  answerGenerateJitConfig,
  answerGetRunner,
  answerListRunnerGroups,
  answerListRunners,
} from "./rest-runners.ts";
import { isKnownScope } from "./runners.ts";
import type { GitHubState, Scope } from "./state.ts";

/** What becomes of a call: what was answered, and what the caller gets to see of it. */
export interface RestOutcome {
  readonly operation: ApiOperation | null;
  /** Null: the connection ends without an answer. */
  readonly answer: RestAnswer | null;
  readonly delayMs: number;
}

interface Route {
  readonly method: string;
  /** Segments; one that begins with a colon matches anything and is passed on under that name. */
  readonly pattern: readonly string[];
  readonly operation: ApiOperation;
  readonly isForApp?: boolean;
  readonly handle: (call: Call) => RestAnswer;
}

interface Call {
  readonly state: GitHubState;
  readonly request: RestRequest;
  readonly path: { readonly [name: string]: string | undefined };
  readonly nowMs: number;
}

/** Answers one REST call: authentication, faults, route, effect. */
export function handleRest(state: GitHubState, request: RestRequest, nowMs: number): RestOutcome {
  for (const route of ROUTES) {
    const path = matchPath(route.pattern, request.path);
    if (path === null || route.method !== request.method) continue;
    const refusal = refuseCaller(request, route);
    if (refusal !== null) return { operation: route.operation, answer: refusal, delayMs: 0 };
    const fault = takeFault(state.faults, route.operation);
    return applyFault(route.operation, fault, () => route.handle({ state, request, path, nowMs }));
  }
  const isAnonymous = request.caller.kind === "anonymous";
  return { operation: null, answer: isAnonymous ? BAD_CREDENTIALS : NOT_FOUND, delayMs: 0 };
}

const BAD_CREDENTIALS = refuse(401, "Bad credentials");
const NOT_A_JWT = refuse(401, "A JSON web token could not be decoded");

function refuseCaller(request: RestRequest, route: Route): RestAnswer | null {
  if (request.caller.kind === "anonymous") return BAD_CREDENTIALS;
  if (route.isForApp === true && request.caller.kind !== "app") return NOT_A_JWT;
  return route.isForApp !== true && request.caller.kind === "app" ? BAD_CREDENTIALS : null;
}

function applyFault(operation: ApiOperation, fault: FaultOutcome | null, effect: () => RestAnswer): RestOutcome {
  switch (fault?.kind) {
    case undefined:
      return { operation, answer: effect(), delayMs: 0 };
    case "delay":
      return { operation, answer: effect(), delayMs: fault.delayMs };
    case "answer-lost":
      if (fault.effect === "done") effect();
      return { operation, answer: null, delayMs: 0 };
    case "status": {
      if (fault.effect === "done") effect();
      const refusal = refuse(fault.status, fault.message ?? "Server Error");
      return { operation, answer: { ...refusal, headers: fault.headers ?? {} }, delayMs: 0 };
    }
  }
}

/** The named segments, or null if the path is another one (or not decodable). */
function matchPath(pattern: readonly string[], path: string): Call["path"] | null {
  const segments = path.split("/").slice(1);
  if (segments.length !== pattern.length) return null;
  const named: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const found = segments[index] ?? "";
    if (!wanted.startsWith(":")) {
      if (wanted !== found) return null;
      continue;
    }
    try {
      named[wanted.slice(1)] = decodeURIComponent(found);
    } catch (error) {
      if (error instanceof URIError) return null;
      throw error;
    }
  }
  return named;
}

function scoped(handle: (scope: Scope, call: Call) => RestAnswer): Route["handle"] {
  return (call) => {
    const { org, owner, repo } = call.path;
    const scope: Scope =
      org === undefined
        ? { kind: "repository", fullName: `${owner}/${repo}` }
        : { kind: "organization", organization: org };
    return isKnownScope(call.state, scope) ? handle(scope, call) : NOT_FOUND;
  };
}

function answerGetJob({ state, path }: Call): RestAnswer {
  const job = state.jobs.get(readId(path.id) ?? 0);
  if (job === undefined || !isJobOf(job.repository.fullName, path)) return NOT_FOUND;
  return answer(200, renderJob(state, job, viewJob(state, job)));
}

function answerListRunJobs({ state, request, path }: Call): RestAnswer {
  const runId = readId(path.id);
  const all = [...state.jobs.values()].filter((job) => job.runId === runId && isJobOf(job.repository.fullName, path));
  if (all.length === 0) return NOT_FOUND;
  const latest = Math.max(...all.map((job) => job.runAttempt));
  const listed = request.query.get("filter") === "all" ? all : all.filter((job) => job.runAttempt === latest);
  const { items, headers } = paginate(state, request, listed);
  return answer(
    200,
    { total_count: listed.length, jobs: items.map((job) => renderJob(state, job, viewJob(state, job))) },
    headers,
  );
}

function isJobOf(fullName: string, path: Call["path"]): boolean {
  return fullName.toLowerCase() === `${path.owner}/${path.repo}`.toLowerCase();
}

function runnerRoutes(prefix: readonly string[]): readonly Route[] {
  const base = [...prefix, "actions", "runners"];
  return [
    {
      method: "GET",
      pattern: base,
      operation: "list-runners",
      handle: scoped((scope, { state, request, nowMs }) => answerListRunners(state, scope, request, nowMs)),
    },
    {
      method: "GET",
      pattern: [...base, ":id"],
      operation: "get-runner",
      handle: scoped((scope, { state, path, nowMs }) => answerGetRunner(state, scope, path.id, nowMs)),
    },
    {
      method: "DELETE",
      pattern: [...base, ":id"],
      operation: "delete-runner",
      handle: scoped((scope, { state, path, nowMs }) => answerDeleteRunner(state, scope, path.id, nowMs)),
    },
    {
      method: "POST",
      pattern: [...base, "generate-jitconfig"],
      operation: "generate-jitconfig",
      handle: scoped((scope, { state, request, nowMs }) => answerGenerateJitConfig(state, scope, request, nowMs)),
    },
  ];
}

const ORGANIZATION = ["orgs", ":org"];
const REPOSITORY = ["repos", ":owner", ":repo"];

const ROUTES: readonly Route[] = [
  ...runnerRoutes(ORGANIZATION),
  ...runnerRoutes(REPOSITORY),
  {
    method: "GET",
    pattern: [...ORGANIZATION, "actions", "runner-groups"],
    operation: "list-runner-groups",
    handle: scoped((_scope, { state, request, path }) => answerListRunnerGroups(state, path.org ?? "", request)),
  },
  { method: "GET", pattern: [...REPOSITORY, "actions", "jobs", ":id"], operation: "get-job", handle: answerGetJob },
  {
    method: "GET",
    pattern: [...REPOSITORY, "actions", "runs", ":id", "jobs"],
    operation: "list-run-jobs",
    handle: answerListRunJobs,
  },
  { method: "GET", pattern: ["app"], operation: "get-app", isForApp: true, handle: ({ state }) => answerGetApp(state) },
  {
    method: "GET",
    pattern: [...ORGANIZATION, "installation"],
    operation: "get-installation",
    isForApp: true,
    handle: ({ state, path }) => answerGetInstallation(state, path.org ?? ""),
  },
  {
    method: "GET",
    pattern: [...REPOSITORY, "installation"],
    operation: "get-installation",
    isForApp: true,
    handle: scoped((_scope, { state, path }) => answerGetInstallation(state, path.owner ?? "")),
  },
  {
    method: "POST",
    pattern: ["app", "installations", ":id", "access_tokens"],
    operation: "create-installation-token",
    isForApp: true,
    handle: ({ state, path, nowMs }) => answerCreateInstallationToken(state, path.id, nowMs),
  },
];
