/** Making objects: what is given is checked, completed as the API server completes it, admitted, and stored. */

import { addDefaultAccount } from "./accounts.ts";
import { alreadyExists, forbidden, invalid, KubernetesRefusal } from "./errors.ts";
import { wireTime } from "./instants.ts";
import { demandNamespace } from "./list.ts";
import type { ApiObject, Pod } from "./objects.ts";
import { demandKind, type Given, givenAt, textAt } from "./objects-given.ts";
import { completePodSpec } from "./pod-defaults.ts";
import { demandQuota } from "./quota.ts";
import type { KubernetesRequest } from "./requests.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import { type KubernetesState, keyOf } from "./state.ts";
import { put } from "./store.ts";
import { newName, newUid } from "./uids.ts";
import { checkMeta } from "./validate-meta.ts";
import { checkPodSpec } from "./validate-pod.ts";

/** @param isDryRun everything but the storing. */
export function makeObject(
  state: KubernetesState,
  resource: Resource,
  { namespace, body }: KubernetesRequest,
  isDryRun: boolean,
  nowMs: number,
): ApiObject {
  const given = demandKind(body, resource);
  const metadata = givenAt(given, "metadata");
  if (metadata.namespace !== undefined && metadata.namespace !== "" && metadata.namespace !== namespace)
    throw new KubernetesRefusal(
      "BadRequest",
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  const name = textAt(metadata, "name") || newName(state, textAt(metadata, "generateName"));
  if (namespace !== undefined) demandOpenNamespace(state, resource, namespace, name);
  const object = completed(state, resource, given, { ...metadata, name }, namespace, nowMs);
  // The webhooks and the quota are asked before the object is looked at more closely.
  if (resource.name === "pods") admitPod(state, object as Pod);
  const errors = [
    ...checkMeta(resource.kind, { ...metadata, name: name === "" ? undefined : name }),
    ...(resource.name === "pods" ? checkPodSpec(given) : []),
  ];
  if (errors.length > 0) throw invalid(resource, name, errors);
  if (state.objects[resource.name].has(keyOf(object.metadata))) throw alreadyExists(resource, name);
  if (resource.name === "pods") demandQuota(state, resource, object as Pod);
  if (isDryRun) return object;
  const stored = put(state, resource.name, object, nowMs);
  if (resource.name === "namespaces" && state.options.hasKubelets) addDefaultAccount(state, name, nowMs);
  return stored;
}

/** @throws {KubernetesRefusal} NotFound, or Forbidden where the namespace is on its way out. */
function demandOpenNamespace(state: KubernetesState, resource: Resource, namespace: string, name: string): void {
  demandNamespace(state, namespace);
  const isEnding = state.objects.namespaces.get(namespace)?.metadata.deletionTimestamp !== undefined;
  if (isEnding)
    throw forbidden(
      resource,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
}

function completed(
  state: KubernetesState,
  resource: Resource,
  given: Given,
  metadata: Given,
  namespace: string | undefined,
  nowMs: number,
): ApiObject {
  const { deletionTimestamp: _ended, deletionGracePeriodSeconds: _grace, ...kept } = metadata;
  const { kind: _kind, apiVersion: _apiVersion, metadata: _metadata, ...members } = given;
  const own =
    resource.name === "pods" ? podMembers(members) : resource.name === "namespaces" ? NAMESPACE_MEMBERS : members;
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: {
      ...kept,
      name: String(metadata.name),
      ...(namespace === undefined ? {} : { namespace }),
      uid: newUid(state),
      resourceVersion: "",
      ...(resource.hasGeneration ? { generation: 1 } : {}),
      creationTimestamp: wireTime(nowMs),
    },
    ...own,
  };
}

const NAMESPACE_MEMBERS = { spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } };

/** What somebody writes of a new pod's status counts for nothing. */
function podMembers(members: Given): Given {
  return {
    ...members,
    spec: completePodSpec(givenAt(members, "spec")),
    status: { phase: "Pending", qosClass: "BestEffort" },
  };
}

/** @throws {KubernetesRefusal} Forbidden where a webhook says no, or its account is not there. */
function admitPod(state: KubernetesState, pod: Pod): void {
  const { name, namespace = "" } = pod.metadata;
  const account = pod.spec.serviceAccountName ?? "default";
  if (!state.objects.serviceaccounts.has(keyOf({ name: account, namespace })))
    throw forbidden(
      { name: "pods", group: "" },
      name,
      `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`,
    );
  const refusal = state.refuseAdmission?.(pod) ?? null;
  if (refusal !== null)
    throw new KubernetesRefusal(
      "Forbidden",
      `admission webhook "policy.simulated.example" denied the request: ${refusal}`,
    );
}
