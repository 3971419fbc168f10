/**
 * The fence's watchdog (`src/agent/watchdog.ts`) as a process of its own: it claims the resume after 5 s, or when its pipe from
 * the agent closes; where the agent was first with the kill, it finishes it if the agent does not.
 */
import { SECOND_MS } from "../../domain/units.ts";
import type { Scheduled } from "../world/scheduler.ts";
import type { FenceFolders } from "./fence-folders.ts";
import type { Machine } from "./machine.ts";
import type { MachineProcess } from "./processes.ts";

/**
 * A process of node on a machine that is busy: half of them are there in less than the first, one in twenty takes more than
 * the second.
 */
const READY_AFTER_MS = [120, 700] as const;
const RESUME_AFTER_MS = 5 * SECOND_MS;
const KILL_PATIENCE_MS = 5 * SECOND_MS;
const DYING_MS = 200;
/** Between two of its system calls. */
const STEP_MS = [0.05, 1.5] as const;

export interface WatchdogStart {
  readonly machine: Machine;
  readonly folders: FenceFolders;
  readonly name: string;
  readonly listener: MachineProcess;
  readonly parentPid: number;
  readonly onReady: () => void;
  readonly onEnd: () => void;
}

export class Watchdog {
  readonly process: MachineProcess;
  readonly #start: WatchdogStart;
  #wait: Scheduled | null = null;
  #next: (() => void) | null = null;
  #isAgentGone = false;

  constructor(start: WatchdogStart) {
    const { machine, name, parentPid } = start;
    this.#start = start;
    this.process = machine.processes.start({
      name: "node",
      arguments: ["node", "watchdog.js", name],
      executable: "/bin/node",
      workingDirectory: "/",
      parentPid,
      // Not the machine's mark, by which a job's leftovers are found and killed.
      mark: { kind: "unmarked" },
      isQuiet: true,
      onDeath: () => start.onEnd(),
    });
    this.process.course.after(machine.world.chance.spread(...READY_AFTER_MS), () => {
      start.onReady();
      this.#sleep(RESUME_AFTER_MS, () => this.#decide());
    });
  }

  /** The other end of its pipe is closed: the agent is done, or dead. */
  closePipe(): void {
    this.process.course.arrive(() => {
      this.#isAgentGone = true;
      const next = this.#next;
      if (next === null) return;
      this.#wait?.cancel();
      this.#wait = null;
      this.#next = null;
      this.#then(next);
    });
  }

  #sleep(forMs: number, next: () => void): void {
    if (this.#isAgentGone) return void this.#then(next);
    this.#next = next;
    this.#wait = this.process.course.after(forMs, () => {
      this.#next = null;
      next();
    });
  }

  #then(next: () => void): void {
    this.process.course.after(this.#start.machine.world.chance.between(STEP_MS), next);
  }

  #decide(): void {
    const { machine, folders, name } = this.#start;
    if (folders.take(name, "resume")) {
      machine.note("the watchdog claims the resume");
      return void this.#then(() => this.#resume());
    }
    if (folders.read(name) === "kill") return void this.#sleep(KILL_PATIENCE_MS, () => this.#finishKill());
    this.process.die(null);
  }

  #finishKill(): void {
    const { machine, folders, name, listener } = this.#start;
    // Whoever holds the kill may have given it up.
    if (folders.read(name) === "kill" && listener.isStopped) {
      machine.note("the watchdog finishes the kill");
      machine.kill(listener, { by: "agent", what: "fence" });
      return void this.process.die(null);
    }
    this.process.course.after(DYING_MS, () => {
      if (!listener.isAlive) return this.process.die(null);
      // It is there and not stopped: somebody resumed it, and it may have a job by now.
      folders.giveUpKill(name);
      this.#then(() => this.#resume());
    });
  }

  #resume(): void {
    this.#start.listener.goOn();
    this.#start.machine.changed("processes");
    this.process.die(null);
  }
}
