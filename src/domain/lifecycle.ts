/** Whether one machine is kept or retires, and why. Pure; what the fleet as a whole needs is `scale.ts`. */
import { hasTicketsLeft, type Machine } from "./machine.ts";
import { hasLeftService, isDeparting, type Membership } from "./membership.ts";
import type { PoolPolicy } from "./pool.ts";
import type { ReasonCode, RetireReason } from "./reasons.ts";
import { isRolloutReason, replacementReason } from "./rollout.ts";
import {
  type HostFacts,
  missingForHostLost,
  missingForJobTerminal,
  missingForLimit,
  OVERDUE_LIMITS,
} from "./slow-proofs.ts";
import { isHeldReady, isTicketOut, type Ticket } from "./ticket.ts";
import { type HeardTime, isPast } from "./time.ts";
import { SECOND_MS } from "./units.ts";
import { AGENT_FRESH_MS, judgeMachine, type MachineEvidence } from "./verdict.ts";

/** How long a parked machine that no job needs is kept, in case the next job comes: well inside the 2 minutes of I2. */
export const SURPLUS_GRACE_MS = 30 * SECOND_MS;

export type LifecycleDecision =
  | { readonly kind: "keep"; readonly reason: ReasonCode }
  /** It is stopped, and kept for later. */
  | { readonly kind: "stop"; readonly reason: "stops-for-later" }
  | { readonly kind: "retire"; readonly reason: RetireReason };

export interface LifecycleInput extends MachineEvidence {
  /** Where scaling found that no job needs this parked machine: since when. */
  readonly surplusSinceMs: number | null;
  /** Since when a parked machine's agent has made itself ready again, after a job or a restart of its own; else null. */
  readonly notReadySinceMs: number | null;
  /** Whether everything is being taken down. */
  readonly isShuttingDown: boolean;
  /** Every ticket that the machine ever had, and what is known of its host. */
  readonly tickets: readonly Ticket[];
  readonly facts: HostFacts;
  /** Whether the rollout lets a parked machine that is to be replaced go now; it does not where this is left out. */
  readonly mayBeReplaced?: boolean;
  /** Whether a parked machine that no job needs is to wait stopped instead of ending; not where this is left out. */
  readonly mayBeStopped?: boolean;
  /** Where it is on its group's way; null or left out: of no group, or nobody can tell. */
  readonly membership?: Membership | null;
  /** Of one that boots: when somebody was last seen to have it out of its group's service. */
  readonly lastAsideMs?: number | null;
  /** Its group is made to wait for it, and will soon wait no longer. */
  readonly isHoldEnding?: boolean;
  /** It was in its group's service, and is no member any more. */
  readonly hasLeftGroup?: boolean;
  /** Of a group, and no agent of ours was ever heard as it: what runs there may be somebody else's. */
  readonly isStrangers?: boolean;
}

export function decideLifecycle(input: LifecycleInput, pool: PoolPolicy, time: HeardTime): LifecycleDecision {
  const { machine, providerState } = input;
  if (pool.mode === "observe") return { kind: "keep", reason: "pool-observes" };
  const isDead = providerState === "dead" || providerState === "gone";
  switch (machine.state.kind) {
    case "planned":
      return { kind: "keep", reason: "being-launched" };
    case "provisioning":
      if (isDead) return { kind: "retire", reason: "machine-dead" };
      if (isDeparting(input.membership) || input.hasLeftGroup === true) {
        if (input.isStrangers === true) return { kind: "keep", reason: "no-agent" };
        return { kind: "retire", reason: "group-ends-it" };
      }
      return decideProvisioning(input, machine.state.sinceMs, pool, time);
    case "parked":
      if (isDead) return { kind: "retire", reason: "machine-dead" };
      return lostReason(input, pool, time) ?? decideParked(input, pool, time);
    case "stopping":
      if (isDead) return { kind: "retire", reason: "machine-dead" };
      if (pool.mode === "departed") return { kind: "retire", reason: "pool-left" };
      if (input.isShuttingDown) return { kind: "retire", reason: "shutting-down" };
      return lostReason(input, pool, time) ?? { kind: "keep", reason: "stopping" };
    case "stopped":
      if (isDead) return { kind: "retire", reason: "machine-dead" };
      return decideStopped(input, machine.state, pool, time);
    case "engaged":
      if (isDead) return { kind: "retire", reason: "machine-dead" };
      return lostReason(input, pool, time) ?? decideEngaged(input, pool, time);
    case "retiring":
      return { kind: "keep", reason: "confirming" };
    case "gone":
      return { kind: "keep", reason: "confirming" };
  }
}

