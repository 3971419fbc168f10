/**
 * A program: a simulated cluster with so many pods of the pool, in a process of its own, so that what is measured is not it.
 *
 *     fork(cluster.ts, [<controller id>, <pool>, <count>])
 *
 * Tells where it is once it is there, and its calls so far whenever it is asked. Ends with whoever started it.
 */
import { parseControllerId, parsePoolName } from "../../src/domain/ids.ts";
import { startSimulatedKubernetes } from "../../src/simulator/server/kubernetes/simulated-kubernetes.ts";
import { type RunningPod, runPods } from "../../test/adapters/kubernetes/running-pods.ts";

export type ClusterWord =
  | { readonly kind: "ready"; readonly url: string; readonly token: string; readonly pods: readonly RunningPod[] }
  | { readonly kind: "calls"; readonly count: number };

const [controllerId = "", pool = "", count = "0"] = process.argv.slice(2);
const cluster = await startSimulatedKubernetes({ seed: 1, kubernetes: { hasKubelets: false } });
const owner = { controllerId: parseControllerId(controllerId), pool: parsePoolName(pool) };
const tell = (word: ClusterWord) => process.send?.(word);

process.on("message", () =>
  tell({ kind: "calls", count: Object.values(cluster.calls()).reduce((sum, calls) => sum + calls, 0) }),
);
process.on("disconnect", () => process.exit());
tell({ kind: "ready", url: cluster.url, token: cluster.token, pods: runPods(cluster, owner, Number(count)) });
