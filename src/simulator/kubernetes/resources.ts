/**
 * The kinds of objects that this API serves: where each is found, and what can be asked of it. What the model knows nothing
 * more of (services, deployments and the like) is kept as it was given and does nothing.
 */

export type ResourceName =
  | "namespaces"
  | "nodes"
  | "pods"
  | "events"
  | "resourcequotas"
  | "serviceaccounts"
  | "services"
  | "configmaps"
  | "secrets"
  | "persistentvolumeclaims"
  | "limitranges"
  | "deployments"
  | "networkpolicies"
  | "poddisruptionbudgets"
  | "roles"
  | "rolebindings"
  | "clusterroles"
  | "clusterrolebindings";

/** What is made but never kept: an answer to a question. */
export type ReviewName = "tokenreviews" | "selfsubjectaccessreviews";

export interface Resource {
  readonly name: ResourceName;
  readonly kind: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly isNamespaced: boolean;
  readonly hasStatus: boolean;
  /** Its `generation` counts the changes of what is wanted of it. */
  readonly hasGeneration: boolean;
  /** A deletion is answered with what was deleted, not with a word of success. */
  readonly showsDeleted: boolean;
}

const SHOWN_DELETED: ReadonlySet<ResourceName> = new Set(["pods", "namespaces", "serviceaccounts", "resourcequotas"]);

function resource(
  name: ResourceName,
  kind: string,
  place: { readonly group?: string; readonly shortNames?: readonly string[]; readonly isClusterWide?: true } = {},
  hasStatus = false,
): Resource {
  const { group = "", shortNames = [], isClusterWide = false } = place;
  const singular = kind.toLowerCase();
  return {
    name,
    kind,
    group,
    version: "v1",
    singular,
    shortNames,
    isNamespaced: !isClusterWide,
    hasStatus,
    hasGeneration: name === "pods" || name === "poddisruptionbudgets",
    showsDeleted: SHOWN_DELETED.has(name),
  };
}

const RBAC = { group: "rbac.authorization.k8s.io" };

export const RESOURCES: Readonly<Record<ResourceName, Resource>> = {
  namespaces: resource("namespaces", "Namespace", { isClusterWide: true, shortNames: ["ns"] }),
  nodes: resource("nodes", "Node", { isClusterWide: true, shortNames: ["no"] }, true),
  pods: resource("pods", "Pod", { shortNames: ["po"] }, true),
  events: resource("events", "Event", { shortNames: ["ev"] }),
  resourcequotas: resource("resourcequotas", "ResourceQuota", { shortNames: ["quota"] }, true),
  serviceaccounts: resource("serviceaccounts", "ServiceAccount", { shortNames: ["sa"] }),
  services: resource("services", "Service", { shortNames: ["svc"] }),
  configmaps: resource("configmaps", "ConfigMap", { shortNames: ["cm"] }),
  secrets: resource("secrets", "Secret"),
  persistentvolumeclaims: resource("persistentvolumeclaims", "PersistentVolumeClaim", { shortNames: ["pvc"] }),
  limitranges: resource("limitranges", "LimitRange", { shortNames: ["limits"] }),
  deployments: resource("deployments", "Deployment", { group: "apps", shortNames: ["deploy"] }),
  networkpolicies: resource("networkpolicies", "NetworkPolicy", {
    group: "networking.k8s.io",
    shortNames: ["netpol"],
  }),
  poddisruptionbudgets: resource("poddisruptionbudgets", "PodDisruptionBudget", {
    group: "policy",
    shortNames: ["pdb"],
  }),
  roles: resource("roles", "Role", RBAC),
  rolebindings: resource("rolebindings", "RoleBinding", RBAC),
  clusterroles: resource("clusterroles", "ClusterRole", { ...RBAC, isClusterWide: true }),
  clusterrolebindings: resource("clusterrolebindings", "ClusterRoleBinding", { ...RBAC, isClusterWide: true }),
};

/** The group that a review belongs to. */
export const REVIEWS: Readonly<Record<ReviewName, { readonly group: string; readonly kind: string }>> = {
  tokenreviews: { group: "authentication.k8s.io", kind: "TokenReview" },
  selfsubjectaccessreviews: { group: "authorization.k8s.io", kind: "SelfSubjectAccessReview" },
};

export function isResourceName(text: string): text is ResourceName {
  return Object.hasOwn(RESOURCES, text);
}

export function isReviewName(text: string): text is ReviewName {
  return Object.hasOwn(REVIEWS, text);
}

/** As `apiVersion` says it. */
export function apiVersionOf({ group, version }: Pick<Resource, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}
