/** Makes the provider of a pool, and tries its settings. An adapter is loaded only where a pool names its kind. */
import type { Clock } from "../ports/clock.ts";
import type { CheckFinding, Provider } from "../ports/provider.ts";
import type { Config, PoolConfig } from "./config/config.ts";
import type { ConfigProblem } from "./config/problems.ts";
import { joinProviders } from "./joined-provider.ts";
import type { SettledPool } from "./settle-pools.ts";

/** The provider of all machines that a pool has, whichever of its settings they were made from. */
export async function createPoolProvider(
  { config: pool, formers }: SettledPool,
  config: Config,
  clock: Clock,
  agentsUrl: string,
): Promise<Provider> {
  const current = await createProvider(pool, config, clock, agentsUrl);
  const places = new Set([placeOf(pool)]);
  const joined = [];
  for (const former of formers) {
    const provider = await createProvider(former, config, clock, agentsUrl);
    const isElsewhere = !places.has(placeOf(former));
    places.add(placeOf(former));
    joined.push({ settingsHash: former.policy.settingsHash, provider, isElsewhere });
  }
  return joinProviders(current, joined);
}

/** Where its machines are listed. */
function placeOf({ provider }: PoolConfig): string {
  return `${provider.kind} ${provider.workDirectory}`;
}

/** @param agentsUrl where the pool's agents reach the controller. */
export async function createProvider(
  pool: PoolConfig,
  config: Config,
  clock: Clock,
  agentsUrl: string,
): Promise<Provider> {
  const { createProcessProvider } = await import("../adapters/process/provider.ts");
  return createProcessProvider({
    controllerId: config.controllerId,
    pool: pool.policy.name,
    workDirectory: pool.provider.workDirectory,
    runnerDirectory: pool.runner.directory,
    runnerEnvironment: pool.runner.environment,
    controllerUrl: agentsUrl,
    clock,
  });
}

/** What keeps a pool from launching, as problems of the configuration. Starts nothing. */
export async function findPoolProblems(
  provider: Provider,
  pool: PoolConfig,
  config: Config,
): Promise<readonly ConfigProblem[]> {
  const findings = (await provider.check()).filter(({ severity }) => severity === "error");
  return findings.map((finding) => asProblem(finding, config.pools.indexOf(pool)));
}

function asProblem({ path, finding, mend }: CheckFinding, index: number): ConfigProblem {
  return { path: path.replace("pools[]", `pools[${index}]`), problem: finding, mend };
}
