/**
 * What a pod's node knows of it, from which its kubelet writes the pod's status. Containers are started once: no restart
 * policy but `Never` is followed.
 */
import type { Pod, PodSpec } from "./objects.ts";

export interface PodLife {
  readonly podUid: string;
  readonly name: string;
  readonly namespace: string;
  /**
   * - `waiting`: no node has been found for it;
   * - `bound`: its node has not seen it yet;
   * - `accepted`: its kubelet works on it;
   * - `ending`: its processes have been told to end, all or none but sidecars being left;
   * - `over`: nothing of it runs, and the last status is to be written.
   */
  stage: "waiting" | "bound" | "accepted" | "ending" | "over";
  nodeName: string | null;
  acceptedAtMs: number | null;
  /** Whatever runs then is killed. */
  killAtMs: number | null;
  /** In the order of the spec, those of the initialisation first. */
  readonly containers: ContainerLife[];
  /** Why it ended other than by itself, as its status says it. */
  end: { readonly reason: string; readonly message: string } | null;
  /** Its kubelet never gets to an end with it. */
  isWedged: boolean;
  /** Its last status is written; its deletion comes next, where one was asked for. */
  isDeletionDue: boolean;
}

export interface ContainerLife {
  readonly name: string;
  readonly image: string;
  /** `init`: one after the other, before the rest; `sidecar`: the same, but it runs on; `main`: the rest. */
  readonly role: "init" | "sidecar" | "main";
  phase: ContainerPhase;
}

export type ContainerPhase =
  | { readonly kind: "waiting" }
  | { readonly kind: "pulling"; readonly untilMs: number; readonly triedCount: number }
  | { readonly kind: "pull-failed"; readonly untilMs: number; readonly triedCount: number }
  | { readonly kind: "backing-off"; readonly untilMs: number; readonly triedCount: number }
  | { readonly kind: "starting"; readonly untilMs: number }
  | RunningPhase
  | TerminatedPhase;

export interface RunningPhase {
  readonly kind: "running";
  readonly sinceMs: number;
  /** When it ends by itself, or by what it was told; null: not before it is told. */
  readonly endsAtMs: number | null;
  readonly exitCode: number;
  readonly isToldToEnd: boolean;
}

export interface TerminatedPhase {
  readonly kind: "terminated";
  readonly startedAtMs: number | null;
  readonly atMs: number;
  readonly exitCode: number;
  readonly reason: string;
}

export function beginLife({ metadata, spec }: Pod): PodLife {
  const { uid, name, namespace = "" } = metadata;
  const nodeName = spec.nodeName === undefined || spec.nodeName === "" ? null : spec.nodeName;
  return {
    podUid: uid,
    name,
    namespace,
    stage: nodeName === null ? "waiting" : "bound",
    nodeName,
    acceptedAtMs: null,
    killAtMs: null,
    containers: containersOf(spec),
    end: null,
    isWedged: false,
    isDeletionDue: false,
  };
}

function containersOf({ initContainers = [], containers }: PodSpec): ContainerLife[] {
  const initial = initContainers.map(({ name, image = "", restartPolicy }): ContainerLife => {
    return { name, image, role: restartPolicy === "Always" ? "sidecar" : "init", phase: { kind: "waiting" } };
  });
  const main = containers.map(({ name, image = "" }): ContainerLife => {
    return { name, image, role: "main", phase: { kind: "waiting" } };
  });
  return [...initial, ...main];
}

export function isRunning({ phase }: ContainerLife): boolean {
  return phase.kind === "running";
}

/** An init container that did not end well: the rest never starts. */
export function hasFailedToInitialise({ containers }: PodLife): boolean {
  return containers.some(({ role, phase }) => role === "init" && phase.kind === "terminated" && phase.exitCode !== 0);
}

export function isInitialised({ containers }: PodLife): boolean {
  return containers.every(({ role, phase }) => {
    if (role === "main") return true;
    if (role === "sidecar") return phase.kind === "running" || phase.kind === "terminated";
    return phase.kind === "terminated" && phase.exitCode === 0;
  });
}