/** A slow proof that holds already: the machine begins to retire, and the proof must hold again at its end. */
function lostReason(input: LifecycleInput, { deadlines }: PoolPolicy, time: HeardTime): LifecycleDecision | null {
  const { machine, tickets, facts } = input;
  if (input.isStrangers === true) return null;
  const question = { machine, tickets, facts, deadlines, time };
  if (missingForHostLost(question).length === 0) return { kind: "retire", reason: "host-lost" };
  // A machine without a ticket has its own ways to end as soon as its host speaks, and one limit if it never does.
  if (!tickets.some(isTicketOut)) {
    const isUnknown = machine.origin !== "launched" && missingForLimit("unknown-host", question).length === 0;
    return isUnknown ? { kind: "retire", reason: "limit-past" } : null;
  }
  if (missingForJobTerminal(question).length === 0) return { kind: "retire", reason: "job-terminal" };
  const isOverdue = OVERDUE_LIMITS.some((limit) => missingForLimit(limit, question).length === 0);
  return isOverdue ? { kind: "retire", reason: "limit-past" } : null;
}

function decideProvisioning(
  input: LifecycleInput,
  sinceMs: number,
  pool: PoolPolicy,
  time: HeardTime,
): LifecycleDecision {
  const { machine, lastAsideMs = null, isStrangers = false } = input;
  if (machine.report?.phase === "leaving") return { kind: "retire", reason: "agent-leaving" };
  // Whoever took it out of service looks into it, and nothing waits for it meanwhile: it boots anew once it is back.
  const isAside = input.membership?.place === "aside";
  if (isAside && pool.mode !== "departed" && !input.isShuttingDown) return { kind: "keep", reason: "out-of-service" };
  const bootsSinceMs = isAside ? sinceMs : Math.max(sinceMs, lastAsideMs ?? 0);
  if (!isPast(bootsSinceMs, pool.deadlines.bootMs, time)) return { kind: "keep", reason: "booting" };
  return isStrangers ? { kind: "keep", reason: "no-agent" } : { kind: "retire", reason: "boot-deadline" };
}

function decideParked(input: LifecycleInput, pool: PoolPolicy, time: HeardTime): LifecycleDecision {
  const { machine } = input;
  if (input.ticket !== null && isTicketOut(input.ticket)) return { kind: "keep", reason: "ticket-out" };
  if (pool.mode === "departed") return { kind: "retire", reason: "pool-left" };
  const last = ticketlessReason(machine, pool);
  if (last !== null) return { kind: "retire", reason: last };
  if (hasLeftService(input.membership) || input.hasLeftGroup === true)
    return { kind: "retire", reason: "group-ends-it" };
  if (input.membership?.place === "aside" && !input.isShuttingDown) return { kind: "keep", reason: "out-of-service" };
  if (machine.report?.phase === "leaving") return { kind: "retire", reason: "agent-leaving" };
  if (input.notReadySinceMs !== null && isPast(input.notReadySinceMs, pool.deadlines.bootMs, time))
    return { kind: "retire", reason: "boot-deadline" };
  if (input.isShuttingDown && input.ticket === null) return { kind: "retire", reason: "shutting-down" };
  const isSilent = isPast(input.heardAtMs ?? 0, AGENT_FRESH_MS, time);
  if (isSilent && input.surplusSinceMs === null) return { kind: "keep", reason: "agent-silent" };
  if (input.ticket !== null)
    return { kind: "keep", reason: isHeldReady(input.ticket) ? "kept-warm" : "waits-for-ticket" };
  const replacement = machine.retireWhenSpent ?? replacementReason(machine, pool, time.nowMs);
  if (replacement !== null && input.mayBeReplaced === true) return { kind: "retire", reason: replacement };
  if (input.surplusSinceMs === null)
    return { kind: "keep", reason: replacement === null ? "kept-warm" : "awaits-replacement" };
  if (!isPast(input.surplusSinceMs, SURPLUS_GRACE_MS, time)) return { kind: "keep", reason: "within-surplus-grace" };
  // Only of an agent that speaks: its word is needed before it is stopped.
  if (input.mayBeStopped === true && !isSilent) return { kind: "stop", reason: "stops-for-later" };
  return { kind: "retire", reason: "surplus" };
}

