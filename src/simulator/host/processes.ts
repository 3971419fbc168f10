/** The processes of one machine, as its kernel knows them and as an agent sees them. */
import type { StartedProcess } from "../../domain/host/journal.ts";
import type { MarkReading } from "../../domain/host/process-table.ts";
import type { SeenProcess } from "../../domain/host/sight.ts";
import type { Chance } from "../world/chance.ts";
import type { Scheduled, Scheduler } from "../world/scheduler.ts";
import { Course } from "./course.ts";

/** Tasks of a process stop one after the other: most of them at once, some only when they come back from the kernel. */
const TASK_COUNT = 5;
const NO_TASK_STOPPED: readonly string[] = Array.from({ length: TASK_COUNT }, () => "S");
const TASK_STOPS_WITHIN_MS = 4;
const SLOW_TASK_STOPS_MS = [20, 300] as const;
const SLOW_STOP_SHARE = 0.15;
/** Of the time in which a process could run, in hundredths of a second of CPU time a second. */
const CPU_TICKS_PER_SECOND = 40;

export interface ProcessStart {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly executable: string;
  readonly workingDirectory: string;
  readonly parentPid: number;
  readonly mark: MarkReading;
  /** It waits for others and uses no CPU time to speak of. */
  readonly isQuiet?: boolean;
  /** It is gone, by itself or by a signal; what it would still have done it does not do. */
  readonly onDeath?: (signal: string | null) => void;
}

export class MachineProcess implements StartedProcess {
  readonly pid: number;
  readonly startTime: string;
  readonly course: Course;
  readonly #start: ProcessStart;
  readonly #scheduler: Scheduler;
  #parentPid: number;
  /** When each task is stopped; null where nobody stopped it. */
  #stopsAtMs: readonly number[] | null = null;
  #stop: Scheduled | null = null;

  constructor(start: ProcessStart, pid: number, startTime: string, scheduler: Scheduler) {
    this.#start = start;
    this.#scheduler = scheduler;
    this.#parentPid = start.parentPid;
    this.pid = pid;
    this.startTime = startTime;
    this.course = new Course(scheduler);
  }

  get name(): string {
    return this.#start.name;
  }

  get arguments(): readonly string[] {
    return this.#start.arguments;
  }

  get parentPid(): number {
    return this.#parentPid;
  }

  get isAlive(): boolean {
    return !this.course.isOver;
  }

  /** Every task of it is stopped. */
  get isStopped(): boolean {
    return this.isAlive && this.taskStates().every((state) => state === "T");
  }

  taskStates(): readonly string[] {
    if (this.#stopsAtMs === null) return NO_TASK_STOPPED;
    return this.#stopsAtMs.map((atMs) => (atMs <= this.#scheduler.nowMs ? "T" : "S"));
  }

  /** SIGSTOP. Until its last task is stopped it takes steps. */
  stop(chance: Chance, onStopped: () => void): void {
    if (!this.isAlive || this.#stopsAtMs !== null) return;
    const nowMs = this.#scheduler.nowMs;
    const stopsAtMs = Array.from({ length: TASK_COUNT }, () =>
      chance.happens(SLOW_STOP_SHARE / TASK_COUNT)
        ? nowMs + chance.between(SLOW_TASK_STOPS_MS)
        : nowMs + chance.between([0, TASK_STOPS_WITHIN_MS]),
    );
    this.#stopsAtMs = stopsAtMs;
    this.#stop = this.#scheduler.at(Math.max(...stopsAtMs), () => {
      if (!this.isAlive) return;
      this.course.standStill("signal");
      onStopped();
    });
  }

  /** SIGCONT. */
  goOn(): void {
    this.#stop?.cancel();
    this.#stop = null;
    this.#stopsAtMs = null;
    this.course.goOn("signal");
  }

  adopt(parentPid: number): void {
    this.#parentPid = parentPid;
  }

  die(signal: string | null): void {
    if (!this.isAlive) return;
    this.#stop?.cancel();
    this.course.end();
    this.#start.onDeath?.(signal);
  }

  see(): SeenProcess {
    const { name, arguments: args, executable, workingDirectory, mark, isQuiet = false } = this.#start;
    return {
      pid: this.pid,
      parentPid: this.#parentPid,
      name,
      state: this.taskStates()[0] ?? "S",
      isZombie: false,
      startTime: this.startTime,
      cpuTicks: isQuiet ? 0 : Math.floor((this.course.ranMs / 1_000) * CPU_TICKS_PER_SECOND),
      isKernelThread: false,
      arguments: args,
      executable,
      workingDirectory,
      mark,
    };
  }
}

const INIT_PID = 1;
const FIRST_PID = 400;

export class Processes {
  readonly #scheduler: Scheduler;
  readonly #bootedAtMs: number;
  readonly #onChange: () => void;
  /** By their numbers, in the order of their start; only those that live. */
  readonly #byPid = new Map<number, MachineProcess>();
  #lastPid = FIRST_PID;

  constructor(scheduler: Scheduler, onChange: () => void) {
    this.#scheduler = scheduler;
    this.#bootedAtMs = scheduler.nowMs;
    this.#onChange = onChange;
  }

  start(start: Omit<ProcessStart, "parentPid"> & { readonly parentPid?: number }): MachineProcess {
    this.#lastPid += 1;
    const pid = this.#lastPid;
    // Ticks since boot.
    const startTime = String(Math.floor((this.#scheduler.nowMs - this.#bootedAtMs) / 10) + FIRST_PID);
    const whole: ProcessStart = {
      parentPid: INIT_PID,
      ...start,
      onDeath: (signal) => {
        this.#byPid.delete(pid);
        for (const child of this.#byPid.values()) if (child.parentPid === pid) child.adopt(INIT_PID);
        this.#onChange();
        start.onDeath?.(signal);
      },
    };
    const process = new MachineProcess(whole, pid, startTime, this.#scheduler);
    this.#byPid.set(pid, process);
    this.#onChange();
    return process;
  }

  /** Exactly that one, while it lives. */
  find({ pid, startTime }: StartedProcess): MachineProcess | null {
    const process = this.#byPid.get(pid);
    return process?.startTime === startTime ? process : null;
  }

  all(): readonly MachineProcess[] {
    return [...this.#byPid.values()];
  }

  see(): readonly SeenProcess[] {
    return this.all().map((process) => process.see());
  }
}
