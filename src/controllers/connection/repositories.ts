/** Which repositories a connection's pools serve. */
import type { PoolPolicy } from "../../domain/pool.ts";
import { mayServe } from "../../domain/pool.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { ConnectionContext } from "./context.ts";

const LIST_KEPT_MS = 10 * MINUTE_MS;

/** Named ones as they are; of `owner/*`, an organization and an enterprise those that GitHub lists. @throws {GitHubError} */
export async function listServedRepositories(context: ConnectionContext): Promise<readonly string[]> {
  const { memory, clock, ownPools } = context;
  const nowMs = clock.nowMs();
  if (memory.repositories !== null && nowMs - memory.repositories.atMs < LIST_KEPT_MS) return memory.repositories.names;
  const names = new Map<string, string>();
  const add = (name: string) => names.set(name.toLowerCase(), name);
  for (const name of ownPools.flatMap(namedRepositories)) add(name);
  for (const owner of new Set(ownPools.flatMap(listedOwners)))
    for (const name of await context.github.listRepositories(owner)) add(name);
  const served = [...names.values()].filter((name) => ownPools.some((pool) => mayServe(pool, name)));
  memory.repositories = { names: served, atMs: nowMs };
  return served;
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
