/**
 * Stops machines that are to wait stopped, and starts those that are to be used again. Both calls are repeated until the
 * provider has answered for good: what is to be done is in the row, so a crash at any point only repeats a call.
 *
 * A pass reads by id only what the listing says has changed, and what it is about to call for.
 */
import { ProviderError } from "../../domain/errors.ts";
import type { MachineId } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import { startedByItself } from "../../domain/stopping.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { STEP_FACTS } from "../../domain/wait.ts";
import type { Standby } from "../../ports/provider.ts";
import { inLease } from "../../store/leases.ts";
import { listMachinesInState } from "../../store/machines/list.ts";
import { loadMachine } from "../../store/machines/load.ts";
import { writeStart } from "../assign/write-start.ts";
import type { PoolContext } from "../context.ts";
import { askProvider } from "../retire/end-machine.ts";
import { settleAll } from "../settle.ts";
import { moveStandby, notePause, START_BACKOFF } from "./standby-notes.ts";
import { stopMachine } from "./stop-machine.ts";

/** Machines that are worked on at a time. */
const CONCURRENT_MAX = 16;
/** A start that was not answered is asked for again after so long. */
const START_PATIENCE_MS = 5 * SECOND_MS;

export async function standBy(context: PoolContext): Promise<void> {
  const { pool, store, memory } = context;
  if (context.lease() === null || pool.mode === "observe") return;
  const machines = await listMachinesInState(store.db, pool.name, "stopping", "stopped");
  const ids = new Set(machines.map(({ id }) => id));
  const { askedAtMs, unansweredAtMs, wordBefore } = memory.standby;
  for (const known of [askedAtMs, unansweredAtMs, wordBefore])
    for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
  const queue = [...machines];
  const workers = Array.from({ length: Math.min(CONCURRENT_MAX, queue.length) }, async () => {
    for (let machine = queue.shift(); machine !== undefined; machine = queue.shift()) await attempt(context, machine);
  });
  await settleAll(workers);
}

async function attempt(context: PoolContext, machine: Machine): Promise<void> {
  const { state } = machine;
  if (state.kind === "stopping") return stopMachine(context, machine.id);
  const standby = context.abilities?.standby ?? null;
  if (state.kind !== "stopped") return;
  if (!state.isStarting) return heedOwnStart(context, machine);
  // Without the ability it is beyond its boot deadline some time, and retires.
  if (standby !== null) await startMachine(context, standby, machine.id);
}

/** It runs, and nobody here started it: it is taken into use like one that was. */
async function heedOwnStart(context: PoolContext, machine: Machine): Promise<void> {
  const { state } = machine;
  const listed = context.memory.observed.get(machine.id);
  const isShownRunning = listed?.state === "running" || listed?.state === "starting";
  if (machine.incarnation === null && (!isShownRunning || listed.observedAtMs <= state.sinceMs)) return;
  const observed =
    machine.incarnation === null && state.kind === "stopped"
      ? await askProvider(context, machine, state.providerId)
      : null;
  const lease = context.lease();
  if (lease === null || !startedByItself(machine, observed)) return;
  context.telemetry.warn("a machine that waits stopped was started, and not by Holdfast", {
    machine: machine.id,
    pool: machine.pool,
  });
  await inLease(context.store, lease, (tx) => writeStart(tx, machine.id, context.clock.nowMs()));
  context.wake.controller("standby", context.pool.name);
}

async function startMachine(context: PoolContext, standby: Standby, id: MachineId): Promise<void> {
  const { askedAtMs, start } = context.memory.standby;
  const monotonicMs = context.clock.monotonicMs();
  if (monotonicMs - (askedAtMs.get(id) ?? Number.NEGATIVE_INFINITY) < START_PATIENCE_MS) return;
  // Right before the call: one that retires meanwhile is not started any more.
  const machine = await loadMachine(context.store.db, id);
  if (machine?.state.kind !== "stopped" || !machine.state.isStarting || context.lease() === null) return;
  askedAtMs.set(id, monotonicMs);
  try {
    await standby.start(machine.state.providerId);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    await noteStartFailure(context, id, error);
    return;
  }
  Object.assign(start, { failureCount: 0, untilMonotonicMs: 0 });
  await moveStandby(context, id, { kind: "started" }, "provider", STEP_FACTS.started);
  context.telemetry.count("holdfast_starts_total", { pool: context.pool.name, outcome: "started" });
  // Its agent may have reported before the answer was stored.
  context.wake.controller("attend", context.pool.name);
  context.wake.controller("assign", context.pool.name);
}

/** What is refused stays stopped, and what waits for it gets a new machine; what is unknown is asked for again. */
async function noteStartFailure(context: PoolContext, id: MachineId, error: ProviderError): Promise<void> {
  notePause(context, context.memory.standby.start, START_BACKOFF);
  const isRefused = error.code !== "provider-unavailable";
  const fact = `the provider did not start it: ${error.message}`;
  await moveStandby(context, id, isRefused ? { kind: "start-refused" } : null, "provider", fact);
  context.telemetry.count("holdfast_starts_total", { pool: context.pool.name, outcome: error.code });
  context.telemetry.error("a stopped machine was not started", error, {
    pool: context.pool.name,
    machine: id,
    code: error.code,
  });
  if (isRefused) context.wake.controller("assign", context.pool.name);
}
