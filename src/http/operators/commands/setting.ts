/** What a command works with: it writes an intent and wakes who carries it out. */
import type { PoolName } from "../../../domain/ids.ts";
import type { OperatorMark } from "../../../domain/machine.ts";
import type { Telemetry } from "../../../ports/telemetry.ts";
import type { Wake } from "../../../ports/wake.ts";
import type { CommandAnswer } from "../answers.ts";
import type { OperatorSources } from "../sources.ts";

export interface CommandSetting {
  readonly sources: OperatorSources;
  readonly wake: Wake;
  readonly telemetry: Telemetry;
}

/** What was asked for; a refusal is an answer of its own. */
export type CommandOutcome = CommandAnswer | Response;

export type CommandName = CommandAnswer["command"];

/** Everything that heeds operators' words, in the order in which a datum passes it. */
const HEEDING = ["assign", "hand-back", "retire", "sweep"] as const;

export function wakeHeeding({ wake }: CommandSetting, pools: readonly PoolName[]): void {
  for (const pool of pools) for (const name of HEEDING) wake.controller(name, pool);
  // Waiting jobs are routed there.
  wake.controller("ingest", null);
}

export function markOf({ sources }: CommandSetting, operator: string, reason: string): OperatorMark {
  return { operator, reason, atMs: sources.clock.nowMs() };
}

export function configuredPools({ sources }: CommandSetting): readonly PoolName[] {
  return sources.pools.map((pool) => pool.name);
}

/** `by alice: disk looks odd`, for the record and for people. */
export function describeMark({ operator, reason }: OperatorMark): string {
  return reason === "" ? `by ${operator}` : `by ${operator}: ${reason}`;
}
