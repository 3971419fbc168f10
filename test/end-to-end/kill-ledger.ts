/** The jobs of a run of kills, and GitHub's own word about what became of each. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { JobSnapshot } from "../../src/simulator/server/snapshots.ts";
import type { House } from "./house.ts";
import type { PlannedJob } from "./kill-plan.ts";

/** A dispatch that was never acquired goes back to GitHub's queue: a delay, at most one for a job. */
const DELAYS_OF_A_JOB_MAX = 1;

export class Ledger {
  readonly #house: House;
  readonly #file: string;
  readonly #planned = new Map<number, PlannedJob>();
  readonly #cancelledIds = new Set<number>();
  /** How often GitHub gave each job to a runner for good. */
  readonly #acquiredCounts = new Map<number, number>();
  readonly #lastPhases = new Map<number, string>();
  readonly #stops: readonly (() => void)[];

  constructor(house: House) {
    this.#house = house;
    this.#file = join(house.directory, "ran");
    this.#stops = [
      house.github.onJobChange((job) => this.#noteChange(job)),
      house.github.moments.observe(({ name, side }) => {
        if (name === "session-created" && side === "before") this.#cancelDoomed();
      }),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  get jobCount(): number {
    return this.#planned.size;
  }

  get overCount(): number {
    return this.#house.github.jobs().filter(({ phase }) => phase === "completed").length;
  }

  get cancelledCount(): number {
    return this.#cancelledIds.size;
  }

  get delayCount(): number {
    return this.#house.github.jobs().reduce((sum, job) => sum + job.lostAssignmentCount, 0);
  }

  /** Each leaves a line when it begins and when it ends: one that ran twice, or was cut short, shows. */
  queue(job: PlannedJob): void {
    const { name, stepMs } = job;
    const steps = [
      `echo "begin ${name}" >> ${this.#file}`,
      `sleep ${(stepMs / 1_000).toFixed(2)}`,
      `echo "end ${name}" >> ${this.#file}`,
    ];
    this.#planned.set(this.#house.queue(steps, name), job);
  }

  isAllOver(): boolean {
    return this.#house.github.jobs().every(({ phase }) => phase === "completed");
  }

  /** What must not be, in words. */
  violations(): readonly string[] {
    const lines = this.#readLines();
    const countOf = (line: string) => lines.filter((one) => one === line).length;
    return this.#house.github.jobs().flatMap((job) => {
      const isCancelled = this.#cancelledIds.has(job.id);
      const want = isCancelled
        ? "cancelled, cancelled-before-pick-up: acquired 0 times, begun 0 times, ended 0 times"
        : "success, reported-by-runner: acquired 1 times, begun 1 times, ended 1 times";
      const times = [this.#acquiredCounts.get(job.id) ?? 0, countOf(`begin ${job.name}`), countOf(`end ${job.name}`)];
      const got = `${job.conclusion}, ${job.cause}: acquired ${times[0]} times, begun ${times[1]} times, ended ${times[2]} times`;
      return [
        ...(got === want ? [] : [`${job.name} on ${job.runnerName}: ${got}`]),
        ...(job.lostAssignmentCount > DELAYS_OF_A_JOB_MAX
          ? [`${job.name} was late ${job.lostAssignmentCount} times`]
          : []),
      ];
    });
  }

  /** A runner comes for a job, and there are only doomed ones left: now one goes, and the runner is idle. */
  #cancelDoomed(): void {
    const queued = this.#house.github.jobs().filter(({ phase }) => phase === "queued");
    const [first] = queued;
    if (first === undefined || !queued.every(({ id }) => this.#planned.get(id)?.isDoomed === true)) return;
    if (this.#house.github.cancelJob(first.id)) this.#cancelledIds.add(first.id);
  }

  #noteChange({ id, phase }: JobSnapshot): void {
    if (phase === "acquired" && this.#lastPhases.get(id) !== "acquired")
      this.#acquiredCounts.set(id, (this.#acquiredCounts.get(id) ?? 0) + 1);
    this.#lastPhases.set(id, phase);
  }

  #readLines(): readonly string[] {
    return readFileSync(this.#file, "utf8").split("\n");
  }
}
