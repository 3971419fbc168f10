/**
 * Ends a machine: writes its tombstone, freezes and kills its processes, closes its folder, looks again, removes all.
 *
 * The processes are frozen (SIGSTOP, which none can catch) until a look shows no new one, and only then killed: so none
 * starts another behind our back, the launcher no new agent, and a child whose environment was cleared is found by its
 * parent while that still lives. A crash in between leaves frozen processes, which the next listing lets go on
 * (`thaw.ts`); the permit's row stays `retiring`, and the repeated call goes on.
 */
import { HoldfastError, ProviderError } from "../../domain/errors.ts";
import type { MachineId } from "../../domain/ids.ts";
import { MachinePermit } from "../../domain/permit.ts";
import { DAY_MS, SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Places } from "./folders.ts";
import { demandMachineId } from "./list.ts";
import { identityOf, type ProcessEntry, type ProcessTable } from "./process-table.ts";
import { closeFolder, forgetTombstones, removeRemains, retryRemains, writeTombstone } from "./remove-folder.ts";
import type { Roster } from "./roster.ts";
import { isDiskFull, toProviderError } from "./system-errors.ts";
import { makeSharedFolders } from "./write-folder.ts";

const KILL_LIMIT_MS = 10 * SECOND_MS;
const LOOK_COUNT_MAX = 200;
/** Looks that may be spent on freezing; what still grows then is killed as it is. */
const FREEZE_COUNT_MAX = 20;
const LOOK_PAUSE_MS = 20;
/** No launch call is under way for so long. */
const TOMBSTONE_LIFE_MS = DAY_MS;

export interface TerminateContext {
  readonly places: Places;
  readonly roster: Roster;
  readonly table: ProcessTable;
  readonly clock: Clock;
  /** What is being ended, for as long as the call lasts. */
  readonly ending: Set<MachineId>;
}

export async function terminateMachine(context: TerminateContext, permit: MachinePermit): Promise<void> {
  demandPermit(permit, context.clock.nowMs());
  const machineId = demandMachineId(permit.providerId);
  const { places, clock, ending } = context;
  ending.add(machineId);
  try {
    await bury(places, machineId);
    await endProcesses(context, machineId);
    await closeFolder(places, machineId);
    await endProcesses(context, machineId);
    await removeRemains(places, machineId);
    await retryRemains(places);
    await forgetTombstones(places, clock.nowMs() - TOMBSTONE_LIFE_MS);
  } catch (error) {
    throw toProviderError(error, `ending machine ${machineId}`);
  } finally {
    ending.delete(machineId);
  }
}

function demandPermit(permit: MachinePermit, nowMs: number): void {
  if (!MachinePermit.isMade(permit))
    throw new HoldfastError("permit-stale", "ending a machine with what is not a permit");
  if (nowMs >= permit.expiresAtMs)
    throw new HoldfastError("permit-stale", `ending machine ${permit.machineId} with a permit that has expired`);
}

/** A full disk must not keep us from ending what fills it; the folder's closing stops a late launcher as well. */
async function bury(places: Places, machineId: MachineId): Promise<void> {
  try {
    await makeSharedFolders(places);
    await writeTombstone(places, machineId);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

/** Returns once a look that began in here finds no process of the machine. */
async function endProcesses(context: TerminateContext, machineId: MachineId): Promise<void> {
  const { roster, table, clock } = context;
  const untilMs = clock.monotonicMs() + KILL_LIMIT_MS;
  const frozen = new Set<string>();
  let left: readonly ProcessEntry[] = [];
  for (let lookCount = 0; lookCount < LOOK_COUNT_MAX && clock.monotonicMs() < untilMs; lookCount += 1) {
    left = (await roster.look()).get(machineId) ?? [];
    if (left.length === 0) return;
    const unfrozen = left.filter((entry) => !frozen.has(identityOf(entry)));
    if (unfrozen.length > 0 && lookCount < FREEZE_COUNT_MAX) {
      for (const entry of unfrozen) table.signal(entry, "SIGSTOP");
      for (const entry of unfrozen) frozen.add(identityOf(entry));
    } else {
      for (const entry of left) table.signal(entry, "SIGKILL");
      await clock.sleep(LOOK_PAUSE_MS);
    }
  }
  const pids = left.map((entry) => entry.pid).join(", ");
  throw new ProviderError("provider-unavailable", `ending the processes of machine ${machineId}: ${pids} still run`);
}
