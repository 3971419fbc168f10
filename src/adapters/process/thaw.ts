/**
 * An ending freezes a machine's processes before it kills them, and a controller that dies in between leaves them frozen.
 * The next one may not simply go on with the kill: the permit died as well, and a new one may need the word of the very
 * agent that stands still. So what nobody is ending goes on, its agent speaks, and the machine ends by a permit again.
 */
import type { MachineId, PoolName } from "../../domain/ids.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import type { Places } from "./folders.ts";
import type { ProcessTable } from "./process-table.ts";
import { hasTombstone } from "./remove-folder.ts";
import type { Roster } from "./roster.ts";
import { toProviderError } from "./system-errors.ts";

export interface ThawContext {
  readonly places: Places;
  readonly roster: Roster;
  readonly table: ProcessTable;
  /** Of another pool's machines another provider knows whether it is ending them. */
  readonly pool: PoolName;
  /** What this provider is ending now. */
  readonly ending: ReadonlySet<MachineId>;
}

/** Only a machine with a tombstone was ever frozen by us. A process that runs does not notice. */
export async function thawCutOff(context: ThawContext, observed: readonly ObservedMachine[]): Promise<void> {
  try {
    await thaw(context, observed);
  } catch (error) {
    throw toProviderError(error, `looking for endings in ${context.places.root} that were cut off`);
  }
}

async function thaw(context: ThawContext, observed: readonly ObservedMachine[]): Promise<void> {
  const isCutOff = (id: MachineId) => hasTombstone(context.places, id) && !context.ending.has(id);
  // Where a job spoiled what says whose it is, nobody else would see to it.
  const isOurs = (pool: PoolName | null) => pool === null || pool === context.pool;
  const ids = observed.flatMap(({ machineId, pool, state }) =>
    machineId !== null && isOurs(pool) && state === "running" && isCutOff(machineId) ? [machineId] : [],
  );
  if (ids.length === 0) return;
  const members = await context.roster.look();
  for (const id of ids) {
    // Its ending may have begun during the look.
    if (context.ending.has(id)) continue;
    // The youngest first: an agent that had its listener fenced must not find it still stopped, and kill it, just before
    // it is resumed.
    for (const entry of [...(members.get(id) ?? [])].reverse()) context.table.signal(entry, "SIGCONT");
  }
}
