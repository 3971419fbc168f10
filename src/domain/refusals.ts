/** Who stood in the way of an ending, by the reason that it waited for. Pure. */
import type { ReasonCode } from "./reasons.ts";

/**
 * `host`: the machine's own agent, by what it said or did not say. `store`: our own rows. `github`: what GitHub said, or did not.
 * `provider`: its word about the machine. `operator`: a person. `guard`: too much was about to end at once, or on a reading that
 * nobody should rely on. `time`: a deadline that has not passed.
 */
export const REFUSERS = ["host", "store", "github", "provider", "operator", "guard", "time"] as const;
export type Refuser = (typeof REFUSERS)[number];

const REFUSED_BY: Partial<Record<ReasonCode, Refuser>> = {
  "awaits-report": "host",
  "report-names-ticket": "host",
  "sees-processes": "host",
  "agent-was-seen": "host",
  "host-not-silent": "host",
  "still-moves": "host",
  "logs-not-saved": "host",
  "agent-silent": "host",
  "host-unreadable": "host",
  "runs-job": "host",
  "handing-back": "host",
  "ticket-not-over": "store",
  "ticket-out": "store",
  "not-ours-from-the-start": "store",
  "not-retiring": "store",
  "no-reason-given": "store",
  "no-job-known": "store",
  "registration-not-over": "store",
  "github-not-read": "github",
  "github-says-online": "github",
  "github-says-away-too-short": "github",
  "job-not-terminal": "github",
  "not-dead": "provider",
  held: "operator",
  frozen: "operator",
  "unknown-kept": "operator",
  "too-many-endings": "guard",
  "listing-not-whole": "guard",
  "listing-empty": "guard",
  "many-turned-unknown": "guard",
  "deadline-not-past": "time",
};

/** @returns null for a step of the ending that is only under way: it refuses nothing. */
export function refuserOf(reason: ReasonCode): Refuser | null {
  return REFUSED_BY[reason] ?? null;
}
