/** Runners at GitHub that are not ours: some wait for ever, some take a job that was meant for us. None may be touched. */
import { HOUR_MS, SECOND_MS } from "../../domain/units.ts";
import { acquire } from "../github/assignment.ts";
import { finishJob, renew, startJob } from "../github/lease.ts";
import { registerRunner } from "../github/runners.ts";
import { beginPoll, closeSession, endPoll, openSession, takeMessage } from "../github/sessions.ts";
import type { Job, Runner, Session } from "../github/state.ts";
import type { Chance } from "./chance.ts";
import type { GitHubWorld } from "./github-world.ts";
import type { Scheduler } from "./scheduler.ts";

const RENEW_MS = 60 * SECOND_MS;
/** From the job's start in the queue to the moment at which the other runner is there for it. */
const TAKEN_AFTER_MS = [500, 20_000] as const;
const RENEWALS_MAX = 1_000;
const PREFIX = "gha-other-";
/** As long as the random part of our own names may be. */
const NUMBER_LENGTH = 8;

export class ForeignRunners {
  readonly #github: GitHubWorld;
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;
  readonly #names = new Set<string>();
  #preferredId: number | null = null;

  constructor(github: GitHubWorld, scheduler: Scheduler, chance: Chance) {
    this.#github = github;
    this.#scheduler = scheduler;
    this.#chance = chance;
  }

  /** GitHub's choice: one that did not lose the job before, any of them; or the one that the world wants. */
  readonly choose = (candidates: readonly Runner[], job: Job): Runner => {
    const preferred = candidates.find(({ id }) => id === this.#preferredId);
    if (preferred !== undefined) return preferred;
    const fresh = candidates.filter(({ id }) => !job.lostByRunnerIds.has(id));
    return this.#chance.pick(fresh.length > 0 ? fresh : candidates);
  };

  prefer(runnerId: number): void {
    this.#preferredId = runnerId;
  }

  preferNobody(): void {
    this.#preferredId = null;
  }

  /** Whether the registration of that name is not ours: whoever else registers one here is the system under test. */
  owns(runnerName: string): boolean {
    return this.#names.has(runnerName);
  }

  /** Registers one that is offline and stays so. @param prefix of its name. */
  register(organization: string, prefix = PREFIX): void {
    const scope = { kind: "organization", organization } as const;
    const name = this.#nameOne(prefix);
    const request = { scope, name, labels: ["self-hosted"], groupId: 1, isEphemeral: false };
    registerRunner(this.#github.state, request, this.#scheduler.nowMs);
  }

  /** One of them takes the job, if it is still queued by then. */
  take(job: Job, durationMs: number): void {
    this.#scheduler.after(this.#chance.between(TAKEN_AFTER_MS), () => this.#take(job, durationMs));
  }

  #take(job: Job, durationMs: number): void {
    if (job.phase.kind !== "queued") return;
    const { state } = this.#github;
    const { nowMs } = this.#scheduler;
    const scope = { kind: "repository", fullName: job.repository.fullName } as const;
    const name = this.#nameOne(PREFIX);
    const runner = registerRunner(state, { scope, name, labels: job.labels, groupId: 1, isEphemeral: true }, nowMs);
    if (typeof runner === "string") return;
    this.prefer(runner.id);
    const opening = openSession(state, runner, { version: "2.336.0", os: "Linux" }, nowMs);
    if (opening.kind !== "opened") return;
    beginPoll(state, opening.session.id, nowMs);
    this.preferNobody();
    this.#runWhatItGot(runner, opening.session, durationMs);
  }

  #nameOne(prefix: string): string {
    const name = `${prefix}${String(this.#names.size + 1).padStart(NUMBER_LENGTH, "0")}`;
    this.#names.add(name);
    return name;
  }

  #runWhatItGot(runner: Runner, session: Session, durationMs: number): void {
    const { state } = this.#github;
    const { nowMs } = this.#scheduler;
    const message = takeMessage(state, session);
    if (message?.kind !== "job-request" || acquire(state, runner, message.requestId, nowMs).kind !== "acquired") {
      endPoll(state, session, nowMs);
      closeSession(state, session.id);
      return;
    }
    const { requestId } = message;
    startJob(state, requestId, nowMs);
    const untilMs = nowMs + Math.min(durationMs, HOUR_MS);
    this.#goOn(requestId, session, untilMs, RENEWALS_MAX);
    this.#github.changed();
  }

  #goOn(requestId: string, session: Session, untilMs: number, left: number): void {
    const { state } = this.#github;
    const { nowMs } = this.#scheduler;
    if (nowMs < untilMs && left > 0) {
      renew(state, requestId, nowMs);
      this.#scheduler.at(Math.min(untilMs, nowMs + RENEW_MS), () => this.#goOn(requestId, session, untilMs, left - 1));
      return;
    }
    finishJob(state, requestId, "Succeeded", null, nowMs);
    endPoll(state, session, nowMs);
    closeSession(state, session.id);
    this.#github.changed();
  }
}
