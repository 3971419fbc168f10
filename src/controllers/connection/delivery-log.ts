/** GitHub's log of what it sent to the webhooks of a connection: which logs there are, what of them is news, what it said. */
import { GitHubError, type GitHubErrorCode } from "../../domain/errors.ts";
import { type PoolPolicy, type RegistrationScope, registrationScopesOf } from "../../domain/pool.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { Hook } from "../../ports/github-hooks.ts";
import { listKnownDeliveries } from "../../store/deliveries/list.ts";
import { recordPending } from "../../store/deliveries/record.ts";
import type { ConnectionContext, LoggedDelivery } from "./context.ts";

const HOOKS_KEPT_MS = 10 * MINUTE_MS;

export interface LogReading {
  readonly found: readonly LoggedDelivery[];
  /** Of a webhook that was deleted, or whose log we may not read any more; it holds up no other. */
  readonly refusal: GitHubError | null;
}

/** @throws {GitHubError} where no log can be read. */
export async function readEachLog(
  context: ConnectionContext,
  read: (hook: Hook) => Promise<readonly LoggedDelivery[]>,
): Promise<LogReading> {
  const found: LoggedDelivery[] = [];
  let refusal: GitHubError | null = null;
  for (const hook of await findHooks(context)) {
    try {
      found.push(...(await read(hook)));
    } catch (error) {
      if (!isOfOne(error)) throw error;
      refusal = error;
    }
  }
  return { found, refusal };
}

async function findHooks(context: ConnectionContext): Promise<readonly Hook[]> {
  const { memory, clock, hooks, ownPools, webhooksUrl } = context;
  const nowMs = clock.monotonicMs();
  if (memory.hooks !== null && nowMs < memory.hooks.untilMs) return memory.hooks.found;
  const scopes = ownPools.flatMap((pool) => [...registrationScopesOf(pool), ...ownersOf(pool)]);
  const found = await hooks.findHooks(scopes, webhooksUrl);
  memory.hooks = { found, untilMs: nowMs + HOOKS_KEPT_MS };
  return found;
}

/** One webhook of an organization serves pools that name its repositories, too. */
function ownersOf({ scope }: PoolPolicy): readonly RegistrationScope[] {
  if (scope.kind !== "repositories") return [];
  const owners = new Set(scope.repositories.map((pattern) => pattern.split("/")[0] ?? ""));
  return [...owners].map((organization) => ({ kind: "organization", organization }));
}

/** Those that the store does not have, in whatever state. */
export async function withoutKnown(
  { store, connection }: ConnectionContext,
  deliveries: readonly LoggedDelivery[],
): Promise<readonly LoggedDelivery[]> {
  const ids = deliveries.map(({ delivery }) => delivery.guid);
  const known = await listKnownDeliveries(store.db, connection, ids);
  return deliveries.filter(({ delivery }) => !known.has(delivery.guid));
}

/** Writes what was sent for `ingest`, as if it had come; nothing where GitHub no longer has it. @throws {GitHubError} */
export async function takePayload(context: ConnectionContext, { hook, delivery }: LoggedDelivery): Promise<void> {
  const { connection, clock, store, telemetry, wake } = context;
  const payload = await context.hooks.readPayload(hook, delivery.id);
  if (payload === null) return;
  const body = new TextEncoder().encode(JSON.stringify(payload));
  const { guid: id, event } = delivery;
  await recordPending(store.db, { id, connection, event, body, receivedAtMs: clock.nowMs() });
  telemetry.count("holdfast_recovered_jobs_total", { connection, by: "payload" });
  wake.controller("ingest", null);
}

const OF_ONE: ReadonlySet<GitHubErrorCode> = new Set(["github-not-found", "github-forbidden", "github-invalid"]);

/** It says nothing of the next webhook or delivery. */
export function isOfOne(error: unknown): error is GitHubError {
  return error instanceof GitHubError && OF_ONE.has(error.code);
}
