/** What befalls the calls to the world's cluster, and its pods: the scenario's faults, put on the model. */

import { callKubernetes } from "../kubernetes/call.ts";
import { wedgePod } from "../kubernetes/cluster-control.ts";
import { demandPod } from "../kubernetes/control.ts";
import { ADMINISTRATOR_TOKEN } from "../kubernetes/create.ts";
import type { KubernetesFaultOutcome } from "../kubernetes/faults.ts";
import type { Pod } from "../kubernetes/objects.ts";
import type { KubernetesRequest } from "../kubernetes/requests.ts";
import { type KubernetesState, keyOf, podsOf } from "../kubernetes/state.ts";
import type { FaultKind, KubernetesErrorPlace } from "../scenario/fault.ts";
import type { Chance } from "../world/chance.ts";
import type { MachineFate, ProviderChances } from "./chances.ts";
import { providerIdOf } from "./kubernetes-hosts.ts";
import type { ProviderModelWorld } from "./provider-world.ts";

export const KUBERNETES_FAULT_KINDS: ReadonlySet<FaultKind> = new Set([
  "provider.no-capacity",
  "provider.quota",
  "provider.terminate-does-not-take",
  "provider.reclaim",
  "provider.marks-lost",
  "kubernetes.error",
  "kubernetes.stale-reads",
  "kubernetes.watch-gap",
  "kubernetes.pod-deleted",
  "kubernetes.finalizer",
  "kubernetes.node-silent",
  "kubernetes.node-lost",
  "kubernetes.node-starts-nothing",
  "kubernetes.no-image",
  "host.slow-boot",
  "host.never-boots",
]);

const PLACES: Readonly<Record<string, KubernetesErrorPlace>> = {
  create: "create",
  list: "list",
  get: "get",
  delete: "delete",
};
const FINALIZER = "example.com/somebody-else";
const MACHINE_MARKS = /(?:machine|launch)$/;

export class KubernetesChances {
  readonly #world: ProviderModelWorld;
  readonly #chances: ProviderChances;
  readonly #state: KubernetesState;
  readonly #errors: Chance;
  readonly #reads: Chance;
  readonly #pods: Chance;
  readonly #onChange: () => void;

  /** @param onChange is called after what happens here by itself. */
  constructor(world: ProviderModelWorld, chances: ProviderChances, state: KubernetesState, onChange: () => void) {
    this.#onChange = onChange;
    this.#world = world;
    this.#chances = chances;
    this.#state = state;
    this.#errors = world.chance.fork("errors");
    this.#reads = world.chance.fork("reads");
    this.#pods = world.chance.fork("pods");
  }

  /** What goes wrong with this call; null: nothing. */
  drawOutcome({ verb, resource }: KubernetesRequest): KubernetesFaultOutcome | null {
    const place = resource === "pods" ? PLACES[verb] : undefined;
    for (const { kind, reason, on, effect, probability } of this.#chances.active("kubernetes.error")) {
      if (on !== place || !this.#errors.happens(probability)) continue;
      this.#world.witness.faultHappened(kind);
      return { kind: "refused", reason, effect };
    }
    return null;
  }

  /** How old what this call reads is. */
  drawStaleness({ verb }: KubernetesRequest): number {
    // A single object is read with a quorum; lists are what caches have given out (kubernetes #59848).
    if (verb !== "list") return 0;
    const ages = this.#chances.active("kubernetes.stale-reads").map(({ kind, probability, lagMs }) => {
      if (!this.#reads.happens(probability)) return 0;
      this.#world.witness.faultHappened(kind);
      return this.#reads.whole(lagMs);
    });
    return Math.max(0, ...ages);
  }

  /** Lets a pod that was made just now meet what will befall it. */
  befallPod(pod: Pod, { marksLost }: MachineFate): void {
    const { scheduler, witness, log } = this.#world;
    const chance = this.#pods.fork(pod.metadata.uid);
    for (const { kind, perMachine, forMs } of this.#chances.active("kubernetes.finalizer")) {
      const own = chance.fork(kind);
      if (!own.happens(perMachine)) continue;
      witness.faultHappened(kind);
      log.note("somebody puts a finalizer on it", providerIdOf(pod));
      this.#patch(pod, { finalizers: [FINALIZER] });
      scheduler.after(own.whole(forMs), () => {
        this.#patch(pod, { finalizers: null });
        this.#onChange();
      });
    }
    if (marksLost !== null) scheduler.after(marksLost.afterMs, () => this.#loseMarks(pod, marksLost.which));
  }

  /** Its deletion was asked for: whether its kubelet ever gets to the end of it. */
  drawEnding({ metadata: { name, namespace = "", uid } }: Pod): void {
    if (!this.#state.lives.has(uid) || !this.#chances.isEndingIgnored()) return;
    wedgePod(this.#state, { name, namespace });
  }

  #loseMarks(pod: Pod, which: "machine" | "all"): void {
    if (!this.#world.isFaulty() || !this.#isThere(pod)) return;
    const { labels = {} } = demandPod(this.#state, placeOf(pod)).metadata;
    const lost = Object.keys(labels).filter((name) => which === "all" || MACHINE_MARKS.test(name));
    this.#patch(pod, { labels: Object.fromEntries(lost.map((name) => [name, null])) });
    this.#world.witness.faultHappened("provider.marks-lost");
    this.#world.log.note("its marks are lost", providerIdOf(pod));
  }

  /** As somebody else's controller does it. */
  #patch(pod: Pod, metadata: { readonly finalizers?: readonly string[] | null; readonly labels?: object }): void {
    if (!this.#isThere(pod)) return;
    const request = {
      verb: "patch",
      resource: "pods",
      ...placeOf(pod),
      body: { metadata },
      contentType: "application/merge-patch+json",
      token: ADMINISTRATOR_TOKEN,
    } as const;
    callKubernetes(this.#state, request, this.#world.scheduler.nowMs);
  }

  #isThere({ metadata: { name, namespace, uid } }: Pod): boolean {
    return podsOf(this.#state).get(keyOf({ name, namespace }))?.metadata.uid === uid;
  }
}

function placeOf({ metadata: { name, namespace = "" } }: Pod) {
  return { name, namespace };
}
