/**
 * The hand of the fence (`src/agent/fence.ts`), a system call at a time: between any two of them the world may send a job, let
 * an acquire take effect, kill the agent, or make it stand still.
 */
import { areStopped } from "../../domain/host/clean-look.ts";
import type { StartedProcess } from "../../domain/host/journal.ts";
import type { FenceLook } from "../../domain/host/look.ts";
import type { TicketId } from "../../domain/ids.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Course } from "./course.ts";
import type { Claim, FenceFolders } from "./fence-folders.ts";
import type { Machine } from "./machine.ts";
import type { MachineProcess } from "./processes.ts";
import { Watchdog } from "./watchdog.ts";

const WATCHDOG_READY_MS = 5 * SECOND_MS;
const STOP_WITHIN_MS = SECOND_MS;
const ALL_STOPPED_MS = SECOND_MS;
const STOP_LOOK_INTERVAL_MS = 5;
/** Between two system calls of the agent. */
const STEP_MS = [0.05, 2] as const;
/** A look behind the fence takes so long, the process table above all. */
const LOOK_MS = [1, 25] as const;
const TOKEN_LENGTH = 32;

export type Closing =
  | { readonly kind: "closed"; readonly name: string; readonly look: FenceLook }
  /** Nothing is stopped. */
  | { readonly kind: "failed"; readonly why: string };

export interface FenceParts {
  readonly machine: Machine;
  readonly folders: FenceFolders;
  /** The agent's. */
  readonly course: Course;
  readonly agentPid: number;
  readonly look: (ticketId: TicketId, listener: StartedProcess) => FenceLook;
  /** GitHub's number of the runner that this listener is. */
  readonly runnerIdOf: (listener: MachineProcess) => number | null;
}

interface Closed {
  readonly name: string;
  readonly listener: MachineProcess;
  readonly watchdog: Watchdog;
}

export class FenceHand {
  readonly #parts: FenceParts;
  #closed: Closed | null = null;
  /** Those of this agent that have not ended. */
  readonly #watchdogs = new Set<Watchdog>();

  constructor(parts: FenceParts) {
    this.#parts = parts;
  }

