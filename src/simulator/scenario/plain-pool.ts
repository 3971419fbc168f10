/** One pool of an organization with no wishes: what simulated pools that nobody wrote down begin with. */
import { parseConnectionName, parsePoolName } from "../../domain/ids.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import { HOUR_MS, MINUTE_MS } from "../../domain/units.ts";

export const PLAIN_POOL: PoolPolicy = {
  name: parsePoolName("linux"),
  connection: parseConnectionName("main"),
  scope: { kind: "organization", organization: "acme" },
  acceptRepositories: null,
  labels: ["self-hosted", "linux", "x64"],
  runnerGroup: "Default",
  requiredLabels: [],
  priority: 0,
  mode: "run",
  machineCountMax: 80,
  jobsPerMachine: 1,
  warmParkedCount: 0,
  warmStoppedCount: 0,
  warmRegisteredCount: 0,
  readyTicketCount: 0,
  maxAgeMs: null,
  deadlines: {
    bootMs: 5 * MINUTE_MS,
    onlineMs: 2 * MINUTE_MS,
    idleTicketMs: 2 * MINUTE_MS,
    lostHostMs: 20 * MINUTE_MS,
    unknownMs: HOUR_MS,
  },
  rerun: null,
  settingsHash: "simulated",
};
