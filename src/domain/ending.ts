/**
 * The next step of a machine that retires. Pure: `controllers/retire` asks, does the one step, and comes back.
 *
 *     proving        void the ticket that never left us; wait until a proof holds
 *     deregistering  delete that ticket's registration
 *     terminating    ask the provider, with a permit, until it takes
 *     confirming     wait for the provider's word
 */

import type { TicketId } from "./ids.ts";
import { invariant } from "./invariant.ts";
import { type Machine, providerIdOf, type RetiringStage } from "./machine.ts";
import type { ObservedMachine } from "./observed.ts";
import { type MachinePermitRequest, type MachineProof, missingForEnding } from "./permit.ts";
import type { PoolPolicy } from "./pool.ts";
import type { ReasonCode, RetireReason } from "./reasons.ts";
import { type HostFacts, OVERDUE_LIMITS } from "./slow-proofs.ts";
import { isTicketOut, type Ticket } from "./ticket.ts";
import { MINUTE_MS, SECOND_MS } from "./units.ts";

/** After so long without the provider's confirmation the machine is terminated again. */
export const CONFIRM_PATIENCE_MS = 15 * SECOND_MS;
/** The same where the provider says that it is dead: the call took, and clearing a machine away takes its time. */
export const DEAD_PATIENCE_MS = 2 * MINUTE_MS;

export type EndingStep =
  | { readonly kind: "void-ticket"; readonly ticketId: TicketId }
  | { readonly kind: "stage"; readonly stage: RetiringStage }
  /** The executor issues the permit for this proof right before the call. */
  | { readonly kind: "terminate"; readonly proof: MachineProof }
  /** What spoke for its end speaks no more, and its ticket is out: it goes on. */
  | { readonly kind: "resume"; readonly ticketId: TicketId }
  | { readonly kind: "confirm-gone" }
  | { readonly kind: "wait"; readonly missing: readonly ReasonCode[] };

export interface EndingInput {
  readonly machine: Machine;
  /** Every ticket it ever had. */
  readonly tickets: readonly Ticket[];
  /** The provider's last word about it, if it was read since the machine began to retire. */
  readonly observed: ObservedMachine | null;
  readonly forced: { readonly operator: string; readonly reason: string } | null;
  readonly facts: HostFacts;
  /** What stands against one more ending by a slow proof (`guards.ts`); null for nothing. */
  readonly guard: ReasonCode | null;
  readonly epoch: MachinePermitRequest["epoch"];
  readonly time: MachinePermitRequest["time"];
}

export function decideEnding(input: EndingInput, pool: PoolPolicy): EndingStep {
  const { state } = input.machine;
  invariant(state.kind === "retiring", "only a retiring machine is ended");
  // That it is gone is a fact, and ends nothing.
  if (pool.mode === "observe" && !isGone(input)) return { kind: "wait", missing: ["pool-observes"] };
  const unsent = input.tickets.find((ticket) => ticket.state.kind === "minting" || ticket.state.kind === "issued");
  if (unsent !== undefined) return { kind: "void-ticket", ticketId: unsent.id };
  if (isGone(input)) return { kind: "confirm-gone" };
  if (state.stage === "confirming") {
    const patienceMs = isDead(input) ? DEAD_PATIENCE_MS : CONFIRM_PATIENCE_MS;
    const isPatient = input.time.nowMs - state.sinceMs < patienceMs;
    return isPatient ? { kind: "wait", missing: ["confirming"] } : { kind: "stage", stage: "terminating" };
  }
  const chosen = chooseProof(input, pool);
  if (chosen.kind === "none") return resumeOr({ kind: "wait", missing: chosen.missing }, input);
  if (isSlow(chosen.proof) && input.guard !== null) return { kind: "wait", missing: [input.guard] };
  // These keep their registrations until the provider confirms; the rest has none that left us.
  const isDirect = isSlow(chosen.proof) || chosen.proof.kind === "provider-dead" || chosen.proof.kind === "forced";
  if (!isDirect && state.stage === "proving") return { kind: "stage", stage: "deregistering" };
  if (!isDirect && input.tickets.some((ticket) => owesDeletion(ticket, input.time.nowMs)))
    return { kind: "wait", missing: ["deregistering"] };
  if (state.stage !== "terminating") return { kind: "stage", stage: "terminating" };
  return { kind: "terminate", proof: chosen.proof };
}

