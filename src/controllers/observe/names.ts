/**
 * Which machine an instance is that does not say so itself. A call that starts several machines gives them all the same
 * marks; which is which is decided when the answer is bound, and the store alone knows it.
 */
import type { LaunchId } from "../../domain/ids.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import { strayMachineId } from "../../domain/stray.ts";
import { loadLaunch } from "../../store/launches/load.ts";
import { nameProviderIds } from "../../store/machines/names.ts";
import type { PoolContext } from "../context.ts";

/**
 * A machine of a launch whose answer is still to come stays without a name: the repeated call binds it. One of a launch
 * that is over and of which no row tells is a stray, named after the provider's id, so that each look finds it again.
 *
 * The launches are read before the rows: what is bound after that was bound by a launch that was open then.
 */
export async function nameMachines(
  { store }: PoolContext,
  listing: readonly ObservedMachine[],
): Promise<readonly ObservedMachine[]> {
  const nameless = listing.filter(({ machineId }) => machineId === null);
  if (nameless.length === 0) return listing;
  const open = new Set<LaunchId>();
  for (const launchId of new Set(nameless.flatMap((observed) => observed.launchId ?? [])))
    if ((await loadLaunch(store.db, launchId))?.state === "open") open.add(launchId);
  const names = await nameProviderIds(
    store.db,
    nameless.map(({ providerId }) => providerId),
  );
  return listing.map((observed) => {
    if (observed.machineId !== null) return observed;
    const known = names.get(observed.providerId);
    if (known !== undefined) return { ...observed, machineId: known };
    const isAwaited = observed.launchId !== null && open.has(observed.launchId);
    return isAwaited ? observed : { ...observed, machineId: strayMachineId(observed.providerId) };
  });
}
