import type { TicketId } from "../../src/domain/ids.ts";
import type { HandBackOrder, HostReport } from "../../src/domain/protocol.ts";
import type { TicketEnd } from "../../src/domain/ticket.ts";
import type { Moment } from "../../src/simulator/server/moments.ts";
import type { TrialPlan } from "./fence-plan.ts";

/** A report's answer is not held longer: the agent would give up on it. */
const ANSWER_HELD_MS_MAX = 8_000;

export interface TrialJob {
  readonly id: number;
  /** Its own, and that of each runner that is to have it. */
  readonly label: string;
  /** Its step writes a line when it begins and one when it ends. */
  readonly file: string;
}

export interface TrialOptions {
  readonly ticketId: TicketId;
  readonly runnerId: number;
  readonly plan: TrialPlan;
  /** Null: it is queued during the trial. */
  readonly job: TrialJob | null;
  readonly pace: Pace;
}

const FENCE_MS_FIRST = 150;
/** With the longest parts of it that a plan has, no job is held for as long as GitHub waits for its runner. */
const FENCE_MS_MAX = 500;
const NEWEST_WEIGHT = 0.1;

/** How long a fence takes at present, on a machine that may have much else to do. */
export class Pace {
  fenceMs = FENCE_MS_FIRST;

  note(durationMs: number): void {
    this.fenceMs += NEWEST_WEIGHT * (Math.min(durationMs, FENCE_MS_MAX) - this.fenceMs);
  }
}

/** How long GitHub holds a call up until the agent answers. */
const ANSWER_AWAITED_MS_MAX = 1_900;
/** Nor is a job, until the fence begins: GitHub would give it to somebody else. */
const DELIVERY_HELD_MS_MAX = 1_000;

/**
 * One ticket with one job, and an order to hand it back that leaves at a chosen instant. What the agent says is used to
 * steer; what GitHub saw is kept beside it, for judging.
 */
export class Trial {
  readonly ticketId: TicketId;
  readonly runnerId: number;
  readonly plan: TrialPlan;
  job: TrialJob | null;
  isClosed = false;
  /** By the agent. */
  readonly ended = Promise.withResolvers<TicketEnd>();
  /** The first order is about to leave; or the trial is over. */
  readonly ordered = Promise.withResolvers<void>();
  readonly #closing = Promise.withResolvers<void>();
  readonly sessionCreated = Promise.withResolvers<void>();
  /** Why, by the agent, an order was not carried out. */
  readonly refusals: string[] = [];
  orderedAtMs: number | null = null;
  answeredAtMs: number | null = null;
  /** By GitHub: the job was assigned to this runner, acquired by it; it left its session. */
  isDispatched = false;
  isAcquired = false;
  isSessionLeft = false;
  readonly moments: string[] = [];
  readonly #order = Promise.withResolvers<void>();
  readonly #answered = Promise.withResolvers<void>();
  readonly #acquireDecided = Promise.withResolvers<void>();
  #attempt = 0;
  #isOrderOpen = false;
  #isAimReached = false;
  #closingAtMs: number | null = null;
  readonly #pace: Pace;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor({ ticketId, runnerId, plan, job, pace }: TrialOptions) {
    this.#pace = pace;
    this.ticketId = ticketId;
    this.runnerId = runnerId;
    this.plan = plan;
    this.job = job;
    if (plan.aim !== null) this.#after(ANSWER_HELD_MS_MAX, this.#order.resolve);
  }

  /** The trial is over: nothing of it is decided any more. */
  close(): void {
    this.isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#order.resolve();
    this.ordered.resolve();
    this.#acquireDecided.resolve();
  }

  describe(): string {
    const { ticketId, plan, moments, refusals, isDispatched, isAcquired } = this;
    return JSON.stringify({ ticketId, plan, moments, refusals, isDispatched, isAcquired }, null, 1);
  }

  /** GitHub's call goes on when the promise is settled. */
  async onMoment({ name, side }: Moment): Promise<void> {
    this.moments.push(`${name} ${side}`);
    if (name === "session-created" && side === "after") this.sessionCreated.resolve();
    if (name === "session-deleted") this.isSessionLeft = true;
    if (name === "acquired" && side === "after") this.#acquireDecided.resolve();
    const { aim, timing, orderDelayMs, deliveryPart, holdPart } = this.plan;
    if (aim === null) return;
    const isSession = name === "session-created" && side === "after";
    const isAim = aim.name === name && aim.side === side;
    if (timing === "aimed" ? isAim : isSession) this.#after(orderDelayMs, this.#order.resolve);
    if (timing === "early" && name === "message-delivered" && side === "before") {
      await Promise.race([this.#closing.promise, this.#pause(DELIVERY_HELD_MS_MAX)]);
      await this.#hold(deliveryPart);
    }
    if (isAim && !this.#isAimReached) {
      this.#isAimReached = true;
      await this.#hold(holdPart);
    }
  }

  /** The agent begins to close the fence. */
  noteClosing(): void {
    this.#closingAtMs ??= performance.now();
    this.#closing.resolve();
  }

  async onReport(report: HostReport): Promise<HandBackOrder | null> {
    const end = report.ended.find(({ id }) => id === this.ticketId)?.end;
    if (end !== undefined) {
      this.#noteAnswer();
      this.ended.resolve(end);
      return null;
    }
    if (report.ticket?.id !== this.ticketId || this.plan.aim === null) return null;
    if (this.#attempt === 0) await this.#give(this.#order.promise);
    else if (report.fence?.attempt === this.#attempt && this.#isOrderOpen) await this.#noteRefusal(report.fence.why);
    return this.#isOrderOpen ? { ticketId: this.ticketId, attempt: this.#attempt } : null;
  }

  async #noteRefusal(why: string): Promise<void> {
    this.#noteAnswer();
    if (this.#closingAtMs !== null && this.refusals.length === 0)
      this.#pace.note(performance.now() - this.#closingAtMs);
    this.refusals.push(why);
    this.#isOrderOpen = false;
    if (this.plan.asksAgain && this.refusals.length === 1) return this.#give(Promise.resolve());
    if (this.isAcquired) return;
    await Promise.race([this.#acquireDecided.promise, this.#pause(ANSWER_HELD_MS_MAX)]);
    // A listener that came too late for its job waits for ever: it is asked for again.
    if (!this.isAcquired) await this.#give(Promise.resolve());
  }

  #noteAnswer(): void {
    this.answeredAtMs ??= performance.now();
    this.#answered.resolve();
  }

  async #give(when: Promise<void>): Promise<void> {
    await when;
    this.#attempt += 1;
    this.#isOrderOpen = true;
    this.orderedAtMs ??= performance.now();
    this.ordered.resolve();
  }

  /** For so much of a fence; null: until the agent answers. */
  async #hold(part: number | null): Promise<void> {
    if (part !== null) await this.#pause(part * this.#pace.fenceMs);
    else await Promise.race([this.#answered.promise, this.#pause(ANSWER_AWAITED_MS_MAX)]);
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#after(delayMs, resolve));
  }

  #after(delayMs: number, act: () => void): void {
    this.#timers.push(setTimeout(act, delayMs));
  }
}
