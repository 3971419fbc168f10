/**
 * The agent at work: inputs are stepped one at a time, and the effects of each are done, in order, before the next. Calls to
 * the controller go on beside it (`talk.ts`), with what the journal already holds and nothing more.
 */
import { lookIntervalMs } from "../domain/host/report.ts";
import { markOf } from "../domain/host/settings.ts";
import { type HostEffect, type HostState, NEW_HOST } from "../domain/host/state.ts";
import { stepHost } from "../domain/host/step.ts";
import { isSampleDue } from "../domain/host/stillness.ts";
import type { TicketId } from "../domain/ids.ts";
import { unreachable } from "../domain/invariant.ts";
import type { OfferedTicket } from "../domain/protocol.ts";
import { clearLeftovers } from "./clean.ts";
import { FenceHand } from "./fence.ts";
import { AccountError, type Ground, runnerUserOf } from "./ground.ts";
import type { Inbox } from "./inbox.ts";
import type { Journal } from "./journal.ts";
import { isFileError, type Log } from "./log.ts";
import { collectLogs } from "./logs.ts";
import { Lookout } from "./lookout.ts";
import type { Places } from "./places.ts";
import { prepareRoot, removeRoots } from "./root.ts";
import { startRunner } from "./runner.ts";
import { SleepSense } from "./sleep.ts";
import type { System } from "./system.ts";
import type { Talk } from "./talk.ts";

export interface LoopOptions {
  readonly ground: Ground;
  readonly places: Places;
  readonly journal: Journal;
  readonly isSameBoot: boolean;
  readonly inbox: Inbox;
  readonly talk: Talk;
  readonly log: Log;
  readonly system: System;
}

export class Loop {
  readonly #options: LoopOptions;
  readonly #mark: string;
  readonly #lookout: Lookout;
  readonly #fence: FenceHand;
  #state: HostState = NEW_HOST;
  #nextLookAtMs = 0;
  /** Of the ticket last started here; kept only to blot it out of logs. */
  #secret: string | null = null;

  constructor(options: LoopOptions) {
    this.#options = options;
    const { settings } = options.ground;
    this.#mark = markOf(settings.controllerId, settings.machineId);
    this.#lookout = new Lookout(options.places, this.#mark);
    const { places, log, system } = options;
    const look = this.#lookout.lookBehindFence.bind(this.#lookout);
    this.#fence = new FenceHand({ places, log, system, look });
  }

  /** Returns when all is over. */
  async run(): Promise<void> {
    const { inbox, system, journal, isSameBoot, ground } = this.#options;
    await this.#take({ kind: "started", journal: journal.reading, isSameBoot, isMember: ground.isMember });
    const sleep = new SleepSense(system);
    while (!this.#state.isOver) {
      if (sleep.hasSlept()) await this.#wake();
      const letter = inbox.take();
      const nowMs = system.monotonicMs();
      if (letter !== null) {
        await this.#take(letter.input);
        letter.done();
      } else if (nowMs >= this.#nextLookAtMs) {
        const { held } = this.#state;
        const look = this.#lookout.look(held, { withMotion: isSampleDue(held, nowMs) });
        await this.#take({ kind: "looked", look, atMs: nowMs });
        this.#nextLookAtMs = nowMs + lookIntervalMs(this.#state);
      } else await system.sleep(this.#nextLookAtMs - nowMs, inbox.nextRing());
    }
  }

  /** Before whatever else is waiting, and so before a ticket is taken; what the group said before it is old. */
  async #wake(): Promise<void> {
    const { log, inbox } = this.#options;
    log.write("the machine slept, or a clock was set");
    inbox.drop("service-told");
    await this.#take({ kind: "slept" });
  }

  async #take(input: Parameters<typeof stepHost>[1]): Promise<void> {
    const { state, effects } = stepHost(this.#state, input);
    const wasLookingEveryMs = lookIntervalMs(this.#state);
    this.#state = state;
    // The journal's entries come first of all effects; until they are durable nobody hears of the new state.
    for (const effect of effects) if (effect.kind === "journal") this.#write(effect);
    this.#options.talk.update(state);
    if (lookIntervalMs(state) < wasLookingEveryMs) this.#nextLookAtMs = 0;
    for (const effect of effects) await this.#perform(effect);
  }

  #write(effect: HostEffect & { kind: "journal" }): void {
    this.#options.journal.append(effect.entry);
    this.#options.log.write("journal", { entry: JSON.stringify(effect.entry) });
  }

