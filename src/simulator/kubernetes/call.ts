/** One call to the API server: who calls, the permission, the fault that was put on it, the effect. */
import type { Transmission } from "../github/faults.ts";
import { demandPermission, identify, type User } from "./access.ts";
import { patchObject, replaceObject } from "./change.ts";
import { deleteObject, deleteObjects } from "./delete.ts";
import { failureStatus, invalid, KubernetesRefusal, REASONS, type Status } from "./errors.ts";
import { evictPod } from "./evict.ts";
import { type KubernetesFaultOutcome, takeKubernetesFault } from "./faults.ts";
import { advance } from "./life.ts";
import { demandNamespace, getObject, listObjects, matcherOf } from "./list.ts";
import { readLog } from "./logs.ts";
import { makeObject } from "./make.ts";
import { type KubernetesRequest, operationOf } from "./requests.ts";
import { isResourceName, RESOURCES, REVIEWS, type Resource } from "./resources.ts";
import { requestToken, reviewAccess, reviewToken } from "./reviews.ts";
import type { KubernetesState } from "./state.ts";
import { unsupported } from "./validate-pod.ts";
import { openWatch, type Watch } from "./watch.ts";

export type KubernetesResult =
  | { readonly kind: "answered"; readonly status: number; readonly body: object }
  | { readonly kind: "log"; readonly text: string }
  | { readonly kind: "watching"; readonly watch: Watch }
  | { readonly kind: "refused"; readonly status: number; readonly body: Status };

/** What became of a call, and what the caller gets to see of it. */
export interface KubernetesOutcome {
  readonly result: KubernetesResult;
  readonly transmission: Transmission;
}

export function callKubernetes(state: KubernetesState, request: KubernetesRequest, nowMs: number): KubernetesOutcome {
  advance(state, nowMs);
  const operation = operationOf(request);
  state.callCounts.set(operation, (state.callCounts.get(operation) ?? 0) + 1);
  const effect = () =>
    attempt(() => {
      const user = identify(state, request.token, nowMs);
      demandPermission(state, user, attemptOf(request));
      return answer(state, user, request, nowMs);
    });
  const outcome = applyFault(takeKubernetesFault(state.faults, operation), effect);
  advance(state, nowMs);
  return outcome;
}

function attemptOf({ verb, resource, subresource, namespace, name }: KubernetesRequest) {
  const { group } = isResourceName(resource) ? RESOURCES[resource] : REVIEWS[resource];
  const target = subresource === undefined ? resource : `${resource}/${subresource}`;
  return { verb, group, resource: target, namespace, name };
}

function answer(state: KubernetesState, user: User, request: KubernetesRequest, nowMs: number): KubernetesResult {
  const { resource, subresource, verb } = request;
  if (resource === "tokenreviews") return made(reviewToken(state, request, nowMs));
  if (resource === "selfsubjectaccessreviews") return made(reviewAccess(state, user, request));
  const known = RESOURCES[resource];
  const isDryRun = readDryRun(request);
  switch (subresource) {
    case "log":
      return { kind: "log", text: readLog(state, request) };
    case "eviction":
      return made(evictPod(state, request, isDryRun, nowMs));
    case "token":
      return made(requestToken(state, request, nowMs));
    case "status":
    case undefined:
      return answerVerb(state, known, request, verb, isDryRun, nowMs);
  }
}

function answerVerb(
  state: KubernetesState,
  resource: Resource,
  request: KubernetesRequest,
  verb: KubernetesRequest["verb"],
  isDryRun: boolean,
  nowMs: number,
): KubernetesResult {
  switch (verb) {
    case "get":
      return found(getObject(state, resource, request, nowMs));
    case "list":
      return found(listObjects(state, resource, request, nowMs));
    case "watch":
      return { kind: "watching", watch: openWatch(state, resource, request, nowMs) };
    case "create":
      return made(makeObject(state, resource, request, isDryRun, nowMs));
    case "update":
      return found(replaceObject(state, resource, request, isDryRun, nowMs));
    case "patch":
      return found(patchObject(state, resource, request, isDryRun, nowMs));
    case "delete":
      return found(deleteObject(state, resource, request, isDryRun, nowMs));
    case "deletecollection":
      return found(deleteAll(state, resource, request, isDryRun, nowMs));
  }
}

function deleteAll(
  state: KubernetesState,
  resource: Resource,
  request: KubernetesRequest,
  isDryRun: boolean,
  nowMs: number,
): object {
  const { namespace, options = {} } = request;
  if (namespace !== undefined) demandNamespace(state, namespace);
  const matches = matcherOf(resource, namespace, options);
  const objects = [...state.objects[resource.name].values()].filter(matches);
  const items = deleteObjects(state, resource, objects, request, isDryRun, nowMs);
  return {
    kind: `${resource.kind}List`,
    apiVersion: "v1",
    metadata: { resourceVersion: String(state.revision) },
    items,
  };
}

const DRY_RUN_OPTIONS: Readonly<Partial<Record<KubernetesRequest["verb"], string>>> = {
  create: "CreateOptions",
  update: "UpdateOptions",
  patch: "PatchOptions",
  delete: "DeleteOptions",
  deletecollection: "DeleteOptions",
};

function readDryRun({ verb, options }: KubernetesRequest): boolean {
  const said = options?.dryRun;
  const kind = DRY_RUN_OPTIONS[verb];
  if (said === undefined || kind === undefined) return false;
  if (said === "All") return true;
  throw invalid({ kind, group: "meta.k8s.io" }, "", [unsupported("dryRun", said, ["All"])]);
}

function found(body: object): KubernetesResult {
  return { kind: "answered", status: 200, body };
}

function made(body: object): KubernetesResult {
  return { kind: "answered", status: 201, body };
}

function applyFault(fault: KubernetesFaultOutcome | null, effect: () => KubernetesResult): KubernetesOutcome {
  switch (fault?.kind) {
    case undefined:
      return { result: effect(), transmission: { kind: "whole" } };
    case "delay":
    case "slow-body":
    case "half-answer":
      return { result: effect(), transmission: fault };
    case "answer-lost":
    case "reset":
      return { result: fault.effect === "done" ? effect() : found({}), transmission: { kind: fault.kind } };
    case "refused": {
      const { reason, retryAfterSeconds, message = `the call failed with ${reason}, as it was told to` } = fault;
      if (fault.effect === "done") effect();
      const details = retryAfterSeconds === undefined ? undefined : { retryAfterSeconds };
      return { result: refused(new KubernetesRefusal(reason, message, details)), transmission: { kind: "whole" } };
    }
  }
}

function refused({ reason, message, details, continueToken }: KubernetesRefusal): KubernetesResult {
  return { kind: "refused", status: REASONS[reason], body: failureStatus(reason, message, details, continueToken) };
}

function attempt(effect: () => KubernetesResult): KubernetesResult {
  try {
    return effect();
  } catch (error) {
    if (error instanceof KubernetesRefusal) return refused(error);
    throw error;
  }
}
