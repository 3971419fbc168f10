/** Every controller with its period: the whole of what runs, in one table. */
import { SECOND_MS } from "../domain/units.ts";
import { assign } from "./assign.ts";
import { attend } from "./attend.ts";
import type { PoolContext, Surroundings } from "./context.ts";
import type { Controller } from "./driver.ts";
import { askAboutJobs } from "./execute/ask.ts";
import { launchMachines } from "./execute/launch.ts";
import { mintTickets } from "./execute/mint.ts";
import { ingest } from "./ingest.ts";
import { observe } from "./observe.ts";
import { forgetExpired, RETENTION_PERIOD_MS } from "./retention.ts";
import { retire } from "./retire.ts";
import { sweep } from "./sweep.ts";

/** Those that serve all pools. */
export function sharedControllers(context: Surroundings): readonly Controller[] {
  return [
    { name: "ingest", pool: null, periodMs: 5 * SECOND_MS, run: () => ingest(context) },
    { name: "retention", pool: null, periodMs: RETENTION_PERIOD_MS, run: () => forgetExpired(context) },
  ];
}

/** Those of one pool, which work only while this process holds its lease. */
export function poolControllers(context: PoolContext): readonly Controller[] {
  const pool = context.pool.name;
  return [
    { name: "attend", pool, periodMs: 5 * SECOND_MS, run: () => attend(context) },
    { name: "assign", pool, periodMs: 5 * SECOND_MS, run: () => assign(context) },
    { name: "launch", pool, periodMs: 2 * SECOND_MS, run: () => launchMachines(context) },
    { name: "mint", pool, periodMs: 2 * SECOND_MS, run: () => mintTickets(context) },
    { name: "ask", pool, periodMs: 5 * SECOND_MS, run: () => askAboutJobs(context) },
    { name: "observe", pool, periodMs: 5 * SECOND_MS, run: () => observe(context) },
    { name: "retire", pool, periodMs: 3 * SECOND_MS, run: () => retire(context) },
    { name: "sweep", pool, periodMs: 10 * SECOND_MS, run: () => sweep(context) },
  ];
}
