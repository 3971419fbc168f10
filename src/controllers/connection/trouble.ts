import type { GitHubError, GitHubErrorCode } from "../../domain/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { ConnectionContext, Trouble } from "./context.ts";

/** Soon enough for the bounds on missed events, seldom enough for a server in trouble. */
export const TROUBLE_PAUSE_MS = 30 * SECOND_MS;
/** What only a person can mend is tried again seldom. */
const REFUSED_PAUSE_MS = 5 * MINUTE_MS;
const REFUSALS: ReadonlySet<GitHubErrorCode> = new Set([
  "github-forbidden",
  "github-not-installed",
  "github-suspended",
  "github-unauthorized",
]);

export function isResting({ memory, clock }: ConnectionContext, who: "recover" | "discover"): boolean {
  return clock.monotonicMs() < memory.pausedUntilMs[who];
}

/** Remembers what went wrong for the status page, and lets GitHub be for as long as it asks. */
export function meetTrouble(context: ConnectionContext, who: "recover" | "discover", error: GitHubError): void {
  const { memory, clock, telemetry, connection } = context;
  memory.trouble[who] = troubleOf(context, error);
  memory.pausedUntilMs[who] = clock.monotonicMs() + pauseAfterMs(error);
  telemetry.error("looking for missed events failed; it goes on after a pause", error, {
    connection,
    controller: who,
    code: error.code,
  });
}

/** For so long the same is not tried again. */
export function pauseAfterMs({ code, retryAfterMs }: GitHubError): number {
  return retryAfterMs ?? (REFUSALS.has(code) ? REFUSED_PAUSE_MS : TROUBLE_PAUSE_MS);
}

export function troubleOf({ clock }: ConnectionContext, { code, message }: GitHubError): Trouble {
  return { code, text: message, atMs: clock.nowMs() };
}
