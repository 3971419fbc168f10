/** Every controller with its period: the whole of what runs, in one table. */
import { MINUTE_MS, SECOND_MS } from "../domain/units.ts";
import { advanceGeneration } from "../store/facts.ts";
import { assign } from "./assign.ts";
import { attend } from "./attend.ts";
import type { ConnectionContext } from "./connection/context.ts";
import { DISCOVER_PERIOD_MS, discover } from "./connection/discover.ts";
import { RECALL_PERIOD_MS, recall } from "./connection/recall.ts";
import { RECOVER_PERIOD_MS, recover } from "./connection/recover.ts";
import { RERUN_PERIOD_MS, rerunLostJobs } from "./connection/rerun.ts";
import type { PoolContext, Surroundings } from "./context.ts";
import type { Controller } from "./driver.ts";
import { askAboutJobs } from "./execute/ask.ts";
import { launchMachines } from "./execute/launch.ts";
import { mintTickets } from "./execute/mint.ts";
import { standBy } from "./execute/standby.ts";
import { handBack } from "./hand-back.ts";
import { HOLD_MEMBERS_PERIOD_MS, holdMembers } from "./hold-members.ts";
import { ingest } from "./ingest.ts";
import { observe } from "./observe.ts";
import { forgetExpired, RETENTION_PERIOD_MS } from "./retention.ts";
import { retire } from "./retire.ts";
import { sweep } from "./sweep.ts";
import { SWEEP_UNKNOWN_PERIOD_MS, sweepUnknown } from "./sweep-unknown.ts";
import { TENURE_PERIOD_MS, type Tenure } from "./tenure.ts";
import { WATCH_DEPARTURE_PERIOD_MS, watchDeparture } from "./watch-departure.ts";
import { WATCH_HOSTS_PERIOD_MS, watchHosts } from "./watch-hosts.ts";
import { type QuarantineMemory, WATCH_QUARANTINE_PERIOD_MS, watchQuarantine } from "./watch-quarantine.ts";
import { WATCH_VERSION_PERIOD_MS, watchVersion } from "./watch-version.ts";

/** Each agent keeps the highest that it saw, a line of its journal each: often enough for a backup to be told by it. */
const GENERATION_PERIOD_MS = 10 * MINUTE_MS;

/** Agents speak in bursts, jobs come in bursts: what one pass can do for all of them waits a moment for the others. */
const BURST_MS = 50;
/** These read the whole fleet, and what they find may wait so long. */
const OBSERVE_REST_MS = SECOND_MS;
/** Shorter, because two passes make an ending: one asks the hosts for their word, the next has it. */
const RETIRE_REST_MS = 500;

/** Those that serve all pools. */
export function sharedControllers(context: Surroundings): readonly Controller[] {
  const quarantine: QuarantineMemory = { toldCount: 0 };
  return [
    { name: "ingest", pool: null, periodMs: 5 * SECOND_MS, run: () => ingest(context) },
    {
      name: "watch-quarantine",
      pool: null,
      periodMs: WATCH_QUARANTINE_PERIOD_MS,
      run: () => watchQuarantine(context, quarantine),
    },
    { name: "retention", pool: null, periodMs: RETENTION_PERIOD_MS, run: () => forgetExpired(context) },
    { name: "generation", pool: null, periodMs: GENERATION_PERIOD_MS, run: () => advanceGeneration(context.store.db) },
  ];
}

/** Those of one connection, which work only while this process holds one of its pools. */
export function connectionControllers(context: ConnectionContext): readonly Controller[] {
  const connection = context.connection;
  const looks = { name: "discover", pool: null, connection, periodMs: DISCOVER_PERIOD_MS } as const;
  const wishes = { name: "rerun", pool: null, connection, periodMs: RERUN_PERIOD_MS } as const;
  const always: readonly Controller[] = [
    { ...looks, run: () => discover(context) },
    { ...wishes, run: () => rerunLostJobs(context) },
  ];
  if (context.demand === "poll") return always;
  const rescues = { name: "recover", pool: null, connection, periodMs: RECOVER_PERIOD_MS } as const;
  const recollections = { name: "recall", pool: null, connection, periodMs: RECALL_PERIOD_MS } as const;
  return [...always, { ...rescues, run: () => recover(context) }, { ...recollections, run: () => recall(context) }];
}

/** Of a pool that left the configuration. */
export function departureControllers(context: PoolContext): readonly Controller[] {
  const pool = context.pool.name;
  return [{ name: "watch-departure", pool, periodMs: WATCH_DEPARTURE_PERIOD_MS, run: () => watchDeparture(context) }];
}

/** Who ends last must be able to rely on the leases. */
export function tenureController(tenure: Tenure): Controller {
  return { name: "tenure", pool: null, periodMs: TENURE_PERIOD_MS, isLastToStop: true, run: () => tenure.run() };
}

/** A launch that a stop waits for may take a minute: longer than some groups wait for a machine with a job. */
function membersController(context: PoolContext): Controller {
  const pool = context.pool.name;
  const run = () => holdMembers(context);
  return { name: "hold-members", pool, periodMs: HOLD_MEMBERS_PERIOD_MS, isLastToStop: true, run };
}

/** Those of one pool, which work only while this process holds its lease. */
export function poolControllers(context: PoolContext): readonly Controller[] {
  const pool = context.pool.name;
  return [
    { name: "attend", pool, periodMs: 5 * SECOND_MS, restMs: BURST_MS, run: () => attend(context) },
    { name: "assign", pool, periodMs: 5 * SECOND_MS, restMs: BURST_MS, run: () => assign(context) },
    { name: "launch", pool, periodMs: 2 * SECOND_MS, run: () => launchMachines(context) },
    { name: "standby", pool, periodMs: 3 * SECOND_MS, run: () => standBy(context) },
    { name: "mint", pool, periodMs: 2 * SECOND_MS, run: () => mintTickets(context) },
    { name: "ask", pool, periodMs: 5 * SECOND_MS, run: () => askAboutJobs(context) },
    { name: "observe", pool, periodMs: 5 * SECOND_MS, restMs: OBSERVE_REST_MS, run: () => observe(context) },
    ...(context.abilities?.group ? [membersController(context)] : []),
    { name: "hand-back", pool, periodMs: 10 * SECOND_MS, run: () => handBack(context) },
    { name: "retire", pool, periodMs: 3 * SECOND_MS, restMs: RETIRE_REST_MS, run: () => retire(context) },
    { name: "watch-hosts", pool, periodMs: WATCH_HOSTS_PERIOD_MS, run: () => watchHosts(context) },
    { name: "watch-version", pool, periodMs: WATCH_VERSION_PERIOD_MS, run: () => watchVersion(context) },
    { name: "sweep", pool, periodMs: 10 * SECOND_MS, run: () => sweep(context) },
    { name: "sweep-unknown", pool, periodMs: SWEEP_UNKNOWN_PERIOD_MS, run: () => sweepUnknown(context) },
  ];
}
