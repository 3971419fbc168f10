import { AIMS, type Aim, type TrialPlan } from "./fence-plan.ts";

/**
 * `handed-back`: the job was sent to the runner, was never acquired, and queues again. `ran`: it ran to its end there.
 * `not-dispatched`: GitHub had not sent it yet when the fence closed; no trial of the blind window.
 */
export type Outcome = "handed-back" | "ran" | "not-dispatched";

export interface TrialResult {
  readonly plan: TrialPlan;
  readonly outcome: Outcome;
  readonly refusals: readonly string[];
  /** What GitHub had heard of the runner last. */
  readonly lastMoment: string;
  /** From the order to the agent's first word about it; null if there was no order. */
  readonly answeredAfterMs: number | null;
  /** What must not be, in words. */
  readonly violations: readonly string[];
  /** What agent and runner said, if there are violations. */
  readonly lastWords: string;
}

/** What came of all trials. */
export class Tally {
  readonly results: TrialResult[] = [];

  add(result: TrialResult): void {
    this.results.push(result);
  }

  /** Jobs that were sent to a runner while an order was under way. */
  get dispatchedCount(): number {
    return this.count("handed-back") + this.count("ran");
  }

  count(outcome: Outcome): number {
    return this.#ordered().filter((result) => result.outcome === outcome).length;
  }

  violations(): readonly TrialResult[] {
    return this.results.filter(({ violations }) => violations.length > 0);
  }

  /** A row for each step that was aimed at. */
  table(): string {
    const rows = AIMS.map((aim) => this.#row(nameOf(aim), (result) => result.plan.aim === aim));
    return [HEADER, ...rows, this.#row("all", () => true)].map((cells) => cells.map(pad).join(" ")).join("\n");
  }

  /** What GitHub had heard last of the runners that were handed back, what the fence refused with, what broke. */
  details(): string {
    const lastMoments = this.#ordered().flatMap(({ outcome, lastMoment }) =>
      outcome === "handed-back" ? lastMoment : [],
    );
    const refusals = this.results.flatMap((result) => result.refusals.map((why) => why.replace(/\d{2,}/g, "N")));
    const faults = this.results.flatMap(({ plan, outcome }) =>
      plan.fault === null ? [] : `${plan.fault.kind}, ${outcome}`,
    );
    return [
      ["handed back after", lastMoments],
      ["refused", refusals],
      ["broke", faults],
    ]
      .flatMap(([title, items]) => countEach(items as readonly string[]).map((line) => `${title}: ${line}`))
      .join("\n");
  }

  #row(name: string, filter: (result: TrialResult) => boolean): readonly string[] {
    const results = this.#ordered().filter(filter);
    const count = (outcome: Outcome) => results.filter((result) => result.outcome === outcome).length;
    const refusalCount = results.reduce((sum, { refusals: whys }) => sum + whys.length, 0);
    const waits = results.flatMap(({ answeredAfterMs }) => answeredAfterMs ?? []).sort((a, b) => a - b);
    const waited = [0.5, 0.99].map((part) => waits[Math.floor(part * waits.length)]?.toFixed(0) ?? "-");
    return [
      name,
      ...[count("handed-back"), count("ran"), refusalCount, count("not-dispatched")].map(String),
      waited.join("/"),
    ];
  }

  #ordered(): readonly TrialResult[] {
    return this.results.filter(({ plan }) => plan.aim !== null);
  }
}

function countEach(items: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([item, count]) => `${item}: ${count}`);
}

const HEADER = ["order aimed at", "handed back", "ran to its end", "refusals", "not dispatched", "answer ms p50/p99"];
const WIDTHS = [26, 11, 14, 8, 14, 17];

function nameOf(aim: Aim): string {
  return `${aim.name} ${aim.side}`;
}

function pad(cell: string, column: number): string {
  const width = WIDTHS[column] ?? 0;
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
