/** Runs a world, with the adapter that a world of pods needs: a module of its own, so that other processes load it by its name. */
import type { RunWorld } from "../../simulator/scenario/run-world.ts";
import { runWorld as runIn } from "../../simulator/world/run.ts";

export const runWorld: RunWorld = async (scenario, options) => {
  const makePodPort = scenario.provider === "kubernetes" ? (await import("./pod-port.ts")).makePodPort : null;
  return runIn(scenario, { ...options, makePodPort });
};
