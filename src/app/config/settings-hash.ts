import { createHash } from "node:crypto";
import type { ProviderConfig, RunnerConfig } from "./config.ts";

/** Everything that a machine is made from: one that was made from other settings is replaced when it is parked. */
export interface MachineSettings {
  readonly labels: readonly string[];
  readonly jobsPerMachine: number;
  readonly runner: RunnerConfig;
  readonly provider: ProviderConfig;
}

const HASH_LENGTH = 16;

/** The order of labels and keys does not count. */
export function hashSettings(settings: MachineSettings): string {
  const labels = [...settings.labels].sort();
  const canonical = JSON.stringify(sortKeys({ ...settings, labels }));
  return createHash("sha256").update(canonical).digest("hex").slice(0, HASH_LENGTH);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}
