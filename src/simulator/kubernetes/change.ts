/** Changing what is there: merge patches and replacements, of an object or of its status alone. */
import { isDeepStrictEqual } from "node:util";
import { conflict, type FieldError, invalid, KubernetesRefusal } from "./errors.ts";
import { findObject } from "./list.ts";
import type { ApiObject, ObjectMeta } from "./objects.ts";
import { demandKind, type Given, givenAt, isGiven, listAt, textAt } from "./objects-given.ts";
import type { KubernetesRequest } from "./requests.ts";
import type { Resource } from "./resources.ts";
import type { KubernetesState } from "./state.ts";
import { put, remove } from "./store.ts";
import { checkMeta, invalidValue } from "./validate-meta.ts";

const MERGE = "application/merge-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";

/** A patch takes what is there for its base, so that only a resourceVersion within it can be out of date. */
export function patchObject(
  state: KubernetesState,
  resource: Resource,
  request: KubernetesRequest,
  isDryRun: boolean,
  nowMs: number,
): ApiObject {
  const type = (request.contentType ?? "").split(";")[0]?.trim();
  if (type !== MERGE && type !== STRATEGIC)
    throw new KubernetesRefusal("UnsupportedMediaType", "415: Unsupported Media Type", {});
  if (!isGiven(request.body))
    throw new KubernetesRefusal(
      "BadRequest",
      "error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}",
    );
  const current = findObject(state, resource, request);
  const merged = merge(current, type === STRATEGIC ? joinFinalizers(current, request.body) : request.body);
  return storeChange(state, resource, current, merged, request, isDryRun, nowMs);
}

export function replaceObject(
  state: KubernetesState,
  resource: Resource,
  request: KubernetesRequest,
  isDryRun: boolean,
  nowMs: number,
): ApiObject {
  const given = demandKind(request.body, resource);
  const current = findObject(state, resource, request);
  const metadata = givenAt(given, "metadata");
  if (textAt(metadata, "name") !== current.metadata.name)
    throw new KubernetesRefusal(
      "BadRequest",
      `the name of the object (${textAt(metadata, "name") ?? ""}) does not match the name on the URL (${current.metadata.name})`,
    );
  const { uid, creationTimestamp } = current.metadata;
  return storeChange(
    state,
    resource,
    current,
    { ...given, metadata: { uid, creationTimestamp, ...metadata } },
    request,
    isDryRun,
    nowMs,
  );
}

/** As RFC 7386: null takes away, objects are joined, all else replaces. */
function merge(base: unknown, patch: unknown): Given {
  const merged: Record<string, unknown> = isGiven(base) ? { ...base } : {};
  if (!isGiven(patch)) return merged;
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = isGiven(value) ? merge(merged[name], value) : value;
  }
  return merged;
}

/** A strategic patch adds to the finalizers, where a merge patch replaces them. */
function joinFinalizers(current: ApiObject, patch: Given): Given {
  const metadata = givenAt(patch, "metadata");
  if (!Array.isArray(metadata.finalizers)) return patch;
  const finalizers = [...new Set([...(current.metadata.finalizers ?? []), ...metadata.finalizers])];
  return { ...patch, metadata: { ...metadata, finalizers } };
}

function storeChange(
  state: KubernetesState,
  resource: Resource,
  current: ApiObject,
  wanted: Given,
  { subresource }: KubernetesRequest,
  isDryRun: boolean,
  nowMs: number,
): ApiObject {
  const { name } = current.metadata;
  const metadata = givenAt(wanted, "metadata");
  const version = textAt(metadata, "resourceVersion") ?? "";
  if (version !== "" && version !== current.metadata.resourceVersion)
    throw conflict(
      resource,
      name,
      "the object has been modified; please apply your changes to the latest version and try again",
    );
  const changed =
    subresource === "status"
      ? { ...current, status: wanted.status }
      : {
          ...current,
          ...wanted,
          ...(resource.hasStatus ? { status: current.status } : {}),
          metadata: metaOf(current, metadata),
        };
  const errors = subresource === "status" ? [] : checkChange(resource, current, wanted, changed.metadata);
  if (errors.length > 0) throw invalid(resource, name, errors);
  if (isDryRun) return changed;
  // What was only held by its finalizers goes with the last of them.
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = changed.metadata;
  if (deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0) {
    remove(state, resource.name, changed, nowMs);
    return changed;
  }
  return put(state, resource.name, changed, nowMs);
}

/** What the API server keeps to itself stays as it is. */
function metaOf({ metadata }: ApiObject, wanted: Given): ObjectMeta {
  const { uid, name, resourceVersion, creationTimestamp } = metadata;
  const kept = ["namespace", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"] as const;
  const { namespace: _1, generation: _2, deletionTimestamp: _3, deletionGracePeriodSeconds: _4, ...rest } = wanted;
  const own = Object.fromEntries(kept.filter((key) => metadata[key] !== undefined).map((key) => [key, metadata[key]]));
  return { ...rest, ...own, uid, name, resourceVersion, creationTimestamp };
}

const POD_SPEC_RULE =
  "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

function checkChange(
  resource: Resource,
  current: ApiObject,
  wanted: Given,
  changed: ObjectMeta,
): readonly FieldError[] {
  const metadata = givenAt(wanted, "metadata");
  const errors: FieldError[] = [...checkMeta(resource.kind, { ...changed })];
  const uid = textAt(metadata, "uid");
  if (uid !== undefined && uid !== current.metadata.uid)
    errors.push(invalidValue("metadata.uid", uid, "field is immutable"));
  const held = current.metadata.finalizers ?? [];
  const added = listAt({ ...changed }, "finalizers").filter((finalizer) => !held.includes(String(finalizer)));
  if (current.metadata.deletionTimestamp !== undefined && added.length > 0) {
    const names = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
    const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`;
    errors.push({ kind: "forbidden", field: "metadata.finalizers", message });
  }
  if (resource.name === "pods" && wanted.spec !== undefined && !isDeepStrictEqual(wanted.spec, current.spec))
    errors.push({ kind: "forbidden", field: "spec", message: POD_SPEC_RULE });
  return errors;
}
