/**
 * What the next pass of a pool's controllers would do and what it would leave, as a value: shown to a person, and never
 * carried out. The decisions are those of the controllers' own functions over the same rows.
 */
import type { LaunchRoom } from "./demand.ts";
import type { Subject } from "./evidence.ts";
import type { PoolName } from "./ids.ts";
import type { ReasonCode } from "./reasons.ts";

/** In the order in which a datum passes them. */
export const PLANNING_CONTROLLERS = [
  "assign",
  "launch",
  "mint",
  "ask",
  "hand-back",
  "retire",
  "sweep",
  "rerun",
] as const;
export type PlanningController = (typeof PLANNING_CONTROLLERS)[number];

export interface PlannedStep {
  readonly controller: PlanningController;
  /** What it would do, in a word: `mint`, `launch`, `retire`; `wait` and `keep` where it would leave it. */
  readonly action: string;
  readonly subject: Subject;
  /** What people call it, where that is more than its id. */
  readonly title: string | null;
  readonly reason: ReasonCode;
  /** What else belongs to it: the machine of a ticket, the proof of an ending. Null for nothing. */
  readonly note: string | null;
  /** Epoch milliseconds before which it is not tried again; null: at the next pass. */
  readonly retryAtMs: number | null;
}

export interface PassPlan {
  readonly pool: PoolName;
  /** Whether this process holds the pool: else its passes do nothing, and it remembers less than who does. */
  readonly isHeld: boolean;
  /** Machines that are there or on their way. */
  readonly machineCount: number;
  readonly waitingJobCount: number;
  /** Machines that would be launched, for jobs and to stand ready. */
  readonly launchCount: number;
  readonly launchRoom: LaunchRoom;
  /** What is not sound in the plan, and for which it would not be carried out. */
  readonly unsound: readonly string[];
  readonly steps: readonly PlannedStep[];
  /** Retiring machines that were not looked at, there being so many. */
  readonly unseenCount: number;
}

const LEAVES: ReadonlySet<string> = new Set(["wait", "keep"]);

/** Whether something would be done, and not left as it is. */
export function isAct({ action }: PlannedStep): boolean {
  return !LEAVES.has(action);
}

/** What would be done first, then what waits; each in the order of the controllers. */
export function inOrder(steps: readonly PlannedStep[]): readonly PlannedStep[] {
  const rank = (step: PlannedStep) =>
    PLANNING_CONTROLLERS.indexOf(step.controller) + (isAct(step) ? 0 : PLANNING_CONTROLLERS.length);
  return [...steps].sort((a, b) => rank(a) - rank(b));
}
