/**
 * The pods that have been seen in the field, as they come over the wire: a closed set. `row` is the row of the truth table
 * (facts, section 3) that a shape stands for. What the table calls the poller is here the init container that brings the
 * agent: until it has ended, the runner's container waits.
 */
import type { ObjectMeta, PodSpec, PodStatus } from "./objects.ts";
import {
  condition,
  DIND,
  onNode,
  running,
  SHAPE_NODE,
  scheduled,
  specOf,
  statusOf,
  terminated,
  waiting,
} from "./shape-parts.ts";

export interface WireShape {
  readonly name: string;
  /** Of the truth table; null: of the incident's file alone. */
  readonly row: number | null;
  /** What the cluster says of the pod's node. */
  readonly node: "ready" | "silent" | "absent";
  /** None: the pod is not there. */
  readonly pods: readonly ShapedPod[];
}

export interface ShapedPod {
  readonly metadata: Partial<ObjectMeta>;
  readonly spec: PodSpec;
  readonly status: PodStatus;
}

interface Look {
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec?: PodSpec;
  readonly node?: WireShape["node"];
}

const bound = specOf({ nodeName: SHAPE_NODE });
const owned: Look = { metadata: { labels: { "example.test/owner": "job-48000000001" } } };
const brought = terminated(0);
const initialising = waiting("PodInitializing");
const EVICTED = "The node was low on resource: ephemeral-storage.";

function shape(row: number | null, name: string, status: PodStatus, look: Look = {}): WireShape {
  const { metadata = {}, spec = bound, node = "ready" } = look;
  return { name, row, node, pods: [{ metadata, spec, status }] };
}

function ending(deletionTimestamp: string, finalizers?: readonly string[]): Look {
  return {
    metadata: {
      deletionTimestamp,
      deletionGracePeriodSeconds: 30,
      ...(finalizers === undefined ? {} : { finalizers }),
    },
  };
}

const UNSCHEDULED: PodStatus = {
  phase: "Pending",
  conditions: [condition("PodScheduled", "False", "Unschedulable", "0/2 nodes are available: 2 Insufficient cpu.")],
};

const atWork = onNode("Running", brought, running);
const disrupted = condition("DisruptionTarget", "True", "EvictionByEvictionAPI", "Eviction API: evicting");
/** Long before any test's clock, and long after. */
const [LONG_AGO, IN_TIME] = ["2026-05-04T04:00:00Z", "2099-05-04T04:00:00Z"];

const WAITING: readonly WireShape[] = [
  shape(1, "no container statuses, unscheduled", UNSCHEDULED, { spec: specOf() }),
  shape(1, "no container statuses, bound to a node", { phase: "Pending", conditions: [scheduled] }),
  shape(2, "init container waits, image is being pulled", onNode("Pending", initialising, initialising)),
  shape(
    2,
    "init container waits, image cannot be pulled",
    onNode("Pending", waiting("ErrImagePull", "not found"), initialising),
  ),
  shape(2, "init container waits, image pull backs off", onNode("Pending", waiting("ImagePullBackOff"), initialising)),
  shape(
    2,
    "init container waits, it cannot be created",
    onNode("Pending", waiting("CreateContainerConfigError"), initialising),
  ),
  shape(3, "init container runs, nobody owns the pod", onNode("Pending", running, initialising)),
  shape(4, "init container runs, the pod is owned", onNode("Pending", running, initialising), owned),
  shape(5, "init container ended well, runner waits", onNode("Pending", brought, initialising), owned),
  shape(
    5,
    "init container ended well, runner's image cannot be pulled",
    onNode("Pending", brought, waiting("ImagePullBackOff")),
  ),
  shape(6, "init container failed, runner waits", onNode("Failed", terminated(1), initialising)),
];

