/**
 * One machine in small steps: a listener that may go on at any moment in which it is not stopped, GitHub behind it, an agent
 * whose every effect is cut into the calls that it makes, and a watchdog that may act at any moment, too. Any of the last two
 * may die between two calls. Whoever plays it decides the order; the world finds what must never be.
 */
import { formatEntry, type JournalEntry, readJournal } from "../../../src/domain/host/journal.ts";
import type { FenceLook, FilesSight } from "../../../src/domain/host/look.ts";
import { reportOf } from "../../../src/domain/host/report.ts";
import { NO_FACTS, type RunnerFacts } from "../../../src/domain/host/runner-log.ts";
import type { ProcessSight } from "../../../src/domain/host/sight.ts";
import { type HostEffect, type HostInput, type HostState, NEW_HOST } from "../../../src/domain/host/state.ts";
import type { stepHost } from "../../../src/domain/host/step.ts";
import type { HandBackOrder } from "../../../src/domain/protocol.ts";
import { ANSWER, T1 } from "./host-story.ts";

export const ACTS = [
  /** The agent makes its next call; with none left it looks. */
  "agent",
  "look",
  "report",
  "agent-dies",
  "agent-starts",
  "asked-to-stop",
  /** It claims, or does what it claimed. */
  "watchdog",
  "watchdog-dies",
  "listener",
  "listener-dies",
  "worker",
  "dispatch",
  "order",
] as const;
export type Act = (typeof ACTS)[number];

export type Step = typeof stepHost;

const PROCESS = { pid: 100, startTime: "7" };
const LOOK_EVERY_MS = 500;
const SETTLE_ROUNDS = 25;
const CALLS_MAX = 100;
const AT_MS = Date.parse("2026-08-19T16:08:55Z");

type Claim = "open" | "kill" | "resume";
interface FenceFolder {
  readonly name: string;
  claim: Claim;
}

interface Watchdog {
  readonly folder: FenceFolder;
  intent: "none" | "resume" | "kill";
}

/** What a world leaves out, to show that it would be found. */
export interface Flaw {
  /** The agent kills whether or not it won the claim. */
  readonly ignoresClaim?: boolean;
}

