/** Reads of nodes what the judgement of pods needs: whether a node's kubelet is heard of. */
import type { CoreV1Api, V1Pod } from "@kubernetes/client-node";
import type { NodeShape } from "../../domain/pod/shape.ts";
import { listPages } from "./pages.ts";
import { RUNNER_CONTAINER } from "./template.ts";

export type NodeReader = (pods: readonly V1Pod[]) => Promise<(pod: V1Pod) => NodeShape>;

/**
 * Nodes are listed where some pod's judgement needs one, and after the pods: that a node is ready is then newer than what
 * its kubelet said. Where they may not be read, or cannot be, none is known.
 */
export function createNodeReader(core: CoreV1Api): NodeReader {
  return async (pods) => {
    const needing = new Set(pods.filter(needsNode).map(({ metadata }) => metadata?.uid));
    const nodes = needing.size === 0 ? null : await readNodes(core);
    return (pod) => {
      if (nodes === null || !needing.has(pod.metadata?.uid)) return "unread";
      return nodes.get(pod.spec?.nodeName ?? "") ?? "absent";
    };
  };
}

/** Bound to a node, and neither ended nor running and well. */
function needsNode({ metadata, spec, status }: V1Pod): boolean {
  if ((spec?.nodeName ?? "") === "") return false;
  const agent = status?.containerStatuses?.find(({ name }) => name === RUNNER_CONTAINER);
  if ((agent?.state?.terminated ?? null) !== null) return false;
  // The control plane takes this off the pods of a node that is not heard of.
  const isReady = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
  const isWell = isReady && status?.phase === "Running" && (agent?.state?.running ?? null) !== null;
  return !isWell || metadata?.deletionTimestamp !== undefined;
}

async function readNodes(core: CoreV1Api): Promise<ReadonlyMap<string, NodeShape> | null> {
  try {
    const nodes = await listPages((page) => core.listNode(page));
    return new Map(
      nodes.map(({ metadata, status }) => {
        const ready = status?.conditions?.find(({ type }) => type === "Ready");
        return [metadata?.name ?? "", ready?.status === "True" ? "ready" : "not-ready"];
      }),
    );
  } catch {
    // What a node says adds to a judgement and is never a proof: without it pods are kept that might have gone sooner.
    return null;
  }
}
