import type { GitHubError, GitHubErrorCode } from "../../domain/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { ConnectionContext } from "./context.ts";

/** Soon enough for the bounds on missed events, seldom enough for a server in trouble. */
const TROUBLE_PAUSE_MS = 30 * SECOND_MS;
/** What only a person can mend is tried again seldom. */
const REFUSED_PAUSE_MS = 5 * MINUTE_MS;
const REFUSALS: ReadonlySet<GitHubErrorCode> = new Set([
  "github-forbidden",
  "github-not-installed",
  "github-suspended",
  "github-unauthorized",
]);

export function isResting({ memory, clock }: ConnectionContext, who: "recover" | "discover"): boolean {
  return clock.nowMs() < memory.pausedUntilMs[who];
}

/** Remembers what went wrong for the status page, and lets GitHub be for as long as it asks. */
export function meetTrouble(context: ConnectionContext, who: "recover" | "discover", error: GitHubError): void {
  const { memory, clock, telemetry, connection } = context;
  const atMs = clock.nowMs();
  const ownPauseMs = REFUSALS.has(error.code) ? REFUSED_PAUSE_MS : TROUBLE_PAUSE_MS;
  memory.trouble[who] = { code: error.code, text: error.message, atMs };
  memory.pausedUntilMs[who] = atMs + (error.retryAfterMs ?? ownPauseMs);
  telemetry.error("looking for missed events failed; it goes on after a pause", error, {
    connection,
    controller: who,
    code: error.code,
  });
}
