import { SECOND_MS } from "../../domain/units.ts";
import type { DeliveryAttempt, Hook, LoggedAttempt } from "./delivery.ts";
import { headersOf, pathOf, renderBody, renderConfiguration, renderHook } from "./hooks.ts";
import { formatInstant } from "./instant.ts";
import { findAppHook, isOk, REDELIVERY_WINDOW_MS, redeliver } from "./outbox.ts";
import type { Json } from "./owner-payloads.ts";
import type { Scope } from "./places.ts";
import { isSameName } from "./repositories.ts";
import {
  answer,
  NOT_FOUND,
  paginate,
  type RestAnswer,
  readId,
  readLargeId,
  readPageSize,
  refuse,
} from "./rest-answer.ts";
import { type Access, type Call, ORGANIZATION, REPOSITORY, type Route, scoped, scopeOf } from "./route.ts";
import type { GitHubState } from "./state.ts";

/** Hooks, and GitHub's record of what it delivered to them: the App's own, an organization's, a repository's. */

function hooksOf(state: GitHubState, scope: Scope): readonly Hook[] {
  return [...state.hooks.values()].filter(({ place }) => {
    if (place.kind === "organization") {
      return scope.kind === "organization" && isSameName(place.organization, scope.organization);
    }
    return place.kind === "repository" && scope.kind === "repository" && isSameName(place.fullName, scope.fullName);
  });
}

/** The hook that the path is about. */
function findHook({ state, request, path }: Call): Hook | undefined {
  const { caller } = request;
  if (caller.kind === "app") return findAppHook(state, caller.app.id);
  const scope = scopeOf(path);
  const id = readId(path.hook);
  return scope === null ? undefined : hooksOf(state, scope).find((hook) => hook.id === id);
}

function forHook(handle: (hook: Hook, call: Call) => RestAnswer): Route["handle"] {
  return (call) => {
    const hook = findHook(call);
    return hook === undefined ? NOT_FOUND : handle(hook, call);
  };
}

function answerListHooks(scope: Scope, { state, request }: Call): RestAnswer {
  const { items, headers } = paginate(state, request, hooksOf(state, scope));
  return answer(
    200,
    items.map((hook) => renderHook(state, hook)),
    headers,
  );
}

const CURSOR = /^v1_([1-9][0-9]{0,18})$/;

/** Newest first. The cursor names the last attempt of the page before. */
function answerListDeliveries(hook: Hook, { state, request, nowMs }: Call): RestAnswer {
  const cursor = request.query.get("cursor");
  const [, before] = CURSOR.exec(cursor ?? "") ?? [];
  if (cursor !== null && before === undefined) return refuse(400, "Invalid cursor");
  const status = request.query.get("status");
  const older = listAttempts(state, hook, nowMs).filter(
    ({ attempt }) =>
      (before === undefined || attempt.id < BigInt(before)) &&
      (status === null || isOk(attempt) === (status === "success")),
  );
  const page = older.slice(0, readPageSize(request));
  const last = page.at(-1);
  const body = page.map((one) => renderAttempt(one));
  if (last === undefined || older.length === page.length) return answer(200, body);
  const query = new URLSearchParams(request.query);
  query.set("cursor", `v1_${last.attempt.id}`);
  return answer(200, body, { link: `<${state.apiUrl}${pathOf(hook)}/deliveries?${query}>; rel="next"` });
}

/** What GitHub still keeps. An event that it never attempted to deliver is not among it. */
function listAttempts(state: GitHubState, hook: Hook, nowMs: number): readonly LoggedAttempt[] {
  return [...state.attempts.values()]
    .filter(({ delivery, attempt }) => delivery.hookId === hook.id && nowMs - attempt.atMs <= REDELIVERY_WINDOW_MS)
    .toReversed();
}

function renderAttempt({ delivery, attempt }: LoggedAttempt): Json {
  return {
    id: attempt.id,
    guid: delivery.guid,
    delivered_at: formatInstant(attempt.atMs),
    redelivery: attempt.isRedelivery,
    duration: attempt.durationMs / SECOND_MS,
    status: statusOf(attempt),
    status_code: attempt.statusCode ?? 0,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repository?.id ?? null,
    throttled_at: null,
  };
}

function statusOf(attempt: DeliveryAttempt): string {
  if (isOk(attempt)) return "OK";
  return attempt.failure ?? `Invalid HTTP Response: ${attempt.statusCode}`;
}

function findAttempt(hook: Hook, { state, path, nowMs }: Call): LoggedAttempt | undefined {
  const id = readLargeId(path.delivery);
  const found = id === null ? undefined : state.attempts.get(id);
  const isKept = found !== undefined && nowMs - found.attempt.atMs <= REDELIVERY_WINDOW_MS;
  return isKept && found.delivery.hookId === hook.id ? found : undefined;
}

function answerGetDelivery(hook: Hook, call: Call): RestAnswer {
  const found = findAttempt(hook, call);
  if (found === undefined) return NOT_FOUND;
  const { delivery, attempt } = found;
  const headers = headersOf(hook, delivery, renderBody(hook, delivery));
  return answer(200, {
    ...renderAttempt(found),
    url: hook.target.url,
    request: { headers, payload: JSON.parse(delivery.render()) as Json },
    response: { headers: attempt.response?.headers ?? {}, payload: attempt.response?.body ?? "" },
  });
}

function answerRedeliver(hook: Hook, call: Call): RestAnswer {
  const found = findAttempt(hook, call);
  if (found === undefined) return NOT_FOUND;
  const redelivery = redeliver(call.state, found.delivery.id, call.nowMs);
  return redelivery === "accepted" ? answer(202, {}) : refuse(422, "The delivery can no longer be sent again.");
}

function answerGetHook(hook: Hook, { state }: Call): RestAnswer {
  return answer(200, renderHook(state, hook));
}

function answerGetConfiguration(hook: Hook): RestAnswer {
  return answer(200, renderConfiguration(hook));
}

function deliveryRoutes(hook: readonly string[], read: Access, write: Access): readonly Route[] {
  const all = [...hook, "deliveries"];
  const one = [...all, ":delivery"];
  return [
    {
      method: "GET",
      pattern: [...hook, "config"],
      operation: "get-hook-config",
      access: read,
      handle: forHook(answerGetConfiguration),
    },
    {
      method: "GET",
      pattern: all,
      operation: "list-deliveries",
      access: read,
      handle: forHook(answerListDeliveries),
    },
    { method: "GET", pattern: one, operation: "get-delivery", access: read, handle: forHook(answerGetDelivery) },
    {
      method: "POST",
      pattern: [...one, "attempts"],
      operation: "redeliver",
      access: write,
      handle: forHook(answerRedeliver),
    },
  ];
}

const READ = { by: "permission", area: "hooks", level: "read" } as const;
const WRITE = { by: "permission", area: "hooks", level: "write" } as const;
const AS_APP = { by: "app" } as const;

function hookRoutes(place: readonly string[]): readonly Route[] {
  const all = [...place, "hooks"];
  const one = [...all, ":hook"];
  return [
    { method: "GET", pattern: all, operation: "list-hooks", access: READ, handle: scoped(answerListHooks) },
    { method: "GET", pattern: one, operation: "get-hook", access: READ, handle: forHook(answerGetHook) },
    ...deliveryRoutes(one, READ, WRITE),
  ];
}

export const HOOK_ROUTES: readonly Route[] = [
  ...deliveryRoutes(["app", "hook"], AS_APP, AS_APP),
  ...hookRoutes(ORGANIZATION),
  ...hookRoutes(REPOSITORY),
];
