/**
 * What a launch is to come to, decided once and stored before anything is asked for: so many members more than these. The
 * group takes no token for it, so this is what a repeat is judged by.
 */
import { invariant } from "../../domain/invariant.ts";
import { MINUTE_MS } from "../../domain/units.ts";

/** Ten minutes for raising, two for readings, the rest for clocks that differ. */
const OUTDATED_AFTER_MS = 20 * MINUTE_MS;

export interface Order {
  readonly draftedAtMs: number;
  /** In the group before, and not in its reserve: what comes besides may be ours, and may come out of there. */
  readonly before: readonly string[];
  readonly count: number;
  /** Left out of orders that an older version stored: then whoever comes is one that was started for it. */
  readonly origin?: Origin;
  /** Left out of orders that an older version stored: then no later process knows what was asked for. */
  readonly target?: Target;
}

/**
 * The highest desired capacity that an order may ask for, of which group. Stored before it is asked for: for a while the
 * group's readings may not show it, and a process that comes after knows it from here alone.
 */
export interface Target {
  readonly region: string;
  readonly group: string;
  readonly desiredMax: number;
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

/**
 * What an order may have been carried out to.
 * @returns null for what another kind drafted, which a pool of other settings may have been; and where it was so long ago that
 *   readings show whatever came of it.
 */
export function readTarget(text: string, nowMs: number): Target | null {
  const { target = null, draftedAtMs = 0 } = (JSON.parse(text) ?? {}) as Partial<Order>;
  return nowMs - draftedAtMs < OUTDATED_AFTER_MS ? target : null;
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
