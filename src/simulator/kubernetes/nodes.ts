/** Nodes: how they join and leave, and what becomes of them when they are not heard. */
import { wireTime } from "./instants.ts";
import type { Condition, KubernetesNode } from "./objects.ts";
import type { NodeOption } from "./options.ts";
import type { KubernetesState } from "./state.ts";
import { put } from "./store.ts";
import { newUid } from "./uids.ts";

export function addNode(state: KubernetesState, option: NodeOption, nowMs: number): void {
  const { name, cpu, memory, podCountMax, labels = {} } = option;
  const amounts = { cpu, memory, pods: String(podCountMax) };
  const node: KubernetesNode = {
    kind: "Node",
    apiVersion: "v1",
    metadata: {
      name,
      uid: newUid(state),
      resourceVersion: "",
      creationTimestamp: wireTime(nowMs),
      labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", ...labels },
    },
    spec: {},
    status: { capacity: amounts, allocatable: amounts, conditions: [readyCondition("True", nowMs)] },
  };
  put(state, "nodes", node, nowMs);
  state.nodes.set(name, { name, condition: "ready", sinceMs: nowMs, startsNothing: false, isMarked: false });
}

const READY_WORDS = {
  True: { reason: "KubeletReady", message: "kubelet is posting ready status" },
  False: { reason: "KubeletNotReady", message: "container runtime is down" },
  Unknown: { reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." },
} as const;

export function readyCondition(status: Condition["status"], nowMs: number): Condition {
  return {
    type: "Ready",
    status,
    ...READY_WORDS[status],
    lastHeartbeatTime: wireTime(nowMs),
    lastTransitionTime: wireTime(nowMs),
  };
}
