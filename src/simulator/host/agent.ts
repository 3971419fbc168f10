/**
 * One start of the agent (`src/agent/loop.ts`): inputs are stepped one at a time through the product's own `stepHost`, and the
 * effects of each are done, in order, before the next. It dies at any moment; what it had not made durable is gone.
 */
import type { ToldService } from "../../domain/host/group-word.ts";
import type { JournalEntry } from "../../domain/host/journal.ts";
import { lookIntervalMs } from "../../domain/host/report.ts";
import { markOf } from "../../domain/host/settings.ts";
import { findLeftovers } from "../../domain/host/sight.ts";
import { type HostEffect, type HostInput, type HostState, NEW_HOST } from "../../domain/host/state.ts";
import { stepHost } from "../../domain/host/step.ts";
import { isSampleDue } from "../../domain/host/stillness.ts";
import { parseControllerId, parseIncarnationId, type TicketId } from "../../domain/ids.ts";
import { invariant, unreachable } from "../../domain/invariant.ts";
import type { OfferedTicket } from "../../domain/protocol.ts";
import type { Range } from "../world/chance.ts";
import type { AgentBirth } from "../world/host.ts";
import type { Scheduled } from "../world/scheduler.ts";
import { Client } from "./client.ts";
import type { Disk } from "./disk.ts";
import { FenceHand } from "./fence-hand.ts";
import type { HostRunner, RunnerExit } from "./host-runner.ts";
import { identityOf } from "./identity.ts";
import { isNewsToLooks, LOOK_INTERVAL_MS, nextLookMs } from "./look-times.ts";
import { Lookout } from "./lookout.ts";
import type { Change, Machine } from "./machine.ts";
import { ownNameOf } from "./own-name.ts";
import type { MachineProcess } from "./processes.ts";
import { SleepSense } from "./sleep.ts";
import { Talk } from "./talk.ts";

/** Until an entry is on the disk. */
const WRITE_MS: Range = [0.5, 12];
const SPAWN_MS: Range = [5, 60];
const CLEAN_MS: Range = [40, 500];
const PREPARE_MS: Range = [300, 3_000];
/** Between two rounds of ending leftovers. */
const ROUND_PAUSE_MS = 100;
const ROUNDS_MAX = 50;
const INBOX_MAX = 1_000;
const TOKEN_LENGTH = 32;

export interface AgentParts {
  readonly machine: Machine;
  readonly disk: Disk;
  readonly birth: AgentBirth;
  readonly bootId: string;
  readonly heartbeatMs: number;
  readonly process: MachineProcess;
  runners(): readonly HostRunner[];
  /** Null: no process came to be. */
  startRunner(ticket: OfferedTicket, onExit: (exit: RunnerExit) => void): MachineProcess | null;
  /** It noticed that it stood still. */
  onSlept(): void;
  /** It ends with 0: all is over. */
  onFinish(cause: "itself" | "power-off"): void;
}

interface Letter {
  readonly input: HostInput;
  readonly onDone: () => void;
}

export class Agent {
  readonly #parts: AgentParts;
  readonly #lookout: Lookout;
  readonly #fence: FenceHand;
  readonly #client: Client;
  readonly #talk: Talk;
  readonly #letters: Letter[] = [];
  #state: HostState = NEW_HOST;
  #isBusy = false;
  #isGoingOn = false;
  #nextLookAtMs = 0;
  #changedAtMs = 0;
  readonly #rest: SleepSense;
  #wake: Scheduled | null = null;
  /** On its way to the disk. */
  #writing: JournalEntry | null = null;

