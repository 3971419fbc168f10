import type { PoolName } from "../domain/ids.ts";
import type { PoolWords } from "../domain/operator-words.ts";
import { findDrain } from "./drains.ts";
import { findFreezeOver } from "./freezes.ts";
import type { Queryable } from "./schema.ts";

/** What operators have said about a pool, read anew each time: nobody keeps it. */
export async function readPoolWords(db: Queryable, pool: PoolName): Promise<PoolWords> {
  const freeze = await findFreezeOver(db, pool);
  return { drain: await findDrain(db, { kind: "pool", id: pool }), freeze: freeze?.mark ?? null };
}
