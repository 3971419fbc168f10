/** The Auto Scaling group of each pool of a world, as whoever made it has set it up. */
import { HOUR_MS } from "../../domain/units.ts";

export interface GroupPlan {
  /** Who sizes it: demand through Holdfast, or others alone. */
  readonly scaling: "holdfast" | "external";
  readonly minCount: number;
  /** So many more members than its pool's `machines.max` the group itself would have. */
  readonly beyondMaxCount: number;
  /** Members are protected from scale-in from their launch on. */
  readonly isProtected: boolean;
  readonly market: "spot" | "on-demand";
  /** Of the terminate hook; null: there is none, and nothing waits. */
  readonly heartbeatTimeoutMs: number | null;
  /** There is a launch hook as well, which somebody else completes. */
  readonly hasLaunchHook: boolean;
  /** What becomes of a machine whose hook nobody completed. */
  readonly retention: "retain" | "terminate";
  readonly warmPool: {
    readonly state: "Stopped" | "Running" | "Hibernated";
    readonly isReusedOnScaleIn: boolean;
    /** How many machines group and pool have together. */
    readonly preparedCount: number;
  } | null;
  /** Members are replaced at this age; null: at none. A day or more. */
  readonly lifetimeMs: number | null;
}

/** As AWS advises for workers that must not be ended in the middle of their work. */
export const PLAIN_GROUP: GroupPlan = {
  scaling: "holdfast",
  minCount: 0,
  beyondMaxCount: 0,
  isProtected: true,
  market: "on-demand",
  heartbeatTimeoutMs: 2 * HOUR_MS,
  hasLaunchHook: false,
  retention: "retain",
  warmPool: null,
  lifetimeMs: null,
};
