/**
 * jit-runners' Cleaner (devopsfactory-io/jit-runners, facts 1.3 and 1.6): single-use machines and a ledger of them by events
 * alone. A row is pending from its launch, running with `in_progress`, completed with `completed`; it moves forward only.
 *
 * Each pass: a row that is pending for 10 minutes has its machine terminated, its runner deregistered and its job launched
 * anew, three times at most; one that is running for 360 minutes the same, without another launch; and a machine without any
 * row is terminated: rows are forgotten after a day. A failed terminate leaves the row as it is. At `completed` the machine is
 * ended (#74 D1.1; before that its own user data did so).
 *
 * How it loses jobs: nobody is asked whether the machine is busy. An `in_progress` that is lost leaves a running job's row
 * pending, and 360 minutes end a job as well. How it leaks: a terminal row shields its machine from the sweep, whatever
 * became of the ending (#74: 222 and more).
 */
import { DAY_MS, MINUTE_MS } from "../../domain/units.ts";
import type { Fleet, FleetWorld } from "../world/algorithm.ts";
import { Calls } from "./calls.ts";
import { removeRunner } from "./github-rest.ts";
import { ageOf, listInstances, terminateInstance } from "./instances.ts";
import { Launcher, type Order } from "./launcher.ts";

const PENDING_MAX_MS = 10 * MINUTE_MS;
const RUNNING_MAX_MS = 360 * MINUTE_MS;
const ROW_LIFE_MS = DAY_MS;
const ATTEMPT_COUNT_MAX = 3;

/** Its events wait 30 s in their queue, and launch only where GitHub has more queued jobs than the ledger pending rows. */
const RULES = { isPersistent: false, checksJob: true } as const;

interface Row {
  readonly runnerName: string;
  readonly order: Order;
  readonly launchedAtMs: number;
  providerId: string | null;
  status: "pending" | "running" | "completed" | "failed";
}

export function makeAgeCap(world: FleetWorld): Fleet {
  return new AgeCappedFleet(new Calls(world));
}

class AgeCappedFleet implements Fleet {
  readonly #calls: Calls;
  readonly #launcher: Launcher;
  readonly #rows = new Map<string, Row>();

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#launcher = new Launcher(calls, RULES, {
      onLaunching: (runnerName, order) => {
        const launchedAtMs = calls.world.scheduler.nowMs;
        this.#rows.set(runnerName, { runnerName, order, launchedAtMs, providerId: null, status: "pending" });
      },
      onLaunched: (runnerName, providerId) => {
        const row = this.#rows.get(runnerName);
        if (row !== undefined) row.providerId = providerId;
      },
    });
    calls.repeat(() => this.#pass());
  }

  onJobEvent(event: Parameters<Fleet["onJobEvent"]>[0]): void {
    const { action, jobId, labels, repository, runnerName } = event;
    if (action === "queued") this.#launcher.order({ jobId, labels, repository, attemptCount: 0 });
    const row = runnerName === null ? undefined : this.#rows.get(runnerName);
    if (row === undefined) return;
    if (action === "in_progress" && row.status === "pending") row.status = "running";
    if (action !== "completed" || (row.status !== "pending" && row.status !== "running")) return;
    row.status = "completed";
    void this.#end(row, "its job is completed");
  }

  stop(): void {
    this.#calls.stop();
  }

  async #pass(): Promise<void> {
    for (const row of this.#rows.values()) {
      if (ageOf(this.#calls, row) >= ROW_LIFE_MS) this.#rows.delete(row.runnerName);
      if (row.status === "pending" && ageOf(this.#calls, row) >= PENDING_MAX_MS) await this.#endStale(row, true);
      if (row.status === "running" && ageOf(this.#calls, row) >= RUNNING_MAX_MS) await this.#endStale(row, false);
    }
    await this.#sweep();
  }

  async #endStale(row: Row, isRetried: boolean): Promise<void> {
    if (!(await this.#end(row, `${row.status} for too long`))) return;
    row.status = "failed";
    const attemptCount = row.order.attemptCount + 1;
    if (isRetried && attemptCount <= ATTEMPT_COUNT_MAX) this.#launcher.order({ ...row.order, attemptCount });
  }

  /** Ends the machine first, then its registration, whose failure is only logged. @returns whether the first was done. */
  async #end({ runnerName, providerId }: Row, why: string): Promise<boolean> {
    if (providerId === null || !(await terminateInstance(this.#calls, providerId, why))) return false;
    const scope = this.#launcher.scopeOf(runnerName);
    const runnerId = this.#launcher.runnerIdOf(runnerName);
    if (scope !== undefined && runnerId !== undefined) await removeRunner(this.#calls, scope, runnerId);
    return true;
  }

  async #sweep(): Promise<void> {
    for (const instance of (await listInstances(this.#calls)) ?? []) {
      if (this.#rows.has(instance.runnerName)) continue;
      await terminateInstance(this.#calls, instance.providerId, "no row knows it");
    }
  }
}