const RUNNING: readonly WireShape[] = [
  shape(7, "runner runs, started", atWork),
  shape(8, "runner runs, not started", onNode("Running", brought, running, { runnerExtras: { started: false } })),
  shape(8, "runner runs, started is null", onNode("Running", brought, running, { runnerExtras: { started: null } })),
  shape(
    10,
    "runner waits after it ended once",
    onNode("Running", brought, waiting("CrashLoopBackOff"), {
      runnerExtras: { lastState: terminated(1), restartCount: 1 },
    }),
  ),
  shape(
    19,
    "a single container runs, started",
    { phase: "Running", conditions: [scheduled], containerStatuses: [statusOf("runner", running)] },
    {
      spec: specOf({ nodeName: SHAPE_NODE, isAlone: true }),
    },
  ),
  shape(22, "runner runs although its job is over at GitHub", atWork, owned),
];

const ENDED: readonly WireShape[] = [
  shape(9, "runner ended well", onNode("Succeeded", brought, terminated(0))),
  shape(9, "runner failed", onNode("Failed", brought, terminated(1))),
  shape(9, "runner ended by a signal", onNode("Failed", brought, terminated(143, "Error", { signal: 15 }))),
  shape(
    9,
    "runner ended before it started",
    onNode("Failed", brought, terminated(128, "StartError", { message: "exec: not found" }), {
      runnerExtras: { started: false },
    }),
  ),
  shape(
    11,
    "runner ended, a sidecar keeps the pod running",
    onNode("Running", brought, terminated(0), {
      initContainerStatuses: [statusOf("holdfast-agent", brought), statusOf(DIND, running)],
    }),
    { spec: specOf({ nodeName: SHAPE_NODE, hasSidecar: true }) },
  ),
  shape(
    12,
    "evicted by its node",
    onNode("Failed", brought, terminated(137), {
      reason: "Evicted",
      message: EVICTED,
      conditions: [scheduled, condition("DisruptionTarget", "True", "TerminationByKubelet", EVICTED)],
    }),
  ),
  shape(12, "evicted by its node, no container statuses", { phase: "Failed", reason: "Evicted", message: EVICTED }),
  shape(12, "killed for its memory", onNode("Failed", brought, terminated(137, "OOMKilled"))),
  shape(
    12,
    "disruption target, still running",
    onNode("Running", brought, running, { conditions: [scheduled, disrupted] }),
  ),
];

const LOST: readonly WireShape[] = [
  shape(13, "phase Unknown, node silent", onNode("Unknown", brought, running, { reason: "NodeLost" }), {
    node: "silent",
  }),
  shape(
    13,
    "runner runs as far as was last heard, node silent",
    onNode("Running", brought, running, {
      conditions: [scheduled, condition("Ready", "False", "NodeNotReady")],
    }),
    { node: "silent" },
  ),
  shape(14, "node is gone, pod is left", atWork, { node: "absent" }),
  shape(15, "terminating, within its grace", atWork, ending(IN_TIME)),
  shape(16, "terminating, long after its grace", atWork, ending(LONG_AGO)),
  shape(
    17,
    "terminating, held by a finalizer",
    onNode("Running", brought, running),
    ending(LONG_AGO, ["example.test/hold"]),
  ),
  { name: "pod is not there", row: 18, node: "ready", pods: [] },
];

const ODD: readonly WireShape[] = [
  shape(20, "a state that nobody knows", onNode("Running", brought, {})),
  shape(20, "a phase that nobody knows", { conditions: [scheduled] }),
  {
    name: "two pods for one machine",
    row: 21,
    node: "ready",
    pods: [
      { metadata: {}, spec: bound, status: atWork },
      { metadata: {}, spec: bound, status: onNode("Pending", brought, initialising) },
    ],
  },
];

/** Every one has a name of its own, and every row of the truth table has one at least. */
export const POD_SHAPES: readonly WireShape[] = [...WAITING, ...RUNNING, ...ENDED, ...LOST, ...ODD];

/**
 * A pod of a shape under this name; where a shape has several, they are told apart by their number.
 * @returns nothing for the shape of a pod that is not there.
 */
export function makePods(
  of: WireShape,
  place: { readonly name: string; readonly namespace: string },
): readonly PlacedPod[] {
  return of.pods.map(({ metadata, ...rest }, index) => ({
    metadata: { ...metadata, ...place, name: index === 0 ? place.name : `${place.name}-${index + 1}` },
    ...rest,
  }));
}

export interface PlacedPod extends ShapedPod {
  readonly metadata: Partial<ObjectMeta> & { readonly name: string; readonly namespace: string };
}
