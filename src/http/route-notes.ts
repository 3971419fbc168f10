/**
 * What a route is for, beside the route itself: who may call it, what goes in and what comes out. The reference is written
 * from these, and a route without one is found by a test.
 */
import type { Hono, MiddlewareHandler } from "hono";
import type { z } from "zod";
import type { ErrorCode } from "../domain/errors.ts";

/** `github`: who signs with a webhook's secret. `agent`: who proves to be a machine's. `reader`, `operator`: whose role it is. */
export type RouteCaller = "anybody" | "github" | "agent" | "reader" | "operator";

export interface RouteNote {
  readonly caller: RouteCaller;
  /** One sentence or two. */
  readonly says: string;
  readonly query?: z.ZodType;
  /** In words where it is no JSON of ours. */
  readonly body?: z.ZodType | string;
  /** In words where it is no JSON. */
  readonly answer: z.ZodType | string;
  /** Besides those that all routes of such a caller and with such an input have. */
  readonly errors?: readonly ErrorCode[];
}

const notes = new WeakMap<object, RouteNote>();

/** @example app.get("/status", told({ caller: "reader", says: "…", answer: StatusAnswer }), (context) => …) */
export function told(note: RouteNote): MiddlewareHandler {
  const pass: MiddlewareHandler = (_context, next) => next();
  notes.set(pass, note);
  return pass;
}

export interface ToldRoute {
  readonly method: string;
  /** With its parameters: `/api/v1/explain/:subject`. */
  readonly path: string;
  /** Null where nobody said anything about it. */
  readonly note: RouteNote | null;
}

/** In Hono's own words for what stands before every route, whatever its method. */
const EVERY_METHOD = "ALL";

/** Every route of an app once, in their order. */
export function routesOf(app: Pick<Hono, "routes">): readonly ToldRoute[] {
  const routes = app.routes.filter(({ method }) => method !== EVERY_METHOD);
  const handlers = Map.groupBy(routes, ({ method, path }) => `${method} ${path}`);
  return [...handlers.values()].map((ofRoute) => {
    const [{ method, path } = { method: "", path: "" }] = ofRoute;
    const note = ofRoute.map(({ handler }) => notes.get(handler)).find((one) => one !== undefined);
    return { method, path: path.replace(/\{[^}]*\}/g, ""), note: note ?? null };
  });
}

const OF_EVERY_ROUTE: readonly ErrorCode[] = ["internal", "store-unavailable"];
const OF_CALLERS: Readonly<Record<RouteCaller, readonly ErrorCode[]>> = {
  anybody: [],
  github: ["unauthorized"],
  agent: ["unauthorized"],
  reader: ["unauthorized", "forbidden"],
  operator: ["unauthorized", "forbidden"],
};

/** All codes that a route can answer. */
export function codesOf({ caller, query, body, errors = [] }: RouteNote): readonly ErrorCode[] {
  return [
    ...new Set<ErrorCode>([
      ...(query === undefined && body === undefined ? [] : ["payload-invalid" as const]),
      ...(body === undefined ? [] : ["payload-too-large" as const]),
      ...OF_CALLERS[caller],
      ...errors,
      ...OF_EVERY_ROUTE,
    ]),
  ];
}