  constructor(parts: AgentParts) {
    const { machine, disk, birth, process, bootId } = parts;
    const { course } = process;
    const { chance, line } = machine.world;
    this.#parts = parts;
    this.#rest = new SleepSense(machine.world.scheduler, course);
    const machineId = ownNameOf(birth);
    const mark = markOf(parseControllerId(machine.world.controllerId), machineId);
    this.#lookout = new Lookout({ machine, mark, folders: disk.folders, roots: disk.roots, agentPid: process.pid });
    this.#fence = new FenceHand({
      machine,
      folders: disk.folders,
      course,
      agentPid: process.pid,
      look: (ticketId, listener) => this.#lookout.lookBehindFence(ticketId, listener),
      runnerIdOf: (listener) =>
        parts
          .runners()
          .find((runner) => runner.listener === listener)
          ?.truth().runnerId ?? null,
    });
    const { providerId } = birth;
    const incarnation = parseIncarnationId(chance.token(TOKEN_LENGTH));
    this.#client = new Client({
      line,
      course,
      providerId,
      machineId,
      readIdentity: () => identityOf(birth),
      incarnation,
      bootId,
      onExchange: (isAnswered) => this.#noteExchange(isAnswered),
    });
    this.#talk = new Talk({
      client: this.#client,
      course,
      chance,
      heartbeatMs: parts.heartbeatMs,
      now: () => machine.nowMs,
      put: (input, onDone) => this.#put(input, onDone),
    });
  }

  start(): void {
    const { machine, disk } = this.#parts;
    const isSameBoot = disk.isBootKept;
    if (machine.hasRoom) disk.isBootKept = true;
    machine.watch((change) => this.#noteChange(change));
    machine.note("the agent starts");
    const { isMember = false } = this.#parts.birth;
    this.#put({ kind: "started", journal: disk.openJournal(), isSameBoot, isMember });
    this.#talk.report();
  }

  /** It has asked its platform, and heard that the machine is wanted back. */
  wantBack(): void {
    this.#put({ kind: "wanted-back" });
  }

  /** It has read what its group leads it to. */
  tellService(service: ToldService): void {
    this.#put({ kind: "service-told", service });
  }

  /** SIGTERM. */
  askToStop(): void {
    this.#put({ kind: "asked-to-stop" });
  }

  /** To be called when its process is dead. What it was writing is torn. */
  bury(): void {
    const { machine, disk } = this.#parts;
    if (this.#writing !== null) disk.tear(this.#writing, machine.world.chance.fraction());
    this.#client.drop();
    this.#fence.drop();
  }

  #noteExchange(isAnswered: boolean): void {
    // An answer after an answer changes nothing.
    if (isAnswered && this.#state.silence.tryCount === 0 && this.#letters.length === 0) return;
    this.#put({ kind: "exchanged", isAnswered, atMs: this.#parts.machine.nowMs });
  }

  /** Seen at the next look of a real agent: within its interval. */
  #noteChange(change: Change): void {
    const { machine } = this.#parts;
    if (change === "processes") this.#changedAtMs = machine.nowMs;
    this.#lookBy(machine.nowMs + machine.world.chance.between([1, LOOK_INTERVAL_MS]));
  }

  #lookBy(atMs: number): void {
    if (atMs >= this.#nextLookAtMs) return;
    this.#nextLookAtMs = atMs;
    if (!this.#isBusy) this.#sleep();
  }

  #put(input: HostInput, onDone: () => void = () => {}): void {
    invariant(this.#letters.length < INBOX_MAX, "the agent's inbox is bounded");
    this.#letters.push({ input, onDone });
    this.#goOn();
  }

  #goOn(): void {
    // Steps that came to rest at once go on in the loop that they were called from.
    if (this.#isGoingOn) return;
    this.#isGoingOn = true;
    this.#drain();
    this.#isGoingOn = false;
  }

  #drain(): void {
    while (!this.#isBusy && !this.#parts.process.course.isOver) {
      this.#noteSleep();
      const letter = this.#letters.shift();
      const { nowMs } = this.#parts.machine;
      if (letter !== undefined) this.#take(letter.input, letter.onDone);
      else if (nowMs >= this.#nextLookAtMs) this.#look(nowMs);
      else return void this.#sleep();
    }
  }

  /** Before whatever else is waiting; what the group said before it is old. */
  #noteSleep(): void {
    if (!this.#rest.hasSlept()) return;
    const kept = this.#letters.filter(({ input }) => input.kind !== "service-told");
    this.#letters.splice(0, this.#letters.length, { input: { kind: "slept" }, onDone: () => {} }, ...kept);
    this.#parts.onSlept();
  }

  #sleep(): void {
    const { process, machine } = this.#parts;
    this.#wake?.cancel();
    this.#wake = process.course.after(Math.max(0, this.#nextLookAtMs - machine.nowMs), () => this.#goOn());
  }

  #look(nowMs: number): void {
    const { held } = this.#state;
    const look = this.#lookout.look(held, { withMotion: isSampleDue(held, nowMs) });
    // No look is due while this one is judged: what changes meanwhile makes another one due.
    this.#nextLookAtMs = Number.POSITIVE_INFINITY;
    this.#take({ kind: "looked", look, atMs: nowMs }, () => {
      const atMs = nextLookMs(this.#state, this.#changedAtMs, nowMs);
      this.#nextLookAtMs = Math.min(this.#nextLookAtMs, atMs);
    });
  }

  #take(input: HostInput, onDone: () => void): void {
    const before = this.#state;
    const { state, effects } = stepHost(before, input);
    this.#state = state;
    this.#isBusy = true;
    const entries = effects.flatMap((effect) => (effect.kind === "journal" ? [effect.entry] : []));
    const others = effects.filter(({ kind }) => kind !== "journal");
    // The journal's entries come first of all effects; until they are durable nobody hears of the new state.
    this.#write(entries, () => {
      this.#talk.update(state);
      this.#noteNews(before, state);
      this.#performAll(others, () => {
        onDone();
        this.#isBusy = false;
        this.#goOn();
      });
    });
  }

  #noteNews(before: HostState, state: HostState): void {
    const { machine } = this.#parts;
    const isNews = isNewsToLooks(before, state);
    if (isNews) this.#changedAtMs = machine.nowMs;
    if (lookIntervalMs(state) < lookIntervalMs(before)) this.#nextLookAtMs = 0;
    else if (isNews) this.#nextLookAtMs = Math.min(this.#nextLookAtMs, machine.nowMs + LOOK_INTERVAL_MS);
  }

  #write(entries: readonly JournalEntry[], onWritten: () => void): void {
    const [entry, ...rest] = entries;
    if (entry === undefined) return void onWritten();
    const { machine, disk, process } = this.#parts;
    this.#writing = entry;
    process.course.after(machine.world.chance.between(WRITE_MS), () => {
      if (!machine.hasRoom) return process.die("ENOSPC");
      this.#writing = null;
      disk.append(entry);
      machine.note(`the journal has ${JSON.stringify(entry)}`);
      this.#write(rest, onWritten);
    });
  }

  #performAll(effects: readonly HostEffect[], onDone: () => void): void {
    const [effect, ...rest] = effects;
    if (effect === undefined) return void onDone();
    this.#perform(effect, () => this.#performAll(rest, onDone));
  }

  #perform(effect: HostEffect, onDone: () => void): void {
    switch (effect.kind) {
      case "journal":
        return void onDone();
      case "report":
        this.#talk.reportNow();
        return void onDone();
      case "start-runner":
        return void this.#startRunner(effect.ticket, onDone);
      case "close-fence":
        return void this.#closeFence(effect, onDone);
      case "open-fence":
        return void this.#openFence(effect.claim, onDone);
      case "lift-fence":
        return void this.#fence.lift(effect.ticketId, effect.process, onDone);
      case "send-logs":
        return void this.#sendLogs(effect.ticketId, onDone);
      case "clean":
        return void this.#after(CLEAN_MS, () => this.#clean(1, onDone));
      case "prepare-root":
        return void this.#after(PREPARE_MS, () => this.#prepareRoot(onDone));
      case "finish":
        return void this.#parts.onFinish("itself");
      case "power-off":
        return void this.#parts.onFinish("power-off");
      default:
        return void unreachable(effect);
    }
  }

  #after(delayMs: Range, run: () => void): void {
    const { process, machine } = this.#parts;
    process.course.after(machine.world.chance.between(delayMs), run);
  }

  #startRunner(ticket: OfferedTicket, onDone: () => void): void {
    const { process } = this.#parts;
    const ticketId = ticket.id;
    this.#after(SPAWN_MS, () => {
      const onExit = (exit: RunnerExit) =>
        process.course.arrive(() => {
          this.#nextLookAtMs = 0;
          this.#put({ kind: "runner-exited", ...exit });
        });
      const started = this.#parts.startRunner(ticket, onExit);
      // Heard of a moment later: an agent that dies in between leaves a listener that no journal names.
      this.#after([0.1, 3], () => {
        if (started === null) this.#put({ kind: "runner-not-started", ticketId, why: "rename failed with ENOENT" });
        else {
          const { pid, startTime } = started;
          this.#put({ kind: "runner-started", ticketId, process: { pid, startTime } });
        }
        onDone();
      });
    });
  }

  #closeFence({ ticketId, process }: HostEffect & { kind: "close-fence" }, onDone: () => void): void {
    const { machine } = this.#parts;
    this.#fence.close(ticketId, process, (closing) => {
      if (closing.kind === "closed")
        this.#put({ kind: "fence-closed", ticketId, name: closing.name, look: closing.look });
      else this.#put({ kind: "fence-failed", ticketId, why: closing.why, atMs: machine.nowMs });
      onDone();
    });
  }

  #openFence(claim: "kill" | "resume", onDone: () => void): void {
    const { machine } = this.#parts;
    this.#fence.open(claim, (outcome) => {
      machine.note(`the fence is open: ${outcome}`);
      this.#nextLookAtMs = 0;
      this.#put({ kind: "fence-opened", outcome, atMs: machine.nowMs });
      onDone();
    });
  }

  /** While a ticket is held nothing waits for it: its listener is to be looked at, and an order may come. */
  #sendLogs(ticketId: TicketId, onDone: () => void): void {
    const { machine, disk } = this.#parts;
    const lines = disk.roots.get(ticketId)?.log.slice(-LOG_LINES_MAX) ?? [];
    const isWaitedFor = this.#state.held?.id !== ticketId;
    this.#talk.sendLogs({ ticketId, logs: [{ name: "Runner.log", lines }] }, (isTaken) => {
      this.#put({ kind: "logs-sent", ticketId, isTaken, atMs: machine.nowMs });
      if (isWaitedFor) onDone();
    });
    if (!isWaitedFor) onDone();
  }

  /** Each round looks anew, and touches nothing while it sees something of a runner. */
  #clean(round: number, onDone: () => void): void {
    const { machine, disk, process } = this.#parts;
    this.#lookout.forgetFiles();
    const seen = machine.processes.see();
    const leftovers = findLeftovers(seen, this.#lookout.belongings(null), this.#lookout.spared(seen));
    if (leftovers.kind === "runner-there" || round > ROUNDS_MAX) {
      this.#put({ kind: "clean-failed" });
      return void onDone();
    }
    for (const named of leftovers.processes) {
      const leftover = machine.processes.find(named);
      if (leftover !== null) machine.kill(leftover, { by: "agent", what: "clean" });
    }
    if (leftovers.processes.length > 0)
      return void process.course.after(ROUND_PAUSE_MS, () => this.#clean(round + 1, onDone));
    disk.removeRoots();
    this.#put({ kind: "cleaned" });
    onDone();
  }

  #prepareRoot(onDone: () => void): void {
    const { machine, disk } = this.#parts;
    disk.hasNextRoot = machine.hasRoom;
    this.#put({ kind: machine.hasRoom ? "root-prepared" : "root-failed" });
    onDone();
  }
}

/** Kept with the controller, of each log. */
const LOG_LINES_MAX = 200;
