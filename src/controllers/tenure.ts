/**
 * Holds the leases of the pools, and with them the right to write their rows. The renewal is also the proof that the store
 * takes writes, which heard time needs.
 */

import type { PoolName } from "../domain/ids.ts";
import { CLOCK_STEP_MS } from "../domain/time.ts";
import { SECOND_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import { acquireLease, type Lease, readLease, releaseLease } from "../store/leases.ts";
import type { Store } from "../store/store.ts";

const LEASE_LIFE_MS = 45 * SECOND_MS;
export const TENURE_PERIOD_MS = 5 * SECOND_MS;
/** A pause of this length between two passes means that we may have missed what agents said. */
const HEARD_GAP_MS = 30 * SECOND_MS;

export interface TenureOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly pools: readonly PoolName[];
  readonly holder: string;
  /** Whether this process may take a pool that it does not hold. */
  mayTake(pool: PoolName): boolean;
  /** Whether the process that a lease names is known to be dead, so that nobody has to wait for the lease to expire. */
  isHolderDead(holder: string): boolean;
  /** Whether our own agent API answers. */
  probe(): Promise<boolean>;
  /** Whether agents that are answered wait for longer than they do: then what they say is not heard in time. */
  isBehind(): boolean;
  onAcquired(pool: PoolName): void;
  onLost(pool: PoolName): void;
  /** Tells other processes which agents were heard here, where they may hold the pool, and takes over what they heard. */
  exchangeHeard(othersPools: readonly PoolName[]): Promise<void>;
}

export class Tenure {
  readonly #options: TenureOptions;
  readonly #leases = new Map<PoolName, Lease>();
  /** By the monotonic clock, from before the store was asked. */
  readonly #heldUntilMs = new Map<PoolName, number>();
  #hasRun = false;
  #isTaking = true;
  #heardSinceMs: number;
  #passedAtMs: number;
  /** The wall clock less the monotonic one, at the last pass. */
  #clockOffsetMs: number;

  constructor(options: TenureOptions) {
    const { clock } = options;
    this.#options = options;
    this.#heardSinceMs = clock.nowMs();
    this.#passedAtMs = clock.monotonicMs();
    this.#clockOffsetMs = this.#heardSinceMs - this.#passedAtMs;
  }

  lease(pool: PoolName): Lease | null {
    return this.#leases.get(pool) ?? null;
  }

  /** How long it is certain that no other process has the pool; 0 where none of it is. A lease ends by the wall clock. */
  leftMs(pool: PoolName): number {
    if (this.#isBroken()) return 0;
    const untilMs = this.#leases.has(pool) ? (this.#heldUntilMs.get(pool) ?? 0) : 0;
    return Math.max(0, untilMs - this.#options.clock.monotonicMs());
  }

  /** Epoch milliseconds since when nothing that an agent said can have been missed. */
  heardSinceMs(): number {
    // Told from the gap or the step itself, and not only once the next pass has seen it.
    return this.#isBroken() || this.#options.isBehind() ? this.#options.clock.nowMs() : this.#heardSinceMs;
  }

  /** Since the last pass there was a gap, or somebody set the wall clock: what was counted by it is worth nothing. */
  #isBroken(): boolean {
    const { clock } = this.#options;
    const monotonicMs = clock.monotonicMs();
    const steppedMs = Math.abs(clock.nowMs() - monotonicMs - this.#clockOffsetMs);
    return monotonicMs - this.#passedAtMs > HEARD_GAP_MS || steppedMs > CLOCK_STEP_MS;
  }

  async run(): Promise<void> {
    const { clock, pools, mayTake, probe, isBehind } = this.#options;
    const isAnswering = (await probe()) && !isBehind();
    let isWritable = true;
    for (const pool of pools)
      if (this.#leases.has(pool) || (this.#isTaking && mayTake(pool)))
        isWritable = (await this.#hold(pool)) && isWritable;
    const isHearing = await this.#exchange();
    if (this.#isBroken() || !isAnswering || !isWritable || !isHearing) this.#heardSinceMs = clock.nowMs();
    this.#hasRun = true;
    this.#passedAtMs = clock.monotonicMs();
    this.#clockOffsetMs = clock.nowMs() - this.#passedAtMs;
  }

  /** Renews what it holds and takes no other pool: its controllers are about to end. */
  stopTaking(): void {
    this.#isTaking = false;
  }

  /** Gives every lease back, so that the next process need not wait. */
  async release(): Promise<void> {
    for (const lease of this.#leases.values()) await releaseLease(this.#options.store.db, lease);
    this.#leases.clear();
  }

  /** @returns false where the store did not take the write. */
  async #hold(pool: PoolName): Promise<boolean> {
    const { store, telemetry, holder } = this.#options;
    try {
      await this.#releaseDead(pool);
      const before = this.#leases.get(pool);
      const askedAtMs = this.#options.clock.monotonicMs();
      const lease = await acquireLease(store.db, pool, holder, LEASE_LIFE_MS);
      const isTaken = lease !== null && lease.epoch !== before?.epoch;
      // Who held it before told nobody whom it heard. Known before anybody acts on the lease: from here there is no await.
      if (isTaken && this.#hasRun) this.#heardSinceMs = this.#options.clock.nowMs();
      if (lease === null && this.#leases.delete(pool)) this.#options.onLost(pool);
      if (lease !== null) this.#leases.set(pool, lease);
      this.#heldUntilMs.set(pool, askedAtMs + LEASE_LIFE_MS);
      if (isTaken) this.#options.onAcquired(pool);
      return true;
    } catch (error) {
      telemetry.error("a pool's lease could not be renewed", error, { pool });
      return false;
    }
  }

  /** @returns false where the store did not take what was heard here, or did not say what others heard. */
  async #exchange(): Promise<boolean> {
    const { pools, exchangeHeard, telemetry } = this.#options;
    try {
      await exchangeHeard(pools.filter((pool) => !this.#leases.has(pool)));
      return true;
    } catch (error) {
      telemetry.error("what replicas hear could not be exchanged", error, {});
      return false;
    }
  }

  async #releaseDead(pool: PoolName): Promise<void> {
    if (this.#leases.has(pool)) return;
    const held = await readLease(this.#options.store.db, pool);
    if (held !== null && held.holder !== this.#options.holder && this.#options.isHolderDead(held.holder))
      await releaseLease(this.#options.store.db, held);
  }
}
