/** A pool that left the configuration, as it is told of. */
import type { PoolPolicy } from "../../domain/pool.ts";
import type { PoolRemains } from "../../store/pools/remains.ts";

export interface DepartedPool {
  readonly policy: PoolPolicy;
  /** What has not come to its end; null before it was counted. */
  readonly remains: PoolRemains | null;
  /** Its connection left the configuration too. */
  readonly isUnconnected: boolean;
}

/** What keeps it from draining by itself, each with its mend; none where it only takes its time. */
export function describeDeparture({ policy, remains, isUnconnected }: DepartedPool): readonly string[] {
  const { name, connection, mode } = policy;
  const problems: string[] = [];
  if (mode === "observe" && (remains?.machineCount ?? 1) > 0)
    problems.push(
      `pool ${name} left the configuration while it only observed, so none of its machines is ended: put it back with \`mode: run\`, and take it out again`,
    );
  const owed = (remains?.registrationCount ?? 1) + (remains?.liveTicketCount ?? 0);
  if (isUnconnected && owed > 0)
    problems.push(
      `pool ${name} left the configuration, and connection ${connection} with it: its registrations at GitHub cannot be deleted, and idle runners not be taken back; put connection ${connection} back under \`github\` until the pool is drained`,
    );
  return problems;
}
