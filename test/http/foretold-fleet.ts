/** The plan of a stored fleet: the real functions over its rows, with nobody outside to call. */
import { emptyMemory, type PoolContext } from "../../src/controllers/context.ts";
import { foretellPass } from "../../src/controllers/foretell.ts";
import type { PoolName } from "../../src/domain/ids.ts";
import { invariant } from "../../src/domain/invariant.ts";
import type { OperatorSources } from "../../src/http/operators/sources.ts";
import type { Store } from "../../src/store/store.ts";
import { epoch } from "../domain/builders.ts";
import { sampleSources } from "./sample-fleet.ts";

/** One pool of three is another process'. */
export function foretoldSources(store: Store): OperatorSources {
  return withForetelling(sampleSources(store), store, (name) => name !== "mac");
}

/** @param isHeld whether this process holds the pool. */
export function withForetelling(
  sources: OperatorSources,
  store: Store,
  isHeld: (pool: PoolName) => boolean,
): OperatorSources {
  const memory = { ...emptyMemory(), isFleetListed: true };
  return {
    ...sources,
    foretell: async (name) => {
      const pool = sources.pools.find((one) => one.name === name);
      invariant(pool !== undefined, `pool ${name} is one of the sources'`);
      const { clock, heardAtMs, heardSinceMs } = sources;
      const hearing = { heardAtMs, stirredAtMs: heardAtMs };
      const context = { store, clock, pool, memory, hearing, heardSinceMs, isShuttingDown: () => false };
      const lease = isHeld(name) ? { pool: name, holder: "stored", epoch: epoch() } : null;
      return await foretellPass({ ...context, lease: () => lease } as unknown as PoolContext);
    },
  };
}
