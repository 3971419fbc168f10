/**
 * What operators have said, and what it changes in what is decided about a machine. Their words are stored; whoever decides
 * reads them, and whoever is about to end something reads them once more. Pure.
 *
 *     hold     one machine: no ticket, and no ending by any proof; a job on it goes on
 *     drain    one machine or a pool: no more tickets, and gone once its ticket is over
 *     freeze   one pool or all: nothing is ended; launches and tickets go on
 *     force    one machine: ended whatever its ticket; never taken back
 *
 * Hold and freeze come before drain and force: what stops an ending is heeded first.
 */
import type { PoolName } from "./ids.ts";
import type { LifecycleDecision } from "./lifecycle.ts";
import type { Machine, OperatorMark } from "./machine.ts";
import type { PoolPolicy } from "./pool.ts";
import type { ReasonCode } from "./reasons.ts";
import { isTicketOut, type Ticket } from "./ticket.ts";

/** The scope of a freeze of every pool, those included that join later. No pool has this name. */
export const ALL_POOLS = "*";
export type FreezeScope = PoolName | typeof ALL_POOLS;

/** What operators have said about a pool as a whole. */
export interface PoolWords {
  readonly drain: OperatorMark | null;
  /** Its own, or that of all pools. */
  readonly freeze: OperatorMark | null;
}

export const NO_WORDS: PoolWords = { drain: null, freeze: null };

/** Whether no operator's word and no retirement keeps the machine from getting another ticket. */
export function mayGetTickets(machine: Machine): boolean {
  return machine.hold === null && machine.forced === null && machine.retireWhenSpent === null;
}

/** Why the machine is not ended now, whatever proof there is; empty where nobody's word stops it. */
export function barsToEnding(machine: Machine, isFrozen: boolean): readonly ReasonCode[] {
  return [...(machine.hold === null ? [] : (["held"] as const)), ...(isFrozen ? (["frozen"] as const) : [])];
}

export interface HeedInput {
  readonly machine: Machine;
  /** Its live one. */
  readonly ticket: Ticket | null;
  readonly words: PoolWords;
}

/** @param decision what would be decided if no operator had said anything. */
export function heedWords(decision: LifecycleDecision, input: HeedInput, pool: PoolPolicy): LifecycleDecision {
  const { machine, words } = input;
  const { kind } = machine.state;
  if (pool.mode === "observe") return decision;
  if (kind === "planned" || kind === "retiring" || kind === "gone") return decision;
  // The provider's word is a fact: the row closes. A machine that it calls dead is still not ended while barred.
  if (decision.kind === "retire" && decision.reason === "machine-dead") return decision;
  const wanted = decision.kind === "retire" ? decision : heedEndings(decision, input);
  const [bar] = barsToEnding(machine, words.freeze !== null);
  if (wanted.kind !== "keep" && bar !== undefined) return { kind: "keep", reason: bar };
  // Nothing else keeps a held machine without a job.
  return (kind === "parked" || kind === "stopped") && machine.hold !== null ? { kind: "keep", reason: "held" } : wanted;
}

function heedEndings(decision: LifecycleDecision, { machine, ticket, words }: HeedInput): LifecycleDecision {
  if (machine.forced !== null) return { kind: "retire", reason: "operator-forced" };
  // A ticket that may be out is asked back, and the machine retires when that is over.
  if (machine.state.kind === "engaged" || (ticket !== null && isTicketOut(ticket))) return decision;
  if (machine.retireWhenSpent !== null) return { kind: "retire", reason: machine.retireWhenSpent };
  return words.drain === null ? decision : { kind: "retire", reason: "drained" };
}
