/** Pods of a pool that run and are well, as their kubelets write them: put into a simulated cluster at once. */
import { LABEL, ownerLabels } from "../../../src/adapters/kubernetes/marks.ts";
import { RUNNER_CONTAINER } from "../../../src/adapters/kubernetes/template.ts";
import {
  type ControllerId,
  type MachineId,
  type PoolName,
  type ProviderId,
  parseMachineId,
} from "../../../src/domain/ids.ts";
import { podProviderId } from "../../../src/domain/pod/provider-id.ts";
import type { SimulatedKubernetes } from "../../../src/simulator/server/kubernetes/simulated-kubernetes.ts";
import { NAMESPACE } from "./stage.ts";

const NODES = ["node-a", "node-b"] as const;
const STARTED_AT = "2026-05-04T04:00:10Z";

export interface RunningPod {
  readonly machineId: MachineId;
  readonly providerId: ProviderId;
}

export function runPods(
  cluster: Pick<SimulatedKubernetes, "plantPod">,
  owner: { readonly controllerId: ControllerId; readonly pool: PoolName },
  count: number,
): readonly RunningPod[] {
  return Array.from({ length: count }, (_, index) => runPod(cluster, owner, index));
}

function runPod(
  cluster: Pick<SimulatedKubernetes, "plantPod">,
  owner: { readonly controllerId: ControllerId; readonly pool: PoolName },
  index: number,
): RunningPod {
  const machineId = parseMachineId(`m-${String(index).padStart(8, "0")}`);
  const image = "ghcr.io/actions/actions-runner:2.336.0";
  const { metadata } = cluster.plantPod({
    metadata: {
      name: machineId,
      namespace: NAMESPACE,
      labels: { ...ownerLabels(owner), [LABEL.machine]: machineId, [LABEL.launch]: "l-00000001" },
    },
    spec: {
      restartPolicy: "Never",
      nodeName: NODES[index % NODES.length] ?? NODES[0],
      containers: [{ name: RUNNER_CONTAINER, image }],
    },
    status: {
      phase: "Running",
      startTime: STARTED_AT,
      conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({ type, status: "True" })),
      containerStatuses: [
        {
          name: RUNNER_CONTAINER,
          image,
          imageID: image,
          ready: true,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: STARTED_AT } },
          lastState: {},
        },
      ],
    },
  });
  return { machineId, providerId: podProviderId({ namespace: NAMESPACE, podName: machineId, podUid: metadata.uid }) };
}
