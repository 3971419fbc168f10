/** What `assign` would decide of the jobs that wait, the tickets in advance and the machines that stand ready. */
import { type JobDecision, nextTicketAtMs } from "../../domain/demand.ts";
import type { JobId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import type { PlannedStep } from "../../domain/pass-plan.ts";
import { registrationScope } from "../../domain/pool.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { jobSubject, machineSubject, ticketSubject } from "../../store/subjects.ts";
import { reasonOf, startsOf } from "../assign/judge-plan.ts";
import { ASK_PAUSE_MS, type PoolPlan } from "../assign/plan-pool.ts";
import type { PoolContext } from "../context.ts";
import { mintPauseOf } from "../execute/mint.ts";

export function foretellJobs(context: PoolContext, plan: PoolPlan): readonly PlannedStep[] {
  return plan.demand.decisions.map((decision) => {
    const row = plan.rows.get(decision.jobId);
    invariant(row !== undefined, "a decision is about a job of the plan");
    const { connection, id } = row.job;
    return {
      controller: "assign",
      action: decision.kind,
      subject: jobSubject(connection, id),
      title: titleOf(row),
      reason: reasonOf(decision),
      note: noteOf(decision),
      retryAtMs: retryOf(context, plan, decision, row),
    };
  });
}

export function titleOf({ job: { repository, name } }: JobRow): string {
  return name === "" ? repository : `${repository}, ${name}`;
}

function noteOf(decision: JobDecision): string | null {
  if (decision.kind === "mint" || decision.kind === "start") return `machine ${decision.machineId}`;
  return decision.kind === "aim" ? `ticket ${decision.ticketId}` : null;
}

/** When the pause ends for which the job waits; null where it waits for something else than time. */
function retryOf(context: PoolContext, plan: PoolPlan, decision: JobDecision, row: JobRow): number | null {
  if (decision.kind !== "wait") return null;
  const { clock, memory, pool } = context;
  const inMs = (leftMs: number) => clock.nowMs() + leftMs;
  switch (decision.reason) {
    case "tickets-stopped":
      return probeOf(plan.breakers.tickets, clock.nowMs());
    case "launches-stopped":
      return probeOf(plan.breakers.launches, clock.nowMs());
    case "job-stopped":
      return probeOf(plan.breakers.jobs.get(row.job.id), clock.nowMs());
    case "ticket-backoff":
      return nextTicketAtMs(row);
    default: {
      const mint = mintPauseOf(context, registrationScope(pool, row.job.repository));
      if (mint?.reason === decision.reason) return inMs(mint.leftMs);
      const launchLeftMs = memory.launch.untilMonotonicMs - clock.monotonicMs();
      if (memory.launch.reason === decision.reason && launchLeftMs > 0) return inMs(launchLeftMs);
      const askLeftMs = askPauseLeftMs(context, row.job.id);
      return askLeftMs > 0 ? inMs(askLeftMs) : null;
    }
  }
}

function probeOf(breaker: PoolPlan["breakers"]["tickets"] | undefined, nowMs: number): number | null {
  return breaker?.kind === "open" && breaker.nextProbeAtMs > nowMs ? breaker.nextProbeAtMs : null;
}

function askPauseLeftMs({ memory, clock }: PoolContext, jobId: JobId): number {
  const failure = memory.askFailures.get(jobId);
  return failure === undefined ? 0 : Math.max(0, failure.atMonotonicMs + ASK_PAUSE_MS - clock.monotonicMs());
}

/** Tickets in advance, those that no job needs, and machines started to stand ready. */
export function foretellStanding(plan: PoolPlan): readonly PlannedStep[] {
  const forJobs = new Set(plan.demand.decisions.flatMap((one) => (one.kind === "start" ? [one.machineId] : [])));
  const nothingElse = { controller: "assign", title: null, note: null, retryAtMs: null } as const;
  return [
    ...plan.standing.mints.map(
      ({ machineId, purpose }) =>
        ({
          ...nothingElse,
          action: "mint",
          subject: machineSubject(machineId),
          reason: "mint-next",
          note: `a ticket in advance (${purpose})`,
        }) as const,
    ),
    ...plan.demand.unneeded.map(
      (id) => ({ ...nothingElse, action: "void", subject: ticketSubject(id), reason: "ticket-unneeded" }) as const,
    ),
    ...startsOf(plan)
      .filter((id) => !forJobs.has(id))
      .map(
        (id) => ({ ...nothingElse, action: "start", subject: machineSubject(id), reason: "being-started" }) as const,
      ),
  ];
}
