/** Looks at the processes of a controller's machines, and remembers from look to look which were found. */
import type { ControllerId, MachineId } from "../../domain/ids.ts";
import { attributeProcesses, type Members } from "./ownership.ts";
import { identityOf, type ProcessTable } from "./process-table.ts";
import { toProviderError } from "./system-errors.ts";

export interface Roster {
  /**
   * The living processes of each machine; machines without any are not in it. Everything that it says was so after the
   * call began.
   * @throws {ProviderError} `provider-unavailable` where any part of the table could not be read.
   */
  look(): Promise<Members>;
}

export function createRoster(table: ProcessTable, controllerId: ControllerId): Roster {
  let known: ReadonlyMap<string, MachineId> = new Map();
  return {
    async look() {
      const entries = await table.read().catch((error: unknown) => {
        throw toProviderError(error, "reading the process table");
      });
      const members = attributeProcesses(entries, { controllerId, ownPid: process.pid, known });
      known = new Map(
        [...members].flatMap(([machineId, group]) => group.map((entry) => [identityOf(entry), machineId] as const)),
      );
      return members;
    },
  };
}
