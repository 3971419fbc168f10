import type { StatusAnswer } from "../operators/answers.ts";

export interface Trouble {
  /** "All well", "Running, with trouble in pool gpu", "Running, pool gpu held back by operators", "Not ready". */
  readonly word: string;
  readonly tone: "well" | "warn" | "bad";
  /** What is wrong beyond a single pool, each in a sentence. */
  readonly problems: readonly string[];
}

/** A failing controller of one pool is told with that pool, and is not told again here. */
export function describeTrouble({ health, pools, connections }: StatusAnswer): Trouble {
  const failing = health.controllers.filter((controller) => controller.lastError !== null);
  const ofPools = failing.filter(({ pool }) => pool !== null);
  const ofAll = failing.filter(({ pool }) => pool === null);
  const tells = (problem: string, lastError: string | null) => lastError !== null && problem.includes(lastError);
  const problems = health.problems.filter((problem) => !ofPools.some(({ lastError }) => tells(problem, lastError)));
  const untold = ofAll.filter(({ lastError }) => !problems.some((problem) => tells(problem, lastError)));
  const ofGitHub = connections.flatMap(({ name, troubles }) => troubles.map((text) => `Connection ${name}: ${text}`));
  const all = [...problems, ...untold.map(({ name, lastError }) => `Controller ${name}: ${lastError}`), ...ofGitHub];
  const inPools = pools.filter(({ lastErrors }) => lastErrors.length > 0).map(({ name }) => name);
  if (!health.isReady) return { word: "Not ready", tone: "bad", problems: all };
  if (all.length > 0 || inPools.length > 0)
    return {
      word: `Running, with trouble${inPools.length === 0 ? "" : ` in ${namePools(inPools)}`}`,
      tone: "warn",
      problems: all,
    };
  // Nothing is wrong, and yet nobody who reads "all well" would expect that nothing starts or ends there.
  const heldBack = pools.filter(({ words }) => words.length > 0).map(({ name }) => name);
  if (heldBack.length === 0) return { word: "All well", tone: "well", problems: all };
  return { word: `Running, ${namePools(heldBack)} held back by operators`, tone: "warn", problems: all };
}

function namePools(names: readonly string[]): string {
  return `${names.length === 1 ? "pool" : "pools"} ${names.join(", ")}`;
}
