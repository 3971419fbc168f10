/** Tries the provider of one pool, again and again until it can be used. */
import { ERRORS, HoldfastError } from "../domain/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { CheckFinding, Provider } from "../ports/provider.ts";
import { within } from "./check/bounded.ts";
import type { Config, PoolConfig } from "./config/config.ts";
import type { ConfigProblem } from "./config/problems.ts";

/** Past all bounds of the providers' own calls: what hangs for longer is as good as refused. */
const TRIAL_MS_MAX = MINUTE_MS;
/** Between two trials. */
const REST_MS = MINUTE_MS;

export interface PoolProblem extends ConfigProblem {
  /** It is known to be so, and not only that it could not be found out. */
  readonly isCertain: boolean;
}

export interface PoolTrialOptions {
  readonly pool: PoolConfig;
  readonly config: Config;
  readonly clock: Clock;
  openProvider(pool: PoolConfig): Promise<Provider>;
  onFound(problems: readonly PoolProblem[], before: readonly PoolProblem[]): void;
}

export class PoolTrial {
  readonly #options: PoolTrialOptions;
  readonly #index: number;
  #problems: readonly PoolProblem[] | null = null;
  /** Not joined by another while it hangs: its helper processes, threads and sockets would pile up. */
  #underWay: Promise<void> | null = null;
  /** By the monotonic clock: the beginning of the one under way, or the end of the last. */
  #sinceMs = 0;

  constructor(options: PoolTrialOptions) {
    this.#options = options;
    this.#index = options.config.pools.indexOf(options.pool);
  }

  /** What the last one found; null before its end. None: it has passed, and there is no other. */
  problems(): readonly PoolProblem[] | null {
    return this.#problems;
  }

  hasPassed(): boolean {
    return this.#problems?.length === 0;
  }

  /** Begins one where it is due, and notices where one takes too long. Waits for nothing: a stop would have to wait as well. */
  goOn(): void {
    if (this.hasPassed()) return;
    const agoMs = this.#options.clock.monotonicMs() - this.#sinceMs;
    if (this.#underWay !== null) {
      if (agoMs >= TRIAL_MS_MAX) this.#note([this.#lateness()]);
    } else if (this.#problems === null || agoMs >= REST_MS) this.#begin();
  }

  /** Waits for the first one, as long as it may take. That it takes longer is noticed by the next `goOn`. */
  async first(): Promise<void> {
    this.goOn();
    await within(this.#options.clock, TRIAL_MS_MAX, this.#underWay ?? Promise.resolve(), () => undefined);
  }

  #begin(): void {
    this.#sinceMs = this.#options.clock.monotonicMs();
    this.#underWay = this.#try().finally(() => {
      this.#sinceMs = this.#options.clock.monotonicMs();
      this.#underWay = null;
    });
  }

  async #try(): Promise<void> {
    const { pool, openProvider } = this.#options;
    let problems: readonly PoolProblem[];
    try {
      const findings = await (await openProvider(pool)).check();
      problems = findings.flatMap((finding) => problemsOf(finding, this.#index));
    } catch (error) {
      problems = [describeFailure(error, this.#path())];
    }
    this.#note(problems);
  }

  #note(problems: readonly PoolProblem[]): void {
    const before = this.#problems ?? [];
    this.#problems = problems;
    this.#options.onFound(problems, before);
  }

  #path(): string {
    return `pools[${this.#index}].provider`;
  }

  #lateness(): PoolProblem {
    const problem = `Trying it takes longer than ${TRIAL_MS_MAX / SECOND_MS} seconds.`;
    return { path: this.#path(), problem, mend: LOOK, isCertain: false };
  }
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

const LOOK = "Look at the provider, and run `holdfast check`.";
