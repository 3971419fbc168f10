/** A cluster with nothing in it yet but its nodes, its namespaces and their default service accounts. */
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { addDefaultAccount } from "./accounts.ts";
import { wireTime } from "./instants.ts";
import { addNode } from "./nodes.ts";
import type { ApiObject } from "./objects.ts";
import type { KubernetesOptions, KubernetesTimes, NodeOption } from "./options.ts";
import { emptyObjects, type KubernetesState } from "./state.ts";
import { put } from "./store.ts";
import { newUid } from "./uids.ts";

const NODE: Omit<NodeOption, "name"> = { cpu: "16", memory: "64Gi", podCountMax: 110 };

const TIMES: KubernetesTimes = {
  schedulingMs: [20, 200],
  acceptingMs: [100, SECOND_MS],
  pullMs: [SECOND_MS, 20 * SECOND_MS],
  startingMs: [200, 2 * SECOND_MS],
  finishingMs: [100, SECOND_MS],
  pullBackOffMs: [10 * SECOND_MS, 5 * MINUTE_MS],
  nodeSilenceMs: 50 * SECOND_MS,
  tolerationMs: 5 * MINUTE_MS,
  garbageMs: 40 * SECOND_MS,
  bookmarkEveryMs: MINUTE_MS,
  watchMs: [30 * MINUTE_MS, 60 * MINUTE_MS],
  reschedulingMs: 5 * SECOND_MS,
};

const DEFAULTS: Omit<KubernetesOptions, "chance"> = {
  version: "v1.34.4",
  hasKubelets: true,
  nodes: ["node-a", "node-b"].map((name) => ({ name, ...NODE })),
  namespaces: ["default", "runners"],
  times: TIMES,
  cacheLagMs: 0,
  historyMs: 10 * MINUTE_MS,
  historyCountMax: 20_000,
  courses: {},
};

/** What is left out is a small cluster with the habits of a healthy one. */
export type KubernetesSetup = Partial<Omit<KubernetesOptions, "chance" | "times">> & {
  readonly times?: Partial<KubernetesTimes>;
};

/** Who carries it may do everything. */
export const ADMINISTRATOR_TOKEN = "simulated-administrator";

export function createKubernetes(
  { times, ...options }: KubernetesSetup & Pick<KubernetesOptions, "chance">,
  nowMs: number,
): KubernetesState {
  const state: KubernetesState = {
    options: { ...DEFAULTS, ...options, times: { ...TIMES, ...times } },
    objects: emptyObjects(),
    revision: 1,
    history: [],
    compactedRevision: 1,
    tokens: new Map([[ADMINISTRATOR_TOKEN, { kind: "administrator" }]]),
    lives: new Map(),
    nodes: new Map(),
    images: new Map(),
    logs: new Map(),
    refuseAdmission: null,
    faults: [],
    watchTrouble: { stalledUntilMs: 0, lostEventCount: 0, droppedBelow: 0, openedCount: 0 },
    callCounts: new Map(),
    processEvents: [],
    due: new Map(),
    noticedRevision: 1,
    givenNumbers: new Map(),
  };
  for (const name of state.options.namespaces) addNamespace(state, name, nowMs);
  for (const node of state.options.nodes) addNode(state, node, nowMs);
  return state;
}

function addNamespace(state: KubernetesState, name: string, nowMs: number): void {
  const namespace: ApiObject = {
    kind: "Namespace",
    apiVersion: "v1",
    metadata: {
      name,
      uid: newUid(state),
      resourceVersion: "",
      creationTimestamp: wireTime(nowMs),
      labels: { "kubernetes.io/metadata.name": name },
    },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  };
  put(state, "namespaces", namespace, nowMs);
  addDefaultAccount(state, name, nowMs);
}
