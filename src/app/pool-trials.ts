/**
 * Tries the provider of each configured pool before anything rests on it: what an unusable pool launched it might never end, or
 * another controller might.
 *
 * A pool is closed, and this process does not take its lease, until its trial has passed or a machine of it is there, which must be
 * cared for whatever comes of the trial. Once open it stays so. A trial that did not pass is repeated each minute: credentials come
 * back, and so do providers.
 */
import type { Controller } from "../controllers/driver.ts";
import { ERRORS, HoldfastError } from "../domain/errors.ts";
import type { PoolName } from "../domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { CheckFinding, Provider } from "../ports/provider.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import { recordDecision } from "../store/evidence/decisions.ts";
import { listQueuedJobsOfPool } from "../store/jobs/list.ts";
import { isLeased } from "../store/leases.ts";
import { countPresentByPool } from "../store/machines/count.ts";
import type { Store } from "../store/store.ts";
import { jobSubject } from "../store/subjects.ts";
import { within } from "./check/bounded.ts";
import type { Config, PoolConfig } from "./config/config.ts";
import { ConfigError, type ConfigProblem } from "./config/problems.ts";
import { createProvider } from "./providers.ts";

/** Past all bounds of the providers' own calls: what hangs for longer is as good as refused. */
const TRIAL_MS_MAX = MINUTE_MS;
const TRIAL_PERIOD_MS = MINUTE_MS;
/** That are told why they wait, the oldest. */
const JOBS_MAX = 200;

export interface TrialParts {
  readonly store: Pick<Store, "db">;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Another than that of the configuration, in tests. */
  openProvider?(pool: PoolConfig): Promise<Provider>;
}

interface PoolProblem extends ConfigProblem {
  /** It is known to be so, and not only that it could not be found out. */
  readonly isCertain: boolean;
}

interface Standing {
  isOpen: boolean;
  /** What the last trial found; null before its end. None: it has passed. */
  problems: readonly PoolProblem[] | null;
}

export class PoolTrials {
  readonly #config: Config;
  readonly #parts: TrialParts;
  readonly #standings: ReadonlyMap<PoolName, Standing>;

  constructor(config: Config, parts: TrialParts) {
    this.#config = config;
    this.#parts = parts;
    this.#standings = new Map(config.pools.map(({ policy }) => [policy.name, { isOpen: false, problems: null }]));
  }

  /** Whether this process may take the pool. One that left the configuration is not tried: it launches nothing any more. */
  isOpen(pool: PoolName): boolean {
    return this.#standings.get(pool)?.isOpen ?? true;
  }

  /**
   * Opens the pools that have machines. Where the store knows of no machine at all nobody waits for this process, and whoever
   * starts it learns at once that a pool cannot be used. Else machines of other pools must not go uncared for because of it.
   *
   * @throws {ConfigError} `config-invalid` for the first pool that certainly cannot be used, where no machine is there.
   */
  async begin(): Promise<void> {
    const present = await countPresentByPool(this.#parts.store.db);
    for (const name of present.keys()) this.#open(name);
    if (present.size > 0) return;
    await Promise.all(this.#config.pools.map((pool) => this.#try(pool)));
    for (const [name, { problems }] of this.#standings) {
      const certain = (problems ?? []).filter(({ isCertain }) => isCertain);
      if (certain.length > 0) throw new ConfigError("config-invalid", { file: `pool ${name}`, problems: certain });
    }
  }

  controllers(): readonly Controller[] {
    return this.#config.pools.map((pool) => ({
      name: "try-pool",
      pool: pool.policy.name,
      periodMs: TRIAL_PERIOD_MS,
      run: () => this.#run(pool),
    }));
  }

  /** What of them cannot be used and why, in sentences. */
  describe(): readonly string[] {
    return [...this.#standings].flatMap(([name, standing]) => describeStanding(name, standing));
  }

  async #run(pool: PoolConfig): Promise<void> {
    const { name } = pool.policy;
    // Another process may have launched some before it ended.
    if (!this.isOpen(name) && (await countPresentByPool(this.#parts.store.db)).has(name)) this.#open(name);
    await this.#try(pool);
    if (!this.isOpen(name)) await this.#tellJobs(name);
  }

  #open(name: PoolName): void {
    const standing = this.#standings.get(name);
    if (standing !== undefined) standing.isOpen = true;
  }

  async #try(pool: PoolConfig): Promise<void> {
    const { name } = pool.policy;
    const standing = this.#standings.get(name);
    if (standing === undefined || standing.problems?.length === 0) return;
    const problems = await tryPool(pool, this.#config, this.#parts);
    this.#tell(name, standing.problems ?? [], problems);
    standing.problems = problems;
    if (problems.length === 0) standing.isOpen = true;
  }

  /** What is the same as a minute ago was told then. */
  #tell(pool: PoolName, before: readonly PoolProblem[], problems: readonly PoolProblem[]): void {
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

async function tryPool(
  pool: PoolConfig,
  config: Config,
  { clock, openProvider = (one) => createProvider(one, config, clock, config.urls.agents) }: TrialParts,
): Promise<readonly PoolProblem[]> {
  const index = config.pools.indexOf(pool);
  const path = `pools[${index}].provider`;
  const trial = openProvider(pool)
    .then((provider) => provider.check())
    .then((findings) => findings.flatMap((finding) => problemsOf(finding, index)))
    .catch((error: unknown) => [describeFailure(error, path)]);
  return await within(clock, TRIAL_MS_MAX, trial, () => [describeLateness(path)]);
}

function problemsOf({ severity, isOpenQuestion = false, path, finding, mend }: CheckFinding, index: number) {
  const isCertain = severity === "error";
  if (!isCertain && !isOpenQuestion) return [];
  return [{ path: path.replace("pools[]", `pools[${index}]`), problem: finding, mend, isCertain }];
}

function describeFailure(error: unknown, path: string): PoolProblem {
  const problem = error instanceof Error ? error.message : String(error);
  const mend = error instanceof HoldfastError ? ERRORS[error.code].mend : LOOK;
  return { path, problem, mend, isCertain: true };
}

function describeLateness(path: string): PoolProblem {
  const problem = `Trying it took longer than ${TRIAL_MS_MAX / SECOND_MS} seconds, and was given up.`;
  return { path, problem, mend: LOOK, isCertain: false };
}

const LOOK = "Look at the provider, and run `holdfast check`.";

function describeStanding(name: PoolName, { isOpen, problems }: Standing): readonly string[] {
  const standing = isOpen
    ? `pool ${name} could not be used when it was last tried, and goes on because machines of it are there`
    : `pool ${name} is not used, and tried again each minute`;
  if (problems === null) return isOpen ? [] : [`pool ${name} is not used before it has been tried`];
  return problems.map(({ path, problem, mend }) => `${standing}: ${path}: ${asSentence(problem)} ${mend}`);
}

/** What a provider says ends as it likes. */
function asSentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}
