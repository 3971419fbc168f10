/**
 * What a command or an open page costs the server: every read of the operator API, and the status page's data, over a store
 * with 5,000 machines and 20,000 jobs, a day of their history and 15,000 ended machines. Measured inside the process, without the network.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/adapters/system/clock.ts";
import { parseControllerId, parseMachineId } from "../src/domain/ids.ts";
import { SECOND_MS } from "../src/domain/units.ts";
import { createOperatorApp } from "../src/http/operators/app.ts";
import { readSafety } from "../src/http/operators/read-safety.ts";
import type { OperatorSources } from "../src/http/operators/sources.ts";
import { readStatusPage } from "../src/http/pages/read-page.ts";
import { openStore, type Store } from "../src/store/store.ts";
import { withForetelling } from "../test/http/foretold-fleet.ts";
import { recordTelemetry, recordWakes } from "../test/http/stand-ins.ts";
import { type Aim, type Bench, type BenchOptions, type Figure, median, rounded } from "./bench.ts";
import { CONNECTION, fillStore, JOBS, MACHINES, POOLS, poolPolicy } from "./reading/stored-fleet.ts";

const COMMAND_MS_MAX = 300;
const PAGE_MS_MAX = 100;
const NOW_MS = Date.parse("2026-08-19T16:10:00.000Z");
const EVERYONE = { name: "everyone", role: "operator", token: null } as const;

/** What each command asks of the server. */
const READS = {
  status: "/api/v1/status",
  jobs: "/api/v1/jobs",
  "jobs, those that wait": "/api/v1/jobs?status=queued&limit=1000",
  machines: "/api/v1/machines",
  "machines, ended ones included": "/api/v1/machines?all=true&limit=1000",
  pools: "/api/v1/pools",
  "top, the fleet at one look": "/api/v1/fleet",
  plan: "/api/v1/plan",
  "plan, a thousand steps of a pool": `/api/v1/plan/${POOLS[0]}?limit=1000`,
  "export, with all that waits explained": "/api/v1/export",
  "explain a job that waits": "/api/v1/explain/20000",
  "explain a job that is over": "/api/v1/explain/1000",
  "explain a machine": `/api/v1/explain/${parseMachineId("m-00016000")}`,
  "explain a machine that is gone": `/api/v1/explain/${parseMachineId("m-00001000")}`,
  "explain a runner's name": "/api/v1/explain/hf-ci-t-00016000",
  "explain a pool": `/api/v1/explain/${POOLS[0]}`,
  "explain why nothing starts": "/api/v1/explain",
  logs: "/api/v1/logs/1000",
  deliveries: "/api/v1/deliveries",
  safety: "/api/v1/safety",
} as const;

/** What a page that is kept open is read from. */
const PAGES = {
  "the page's data: now": readStatusPage,
  "the page's data: safety": readSafety,
} as const;

export const reading: Bench = {
  name: "reading",
  work: `read a store with ${MACHINES.toLocaleString("en")} machines and ${JOBS.toLocaleString("en")} jobs: server time of each command's read`,
  run: async (options) => {
    const directory = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
    const store = await openStore(`sqlite:${join(directory, "holdfast.db")}`);
    try {
      options.note("writing the store");
      await fillStore(store, NOW_MS);
      const sources = sourcesOver(store);
      const app = createOperatorApp({
        operators: [EVERYONE],
        sources,
        telemetry: recordTelemetry(),
        wake: recordWakes(),
      });
      const figures: Figure[] = [];
      const aims: Aim[] = [];
      for (const [what, path] of Object.entries(READS)) {
        const measured = await measure(options, async () => {
          const response = await app.request(path);
          if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
          await response.arrayBuffer();
        });
        figures.push({ what, ours: measured, unit: "ms" });
        aims.push({ what, most: COMMAND_MS_MAX, measured });
      }
      for (const [what, read] of Object.entries(PAGES)) {
        const measured = await measure(options, async () => {
          await read(sources);
        });
        figures.push({ what, ours: measured, unit: "ms" });
        aims.push({ what, most: PAGE_MS_MAX, measured });
      }
      figures.push({ what: "statements of the page", ours: await countStatements(directory) });
      return { figures, aims };
    } finally {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

/** However many machines and jobs there are, it is as many. */
async function countStatements(directory: string): Promise<number> {
  const telemetry = recordTelemetry();
  const store = await openStore(`sqlite:${join(directory, "holdfast.db")}`, { clock: systemClock(), telemetry });
  try {
    const sources = sourcesOver(store);
    const queries = () => telemetry.durationsMs.get("holdfast_store_seconds operation=query")?.length ?? 0;
    const before = queries();
    await readStatusPage(sources);
    return queries() - before;
  } finally {
    await store.close();
  }
}

/**
 * The median of some rounds, after one that fills what is kept between them: the process's own time, for a read of the store blocks
 * until it is over, and what else this machine does is no business of the server's.
 */
async function measure({ rounds }: BenchOptions, read: () => Promise<void>): Promise<number> {
  await read();
  const times: number[] = [];
  for (let count = 0; count < rounds; count += 1) {
    const before = process.cpuUsage();
    await read();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1_000);
  }
  return rounded(median(times), 1);
}

function sourcesOver(store: Store): OperatorSources {
  const sources: OperatorSources = {
    controllerId: parseControllerId("ci-bench"),
    version: "0.1.0",
    startedAtMs: NOW_MS,
    pools: POOLS.map(poolPolicy),
    store,
    clock: { nowMs: () => NOW_MS, monotonicMs: () => NOW_MS, sleep: async () => {} },
    readHealth: () => ({ isReady: true, problems: [], controllers: [] }),
    readConnections: () => [
      { name: CONNECTION, demand: "webhooks", budgets: [], repositoryCount: 300, lookedAtMs: NOW_MS, troubles: [] },
    ],
    heardAtMs: () => NOW_MS - SECOND_MS,
    heardSinceMs: () => 0,
    providerState: () => "running",
  };
  return withForetelling(sources, store, () => true);
}
