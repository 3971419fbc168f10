/**
 * What it means that the API has no such pod. A pod that was deleted by force may run on where its kubelet cannot be
 * reached, so its absence says nothing by itself (`not-found`: twice over 5 minutes, and not a word from its agent). It is
 * the positive word `gone` only where what was last seen leaves nothing that could run on.
 */
import type { PodShape } from "./shape.ts";

export interface LastSight {
  readonly shape: PodShape;
  /**
   * The object as it was when it went: what our own deletion, by its precondition, removed. A watch tells of a pod that only
   * lost its labels as it tells of one that went, so it has no such word.
   */
  readonly isFinal: boolean;
}

/** @param last null where it was never seen by this process. */
export function judgeAbsence(last: LastSight | null): "gone" | "not-found" {
  if (last === null) return "not-found";
  // A container that has ended under `restartPolicy: Never` starts no more, whoever saw it end.
  if (last.shape.agent?.kind === "terminated") return "gone";
  // What was never bound to a node no kubelet ever had; but only the last object of all says "never".
  return last.isFinal && !last.shape.isScheduled ? "gone" : "not-found";
}
