/**
 * The permissions that pools need and no others, as objects of Kubernetes: a Role in each namespace of pods, and a
 * ClusterRole for what belongs to no namespace.
 */
import type { ControllerId } from "../../domain/ids.ts";
import { policyRules } from "./access-rules.ts";

/** Whom the roles are given to: the account that the controller runs as. */
export interface RoleSubject {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** The one of the manifests that are shipped. */
const SHIPPED_SUBJECT: RoleSubject = { namespace: "holdfast", serviceAccount: "holdfast" };
const GROUP = "rbac.authorization.k8s.io";

/** As `kubectl apply` takes them, one after the other. @param namespaces those of the pools' pods, in any number. */
export function rolesFor(
  controllerId: ControllerId,
  namespaces: readonly string[],
  subject: RoleSubject = SHIPPED_SUBJECT,
): readonly object[] {
  const name = `holdfast-${controllerId}`;
  const subjects = [{ kind: "ServiceAccount", name: subject.serviceAccount, namespace: subject.namespace }];
  const pair = (scope: "namespace" | "cluster", metadata: object): readonly object[] => {
    const kind = scope === "namespace" ? "Role" : "ClusterRole";
    const roleRef = { apiGroup: GROUP, kind, name };
    return [
      { apiVersion: `${GROUP}/v1`, kind, metadata, rules: policyRules(scope) },
      { apiVersion: `${GROUP}/v1`, kind: `${kind}Binding`, metadata, roleRef, subjects },
    ];
  };
  const inNamespaces = [...new Set(namespaces)].flatMap((namespace) => pair("namespace", { name, namespace }));
  return [...inNamespaces, ...pair("cluster", { name })];
}
