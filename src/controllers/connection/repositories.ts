/** Which repositories a connection's pools serve. */
import { GitHubError } from "../../domain/errors.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import { mayServe } from "../../domain/pool.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { ConnectionContext } from "./context.ts";
import { pauseAfterMs, troubleOf } from "./trouble.ts";

const LIST_KEPT_MS = 10 * MINUTE_MS;

/**
 * Named ones as they are; of `owner/*`, an organization and an enterprise those that GitHub lists. An owner that GitHub does
 * not list (the App was suspended there, or taken away) keeps what was known of it, and holds up no other.
 */
export async function listServedRepositories(context: ConnectionContext): Promise<readonly string[]> {
  const { memory, clock, ownPools } = context;
  const nowMs = clock.monotonicMs();
  const before = memory.repositories;
  if (before !== null && nowMs < before.untilMs) return before.names;
  const names = new Map<string, string>();
  const add = (name: string) => names.set(name.toLowerCase(), name);
  for (const name of ownPools.flatMap(namedRepositories)) add(name);
  let failure: GitHubError | null = null;
  for (const owner of new Set(ownPools.flatMap(listedOwners))) {
    try {
      for (const name of await context.github.listRepositories(owner)) add(name);
    } catch (error) {
      if (!(error instanceof GitHubError)) throw error;
      failure = error;
      for (const name of before?.names ?? []) if (owner === null || isOf(owner, name)) add(name);
      noteUnlisted(context, owner, error);
    }
  }
  const served = [...names.values()].filter((name) => ownPools.some((pool) => mayServe(pool, name)));
  const keptMs = failure === null ? LIST_KEPT_MS : Math.min(pauseAfterMs(failure), LIST_KEPT_MS);
  const trouble = failure === null ? null : troubleOf(context, failure);
  memory.repositories = { names: served, untilMs: clock.monotonicMs() + keptMs, trouble };
  return served;
}

function isOf(owner: string, repository: string): boolean {
  return repository.toLowerCase().startsWith(`${owner.toLowerCase()}/`);
}

function noteUnlisted({ telemetry, connection }: ConnectionContext, owner: string | null, error: GitHubError): void {
  const fields = { connection, owner: owner ?? "every owner", code: error.code };
  telemetry.error("an owner's repositories cannot be listed; those that were known are looked at", error, fields);
}

const ALL_OF = /^(.+)\/\*$/;

function patternsOf({ scope, acceptRepositories }: PoolPolicy): readonly string[] {
  if (acceptRepositories !== null) return acceptRepositories;
  return scope.kind === "repositories" ? scope.repositories : [];
}

function namedRepositories(pool: PoolPolicy): readonly string[] {
  return patternsOf(pool).filter((pattern) => !ALL_OF.test(pattern));
}

/** Null: every owner that the credentials reach. */
function listedOwners(pool: PoolPolicy): readonly (string | null)[] {
  const patterns = patternsOf(pool);
  if (patterns.length > 0) return patterns.flatMap((pattern) => ALL_OF.exec(pattern)?.[1] ?? []);
  if (pool.scope.kind === "organization") return [pool.scope.organization];
  return pool.scope.kind === "enterprise" ? [null] : [];
}
