/** The calls to GitHub that decide nothing by themselves: each answer is evidence. One object per connection. */
import type { JobId, RunnerId } from "../domain/ids.ts";
import type { JobEvent } from "../domain/job.ts";
import type { Observation, ObservedRunner } from "../domain/observed.ts";
import type { RegistrationPermit } from "../domain/permit.ts";
import type { RegistrationScope } from "../domain/pool.ts";

/** No call to GitHub takes longer; an answer that did not come by then is lost, its effect unknown. */
export const GITHUB_CALL_TIMEOUT_MS = 10_000;

export interface MintRequest {
  readonly scope: RegistrationScope;
  /** Unique; a second registration of this name is refused by GitHub. */
  readonly runnerName: string;
  readonly labels: readonly string[];
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
   *   `github-not-found` | `github-invalid` | `github-unavailable` (effect unknown)
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
}
