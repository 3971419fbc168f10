/**
 * A machine of another maker's fleet at its simplest: it boots, registers, polls, acquires what it is sent, renews each
 * minute and finishes; a listener whose registration was deleted cancels its job. It tells which jobs it lost.
 */
import { acquire } from "../../../src/simulator/github/assignment.ts";
import { finishJob, renew, startJob } from "../../../src/simulator/github/lease.ts";
import { registerRunner } from "../../../src/simulator/github/runners.ts";
import { beginPoll, closeSession, endPoll, openSession, takeMessage } from "../../../src/simulator/github/sessions.ts";
import type { Job, Runner, Session } from "../../../src/simulator/github/state.ts";
import type { GitHubWorld } from "../../../src/simulator/world/github-world.ts";
import type { BareBirth, BareHost } from "../../../src/simulator/world/host.ts";
import type { Scheduler } from "../../../src/simulator/world/scheduler.ts";
import type { Cause, HostTruth } from "../../../src/simulator/world/witness.ts";

const RENEW_MS = 60_000;

export interface StandInWorld {
  readonly scheduler: Scheduler;
  readonly github: GitHubWorld;
  durationOf(job: Job): number;
  onAcquired(job: Job, runner: Runner): void;
  onLost(job: Job): void;
  onFinished(job: Job): void;
}

export class BareStandIn implements BareHost {
  readonly providerId: string;
  readonly #world: StandInWorld;
  readonly #birth: BareBirth;
  #runner: Runner | null = null;
  #session: Session | null = null;
  #running: { readonly job: Job; readonly requestId: string } | null = null;
  #isOver = false;

  constructor(world: StandInWorld, birth: BareBirth) {
    this.#world = world;
    this.#birth = birth;
    this.providerId = birth.providerId;
    if (birth.bootMs !== null) world.scheduler.after(birth.bootMs, () => this.#boot());
  }

  wantBack(): void {}

  leadTo(): void {}

  #boot(): void {
    if (this.#isOver) return;
    const { github, scheduler } = this.#world;
    const { runnerName, labels, scope, isEphemeral, onRegistered } = this.#birth;
    const request = { scope, name: runnerName, labels, groupId: 1, isEphemeral };
    const runner = registerRunner(github.state, request, scheduler.nowMs);
    if (typeof runner === "string") throw new Error(`registering ${runnerName}: ${runner}`);
    this.#runner = runner;
    onRegistered(runner.id);
    const opening = openSession(github.state, runner, { version: "2.336.0", os: "Linux" }, scheduler.nowMs);
    if (opening.kind !== "opened") throw new Error(`no session for ${runnerName}: ${opening.kind}`);
    this.#session = opening.session;
    this.#listen();
  }

  #listen(): void {
    const { github, scheduler } = this.#world;
    const session = this.#session;
    const runner = this.#runner;
    if (this.#isOver || session === null || runner === null) return;
    if (beginPoll(github.state, session.id, scheduler.nowMs).kind !== "open") {
      this.#leave();
      return;
    }
    github.changed();
    github.wait(runner.id, () => this.#ring(session, runner));
  }

  #ring(session: Session, runner: Runner): void {
    const { github, scheduler } = this.#world;
    if (this.#isOver) return;
    if (runner.registration.kind === "ended" && runner.registration.cause === "deleted") {
      endPoll(github.state, session, scheduler.nowMs);
      this.#leave();
      return;
    }
    const message = takeMessage(github.state, session);
    if (message?.kind !== "job-request") return;
    const acquisition = acquire(github.state, runner, message.requestId, scheduler.nowMs);
    if (acquisition.kind !== "acquired") return;
    const { job } = acquisition;
    this.#running = { job, requestId: message.requestId };
    startJob(github.state, message.requestId, scheduler.nowMs);
    this.#world.onAcquired(job, runner);
    this.#renew(message.requestId);
    scheduler.after(this.#world.durationOf(job), () => this.#finish(message.requestId));
  }

  #renew(requestId: string): void {
    if (this.#running?.requestId !== requestId) return;
    renew(this.#world.github.state, requestId, this.#world.scheduler.nowMs);
    this.#world.scheduler.after(RENEW_MS, () => this.#renew(requestId));
  }

  #finish(requestId: string): void {
    const { github, scheduler } = this.#world;
    const running = this.#running;
    if (running?.requestId !== requestId || this.#session === null) return;
    this.#running = null;
    finishJob(github.state, requestId, "Succeeded", null, scheduler.nowMs);
    this.#world.onFinished(running.job);
    endPoll(github.state, this.#session, scheduler.nowMs);
    if (this.#birth.isEphemeral) this.#leave();
    else this.#listen();
    github.changed();
  }

  /** The listener ends, and cancels what it runs; the machine stays. */
  #leave(): void {
    const { github, scheduler } = this.#world;
    if (this.#running !== null) {
      finishJob(github.state, this.#running.requestId, "Canceled", null, scheduler.nowMs);
      this.#world.onLost(this.#running.job);
      this.#running = null;
    }
    if (this.#session !== null) closeSession(github.state, this.#session.id);
    this.#session = null;
  }

  truth(): HostTruth {
    return { providerId: this.providerId, isUp: !this.#isOver, runner: null };
  }

  boot(): void {}

  askToStop(): void {}

  end(_cause: Cause): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#runner !== null) this.#world.github.stopWaiting(this.#runner.id);
    if (this.#running !== null) this.#world.onLost(this.#running.job);
    this.#running = null;
    if (this.#session !== null) endPoll(this.#world.github.state, this.#session, this.#world.scheduler.nowMs);
  }

  stopRunner(): void {
    this.#leave();
  }

  crashAgent(): void {}
  pauseAgent(): void {}
  pauseMachine(): void {}
  fillDisk(): void {}

  sleep(): void {}

  wake(): void {}
}
