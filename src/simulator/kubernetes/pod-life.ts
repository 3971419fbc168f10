/** What a pod's node knows of it, from which its kubelet writes the pod's status. */

export interface PodLife {
  readonly podUid: string;
  /** By `keyOf`. */
  readonly podKey: string;
  /**
   * - `waiting`: no node has room for it, or none was looked for yet;
   * - `bound`: its node has not seen it yet;
   * - `accepted`: its kubelet works on it;
   * - `ending`: its kubelet ends its processes, for a deletion or because nothing but sidecars is left;
   * - `over`: its last process has ended, and the last status is to be written.
   */
  stage: "waiting" | "bound" | "accepted" | "ending" | "over";
  /** When the stage changes by itself; null: it waits for something else. */
  dueMs: number | null;
  nodeName: string | null;
  startedAtMs: number | null;
  killAtMs: number | null;
  /** In the order of the spec, those of the initialisation first. */
  readonly containers: ContainerLife[];
  /** Why it ended other than by itself: its status says so. */
  end: PodEnd | null;
}

export interface PodEnd {
  readonly reason?: string;
  readonly message?: string;
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
  | { readonly kind: "pulling"; readonly untilMs: number }
  | {
      readonly kind: "pull-failed";
      readonly isBackingOff: boolean;
      readonly triedCount: number;
      readonly untilMs: number;
    }
  | { readonly kind: "starting"; readonly untilMs: number }
  | { readonly kind: "running"; readonly sinceMs: number; readonly endsAtMs: number | null; readonly exitCode: number }
  | {
      readonly kind: "terminated";
      readonly startedAtMs: number | null;
      readonly atMs: number;
      readonly exitCode: number;
      readonly reason: string;
    };
