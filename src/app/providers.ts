/** Makes the provider of a pool, and tries its settings. An adapter is loaded only where a pool names its kind. */
import type { Clock } from "../ports/clock.ts";
import type { CheckFinding, Provider } from "../ports/provider.ts";
import type { Config, PoolConfig } from "./config/config.ts";
import type { ConfigProblem } from "./config/problems.ts";

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
