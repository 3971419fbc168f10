/**
 * What the processes on one store hear of agents: any of them takes agents' messages, one holds a pool. That one tells
 * nobody, and the others tell it; whoever takes a pool over begins to count anew.
 */
import type { PoolName } from "../domain/ids.ts";
import { readHeardElsewhere, saveHeard } from "../store/hearings.ts";
import { readRowlessElsewhere, saveRowless } from "../store/rowless.ts";
import type { Store } from "../store/store.ts";
import type { SharedHearing } from "./hearing.ts";

export interface Ears {
  readonly store: Store;
  readonly hearing: SharedHearing;
  /** Unique to one start of a process. */
  readonly listener: string;
}

/** @param pools those that another process may hold. */
async function tellOthers({ store, hearing, listener }: Ears, pools: readonly PoolName[]): Promise<void> {
  const heard = hearing.takeUntold();
  try {
    await saveHeard(store, heard, { listener, pools });
    if (pools.length > 0) await saveRowless(store, hearing.listRowlessHere(), listener);
  } catch (error) {
    hearing.putBack(heard);
    throw error;
  }
}

/** Both. @param pools those that another process may hold. */
export async function exchangeHeard(ears: Ears, pools: readonly PoolName[]): Promise<void> {
  await tellOthers(ears, pools);
  await hearOthers(ears);
  ears.hearing.noteRowlessElsewhere(await readRowlessElsewhere(ears.store.db, ears.listener));
}

/** Idempotent. */
export async function hearOthers({ store, hearing, listener }: Ears): Promise<void> {
  for (const heard of await readHeardElsewhere(store.db, listener)) hearing.noteElsewhere(heard);
}
