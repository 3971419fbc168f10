/** A GitHub that does as it is told, for a yard. */
import type { GitHubError, GitHubErrorCode } from "../../src/domain/errors.ts";
import { type JobId, parseRunnerId, type RunnerId } from "../../src/domain/ids.ts";
import type { JobEvent } from "../../src/domain/job.ts";
import type { Observation, ObservedRunner } from "../../src/domain/observed.ts";
import type { RegistrationPermit } from "../../src/domain/permit.ts";
import type { ObservedRun } from "../../src/domain/rerun.ts";
import type { GitHub, MintedTicket, MintRequest, RunnerDeprecation } from "../../src/ports/github.ts";
import type { ManualClock } from "../store/manual-clock.ts";

export class FakeGitHub implements GitHub {
  readonly runners = new Map<RunnerId, ObservedRunner>();
  readonly mints: MintRequest[] = [];
  readonly deleted: RegistrationPermit[] = [];
  readonly jobs = new Map<JobId, JobEvent>();
  readonly runs = new Map<number, { readonly repository: string; readonly run: ObservedRun }>();
  readonly runsRead: number[] = [];
  runError: GitHubErrorCode | null = null;
  onRerun: (jobId: JobId) => Promise<"asked" | "refused"> = async () => "refused";
  nextMintError: { readonly error: GitHubError; readonly takesEffect: boolean } | null = null;
  /** Awaited in the middle of a mint, after it took effect and before it is answered. */
  duringMint: () => Promise<void> = async () => undefined;
  deleteAnswer: "deleted" | "busy" | "absent" = "deleted";
  listError: GitHubError | null = null;
  deprecation: Observation<RunnerDeprecation> = { kind: "absent", observedAtMs: 0 };
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  async mintTicket(request: MintRequest): Promise<MintedTicket> {
    this.mints.push(request);
    const failure = this.nextMintError;
    this.nextMintError = null;
    const runnerId = parseRunnerId(1_000 + this.mints.length);
    if (failure === null || failure.takesEffect)
      this.runners.set(runnerId, {
        id: runnerId,
        name: request.runnerName,
        isOnline: false,
        isBusy: false,
        version: null,
      });
    await this.duringMint();
    if (failure !== null) throw failure.error;
    return { runnerId, jitConfig: `secret of ${request.runnerName}` };
  }

  async findRunner(_scope: unknown, name: string) {
    const value = [...this.runners.values()].find((runner) => runner.name === name);
    const observedAtMs = this.#clock.nowMs();
    return value === undefined
      ? ({ kind: "absent", observedAtMs } as const)
      : ({ kind: "present", value, observedAtMs } as const);
  }

  async listRunners() {
    if (this.listError !== null) throw this.listError;
    return [...this.runners.values()];
  }

  async deleteRunner(permit: RegistrationPermit) {
    this.deleted.push(permit);
    if (this.deleteAnswer === "deleted") this.runners.delete(permit.runnerId);
    return this.deleteAnswer;
  }

  async getJob(_repository: string, jobId: JobId) {
    const value = this.jobs.get(jobId);
    const observedAtMs = this.#clock.nowMs();
    return value === undefined
      ? ({ kind: "absent", observedAtMs } as const)
      : ({ kind: "present", value, observedAtMs } as const);
  }

  async getRun(repository: string, runId: number): Promise<Observation<ObservedRun>> {
    this.runsRead.push(runId);
    const observedAtMs = this.#clock.nowMs();
    if (this.runError !== null) return { kind: "unknown", code: this.runError, observedAtMs };
    const value = this.runs.get(runId);
    const isThere = value !== undefined && value.repository === repository;
    return isThere ? { kind: "present", value: value.run, observedAtMs } : { kind: "absent", observedAtMs };
  }

  async rerunJob(_repository: string, jobId: JobId): Promise<"asked" | "refused"> {
    return await this.onRerun(jobId);
  }

  async listOpenJobs(repository: string) {
    return [...this.jobs.values()].filter((job) => job.repository === repository && job.status !== "completed");
  }

  async listRepositories() {
    return [...new Set([...this.jobs.values()].map((job) => job.repository))];
  }

  async readDeprecation() {
    return this.deprecation;
  }
}
