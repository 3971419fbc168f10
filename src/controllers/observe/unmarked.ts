/**
 * Machines that no listing shows and no row knows, and whose agents speak to us all the same: somebody took off what marks
 * them as ours, or took them out of their group, before they were seen. Their own providers still know them by their ids.
 */
import { ProviderError } from "../../domain/errors.ts";
import type { ProviderId } from "../../domain/ids.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import type { PoolContext } from "../context.ts";
import { nameMachines } from "./names.ts";

/**
 * Who comes to a group that the pool has left speaks to us too, if its image has our agent, and so does who comes to one
 * that another pool only observes: ended, it would be followed by the next.
 *
 * @param listing complete. @returns those that are there, and not another pool's by their marks, nor somebody else's.
 */
export async function findUnmarked(
  context: PoolContext,
  listing: readonly ObservedMachine[],
): Promise<readonly ObservedMachine[]> {
  // A provider that is asked by id marks again what it finds without our marks, and nothing would be adopted.
  if (context.pool.mode === "observe") return [];
  const shown = new Set(listing.map(({ providerId }) => providerId));
  const ids = context.hearing.listRowless().filter((id) => !shown.has(id));
  const found = (await Promise.all(ids.map((id) => read(context, id)))).flat();
  const ours = found.filter(({ pool, needsRow }) => (pool === null || pool === context.pool.name) && needsRow !== true);
  return nameMachines(context, ours, new Map());
}

/** Where it cannot be asked for, or is of another kind, its agent speaks again. */
async function read({ provider }: PoolContext, id: ProviderId): Promise<readonly ObservedMachine[]> {
  try {
    return await provider.list([id]);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return [];
  }
}