  /** The agent is dead: its ends of all pipes close. */
  drop(): void {
    for (const watchdog of this.#watchdogs) watchdog.closePipe();
  }

  close(ticketId: TicketId, named: StartedProcess, onClosing: (closing: Closing) => void): void {
    const { machine, folders } = this.#parts;
    const fail = (why: string) => onClosing({ kind: "failed", why });
    if (this.#closed !== null) return void this.open("resume", () => this.close(ticketId, named, onClosing));
    if (this.#watchdogs.size > 0) return void fail("the watchdog of an earlier fence has not ended");
    if (!machine.hasRoom) return void fail("write failed with ENOSPC");
    const name = `${ticketId}.${machine.world.chance.token(TOKEN_LENGTH)}`;
    folders.make(name);
    const listener = machine.processes.find(named);
    if (listener === null) {
      folders.take(name, "resume");
      return void fail("the listener could not be stopped");
    }
    this.#step(() => this.#startWatchdog(name, listener, ticketId, onClosing));
  }

  /** What really came of it: whoever loses the claim, and whoever is in doubt, resumes. */
  open(claim: Claim, onOpened: (outcome: "killed" | "resumed") => void): void {
    const closed = this.#closed;
    this.#closed = null;
    if (closed === null) return void onOpened("resumed");
    if (claim === "resume") return void this.#resume(closed, onOpened);
    const { machine, folders } = this.#parts;
    const { name, listener, watchdog } = closed;
    const isOurs = watchdog.process.isAlive && folders.take(name, "kill");
    if (!isOurs) return void this.#resume(closed, onOpened);
    machine.note("the agent claims the kill");
    this.#step(() => {
      if (listener.isStopped) machine.kill(listener, { by: "agent", what: "fence" });
      // Where this process stood still meanwhile, the watchdog has done it.
      if (listener.isAlive) {
        folders.giveUpKill(name);
        return this.#resume(closed, onOpened);
      }
      watchdog.closePipe();
      onOpened("killed");
    });
  }

  /** For a fence whose agent and watchdog are gone, or do not decide. */
  lift(ticketId: TicketId, named: StartedProcess, onLifted: () => void): void {
    const { machine, folders } = this.#parts;
    for (const name of folders.of(ticketId)) {
      folders.take(name, "resume");
      folders.giveUpKill(name);
    }
    this.#step(() => {
      machine.processes.find(named)?.goOn();
      machine.changed("processes");
      onLifted();
    });
  }

  #resume({ name, listener, watchdog }: Closed, onOpened: (outcome: "resumed") => void): void {
    const { machine, folders } = this.#parts;
    // Before the claim: nobody else kills, and an agent that dies in between leaves nothing stopped.
    listener.goOn();
    machine.changed("processes");
    this.#step(() => {
      folders.take(name, "resume");
      watchdog.closePipe();
      onOpened("resumed");
    });
  }

  #step(run: () => void): void {
    const { course, machine } = this.#parts;
    course.after(machine.world.chance.between(STEP_MS), run);
  }

  #startWatchdog(
    name: string,
    listener: MachineProcess,
    ticketId: TicketId,
    onClosing: (closing: Closing) => void,
  ): void {
    const { machine, folders, course, agentPid } = this.#parts;
    const giveUp = course.after(WATCHDOG_READY_MS, () => {
      watchdog.closePipe();
      folders.take(name, "resume");
      onClosing({ kind: "failed", why: "the watchdog could not be started" });
    });
    const watchdog: Watchdog = new Watchdog({
      machine,
      folders,
      name,
      listener,
      parentPid: agentPid,
      onReady: () =>
        course.arrive(() => {
          giveUp.cancel();
          this.#closed = { name, listener, watchdog };
          const readyAtMs = machine.nowMs;
          this.#step(() => this.#stop({ name, listener, watchdog }, readyAtMs, ticketId, onClosing));
        }),
      onEnd: () =>
        course.arrive(() => {
          this.#watchdogs.delete(watchdog);
          // The kill's is kept for as long as the ticket: it is the proof of what ended the listener.
          if (folders.read(name) === "resume") folders.remove(name);
        }),
    });
    this.#watchdogs.add(watchdog);
    machine.note("a fence's watchdog starts");
    const runnerId = this.#parts.runnerIdOf(listener);
    if (runnerId !== null) machine.world.noteFenceBeginning(runnerId);
  }

  #stop(closed: Closed, readyAtMs: number, ticketId: TicketId, onClosing: (closing: Closing) => void): void {
    const { machine, folders, runnerIdOf } = this.#parts;
    const { world } = machine;
    const { name, listener, watchdog } = closed;
    const fail = (why: string) => this.open("resume", () => onClosing({ kind: "failed", why }));
    const isFresh = machine.nowMs - readyAtMs < STOP_WITHIN_MS;
    if (!isFresh || !watchdog.process.isAlive || folders.read(name) !== null)
      return void fail("the watchdog was not there in time");
    if (!listener.isAlive) return void fail("the listener could not be stopped");
    const runnerId = runnerIdOf(listener);
    // A job may come while some of its tasks still run, or when none does any more.
    const isEarly = world.chance.happens(0.5);
    const tell = () => {
      if (runnerId !== null) world.noteFenceClosing(runnerId);
    };
    machine.note("the fence stops the listener");
    listener.stop(world.chance, () => {
      machine.changed("processes");
      if (!isEarly) tell();
    });
    if (isEarly) tell();
    const sinceMs = machine.nowMs;
    this.#awaitStop(listener, sinceMs, (isStopped) => {
      if (!isStopped) return fail("not every task of the listener stops");
      this.#parts.course.after(world.chance.between(LOOK_MS), () => {
        const look = this.#parts.look(ticketId, listener);
        onClosing({ kind: "closed", name, look });
      });
    });
  }

  #awaitStop(listener: MachineProcess, sinceMs: number, onEnd: (isStopped: boolean) => void): void {
    const { machine, course } = this.#parts;
    if (areStopped(listener.isAlive ? listener.taskStates() : null)) return void onEnd(true);
    if (machine.nowMs - sinceMs >= ALL_STOPPED_MS) return void onEnd(false);
    course.after(STOP_LOOK_INTERVAL_MS, () => this.#awaitStop(listener, sinceMs, onEnd));
  }
}
