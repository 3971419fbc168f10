import { HoldfastError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Queryable } from "../schema.ts";
import type { Store } from "../store.ts";
import { inTransaction } from "../transaction.ts";
import { type NewDelivery, toNewDeliveryRow } from "./row.ts";

/** Deliveries that may wait for their commit; a store that does not keep up refuses more, and GitHub shows it. */
const WAITING_COUNT_MAX = 4_096;
/** Bytes of body that may wait; the largest delivery of GitHub has 25 MB. */
export const WAITING_BYTES_MAX = 64 * 1024 * 1024;

const BATCH_MS = 5;
const BATCH_COUNT_MAX = 256;

export type Recorded = "stored" | "seen";

interface Waiting {
  readonly delivery: NewDelivery;
  readonly resolve: (recorded: Recorded) => void;
  readonly reject: (error: HoldfastError) => void;
}

/** Writes deliveries in groups: one commit, and so one wait for the disk, for all that came within some milliseconds. */
export class DeliveryLog {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #batchMs: number;
  readonly #batchMax: number;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isClosed = false;
  #draining: Promise<void> | null = null;
  /** Ends the wait for more of the present group. */
  #hurry = new AbortController();

  /** @param options.batchMs how long a group waits for more; `batchMax` its size at which it is written at once. */
  constructor(store: Store, clock: Clock, options: { readonly batchMs?: number; readonly batchMax?: number } = {}) {
    this.#store = store;
    this.#clock = clock;
    this.#batchMs = options.batchMs ?? BATCH_MS;
    this.#batchMax = options.batchMax ?? BATCH_COUNT_MAX;
  }

  /**
   * Resolves after the commit that holds it: the delivery is durable then. Idempotent by connection and id.
   * @returns `seen` where the id was there before.
   * @throws {HoldfastError} `store-unavailable`: not written, by this commit or because too many wait; send it again.
   */
  async record(delivery: NewDelivery): Promise<Recorded> {
    const isTooMany =
      this.#waiting.length >= WAITING_COUNT_MAX ||
      (this.#waiting.length > 0 && this.#waitingBytes + delivery.body.byteLength > WAITING_BYTES_MAX);
    if (this.#isClosed || isTooMany)
      throw new HoldfastError("store-unavailable", `recording delivery ${delivery.id} ${whyRefused(this.#isClosed)}`);
    const { promise, resolve, reject } = Promise.withResolvers<Recorded>();
    this.#waiting.push({ delivery, resolve, reject });
    this.#waitingBytes += delivery.body.byteLength;
    if (this.#waiting.length >= this.#batchMax) this.#hurry.abort();
    this.#draining ??= this.#drain();
    return promise;
  }

  /** Writes what waits and takes no more. Idempotent; never throws: each failure is its caller's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#hurry.abort();
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (this.#waiting.length < this.#batchMax && !this.#isClosed)
        await this.#clock.sleep(this.#batchMs, this.#hurry.signal);
      this.#hurry = new AbortController();
      const batch = this.#waiting.splice(0, this.#batchMax);
      for (const { delivery } of batch) this.#waitingBytes -= delivery.body.byteLength;
      await this.#commit(batch);
    }
    this.#draining = null;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const isNew = await inTransaction(this.#store, async (tx) => {
        const inserted: boolean[] = [];
        for (const { delivery } of batch) inserted.push(await insertDelivery(tx, delivery));
        return inserted;
      });
      for (const [index, { resolve }] of batch.entries()) resolve(isNew[index] === true ? "stored" : "seen");
    } catch (cause) {
      const error = new HoldfastError("store-unavailable", `recording ${batch.length} deliveries`, { cause });
      for (const { reject } of batch) reject(error);
    }
  }
}

function whyRefused(isClosed: boolean): string {
  return isClosed ? "while closing" : "while too many wait";
}

/** Writes a delivery as pending unless its id is there, in whatever state. @returns whether it was new. */
async function insertDelivery(db: Queryable, delivery: NewDelivery): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto("deliveries")
    .values(toNewDeliveryRow(delivery))
    .onConflict((conflict) => conflict.columns(["connection", "id"]).doNothing())
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}
