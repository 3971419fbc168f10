/** How this process is, for whoever asks: which pools it has and which not, and what does not work. */
import type { Driver } from "../controllers/driver.ts";
import type { Tenure } from "../controllers/tenure.ts";
import type { Health } from "../http/health.ts";
import { type DepartedPool, describeDeparture } from "../http/operators/departed.ts";
import type { PoolTrials } from "./pool-trials.ts";
import type { SettledPool } from "./settle-pools.ts";

interface HealthSources {
  readonly driver: Driver;
  readonly tenure: Tenure;
  readonly pools: readonly SettledPool[];
  readonly trials: PoolTrials;
}

/** Ready without a pool that cannot be used: agents of the others need an answer. */
export function healthOf({ driver, tenure, pools, trials }: HealthSources, departed: readonly DepartedPool[]): Health {
  const controllers = driver.health();
  const failing = controllers.filter((one) => one.lastError !== null);
  const open = pools.map(({ config }) => config.policy.name).filter((name) => trials.isOpen(name));
  const unheld = open.filter((name) => tenure.lease(name) === null);
  return {
    isReady: unheld.length === 0,
    problems: [
      ...unheld.map((name) => `another process holds pool ${name}, or it has not been taken yet`),
      ...trials.describe(),
      ...departed.flatMap(describeDeparture),
      ...failing.map((one) => `controller ${one.name} failed: ${one.lastError}`),
    ],
    controllers,
  };
}
