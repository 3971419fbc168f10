import type { Provider } from "../ports/provider.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import { countPresentByPool } from "../store/machines/count.ts";
import type { Store } from "../store/store.ts";
import type { Config, PoolConfig } from "./config/config.ts";
import { ConfigError } from "./config/problems.ts";
import { findPoolProblems } from "./providers.ts";

/** A pool of the configuration, with its provider. */
export interface OpenPool {
  readonly pool: PoolConfig;
  readonly provider: Provider;
}

/**
 * A pool that could never launch is told at once. Where there are machines, of whichever pool, it is told in the log alone:
 * they must not go uncared for because another pool's group was deleted, or its credentials have expired. What another
 * controller has is refused all the same by a pool that has nothing there yet: both would end what the other started.
 *
 * @throws {ConfigError} `config-invalid` where no machine rests on this process, or another controller's would.
 */
export async function refuseUnusable(
  pools: readonly OpenPool[],
  { config, store, telemetry }: { readonly config: Config; readonly store: Store; readonly telemetry: Telemetry },
): Promise<void> {
  const findings = pools.map(async ({ pool, provider }) => ({
    name: pool.policy.name,
    problems: await findPoolProblems(provider, pool, config),
  }));
  const unusable = (await Promise.all(findings)).filter(({ problems }) => problems.length > 0);
  if (unusable.length === 0) return;
  const present = await countPresentByPool(store.db);
  const refused = unusable.find(
    ({ name, problems }) => present.size === 0 || (!present.has(name) && problems.some(({ isAnothers }) => isAnothers)),
  );
  if (refused !== undefined)
    throw new ConfigError("config-invalid", { file: `pool ${refused.name}`, problems: refused.problems });
  for (const { name, problems } of unusable)
    for (const { path, problem, mend } of problems)
      telemetry.warn("a pool cannot launch", { pool: name, path, problem, mend });
}
