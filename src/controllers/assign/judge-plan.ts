/** What a pool's plan says of its jobs and machines, and whether it is sound. Pure. */
import type { JobDecision } from "../../domain/demand.ts";
import type { MachineId } from "../../domain/ids.ts";
import { checkPlan, type PlanNote } from "../../domain/plan-checks.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import type { PoolPlan } from "./plan-pool.ts";

/** @returns what is wrong with it; empty for a sound one, which alone is carried out. */
export function findUnsound({ pool }: { readonly pool: PoolPolicy }, plan: PoolPlan): readonly PlanNote[] {
  return checkPlan(
    {
      jobs: plan.demand.decisions,
      standing: plan.standing.mints,
      launchCount: plan.scale.launchCount,
      starts: plan.standby.starts,
      machines: new Map(),
    },
    { pool, demand: plan.input, machines: plan.machines, tickets: plan.input.tickets },
  );
}

/** Stopped machines that are started now: for jobs, and for those that are to stand ready. */
export function startsOf({ demand, standby }: PoolPlan): readonly MachineId[] {
  const forJobs = demand.decisions.flatMap((decision) => (decision.kind === "start" ? [decision.machineId] : []));
  return [...forJobs, ...standby.starts.map(({ machineId }) => machineId)];
}

export function reasonOf(decision: JobDecision): ReasonCode {
  switch (decision.kind) {
    case "mint":
      return "mint-next";
    case "aim":
      return "ticket-aimed";
    case "ask":
      return "asking-github";
    case "start":
      return "start-next";
    case "launch":
      return "launch-next";
    case "wait":
      return decision.reason;
  }
}
