/** GitHub behind its REST interface: one connection, all of whose parts share credentials, budgets and what is remembered. */
import type { ConnectionName } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { BudgetReading, GitHubConnection } from "../../ports/github.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import { createAccess } from "./access.ts";
import { AppCredentials } from "./app-credentials.ts";
import { Client, type Fetch } from "./client.ts";
import { type GitHubAuth, tokenCredentials } from "./credentials.ts";
import { Exchange } from "./exchange.ts";
import { Gates } from "./gate.ts";
import { createHooks } from "./hooks.ts";
import { RestGitHub } from "./runners.ts";
import { Session } from "./session.ts";

export interface GitHubOptions {
  readonly connection: ConnectionName;
  /** The base of the REST interface, without a slash at its end. */
  readonly apiUrl: string;
  readonly auth: GitHubAuth;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** With the private certificate authority and the proxy of the network, where there are any. */
  readonly fetch?: Fetch;
  /** Aborts once we are being stopped: then nothing is looked around for any more. */
  readonly stop?: AbortSignal;
}

/** @throws {GitHubError} `github-unauthorized` where the token cannot be one. */
export function createGitHubConnection(options: GitHubOptions): GitHubConnection {
  const { connection, apiUrl, auth, clock, telemetry } = options;
  const client = new Client({ apiUrl, telemetry, fetch: options.fetch ?? fetch });
  const exchange = new Exchange(client, clock);
  const gates = new Gates(clock, (reading) => showBudget(telemetry, connection, reading));
  const credentials = auth.kind === "app" ? new AppCredentials(auth, exchange, gates) : tokenCredentials(auth.token);
  const stop = options.stop ?? new AbortController().signal;
  const session = new Session(exchange, credentials, gates, { stop, traces: telemetry });
  return {
    github: new RestGitHub(connection, session, telemetry),
    hooks: createHooks(session),
    access: createAccess(session),
    readBudgets: () => gates.read(),
  };
}

function showBudget(telemetry: Telemetry, connection: ConnectionName, reading: BudgetReading): void {
  const labels = { connection, account: reading.account };
  telemetry.gauge("holdfast_github_points", reading.pointCount, labels);
  if (reading.primary === null) return;
  telemetry.gauge("holdfast_github_budget_remaining", reading.primary.remaining, labels);
  telemetry.gauge("holdfast_github_budget_limit", reading.primary.limit, labels);
}
