/** Providers that tell of changes wake their pool's look at them. Whoever does not hold the pool looks at nothing. */

import type { Wake } from "../ports/wake.ts";
import type { PoolContext } from "./context.ts";

export interface FollowedHints {
  stop(): Promise<void>;
}

export function followHints(
  pools: readonly Pick<PoolContext, "pool" | "abilities">[],
  wake: Pick<Wake, "controller">,
): FollowedHints {
  const stopping = new AbortController();
  const streams: Promise<void>[] = [];
  for (const { pool, abilities } of pools) {
    const onHint = (): void => wake.controller("observe", pool.name);
    if (abilities?.hints) streams.push(abilities.hints.watch(onHint, stopping.signal));
  }
  return {
    stop: async () => {
      stopping.abort();
      await Promise.allSettled(streams);
    },
  };
}
