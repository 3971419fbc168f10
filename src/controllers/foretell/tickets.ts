/** What would be asked of GitHub and of hosts: tickets, whether jobs still wait, tickets back, registrations deleted. */
import type { PlannedStep } from "../../domain/pass-plan.ts";
import { loadJob } from "../../store/jobs/load.ts";
import { jobSubject, poolSubject, ticketSubject } from "../../store/subjects.ts";
import { listTicketsInState, listTicketsOwingDeletion } from "../../store/tickets/list.ts";
import type { PoolPlan } from "../assign/plan-pool.ts";
import type { PoolContext } from "../context.ts";
import { mintPauseOf } from "../execute/mint.ts";
import { judgeWanted } from "../execute/still-wanted.ts";
import { chooseHandBacks, HAND_BACK_FACTS } from "../hand-back.ts";
import { readBars } from "../retire/bars.ts";
import { barToDeletion, restBeforeDeletionMs } from "../sweep.ts";
import { titleOf } from "./jobs.ts";

export async function foretellMints(context: PoolContext): Promise<readonly PlannedStep[]> {
  const { pool, store, clock } = context;
  if (pool.mode !== "run") return [];
  const steps: PlannedStep[] = [];
  for (const ticket of await listTicketsInState(store.db, pool.name, ["minting"])) {
    const about = { controller: "mint", subject: ticketSubject(ticket.id), title: ticket.runnerName } as const;
    const pause = mintPauseOf(context, ticket.scope);
    if (pause !== null) {
      const retryAtMs = clock.nowMs() + pause.leftMs;
      steps.push({ ...about, action: "wait", reason: pause.reason, note: `machine ${ticket.machineId}`, retryAtMs });
      continue;
    }
    const row = ticket.jobId === null ? null : await loadJob(store.db, ticket.connection, ticket.jobId);
    const wanted = ticket.jobId === null ? WANTED : judgeWanted(ticket, row, clock.nowMs());
    const isOver = wanted.kind === "over";
    steps.push({
      ...about,
      action: isOver ? "void" : "mint",
      reason: isOver ? "ticket-unneeded" : "ticket-minting",
      note: isOver ? wanted.why : wanted.kind === "ask" ? ASKED_FIRST : `machine ${ticket.machineId}`,
      retryAtMs: null,
    });
  }
  return steps;
}

const WANTED = { kind: "wanted" } as const;
const ASKED_FIRST = "once GitHub has said that its job still waits";

/** Questions that a pass before has left open; those that this one would put are among the jobs. */
export function foretellQuestions({ memory, pool }: PoolContext, { rows }: PoolPlan): readonly PlannedStep[] {
  return [...memory.jobsToAsk].map((id) => {
    const row = rows.get(id);
    return {
      controller: "ask",
      action: "ask",
      subject: jobSubject(pool.connection, id),
      title: row === undefined ? null : titleOf(row),
      reason: "asking-github",
      note: null,
      retryAtMs: null,
    };
  });
}

export async function foretellHandBacks(context: PoolContext, { input }: PoolPlan): Promise<readonly PlannedStep[]> {
  const steps: PlannedStep[] = [];
  for (const { ticketId, machineId, reason } of await chooseHandBacks(context, input.tickets)) {
    const { bars } = await readBars(context.store.db, context.pool.name, machineId);
    const [bar] = bars;
    steps.push({
      controller: "hand-back",
      action: bar === undefined ? "hand-back" : "wait",
      subject: ticketSubject(ticketId),
      title: null,
      reason: bar ?? "hand-back-due",
      note: `machine ${machineId}: ${HAND_BACK_FACTS[reason]}`,
      retryAtMs: null,
    });
  }
  return steps;
}

export async function foretellDeletions(context: PoolContext): Promise<readonly PlannedStep[]> {
  const { pool, store, clock } = context;
  if (pool.mode === "observe") return [];
  const owing = await listTicketsOwingDeletion(store.db, pool.name);
  if (context.isUnconnected === true && owing.length > 0) return [unconnected(context, owing.length)];
  const steps: PlannedStep[] = [];
  for (const ticket of owing) {
    const bar = await barToDeletion(context, ticket);
    const restMs = restBeforeDeletionMs(context, ticket);
    const isResting = bar === null && restMs > 0;
    steps.push({
      controller: "sweep",
      action: bar === null && !isResting ? "delete" : "wait",
      subject: ticketSubject(ticket.id),
      title: ticket.runnerName,
      reason: bar ?? (isResting ? "registrations-unlisted" : "registration-over"),
      note: ticket.state.kind === "handed-back" ? null : LISTED_FIRST,
      retryAtMs: isResting ? clock.nowMs() + restMs : null,
    });
  }
  return steps;
}

const LISTED_FIRST = "if GitHub still lists it";

function unconnected({ pool }: PoolContext, owedCount: number): PlannedStep {
  return {
    controller: "sweep",
    action: "wait",
    subject: poolSubject(pool.name),
    title: null,
    reason: "pool-left",
    note: `${owedCount} registrations, whose connection left the configuration`,
    retryAtMs: null,
  };
}
