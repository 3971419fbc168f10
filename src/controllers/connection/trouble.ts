import type { GitHubError } from "../../domain/errors.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { ConnectionContext } from "./context.ts";

/** Where GitHub names no time: soon enough for the bounds on missed events, seldom enough for a server in trouble. */
const TROUBLE_PAUSE_MS = MINUTE_MS / 2;

/** Remembers what went wrong for the status page, and lets GitHub be for as long as it asks. */
export function meetTrouble(context: ConnectionContext, who: "recover" | "discover", error: GitHubError): void {
  const { memory, clock, telemetry, connection } = context;
  const atMs = clock.nowMs();
  memory.trouble[who] = { code: error.code, text: error.message, atMs };
  memory.pausedUntilMs = atMs + (error.retryAfterMs ?? TROUBLE_PAUSE_MS);
  telemetry.error("looking for missed events failed; it goes on after a pause", error, {
    connection,
    controller: who,
    code: error.code,
  });
}
