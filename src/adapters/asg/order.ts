/**
 * What a launch is to come to, decided once and stored before anything is asked for: so many members more than these. The
 * group takes no token for it, so this is what a repeat is judged by.
 */
import { invariant } from "../../domain/invariant.ts";

export interface Order {
  readonly draftedAtMs: number;
  /** In the group before, and not in its reserve: what comes besides may be ours, and may come out of there. */
  readonly before: readonly string[];
  readonly count: number;
  /** Left out of orders that an older version stored: then whoever comes is one that was started for it. */
  readonly origin?: Origin;
}

/** What tells a machine that the group starts from one that somebody puts into it, with whatever runs there. */
export interface Origin {
  /** When it was drafted, by AWS's clock. */
  readonly draftedAtForeignMs: number;
  /** In the group's reserve then. */
  readonly reserve: readonly string[];
}

export function writeOrder(order: Order): string {
  return JSON.stringify(order);
}

/** Only what `writeOrder` wrote is ever stored in its place. */
export function readOrder(text: string): Order {
  const order: unknown = JSON.parse(text);
  invariant(
    typeof order === "object" && order !== null && "before" in order && "count" in order,
    "a stored order is one that was drafted",
  );
  return order as Order;
}
