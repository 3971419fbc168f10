/** Who calls, and what they may do: bearer tokens, service accounts, and the roles that are bound to them (RBAC). */
import { forbidden, KubernetesRefusal } from "./errors.ts";
import type { ApiObject } from "./objects.ts";
import { type Given, givenAt, isGiven, listAt, textAt } from "./objects-given.ts";
import type { KubernetesState, TokenHolder } from "./state.ts";
import { keyOf, podsOf } from "./state.ts";

export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
  /** May do everything. */
  readonly isAdministrator: boolean;
}

/** What a token is good for unless it says otherwise: calls to this API. */
export const API_AUDIENCE = "https://kubernetes.default.svc";

/** @throws {KubernetesRefusal} Unauthorized for a token that is none, is over, or is meant for somebody else. */
export function identify(state: KubernetesState, token: string | undefined, nowMs: number): User {
  const holder = token === undefined ? undefined : state.tokens.get(token);
  const isGood = holder !== undefined && (holder.kind === "administrator" || isMeantFor(holder, [API_AUDIENCE]));
  if (!isGood || !isAlive(state, holder, nowMs)) throw new KubernetesRefusal("Unauthorized", "Unauthorized");
  return userOf(holder);
}

export function isMeantFor(holder: TokenHolder, audiences: readonly string[]): boolean {
  return holder.kind === "administrator" || audiences.some((audience) => holder.audiences.includes(audience));
}

/** Its time is not over, and what it is bound to is there. */
export function isAlive(state: KubernetesState, holder: TokenHolder, nowMs: number): boolean {
  if (holder.kind === "administrator") return true;
  const { namespace, name, uid, pod } = holder;
  if (nowMs >= holder.expiresAtMs) return false;
  if (state.objects.serviceaccounts.get(keyOf({ name, namespace }))?.metadata.uid !== uid) return false;
  return pod === null || podsOf(state).get(keyOf({ name: pod.name, namespace }))?.metadata.uid === pod.uid;
}

export function userOf(holder: TokenHolder): User {
  if (holder.kind === "administrator")
    return { username: "admin", groups: ["system:masters", "system:authenticated"], extra: {}, isAdministrator: true };
  const { namespace, name, uid, pod } = holder;
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    extra:
      pod === null
        ? {}
        : {
            "authentication.kubernetes.io/pod-name": [pod.name],
            "authentication.kubernetes.io/pod-uid": [pod.uid],
          },
    isAdministrator: false,
  };
}

export interface Attempt {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `pods/log`. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** Everybody who is somebody may ask what they may do. */
const FOR_ALL = new Set(["create selfsubjectaccessreviews"]);

export function isAllowed(state: KubernetesState, user: User, attempt: Attempt): boolean {
  if (user.isAdministrator || FOR_ALL.has(`${attempt.verb} ${attempt.resource}`)) return true;
  return rolesOf(state, user, attempt.namespace).some((role) =>
    listAt(role, "rules").some((rule) => isGiven(rule) && permits(rule, attempt)),
  );
}

function permits(rule: Given, { verb, group, resource, name = "" }: Attempt): boolean {
  const has = (list: string, value: string) => {
    const values = listAt(rule, list);
    return values.includes(value) || values.includes("*");
  };
  const names = listAt(rule, "resourceNames");
  return (
    has("verbs", verb) &&
    has("apiGroups", group) &&
    has("resources", resource) &&
    (names.length === 0 || names.includes(name))
  );
}

/** Bound to the user in the whole cluster, or in that namespace. */
function rolesOf(state: KubernetesState, user: User, namespace: string | undefined): readonly ApiObject[] {
  const { rolebindings, clusterrolebindings } = state.objects;
  const inNamespace = [...rolebindings.values()].filter(({ metadata }) => metadata.namespace === namespace);
  return [...clusterrolebindings.values(), ...(namespace === undefined ? [] : inNamespace)]
    .filter((binding) =>
      listAt(binding, "subjects").some((subject) => isGiven(subject) && names(subject, user, binding)),
    )
    .map((binding) => roleOf(state, binding))
    .filter((role) => role !== undefined);
}

function names(subject: Given, user: User, { metadata }: ApiObject): boolean {
  const name = textAt(subject, "name") ?? "";
  switch (subject.kind) {
    case "ServiceAccount":
      return user.username === `system:serviceaccount:${textAt(subject, "namespace") ?? metadata.namespace}:${name}`;
    case "Group":
      return user.groups.includes(name);
    default:
      return user.username === name;
  }
}

function roleOf(state: KubernetesState, binding: ApiObject): ApiObject | undefined {
  const ref = givenAt(binding, "roleRef");
  const name = textAt(ref, "name") ?? "";
  if (ref.kind === "ClusterRole") return state.objects.clusterroles.get(name);
  return state.objects.roles.get(keyOf({ name, namespace: binding.metadata.namespace }));
}

/** @throws {KubernetesRefusal} Forbidden, in the API server's words. */
export function demandPermission(state: KubernetesState, user: User, attempt: Attempt): void {
  if (isAllowed(state, user, attempt)) return;
  const { verb, group, resource, namespace, name = "" } = attempt;
  const place = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  throw forbidden(
    { name: resource.split("/")[0] ?? resource, group },
    name,
    `User "${user.username}" cannot ${verb} resource "${resource}" in API group "${group}" ${place}`,
  );
}
