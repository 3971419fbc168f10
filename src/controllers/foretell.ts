/**
 * The next pass of a pool, foretold: what each of its controllers would decide now, by the functions by which they decide.
 * Reads rows and what is remembered; writes nothing, calls neither GitHub nor the provider, and issues no permit. What only
 * such a call can tell is left open and said so.
 */
import { inOrder, type PassPlan } from "../domain/pass-plan.ts";
import { findUnsound } from "./assign/judge-plan.ts";
import { planPool } from "./assign/plan-pool.ts";
import type { PoolContext } from "./context.ts";
import { foretellJobs, foretellStanding } from "./foretell/jobs.ts";
import { foretellLaunches, foretellMachines } from "./foretell/machines.ts";
import { foretellReruns } from "./foretell/reruns.ts";
import { foretellDeletions, foretellHandBacks, foretellMints, foretellQuestions } from "./foretell/tickets.ts";

export async function foretellPass(context: PoolContext): Promise<PassPlan> {
  const { pool } = context;
  const plan = await planPool(context);
  const machines = await foretellMachines(context, plan);
  const steps = [
    ...foretellJobs(context, plan),
    ...foretellStanding(plan),
    ...(await foretellLaunches(context)),
    ...(await foretellMints(context)),
    ...foretellQuestions(context, plan),
    ...(await foretellHandBacks(context, plan)),
    ...machines.steps,
    ...(await foretellDeletions(context)),
    ...(await foretellReruns(context)),
  ];
  return {
    pool: pool.name,
    isHeld: context.lease() !== null,
    machineCount: plan.machineCount,
    waitingJobCount: plan.rows.size,
    launchCount: plan.scale.launchCount,
    launchRoom: plan.input.launchRoom,
    unsound: [...findUnsound(context, plan), ...machines.notes].map(({ check, subject }) => `${check}: ${subject}`),
    steps: inOrder(steps),
    unseenCount: machines.unseenCount,
  };
}
