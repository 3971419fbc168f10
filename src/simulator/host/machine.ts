/** A machine of the world below any agent: its processes, its runners, its disk, what is kept on tmpfs, and its end. */
import type { MarkReading } from "../../domain/host/process-table.ts";
import { roleOf } from "../../domain/host/sight.ts";
import type { HostBirth, HostWorld } from "../world/host.ts";
import type { Scheduled } from "../world/scheduler.ts";
import type { Cause, HostTruth } from "../world/witness.ts";
import { Course } from "./course.ts";
import { type MachineProcess, Processes } from "./processes.ts";

/** A runner as the ground truth knows it. */
export interface MachineRunner {
  readonly listener: MachineProcess;
  readonly worker: MachineProcess | null;
  truth(): Omit<NonNullable<HostTruth["runner"]>, "workerCount">;
}

/** What changed on it, for whoever looks. */
export type Change = "processes" | "files";

export class Machine {
  readonly world: HostWorld;
  readonly providerId: string;
  readonly processes: Processes;
  /** Of the kernel, and of what is no process of its own. */
  readonly course: Course;
  readonly #birth: HostBirth;
  readonly #runners: MachineRunner[] = [];
  #phase: "booting" | "up" | "ended" = "booting";
  #fullUntilMs = Number.NEGATIVE_INFINITY;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #resume: Scheduled | null = null;
  #watch: (change: Change) => void = () => {};
  #onEnd: () => void = () => {};
  readonly #onUp: () => void;

  /** @param onUp its system is up: whatever it runs from its boot on starts now. */
  constructor(birth: HostBirth, world: HostWorld, onUp: () => void) {
    this.#birth = birth;
    this.#onUp = onUp;
    this.world = world;
    this.providerId = birth.providerId;
    this.course = new Course(world.scheduler);
    this.processes = new Processes(world.scheduler, () => this.changed("processes"));
    world.witness.machineStarted(this.truth());
    if (birth.bootMs === null) return;
    this.course.after(birth.bootMs, () => this.boot());
  }

  /** Nothing where it is up or ended. */
  boot(): void {
    if (this.#phase !== "booting") return;
    this.#phase = "up";
    this.note("is up");
    this.#onUp();
  }

  get nowMs(): number {
    return this.world.scheduler.nowMs;
  }

  get isEnded(): boolean {
    return this.#phase === "ended";
  }

  get hasRoom(): boolean {
    return this.nowMs >= this.#fullUntilMs;
  }

  get reachesGitHub(): boolean {
    return this.world.reachesGitHub(this.providerId);
  }

  note(text: string, ...jobIds: readonly number[]): void {
    this.world.log.note(text, this.providerId, ...jobIds.map(String));
  }

  /** One watcher at most: the agent that runs now. */
  watch(watch: (change: Change) => void): void {
    this.#watch = watch;
  }

  changed(change: Change): void {
    this.#watch(change);
  }

  onEnd(onEnd: () => void): void {
    this.#onEnd = onEnd;
  }

  addRunner(runner: MachineRunner): void {
    this.#runners.push(runner);
    for (let index = this.#runners.length - 2; index >= 0; index -= 1) {
      const { listener, worker } = this.#runners[index] as MachineRunner;
      if (!listener.isAlive && worker?.isAlive !== true) this.#runners.splice(index, 1);
    }
  }

  truth(): HostTruth {
    const living = this.#runners.filter(({ listener, worker }) => listener.isAlive || worker?.isAlive === true);
    const workerCount = this.processes.all().filter((one) => roleOf(one.name, one.arguments) === "worker").length;
    // An orphan's job counts for more than the listener that was started after it.
    const shown = living.findLast((runner) => runner.truth().acquiredJobId !== null) ?? living.at(-1);
    return {
      providerId: this.providerId,
      isUp: this.#phase === "up",
      runner: shown === undefined ? null : { ...shown.truth(), workerCount },
    };
  }

  /** SIGKILL. */
  kill(process: MachineProcess, cause: Cause): void {
    if (!process.isAlive) return;
    const role = roleOf(process.name, process.arguments);
    if (role !== null) {
      this.world.witness.runnerKilled(this.truth(), cause);
      this.note(`${role} ${process.pid} is killed by ${cause.by}`);
    }
    process.die("SIGKILL");
  }

  end(cause: Cause): void {
    if (this.isEnded) return;
    this.world.witness.machineEnds(this.truth(), cause);
    this.note(`ends, by ${cause.by}`);
    this.#phase = "ended";
    this.#resume?.cancel();
    this.course.end();
    this.#watch = () => {};
    this.#onEnd();
    for (const process of this.processes.all()) process.die(null);
  }

  /** It ends from within: its provider is told. */
  leave(cause: Cause): void {
    if (this.isEnded) return;
    this.end(cause);
    this.#birth.onGone();
  }

  /** A pause within a pause makes it last as long as the later of the two. */
  pause(forMs: number): void {
    if (this.isEnded) return;
    this.note("stands still");
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.nowMs + forMs);
    for (const course of this.#courses()) course.standStill("machine-pause");
    this.#resume?.cancel();
    this.#resume = this.world.scheduler.at(this.#pausedUntilMs, () => {
      this.note("goes on");
      for (const course of this.#courses()) course.goOn("machine-pause");
    });
  }

  /** Its platform hibernates it: everything on it stands still, and goes on from there once it is woken. */
  sleep(cause: Cause): void {
    if (this.isEnded) return;
    this.world.witness.machineSleeps(this.truth(), cause);
    this.note("falls asleep");
    for (const course of this.#courses()) course.standStill("asleep");
  }

  wake(): void {
    if (this.isEnded) return;
    this.note("wakes");
    for (const course of this.#courses()) course.goOn("asleep");
  }

  #courses(): readonly Course[] {
    return [this.course, ...this.processes.all().map(({ course }) => course)];
  }

  fillDisk(forMs: number): void {
    this.note("has a full disk");
    this.#fullUntilMs = Math.max(this.#fullUntilMs, this.nowMs + forMs);
  }
}

/** What a machine's own processes carry; others' are told from them by it. */
export function markedBy(mark: string | null): MarkReading {
  return mark === null ? { kind: "unmarked" } : { kind: "marked", mark };
}
