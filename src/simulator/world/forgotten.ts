/** What no controller can know any more after its store was put back, whatever it does: nobody is judged by it. */
import { NOWHERE } from "../../domain/adoption.ts";
import type { MachineId } from "../../domain/ids.ts";
import type { Runner } from "../github/state.ts";
import type { WorldDatabase } from "./database.ts";
import type { Faults } from "./faults.ts";
import type { ProviderModel } from "./provider.ts";

interface Remembering {
  readonly provider: ProviderModel;
  readonly faults: Faults;
  readonly database: WorldDatabase | null;
  /** By their provider's ids. */
  readonly machineIds: ReadonlyMap<string, MachineId>;
}

/**
 * A store that was restored has forgotten whose registration it is, or knows its ticket by a host's word alone, which does not
 * say at which place it is. One that no machine speaks for any more is kept for a day by the contract, which is longer than
 * anybody waits here.
 */
export function isForgotten(
  { faults, database, provider }: Pick<Remembering, "faults" | "database" | "provider">,
  { name }: Runner,
): boolean {
  if (database === null || faults.counts["controller.restore"] === undefined) return false;
  if ([...provider.hosts.values()].some((host) => host.truth().runner?.runnerName === name)) return false;
  const known = "select id from tickets where runner_name = ? and connection <> ?";
  return database.read(known, name, NOWHERE.connection).length === 0;
}

/**
 * Machines that are dead, and of which nothing is left by which anybody could know that they are ours: their marks were taken
 * off and the store was restored to before them, or they were taken out of their group before they had a mark or a row. By
 * their providers' ids.
 */
export function findUnfindable({ provider, faults, database, machineIds }: Remembering): readonly string[] {
  if (database === null) return [];
  const { "provider.marks-lost": unmarkedCount, "controller.restore": restoredCount } = faults.counts;
  const areForgotten = unmarkedCount !== undefined && restoredCount !== undefined;
  const unmarked = new Set(provider.unmarkedIds);
  return [...provider.hosts.values()]
    .map((host) => host.truth())
    .filter(({ isUp, providerId }) => !isUp && (areForgotten || unmarked.has(providerId)))
    .map(({ providerId }) => providerId)
    .filter((id) => {
      const name = machineIds.get(id) ?? "";
      return database.read("select id from machines where id = ? or provider_id = ?", name, id).length === 0;
    });
}

/** By which the store knows a machine that it has adopted, whatever it was started as; null where it has no row of it. */
export function nameOfRow({ database }: Pick<Remembering, "database">, providerId: string): string | null {
  const rows = database?.read("select id from machines where provider_id = ?", providerId) ?? [];
  return rows[0] === undefined ? null : String(rows[0].id);
}
