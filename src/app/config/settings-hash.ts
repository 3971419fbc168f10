import { createHash } from "node:crypto";
import type { AsgProviderConfig, ProviderConfig, RunnerConfig } from "./config.ts";

/**
 * Everything that a machine is made from: one that was made from other settings is replaced when it is parked. Labels,
 * runner group and scope belong to a registration, which is made anew for each job; how many jobs a machine runs is counted
 * by the store. A change of those costs no machine.
 */
export interface MachineSettings {
  readonly runner: RunnerConfig;
  readonly provider: MadeFrom;
  /** Where its agent reaches us. */
  readonly agentsUrl: string;
  /** What its agent speaks: we serve the present version and the one before, so no machine may fall behind by two. */
  readonly protocolVersion: number;
}

/** Of a group: which it is. What its machines are made from, it alone knows. */
export type MadeFrom =
  | Exclude<ProviderConfig, AsgProviderConfig>
  | Pick<AsgProviderConfig, "kind" | "region" | "group">;

const HASH_LENGTH = 16;

/** The order of keys does not count. */
export function hashSettings(settings: MachineSettings): string {
  const canonical = JSON.stringify(sortKeys(settings));
  return createHash("sha256").update(canonical).digest("hex").slice(0, HASH_LENGTH);
}

function sortKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}
