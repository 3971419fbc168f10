/**
 * The demand of a pool that an operator drained: no ticket is made, no machine is launched, and tickets that have not left us
 * are voided, so that their jobs can go to other pools. Those that are out may still bring a job, and count until then. Pure.
 */
import type { DemandInput } from "./demand.ts";
import type { PoolPolicy } from "./pool.ts";
import { decidePool, type PoolDecision, type PoolInput } from "./pool-plan.ts";
import { isTicketOut } from "./ticket.ts";
import type { HeardTime } from "./time.ts";

/** What a drained pool has to give: nothing. Its tickets stay in the list. */
export function withNothingToGive(input: DemandInput): DemandInput {
  return {
    ...input,
    machines: [],
    startable: [],
    mintPauses: new Map(),
    launchRoom: { count: 0, limit: "pool-drained" },
  };
}

const NOTHING_IN_ADVANCE = { registeredCount: 0, readyCount: 0 };

export function decideDrainedPool(input: PoolInput, pool: PoolPolicy, time: HeardTime): PoolDecision {
  const { tickets } = input.demand;
  const given = { ...withNothingToGive(input.demand), tickets: tickets.filter(isTicketOut) };
  const decision = decidePool({ ...input, demand: given, wanted: NOTHING_IN_ADVANCE }, pool, time);
  if (pool.mode === "observe") return decision;
  const unsent = tickets.filter((ticket) => !isTicketOut(ticket)).map((ticket) => ticket.id);
  return { ...decision, demand: { ...decision.demand, unneeded: [...decision.demand.unneeded, ...unsent] } };
}
