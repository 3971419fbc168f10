/** Whether a node takes a pod: its room, its labels, its taints, and whether it is heard. */
import { readQuantity } from "./instants.ts";
import type { KubernetesNode, Pod, PodSpec, Toleration } from "./objects.ts";
import { type Given, givenAt, isGiven, listAt, textAt } from "./objects-given.ts";
import { type KubernetesState, podsOf } from "./state.ts";

/** Why it does not, in the scheduler's words; null: it does. */
export function refusalOf(node: KubernetesNode, pod: Pod, load: Load = EMPTY): string | null {
  if (node.spec.unschedulable === true) return "node(s) were unschedulable";
  const taint = (node.spec.taints ?? []).find(
    (one) =>
      one.effect !== "PreferNoSchedule" &&
      !(pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, one)),
  );
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  if (!isSelected(node, pod)) return "node(s) didn't match Pod's node affinity/selector";
  return shortage(node, pod, load);
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

interface Amounts {
  readonly cpu: number;
  readonly memory: number;
}

/** What is taken of a node. */
export interface Load extends Amounts {
  readonly podCount: number;
}

const EMPTY: Load = { podCount: 0, cpu: 0, memory: 0 };

/** Of every node that has any; pods that are over take nothing. */
export function loadsOf(state: KubernetesState): ReadonlyMap<string, Load> {
  const loads = new Map<string, Load>();
  for (const { spec, status } of podsOf(state).values()) {
    if (spec.nodeName === undefined || status.phase === "Succeeded" || status.phase === "Failed") continue;
    const { podCount, cpu, memory } = loads.get(spec.nodeName) ?? EMPTY;
    const wanted = requestsOf(spec);
    loads.set(spec.nodeName, { podCount: podCount + 1, cpu: cpu + wanted.cpu, memory: memory + wanted.memory });
  }
  return loads;
}

function shortage({ status }: KubernetesNode, { spec }: Pod, load: Load): string | null {
  if (load.podCount + 1 > Number(status.allocatable.pods ?? 0)) return "Too many pods";
  const wanted = requestsOf(spec);
  for (const measure of ["cpu", "memory"] as const) {
    const there = readQuantity(status.allocatable[measure] ?? "0") ?? 0;
    if (wanted[measure] > 0 && load[measure] + wanted[measure] > there) return `Insufficient ${measure}`;
  }
  return null;
}

/** Containers never change, and thousands of pods are looked at for each that is scheduled. */
const readRequests = new WeakMap<PodSpec["containers"], Amounts>();

function requestsOf({ containers }: PodSpec): Amounts {
  const known = readRequests.get(containers);
  if (known !== undefined) return known;
  const sum = (measure: keyof Amounts) =>
    containers.reduce((total, { resources }) => total + (readQuantity(resources?.requests?.[measure] ?? "0") ?? 0), 0);
  const amounts = { cpu: sum("cpu"), memory: sum("memory") };
  readRequests.set(containers, amounts);
  return amounts;
}
