/**
 * Which machine an instance is that does not say so itself, or says so of another. A call that starts several machines
 * gives them all the same marks; which is which is decided when the answer is bound, and the store alone knows it.
 */
import type { LaunchId, MachineId, ProviderId } from "../../domain/ids.ts";
import { type Machine, providerIdOf } from "../../domain/machine.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import { strayMachineId } from "../../domain/stray.ts";
import { loadLaunch } from "../../store/launches/load.ts";
import { loadMachines } from "../../store/machines/load.ts";
import { nameProviderIds } from "../../store/machines/names.ts";
import type { PoolContext } from "../context.ts";

/**
 * A machine of a launch whose answer is still to come stays without a name: the repeated call binds it. One of a launch
 * that is over and of which no row tells is a stray, named after the provider's id, so that each look finds it again. So is
 * one under the marks of a machine that is another by its row: somebody made it anew, and what it does says nothing of that.
 *
 * The launches are read before the rows: what is bound after that was bound by a launch that was open then.
 * @param rows as they were before the listing: those that agree with it need no other look.
 */
export async function nameMachines(
  { store }: PoolContext,
  listing: readonly ObservedMachine[],
  rows: ReadonlyMap<MachineId, Machine>,
): Promise<readonly ObservedMachine[]> {
  const doubtful = listing.filter(({ machineId, providerId }) => boundTo(rows, machineId) !== providerId);
  if (doubtful.length === 0) return listing;
  const open = new Set<LaunchId>();
  const nameless = doubtful.filter(({ machineId }) => machineId === null);
  for (const launchId of new Set(nameless.flatMap((observed) => observed.launchId ?? [])))
    if ((await loadLaunch(store.db, launchId))?.state === "open") open.add(launchId);
  const names = await nameProviderIds(
    store.db,
    doubtful.map(({ providerId }) => providerId),
  );
  const marked = await loadMachines(
    store.db,
    doubtful.flatMap(({ machineId }) => machineId ?? []),
  );
  return listing.map((observed) => {
    const { machineId, providerId, launchId } = observed;
    if (boundTo(rows, machineId) === providerId) return observed;
    const known = names.get(providerId);
    if (known !== undefined) return { ...observed, machineId: known };
    if (machineId !== null && (boundTo(marked, machineId) ?? providerId) === providerId) return observed;
    const isAwaited = machineId === null && launchId !== null && open.has(launchId);
    return isAwaited ? observed : { ...observed, machineId: strayMachineId(providerId) };
  });
}

/** What the provider calls a machine by its row; null where that says nothing, or that it is gone: a name can come back. */
function boundTo(rows: ReadonlyMap<MachineId, Machine>, machineId: MachineId | null): ProviderId | null {
  const row = machineId === null ? undefined : rows.get(machineId);
  return row === undefined || row.state.kind === "gone" ? null : providerIdOf(row);
}
