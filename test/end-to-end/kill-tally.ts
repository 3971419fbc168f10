/** What was killed, and what each kill cut through. */
import type { PlannedKill } from "./kill-plan.ts";

export interface KillResult {
  readonly kill: PlannedKill;
  /** Whether what it was aimed at came in time. */
  readonly isAimed: boolean;
  /** Of an agent: what its machine was at. Of the controller: everything that was begun and not finished. */
  readonly cut: readonly string[];
}

export class KillTally {
  readonly #results: KillResult[] = [];
  restartCount = 0;
  mostMachines = 0;
  emptyCount = 0;

  add(result: KillResult): void {
    this.#results.push(result);
  }

  count(victim: PlannedKill["victim"], way: PlannedKill["way"]): number {
    return this.#of(victim, way).length;
  }

  table(): string {
    return (["controller", "agent"] as const)
      .flatMap((victim) => [...this.#rows(victim, "kill"), ...this.#rows(victim, "pause")])
      .join("\n");
  }

  #rows(victim: PlannedKill["victim"], way: PlannedKill["way"]): readonly string[] {
    const results = this.#of(victim, way);
    const aims = results.map(({ kill, isAimed }) => (isAimed ? kill.aim : `${kill.aim}, which did not come`));
    return [
      `${victim} ${way === "kill" ? "killed" : "paused"} ${results.length} times`,
      ...countEach(aims).map((line) => `  aimed at ${line}`),
      ...countEach(results.flatMap(({ cut }) => cut)).map((line) => `  cut through ${line}`),
    ];
  }

  #of(victim: PlannedKill["victim"], way: PlannedKill["way"]): readonly KillResult[] {
    return this.#results.filter(({ kill }) => kill.victim === victim && kill.way === way);
  }
}

function countEach(items: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([item, count]) => `${item}: ${count}`);
}
