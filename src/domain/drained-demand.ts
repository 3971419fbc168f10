/**
 * The demand of a pool that an operator drained: no ticket is made, no machine is launched, and tickets that have not left us
 * are voided, so that their jobs can go to other pools. Those that are out may still bring a job, and count until then. Pure.
 */
import { type DemandInput, type DemandPlan, decideDemand } from "./demand.ts";
import type { PoolPolicy } from "./pool.ts";
import { isTicketOut } from "./ticket.ts";
import type { HeardTime } from "./time.ts";

/** What a drained pool has to give: nothing. Its tickets stay in the list. */
export function withNothingToGive(input: DemandInput): DemandInput {
  return { ...input, machines: [], mintPauses: new Map(), launchRoom: { count: 0, limit: "pool-drained" } };
}

export function decideDrainedDemand(input: DemandInput, pool: PoolPolicy, time: HeardTime): DemandPlan {
  const plan = decideDemand({ ...input, tickets: input.tickets.filter(isTicketOut) }, pool, time);
  if (pool.mode === "observe") return plan;
  const unsent = input.tickets.filter((ticket) => !isTicketOut(ticket)).map((ticket) => ticket.id);
  return { ...plan, unneeded: [...plan.unneeded, ...unsent] };
}
