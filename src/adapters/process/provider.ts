/**
 * Machines that are process trees on the controller's own host: a launcher, an agent and its runner, in a folder each, all
 * marked by an environment variable that they inherit.
 *
 * Whose word it is: only a controller on the same host and in the same process namespace sees these machines. Another
 * host, or another container, finds neither folder nor process and would call them gone: such a pool must have one
 * controller only, in one place. And no border between jobs: a machine's jobs run as the controller's user unless the agent
 * runs them as another; containers that a job starts are not seen and not ended.
 */
import { MARK_VARIABLE } from "../../domain/host/settings.ts";
import type { MachineId } from "../../domain/ids.ts";
import type { Provider } from "../../ports/provider.ts";
import { checkSettings } from "./check.ts";
import { placesOf } from "./folders.ts";
import { launchMachines } from "./launch.ts";
import { linuxProcesses } from "./linux-processes.ts";
import { listMachines } from "./list.ts";
import { macProcesses } from "./mac-processes.ts";
import type { ProcessProviderOptions } from "./options.ts";
import { createRoster } from "./roster.ts";
import { createVersionReader } from "./runner-version.ts";
import { terminateMachine } from "./terminate.ts";
import { thawCutOff } from "./thaw.ts";
import { demandVantage, ownVantage } from "./vantage.ts";

export { isMachineId } from "./folders.ts";
export type { ProcessProviderOptions } from "./options.ts";

export function createProcessProvider(options: ProcessProviderOptions): Provider {
  const { controllerId, pool, clock, runnerDirectory } = options;
  const places = placesOf(controllerId, options.workDirectory, options.sharedMemory);
  const ownTable = process.platform === "darwin" ? macProcesses : linuxProcesses;
  const table = options.processes ?? ownTable(MARK_VARIABLE);
  const roster = createRoster(table, controllerId);
  const ending = new Set<MachineId>();
  const vantage = options.vantage ?? ownVantage;
  return {
    launch: (request) => launchMachines(places, options, vantage, request),
    list: async (which) => {
      await demandVantage(places, await vantage());
      const observed = await listMachines({ places, roster, clock, pool }, which);
      await thawCutOff({ places, roster, table, pool, ending }, observed);
      return observed;
    },
    terminate: async (permit) => {
      await demandVantage(places, await vantage());
      return terminateMachine({ places, roster, table, clock, ending }, permit);
    },
    readRunnerVersion: createVersionReader(runnerDirectory),
    check: () => checkSettings({ places, roster, runnerDirectory }),
  };
}
