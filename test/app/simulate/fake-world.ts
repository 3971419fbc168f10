/** A world that is over at once: its figures follow from its seed. A module of its own, so that a process can load it. */
import type { Violation, WorldResult } from "../../../src/simulator/scenario/result.ts";
import type { RunWorld } from "../../../src/simulator/scenario/run-world.ts";

/** What a scenario's name asks of this world. */
export const BREAKS = "breaks";
export const DIES = "dies";
/** Alone, or `violates under <kind>`: where the world has such a fault. */
export const VIOLATES = "violates";

/** With a job, where the controller crashes. */
export const KILLS = "kills";

export const VIOLATION: Violation = {
  invariant: "I1",
  atMs: 847_000,
  what: "machine i-7 was ended while job build-3 ran there",
  machine: "i-7",
  job: "build-3",
  timeline: ["0:10:02.000 [i-7, build-3] job build-3 was acquired", "0:14:07.000 [i-7] ended by the controller"],
  explanation: ["it is busy", "2026-01-05T08:14:06.500Z github: its runner is not busy"],
};

export function resultFor(seed: number, given: Partial<WorldResult> = {}): WorldResult {
  return {
    scenario: "storm",
    seed,
    algorithm: "holdfast",
    jobs: {
      total: 10 * seed,
      succeeded: 9 * seed,
      cancelled: seed,
      killedByUs: 0,
      lostForced: 0,
      lostByWorld: 0,
      open: 0,
      delays: 1,
      waitSeconds: { p50: seed, p95: 10 * seed, p99: 20 * seed, max: 100 * seed },
    },
    machines: {
      launched: 1_200 * seed,
      max: seed,
      strayMax: 0,
      leaked: 0,
      leakedMinutes: 0,
      idleMinutes: 4.5,
      busyMinutes: 30,
      paidMinutes: 34.5,
      retiredByProof: { parked: seed },
    },
    ghosts: { created: 2, leftover: 0 },
    calls: { github: { "list-runners": 3, mint: seed }, provider: { launch: 2 } },
    faults: { "controller.crash": seed },
    violations: [],
    simulatedHours: 8,
    machineHours: 2.5,
    events: 1_000,
    digest: `d${seed}`.padEnd(64, "0"),
    ...given,
  };
}

export const runWorld: RunWorld = async (scenario, { seed, onEvent }) => {
  if (scenario.name.includes(DIES) && seed === 2) process.abort();
  if (scenario.name.includes(BREAKS) && seed === 2) throw new Error("the world fell over");
  onEvent?.({ atMs: 500, text: "job build was queued", subjects: ["build"] });
  const [, needed = null] = /violates under (\S+)/.exec(scenario.name) ?? [];
  const hasNeeded = needed === null || scenario.faults.some(({ kind }) => kind === needed);
  const isBroken = (scenario.name.includes(VIOLATES) && hasNeeded) || scenario.algorithm === "ledger-reaper";
  const own = { scenario: scenario.name, algorithm: scenario.algorithm, violations: isBroken ? [VIOLATION] : [] };
  const { jobs, ...rest } = resultFor(seed, own);
  const isKilling = scenario.name.includes(KILLS) && scenario.faults.some(({ kind }) => kind === "controller.crash");
  return { ...rest, jobs: { ...jobs, killedByUs: isKilling ? 1 : 0 } };
};