/** Why it gets no ticket any more, whatever waits; null where it may. */
function ticketlessReason(machine: Machine, pool: PoolPolicy): RetireReason | null {
  const { retireWhenSpent } = machine;
  if (retireWhenSpent !== null && !isRolloutReason(retireWhenSpent)) return retireWhenSpent;
  return hasTicketsLeft(machine, pool.jobsPerMachine) ? null : "used-up";
}

function decideStopped(
  input: LifecycleInput,
  state: Extract<Machine["state"], { readonly kind: "stopped" }>,
  pool: PoolPolicy,
  time: HeardTime,
): LifecycleDecision {
  const { machine, surplusSinceMs } = input;
  if (pool.mode === "departed") return { kind: "retire", reason: "pool-left" };
  if (input.isShuttingDown) return { kind: "retire", reason: "shutting-down" };
  const last = ticketlessReason(machine, pool);
  if (last !== null) return { kind: "retire", reason: last };
  if (state.isStarting) {
    const isOverdue = isPast(state.sinceMs, pool.deadlines.bootMs, time);
    return isOverdue ? { kind: "retire", reason: "boot-deadline" } : { kind: "keep", reason: "being-started" };
  }
  const replacement = machine.retireWhenSpent ?? replacementReason(machine, pool, time.nowMs);
  if (replacement !== null)
    return input.mayBeReplaced === true
      ? { kind: "retire", reason: replacement }
      : { kind: "keep", reason: "awaits-replacement" };
  if (surplusSinceMs === null) return { kind: "keep", reason: "kept-stopped" };
  const isGraceOver = isPast(surplusSinceMs, SURPLUS_GRACE_MS, time);
  return isGraceOver ? { kind: "retire", reason: "surplus" } : { kind: "keep", reason: "within-surplus-grace" };
}

function decideEngaged(input: LifecycleInput, pool: PoolPolicy, time: HeardTime): LifecycleDecision {
  if (input.isHoldEnding === true) return { kind: "keep", reason: "group-goes-on-soon" };
  const departure = input.membership?.departure ?? "none";
  if (departure === "under-way") return { kind: "keep", reason: "group-goes-on" };
  if (departure === "waits") return { kind: "keep", reason: "group-waits" };
  if (input.isStrangers === true) return { kind: "keep", reason: "no-agent" };
  const verdict = judgeMachine(input, time);
  if (verdict.kind === "unknown") return { kind: "keep", reason: verdict.missing.at(-1) ?? "agent-silent" };
  if (verdict.kind === "busy" && verdict.reasons[0] === "runs-job") return { kind: "keep", reason: "runs-job" };
  return { kind: "keep", reason: reasonForTicketOut(input.ticket, pool, time) };
}

function reasonForTicketOut(ticket: Ticket | null, pool: PoolPolicy, time: HeardTime): ReasonCode {
  if (ticket === null || !isTicketOut(ticket)) return "ticket-out";
  if (ticket.state.kind === "handing-back") return "handing-back";
  if (ticket.state.kind === "online" && ticket.purpose === "registered") return "kept-registered";
  if (ticket.state.kind === "online" && isPast(ticket.state.sinceMs, pool.deadlines.idleTicketMs, time))
    return "waits-for-github";
  return "ticket-out";
}
