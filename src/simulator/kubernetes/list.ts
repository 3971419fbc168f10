/** Listings and single readings, with the API server's promises about how fresh they are. */
import { KubernetesRefusal, notFound } from "./errors.ts";
import type { ApiObject } from "./objects.ts";
import type { KubernetesRequest, RequestOptions } from "./requests.ts";
import { apiVersionOf, RESOURCES, type Resource } from "./resources.ts";
import { type Matcher, readFieldSelector, readLabelSelector } from "./selectors.ts";
import { type KubernetesState, keyOf } from "./state.ts";
import { cachedRevision, objectsAt } from "./store.ts";

/** What a continue token holds: the listing's revision, and the key of the last object that was shown. */
interface Place {
  readonly revision: number;
  readonly afterKey: string;
}

export function listObjects(
  state: KubernetesState,
  resource: Resource,
  { namespace, options = {} }: KubernetesRequest,
  nowMs: number,
): object {
  const limit = readWhole(options.limit);
  const place = readPlace(options.continue);
  const revision = place?.revision ?? startRevision(state, options, nowMs);
  const objects = objectsAt(state, resource.name, revision);
  if (objects === null) throw expired(state, place);
  const matches = matcherOf(resource, namespace, options);
  const rest = objects.filter((object) => matches(object) && keyOf(object.metadata) > (place?.afterKey ?? ""));
  const shown = limit > 0 ? rest.slice(0, limit) : rest;
  const last = shown.at(-1);
  const remainingCount = rest.length - shown.length;
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(revision),
      ...(remainingCount === 0 || last === undefined
        ? {}
        : {
            continue: writePlace({ revision, afterKey: keyOf(last.metadata) }),
            ...remainder(options, remainingCount),
          }),
    },
    items: shown.map(withoutKind),
  };
}

/** How many remain is told only where the API server need not look at each. */
function remainder({ labelSelector, fieldSelector }: RequestOptions, count: number): object {
  const isSelected = (labelSelector ?? "") !== "" || (fieldSelector ?? "") !== "";
  return isSelected ? {} : { remainingItemCount: count };
}

/** The items of a list do not say what the list says of them all. */
function withoutKind({ kind: _kind, apiVersion: _apiVersion, ...rest }: ApiObject): object {
  return rest;
}

/**
 * - no resourceVersion: what is so now;
 * - 0: whatever the watch cache has, however old;
 * - another: not older than that, or exactly that.
 */
function startRevision(state: KubernetesState, options: RequestOptions, nowMs: number): number {
  const { resourceVersion = "", resourceVersionMatch } = options;
  if (resourceVersion === "") return state.revision;
  const wanted = readRevision(resourceVersion);
  if (wanted > state.revision) throw tooLarge(wanted, state.revision);
  if (resourceVersionMatch === "Exact") return wanted;
  // A page of an older moment is exact unless told otherwise.
  if ((options.limit ?? "") !== "" && wanted > 0 && resourceVersionMatch === undefined) return wanted;
  return Math.max(wanted, cachedRevision(state, nowMs));
}

export function tooLarge(wanted: number, revision: number): KubernetesRefusal {
  return new KubernetesRefusal("Timeout", `Timeout: Too large resource version: ${wanted}, current: ${revision}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

function expired(state: KubernetesState, place: Place | null): KubernetesRefusal {
  if (place === null) return new KubernetesRefusal("Expired", "The resourceVersion for the provided list is too old.");
  return new KubernetesRefusal(
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    undefined,
    writePlace({ ...place, revision: state.revision }),
  );
}

export function matcherOf(resource: Resource, namespace: string | undefined, options: RequestOptions): Matcher {
  const byLabel = readLabelSelector(options.labelSelector ?? "");
  const byField = readFieldSelector(resource.name, options.fieldSelector ?? "");
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) && byLabel(object) && byField(object);
}

/** @throws {KubernetesRefusal} BadRequest for what is no number. */
export function readWhole(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (!/^-?\d+$/.test(text))
    throw new KubernetesRefusal("BadRequest", `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

export function readRevision(text: string): number {
  if (!/^\d+$/.test(text))
    throw new KubernetesRefusal(
      "InternalError",
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  return Number(text);
}

function writePlace(place: Place): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: place.revision, start: place.afterKey })).toString(
    "base64url",
  );
}

function readPlace(token: string | undefined): Place | null {
  if (token === undefined || token === "") return null;
  const refuse = (why: string) =>
    new KubernetesRefusal("BadRequest", `invalid continue token: continue key is not valid: ${why}`);
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) throw refuse("it cannot be parsed");
    throw error;
  }
  if (typeof read !== "object" || read === null) throw refuse("it is no object");
  const [revision, afterKey]: unknown[] = [Reflect.get(read, "rv"), Reflect.get(read, "start")];
  if (typeof revision !== "number" || typeof afterKey !== "string") throw refuse("something is missing from it");
  return { revision, afterKey };
}

/** @throws {KubernetesRefusal} NotFound. */
export function findObject(
  state: KubernetesState,
  resource: Resource,
  { namespace, name = "" }: Pick<KubernetesRequest, "namespace" | "name">,
): ApiObject {
  const object = state.objects[resource.name].get(keyOf({ name, namespace }));
  if (object === undefined) throw notFound(resource, name);
  return object;
}

/** A reading with `resourceVersion=0` may be as old as the watch cache. */
export function getObject(
  state: KubernetesState,
  resource: Resource,
  request: KubernetesRequest,
  nowMs: number,
): ApiObject {
  const { namespace, name = "", options } = request;
  if (options?.resourceVersion !== "0") return findObject(state, resource, request);
  const key = keyOf({ name, namespace });
  const seen = objectsAt(state, resource.name, cachedRevision(state, nowMs)) ?? [];
  const object = seen.find(({ metadata }) => keyOf(metadata) === key);
  if (object === undefined) throw notFound(resource, name);
  return object;
}

/** @throws {KubernetesRefusal} NotFound for a namespace that is not there. */
export function demandNamespace(state: KubernetesState, namespace: string): void {
  findObject(state, RESOURCES.namespaces, { name: namespace });
}
