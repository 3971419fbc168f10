/**
 * The agent's conversation: reports on every change and each heartbeat, and while parked a poll that waits for a ticket.
 * It reads the state that the loop last made durable and puts what it hears into the inbox.
 */
import { type BackoffPolicy, backoffMs } from "../domain/backoff.ts";
import { isPolling, reportOf } from "../domain/host/report.ts";
import { type HostState, journalOf, NEW_HOST } from "../domain/host/state.ts";
import { HEARTBEAT_MS, type SavedLogs } from "../domain/protocol.ts";
import { SECOND_MS } from "../domain/units.ts";
import { Client, type ClientOptions } from "./client.ts";
import type { Inbox } from "./inbox.ts";
import type { Log } from "./log.ts";
import type { System } from "./system.ts";

/** Short enough that a machine that nobody answers tries often enough to be sure of it. */
const TALK_BACKOFF: BackoffPolicy = { firstMs: SECOND_MS / 2, limitMs: HEARTBEAT_MS };
/** While the controller has not confirmed an end it is told again sooner than by heartbeat, then ever less often. */
const CONFIRM_BACKOFF: BackoffPolicy = { firstMs: SECOND_MS, limitMs: HEARTBEAT_MS };
/** A poll that came back sooner without a ticket for us is followed by a pause: the controller may not be ready. */
const POLL_SHORT_MS = SECOND_MS;
const LOG_TRIES_MAX = 3;

export interface TalkOptions extends Omit<ClientOptions, "onExchange"> {
  readonly inbox: Inbox;
  readonly log: Log;
}

export class Talk {
  readonly #client: Client;
  readonly #inbox: Inbox;
  readonly #log: Log;
  readonly #system: System;
  readonly #stop = new AbortController();
  #state: HostState = NEW_HOST;
  #isReportDue = true;
  #reportBell = new AbortController();
  #stateBell = new AbortController();

  constructor(options: TalkOptions) {
    this.#inbox = options.inbox;
    this.#log = options.log;
    this.#system = options.system;
    const onExchange = (isAnswered: boolean) =>
      void this.#inbox.put({ kind: "exchanged", isAnswered, atMs: this.#system.monotonicMs() });
    this.#client = new Client({ ...options, onExchange });
  }

  /** What may be told from now on: the journal has all of it. */
  update(state: HostState): void {
    this.#state = state;
    this.#stateBell.abort();
    this.#stateBell = new AbortController();
  }

  reportNow(): void {
    this.#isReportDue = true;
    this.#reportBell.abort();
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Reports until stopped, one at a time; a failed one is made anew after a pause. */
  async report(): Promise<void> {
    let failureCount = 0;
    let unconfirmedCount = 0;
    while (!this.#stop.signal.aborted) {
      this.#isReportDue = false;
      this.#reportBell = new AbortController();
      const report = reportOf(this.#state);
      const outcome = await this.#client.report(report, journalOf(this.#state).storeGeneration);
      if (outcome.kind === "answered") {
        failureCount = 0;
        const { answer } = outcome;
        void this.#inbox.put({ kind: "report-answered", report, answer });
        const isConfirmed = report.ended.every(({ id }) => answer.confirmedEnds.includes(id));
        unconfirmedCount = isConfirmed ? 0 : unconfirmedCount + 1;
        const waitMs = unconfirmedCount === 0 ? HEARTBEAT_MS : this.#spread(CONFIRM_BACKOFF, unconfirmedCount);
        if (!this.#isReportDue) await this.#pause(waitMs, this.#reportBell.signal);
      } else {
        failureCount += 1;
        this.#log.write("no answer to a report", { why: outcome.why, failureCount });
        await this.#pause(this.#spread(TALK_BACKOFF, failureCount));
      }
    }
  }

  /** Polls until stopped, whenever the state wants a ticket; each answer is stepped before the next poll is sent. */
  async poll(): Promise<void> {
    let shortCount = 0;
    while (!this.#stop.signal.aborted) {
      const changed = this.#stateBell.signal;
      if (!isPolling(this.#state)) {
        await this.#pause(HEARTBEAT_MS, changed);
        continue;
      }
      await this.#inbox.put({ kind: "poll-sent" });
      const sentAtMs = this.#system.monotonicMs();
      const outcome = await this.#pollWhileWanted();
      await this.#inbox.put({ kind: "polled", answer: outcome.kind === "answered" ? outcome.answer : null });
      if (outcome.kind === "failed") this.#log.write("no answer to a poll", { why: outcome.why });
      const isShort = outcome.kind === "failed" || this.#system.monotonicMs() - sentAtMs < POLL_SHORT_MS;
      shortCount = isShort && isPolling(this.#state) ? shortCount + 1 : 0;
      if (shortCount > 0) await this.#pause(this.#spread(TALK_BACKOFF, shortCount));
    }
  }

  /**
   * Bounded: the machine has other things to do, and the controller keeps no log for long.
   * @returns whether the controller has them.
   */
  async sendLogs(saved: Pick<SavedLogs, "ticketId" | "logs">): Promise<boolean> {
    for (let tryCount = 1; tryCount <= LOG_TRIES_MAX; tryCount += 1) {
      const outcome = await this.#client.sendLogs(saved);
      if (outcome.kind === "answered") return outcome.answer > 0;
      this.#log.write("logs were not taken", { why: outcome.why });
      if (outcome.isRefusal) return false;
      if (tryCount < LOG_TRIES_MAX) await this.#pause(this.#spread(TALK_BACKOFF, tryCount));
    }
    return false;
  }

  async #pollWhileWanted(): ReturnType<Client["poll"]> {
    const enough = new AbortController();
    const answer = this.#client.poll(AbortSignal.any([enough.signal, this.#stop.signal])).finally(() => enough.abort());
    while (!enough.signal.aborted) {
      if (isPolling(this.#state))
        await this.#pause(HEARTBEAT_MS, AbortSignal.any([this.#stateBell.signal, enough.signal]));
      else enough.abort();
    }
    return answer;
  }

  #spread(policy: BackoffPolicy, count: number): number {
    return backoffMs(policy, count, this.#system.fraction());
  }

  #pause(durationMs: number, signal?: AbortSignal): Promise<void> {
    const signals = signal === undefined ? [this.#stop.signal] : [this.#stop.signal, signal];
    return this.#system.sleep(durationMs, AbortSignal.any(signals));
  }
}
