/** What happens to the world's cluster now and then: to its nodes, its images, its watches, and to pods by somebody's hand. */
import { changeNode, evictByNode, removeNode, setImage } from "../kubernetes/cluster-control.ts";
import { deletePod, dropWatches, forgetHistory } from "../kubernetes/control.ts";
import { addNode } from "../kubernetes/nodes.ts";
import { type KubernetesState, keyOf, nodesOf, podsOf } from "../kubernetes/state.ts";
import { put } from "../kubernetes/store.ts";
import type { FaultOf } from "../scenario/fault.ts";
import type { Chance, Range } from "../world/chance.ts";
import type { ProviderChances } from "./chances.ts";
import type { KubernetesHosts, Standing } from "./kubernetes-hosts.ts";
import { CLUSTER } from "./kubernetes-settings.ts";
import type { ProviderModelWorld } from "./provider-world.ts";

type MomentaryKind = "provider.reclaim" | "kubernetes.watch-gap" | "kubernetes.pod-deleted" | "kubernetes.node-lost";
type LastingKind =
  | "provider.no-capacity"
  | "kubernetes.node-silent"
  | "kubernetes.node-starts-nothing"
  | "kubernetes.no-image";

const MOMENTARY: readonly MomentaryKind[] = [
  "provider.reclaim",
  "kubernetes.watch-gap",
  "kubernetes.pod-deleted",
  "kubernetes.node-lost",
];
const LASTING: readonly LastingKind[] = [
  "provider.no-capacity",
  "kubernetes.node-silent",
  "kubernetes.node-starts-nothing",
  "kubernetes.no-image",
];

export interface KubernetesTroublesParts {
  readonly world: ProviderModelWorld;
  readonly chances: ProviderChances;
  readonly state: KubernetesState;
  readonly hosts: KubernetesHosts;
}

export class KubernetesTroubles {
  readonly #parts: KubernetesTroublesParts;
  readonly #spells: Chance;
  readonly #picks: Chance;
  /** How many want each of these to be so: of two spells at a time the longer one counts. */
  readonly #counts = new Map<string, number>();
  #joinedCount = 0;

  constructor(parts: KubernetesTroublesParts) {
    this.#parts = parts;
    this.#spells = parts.world.chance.fork("spells");
    this.#picks = parts.world.chance.fork("picks");
    for (const kind of MOMENTARY) for (const fault of parts.chances.active(kind)) this.#expect(fault);
    for (const kind of LASTING) for (const fault of parts.chances.active(kind)) this.#expectSpell(fault);
  }

  /** The node's kubelet puts it out at once. */
  reclaim(standing: Standing, kind: string): void {
    const { state, hosts, world } = this.#parts;
    const { name, namespace = "", uid } = standing.pod.metadata;
    if (!this.#isThere(standing)) return;
    hosts.doom(uid, { by: "fault", kind });
    evictByNode(state, { name, namespace }, "The node was low on resource: memory.", world.scheduler.nowMs);
    hosts.follow();
  }

  #expect(fault: FaultOf<MomentaryKind>): void {
    const { scheduler, witness } = this.#parts.world;
    scheduler.after(this.#spells.wait(fault.everyMs), () => {
      if (!this.#parts.world.isFaulty()) return;
      if (this.#happen(fault.kind)) witness.faultHappened(fault.kind);
      this.#parts.hosts.follow();
      this.#expect(fault);
    });
  }

  /** @returns whether there was anything that it could befall. */
  #happen(kind: MomentaryKind): boolean {
    const { state, world } = this.#parts;
    const { nowMs } = world.scheduler;
    switch (kind) {
      case "kubernetes.watch-gap":
        dropWatches(state);
        forgetHistory(state, nowMs);
        return true;
      case "kubernetes.node-lost":
        return this.#loseNode(kind);
      case "provider.reclaim":
      case "kubernetes.pod-deleted": {
        const standing = this.#pickPod();
        if (standing === null) return false;
        world.log.note(
          kind === "provider.reclaim" ? "its node puts it out" : "somebody deletes it",
          standing.host.providerId,
        );
        if (kind === "provider.reclaim") this.reclaim(standing, kind);
        else this.#deletePod(standing, kind);
        return true;
      }
    }
  }

