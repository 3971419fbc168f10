/** Tries each configured pool before anything rests on it: a pool that could never launch is told at the start. */
import { ERRORS, HoldfastError } from "../domain/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { Provider } from "../ports/provider.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import { countPresentByPool } from "../store/machines/count.ts";
import type { Store } from "../store/store.ts";
import { within } from "./check/bounded.ts";
import type { Config, PoolConfig } from "./config/config.ts";
import { ConfigError, type ConfigProblem } from "./config/problems.ts";
import { createProvider, findPoolProblems } from "./providers.ts";
import type { SettledPool } from "./settle-pools.ts";

/** Past all bounds of the providers' own calls: what hangs for longer is as good as refused. */
const TRIAL_MS_MAX = MINUTE_MS;
/** A pool with machines is run whatever comes of its trial, and they wait for this process. */
const OWN_TRIAL_MS_MAX = 5 * SECOND_MS;

const LATE = new Error(`trying it took longer than ${TRIAL_MS_MAX / SECOND_MS} seconds, and was given up`);

export interface TrialParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Another than that of the configuration, in tests. */
  openProvider?(pool: PoolConfig): Promise<Provider>;
}

/**
 * Where the store knows of machines, of whichever pool, they must not go uncared for because another pool's group was deleted or
 * its credentials have expired: an unusable pool is told in the log, and only observes until the next start, because what it
 * launched it might never end, or another controller might. One that has machines itself cares for them as it is.
 *
 * @returns the pools as they are to be run.
 * @throws {ConfigError} `config-invalid` for an unusable pool where no machine rests on this process.
 */
export async function settleUnusable(
  settled: readonly SettledPool[],
  config: Config,
  parts: TrialParts,
): Promise<readonly SettledPool[]> {
  const present = await countPresentByPool(parts.store.db);
  return await Promise.all(
    settled.map(async (pool) => {
      // One that left launches nothing any more.
      const { name } = pool.config.policy;
      const problems = pool.isDeparted ? [] : await tryPool(pool.config, config, parts, present.has(name));
      if (problems.length === 0) return pool;
      if (present.size === 0) throw new ConfigError("config-invalid", { file: `pool ${name}`, problems });
      for (const problem of problems) parts.telemetry.warn("a pool cannot be used", { pool: name, ...problem });
      return present.has(name) ? pool : asObserving(pool, problems);
    }),
  );
}

function asObserving(pool: SettledPool, problems: readonly ConfigProblem[]): SettledPool {
  const { config } = pool;
  return { ...pool, config: { ...config, policy: { ...config.policy, mode: "observe" } }, problems };
}

async function tryPool(
  pool: PoolConfig,
  config: Config,
  { clock, openProvider = (one) => createProvider(one, config, clock, config.urls.agents) }: TrialParts,
  hasMachines: boolean,
): Promise<readonly ConfigProblem[]> {
  const path = `pools[${config.pools.indexOf(pool)}].provider`;
  const trial = openProvider(pool)
    .then((provider) => findPoolProblems(provider, pool, config))
    .catch((error: unknown) => [describeFailure(error, path)]);
  if (hasMachines) return await within(clock, OWN_TRIAL_MS_MAX, trial, () => []);
  return await within(clock, TRIAL_MS_MAX, trial, () => [describeFailure(LATE, path)]);
}

function describeFailure(error: unknown, path: string): ConfigProblem {
  const problem = error instanceof Error ? error.message : String(error);
  const mend =
    error instanceof HoldfastError ? ERRORS[error.code].mend : "Look at the provider, and run `holdfast check`.";
  return { path, problem, mend };
}

/** For whoever asks how Holdfast is. */
export function describeUnusable({ config, problems = [] }: SettledPool): readonly string[] {
  const { name } = config.policy;
  return problems.map(
    ({ path, problem, mend }) =>
      `pool ${name} could not be used at the start, and only observes until the next one: ${path}: ${asSentence(problem)} ${mend}`,
  );
}

/** What a provider says ends as it likes. */
function asSentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}
