/**
 * The world's Kubernetes: the model of ../kubernetes in the world's time, with a host in each of its pods. Ours asks through
 * the product's own adapter; what a baseline asks is made into calls of the API here.
 */
import { ProviderError } from "../../domain/errors.ts";
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import { parsePodProviderId } from "../../domain/pod/provider-id.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { callKubernetes, type KubernetesOutcome, type KubernetesResult } from "../kubernetes/call.ts";
import { plantPod } from "../kubernetes/control.ts";
import { ADMINISTRATOR_TOKEN, createKubernetes } from "../kubernetes/create.ts";
import { addKubernetesFault } from "../kubernetes/faults.ts";
import type { Pod } from "../kubernetes/objects.ts";
import { type KubernetesRequest, operationOf } from "../kubernetes/requests.ts";
import { type KubernetesState, keyOf, podsOf } from "../kubernetes/state.ts";
import { put } from "../kubernetes/store.ts";
import { newUid } from "../kubernetes/uids.ts";
import type { WatchEvent } from "../kubernetes/watch.ts";
import type { Chance, Range } from "../world/chance.ts";
import type { Host } from "../world/host.ts";
import type { ListedMachine, ProviderAsker, ProviderModel } from "../world/provider.ts";
import { PROVIDER_FAILURES, type ProviderLine } from "../world/provider-port.ts";
import type { Cause } from "../world/witness.ts";
import { ProviderChances } from "./chances.ts";
import { KUBERNETES_FAULT_KINDS, KubernetesChances } from "./kubernetes-chances.ts";
import { KubernetesHosts, providerIdOf, RUNNER_CONTAINER } from "./kubernetes-hosts.ts";
import { CLUSTER } from "./kubernetes-settings.ts";
import { KubernetesTroubles } from "./kubernetes-troubles.ts";
import { KubernetesWatches } from "./kubernetes-watches.ts";
import type { MakePodPort, WorldProvider } from "./pod-port.ts";
import type { ProviderModelWorld } from "./provider-world.ts";
import type { MakeHost } from "./roster.ts";

const FOREIGN_COUNT = 3;
const QUOTA = "pods-of-all";
const BASELINE_GRACE_SECONDS = 0;
/** A pod's image is on some nodes already, and far away from others. */
const PULL_MS: Range = [SECOND_MS, MINUTE_MS];
/** What runs in the container hears of its end, and ends when it likes. */
const COURSE = { runsMs: null, exitCode: 0, endsAfterTermMs: null, termExitCode: 143 };

export class KubernetesWorld implements ProviderModel {
  readonly #world: ProviderModelWorld;
  readonly #makePort: MakePodPort;
  readonly #state: KubernetesState;
  readonly #chances: KubernetesChances;
  readonly #hosts: KubernetesHosts;
  readonly #troubles: KubernetesTroubles;
  readonly #watches: KubernetesWatches;
  readonly #names: Chance;
  readonly #foreign = new Set<string>();
  readonly #touched = new Set<string>();

