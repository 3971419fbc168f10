/** How a pod is deleted whose end is permitted. */
import type { ProofKind } from "../permit.ts";
import { MINUTE_MS } from "../units.ts";
import type { PodShape } from "./shape.ts";

/** So long after its grace a pod that is still there counts as one that its kubelet does not end. */
export const OVERDUE_AFTER_GRACE_MS = 5 * MINUTE_MS;

export type DeletionStep =
  /** The kubelet ends it, and the object goes when the kubelet says so. */
  | { readonly kind: "delete"; readonly graceSeconds: number }
  /** The object goes at once, whatever the kubelet says. */
  | { readonly kind: "force" }
  | { readonly kind: "wait"; readonly why: string };

/** From TERM to KILL. An agent that holds nothing needs none of it; sidecars and hooks of the template may. */
const IDLE_GRACE_SECONDS = 30;
/** Where nothing that is left would use it. Not 0, which means "by force". */
const NO_GRACE_SECONDS = 1;

const PROOFS_OF_THE_IDLE: readonly ProofKind[] = ["never-engaged", "parked"];

/**
 * Deleting it again with less grace shortens what somebody else gave it. The finalizers of others are waited for and never
 * taken off: whoever put one there would leave something behind.
 */
export function decideDeletion(shape: PodShape, proof: ProofKind): DeletionStep {
  if (shape.deletion === "overdue") {
    if (shape.finalizers.length === 0) return { kind: "force" };
    return {
      kind: "wait",
      why: `it is held by the finalizer ${shape.finalizers.join(", ")}, which is not ours to remove`,
    };
  }
  return { kind: "delete", graceSeconds: PROOFS_OF_THE_IDLE.includes(proof) ? IDLE_GRACE_SECONDS : NO_GRACE_SECONDS };
}