  async #perform(effect: HostEffect): Promise<void> {
    const { log, talk, ground } = this.#options;
    switch (effect.kind) {
      case "journal":
        return;
      case "report":
        return talk.reportNow();
      case "start-runner":
        return this.#start(effect.ticket);
      case "close-fence":
        return this.#closeFence(effect);
      case "open-fence":
        return this.#openFence(effect.claim);
      case "lift-fence":
        log.write("a listener that nobody accounts for is resumed", { ticket: effect.ticketId });
        return this.#fence.lift(effect.ticketId, effect.process);
      case "send-logs":
        return this.#sendLogs(effect.ticketId);
      case "clean":
        return this.#clean();
      case "prepare-root":
        return this.#prepareRoot();
      case "finish":
        return log.write("all is over: the agent ends");
      case "power-off":
        log.write("nobody can be reached and no ticket is held: the machine ends");
        return ground.powerOff();
      default:
        return unreachable(effect);
    }
  }

  async #prepareRoot(): Promise<void> {
    const { log, inbox, places, ground } = this.#options;
    try {
      await prepareRoot(places, ground.settings.runnerDirectory, ground.runnerHost.findOwner());
      void inbox.put({ kind: "root-prepared" });
    } catch (error) {
      if (error instanceof AccountError) log.write("preparing a root failed", { why: error.message });
      else if (isFileError(error)) log.write("preparing a root failed", { code: error.code, path: error.path });
      else throw error;
      void inbox.put({ kind: "root-failed" });
    }
  }

  /** While a ticket is held nothing waits for it: its listener is to be looked at, and an order may come. */
  async #sendLogs(ticketId: TicketId): Promise<void> {
    const { log, talk, inbox, places, system } = this.#options;
    const logs = collectLogs(places, ticketId, log.path, this.#secret);
    const sent = talk.sendLogs({ ticketId, logs }).then((isTaken) => {
      void inbox.put({ kind: "logs-sent", ticketId, isTaken, atMs: system.monotonicMs() });
    });
    if (this.#state.held?.id !== ticketId) await sent;
  }

  async #start(ticket: OfferedTicket): Promise<void> {
    const { log, inbox, places, ground } = this.#options;
    this.#secret = ticket.jitConfig;
    const started = await startRunner({
      places,
      ticket,
      host: ground.runnerHost,
      mark: this.#mark,
      runnerEnvironment: ground.settings.runnerEnvironment,
      onExit: (exit) => {
        log.write("the runner ended", exit);
        this.#nextLookAtMs = 0;
        void inbox.put({ kind: "runner-exited", ...exit });
      },
    });
    log.write("runner", { ticket: ticket.id, runner: ticket.runnerName, outcome: started.kind });
    if (started.kind === "started")
      void inbox.put({ kind: "runner-started", ticketId: ticket.id, process: started.process });
    else void inbox.put({ kind: "runner-not-started", ticketId: ticket.id, why: started.why });
  }

  async #clean(): Promise<void> {
    const { log, inbox, places, system, ground } = this.#options;
    this.#lookout.forgetFiles();
    this.#secret = null;
    try {
      const ours = { ...this.#lookout.belongings(null), ...runnerUserOf(ground.runnerHost) };
      const clearing = await clearLeftovers(ours, system);
      log.write("leftovers", clearing);
      if (clearing.kind === "not-cleared") return void inbox.put({ kind: "clean-failed" });
      await removeRoots(places);
      void inbox.put({ kind: "cleaned" });
    } catch (error) {
      if (!isFileError(error)) throw error;
      log.write("removing what a job left failed", { code: error.code, path: error.path });
      void inbox.put({ kind: "clean-failed" });
    }
  }

  async #closeFence({ ticketId, process }: HostEffect & { kind: "close-fence" }): Promise<void> {
    const { log, inbox, system } = this.#options;
    const closing = await this.#fence.close(ticketId, process);
    if (closing.kind === "closed") {
      log.write("the fence is closed", { ticket: ticketId, fence: closing.name });
      return void inbox.put({ kind: "fence-closed", ticketId, name: closing.name, look: closing.look });
    }
    log.write("the fence could not be closed", { ticket: ticketId, why: closing.why });
    void inbox.put({ kind: "fence-failed", ticketId, why: closing.why, atMs: system.monotonicMs() });
  }

  #openFence(claim: (HostEffect & { kind: "open-fence" })["claim"]): void {
    const { log, inbox, system } = this.#options;
    const outcome = this.#fence.open(claim);
    log.write("the fence is open", { claim, outcome });
    this.#nextLookAtMs = 0;
    void inbox.put({ kind: "fence-opened", outcome, atMs: system.monotonicMs() });
  }
}
