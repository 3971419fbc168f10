/** What the process of a simulated cluster can do to it, beside calling its API. */
import {
  changeNode,
  endContainer,
  evictByNode,
  type NodeChange,
  type ProcessEnd,
  removeNode,
  setImage,
  wedgePod,
} from "../../kubernetes/cluster-control.ts";
import {
  allowAccount,
  bindPod,
  changePodMeta,
  deletePod,
  dropWatches,
  forgetHistory,
  issueToken,
  type MetaChange,
  type ObjectPlace,
  type PlantedPod,
  plantPod,
  type Rule,
  removePod,
  type TokenWish,
  writeLog,
  writePodStatus,
} from "../../kubernetes/control.ts";
import {
  addKubernetesFault,
  type KubernetesFaultOutcome,
  type KubernetesFaultTarget,
} from "../../kubernetes/faults.ts";
import { addNode } from "../../kubernetes/nodes.ts";
import type { Pod, PodStatus } from "../../kubernetes/objects.ts";
import type { KubernetesOptions, NodeOption } from "../../kubernetes/options.ts";
import { type ImageTrouble, type KubernetesState, podsOf } from "../../kubernetes/state.ts";
import type { Timers } from "../clock.ts";

export interface KubernetesControl {
  readonly options: KubernetesOptions;
  /** Every pod that is there, in every namespace. */
  pods(): readonly Pod[];
  /** Undefined when it is not there. */
  pod(place: ObjectPlace): Pod | undefined;
  /** As its kubelet writes it: what is given takes the place of what was, member by member. */
  setPodStatus(place: ObjectPlace, status: PodStatus): Pod;
  /** As the scheduler binds it. */
  bindPod(place: ObjectPlace, nodeName: string): Pod;
  changePodMeta(place: ObjectPlace, change: MetaChange): Pod;
  /** Puts a pod there as it is, any shape at all. */
  plantPod(pod: PlantedPod): Pod;
  /** It is gone at once, whatever holds it. */
  removePod(place: ObjectPlace): void;
  /** As somebody with kubectl. */
  deletePod(place: ObjectPlace, graceSeconds: number): void;
  /** @param text what the container has printed by now, as a whole. */
  setLog(place: ObjectPlace, container: string, text: string): void;
  addNode(node: NodeOption): void;
  /** What happens to a node, or what no longer does. */
  changeNode(name: string, change: NodeChange): void;
  /** Its machine is gone, and the cloud has told the cluster. */
  removeNode(name: string): void;
  /** Null: the image is as any other again. */
  setImage(image: string, trouble: ImageTrouble | null): void;
  /** Its first process ends by itself. */
  endContainer(place: ObjectPlace, container: string, end: ProcessEnd): void;
  /** Its node is short of something and puts the pod out. */
  evictByNode(place: ObjectPlace, message: string): void;
  /** Once it is told to end, its kubelet never gets to the end of it. */
  wedgePod(place: ObjectPlace): void;
  /** A bearer token of a service account, bound to a pod or not. */
  issueToken(wish: TokenWish): string;
  /** The account may do this and nothing else. */
  allowAccount(account: ObjectPlace, rules: readonly Rule[]): void;
  /** A webhook refuses the pods for which this gives a reason; null takes it away. */
  refuseAdmission(refuse: ((pod: Pod) => string | null) | null): void;
  /** Lets the next `times` (1) calls of the operation go wrong, or the next calls whatever they are. Returns how to take it back. */
  injectFault(target: KubernetesFaultTarget, outcome: KubernetesFaultOutcome, times?: number): () => void;
  /** Every watch that is open ends. */
  dropWatches(): void;
  /** No watch is told anything for so long; then each is told what happened meanwhile. */
  stallWatches(forMs: number): void;
  /** The next so many events are told to no watch. */
  loseEvents(count: number): void;
  /** What was before now is forgotten: watches and pages that go on from before get 410. */
  forgetHistory(): void;
  /** Watches, and lists with `resourceVersion=0`, are so far behind. */
  setCacheLag(lagMs: number): void;
  /** Calls that were made, answered or not, by operation: `create pods`. */
  calls(): Readonly<Record<string, number>>;
}

interface HandledCore {
  readonly state: KubernetesState;
  readonly timers: Timers;
  pump(): void;
}

export function createHandle({ state, timers, pump }: HandledCore): KubernetesControl {
  const act = <Result>(change: (nowMs: number) => Result): Result => {
    const result = change(timers.nowMs());
    pump();
    return result;
  };
  return {
    options: state.options,
    pods: () => [...podsOf(state).values()],
    pod: ({ name, namespace }) => podsOf(state).get(`${namespace}/${name}`),
    setPodStatus: (place, status) => act((nowMs) => writePodStatus(state, place, status, nowMs)),
    bindPod: (place, nodeName) => act((nowMs) => bindPod(state, place, nodeName, nowMs)),
    changePodMeta: (place, change) => act((nowMs) => changePodMeta(state, place, change, nowMs)),
    plantPod: (pod) => act((nowMs) => plantPod(state, pod, nowMs)),
    removePod: (place) => act((nowMs) => removePod(state, place, nowMs)),
    deletePod: (place, graceSeconds) => act((nowMs) => deletePod(state, place, graceSeconds, nowMs)),
    setLog: (place, container, text) => writeLog(state, place, container, text),
    changeNode: (name, change) => act((nowMs) => changeNode(state, name, change, nowMs)),
    removeNode: (name) => act((nowMs) => removeNode(state, name, nowMs)),
    setImage: (image, trouble) => setImage(state, image, trouble),
    endContainer: (place, container, end) => act((nowMs) => endContainer(state, place, container, end, nowMs)),
    evictByNode: (place, message) => act((nowMs) => evictByNode(state, place, message, nowMs)),
    wedgePod: (place) => wedgePod(state, place),
    addNode: (node) => act((nowMs) => addNode(state, node, nowMs)),
    issueToken: (wish) => issueToken(state, wish, timers.nowMs()),
    allowAccount: (account, rules) => act((nowMs) => allowAccount(state, account, rules, nowMs)),
    refuseAdmission: (refuse) => {
      state.refuseAdmission = refuse;
    },
    injectFault: (target, outcome, times) => addKubernetesFault(state.faults, target, outcome, times),
    dropWatches: () => act(() => dropWatches(state)),
    stallWatches: (forMs) =>
      act((nowMs) => {
        state.watchTrouble.stalledUntilMs = nowMs + forMs;
      }),
    loseEvents: (count) => {
      state.watchTrouble.lostEventCount += count;
    },
    forgetHistory: () => act((nowMs) => forgetHistory(state, nowMs)),
    setCacheLag: (cacheLagMs) =>
      act(() => {
        state.options = { ...state.options, cacheLagMs };
      }),
    calls: () => Object.fromEntries(state.callCounts),
  };
}
