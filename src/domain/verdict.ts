/**
 * What the evidence about one machine adds up to. The agent's word decides while it is fresh, and our own store decides
 * whether a ticket may be out; GitHub's flags can only add a reason to think it busy. Unknown is treated as busy.
 */
import type { Machine } from "./machine.ts";
import type { ProviderState } from "./observed.ts";
import type { ProofKind } from "./permit.ts";
import type { ReasonCode } from "./reasons.ts";
import { isTicketOut, type Ticket } from "./ticket.ts";
import { CLOCK_STEP_MS, type HeardTime } from "./time.ts";
import { MINUTE_MS } from "./units.ts";

/** An agent reports each 15 s; after four missed reports its last word is old. */
export const AGENT_FRESH_MS = MINUTE_MS;

export type Verdict =
  | { readonly kind: "busy"; readonly reasons: readonly ReasonCode[] }
  | { readonly kind: "idle"; readonly proof: ProofKind }
  | { readonly kind: "unknown"; readonly missing: readonly ReasonCode[] };

export const VERDICTS = ["busy", "idle", "unknown"] as const satisfies readonly Verdict["kind"][];

/** What of a machine and of its ticket the verdict asks. */
export type JudgedMachine = Pick<Machine, "origin" | "isAgentSeen" | "report"> & {
  readonly state: Pick<Machine["state"], "kind">;
};
export interface JudgedTicket {
  readonly state: Pick<Ticket["state"], "kind">;
}

export interface Judged {
  readonly machine: JudgedMachine;
  /** The one that may be out, or is about to be; null where the store knows of none. */
  readonly ticket: JudgedTicket | null;
  /** Epoch milliseconds of the last report; null if none since this process started. Kept in memory only. */
  readonly heardAtMs: number | null;
  /** The provider's last word about it; null if it has not been listed. */
  readonly providerState: ProviderState | null;
}

/** The same of a machine and its ticket as they are stored. */
export interface MachineEvidence extends Judged {
  readonly machine: Machine;
  readonly ticket: Ticket | null;
}

export function isAgentFresh(evidence: Pick<Judged, "heardAtMs">, time: HeardTime): boolean {
  // By the plain clock: time in which we were deaf makes a word older, not younger.
  if (evidence.heardAtMs === null) return false;
  const agoMs = time.nowMs - evidence.heardAtMs;
  // A word from the future was heard before the clock was set back: how old it is, nobody knows.
  return agoMs > -CLOCK_STEP_MS && agoMs < AGENT_FRESH_MS;
}

export function judgeMachine(evidence: Judged, time: HeardTime): Verdict {
  const { machine, ticket, providerState } = evidence;
  if (providerState === "dead" || providerState === "gone") return { kind: "idle", proof: "provider-dead" };
  if (machine.state.kind === "planned" && !machine.isAgentSeen) return { kind: "idle", proof: "never-engaged" };
  const sighting = machine.report?.sighting ?? null;
  if (sighting?.kind === "seen" && sighting.workerCount > 0) return { kind: "busy", reasons: ["runs-job"] };
  if (ticket !== null && isTicketOut(ticket)) return judgeTicketOut(evidence, time);
  if (!machine.isAgentSeen && machine.origin === "launched") return { kind: "idle", proof: "never-engaged" };
  if (machine.state.kind === "engaged") return { kind: "unknown", missing: ["ticket-out"] };
  // No ticket left us since its compare-and-set, and none can: its silence is what was asked for.
  if (machine.state.kind === "stopping" || machine.state.kind === "stopped") return { kind: "idle", proof: "parked" };
  if (!isAgentFresh(evidence, time)) return { kind: "unknown", missing: ["agent-silent"] };
  if (machine.report?.phase === "starting") return { kind: "unknown", missing: ["host-unreadable"] };
  if (sighting === null || sighting.kind === "unknown") return { kind: "unknown", missing: ["host-unreadable"] };
  if (machine.report?.ticket !== null || sighting.hasListener) return { kind: "busy", reasons: ["ticket-out"] };
  return { kind: "idle", proof: "parked" };
}

function judgeTicketOut(evidence: Judged, time: HeardTime): Verdict {
  const { machine, ticket } = evidence;
  if (ticket?.state.kind === "running") return { kind: "busy", reasons: ["runs-job"] };
  if (!isAgentFresh(evidence, time)) return { kind: "unknown", missing: ["ticket-out", "agent-silent"] };
  if (machine.report?.sighting.kind === "unknown")
    return { kind: "unknown", missing: ["ticket-out", "host-unreadable"] };
  return { kind: "busy", reasons: ["ticket-out"] };
}
