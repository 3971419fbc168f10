/** Runners and jobs behind GitHub's REST interface. */
import { GitHubError, HoldfastError } from "../../domain/errors.ts";
import { parseJob } from "../../domain/github-job.ts";
import { type ConnectionName, type JobId, parseRunnerId } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job.ts";
import type { Observation, ObservedRunner } from "../../domain/observed.ts";
import { RegistrationPermit } from "../../domain/permit.ts";
import type { RegistrationScope } from "../../domain/pool.ts";
import type { ObservedRun } from "../../domain/rerun.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GitHub, MintedTicket, MintRequest, RunnerDeprecation } from "../../ports/github.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import type { Call } from "./client.ts";
import { readDeprecation } from "./deprecation.ts";
import { RunnerGroups } from "./groups.ts";
import { withSelfUpdateOff } from "./jit-config.ts";
import { listOpenJobs } from "./jobs.ts";
import { placeOfRepository, placeOfScope } from "./places.ts";
import { saysBusy } from "./refusal.ts";
import { listRepositories } from "./repositories.ts";
import { readRun, rerunJob } from "./reruns.ts";
import { readRunners } from "./runner-list.ts";
import type { Session } from "./session.ts";
import { describeMismatch, JitConfigShape } from "./shapes.ts";

const WORK_FOLDER = "_work";
/** What was asked for and is not there may be the group: its number is kept, and it may have been deleted since. */
const PERHAPS_NO_GROUP_STATUSES: ReadonlySet<number> = new Set([404, 422]);

export class RestGitHub implements GitHub {
  readonly #connection: ConnectionName;
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #session: Session;
  readonly #groups: RunnerGroups;

  constructor(connection: ConnectionName, session: Session, telemetry: Telemetry) {
    this.#connection = connection;
    this.#clock = session.clock;
    this.#telemetry = telemetry;
    this.#session = session;
    this.#groups = new RunnerGroups(session);
  }

  async mintTicket({ scope, runnerName, labels, runnerGroup }: MintRequest): Promise<MintedTicket> {
    const place = placeOfScope(scope);
    const groupId = await this.#groups.idOf(scope, runnerGroup);
    const call: Call = {
      operation: "generate-jitconfig",
      purpose: "ticket",
      method: "POST",
      path: `${place.path}/actions/runners/generate-jitconfig`,
      body: { name: runnerName, runner_group_id: groupId, labels, work_folder: WORK_FOLDER },
      attempted: `minting the ticket ${runnerName} in ${place.path}`,
    };
    const answer = await this.#session.ask(place.account, call, ({ status }) => {
      if (PERHAPS_NO_GROUP_STATUSES.has(status)) this.#groups.forget(scope);
      return status === 201 || status === 200;
    });
    const parsed = JitConfigShape.safeParse(answer.json);
    // The registration exists. An answer that we cannot use is a lost one, and is resolved by name like any other.
    if (!parsed.success)
      throw new GitHubError("github-unavailable", call.attempted, { cause: describeMismatch(parsed.error) });
    const { runner, encoded_jit_config: encoded } = parsed.data;
    const changed = withSelfUpdateOff(encoded);
    if (changed === null) {
      this.#telemetry.warn("a JIT configuration has a shape that we do not know; its runner may update itself", {
        connection: this.#connection,
        runner: runnerName,
      });
    }
    return { runnerId: parseRunnerId(runner.id), jitConfig: changed ?? encoded };
  }

  async findRunner(scope: RegistrationScope, runnerName: string): Promise<Observation<ObservedRunner>> {
    return await this.#observe(async () => {
      const runners = await readRunners(this.#session, placeOfScope(scope), runnerName);
      return runners.find(({ name }) => name === runnerName) ?? null;
    });
  }

  async listRunners(scope: RegistrationScope): Promise<readonly ObservedRunner[]> {
    return await readRunners(this.#session, placeOfScope(scope), null);
  }

  async deleteRunner(permit: RegistrationPermit): Promise<"deleted" | "absent" | "busy"> {
    this.#check(permit);
    const place = placeOfScope(permit.scope);
    const call: Call = {
      operation: "delete-runner",
      purpose: "safety",
      method: "DELETE",
      path: `${place.path}/actions/runners/${permit.runnerId}`,
      attempted: `deleting the registration ${permit.runnerId} of ${place.path}`,
    };
    const accepts = (answer: Parameters<typeof saysBusy>[0]) =>
      answer.status === 204 || answer.status === 404 || saysBusy(answer);
    const answer = await this.#session.ask(place.account, call, accepts, () => this.#check(permit));
    if (answer.status === 204) return "deleted";
    return saysBusy(answer) ? "busy" : "absent";
  }

  async getJob(repository: string, jobId: JobId): Promise<Observation<JobEvent>> {
    return await this.#observe(async () => {
      const place = placeOfRepository(repository);
      const call: Call = {
        operation: "get-job",
        purpose: "question",
        method: "GET",
        path: `${place.path}/actions/jobs/${jobId}`,
        attempted: `reading the job ${jobId} of ${repository}`,
      };
      const answer = await this.#session.ask(place.account, call, ({ status }) => status === 200 || status === 404);
      if (answer.status === 404) return null;
      const origin = { connection: this.#connection, repository, action: null, nowMs: this.#clock.nowMs() };
      const parsed = parseJob(answer.json, origin);
      if (parsed.kind === "job" && parsed.job.id === jobId) return parsed.job;
      const problem = parsed.kind === "invalid" ? parsed.problem : "it is another job";
      throw new GitHubError("github-invalid", call.attempted, { cause: new Error(problem) });
    });
  }

  async getRun(repository: string, runId: number): Promise<Observation<ObservedRun>> {
    return await this.#observe(async () => await readRun(this.#session, repository, runId));
  }

  async rerunJob(repository: string, jobId: JobId): Promise<"asked" | "refused"> {
    return await rerunJob(this.#session, repository, jobId);
  }

  async listOpenJobs(repository: string): Promise<readonly JobEvent[]> {
    return await listOpenJobs(this.#session, this.#connection, repository);
  }

  async listRepositories(owner: string | null): Promise<readonly string[]> {
    return await listRepositories(this.#session, owner);
  }

  async readDeprecation(scope: RegistrationScope, runnerVersion: string): Promise<Observation<RunnerDeprecation>> {
    return await readDeprecation(this.#session, scope, runnerVersion);
  }

  /** A failed look is unknown, never an absence. */
  async #observe<Value>(look: () => Promise<Value | null>): Promise<Observation<Value>> {
    try {
      const value = await look();
      const observedAtMs = this.#clock.nowMs();
      return value === null ? { kind: "absent", observedAtMs } : { kind: "present", value, observedAtMs };
    } catch (error) {
      if (!(error instanceof GitHubError)) throw error;
      this.#telemetry.warn("a look at GitHub failed", {
        connection: this.#connection,
        code: error.code,
        attempted: error.message,
        cause: error.cause instanceof Error ? error.cause.message : null,
      });
      return { kind: "unknown", code: error.code, observedAtMs: this.#clock.nowMs() };
    }
  }

  /** The types say that it is one; a copy, or one that was kept, is refused all the same. */
  #check(permit: RegistrationPermit): void {
    const isIssued = RegistrationPermit.isMade(permit);
    if (!isIssued) throw new HoldfastError("permit-stale", "deleting a registration without a permit");
    const attempted = `deleting the registration ${permit.runnerId} with the permit for ticket ${permit.ticketId}`;
    if (permit.connection !== this.#connection || this.#clock.nowMs() >= permit.expiresAtMs)
      throw new HoldfastError("permit-stale", attempted);
  }
}
