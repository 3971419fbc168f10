/**
 * The hosts in the world's pods: each is there from its pod's creation, boots when the agent's container starts, hears of its
 * deletion by TERM, and ends with its container, whatever the API says of the pod by then.
 */
import { type ControllerId, parseMachineId } from "../../domain/ids.ts";
import { podProviderId } from "../../domain/pod/provider-id.ts";
import { endContainer } from "../kubernetes/cluster-control.ts";
import { issueToken } from "../kubernetes/control.ts";
import { advance, nextDueMs } from "../kubernetes/life.ts";
import type { Pod } from "../kubernetes/objects.ts";
import { type KubernetesState, keyOf, type ProcessEvent, podsOf } from "../kubernetes/state.ts";
import { changesAfter } from "../kubernetes/store.ts";
import type { Host } from "../world/host.ts";
import type { Cause } from "../world/witness.ts";
import type { MachineFate, ProviderChances } from "./chances.ts";
import { DueWatch } from "./due-watch.ts";
import type { ProviderModelWorld } from "./provider-world.ts";
import type { MakeHost } from "./roster.ts";

/** In which agent, runner and job run. */
export const RUNNER_CONTAINER = "runner";
const TOKEN_AUDIENCE = "holdfast";
const CHANGES_READ_MAX = 1_000;
const BY_ITSELF: Cause = { by: "itself" };
const EXIT_WELL = { exitCode: 0 };

export interface Standing {
  readonly host: Host;
  readonly pod: Pod;
  readonly sinceMs: number;
  /** Null for a baseline's. */
  readonly owner: ControllerId | null;
  hasStarted: boolean;
}

export interface KubernetesHostsParts {
  readonly world: ProviderModelWorld;
  readonly chances: ProviderChances;
  readonly state: KubernetesState;
  /** Pods of others, by uid: nothing of this world runs in them. */
  readonly foreign: ReadonlySet<string>;
  /** Called whenever the cluster was looked at. */
  readonly onFollowed: () => void;
  /** Called once of each pod of ours, right after it was made. */
  readonly onBorn: (pod: Pod, fate: MachineFate) => void;
}

export class KubernetesHosts {
  readonly #parts: KubernetesHostsParts;
  readonly #due: DueWatch;
  readonly hosts = new Map<string, Host>();
  /** By the pod's uid. */
  readonly #standing = new Map<string, Standing>();
  /** Why a pod ends, where it is known before it does; by its uid. */
  readonly #causes = new Map<string, Cause>();
  /** Pods that the API has forgotten before their container was ever heard of. */
  readonly #forgotten = new Set<string>();
  /** Between the start of the container and the agent's, by the pod's uid; null: it never starts. */
  readonly #boots = new Map<string, number | null>();
  #making: { readonly owner: ControllerId } | { readonly make: MakeHost } | null = null;
  #seenRevision: number;
  #paidMs = 0;
  startedCount = 0;