  constructor(world: ProviderModelWorld, makePort: MakePodPort) {
    this.#world = world;
    this.#makePort = makePort;
    const chances = new ProviderChances(world, {
      faultKinds: KUBERNETES_FAULT_KINDS,
      bootRange: () => [0, 0],
      endingMs: [0, 0],
    });
    const { nowMs } = world.scheduler;
    const state = createKubernetes(
      {
        chance: world.chance.fork("kubernetes"),
        nodes: CLUSTER.nodeNames.map((name) => ({ name, ...CLUSTER.node })),
        namespaces: [CLUSTER.namespace],
        times: { pullMs: PULL_MS },
        courses: { [RUNNER_CONTAINER]: COURSE },
      },
      nowMs,
    );
    this.#state = state;
    this.#names = world.chance.fork("names");
    this.#addForeign(nowMs);
    this.#watches = new KubernetesWatches(world.scheduler, state, world.chance.fork("watches"));
    this.#hosts = new KubernetesHosts({
      world,
      chances,
      state,
      foreign: this.#foreign,
      onFollowed: () => this.#watches.read(),
      onBorn: (pod, fate) => this.#chances.befallPod(pod, fate),
    });
    this.#chances = new KubernetesChances(world, chances, state, () => this.#hosts.follow());
    for (const { machines } of chances.active("provider.quota")) this.#limit(machines, nowMs);
    this.#troubles = new KubernetesTroubles({ world, chances, state, hosts: this.#hosts });
    this.#hosts.follow();
  }

  get hosts(): ReadonlyMap<string, Host> {
    return this.#hosts.hosts;
  }

  /** Pods in which nothing runs any more, and which are still there. */
  get stoppedIds(): readonly string[] {
    return [...podsOf(this.#state).values()]
      .filter(({ metadata: { uid } }) => !this.#foreign.has(uid) && !this.#hosts.standing.has(uid))
      .map(providerIdOf);
  }

  get deniedIds(): readonly string[] {
    return this.#hosts.removedIds;
  }

  get startedCount(): number {
    return this.#hosts.startedCount;
  }

  get foreignTouchedCount(): number {
    return this.#touched.size;
  }

  paidMs(): number {
    return this.#hosts.paidMs();
  }

  forPool(controllerId: ControllerId, pool: PoolName, asker: ProviderAsker = {}): WorldProvider {
    const { scheduler } = this.#world;
    const { line = async (_operation, effect) => effect() }: { readonly line?: ProviderLine } = asker;
    if (asker.process === undefined) throw new Error("who asks the cluster is a process, with a clock of its own");
    const { process } = asker;
    /** By which proof each pod is being ended, by its uid. */
    const proofs = new Map<string, string>();
    const call = async (request: KubernetesRequest): Promise<KubernetesResult> => {
      const { result, transmission } = await line(operationOf(request), () => this.#ask(controllerId, proofs, request));
      if (transmission.kind === "whole") return result;
      throw PROVIDER_FAILURES.unanswered(`${operationOf(request)} at ${scheduler.nowMs}`);
    };
    const port = this.#makePort({
      controllerId,
      pool,
      namespace: CLUSTER.namespace,
      ...process,
      call,
      watch: async (request, onEvent, onEnd) => {
        const result = await call(request);
        if (result.kind !== "watching") throw PROVIDER_FAILURES.refused(operationOf(request), this.#names);
        const onEvents = (events: readonly WatchEvent[]): void => events.forEach(onEvent);
        return this.#watches.open(result.watch, { ...process, onEvents, onEnd });
      },
    });
    return {
      ...port,
      terminate: async (permit) => {
        proofs.set(parsePodProviderId(permit.providerId)?.podUid ?? "", permit.proof);
        await port.terminate(permit);
      },
    };
  }

  #ask(owner: ControllerId, proofs: ReadonlyMap<string, string>, request: KubernetesRequest): KubernetesOutcome {
    const target = this.#targetOf(request);
    if (target !== null && request.verb !== "get" && this.#isAnothers(target, owner))
      this.#touched.add(target.metadata.uid);
    const takeBack = this.#putFault(request);
    const outcome = this.#hosts.making({ owner }, () => {
      const told = callKubernetes(this.#state, { ...this.#aged(request), token: ADMINISTRATOR_TOKEN }, this.#nowMs);
      if (target !== null && request.verb === "delete")
        this.#noteDeletion(target, { by: "controller", proof: proofs.get(target.metadata.uid) ?? "none" });
      return told;
    });
    takeBack?.();
    return outcome;
  }

  get #nowMs(): number {
    return this.#world.scheduler.nowMs;
  }

  #putFault(request: KubernetesRequest): (() => void) | null {
    const outcome = this.#chances.drawOutcome(request);
    return outcome === null ? null : addKubernetesFault(this.#state.faults, operationOf(request), outcome);
  }

  /** A reading from a cache that is behind. */
  #aged(request: KubernetesRequest): KubernetesRequest {
    const lagMs = this.#chances.drawStaleness(request);
    this.#state.options = { ...this.#state.options, cacheLagMs: lagMs };
    if (lagMs === 0 || request.options?.continue !== undefined) return request;
    return { ...request, options: { ...request.options, resourceVersion: "0" } };
  }

  #targetOf({ resource, namespace, name }: KubernetesRequest): Pod | null {
    if (resource !== "pods" || name === undefined) return null;
    return podsOf(this.#state).get(keyOf({ namespace, name })) ?? null;
  }

  #isAnothers({ metadata: { uid } }: Pod, owner: ControllerId): boolean {
    return this.#foreign.has(uid) || (this.#hosts.standing.get(uid)?.owner ?? owner) !== owner;
  }

  /** Whose the end of the pod is, where the deletion took: an earlier one with a longer grace ends nothing any more. */
  #noteDeletion({ metadata: { name, namespace, uid, resourceVersion } }: Pod, cause: Cause): void {
    const now = podsOf(this.#state).get(keyOf({ namespace, name }));
    if (now?.metadata.uid === uid && now.metadata.resourceVersion === resourceVersion) return;
    this.#hosts.doom(uid, cause);
    if (now?.metadata.uid === uid) this.#chances.drawEnding(now);
  }

  start(tags: Readonly<Record<string, string>>, make: MakeHost): string | null {
    const name = `runner-${this.#names.token(10)}`;
    const { namespace, image, requests } = CLUSTER;
    const body = {
      metadata: { name, namespace, annotations: tags },
      spec: { restartPolicy: "Never", containers: [{ name: RUNNER_CONTAINER, image, resources: { requests } }] },
    };
    const request = { verb: "create", resource: "pods", namespace, body, token: ADMINISTRATOR_TOKEN } as const;
    this.#hosts.making({ make }, () => callKubernetes(this.#state, request, this.#nowMs));
    const pod = podsOf(this.#state).get(keyOf({ namespace, name }));
    return pod === undefined ? null : providerIdOf(pod);
  }

  listTagged(tag: string, value: string): readonly ListedMachine[] {
    const request = {
      verb: "list",
      resource: "pods",
      namespace: CLUSTER.namespace,
      token: ADMINISTRATOR_TOKEN,
    } as const;
    const takeBack = this.#putFault(request);
    const { result, transmission } = callKubernetes(this.#state, request, this.#nowMs);
    takeBack?.();
    if (result.kind !== "answered" || transmission.kind !== "whole")
      throw new ProviderError("provider-unavailable", "listing pods");
    return [...podsOf(this.#state).values()]
      .filter(({ metadata: { annotations } }) => annotations?.[tag] === value)
      .map((pod) => showListed(pod));
  }

  /** By force, as the reapers that are compared do it. */
  terminate(providerId: string, cause: Cause): boolean {
    const place = parsePodProviderId(providerId);
    if (place === null) return false;
    const { namespace, podName: name, podUid: uid } = place;
    if (this.#foreign.has(uid)) this.#touched.add(uid);
    this.#hosts.doom(uid, cause);
    const body = { gracePeriodSeconds: BASELINE_GRACE_SECONDS };
    const request = { verb: "delete", resource: "pods", namespace, name, body, token: ADMINISTRATOR_TOKEN } as const;
    const { result } = this.#hosts.making(null, () => callKubernetes(this.#state, request, this.#nowMs));
    return result.kind === "answered";
  }

  reclaim(providerId: string, kind: string): void {
    const uid = parsePodProviderId(providerId)?.podUid ?? "";
    const standing = this.#hosts.standing.get(uid);
    if (standing !== undefined) this.#troubles.reclaim(standing, kind);
  }

  /** Pods of somebody else in the same namespace: they run for ever, and nobody of this world may touch them. */
  #addForeign(nowMs: number): void {
    for (let count = 1; count <= FOREIGN_COUNT; count += 1) {
      const pod = plantPod(
        this.#state,
        {
          metadata: {
            name: `somebody-else-${count}`,
            namespace: CLUSTER.namespace,
            labels: { owner: "somebody-else" },
          },
          spec: { containers: [{ name: "main", image: "registry.example/other" }], nodeName: CLUSTER.nodeNames[0] },
          status: { phase: "Running", containerStatuses: [] },
        },
        nowMs,
      );
      this.#foreign.add(pod.metadata.uid);
    }
  }

  #limit(machines: number, nowMs: number): void {
    const metadata = {
      name: QUOTA,
      namespace: CLUSTER.namespace,
      uid: newUid(this.#state),
      resourceVersion: "",
      creationTimestamp: "",
    };
    const hard = { pods: String(machines + FOREIGN_COUNT) };
    put(
      this.#state,
      "resourcequotas",
      { kind: "ResourceQuota", apiVersion: "v1", metadata, spec: { hard }, status: { hard, used: {} } },
      nowMs,
    );
  }
}

function showListed(pod: Pod): ListedMachine {
  const { metadata, status } = pod;
  const isOver = status.phase === "Succeeded" || status.phase === "Failed";
  const state = isOver ? "terminated" : status.phase === "Running" ? "running" : "pending";
  const launchedAtMs = Date.parse(metadata.creationTimestamp);
  return { providerId: providerIdOf(pod), state, launchedAtMs, tags: { ...metadata.annotations } };
}
