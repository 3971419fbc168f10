/** Whether a node takes a pod: its room, its labels, its taints, and whether it is heard. */
import { readQuantity } from "./instants.ts";
import type { KubernetesNode, Pod, Toleration } from "./objects.ts";
import { type Given, givenAt, isGiven, listAt, textAt } from "./objects-given.ts";
import { type KubernetesState, podsOf } from "./state.ts";

/** Why it does not, in the scheduler's words; null: it does. */
export function refusalOf(state: KubernetesState, node: KubernetesNode, pod: Pod): string | null {
  if (node.spec.unschedulable === true) return "node(s) were unschedulable";
  const taint = (node.spec.taints ?? []).find(
    (one) =>
      one.effect !== "PreferNoSchedule" &&
      !(pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, one)),
  );
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  if (!isSelected(node, pod)) return "node(s) didn't match Pod's node affinity/selector";
  return shortage(state, node, pod);
}

export function tolerates(
  { key = "", operator = "Equal", value = "", effect = "" }: Toleration,
  taint: { readonly key: string; readonly value?: string; readonly effect: string },
): boolean {
  if (effect !== "" && effect !== taint.effect) return false;
  if (key === "") return operator === "Exists";
  return key === taint.key && (operator === "Exists" || value === (taint.value ?? ""));
}

function isSelected(node: KubernetesNode, { spec }: Pod): boolean {
  const labels = node.metadata.labels ?? {};
  const hasLabels = Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  const affinity = givenAt(givenAt(spec, "affinity"), "nodeAffinity");
  const terms = listAt(givenAt(affinity, "requiredDuringSchedulingIgnoredDuringExecution"), "nodeSelectorTerms");
  return hasLabels && (terms.length === 0 || terms.some((term) => isGiven(term) && matchesTerm(node, term)));
}

function matchesTerm(node: KubernetesNode, term: Given): boolean {
  const byLabel = listAt(term, "matchExpressions").every(
    (one) => isGiven(one) && matchesExpression(one, node.metadata.labels?.[textAt(one, "key") ?? ""]),
  );
  const byField = listAt(term, "matchFields").every(
    (one) => isGiven(one) && matchesExpression(one, node.metadata.name),
  );
  return byLabel && byField;
}

function matchesExpression(expression: Given, value: string | undefined): boolean {
  const values = listAt(expression, "values");
  switch (expression.operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
}

/** How much the pod would rather be there than elsewhere. */
export function preferenceOf(node: KubernetesNode, { spec }: Pod): number {
  const affinity = givenAt(givenAt(spec, "affinity"), "nodeAffinity");
  return listAt(affinity, "preferredDuringSchedulingIgnoredDuringExecution")
    .filter(isGiven)
    .filter((one) => matchesTerm(node, givenAt(one, "preference")))
    .reduce((sum, { weight }) => sum + (typeof weight === "number" ? weight : 0), 0);
}

const MEASURES = ["cpu", "memory"] as const;

/** On it, and not over. */
function podsOn(state: KubernetesState, nodeName: string): readonly Pod[] {
  return [...podsOf(state).values()].filter(
    ({ spec, status }) => spec.nodeName === nodeName && status.phase !== "Succeeded" && status.phase !== "Failed",
  );
}

function shortage(state: KubernetesState, { metadata, status }: KubernetesNode, pod: Pod): string | null {
  const others = podsOn(state, metadata.name);
  if (others.length + 1 > Number(status.allocatable.pods ?? 0)) return "Too many pods";
  for (const measure of MEASURES) {
    const wanted = requested(pod, measure);
    const taken = others.reduce((sum, other) => sum + requested(other, measure), 0);
    if (wanted > 0 && taken + wanted > (readQuantity(status.allocatable[measure] ?? "0") ?? 0))
      return `Insufficient ${measure}`;
  }
  return null;
}

function requested({ spec }: Pod, measure: (typeof MEASURES)[number]): number {
  return spec.containers.reduce(
    (sum, { resources }) => sum + (readQuantity(resources?.requests?.[measure] ?? "0") ?? 0),
    0,
  );
}
