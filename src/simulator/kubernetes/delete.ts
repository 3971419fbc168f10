/**
 * Deleting. A pod that may be running on a node is only marked: its kubelet ends its processes within the grace period and
 * deletes it then with no grace at all. What has finalizers stays, marked, until they are taken away.
 */
import { SECOND_MS } from "../../domain/units.ts";
import { conflict } from "./errors.ts";
import { wireTime } from "./instants.ts";
import { findObject, readWhole } from "./list.ts";
import type { ApiObject, Pod } from "./objects.ts";
import { type Given, givenAt, isGiven, textAt } from "./objects-given.ts";
import type { KubernetesRequest } from "./requests.ts";
import type { Resource } from "./resources.ts";
import type { KubernetesState } from "./state.ts";
import { put, remove } from "./store.ts";

export function deleteObject(
  state: KubernetesState,
  resource: Resource,
  request: KubernetesRequest,
  isDryRun: boolean,
  nowMs: number,
): object {
  const options = isGiven(request.body) ? request.body : {};
  const object = findObject(state, resource, request);
  demandPreconditions(resource, object, givenAt(options, "preconditions"));
  const deleted = endObject(state, resource, object, graceOf(resource, object, options, request), isDryRun, nowMs);
  if (resource.showsDeleted) return deleted;
  const { name, uid } = object.metadata;
  const details = { name, ...(resource.group === "" ? {} : { group: resource.group }), kind: resource.name, uid };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}

/** @throws {KubernetesRefusal} Conflict where the object is another one, or has changed since. */
function demandPreconditions(resource: Resource, { metadata }: ApiObject, preconditions: Given): void {
  // A graceful deletion's refusal names the kind, where all others name the resource.
  const subject = resource.name === "pods" ? { name: resource.kind, group: "" } : resource;
  const uid = textAt(preconditions, "uid");
  if (uid !== undefined && uid !== metadata.uid)
    throw conflict(
      subject,
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  const version = textAt(preconditions, "resourceVersion");
  if (version !== undefined && version !== metadata.resourceVersion)
    throw conflict(
      subject,
      metadata.name,
      `the ResourceVersion in the precondition (${version}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
}

function graceOf(resource: Resource, object: ApiObject, options: Given, request: KubernetesRequest): number {
  if (resource.name !== "pods") return 0;
  const { spec, status, metadata } = object as Pod;
  const isOver = status.phase === "Succeeded" || status.phase === "Failed";
  if (isOver || (spec.nodeName ?? "") === "") return 0;
  const said = request.options?.gracePeriodSeconds;
  const inBody = options.gracePeriodSeconds;
  const asked = said !== undefined ? readWhole(said) : typeof inBody === "number" ? inBody : null;
  const usual = metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
  const seconds = asked ?? usual;
  return seconds < 0 ? 1 : seconds;
}

/**
 * @param graceSeconds a pod's kubelet has so long; a deletion that is under way is never given longer.
 * @returns the object as it was left, or as it was removed.
 */
export function endObject(
  state: KubernetesState,
  resource: Resource,
  object: ApiObject,
  graceSeconds: number,
  isDryRun: boolean,
  nowMs: number,
): ApiObject {
  const isHeld = (object.metadata.finalizers ?? []).length > 0 || resource.name === "namespaces";
  if (graceSeconds === 0 && !isHeld) {
    const ended = marked(object, 0, nowMs);
    if (isDryRun) return ended;
    // A pod is seen to be marked before it is seen to go, even if that is at once.
    return remove(state, resource.name, resource.name === "pods" ? put(state, "pods", ended, nowMs) : ended, nowMs);
  }
  const { deletionGracePeriodSeconds } = object.metadata;
  if (deletionGracePeriodSeconds !== undefined && deletionGracePeriodSeconds <= graceSeconds) return object;
  const ended = marked(object, graceSeconds, nowMs);
  return isDryRun ? ended : put(state, resource.name, ended, nowMs);
}

/** The moment counts from when the deletion was first asked for. */
function marked(object: ApiObject, graceSeconds: number, nowMs: number): ApiObject {
  const { deletionTimestamp, deletionGracePeriodSeconds, generation } = object.metadata;
  const askedMs =
    deletionTimestamp === undefined
      ? nowMs
      : Date.parse(deletionTimestamp) - (deletionGracePeriodSeconds ?? 0) * SECOND_MS;
  const isFirst = deletionTimestamp === undefined;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      ...(generation === undefined ? {} : { generation: isFirst ? generation + 1 : generation }),
      deletionTimestamp: wireTime(askedMs + graceSeconds * SECOND_MS),
      ...(object.kind === "Namespace" ? {} : { deletionGracePeriodSeconds: graceSeconds }),
    },
    ...(object.kind === "Namespace" ? { status: { phase: "Terminating" } } : {}),
  };
}

/** Every object of the namespace that the selectors find; each by itself, as the API server does it. */
export function deleteObjects(
  state: KubernetesState,
  resource: Resource,
  objects: readonly ApiObject[],
  request: KubernetesRequest,
  isDryRun: boolean,
  nowMs: number,
): readonly ApiObject[] {
  const options = isGiven(request.body) ? request.body : {};
  return objects.map((object) =>
    endObject(state, resource, object, graceOf(resource, object, options, request), isDryRun, nowMs),
  );
}
