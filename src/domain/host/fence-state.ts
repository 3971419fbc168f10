/**
 * The fence around one held ticket.
 *
 *     none -> closing -> opening(kill) -> killed -> (the ticket ends handed back)
 *     closing -> none                         the shell could not close it: nothing is suspended
 *     closing -> opening(resume) -> none      the look was not clean
 *     opening(kill) -> none                   the watchdog was first: the listener goes on
 *     killed -> failed                        something of a job is there after the kill: busy until it is gone
 *     inherited -> none | killed | failed     of an earlier agent; what its claim says
 */
import type { FenceRefusal, HandBackOrder } from "../protocol.ts";
import type { Fencing } from "./journal.ts";

export type FenceCause =
  | { readonly kind: "order"; readonly attempt: number }
  /** By itself: the agent leaves, nobody answers it, or its listener lost its job. Nobody waits for an answer. */
  | { readonly kind: "own" };

export type FencePhase =
  | { readonly kind: "none" }
  /** `close-fence` was asked for and not yet answered. */
  | { readonly kind: "closing"; readonly cause: FenceCause }
  /** `open-fence` was asked for and not yet answered. */
  | { readonly kind: "opening"; readonly cause: FenceCause; readonly decision: FenceDecision }
  | { readonly kind: "inherited"; readonly fencing: Fencing }
  | { readonly kind: "killed"; readonly cause: FenceCause; readonly byteCount: number }
  | { readonly kind: "failed" };

export type FenceDecision =
  | { readonly claim: "kill"; readonly byteCount: number }
  | { readonly claim: "resume"; readonly why: string };

export interface Fence {
  readonly phase: FencePhase;
  /** Heard and not yet tried. */
  readonly order: HandBackOrder | null;
  /** The latest refused order: the same one is not tried again. */
  readonly refusal: FenceRefusal | null;
  /** Monotonic; the next try by itself. */
  readonly notBeforeMs: number | null;
  /** Since when every look shows a listener that has no job, though one had arrived. */
  readonly idleSinceMs: number | null;
  /** Since when the looks show another's watchdog, or a stop that nobody accounts for. */
  readonly foreignSinceMs: number | null;
}

export const NO_FENCE: Fence = {
  phase: { kind: "none" },
  order: null,
  refusal: null,
  notBeforeMs: null,
  idleSinceMs: null,
  foreignSinceMs: null,
};
