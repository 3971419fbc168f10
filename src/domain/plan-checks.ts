/** A second, independent look at a plan before it is written: what no plan may ever contain, as notes instead of panics. */
import type { DemandInput, JobDecision } from "./demand.ts";
import type { MachineId } from "./ids.ts";
import type { LifecycleDecision } from "./lifecycle.ts";
import { countsAsMachine, hasTicketsLeft, type Machine } from "./machine.ts";
import type { PoolPolicy } from "./pool.ts";
import type { ReasonCode } from "./reasons.ts";
import type { StandingMint } from "./standing.ts";
import { isTicketLive, isTicketOut, type Ticket } from "./ticket.ts";

export interface Plan {
  readonly jobs: readonly JobDecision[];
  /** Tickets in advance; none where it is left out. */
  readonly standing?: readonly StandingMint[];
  readonly launchCount: number;
  /** Stopped machines to be started for no job of their own; none where it is left out. */
  readonly starts?: readonly { readonly machineId: MachineId }[];
  readonly machines: ReadonlyMap<MachineId, LifecycleDecision>;
}

export interface PlanNote {
  readonly check:
    | "job-decided-once"
    | "ticket-aimed-once"
    | "machine-used-once"
    | "machine-takes-tickets"
    | "machine-can-start"
    | "one-live-ticket"
    | "tickets-left"
    | "max"
    | "no-retire-while-out"
    | "no-retire-while-held";
  readonly subject: string;
}

export interface PlanContext {
  readonly pool: PoolPolicy;
  readonly demand: DemandInput;
  readonly machines: readonly Machine[];
  readonly tickets: readonly Ticket[];
}

/** @returns what is wrong with the plan; empty for a sound one. A plan with a note is not carried out. */
export function checkPlan(plan: Plan, context: PlanContext): readonly PlanNote[] {
  return [...checkJobs(plan, context), ...checkLaunches(plan, context), ...checkRetirements(plan, context)];
}

function checkJobs(plan: Plan, context: PlanContext): readonly PlanNote[] {
  const notes: PlanNote[] = [];
  const decidedJobs = new Set(plan.jobs.map((decision) => decision.jobId));
  const wantedJobs = context.demand.jobs.map(({ job }) => job.id);
  const isWhole = wantedJobs.length === plan.jobs.length && wantedJobs.every((id) => decidedJobs.has(id));
  if (decidedJobs.size !== plan.jobs.length || !isWhole)
    notes.push({ check: "job-decided-once", subject: context.pool.name });
  const machineById = new Map(context.machines.map((machine) => [machine.id, machine]));
  const engaged = new Set(context.tickets.filter(isTicketLive).map((ticket) => ticket.machineId));
  const used = new Set<MachineId>();
  const mints = plan.jobs.flatMap((decision) => (decision.kind === "mint" ? [decision] : []));
  for (const decision of [...mints, ...(plan.standing ?? [])]) {
    const machine = machineById.get(decision.machineId);
    if (used.has(decision.machineId)) notes.push({ check: "machine-used-once", subject: decision.machineId });
    if (engaged.has(decision.machineId)) notes.push({ check: "one-live-ticket", subject: decision.machineId });
    const isRetired = plan.machines.get(decision.machineId)?.kind === "retire";
    if (
      isRetired ||
      machine?.hold != null ||
      (machine?.state.kind !== "parked" && machine?.state.kind !== "provisioning")
    )
      notes.push({ check: "machine-takes-tickets", subject: decision.machineId });
    if (machine === undefined || !hasTicketsLeft(machine, context.pool.jobsPerMachine))
      notes.push({ check: "tickets-left", subject: decision.machineId });
    used.add(decision.machineId);
  }
  for (const { machineId } of [...plan.jobs.filter((decision) => decision.kind === "start"), ...(plan.starts ?? [])]) {
    const machine = machineById.get(machineId);
    if (used.has(machineId)) notes.push({ check: "machine-used-once", subject: machineId });
    if (machine?.state.kind !== "stopped" || machine.state.isStarting || machine.hold !== null)
      notes.push({ check: "machine-can-start", subject: machineId });
    used.add(machineId);
  }
  const aimed = plan.jobs.flatMap((decision) => (decision.kind === "aim" ? [decision.ticketId] : []));
  for (const ticketId of new Set(aimed))
    if (aimed.filter((id) => id === ticketId).length > 1) notes.push({ check: "ticket-aimed-once", subject: ticketId });
  return notes;
}

function checkLaunches(plan: Plan, context: PlanContext): readonly PlanNote[] {
  const present = context.machines.filter(countsAsMachine).length;
  const isOver = plan.launchCount > 0 && present + plan.launchCount > context.pool.machineCountMax;
  return isOver ? [{ check: "max", subject: context.pool.name }] : [];
}

/** Reasons that rest on a proof which looks past the ticket; what they permit is asked again at the call. */
const RETIRE_WHILE_OUT: readonly ReasonCode[] = ["host-lost", "job-terminal", "limit-past", "operator-forced"];

function checkRetirements(plan: Plan, context: PlanContext): readonly PlanNote[] {
  const held = new Set(context.machines.filter((machine) => machine.hold !== null).map((machine) => machine.id));
  const out = new Set(context.tickets.filter(isTicketOut).map((ticket) => ticket.machineId));
  const notes: PlanNote[] = [];
  for (const [machineId, decision] of plan.machines) {
    if (decision.kind === "keep" || decision.reason === "machine-dead") continue;
    if (out.has(machineId) && !RETIRE_WHILE_OUT.includes(decision.reason))
      notes.push({ check: "no-retire-while-out", subject: machineId });
    if (held.has(machineId)) notes.push({ check: "no-retire-while-held", subject: machineId });
  }
  return notes;
}
