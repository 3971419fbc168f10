/**
 * Which of the configured pools this process may take. What an unusable pool launched it might never end, or another controller
 * might: so a pool is closed, and its lease is not taken, until its trial has passed or a machine of it is there, which must be
 * cared for whatever comes of the trial. Once open it stays so. Credentials come back, and so do providers: nobody has to start
 * Holdfast anew for them.
 */
import type { Controller } from "../controllers/driver.ts";
import type { PoolName } from "../domain/ids.ts";
import { SECOND_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { Provider } from "../ports/provider.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import { recordDecision } from "../store/evidence/decisions.ts";
import { listQueuedJobsOfPool } from "../store/jobs/list.ts";
import { isLeased } from "../store/leases.ts";
import { countPresentByPool } from "../store/machines/count.ts";
import type { Store } from "../store/store.ts";
import { jobSubject } from "../store/subjects.ts";
import type { Config, PoolConfig } from "./config/config.ts";
import { ConfigError } from "./config/problems.ts";
import { type PoolProblem, PoolTrial } from "./pool-trial.ts";
import { createProvider } from "./providers.ts";

/** Another process may launch machines at any time, and end: they need this one then. */
const LOOK_PERIOD_MS = 5 * SECOND_MS;
/** That are told why they wait, the oldest. */
const JOBS_MAX = 200;

export interface TrialParts {
  readonly store: Pick<Store, "db">;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Another than that of the configuration, in tests. */
  openProvider?(pool: PoolConfig): Promise<Provider>;
}

export class PoolTrials {
  readonly #parts: TrialParts;
  readonly #trials: ReadonlyMap<PoolName, PoolTrial>;
  /** Because machines of them are there. */
  readonly #opened = new Set<PoolName>();
  /** A start that is refused says so once, and not in the log as well. */
  #hasBegun = false;

  constructor(config: Config, parts: TrialParts) {
    const { clock, openProvider = (pool) => createProvider(pool, config, clock, config.urls.agents) } = parts;
    this.#parts = parts;
    this.#trials = new Map(
      config.pools.map((pool) => {
        const { name } = pool.policy;
        const onFound = (problems: readonly PoolProblem[], before: readonly PoolProblem[]) =>
          this.#tell(name, problems, before);
        return [name, new PoolTrial({ pool, config, clock, openProvider, onFound })];
      }),
    );
  }

  /** Whether this process may take the pool. One that left the configuration is not tried: it launches nothing any more. */
  isOpen(pool: PoolName): boolean {
    return this.#opened.has(pool) || (this.#trials.get(pool)?.hasPassed() ?? true);
  }

  /**
   * Opens the pools that have machines. Where the store knows of no machine at all nobody waits for this process, and whoever
   * starts it learns at once that a pool cannot be used. Else machines of other pools must not go uncared for because of it.
   *
   * @throws {ConfigError} `config-invalid` for the first pool that certainly cannot be used, where no machine is there.
   */
  async begin(): Promise<void> {
    if ((await this.#openPresent()) === 0) await this.#refuseUnusable();
    this.#hasBegun = true;
    for (const [name, trial] of this.#trials) this.#tell(name, trial.problems() ?? [], []);
  }

  async #refuseUnusable(): Promise<void> {
    await Promise.all([...this.#trials.values()].map((trial) => trial.first()));
    for (const [name, trial] of this.#trials) {
      const problems = (trial.problems() ?? []).filter(({ isCertain }) => isCertain);
      if (problems.length > 0) throw new ConfigError("config-invalid", { file: `pool ${name}`, problems });
    }
  }

  controllers(): readonly Controller[] {
    return [...this.#trials].map(([pool, trial]) => ({
      name: "try-pool",
      pool,
      periodMs: LOOK_PERIOD_MS,
      run: () => this.#run(pool, trial),
    }));
  }

  /** What of them cannot be used and why, in sentences. */
  describe(): readonly string[] {
    return [...this.#trials].flatMap(([name, trial]) => describeTrial(name, this.isOpen(name), trial.problems()));
  }

  async #run(pool: PoolName, trial: PoolTrial): Promise<void> {
    trial.goOn();
    if (this.isOpen(pool)) return;
    await this.#openPresent();
    if (!this.isOpen(pool) && trial.problems() !== null) await this.#tellJobs(pool);
  }

  /** @returns how many pools have machines. */
  async #openPresent(): Promise<number> {
    const present = await countPresentByPool(this.#parts.store.db);
    for (const name of present.keys()) this.#opened.add(name);
    return present.size;
  }

  /** What is the same as a minute ago was told then. */
  #tell(pool: PoolName, problems: readonly PoolProblem[], before: readonly PoolProblem[]): void {
    if (!this.#hasBegun) return;
    const { telemetry } = this.#parts;
    const known = new Set(before.map(({ problem }) => problem));
    for (const { path, problem, mend } of problems)
      if (!known.has(problem)) telemetry.warn("a pool cannot be used", { pool, path, problem, mend });
    if (before.length > 0 && problems.length === 0) telemetry.info("a pool can be used again", { pool });
  }

  /** Nobody else does, unless another process has the pool and can use it. */
  async #tellJobs(pool: PoolName): Promise<void> {
    const { store, clock } = this.#parts;
    if (await isLeased(store.db, pool)) return;
    for (const { job } of await listQueuedJobsOfPool(store.db, pool, JOBS_MAX)) {
      const subject = jobSubject(job.connection, job.id);
      await recordDecision(store.db, { subject, action: "wait", reason: "pool-unusable", decidedAtMs: clock.nowMs() });
    }
  }
}

function describeTrial(name: PoolName, isOpen: boolean, problems: readonly PoolProblem[] | null): readonly string[] {
  if (problems === null) return isOpen ? [] : [`pool ${name} is not used before it has been tried`];
  const standing = isOpen
    ? `pool ${name} could not be used when it was last tried, and goes on because machines of it are there`
    : `pool ${name} is not used, and tried again each minute`;
  return problems.map(({ path, problem, mend }) => `${standing}: ${path}: ${asSentence(problem)} ${mend}`);
}

/** What a provider says ends as it likes. */
function asSentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}
