/** What no controller can know any more after its store was put back, whatever it does: nobody is judged by it. */
import type { MachineId } from "../../domain/ids.ts";
import type { Runner } from "../github/state.ts";
import type { WorldDatabase } from "./database.ts";
import type { Faults } from "./faults.ts";
import type { ProviderModel } from "./provider.ts";

/** The parts of a world that it takes to tell. */
interface Remains {
  readonly faults: Faults;
  readonly database: WorldDatabase | null;
  readonly provider: ProviderModel;
  /** By their provider's ids. */
  readonly machineIds: ReadonlyMap<string, MachineId>;
}

/**
 * A store that was restored has forgotten whose registration it is. One that nobody has seen online is kept for a day by the
 * contract, which is longer than anybody waits here.
 */
export function isForgotten({ faults, database }: Remains, { name, sessionId }: Runner): boolean {
  if (database === null || sessionId !== null || faults.counts["controller.restore"] === undefined) return false;
  return database.read("select id from tickets where runner_name = ?", name).length === 0;
}

/**
 * Machines that are dead, with their marks taken off by somebody, and of a store that was restored to before them: nothing is
 * left by which anybody could know that they are ours. By their provider's ids.
 */
export function findUnfindable({ provider, faults, database, machineIds }: Remains): readonly string[] {
  const { "provider.marks-lost": unmarkedCount, "controller.restore": restoredCount } = faults.counts;
  if (database === null || unmarkedCount === undefined || restoredCount === undefined) return [];
  return [...provider.hosts.values()]
    .map((host) => host.truth())
    .filter(({ isUp }) => !isUp)
    .map(({ providerId }) => providerId)
    .filter((id) => database.read("select id from machines where id = ?", machineIds.get(id) ?? "").length === 0);
}
