/**
 * All that Holdfast may do at a cluster's API, and what for: the one list behind the roles that are shipped, the ones that
 * `holdfast check` prints, and the questions that it asks the API about itself (`SelfSubjectAccessReview`, for which
 * every account has the right).
 *
 * In the pool's namespace its pods and their disruption budget; nothing there can read a secret, and nothing can enter a
 * container. In the cluster: whose a pod's token is, and which nodes are there.
 */

export interface AccessRule {
  readonly scope: "namespace" | "cluster";
  /** "" is the core group. */
  readonly apiGroup: string;
  /** With its subresource: `pods/log`. */
  readonly resource: string;
  readonly verb: string;
  /** What does not work without it, as the end of a sentence that begins "without it". */
  readonly without: string;
  /** Nothing stands still without it. */
  readonly isOptional?: true;
}

const PODS = { scope: "namespace", apiGroup: "", resource: "pods" } as const;
const BUDGETS = { scope: "namespace", apiGroup: "policy", resource: "poddisruptionbudgets" } as const;

export const ACCESS_RULES: readonly AccessRule[] = [
  { ...PODS, verb: "create", without: "no machine is started" },
  { ...PODS, verb: "get", without: "it is never certain that a machine is gone" },
  { ...PODS, verb: "list", without: "no machine is seen" },
  { ...PODS, verb: "watch", without: "changes of pods are seen by the next listing only" },
  { ...PODS, verb: "delete", without: "no machine is ever ended, and each costs until somebody deletes it" },
  { ...PODS, verb: "patch", without: "a pod that lost its labels is not found by listings any more" },
  {
    scope: "namespace",
    apiGroup: "",
    resource: "pods/log",
    verb: "get",
    without: "the last lines of a pod that never checked in are lost with it",
  },
  { ...BUDGETS, verb: "create", without: "a drain of a node evicts pods that run jobs" },
  { ...BUDGETS, verb: "delete", without: "the disruption budget of a pool stays behind" },
  {
    scope: "cluster",
    apiGroup: "authentication.k8s.io",
    resource: "tokenreviews",
    verb: "create",
    without: "no agent can check in",
  },
  {
    scope: "cluster",
    apiGroup: "",
    resource: "nodes",
    verb: "list",
    without: "a node that starts nothing is not avoided, and a reason does not name a node that is not ready",
    isOptional: true,
  },
];

/** As a Role or ClusterRole has it. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** The rules of a scope, one for each resource, in the order of the list. */
export function policyRules(scope: AccessRule["scope"]): readonly PolicyRule[] {
  const rules = ACCESS_RULES.filter((rule) => rule.scope === scope);
  const keyOf = ({ apiGroup, resource }: AccessRule) => `${apiGroup}/${resource}`;
  return [...Map.groupBy(rules, keyOf).values()].map((same) => ({
    apiGroups: [same[0]?.apiGroup ?? ""],
    resources: [same[0]?.resource ?? ""],
    verbs: same.map(({ verb }) => verb),
  }));
}
