/**
 * The permissions that pools need and no others, as objects of Kubernetes: a Role in each namespace of pods, and a
 * ClusterRole for the two things that belong to no namespace.
 */
import type { ControllerId } from "../../domain/ids.ts";

export interface Rule {
  readonly group: "" | "policy" | "authentication.k8s.io";
  readonly resource: string;
  readonly subresource: string | null;
  readonly verbs: readonly string[];
  /** What a pool cannot do without them; null where it only does it less well. */
  readonly without: string;
  readonly isNeeded: boolean;
}

export const NAMESPACE_RULES: readonly Rule[] = [
  {
    group: "",
    resource: "pods",
    subresource: null,
    verbs: ["create", "get", "list", "watch", "delete", "patch"],
    without: "pods cannot be started, found and ended",
    isNeeded: true,
  },
  {
    group: "",
    resource: "pods",
    subresource: "log",
    verbs: ["get"],
    without: "what a pod wrote that never checked in is lost",
    isNeeded: true,
  },
  {
    group: "policy",
    resource: "poddisruptionbudgets",
    subresource: null,
    verbs: ["create", "delete"],
    without: "a drain of a node evicts pods with jobs on them",
    isNeeded: true,
  },
];

export const CLUSTER_RULES: readonly Rule[] = [
  {
    group: "authentication.k8s.io",
    resource: "tokenreviews",
    subresource: null,
    verbs: ["create"],
    without: "no pod can prove who it is, and none gets a ticket",
    isNeeded: true,
  },
  {
    group: "",
    resource: "nodes",
    subresource: null,
    verbs: ["get", "list"],
    without: "a node that starts nothing is not avoided",
    isNeeded: false,
  },
];

export function nameOfRule({ resource, subresource }: Rule): string {
  return subresource === null ? resource : `${resource}/${subresource}`;
}

interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export function policyRule(rule: Rule, verbs: readonly string[] = rule.verbs): PolicyRule {
  return { apiGroups: [rule.group], resources: [nameOfRule(rule)], verbs };
}

/** Where the controller itself runs: whom the roles are given to. */
export interface RoleSubject {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** As `kubectl apply` takes them, one after the other. @param namespaces those of the pools' pods. */
export function rolesFor(
  controllerId: ControllerId,
  namespaces: readonly string[],
  subject: RoleSubject,
): readonly object[] {
  const name = `holdfast-${controllerId}`;
  const group = "rbac.authorization.k8s.io";
  const subjects = [{ kind: "ServiceAccount", name: subject.serviceAccount, namespace: subject.namespace }];
  const pair = (kind: "Role" | "ClusterRole", rules: readonly Rule[], metadata: object): readonly object[] => [
    { apiVersion: `${group}/v1`, kind, metadata, rules: rules.map((rule) => policyRule(rule)) },
    {
      apiVersion: `${group}/v1`,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: group, kind, name },
      subjects,
    },
  ];
  return [
    ...[...new Set(namespaces)].flatMap((namespace) => pair("Role", NAMESPACE_RULES, { name, namespace })),
    ...pair("ClusterRole", CLUSTER_RULES, { name }),
  ];
}