  constructor(parts: KubernetesHostsParts) {
    this.#parts = parts;
    const { state } = parts;
    this.#due = new DueWatch(parts.world.scheduler, {
      nextDueMs: () => nextDueMs(state),
      goOn: (nowMs) => {
        advance(state, nowMs);
        this.follow();
      },
    });
    this.#seenRevision = parts.state.revision;
  }

  get standing(): ReadonlyMap<string, Standing> {
    return this.#standing;
  }

  /** Pods that the API has removed, by force, while the kubelet of a node that nobody hears still has them. */
  get removedIds(): readonly string[] {
    const removed = [...this.#forgotten].flatMap((uid) => this.#standing.get(uid)?.host ?? []);
    return removed.map(({ providerId }) => providerId);
  }

  paidMs(): number {
    let livingMs = 0;
    for (const { sinceMs } of this.#standing.values()) livingMs += this.#parts.world.scheduler.nowMs - sinceMs;
    return this.#paidMs + livingMs;
  }

  /** Pods that are made meanwhile are whose this says. */
  making<Answer>(by: { readonly owner: ControllerId } | { readonly make: MakeHost } | null, act: () => Answer): Answer {
    this.#making = by;
    const answer = act();
    this.follow();
    this.#making = null;
    return answer;
  }

  /** It will end for this cause, unless something else ends it before. */
  doom(podUid: string, cause: Cause): void {
    this.#causes.set(podUid, cause);
  }

  /** Lets hosts follow their pods. */
  follow(): void {
    const { state } = this.#parts;
    for (;;) {
      const changes = changesAfter(state, this.#seenRevision, CHANGES_READ_MAX);
      for (const { resource, before, after, revision } of changes) {
        this.#seenRevision = revision;
        if (resource !== "pods") continue;
        if (before === null && after !== null) this.#begin(after as Pod);
        if (after === null && before !== null) this.#forgotten.add(before.metadata.uid);
      }
      if (changes.length < CHANGES_READ_MAX) break;
    }
    for (const event of state.processEvents.splice(0)) this.#take(event);
    for (const uid of this.#forgotten) this.#buryUnstarted(uid);
    this.#due.watch();
    this.#parts.onFollowed();
  }

  #begin(pod: Pod): void {
    const { foreign, world, chances } = this.#parts;
    const { uid } = pod.metadata;
    if (foreign.has(uid)) return;
    const making = this.#making;
    if (making === null) throw new Error(`pod ${pod.metadata.name} was made, and nobody says what runs in it`);
    const providerId = providerIdOf(pod);
    const fate = chances.drawFate(providerId);
    const onGone = () => this.#leave(uid);
    const host = "make" in making ? making.make(providerId, onGone, null) : this.#makeOurs(pod, providerId, onGone);
    this.#boots.set(uid, fate.bootMs);
    const owner = "make" in making ? null : making.owner;
    this.#standing.set(uid, { host, pod, sinceMs: world.scheduler.nowMs, owner, hasStarted: false });
    this.hosts.set(providerId, host);
    this.startedCount += 1;
    world.log.note("its pod was made", providerId);
    if (owner !== null) world.scheduler.after(0, () => this.#parts.onBorn(pod, fate));
  }

  #makeOurs(pod: Pod, providerId: string, onGone: () => void): Host {
    const { world, state } = this.#parts;
    const { name, namespace = "" } = pod.metadata;
    let token = "";
    // Its kubelet renews it while the API has the pod; what was read last stays in its file.
    const readPodToken = () => {
      const wish = { namespace, audiences: [TOKEN_AUDIENCE], podName: name };
      if (this.#isThere(pod)) token = issueToken(state, wish, world.scheduler.nowMs);
      return token;
    };
    const machineId = parseMachineId(name);
    return world.makeAgentHost({ providerId, bootMs: null, onGone, machineId, identitySecret: "", readPodToken });
  }

  #take({ kind, podUid, container }: ProcessEvent): void {
    const standing = this.#standing.get(podUid);
    if (standing === undefined || container !== RUNNER_CONTAINER) return;
    switch (kind) {
      case "started": {
        standing.hasStarted = true;
        const bootMs = this.#boots.get(podUid) ?? null;
        if (bootMs !== null) this.#parts.world.scheduler.after(bootMs, () => standing.host.boot());
        return;
      }
      case "told-to-end":
        standing.host.askToStop();
        return;
      case "ended":
        standing.host.end(this.#causes.get(podUid) ?? BY_ITSELF);
        this.#forget(podUid);
    }
  }

  /** No node ever had it, or none has it any more: nothing of it can start. */
  #buryUnstarted(podUid: string): void {
    const standing = this.#standing.get(podUid);
    if (standing !== undefined && (standing.hasStarted || this.#parts.state.lives.has(podUid))) return;
    this.#forgotten.delete(podUid);
    if (standing === undefined) return;
    standing.host.end(this.#causes.get(podUid) ?? BY_ITSELF);
    this.#forget(podUid);
  }

  /** Its agent said that all is over, or what it runs on broke. */
  #leave(podUid: string): void {
    const { state, world } = this.#parts;
    const pod = this.#standing.get(podUid)?.pod;
    this.#forget(podUid);
    if (pod === undefined || !this.#isThere(pod)) return;
    const { name, namespace = "" } = pod.metadata;
    endContainer(state, { name, namespace }, RUNNER_CONTAINER, EXIT_WELL, world.scheduler.nowMs);
    this.follow();
  }

  #isThere({ metadata: { name, namespace, uid } }: Pod): boolean {
    return podsOf(this.#parts.state).get(keyOf({ name, namespace }))?.metadata.uid === uid;
  }

  #forget(podUid: string): void {
    const standing = this.#standing.get(podUid);
    if (standing === undefined) return;
    const { scheduler, log } = this.#parts.world;
    this.#paidMs += scheduler.nowMs - standing.sinceMs;
    this.#standing.delete(podUid);
    this.#causes.delete(podUid);
    this.#boots.delete(podUid);
    this.hosts.delete(standing.host.providerId);
    log.note("nothing runs in it any more", standing.host.providerId);
  }
}

export function providerIdOf({ metadata: { namespace = "", name, uid } }: Pod): string {
  return podProviderId({ namespace, podName: name, podUid: uid });
}