  #pickPod(): Standing | null {
    const living = [...this.#parts.hosts.standing.values()].filter((standing) => this.#isThere(standing));
    return living.length === 0 ? null : this.#picks.pick(living);
  }

  /** Both in the API and on its way: one that was removed by force may run on where nobody hears its node. */
  #isThere({ pod: { metadata } }: Standing): boolean {
    const { state } = this.#parts;
    return state.lives.has(metadata.uid) && podsOf(state).get(keyOf(metadata))?.metadata.uid === metadata.uid;
  }

  #deletePod({ pod }: Standing, kind: string): void {
    const { state, hosts, world } = this.#parts;
    const { name, namespace = "", uid } = pod.metadata;
    hosts.doom(uid, { by: "fault", kind });
    deletePod(state, { name, namespace }, CLUSTER.longestJobSeconds, world.scheduler.nowMs);
  }

  #loseNode(kind: string): boolean {
    const { state, hosts, world } = this.#parts;
    const { nowMs } = world.scheduler;
    const name = this.#picks.pick([...nodesOf(state).keys()]);
    for (const { podUid, nodeName } of state.lives.values())
      if (nodeName === name) hosts.doom(podUid, { by: "fault", kind });
    world.log.note("a node is gone", name);
    removeNode(state, name, nowMs);
    this.#joinedCount += 1;
    addNode(state, { name: `joined-${this.#joinedCount}`, ...CLUSTER.node }, nowMs);
    return true;
  }

  #expectSpell(fault: FaultOf<LastingKind>): void {
    const { scheduler, witness, log } = this.#parts.world;
    scheduler.after(this.#spells.wait(fault.everyMs), () => {
      if (!this.#parts.world.isFaulty()) return;
      witness.faultHappened(fault.kind);
      log.note(`${fault.kind} begins`);
      const end = this.#begin(fault.kind);
      scheduler.after(this.#spells.whole(fault.forMs satisfies Range), () => {
        log.note(`${fault.kind} ends`);
        end();
        this.#parts.hosts.follow();
        this.#expectSpell(fault);
      });
      this.#parts.hosts.follow();
    });
  }

  /** @returns what ends it. */
  #begin(kind: LastingKind): () => void {
    const { state } = this.#parts;
    switch (kind) {
      case "provider.no-capacity":
        return this.#turn(kind, (isOn) => this.#cordon(isOn));
      case "kubernetes.no-image":
        return this.#turn(kind, (isOn) => setImage(state, CLUSTER.image, isOn ? { kind: "missing" } : null));
      case "kubernetes.node-silent": {
        const name = this.#picks.pick([...nodesOf(state).keys()]);
        return this.#turn(`${kind} ${name}`, (isOn) => this.#change(name, { condition: isOn ? "cut-off" : "ready" }));
      }
      case "kubernetes.node-starts-nothing": {
        const name = this.#picks.pick([...nodesOf(state).keys()]);
        return this.#turn(`${kind} ${name}`, (isOn) => this.#change(name, { startsNothing: isOn }));
      }
    }
  }

  #turn(what: string, turn: (isOn: boolean) => void): () => void {
    const add = (one: number): void => {
      const count = (this.#counts.get(what) ?? 0) + one;
      this.#counts.set(what, count);
      if (count === (one > 0 ? 1 : 0)) turn(count > 0);
    };
    add(1);
    return () => add(-1);
  }

  /** Nothing for a node that is gone meanwhile. */
  #change(name: string, change: Parameters<typeof changeNode>[2]): void {
    const { state, world } = this.#parts;
    if (state.nodes.has(name) && nodesOf(state).has(name)) changeNode(state, name, change, world.scheduler.nowMs);
  }

  #cordon(isOn: boolean): void {
    const { state, world } = this.#parts;
    for (const node of nodesOf(state).values())
      put(state, "nodes", { ...node, spec: { ...node.spec, unschedulable: isOn } }, world.scheduler.nowMs);
  }
}