/** Proofs that rest on time: they are guarded, and the machine goes straight to its end. */
export function isSlow(proof: MachineProof): boolean {
  return proof.kind === "host-lost" || proof.kind === "job-terminal" || proof.kind === "overdue";
}

const SLOW_REASONS: readonly RetireReason[] = ["host-lost", "job-terminal", "limit-past"];

/** Before `terminating` no permit was issued: a machine whose slow proof is gone may have its job after all. */
function resumeOr(step: EndingStep, { machine, tickets }: EndingInput): EndingStep {
  const { state } = machine;
  const out = tickets.find(isTicketOut);
  if (state.kind !== "retiring" || state.stage !== "proving" || out === undefined) return step;
  return SLOW_REASONS.includes(state.reason) ? { kind: "resume", ticketId: out.id } : step;
}

function isGone({ machine, observed }: EndingInput): boolean {
  return observed?.state === "gone" && observed.providerId === providerIdOf(machine);
}

function isDead({ machine, observed }: EndingInput): boolean {
  return observed?.state === "dead" && observed.providerId === providerIdOf(machine);
}

/** So long a machine waits for GitHub to delete the registration of a ticket that never left us. */
const DEREGISTER_PATIENCE_MS = 2 * MINUTE_MS;

/**
 * A registration that never left us is off GitHub before its machine goes, where GitHub answers. Nobody has its secret, so
 * past the patience the machine goes first, and the sweep goes on with the registration.
 */
export function owesDeletion(ticket: Ticket, nowMs: number): boolean {
  if (nowMs - ticket.state.sinceMs >= DEREGISTER_PATIENCE_MS) return false;
  return ticket.state.kind === "void" && (ticket.registration === "present" || ticket.registration === "unknown");
}

type ChosenProof =
  | { readonly kind: "proof"; readonly proof: MachineProof }
  | { readonly kind: "none"; readonly missing: readonly ReasonCode[] };

/** The first proof that holds, surest first; else what the likeliest one still misses. */
function chooseProof(input: EndingInput, pool: PoolPolicy): ChosenProof {
  const { observed, forced, machine, tickets, facts } = input;
  const { deadlines } = pool;
  const proofs: MachineProof[] = [];
  if (observed !== null) proofs.push({ kind: "provider-dead", observed });
  proofs.push({ kind: "parked", observed }, { kind: "never-engaged", bootDeadlineMs: deadlines.bootMs, observed });
  if (forced !== null) proofs.push({ kind: "forced", operator: forced.operator, reason: forced.reason });
  proofs.push({ kind: "host-lost", facts, deadlines }, { kind: "job-terminal", facts, deadlines });
  for (const limit of OVERDUE_LIMITS) proofs.push({ kind: "overdue", limit, facts, deadlines });
  let missing: readonly ReasonCode[] = [];
  for (const proof of proofs) {
    const lacking = missingForEnding({
      kind: "end-machine",
      machine,
      tickets,
      proof,
      epoch: input.epoch,
      time: input.time,
    });
    if (lacking.length === 0) return { kind: "proof", proof };
    const isLikeliest = proof.kind === (machine.isAgentSeen || tickets.some(isTicketOut) ? "parked" : "never-engaged");
    // Of a host that is silent for long what matters is what else speaks for its end.
    const isSilent = proof.kind === "host-lost" && machine.isAgentSeen && !lacking.includes("host-not-silent");
    if (isLikeliest || isSilent) missing = lacking;
  }
  return { kind: "none", missing };
}
