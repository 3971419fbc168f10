import { createHash } from "node:crypto";
import { type ApiOperation, type FaultOutcome, type Transmission, takeFault } from "./faults.ts";
import { type Credential, limitHeaders, refund, spend } from "./quota.ts";
import { credentialOf, refuseCaller, refusePlace, scopeHeaders } from "./rest-access.ts";
import {
  answer,
  BAD_CREDENTIALS,
  NOT_FOUND,
  type RestAnswer,
  type RestRequest,
  refuse,
  renderJson,
} from "./rest-answer.ts";
import { matchPath, type NamedSegments, type Route, scopeOf } from "./route.ts";
import { ROUTES } from "./routes.ts";
import type { GitHubState } from "./state.ts";

/** What becomes of a call: what was answered, and what the caller gets to see of it. */
export interface RestOutcome {
  readonly operation: ApiOperation | null;
  readonly answer: WireAnswer;
  readonly transmission: Transmission;
}

/** An answer as it goes over the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  /** Null for an empty body. */
  readonly text: string | null;
}

/** Answers one REST call: route, authentication, limits, fault, permission, effect, ETag. */
export function handleRest(state: GitHubState, request: RestRequest, nowMs: number): RestOutcome {
  const { caller } = request;
  const found = findRoute(state, request);
  const operation = found?.route.operation ?? null;
  const whole = (refusal: RestAnswer, credential: Credential | null): RestOutcome => ({
    operation,
    answer: toWire(withHeaders(state, request, refusal, credential)),
    transmission: { kind: "whole" },
  });
  const credential = credentialOf(caller);
  if (found === null && credential === null)
    return whole(caller.kind === "refused" ? caller.answer : BAD_CREDENTIALS, null);
  const refusal = found === null ? null : refuseCaller(caller, found.route.access);
  if (refusal !== null && credential === null) return whole(refusal, null);
  const name = operation ?? "unknown";
  const overLimit =
    credential === null ? null : spend(state, credential, { method: request.method, operation: name }, nowMs);
  if (overLimit !== null) return whole(overLimit, credential);
  if (refusal !== null || found === null) return whole(refusal ?? NOT_FOUND, credential);
  const fault = takeFault(state.faults, found.route.operation);
  const effect = () => act(state, request, found, nowMs);
  const { given, transmission } = applyFault(fault, effect);
  return { operation, answer: complete(state, request, given, credential), transmission };
}

interface Found {
  readonly route: Route;
  readonly path: NamedSegments;
  /** Where the repository is now, if the path has a name that it had. */
  readonly movedTo: string | null;
}

function findRoute(state: GitHubState, request: RestRequest): Found | null {
  const located = locate(state, request.path);
  for (const route of ROUTES) {
    const path = matchPath(route.pattern, located.path);
    if (path !== null && route.method === request.method) return { route, path, movedTo: located.movedTo };
  }
  return null;
}

const BY_ID = /^\/repositories\/([1-9][0-9]{0,15})(\/.*)?$/;
const BY_NAME = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/;

/** A repository is also found by its id; under a name that it had, its address by id is what GitHub tells instead. */
function locate(state: GitHubState, path: string): { readonly path: string; readonly movedTo: string | null } {
  const [, id, rest = ""] = BY_ID.exec(path) ?? [];
  if (id !== undefined) {
    const repository = [...state.repositories.values()].find((one) => one.id === Number(id));
    return { path: repository === undefined ? path : `/repos/${repository.fullName}${rest}`, movedTo: null };
  }
  const [, fullName, below = ""] = BY_NAME.exec(path) ?? [];
  const isCurrent = fullName === undefined || state.repositories.has(fullName.toLowerCase());
  const moved = isCurrent ? undefined : state.formerNames.get(fullName.toLowerCase());
  return { path, movedTo: moved === undefined ? null : `/repositories/${moved.id}${below}` };
}

function act(state: GitHubState, request: RestRequest, { route, path, movedTo }: Found, nowMs: number): RestAnswer {
  const refusal = refusePlace(state, request.caller, route.access, scopeOf(path));
  if (refusal !== null) return refusal;
  return movedTo === null ? route.handle({ state, request, path, nowMs }) : redirect(state, request, movedTo);
}

function redirect(state: GitHubState, request: RestRequest, path: string): RestAnswer {
  const query = request.query.size === 0 ? "" : `?${request.query}`;
  const location = `${state.apiUrl}${path}${query}`;
  const isRead = request.method === "GET";
  const { body } = refuse(0, isRead ? "Moved Permanently" : "Temporary Redirect");
  return answer(isRead ? 301 : 307, { ...body, url: location }, { location });
}

function applyFault(
  fault: FaultOutcome | null,
  effect: () => RestAnswer,
): { readonly given: RestAnswer; readonly transmission: Transmission } {
  const lost = answer(500, null);
  switch (fault?.kind) {
    case undefined:
      return { given: effect(), transmission: { kind: "whole" } };
    case "delay":
    case "slow-body":
      return { given: effect(), transmission: fault };
    case "half-answer":
      return { given: effect(), transmission: fault };
    case "answer-lost":
    case "reset":
      return { given: fault.effect === "done" ? effect() : lost, transmission: { kind: fault.kind } };
    case "status": {
      if (fault.effect === "done") effect();
      const refusal = refuse(fault.status, fault.message ?? "Server Error");
      return { given: { ...refusal, headers: fault.headers ?? {} }, transmission: { kind: "whole" } };
    }
  }
}

/** The answer with an ETag where it is a reading, or 304 where the caller has it already. */
function complete(
  state: GitHubState,
  request: RestRequest,
  given: RestAnswer,
  credential: Credential | null,
): WireAnswer {
  if (request.method !== "GET" || given.status !== 200) return toWire(withHeaders(state, request, given, credential));
  const hash = createHash("sha256").update(`${request.bearer}\n${given.status}\n${renderJson(given.body)}`);
  const etag = `W/"${hash.digest("hex")}"`;
  const isKnown = request.ifNoneMatch?.split(",").some((one) => one.trim() === etag) === true;
  if (isKnown && credential !== null) refund(state, credential);
  const tagged = { ...given, headers: { ...given.headers, etag, "cache-control": CACHE_CONTROL } };
  return toWire(withHeaders(state, request, isKnown ? { ...tagged, status: 304, body: null } : tagged, credential));
}

const CACHE_CONTROL = "private, max-age=60, s-maxage=60";

function withHeaders(
  state: GitHubState,
  request: RestRequest,
  given: RestAnswer,
  credential: Credential | null,
): RestAnswer {
  if (credential === null) return given;
  const headers = { ...limitHeaders(state, credential), ...scopeHeaders(request.caller), ...given.headers };
  return { ...given, headers };
}

function toWire({ status, headers, body }: RestAnswer): WireAnswer {
  return { status, headers, text: body === null ? null : renderJson(body) };
}
