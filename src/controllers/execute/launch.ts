/**
 * Makes the provider call of each open launch. The stored request is repeated identically until its outcome is known; only
 * a provider's word that it started nothing closes it without machines.
 */

import { backoffMs, CALL_BACKOFF } from "../../domain/backoff.ts";
import { ProviderError } from "../../domain/errors.ts";
import type { MachineId } from "../../domain/ids.ts";
import { moveMachine } from "../../domain/machine.ts";
import { nextLaunchSize } from "../../domain/scale.ts";
import type { LaunchedMachine } from "../../ports/provider.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { listOpenLaunches } from "../../store/launches/load.ts";
import type { LaunchRow } from "../../store/launches/row.ts";
import { saveLaunch } from "../../store/launches/save.ts";
import { inLease } from "../../store/leases.ts";
import { loadMachine } from "../../store/machines/load.ts";
import { savePresumed } from "../../store/machines/presume.ts";
import { saveMachine } from "../../store/machines/save.ts";
import type { Queryable } from "../../store/schema.ts";
import { machineSubject, poolSubject } from "../../store/subjects.ts";
import type { PoolContext } from "../context.ts";
import { settleAll } from "../settle.ts";

/**
 * One call after the other, and none after one that failed until its pause is over: what a provider refuses now, for a
 * quota or for want of capacity, it would refuse to each launch that is open.
 */
export async function launchMachines(context: PoolContext): Promise<void> {
  if (context.lease() === null || context.pool.mode === "observe") return;
  const { memory, clock, store, pool } = context;
  const attempts: Promise<void>[] = [];
  for (const launch of await listOpenLaunches(store.db, pool.name)) {
    if (clock.monotonicMs() < memory.launch.untilMonotonicMs) break;
    if (launch.nextAttemptAtMs > clock.nowMs()) continue;
    const attempted = attempt(context, launch);
    attempts.push(attempted);
    await Promise.allSettled([attempted]);
  }
  await settleAll(attempts);
}

async function attempt(context: PoolContext, launch: LaunchRow): Promise<void> {
  const machines = launch.machineIds.map((machineId) => ({
    machineId,
    identitySecret: context.identitySecret(machineId),
  }));
  try {
    const launched = await context.provider.launch({
      launchId: launch.id,
      pool: launch.pool,
      settingsHash: launch.settingsHash,
      machines,
    });
    await bind(context, launch, launched);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    await noteFailure(context, launch, error);
  }
}

/** The ids of the answer are bound to their machines, and the launch closed, in one transaction. */
async function bind(context: PoolContext, launch: LaunchRow, launched: readonly LaunchedMachine[]): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  const nowMs = context.clock.nowMs();
  await inLease(context.store, lease, async (tx) => {
    for (const { machineId, providerId } of launched) {
      const machine = await loadMachine(tx, machineId);
      if (machine?.state.kind !== "planned") continue;
      const bound = moveMachine(machine, { kind: "launched", providerId }, nowMs);
      await saveMachine(tx, bound, machine.version);
      const why = "its launch was answered after the store was restored";
      if (bound.origin !== "launched") await savePresumed(tx, bound, { origin: bound.origin, why, nowMs });
      const fact = `machine provisioning as ${providerId}`;
      await recordEvidence(tx, { subject: machineSubject(machineId), source: "provider", fact, observedAtMs: nowMs });
    }
    const done: LaunchRow = { ...launch, state: "done", attemptCount: launch.attemptCount + 1, error: null };
    await saveLaunch(tx, { ...done, version: launch.version + 1 }, launch.version);
  });
  Object.assign(context.memory.launch, { failureCount: 0, untilMonotonicMs: 0 });
  noteSize(context, launch, "started");
  context.telemetry.count("holdfast_launches_total", { pool: context.pool.name, outcome: "started" });
  // An agent may have reported before the answer was stored.
  context.wake.controller("attend", context.pool.name);
  context.wake.controller("assign", context.pool.name);
}

async function noteFailure(context: PoolContext, launch: LaunchRow, error: ProviderError): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  const { pool, memory, clock, random, telemetry } = context;
  const nowMs = clock.nowMs();
  const isRefused = error.code !== "provider-unavailable";
  memory.launch.failureCount += 1;
  if (error.code === "provider-capacity") noteSize(context, launch, "refused");
  memory.launch.untilMonotonicMs =
    clock.monotonicMs() + backoffMs(CALL_BACKOFF, memory.launch.failureCount, random.fraction());
  await inLease(context.store, lease, async (tx) => {
    const attemptCount = launch.attemptCount + 1;
    const nextAttemptAtMs = nowMs + backoffMs(CALL_BACKOFF, attemptCount, random.fraction());
    const state = isRefused ? "refused" : "open";
    const after: LaunchRow = { ...launch, state, attemptCount, nextAttemptAtMs, error: error.message };
    await saveLaunch(tx, { ...after, version: launch.version + 1 }, launch.version);
    const fact = `launch ${launch.id} failed: ${error.code}, ${error.message}`;
    await recordEvidence(tx, { subject: poolSubject(pool.name), source: "provider", fact, observedAtMs: nowMs });
    if (isRefused) for (const id of launch.machineIds) await closeUnlaunched(tx, id, fact, nowMs);
  });
  telemetry.count("holdfast_launches_total", { pool: pool.name, outcome: error.code });
  telemetry.error("a launch failed", error, { pool: pool.name, launch: launch.id, code: error.code });
}

function noteSize({ memory }: PoolContext, { machineIds }: LaunchRow, outcome: "started" | "refused"): void {
  memory.launchSizeMax = nextLaunchSize(memory.launchSizeMax, machineIds.length, outcome);
}

/** The provider positively has nothing for this intent. */
async function closeUnlaunched(tx: Queryable, id: MachineId, fact: string, nowMs: number): Promise<void> {
  const machine = await loadMachine(tx, id);
  if (machine?.state.kind !== "planned") return;
  await saveMachine(tx, moveMachine(machine, { kind: "never-launched" }, nowMs), machine.version);
  await recordEvidence(tx, { subject: machineSubject(id), source: "provider", fact, observedAtMs: nowMs });
}
