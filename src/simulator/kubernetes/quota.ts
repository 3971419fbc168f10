/** Resource quotas: what they count, how much of it is used, and the refusal of what would go above them. */
import { forbidden } from "./errors.ts";
import { readQuantity } from "./instants.ts";
import type { ApiObject, Container, Pod } from "./objects.ts";
import { givenAt, textAt } from "./objects-given.ts";
import type { Resource } from "./resources.ts";
import { type KubernetesState, podsOf } from "./state.ts";

/** What a quota's name of a resource is found by in a container: `requests.cpu`, or `cpu` for short. */
function measureOf(name: string): { readonly kind: "requests" | "limits"; readonly resource: string } | null {
  const [, kind, resource] = /^(?:(requests|limits)\.)?(cpu|memory|ephemeral-storage)$/.exec(name) ?? [];
  return resource === undefined ? null : { kind: kind === "limits" ? "limits" : "requests", resource };
}

function isCounted(name: string): boolean {
  return name === "pods" || name === "count/pods" || measureOf(name) !== null;
}

/** Null where a container does not say. */
function amountOf(pod: Pod, name: string): string | null {
  const measure = measureOf(name);
  if (measure === null) return "1";
  const texts = pod.spec.containers.map(({ resources }) => resources?.[measure.kind]?.[measure.resource] ?? null);
  const [only] = texts;
  if (texts.includes(null)) return null;
  if (texts.length === 1 && only !== undefined) return only;
  return String(texts.reduce((sum, text) => sum + (readQuantity(text ?? "0") ?? 0), 0));
}

/** Pods that have ended take nothing of it. */
function isCharged({ status }: Pod): boolean {
  return status.phase !== "Succeeded" && status.phase !== "Failed";
}

/**
 * What the namespace uses of it. Where nothing keeps the cluster's quotas up to date, what their status says stands.
 */
function usedOf(state: KubernetesState, quota: ApiObject, name: string): string {
  const said = textAt(givenAt(givenAt(quota, "status"), "used"), name);
  if (said !== undefined && !state.options.hasKubelets) return said;
  const sum = [...podsOf(state).values()]
    .filter((pod) => pod.metadata.namespace === quota.metadata.namespace && isCharged(pod))
    .reduce((total, pod) => total + (readQuantity(amountOf(pod, name) ?? "0") ?? 0), 0);
  return String(sum);
}

/** @throws {KubernetesRefusal} Forbidden where a quota of the namespace is too small for the pod. */
export function demandQuota(state: KubernetesState, resource: Resource, pod: Pod): void {
  for (const quota of state.objects.resourcequotas.values()) {
    if (quota.metadata.namespace !== pod.metadata.namespace) continue;
    demandRoom(state, resource, pod, quota);
  }
}

function demandRoom(state: KubernetesState, resource: Resource, pod: Pod, quota: ApiObject): void {
  const { name } = quota.metadata;
  const hard = givenAt(givenAt(quota, "spec"), "hard");
  const counted = Object.keys(hard).filter(isCounted).sort();
  const silent = counted.filter((one) => amountOf(pod, one) === null);
  if (silent.length > 0)
    throw forbidden(
      resource,
      pod.metadata.name,
      `failed quota: ${name}: ${silent.map((one) => saysNothing(pod, one)).join("; ")}`,
    );
  const short = counted.filter((one) => {
    const [wanted, used, limit] = [amountOf(pod, one), usedOf(state, quota, one), String(hard[one])].map(
      (text) => readQuantity(text ?? "0") ?? 0,
    );
    return (wanted ?? 0) + (used ?? 0) > (limit ?? 0);
  });
  if (short.length === 0) return;
  const tell = (amount: (one: string) => string | null) => short.map((one) => `${one}=${amount(one)}`).join(",");
  throw forbidden(
    resource,
    pod.metadata.name,
    `exceeded quota: ${name}, requested: ${tell((one) => amountOf(pod, one))}, used: ${tell((one) => usedOf(state, quota, one))}, limited: ${tell((one) => String(hard[one]))}`,
  );
}

function saysNothing({ spec }: Pod, name: string): string {
  const measure = measureOf(name);
  const isSilent = ({ resources }: Container) =>
    measure !== null && resources?.[measure.kind]?.[measure.resource] === undefined;
  const names = spec.containers.filter(isSilent).map((container) => container.name);
  return `must specify ${name} for: ${names.join(",")}`;
}
