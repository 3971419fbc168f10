/** What has to happen before a thing goes on, and when that is tried or looked at next. Pure. */
import type { Job } from "./job.ts";
import type { Machine } from "./machine.ts";
import type { PoolDeadlines } from "./pool.ts";
import type { Ticket } from "./ticket.ts";
import type { Verdict } from "./verdict.ts";

export interface NextStep {
  readonly sentence: string;
  /** Epoch milliseconds; null where nobody knows, or it depends on somebody else. */
  readonly atMs: number | null;
}

/** What a pool's calls wait for, and when its rows are looked at anyway. */
export interface Prospects {
  /** When a breaker or a pause lets the next call through; null where none stands in the way. */
  readonly heldUpUntilMs: number | null;
  /** When the pool's next pass begins if nothing wakes it; null where nobody knows. */
  readonly nextPassAtMs: number | null;
}

const PASS = "The next pass looks at it again; whatever changes before wakes one.";
const HELD_UP = "What failed is tried again then; nothing else stands in the way of a pass.";

export function nextOfPool({ heldUpUntilMs, nextPassAtMs }: Prospects): NextStep {
  return heldUpUntilMs === null ? { sentence: PASS, atMs: nextPassAtMs } : { sentence: HELD_UP, atMs: heldUpUntilMs };
}

/** @param prospects of its pool; null where it has none. */
export function nextOfJob({ status }: Pick<Job, "status">, prospects: Prospects | null): NextStep | null {
  switch (status) {
    case "waiting":
      return { sentence: "Somebody has to approve it at GitHub.", atMs: null };
    case "queued":
      return prospects === null
        ? { sentence: "A pool that has all its labels and accepts its repository has to be configured.", atMs: null }
        : nextOfPool(prospects);
    case "in_progress":
    case "completed":
      return null;
  }
}

export interface MachineProspects {
  readonly machine: Machine;
  /** Its live one. */
  readonly ticket: Ticket | null;
  readonly verdict: Verdict | null;
  readonly heardAtMs: number | null;
  /** Null where its pool left the configuration. */
  readonly deadlines: PoolDeadlines | null;
  readonly nextPassAtMs: number | null;
}

export function nextOfMachine(prospects: MachineProspects): NextStep | null {
  const { machine, deadlines, verdict, nextPassAtMs } = prospects;
  const { state } = machine;
  const isSilent = verdict?.kind === "unknown" && verdict.missing.includes("agent-silent");
  switch (state.kind) {
    case "gone":
      return null;
    case "planned":
      return { sentence: "The provider has to answer its launch; until then it is asked again.", atMs: nextPassAtMs };
    case "provisioning": {
      const sentence = "Its agent has to report by then; else it retires.";
      return { sentence, atMs: deadlines === null ? null : state.sinceMs + deadlines.bootMs };
    }
    case "parked":
    case "stopping":
    case "stopped":
      return { sentence: PASS, atMs: nextPassAtMs };
    case "engaged":
      return isSilent ? nextOfSilent(prospects) : nextOfTicket(prospects);
    case "retiring":
      return isSilent && state.stage === "proving" ? nextOfSilent(prospects) : { sentence: PASS, atMs: nextPassAtMs };
  }
}

/** By heard time it may be later: only time in which we could have heard counts. */
function nextOfSilent({ heardAtMs, deadlines }: MachineProspects): NextStep {
  const sentence =
    "Its agent has to speak; from then on, at the earliest, the proof that its host is lost is looked for.";
  return { sentence, atMs: heardAtMs === null || deadlines === null ? null : heardAtMs + deadlines.lostHostMs };
}

function nextOfTicket({ ticket, deadlines }: MachineProspects): NextStep {
  const since = (deadlineMs: number | undefined) =>
    ticket === null || deadlineMs === undefined ? null : ticket.state.sinceMs + deadlineMs;
  switch (ticket?.state.kind) {
    case "delivered":
      return {
        sentence: "Its runner has to be online by then; else its host is asked to hand the ticket back.",
        atMs: since(deadlines?.onlineMs),
      };
    case "online":
      return {
        sentence: "A job has to come by then; else, if none waits for it, its host is asked to hand the ticket back.",
        atMs: since(deadlines?.idleTicketMs),
      };
    case "running":
      return { sentence: "Its job has to end, by its host's word.", atMs: null };
    default:
      return { sentence: "Its host has to say that the ticket is over.", atMs: null };
  }
}
