/** Runs a world, with the adapter that it needs, if any: a module of its own, so that other processes load it by its name. */
import type { AdapterPorts } from "../../simulator/provider/make-provider.ts";
import type { RunWorld } from "../../simulator/scenario/run-world.ts";
import type { ProviderWorld } from "../../simulator/scenario/scenario.ts";
import { runWorld as runIn } from "../../simulator/world/run.ts";

export const runWorld: RunWorld = async (scenario, options) =>
  runIn(scenario, { ...options, ...(await loadAdapter(scenario.provider)) });

async function loadAdapter(provider: ProviderWorld): Promise<AdapterPorts> {
  switch (provider) {
    case "kubernetes":
      return { makePodPort: (await import("./pod-port.ts")).makePodPort };
    case "asg":
      return { makeGroupPort: (await import("./group-port.ts")).makeGroupPort };
    default:
      return {};
  }
}
