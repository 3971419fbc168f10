/**
 * Lists machines. What a machine's state means here:
 *
 *     running   a process of it lives
 *     starting  its folder is there, no launcher claimed it, none of its processes lives
 *     dead      its folder or remains are there and closed to launchers, and two looks at the processes, both begun after
 *               that was seen, found none of it
 *     gone      no folder, then two looks without a process, then still no folder
 *
 * The folders are read first, then the processes. So a machine that was launched in between can only be taken for `starting`
 * or `running`, and `dead` and `gone` need two looks, because one look at a table that changes under it can miss a
 * process that moves (a parent that ends once its child runs).
 */
import { ProviderError } from "../../domain/errors.ts";
import { type MachineId, type PoolName, type ProviderId, parseProviderId } from "../../domain/ids.ts";
import type { ObservedMachine, ProviderState } from "../../domain/observed.ts";
import type { Clock } from "../../ports/clock.ts";
import { type FolderFacts, isMachineId, listFolders, type Places, readFolder } from "./folders.ts";
import { mapParallel } from "./parallel.ts";
import type { Roster } from "./roster.ts";
import { toProviderError } from "./system-errors.ts";

/** Between the two looks: longer than it takes to replace a process by another program. */
const LOOK_PAUSE_MS = 20;
const READS_AT_ONCE = 16;

type Folders = ReadonlyMap<MachineId, FolderFacts | null>;

export interface ListContext {
  readonly places: Places;
  readonly roster: Roster;
  readonly clock: Clock;
  readonly pool: PoolName;
}

export async function listMachines(
  context: ListContext,
  which: "all" | readonly ProviderId[],
): Promise<readonly ObservedMachine[]> {
  try {
    return which === "all" ? await listAll(context) : await listById(context, which.map(demandMachineId));
  } catch (error) {
    throw toProviderError(error, `listing the machines in ${context.places.root}`);
  }
}

async function listById(context: ListContext, ids: readonly MachineId[]): Promise<readonly ObservedMachine[]> {
  const observedAtMs = context.clock.nowMs();
  const before = await readFolders(context.places, ids);
  const running = await findRunning(context, before);
  const absent = ids.filter((id) => before.get(id) === null && !running.has(id));
  const after = await readFolders(context.places, absent);
  return ids.map((id) => {
    const folder = before.get(id) ?? after.get(id) ?? null;
    return observe(id, folder, judge(before.get(id) ?? null, folder, running.has(id)), observedAtMs);
  });
}

/** A machine of another pool is not shown; one whose pool is unknown is shown by the provider of every pool. */
async function listAll(context: ListContext): Promise<readonly ObservedMachine[]> {
  const observedAtMs = context.clock.nowMs();
  const before = await readFolders(context.places, await listFolders(context.places));
  const running = await findRunning(context, before);
  const unlisted = [...running].filter((id) => !before.has(id));
  // Launched since, perhaps for another pool; or its folder was removed by somebody else.
  const after = await readFolders(context.places, unlisted);
  return [...before.keys(), ...unlisted].flatMap((id) => {
    const folder = before.get(id) ?? after.get(id) ?? null;
    if (folder !== null && folder.pool !== null && folder.pool !== context.pool) return [];
    const state = judge(before.get(id) ?? null, folder, running.has(id));
    // A folder that went away between its listing and its reading, without a process: it was ended meanwhile.
    return state === "gone" ? [] : observe(id, folder, state, observedAtMs);
  });
}

/** @param before the folder before the looks at the processes. @param latest that one, or else what came to be since. */
function judge(before: FolderFacts | null, latest: FolderFacts | null, isRunning: boolean): ProviderState {
  if (isRunning) return "running";
  if (before?.isClosed === true) return "dead";
  return latest === null ? "gone" : "starting";
}

/** Looks a second time where the first would make a machine dead or gone; what either look finds is running. */
async function findRunning(context: ListContext, before: Folders): Promise<ReadonlySet<MachineId>> {
  const first = await context.roster.look();
  const isInDoubt = [...before].some(([id, folder]) => !first.has(id) && folder?.isClosed !== false);
  if (!isInDoubt) return new Set(first.keys());
  await context.clock.sleep(LOOK_PAUSE_MS);
  const second = await context.roster.look();
  return new Set([...first.keys(), ...second.keys()]);
}

async function readFolders(places: Places, ids: readonly MachineId[]): Promise<Folders> {
  const facts = await mapParallel(ids, READS_AT_ONCE, async (id) => [id, await readFolder(places, id)] as const);
  return new Map(facts);
}

function observe(
  machineId: MachineId,
  folder: FolderFacts | null,
  state: ProviderState,
  observedAtMs: number,
): ObservedMachine {
  const { launchId, pool } = folder ?? { launchId: null, pool: null };
  return { providerId: parseProviderId(machineId), machineId, launchId, pool, state, observedAtMs };
}

/** Another provider's id, an instance's for example, can be gone in no listing of ours: that would be no positive word. */
export function demandMachineId(providerId: ProviderId): MachineId {
  const text: string = providerId;
  if (isMachineId(text)) return text;
  throw new ProviderError("provider-unavailable", `looking for ${text}, which does not name a process machine`);
}
