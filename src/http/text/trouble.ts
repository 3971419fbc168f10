import type { StatusAnswer } from "../operators/answers.ts";

export interface Trouble {
  /** "All well", "Running, with trouble in pool gpu", "Not ready". */
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
  if (all.length === 0 && inPools.length === 0) return { word: "All well", tone: "well", problems: all };
  const where = inPools.length === 0 ? "" : ` in ${inPools.length === 1 ? "pool" : "pools"} ${inPools.join(", ")}`;
  return { word: `Running, with trouble${where}`, tone: "warn", problems: all };
}
