/** Reads pods and says what each is: all of the pool by its labels, or some by their ids. */
import { PatchStrategy, setHeaderOptions, type V1Pod } from "@kubernetes/client-node";
import { ProviderError } from "../../domain/errors.ts";
import type { ProviderId } from "../../domain/ids.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import { judgeAbsence } from "../../domain/pod/absence.ts";
import { judgePod } from "../../domain/pod/judge.ts";
import { type PodPlace, parsePodProviderId, podProviderId } from "../../domain/pod/provider-id.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KubernetesClients } from "./client.ts";
import { readFailure, toUnavailable } from "./errors.ts";
import { type Owner, ownerLabels, ownerSelector, readMarks } from "./marks.ts";
import type { NodeReader } from "./nodes.ts";
import { listPages } from "./pages.ts";
import { inParallel } from "./parallel.ts";
import { readShape } from "./shape.ts";
import type { Sights } from "./sights.ts";

/** More ids than this are looked for in one listing first. */
const SINGLE_READS_MAX = 20;

export interface ListContext {
  readonly clients: KubernetesClients;
  readonly owner: Owner;
  readonly namespace: string;
  readonly clock: Clock;
  readonly sights: Sights;
  readonly readNodes: NodeReader;
}

/** @throws {ProviderError} `provider-unavailable` where any page could not be read. */
export async function listAll(context: ListContext): Promise<readonly ObservedMachine[]> {
  const observedAtMs = context.clock.nowMs();
  return observePods(context, await listPods(context), observedAtMs);
}

async function listPods({ clients, owner, namespace }: ListContext): Promise<readonly V1Pod[]> {
  const labelSelector = ownerSelector(owner);
  try {
    return await listPages((page) => clients.core.listNamespacedPod({ namespace, labelSelector, ...page }));
  } catch (error) {
    throw toUnavailable(error, `listing the pods of pool ${owner.pool} in namespace ${namespace}`);
  }
}

/** One for each id, in their order. */
export async function listByIds(context: ListContext, ids: readonly ProviderId[]): Promise<readonly ObservedMachine[]> {
  const places = ids.map(demandPlace);
  const observedAtMs = context.clock.nowMs();
  const listed = ids.length > SINGLE_READS_MAX ? byUid(await listPods(context)) : new Map<string, V1Pod>();
  const found = await inParallel(places, async (place) => listed.get(place.podUid) ?? (await readPod(context, place)));
  const owned = found.map((pod) => (pod === null || isAnothers(context, pod) ? null : pod));
  const present = owned.filter((pod) => pod !== null);
  await markAgain(context, present);
  const observed = new Map(
    (await observePods(context, present, observedAtMs)).map((machine) => [machine.providerId, machine]),
  );
  return ids.map((providerId, index) => {
    const last = context.sights.last(places[index]?.podUid ?? "");
    const state = found[index] === null ? judgeAbsence(last) : "not-found";
    const absent = { machineId: null, launchId: null, pool: null, state, observedAtMs } as const;
    return observed.get(providerId) ?? { providerId, ...absent };
  });
}

/** Another kind's id cannot be known here, and not knowing it would say nothing. */
export function demandPlace(id: ProviderId): PodPlace {
  const place = parsePodProviderId(id);
  if (place !== null) return place;
  throw new ProviderError("provider-unavailable", `reading ${id}, which does not name a pod`);
}

/** @returns null where there is none of this uid. */
export async function readPod({ clients }: Pick<ListContext, "clients">, place: PodPlace): Promise<V1Pod | null> {
  const { namespace, podName, podUid } = place;
  try {
    const pod = await clients.core.readNamespacedPod({ namespace, name: podName });
    return pod.metadata?.uid === podUid ? pod : null;
  } catch (error) {
    if (readFailure(error).trouble === "absent") return null;
    throw toUnavailable(error, `reading pod ${namespace}/${podName}`);
  }
}

/** What has no id of the known shape is none of ours: our own launches make no such. */
async function observePods(
  context: ListContext,
  pods: readonly V1Pod[],
  observedAtMs: number,
): Promise<readonly ObservedMachine[]> {
  const nodeOf = await context.readNodes(pods);
  return pods.flatMap((pod) => {
    const providerId = idOf(pod);
    if (providerId === null) return [];
    const { metadata = {} } = pod;
    const shape = readShape(pod, { node: nodeOf(pod), isDeletionOverdue: context.sights.isDeletionOverdue(pod) });
    const { uid = "", resourceVersion = "" } = metadata;
    context.sights.noteJudged(uid, { resourceVersion, nodeName: pod.spec?.nodeName ?? null, shape });
    const { machineId, launchId, pool } = readMarks(metadata);
    return [{ providerId, machineId, launchId, pool, observedAtMs, ...judgePod(shape) }];
  });
}

/** @returns null for what a pod of ours is never called. */
export function idOf({ metadata }: V1Pod): ProviderId | null {
  const { namespace = "", name: podName = "", uid: podUid = "" } = metadata ?? {};
  try {
    return podProviderId({ namespace, podName, podUid });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function byUid(pods: readonly V1Pod[]): Map<string, V1Pod> {
  return new Map(pods.map((pod) => [pod.metadata?.uid ?? "", pod]));
}

/** A pod that carries another controller's mark is that controller's, whatever our store says. */
function isAnothers({ owner }: ListContext, { metadata = {} }: V1Pod): boolean {
  const { controllerId } = readMarks(metadata);
  return controllerId !== null && controllerId !== owner.controllerId;
}

/**
 * There without our labels: still ours, because the store has its id, and listings must find it again. Failing here costs
 * nothing: the next reading tries again.
 */
async function markAgain({ clients, owner }: ListContext, pods: readonly V1Pod[]): Promise<void> {
  const unmarked = pods.filter(({ metadata = {} }) => {
    const { controllerId, pool } = readMarks(metadata);
    return controllerId === null || pool === null;
  });
  await inParallel(unmarked, async ({ metadata }) => {
    const { namespace = "", name = "", uid } = metadata ?? {};
    const body = { metadata: { uid, labels: ownerLabels(owner) } };
    const options = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
    // The controllers raise the alarm about a machine that is there and not listed; this is only the mend.
    await clients.core.patchNamespacedPod({ namespace, name, body }, options).catch(() => undefined);
  });
}
