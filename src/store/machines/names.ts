import type { MachineId, ProviderId } from "../../domain/ids.ts";
import { readInChunks } from "../chunks.ts";
import type { Queryable } from "../schema.ts";

/** Which machine each of the provider's ids is, gone ones included; ids without a row are left out. The newest row counts. */
export async function nameProviderIds(
  db: Queryable,
  ids: readonly ProviderId[],
): Promise<ReadonlyMap<ProviderId, MachineId>> {
  const rows = await readInChunks(ids, (some) =>
    db
      .selectFrom("machines")
      .select(["id", "provider_id"])
      .where("provider_id", "in", some)
      .orderBy("created_ms")
      .orderBy("id")
      .execute(),
  );
  return new Map(rows.map(({ id, provider_id }) => [provider_id as ProviderId, id as MachineId]));
}
