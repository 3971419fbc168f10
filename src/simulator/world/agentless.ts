/**
 * Members of a group as which no agent of ours was ever heard: what runs there may be somebody else's, so the contract keeps
 * them until their group or an operator ends them (`no-agent`), and nobody is judged by one that never came up.
 */
import type { MachineId } from "../../domain/ids.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import type { WorldDatabase } from "./database.ts";
import type { Faults } from "./faults.ts";
import type { ProviderModel } from "./provider.ts";

interface Groups {
  readonly provider: Pick<ProviderModel, "hosts" | "earlierIds">;
  readonly faults: Pick<Faults, "counts">;
  readonly database: Pick<WorldDatabase, "read"> | null;
}

const NO_AGENT: ReasonCode = "no-agent";

/**
 * Only of those that were there before anybody of ours looked, or before the store was put back: whoever came later should
 * have an agent. And only where an operator is told.
 * @returns the ids of their rows, by their provider's.
 */
export function findAgentless({ provider, faults, database }: Groups): ReadonlyMap<string, MachineId> {
  const { hosts, earlierIds } = provider;
  if (database === null || earlierIds === undefined) return new Map();
  const isRestored = faults.counts["controller.restore"] !== undefined;
  const found = [...hosts.values()]
    .map((host) => host.truth())
    .filter(({ isUp, providerId }) => !isUp && (isRestored || earlierIds.has(providerId)))
    .map(({ providerId }) => [providerId, database.read(TOLD, providerId, NO_AGENT)[0]?.id] as const);
  return new Map(
    found.flatMap(([providerId, id]) => (id === undefined ? [] : [[providerId, String(id) as MachineId]])),
  );
}

/** A row as which nobody spoke, and whose last decision says why it is kept. */
const TOLD = `
  select id from machines
  where provider_id = ? and state <> 'gone' and incarnation is null
    and ? = (
      select reason from decisions
      where subject_kind = 'machine' and subject_id = machines.id
      order by decisions.id desc limit 1
    )`;
