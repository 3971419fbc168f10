/** Which call an HTTP request is, by its method, its path and its query. */
import type { RequestOptions, Subresource, Verb } from "../../kubernetes/requests.ts";
import {
  apiVersionOf,
  isResourceName,
  isReviewName,
  RESOURCES,
  REVIEWS,
  type ResourceName,
  type ReviewName,
} from "../../kubernetes/resources.ts";

export interface Route {
  readonly verb: Verb;
  readonly resource: ResourceName | ReviewName;
  readonly subresource: Subresource | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

export type Routed =
  | { readonly kind: "call"; readonly route: Route }
  | { readonly kind: "not-found" }
  | { readonly kind: "not-allowed" };

interface Target {
  readonly resource: ResourceName | ReviewName;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

export function routeOf(method: string, path: string, query: URLSearchParams): Routed {
  const target = targetOf(path);
  if (target === null) return { kind: "not-found" };
  const { resource, subresource } = target;
  if (isReviewName(resource)) {
    if (method !== "POST") return { kind: "not-allowed" };
    return { kind: "call", route: { ...target, resource, verb: "create", subresource: undefined } };
  }
  if (subresource !== undefined && !hasSubresource(resource, subresource)) return { kind: "not-found" };
  const known = subresource === undefined || hasSubresource(resource, subresource) ? subresource : undefined;
  const verb = verbOf(method, target, isWatching(query));
  if (verb === null) return { kind: "not-allowed" };
  return { kind: "call", route: { ...target, subresource: known, verb } };
}

function targetOf(path: string): Target | null {
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  const isCore = parts[0] === "api";
  const version = isCore ? parts[1] : `${parts[1]}/${parts[2]}`;
  if (!isCore && parts[0] !== "apis") return null;
  const rest = parts.slice(isCore ? 2 : 3);
  const [first, second, third] = rest;
  // `namespaces/x` is an object of its own; `namespaces/x/pods` is what is in it.
  const isInside = first === "namespaces" && second !== undefined && third !== undefined && third !== "status";
  const [namespace, [resource = "", name, subresource, ...more]] = isInside
    ? [second, rest.slice(2)]
    : [undefined, rest];
  if (more.length > 0) return null;
  if (isReviewName(resource)) {
    const isHere = version === `${REVIEWS[resource].group}/v1` && name === undefined;
    return isHere ? { resource, namespace, name, subresource } : null;
  }
  if (!isResourceName(resource) || version !== apiVersionOf(RESOURCES[resource])) return null;
  const { isNamespaced } = RESOURCES[resource];
  if (isNamespaced !== (namespace !== undefined) && (name !== undefined || namespace !== undefined)) return null;
  return { resource, namespace, name, subresource };
}

const SUBRESOURCES: Readonly<Record<Subresource, ReadonlySet<ResourceName>>> = {
  status: new Set(["pods", "nodes", "resourcequotas"]),
  log: new Set(["pods"]),
  eviction: new Set(["pods"]),
  token: new Set(["serviceaccounts"]),
};

function hasSubresource(resource: ResourceName, text: string): text is Subresource {
  return Object.hasOwn(SUBRESOURCES, text) && SUBRESOURCES[text as Subresource].has(resource);
}

const OF_ONE: Readonly<Record<string, Verb>> = { GET: "get", PUT: "update", PATCH: "patch", DELETE: "delete" };

function verbOf(method: string, { name, subresource, resource, namespace }: Target, isWatch: boolean): Verb | null {
  switch (subresource) {
    case "log":
      return method === "GET" ? "get" : null;
    case "eviction":
    case "token":
      return method === "POST" ? "create" : null;
    case "status":
      return method === "DELETE" ? null : (OF_ONE[method] ?? null);
    default:
  }
  if (name !== undefined) return OF_ONE[method] ?? null;
  if (method === "GET") return isWatch ? "watch" : "list";
  const isPlace = isReviewName(resource) || namespace !== undefined || !RESOURCES[resource].isNamespaced;
  if (!isPlace) return null;
  if (method === "POST") return "create";
  return method === "DELETE" ? "deletecollection" : null;
}

function isWatching(query: URLSearchParams): boolean {
  const said = query.get("watch");
  return said === "true" || said === "1";
}

const OPTIONS: readonly (keyof RequestOptions)[] = [
  "labelSelector",
  "fieldSelector",
  "limit",
  "continue",
  "resourceVersion",
  "resourceVersionMatch",
  "allowWatchBookmarks",
  "sendInitialEvents",
  "timeoutSeconds",
  "dryRun",
  "gracePeriodSeconds",
  "container",
  "tailLines",
  "limitBytes",
];

export function optionsOf(query: URLSearchParams): RequestOptions {
  return Object.fromEntries(OPTIONS.filter((name) => query.has(name)).map((name) => [name, query.get(name) ?? ""]));
}