export class FenceWorld {
  readonly violations: string[] = [];
  readonly journal: JournalEntry[] = [{ kind: "taken", ticketId: T1, runnerName: "r" }];
  /** From no session to a job that is done; `received` is the assignment, `acquired` the moment from which it is ours. */
  job: "none" | "received" | "acquired" | "working" | "done" = "none";
  killCount = 0;
  readonly #step: Step;
  readonly #flaw: Flaw;
  #state: HostState = NEW_HOST;
  #isAgentAlive = false;
  #calls: Generator<void>[] = [];
  #inbox: HostInput[] = [];
  #watchdog: Watchdog | null = null;
  readonly #folders: FenceFolder[] = [];
  #closed: FenceFolder | null = null;
  #isListenerAlive = true;
  #isStopped = false;
  #hasSession = false;
  #isDispatched = false;
  #facts: RunnerFacts = {
    ...NO_FACTS,
    hasLog: true,
    logStartAtMs: AT_MS,
    perfStartAtMs: AT_MS,
    lineCount: 1,
    shapedLineCount: 1,
  };
  #byteCount = 100;
  #atMs = 0;
  #order: HandBackOrder | null = null;
  #answered = 0;
  #isWorkerThere = false;

  constructor(step: Step, flaw: Flaw = {}, isStartKnown = true) {
    this.#step = step;
    this.#flaw = flaw;
    if (isStartKnown) this.journal.push({ kind: "started", ticketId: T1, ...PROCESS });
    this.#startAgent();
  }

  play(acts: readonly Act[]): this {
    for (const act of acts) this.#do(act);
    return this;
  }

  /** The launcher starts the agent, everybody does what is theirs, GitHub sends nothing more. */
  settle(): this {
    this.#goOn([]);
    // While a job takes its time nothing ends: the order has its answer all the same.
    if (this.#order !== null && this.#answered < this.#order.attempt && !this.isEnded)
      this.violations.push("an order is not answered");
    this.#goOn(["worker", "listener"]);
    if (this.#isListenerAlive && this.#isStopped) this.violations.push("a listener is left stopped");
    if (this.isHandedBack && this.job !== "none") this.violations.push("handed back, although a job had arrived");
    return this;
  }

  #goOn(acts: readonly Act[]): void {
    for (let round = 0; round < SETTLE_ROUNDS; round += 1) {
      // In time that is not short a watchdog that is waited for does nothing.
      if (this.#closed === null) this.play(["watchdog", "watchdog"]);
      this.play(["agent-starts", "agent", "agent", "agent", "look", "report", ...acts]);
    }
    for (let call = 0; call < CALLS_MAX && this.#calls.length + this.#inbox.length > 0; call += 1) this.#agentGoesOn();
    this.#report();
  }

  get isEnded(): boolean {
    return this.journal.some(({ kind }) => kind === "ended");
  }

  get isHandedBack(): boolean {
    return this.journal.some((entry) => entry.kind === "ended" && entry.end.kind === "handed-back");
  }

  #do(act: Act): void {
    switch (act) {
      case "agent":
        this.#agentGoesOn();
        return;
      case "look":
        if (this.#isAgentAlive && this.#calls.length + this.#inbox.length === 0) this.#lookOnce();
        return;
      case "report":
        this.#report();
        return;
      case "agent-dies":
        this.#isAgentAlive = false;
        return;
      case "agent-starts":
        if (!this.#isAgentAlive) this.#startAgent();
        return;
      case "asked-to-stop":
        if (this.#isAgentAlive) this.#inbox.push({ kind: "asked-to-stop" });
        return;
      case "watchdog":
        this.#watchdogGoesOn();
        return;
      case "watchdog-dies":
        this.#watchdog = null;
        return;
      case "listener":
        if (this.#isListenerAlive && !this.#isStopped) this.#listenerGoesOn();
        return;
      case "listener-dies":
        this.#isListenerAlive = false;
        return;
      case "worker":
        this.#workerGoesOn();
        return;
      case "dispatch":
        this.#isDispatched = true;
        return;
      case "order":
        this.#order = { ticketId: T1, attempt: (this.#order?.attempt ?? 0) + 1 };
        return;
    }
  }

  #startAgent(): void {
    this.#state = NEW_HOST;
    this.#isAgentAlive = true;
    this.#calls = [];
    this.#closed = null;
    const reading = readJournal(this.journal.map(formatEntry).join(""));
    if (reading.kind === "unreadable") this.violations.push(`the journal cannot be read: ${reading.why}`);
    this.#inbox = [{ kind: "started", journal: reading, isSameBoot: true, isMember: false }];
    this.#agentGoesOn();
  }

  #agentGoesOn(): void {
    if (!this.#isAgentAlive) return;
    const call = this.#calls[0];
    if (call !== undefined) {
      if (call.next().done === true) this.#calls.shift();
      return;
    }
    const input = this.#inbox.shift();
    if (input === undefined) this.#lookOnce();
    else this.#tell(input);
  }

  #tell(input: HostInput): void {
    const { state, effects } = this.#step(this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#calls.push(this.#perform(effect));
  }

  *#perform(effect: HostEffect): Generator<void> {
    if (effect.kind === "journal") this.journal.push(effect.entry);
    if (effect.kind === "close-fence") yield* this.#close();
    if (effect.kind === "open-fence") yield* this.#open(effect.claim);
    if (effect.kind === "lift-fence") yield* this.#lift();
    // The ticket's end: nothing of it is looked at any more.
  }

  *#close(): Generator<void> {
    const folder: FenceFolder = { name: `f-${this.#folders.length}`, claim: "open" };
    const fail = (why: string): void =>
      void this.#inbox.push({ kind: "fence-failed", ticketId: T1, why, atMs: this.#atMs });
    if (this.#watchdog !== null) return fail("an earlier watchdog is there");
    this.#folders.push(folder);
    this.#watchdog = { folder, intent: "none" };
    yield;
    if (this.#watchdog?.folder !== folder) return fail("the watchdog ended");
    this.#closed = folder;
    // It may be late: the watchdog may have resumed what was not stopped yet.
    yield;
    if (!this.#isListenerAlive) {
      yield* this.#resume(folder);
      return fail("the listener could not be stopped");
    }
    this.#isStopped = true;
    yield;
    const look = this.#lookBehind();
    yield;
    this.#inbox.push({ kind: "fence-closed", ticketId: T1, name: folder.name, look });
  }

  *#open(claim: "kill" | "resume"): Generator<void> {
    const folder = this.#closed;
    this.#closed = null;
    let outcome: "killed" | "resumed" = "resumed";
    if (folder !== null) {
      const isOurs = claim === "kill" && this.#watchdog?.folder === folder && this.#take(folder, "kill");
      yield;
      if ((isOurs && (this.#isStopped || !this.#isListenerAlive)) || (claim === "kill" && this.#flaw.ignoresClaim)) {
        this.#kill("the agent");
        outcome = "killed";
      } else {
        if (isOurs) folder.claim = "resume";
        yield* this.#resume(folder);
      }
      yield;
    }
    this.#inbox.push({ kind: "fence-opened", outcome, atMs: this.#atMs });
  }

  *#resume(folder: FenceFolder): Generator<void> {
    this.#isStopped = false;
    yield;
    this.#take(folder, "resume");
  }

  *#lift(): Generator<void> {
    for (const folder of this.#folders) folder.claim = "resume";
    yield;
    this.#isStopped = false;
  }

  #take(folder: FenceFolder, claim: Claim): boolean {
    if (folder.claim !== "open") return false;
    folder.claim = claim;
    return true;
  }

  #kill(who: string): void {
    this.killCount += 1;
    if (this.job !== "none" && this.job !== "done" && this.#isListenerAlive)
      this.violations.push(`${who} killed a listener with a job that is ${this.job}`);
    this.#isListenerAlive = false;
  }

  #watchdogGoesOn(): void {
    const watchdog = this.#watchdog;
    if (watchdog === null) return;
    if (watchdog.intent === "none") {
      if (this.#take(watchdog.folder, "resume")) watchdog.intent = "resume";
      else if (watchdog.folder.claim === "kill") watchdog.intent = "kill";
      else this.#watchdog = null;
      return;
    }
    this.#watchdog = null;
    if (watchdog.intent === "resume") this.#isStopped = false;
    else if (this.#isListenerAlive && watchdog.folder.claim === "kill" && this.#isStopped) this.#kill("the watchdog");
    else if (this.#isListenerAlive) watchdog.folder.claim = "resume";
  }

  #listenerGoesOn(): void {
    if (!this.#hasSession) {
      this.#hasSession = true;
      this.#write({ hasSession: true, hasLogSession: true, hasBrokerSession: true, hasPerfSession: true });
    } else if (this.job === "none" && this.#isDispatched) {
      this.job = "received";
      this.#write({ receivedAtMs: [AT_MS] });
    } else if (this.job === "received") this.job = "acquired";
    else if (this.job === "acquired") {
      this.job = "working";
      this.#isWorkerThere = true;
      this.#write({ isBusy: true, acknowledgedCount: 1, dispatchedCount: 1 });
    } else if (this.job === "done") {
      this.#write({ isBusy: false, hasJobCompleted: true, closedAtMs: [AT_MS] });
      this.#isListenerAlive = false;
    }
  }

  #workerGoesOn(): void {
    if (!this.#isWorkerThere) return;
    this.#isWorkerThere = false;
    this.job = "done";
  }

  #write(facts: Partial<RunnerFacts>): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#byteCount += 10;
  }

  #lookOnce(): void {
    this.#atMs += LOOK_EVERY_MS;
    const ticketId = this.#state.held?.id ?? null;
    const fence = {
      isListenerStopped: this.#isListenerAlive && this.#isStopped,
      isWatchdogThere: this.#watchdog !== null,
      unreadable: null,
      killClaims: this.#folders.filter(({ claim }) => claim === "kill").map(({ name }) => name),
    };
    const rest = ticketId === null ? { files: null, fence: null } : { files: this.#files(), fence };
    const listener = this.#isListenerAlive && ticketId !== null ? PROCESS : null;
    const look = { ticketId, processes: this.#processes(), listener, motion: null, ...rest };
    this.#tell({ kind: "looked", look, atMs: this.#atMs });
  }

  #lookBehind(): FenceLook {
    const listenerTasks = this.#isListenerAlive ? [this.#isStopped ? "T" : "S"] : null;
    return { listenerTasks, childCount: 0, processes: this.#processes(), files: this.#files(), hasRoom: true };
  }

  #processes(): ProcessSight {
    const listenerCount = this.#isListenerAlive ? 1 : 0;
    return { kind: "seen", listenerCount, workerCount: this.#isWorkerThere ? 1 : 0 };
  }

  #files(): FilesSight {
    const read = { isComplete: true, isLineOpen: false, unreadable: null, isUpdateFinished: false };
    return { facts: this.#facts, byteCount: this.#byteCount, ...read };
  }

  #report(): void {
    if (!this.#isAgentAlive) return;
    const report = reportOf(this.#state);
    if (report.fence !== null) this.#answered = Math.max(this.#answered, report.fence.attempt);
    const isAsked = this.#order !== null && this.#answered < this.#order.attempt;
    const answer = { ...ANSWER, handBack: isAsked ? this.#order : null };
    this.#inbox.push({ kind: "report-answered", report, answer });
  }
}
