/** Runners and jobs at GitHub. No call decides anything: each answer is evidence. One object per connection. */
import type { JobId, RunnerId } from "../domain/ids.ts";
import type { JobEvent } from "../domain/job.ts";
import type { Observation, ObservedRunner } from "../domain/observed.ts";
import type { RegistrationPermit } from "../domain/permit.ts";
import type { RegistrationScope } from "../domain/pool.ts";
import type { ObservedRun } from "../domain/rerun.ts";
import type { GitHubAccess } from "./github-access.ts";
import type { GitHubHooks } from "./github-hooks.ts";

/** No call to GitHub takes longer; an answer that did not come by then is lost, its effect unknown. */
export const GITHUB_CALL_TIMEOUT_MS = 10_000;

export interface MintRequest {
  readonly scope: RegistrationScope;
  /** Unique; a second registration of this name is refused by GitHub. */
  readonly runnerName: string;
  readonly labels: readonly string[];
  /** By name; found by the adapter, and looked for again where GitHub no longer knows its number. */
  readonly runnerGroup: string;
}

export interface MintedTicket {
  readonly runnerId: RunnerId;
  /** The secret that starts the runner, with the runner's self-update switched off. */
  readonly jitConfig: string;
}

export interface GitHub {
  /**
   * Registers a single-use runner (`POST …/actions/runners/generate-jitconfig`). Not idempotent: after a lost answer the
   * name is taken, and whoever called resolves it by `findRunner`.
   * @throws {GitHubError} `github-name-taken` | `github-rate-limited` | `github-unauthorized` | `github-forbidden` |
   *   `github-not-found` | `github-not-installed` | `github-suspended` | `github-clock-skew` | `github-budget` |
   *   `github-runners-full` | `github-group-unknown` | `github-invalid` | `github-unavailable` (effect unknown)
   */
  mintTicket(request: MintRequest): Promise<MintedTicket>;

  /** @returns the registration of exactly this name; never throws: a failed look is `unknown`. */
  findRunner(scope: RegistrationScope, runnerName: string): Promise<Observation<ObservedRunner>>;

  /**
   * Every registration of a scope, complete or an error.
   * @throws {GitHubError}
   */
  listRunners(scope: RegistrationScope): Promise<readonly ObservedRunner[]>;

  /**
   * Deletes a registration (`DELETE …/actions/runners/{id}`): 204 `deleted`, 404 `absent`, 422 `busy`. Idempotent. A
   * listener whose registration is gone cancels its running job, hence the permit.
   * @throws {GitHubError}
   */
  deleteRunner(permit: RegistrationPermit): Promise<"deleted" | "absent" | "busy">;

  /** What GitHub says of a job now; never throws. @param repository `owner/name` */
  getJob(repository: string, jobId: JobId): Promise<Observation<JobEvent>>;

  /**
   * The jobs of every run of a repository that is not over (queued, in progress, waiting or pending), in whatever status
   * each of them is. A run that is listed while it ends may be missing.
   * @param repository `owner/name`; the jobs' own may be another, where it was renamed.
   * @throws {GitHubError}
   */
  listOpenJobs(repository: string): Promise<readonly JobEvent[]>;

  /**
   * What GitHub says of a run now, with the jobs of its latest attempt (`GET …/actions/runs/{id}`, `…/jobs`); never throws.
   * The jobs may be of a later moment than the rest: each tells the attempt that it is of.
   * @param repository `owner/name`
   */
  getRun(repository: string, runId: number): Promise<Observation<ObservedRun>>;

  /**
   * Lets a job run again, with those that depend on it, as a new attempt of its run
   * (`POST …/actions/jobs/{id}/rerun`, "Re-run a job from a workflow run"; permission Actions, read and write). A job has
   * another id in each attempt, and GitHub takes those of the latest attempt alone, while nothing of the run goes on: called
   * twice, also from two processes and after a lost answer, it makes one new attempt.
   * @returns `asked`: it runs again. `refused`: not now, or not ever; the run tells which.
   * @throws {GitHubError} `github-forbidden` (the permission lacks) | `github-not-found` | `github-rate-limited` |
   *   `github-unauthorized` | `github-not-installed` | `github-suspended` | `github-clock-skew` | `github-budget` |
   *   `github-invalid` | `github-unavailable` (effect unknown)
   */
  rerunJob(repository: string, jobId: JobId): Promise<"asked" | "refused">;

  /**
   * The repositories that the connection can read jobs of, `owner/name`, archived and disabled ones left out.
   * @param owner an organization or user; null for every one that the credentials reach.
   * @throws {GitHubError}
   */
  listRepositories(owner: string | null): Promise<readonly string[]>;

  /** Until when GitHub takes a version of the runner (`GET …/runners/deprecations/{version}`); never throws. */
  readDeprecation(scope: RegistrationScope, runnerVersion: string): Promise<Observation<RunnerDeprecation>>;
}

/** Epoch milliseconds; null where GitHub has named no date. */
export interface RunnerDeprecation {
  /** From then on a runner of this version cannot be registered. */
  readonly registrationEndsAtMs: number | null;
  /** From then on it is given no jobs. */
  readonly runtimeEndsAtMs: number | null;
}

/** What is left of one installation's (or token's) rate limit. */
export interface BudgetReading {
  /** The account whose installation it is; `token` for a personal token. */
  readonly account: string;
  /** Of the primary limit; null until GitHub told. */
  readonly primary: { readonly limit: number; readonly remaining: number; readonly resetsAtMs: number } | null;
  /** Points spent in the last minute, of `POINTS_PER_MINUTE_MAX`. */
  readonly pointCount: number;
  /** Until when GitHub asked us to make no call; null if it did not. */
  readonly blockedUntilMs: number | null;
  /** Tickets asked for in the last minute. */
  readonly ticketCount: number;
}

/** Everything one connection can do. */
export interface GitHubConnection {
  readonly github: GitHub;
  readonly hooks: GitHubHooks;
  readonly access: GitHubAccess;
  /** One for each installation that was used since the start. */
  readBudgets(): readonly BudgetReading[];
}
