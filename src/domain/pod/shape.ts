/**
 * A pod as it is judged: what its object and its node's object say, distilled. Whoever reads the API makes it, and the
 * judgement (`judge.ts`) is pure. Of several containers one counts: the agent's, in which the runner and its job run too.
 */

/** What the kubelet reports of one container. */
export type ContainerShape =
  | {
      readonly kind: "waiting";
      /** The kubelet's word: `ImagePullBackOff`, `ContainerCreating`. */
      readonly reason: string | null;
      readonly message: string | null;
      /** It ran before and ended (`lastState.terminated`), which `restartPolicy: Never` rules out. */
      readonly hasRunBefore: boolean;
    }
  | { readonly kind: "running"; readonly hasRunBefore: boolean }
  | { readonly kind: "terminated"; readonly exitCode: number; readonly reason: string | null }
  /** A state of a shape that this version does not know. */
  | { readonly kind: "unrecognised" };

/**
 * What is known of the node that the pod is bound to. `unread`: nodes cannot be read, or were not. `absent`: the API has no
 * such node any more, which is no word about the computer. `gone`: the cloud's own word that the computer no longer exists;
 * the Kubernetes API has no such word, so only who also asks a cloud can say it.
 */
export type NodeShape = "ready" | "not-ready" | "absent" | "unread" | "gone";

export interface PodShape {
  /** As the API writes it; null where it is missing. */
  readonly phase: string | null;
  /** The pod's own reason: `Evicted`, `OutOfcpu`, `NodeLost`. */
  readonly reason: string | null;
  /** Bound to a node: from then on a kubelet may start it. */
  readonly isScheduled: boolean;
  /** Why the scheduler found no node; null where it says nothing. */
  readonly schedulingTrouble: string | null;
  readonly node: NodeShape;
  /** Those that run to their end before the others start, one after the other; ours brings the agent in. */
  readonly initContainers: readonly ContainerShape[];
  /** Of the container that agent, runner and job run in; null before the kubelet reports it. */
  readonly agent: ContainerShape | null;
  /** Somebody asked for its deletion. `overdue`: its grace is over for 5 minutes, and it is still there. */
  readonly deletion: "none" | "within-grace" | "overdue";
  /** Whoever put them there has to take them off before the pod can go. */
  readonly finalizers: readonly string[];
  /** Why it is about to be disrupted (condition `DisruptionTarget`); null where it is not. */
  readonly disruption: string | null;
}
