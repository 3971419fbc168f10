/**
 * Scale-up as terraform-aws-github-runner publishes it (`scale-runners/scale-up.ts`, v7.11.0): one machine for each `queued`
 * event that finds its job still queued and the fleet under its maximum. Events are all that starts machines.
 *
 * Kept from there: the event waits 30 s and its job is read again where runners are reusable (`delay_webhook_event`,
 * `enable_job_queued_check`), and neither where they take one job; one call at a time (reserved concurrency 1); the maximum
 * is compared with a listing; above it an event of a reusable fleet is dropped and one of a single-use fleet goes back to its
 * queue; so does one whose launch found no capacity or no answer. The queue shows an event again after 30 s, for a day.
 */

import { parseJobId } from "../../domain/ids.ts";
import { isServedBy, type PoolPolicy, registrationScope } from "../../domain/pool.ts";
import { DAY_MS, SECOND_MS } from "../../domain/units.ts";
import type { Scope } from "../github/places.ts";
import type { Chance } from "../world/chance.ts";
import type { Calls } from "./calls.ts";
import { readIsQueued } from "./github-rest.ts";
import { listInstances, tagsOf } from "./instances.ts";

const EVENT_DELAY_MS = 30 * SECOND_MS;
const SHOWN_AGAIN_MS = 30 * SECOND_MS;
const RETENTION_MS = DAY_MS;
const NAME_TOKEN_LENGTH = 12;

/** A machine that a job wants. */
export interface Order {
  readonly jobId: number;
  readonly labels: readonly string[];
  readonly repository: string;
  /** How often machines were started for it in vain. */
  readonly attemptCount: number;
}

/** What a fleet with a ledger is told. */
export interface LaunchObserver {
  onLaunching(runnerName: string, order: Order): void;
  /** @param providerId null where none was started, or where the answer was lost. */
  onLaunched(runnerName: string, providerId: string | null): void;
}

export interface LaunchRules {
  /** Runners take job after job. */
  readonly isPersistent: boolean;
  /** An event waits a while, and then its job is read again: one that is not queued any more gets no machine. */
  readonly checksJob: boolean;
}

interface Waiting {
  readonly order: Order;
  readonly untilMs: number;
}

export class Launcher {
  readonly #calls: Calls;
  readonly #rules: LaunchRules;
  readonly #observer: LaunchObserver | null;
  readonly #names: Chance;
  readonly #queue: Waiting[] = [];
  readonly #scopes = new Map<string, Scope>();
  readonly #runnerIds = new Map<string, number>();
  #isWorking = false;

  constructor(calls: Calls, rules: LaunchRules, observer: LaunchObserver | null = null) {
    this.#calls = calls;
    this.#rules = rules;
    this.#observer = observer;
    this.#names = calls.world.chance.fork("runner names");
  }

  /** Where that runner is registered; known from its machine's tags. */
  scopeOf(runnerName: string): Scope | undefined {
    return this.#scopes.get(runnerName);
  }

  /** GitHub's id, known in advance of a single-use runner alone: it comes with its configuration. */
  runnerIdOf(runnerName: string): number | undefined {
    return this.#runnerIds.get(runnerName);
  }

  order(order: Order): void {
    const { scheduler } = this.#calls.world;
    const untilMs = scheduler.nowMs + RETENTION_MS;
    scheduler.after(this.#rules.checksJob ? EVENT_DELAY_MS : 0, () => this.#show({ order, untilMs }));
  }

  #show(waiting: Waiting): void {
    this.#queue.push(waiting);
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#calls.world.scheduler.disturb();
    void this.#work().then(() => {
      this.#isWorking = false;
    });
  }

  async #work(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const again = next;
      if ((await this.#serve(next.order)) === "done") continue;
      const { scheduler } = this.#calls.world;
      if (scheduler.nowMs < next.untilMs) scheduler.after(SHOWN_AGAIN_MS, () => this.#show(again));
    }
  }

  async #serve(order: Order): Promise<"done" | "again"> {
    const pool = this.#findPool(order);
    if (pool === undefined) return "done";
    // A call that failed counts as queued.
    if (this.#rules.checksJob && (await readIsQueued(this.#calls, order.jobId)) === false) return "done";
    const instances = await listInstances(this.#calls);
    if (instances === null) return "again";
    const count = instances.filter((instance) => instance.pool === pool.name).length;
    if (count >= pool.machineCountMax) return this.#rules.isPersistent ? "done" : "again";
    return (await this.#start(pool, order)) === null ? "again" : "done";
  }

  #findPool({ jobId, labels, repository }: Order): PoolPolicy | undefined {
    const id = parseJobId(jobId);
    return this.#calls.world.scenario.pools.find((pool) =>
      isServedBy(pool, { id, connection: pool.connection, repository, labels }),
    );
  }

  async #start(pool: PoolPolicy, order: Order): Promise<string | null> {
    const { world } = this.#calls;
    const runnerName = `runner-${this.#names.token(NAME_TOKEN_LENGTH)}`;
    const scope = scopeFor(pool, order.repository);
    this.#scopes.set(runnerName, scope);
    this.#observer?.onLaunching(runnerName, order);
    const answer = await this.#calls.ask("provider", "launch", () => ({
      providerId: world.provider.start(tagsOf({ pool: pool.name, runnerName }), (providerId, onGone, bootMs) =>
        world.makeBareHost({
          providerId,
          bootMs,
          onGone,
          runnerName,
          labels: pool.labels,
          scope,
          isEphemeral: !this.#rules.isPersistent,
          onRegistered: (runnerId) => {
            if (!this.#rules.isPersistent) this.#runnerIds.set(runnerName, runnerId);
          },
        }),
      ),
    }));
    const providerId = answer?.providerId ?? null;
    this.#observer?.onLaunched(runnerName, providerId);
    return providerId;
  }
}

function scopeFor(pool: PoolPolicy, repository: string): Scope {
  const scope = registrationScope(pool, repository);
  return scope.kind === "repository" ? { kind: "repository", fullName: `${scope.owner}/${scope.repository}` } : scope;
}
