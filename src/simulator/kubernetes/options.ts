/** What a simulated cluster is told of itself and its habits before it begins. */
import type { Chance, Range } from "../world/chance.ts";

export interface KubernetesOptions {
  readonly chance: Chance;
  /** What `/version` says. */
  readonly version: string;
  /** False: nothing schedules pods and nothing runs them. What their status says is then the driver's doing. */
  readonly hasKubelets: boolean;
  readonly nodes: readonly NodeOption[];
  readonly namespaces: readonly string[];
  readonly times: KubernetesTimes;
  /** How far the watch cache, which feeds watches and lists with `resourceVersion=0`, is behind. */
  readonly cacheLagMs: number;
  readonly historyMs: number;
  readonly historyCountMax: number;
  /** What the processes of a container do, by the container's name; the rest run until they are told to end. */
  readonly courses: Readonly<Record<string, ContainerCourse>>;
}

export interface NodeOption {
  readonly name: string;
  readonly cpu: string;
  readonly memory: string;
  readonly podCountMax: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a container's processes do from their start on. */
export interface ContainerCourse {
  /** They end by themselves after so long; null: only when they are told to. */
  readonly runsMs: number | null;
  readonly exitCode: number;
  /** After TERM they end so much later; null: they ignore it until they are killed. */
  readonly endsAfterTermMs: number | null;
  /** With which code they end on TERM. */
  readonly termExitCode: number;
}

/** How long things take; each is drawn for each pod. */
export interface KubernetesTimes {
  /** Until the scheduler has found a node. */
  readonly schedulingMs: Range;
  /** Until the kubelet has seen the pod. */
  readonly acceptingMs: Range;
  readonly pullMs: Range;
  /** Between a pulled image and a running process. */
  readonly startingMs: Range;
  /** Between the end of a pod's last process and its last status. */
  readonly finishingMs: Range;
  /** A pull that failed is tried again after the first, then after twice as long, up to the second. */
  readonly pullBackOffMs: Range;
  /** A node that is not heard for so long is marked. */
  readonly nodeSilenceMs: number;
  /** A node's pods are evicted so long after it was marked, unless they tolerate more or less. */
  readonly tolerationMs: number;
  /** Pods of a node that is no more are removed so much later. */
  readonly garbageMs: number;
  /** Between two bookmarks of a watch that asked for them. */
  readonly bookmarkEveryMs: number;
  /** A watch that names no time ends after so long. */
  readonly watchMs: Range;
  /** What fitted on no node is looked at again after so long. */
  readonly reschedulingMs: number;
}
