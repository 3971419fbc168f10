/** The plan of a sample fleet: the real functions over its rows, with nobody outside to call. */
import { emptyMemory, type PoolContext } from "../../src/controllers/context.ts";
import { foretellPass } from "../../src/controllers/foretell.ts";
import { invariant } from "../../src/domain/invariant.ts";
import type { OperatorSources } from "../../src/http/operators/sources.ts";
import type { Store } from "../../src/store/store.ts";
import { epoch } from "../domain/builders.ts";
import { sampleSources } from "./sample-fleet.ts";

export function foretoldSources(store: Store): OperatorSources {
  const sources = sampleSources(store);
  const memory = { ...emptyMemory(), isFleetListed: true };
  return {
    ...sources,
    foretell: async (name) => {
      const pool = sources.pools.find((one) => one.name === name);
      invariant(pool !== undefined, `pool ${name} is one of the sample`);
      const { clock, heardAtMs, heardSinceMs } = sources;
      const hearing = { heardAtMs, stirredAtMs: heardAtMs };
      const context = { store, clock, pool, memory, hearing, heardSinceMs, isShuttingDown: () => false };
      // One pool of three is another process'.
      const lease = name === "mac" ? null : { pool: name, holder: "sample", epoch: epoch() };
      return await foretellPass({ ...context, lease: () => lease } as unknown as PoolContext);
    },
  };
}
