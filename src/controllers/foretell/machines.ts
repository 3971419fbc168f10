/** What would be asked of the provider: launches that are open, machines that retire, and how far each ending would come. */
import { CONFIRM_PATIENCE_MS, type EndingStep } from "../../domain/ending.ts";
import { parseLeaseEpoch } from "../../domain/ids.ts";
import { type LifecycleDecision, SURPLUS_GRACE_MS } from "../../domain/lifecycle.ts";
import { type Machine, moveMachine } from "../../domain/machine.ts";
import type { PlannedStep } from "../../domain/pass-plan.ts";
import type { PlanNote } from "../../domain/plan-checks.ts";
import { listOpenLaunches } from "../../store/launches/load.ts";
import type { LaunchRow } from "../../store/launches/row.ts";
import { listMachinesOfPool } from "../../store/machines/list.ts";
import { machineSubject, poolSubject } from "../../store/subjects.ts";
import type { PoolPlan } from "../assign/plan-pool.ts";
import type { PoolContext } from "../context.ts";
import { attemptPauseMs } from "../execute/launch.ts";
import { whyNotWanted } from "../execute/unasked.ts";
import { decideStep, type Ending, owesLook } from "../retire/decide-step.ts";
import { readKnown } from "../retire/host-facts.ts";
import { judgeMachines } from "../retire/judge-machines.ts";
import { MACHINES_MAX } from "../retire.ts";

export async function foretellLaunches(context: PoolContext): Promise<readonly PlannedStep[]> {
  if (context.pool.mode === "observe") return [];
  const launches = await listOpenLaunches(context.store.db, context.pool.name);
  return Promise.all(launches.map((launch) => foretellLaunch(context, launch)));
}

async function foretellLaunch(context: PoolContext, launch: LaunchRow): Promise<PlannedStep> {
  const { pool, clock, memory } = context;
  const offBecause = await whyNotWanted(context, launch);
  const pauseMs = offBecause === null ? attemptPauseMs(context, launch) : 0;
  const tries = launch.attemptCount === 0 ? "" : `, tried ${timesOf(launch.attemptCount)}`;
  const fate = offBecause === null ? tries : `, which is called off: ${offBecause}`;
  return {
    controller: "launch",
    action: pauseMs > 0 || offBecause !== null ? "wait" : "launch",
    subject: poolSubject(pool.name),
    title: null,
    reason: pauseMs > 0 ? memory.launch.reason : "machine-launching",
    note: `launch ${launch.id} of ${machinesOf(launch.machineIds.length)}${fate}`,
    retryAtMs: pauseMs > 0 ? clock.nowMs() + pauseMs : null,
  };
}

function timesOf(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function machinesOf(count: number): string {
  return count === 1 ? "1 machine" : `${count} machines`;
}

export interface ForetoldMachines {
  readonly steps: readonly PlannedStep[];
  readonly notes: readonly PlanNote[];
  readonly unseenCount: number;
}

/** Endings that are looked at: each takes readings of its own. */
const ENDINGS_MAX = 200;

export async function foretellMachines(context: PoolContext, { input }: PoolPlan): Promise<ForetoldMachines> {
  const { db } = context.store;
  const machines = await listMachinesOfPool(db, context.pool.name, { includeGone: false, limitCount: MACHINES_MAX });
  const { decisions, notes } = await judgeMachines(context, machines, input.tickets);
  const steps: PlannedStep[] = [];
  const retiring: Machine[] = [];
  for (const machine of machines) {
    const decision = decisions.get(machine.id);
    if (decision === undefined) retiring.push(machine);
    else steps.push(foretellDecision(context, machine, decision));
  }
  for (const machine of retiring.slice(0, ENDINGS_MAX)) steps.push(await foretellEnding(context, machine));
  return { steps, notes, unseenCount: Math.max(0, retiring.length - ENDINGS_MAX) };
}

function foretellDecision(context: PoolContext, machine: Machine, decision: LifecycleDecision): PlannedStep {
  return {
    controller: "retire",
    action: decision.kind,
    subject: machineSubject(machine.id),
    title: null,
    reason: decision.reason,
    note: machine.state.kind,
    retryAtMs: retryOf(context, machine, decision),
  };
}

/** When a machine that is kept for a time would be judged otherwise, if nothing else happened. */
function retryOf({ pool, memory }: PoolContext, { id, state }: Machine, { reason }: LifecycleDecision): number | null {
  if (reason === "booting") return state.sinceMs + pool.deadlines.bootMs;
  const surplusSinceMs = memory.surplusSinceMs.get(id);
  return reason === "within-surplus-grace" && surplusSinceMs !== undefined ? surplusSinceMs + SURPLUS_GRACE_MS : null;
}

/** An ending has fewer stages than this. */
const STAGES_MAX = 4;

/**
 * As far as it would come in one pass without a call: stages follow one another, and are taken in thought only. The provider
 * is not asked: what its last listing said since the machine began to retire stands for its answer.
 */
async function foretellEnding(context: PoolContext, retiring: Machine): Promise<PlannedStep> {
  const epoch = context.lease()?.epoch ?? parseLeaseEpoch(0);
  const known = await readKnown(context, retiring.id);
  let machine = retiring;
  let isAsked = false;
  for (let count = 0; count < STAGES_MAX; count += 1) {
    isAsked = owesLook(context, machine, count === 0);
    const ending: Ending = { machine, observed: isAsked ? lastSeen(context, retiring) : null, ...known };
    const step = await decideStep(context, ending, epoch);
    if (step.kind !== "stage") return describeStep(context, machine, step, isAsked);
    machine = moveMachine(machine, { kind: "stage", stage: step.stage }, context.clock.nowMs());
  }
  return describeStep(context, machine, { kind: "wait", missing: ["terminating"] }, isAsked);
}

function lastSeen({ memory }: PoolContext, { id, state }: Machine) {
  const listed = memory.observed.get(id);
  return listed === undefined || listed.observedAtMs < state.sinceMs ? null : listed;
}

function describeStep(
  { clock }: PoolContext,
  { id, state }: Machine,
  step: Exclude<EndingStep, { readonly kind: "stage" }>,
  isAsked: boolean,
): PlannedStep {
  const about = { controller: "retire", subject: machineSubject(id), title: null, retryAtMs: null } as const;
  const reason = state.kind === "retiring" ? state.reason : "not-retiring";
  const unless = isAsked ? ", unless the provider says otherwise, who is asked first" : "";
  switch (step.kind) {
    case "wait": {
      const [missing = "terminating", ...others] = step.missing;
      const isPatient = missing === "confirming" && state.sinceMs + CONFIRM_PATIENCE_MS > clock.nowMs();
      const also = others.length === 0 ? "" : `, and ${others.join(", ")}`;
      const note = `retiring for ${reason}${also}${unless}`;
      const retryAtMs = isPatient ? state.sinceMs + CONFIRM_PATIENCE_MS : null;
      return { ...about, action: "wait", reason: missing, note, retryAtMs };
    }
    case "void-ticket":
      return { ...about, action: "void", reason, note: `ticket ${step.ticketId}, which has not left Holdfast` };
    case "terminate":
      return { ...about, action: "terminate", reason, note: `by proof ${step.proof.kind}${unless}` };
    case "resume":
      return { ...about, action: "resume", reason: "ticket-out", note: `ticket ${step.ticketId}` };
    case "confirm-gone":
      return { ...about, action: "close", reason, note: "the provider says that it is gone" };
  }
}
