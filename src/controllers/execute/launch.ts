/**
 * Makes the provider call of each open launch. The stored request is repeated identically until its outcome is known; only
 * a provider's word that it started nothing closes it without machines.
 */

import { type BackoffPolicy, backoffMs, CALL_BACKOFF } from "../../domain/backoff.ts";
import { ProviderError, type ProviderErrorCode } from "../../domain/errors.ts";
import type { MachineId } from "../../domain/ids.ts";
import { moveMachine } from "../../domain/machine.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import { LAUNCH_MACHINES_MAX, nextLaunchSize } from "../../domain/scale.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { STEP_FACTS } from "../../domain/wait.ts";
import type { LaunchedMachine, LaunchRequest, LaunchTenure } from "../../ports/provider.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { listDraftedBeside, listOpenLaunches } from "../../store/launches/load.ts";
import type { LaunchRow } from "../../store/launches/row.ts";
import { saveLaunch } from "../../store/launches/save.ts";
import { inLease, type Lease } from "../../store/leases.ts";
import { loadMachine, loadMachines } from "../../store/machines/load.ts";
import { nameProviderIds } from "../../store/machines/names.ts";
import { savePresumed } from "../../store/machines/presume.ts";
import { saveMachine } from "../../store/machines/save.ts";
import type { Queryable } from "../../store/schema.ts";
import { machineSubject, poolSubject } from "../../store/subjects.ts";
import { isPlaceListed, type PoolContext } from "../context.ts";
import { gaugePool } from "../pool-gauge.ts";
import { settleAll } from "../settle.ts";
import { whyNotWanted } from "./unasked.ts";

/**
 * One call after the other, and none after one that failed until its pause is over: what a provider refuses now, for a
 * quota or for want of capacity, it would refuse to each launch that is open.
 */
export async function launchMachines(context: PoolContext): Promise<void> {
  // The first look at the fleet shows whether the store is a backup.
  if (context.lease() === null || context.pool.mode === "observe" || !context.memory.isFleetListed) return;
  const { store, pool } = context;
  endGathering(context);
  const attempts: Promise<void>[] = [];
  const open = (await listOpenLaunches(store.db, pool.name)).toSorted(byTurn);
  const [formers, ofToday] = [true, false].map((isFormer) =>
    open.filter((one) => isOfFormer(context, one) === isFormer),
  );
  let isFormerTried = false;
  for (const launch of [...(ofToday ?? []), ...(formers ?? [])]) {
    const why = await whyNotWanted(context, launch);
    if (why === null && (!isPlaceListed(context, launch) || attemptPauseMs(context, launch) > 0)) continue;
    // Each may take a minute or two: what is written for jobs meanwhile waits for no more than one of them.
    if (why === null && isOfFormer(context, launch) && isFormerTried) continue;
    isFormerTried ||= why === null && isOfFormer(context, launch);
    const attempted = why === null ? attempt(context, launch) : callOff(context, launch, why);
    attempts.push(attempted);
    await Promise.allSettled([attempted]);
  }
  await settleAll(attempts);
  gaugeLaunches(context);
}

/** The one that was tried the longest ago: none that fails again and again is before all others each time. */
function byTurn(one: LaunchRow, other: LaunchRow): number {
  return one.nextAttemptAtMs - other.nextAttemptAtMs;
}

/** How long until the launch may be tried: its own pause, and the one after the last refusal, which is over all. */
export function attemptPauseMs(context: PoolContext, launch: LaunchRow): number {
  const { memory, clock } = context;
  const ownMs = launch.nextAttemptAtMs - clock.nowMs();
  // None is longer than that: it was written before the clock was set back.
  const isOver = ownMs > CALL_BACKOFF.limitMs;
  const poolsMs = isOfFormer(context, launch) ? 0 : memory.launch.untilMonotonicMs - clock.monotonicMs();
  return Math.max(0, poolsMs, isOver ? 0 : ownMs);
}

/** Its settings are not those of today: what becomes of it says nothing of what is launched now, which may be elsewhere. */
function isOfFormer({ pool }: PoolContext, { settingsHash }: LaunchRow): boolean {
  return settingsHash !== pool.settingsHash;
}

/** A refusal stands until a launch succeeds: between two tries nothing has changed for those who wait. */
function gaugeLaunches(context: PoolContext): void {
  const { memory, pool } = context;
  const obstacles = context.abilities?.orders?.readObstacles();
  if (obstacles !== undefined) gaugePool(context, "holdfast_launch_obstacles", obstacles.length, { pool: pool.name });
  for (const reason of Object.values(PAUSE_REASONS)) {
    const isBlocked = memory.launch.failureCount > 0 && memory.launch.reason === reason;
    gaugePool(context, "holdfast_launches_blocked", isBlocked ? 1 : 0, { pool: pool.name, reason });
  }
}

/**
 * Where a launch is one call for many machines, jobs that come in a burst share it: the next launch is written once the one
 * before was answered, and so long after it.
 */
const GATHER_MS = SECOND_MS;

export async function isGathering(context: PoolContext): Promise<boolean> {
  const { abilities, memory, clock, store, pool } = context;
  if ((abilities?.orders ?? null) === null) return false;
  const { gathersUntilMonotonicMs } = memory.launch;
  if (gathersUntilMonotonicMs !== null && clock.monotonicMs() < gathersUntilMonotonicMs) return true;
  // One that failed once waits for its own pause, and for nobody else's good.
  const untried = (await listOpenLaunches(store.db, pool.name)).filter(({ attemptCount }) => attemptCount === 0);
  return untried.some((launch) => !isOfFormer(context, launch));
}

function endGathering({ memory, clock, wake, pool }: PoolContext): void {
  const { gathersUntilMonotonicMs } = memory.launch;
  if (gathersUntilMonotonicMs === null || clock.monotonicMs() < gathersUntilMonotonicMs) return;
  memory.launch.gathersUntilMonotonicMs = null;
  wake.controller("assign", pool.name);
}

async function attempt(context: PoolContext, written: LaunchRow): Promise<void> {
  // The whole attempt is this lease's, also where the pool is lost and taken again meanwhile.
  const lease = context.lease();
  if (lease === null) return;
  let launch = written;
  let isAsked = false;
  try {
    const drafted = await draft(context, lease, written);
    if (drafted === null) return;
    launch = drafted;
    const request = await requestOf(context, launch);
    const tenure = await tenureOf(context, lease, launch);
    isAsked = true;
    await bind(context, lease, launch, await context.provider.launch(request, tenure));
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    await noteFailure(context, lease, launch, { error, isAsked });
  }
}

/** Nothing was ever asked for by it: its machines are planned anew where there is still use for them. */
async function callOff(context: PoolContext, launch: LaunchRow, why: string): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  const nowMs = context.clock.nowMs();
  const fact = `launch ${launch.id} was not made: ${why}`;
  await inLease(context.store, lease, async (tx) => {
    const closed: LaunchRow = { ...launch, state: "refused", answeredAtMs: nowMs, error: fact };
    if (!(await saveLaunch(tx, closed, launch.version))) return;
    await recordEvidence(tx, { subject: poolSubject(launch.pool), source: "controller", fact, observedAtMs: nowMs });
    for (const id of launch.machineIds) await closeUnlaunched(tx, id, fact, nowMs);
  });
  context.telemetry.count("holdfast_launches_total", { pool: context.pool.name, outcome: "called-off" });
  context.wake.controller("assign", context.pool.name);
}

async function requestOf(context: PoolContext, launch: LaunchRow): Promise<LaunchRequest> {
  const rows = await loadMachines(context.store.db, launch.machineIds);
  return {
    launchId: launch.id,
    order: launch.order,
    pool: launch.pool,
    settingsHash: launch.settingsHash,
    machines: launch.machineIds.map((machineId) => ({
      machineId,
      identitySecret: context.identitySecret(machineId),
      mayHaveEnded: rows.get(machineId)?.origin === "restored",
    })),
  };
}

/**
 * Where a kind's requests are drafted, the draft is stored before it is carried out, so that every repeat is the same.
 * @returns the launch as it is stored now; null where somebody else changed it meanwhile.
 */
async function draft(context: PoolContext, lease: Lease, launch: LaunchRow): Promise<LaunchRow | null> {
  const orders = context.abilities?.orders ?? null;
  if (orders === null || launch.order !== null) return launch;
  const order = await orders.draft(await requestOf(context, launch), await tenureOf(context, lease, launch));
  if (order === null) return launch;
  if (!isHeld(context, lease)) return null;
  const drafted: LaunchRow = { ...launch, order };
  const isSaved = await inLease(context.store, lease, (tx) => saveLaunch(tx, drafted, launch.version));
  return isSaved ? { ...drafted, version: launch.version + 1 } : null;
}

function isHeld(context: PoolContext, lease: Lease): boolean {
  return context.lease()?.epoch === lease.epoch;
}

/** Longer than a provider's readings lag, by as much as the clocks of two processes may differ. */
const CLOSED_LATELY_MS = 5 * MINUTE_MS;

/** Of a kind that drafts: for any other a launch is nobody's business but its own. */
async function tenureOf(context: PoolContext, lease: Lease, launch: LaunchRow): Promise<LaunchTenure | undefined> {
  const { store, clock, abilities } = context;
  if ((abilities?.orders ?? null) === null) return undefined;
  const beside = await listDraftedBeside(store.db, launch, clock.nowMs() - CLOSED_LATELY_MS);
  const others = beside.flatMap(({ id, order }) => (order === null ? [] : [{ launchId: id, order }]));
  const leftMs = () => (isHeld(context, lease) ? context.leaseLeftMs() : 0);
  return { epoch: lease.epoch, others, leftMs };
}

/**
 * The ids of the answer are bound to their machines, and the launch closed, in one transaction. What is missing from the
 * answer was never started. Where somebody else has changed the launch meanwhile, the answer is theirs to ask for.
 */
async function bind(
  context: PoolContext,
  lease: Lease,
  launch: LaunchRow,
  launched: readonly LaunchedMachine[],
): Promise<void> {
  if (!isHeld(context, lease)) return;
  const nowMs = context.clock.nowMs();
  const missing = await inLease(context.store, lease, async (tx) => {
    const attemptCount = launch.attemptCount + 1;
    const answered: LaunchRow = { ...launch, state: "done", answeredAtMs: nowMs, attemptCount, error: null };
    if (!(await saveLaunch(tx, answered, launch.version))) return null;
    const fresh = await withoutNamed(tx, launched);
    const started = new Set(fresh.map(({ machineId }) => machineId));
    const unstarted = launch.machineIds.filter((id) => !started.has(id));
    for (const { machineId, providerId } of fresh) {
      const machine = await loadMachine(tx, machineId);
      if (machine?.state.kind !== "planned") continue;
      const bound = moveMachine(machine, { kind: "launched", providerId }, nowMs);
      await saveMachine(tx, bound, machine.version);
      const why = "its launch was answered after the store was restored";
      if (bound.origin !== "launched") await savePresumed(tx, bound, { origin: bound.origin, why, nowMs });
      const fact = `${STEP_FACTS.launched} as ${providerId}`;
      await recordEvidence(tx, { subject: machineSubject(machineId), source: "provider", fact, observedAtMs: nowMs });
    }
    if (unstarted.length > 0) await noteShortfall(context, tx, launch, unstarted, nowMs);
    return unstarted;
  });
  if (missing === null) return;
  if (!isOfFormer(context, launch)) {
    // Who got none of a short answer does not wait for others.
    const gathersUntilMonotonicMs = missing.length === 0 ? context.clock.monotonicMs() + GATHER_MS : null;
    Object.assign(context.memory.launch, { failureCount: 0, untilMonotonicMs: 0, gathersUntilMonotonicMs });
    noteSize(context, launch, "started");
  }
  const outcome = missing.length === 0 ? "started" : "started-in-part";
  context.telemetry.count("holdfast_launches_total", { pool: context.pool.name, outcome });
  // An agent may have reported before the answer was stored.
  context.wake.controller("attend", context.pool.name);
  context.wake.controller("assign", context.pool.name);
}

/**
 * A group's machine may have got a row of its own before the launch that it was started by was answered, in a process before
 * this one: it is that machine, and no second one. Nobody would ever speak as the second, and its boot deadline would end
 * the job of the first.
 */
async function withoutNamed(tx: Queryable, launched: readonly LaunchedMachine[]): Promise<readonly LaunchedMachine[]> {
  const names = await nameProviderIds(
    tx,
    launched.map(({ providerId }) => providerId),
  );
  return launched.filter(({ machineId, providerId }) => (names.get(providerId) ?? machineId) === machineId);
}

/** What stood in the way is on the pool's record; the jobs are launched for anew. */
async function noteShortfall(
  context: PoolContext,
  tx: Queryable,
  launch: LaunchRow,
  missing: readonly MachineId[],
  nowMs: number,
): Promise<void> {
  const obstacles = context.abilities?.orders?.readObstacles() ?? [];
  const why = obstacles.length === 0 ? "" : `: ${obstacles.join("; ")}`;
  const startedCount = launch.machineIds.length - missing.length;
  const fact = `launch ${launch.id} started ${startedCount} of ${launch.machineIds.length} machines${why}`;
  await recordEvidence(tx, { subject: poolSubject(launch.pool), source: "provider", fact, observedAtMs: nowMs });
  for (const id of missing) await closeUnlaunched(tx, id, fact, nowMs);
}

/** Settings that are refused are refused for as long as nobody mends them. */
const REFUSED_BACKOFF: BackoffPolicy = { firstMs: 30 * SECOND_MS, limitMs: 15 * MINUTE_MS };
/** However long a provider says that there is nothing to expect: quotas are raised and room is made without a word. */
const PAUSE_MAX_MS = 15 * MINUTE_MS;

const PAUSE_REASONS: Readonly<Record<ProviderErrorCode, ReasonCode>> = {
  "provider-invalid": "provider-refuses",
  "provider-capacity": "provider-full",
  "provider-quota": "provider-quota",
  "provider-unavailable": "launch-backoff",
};

/** @returns whether the next launch can be made at once, because it would be made in another way. */
function pauseAfter({ memory, clock, random }: PoolContext, error: ProviderError): boolean {
  const { launch } = memory;
  launch.failureCount += 1;
  launch.reason = PAUSE_REASONS[error.code];
  const policy = error.code === "provider-invalid" ? REFUSED_BACKOFF : CALL_BACKOFF;
  const ownMs = backoffMs(policy, launch.failureCount, random.fraction());
  const pauseMs = error.retryAfterMs === null ? ownMs : Math.min(error.retryAfterMs, PAUSE_MAX_MS);
  launch.untilMonotonicMs = clock.monotonicMs() + pauseMs;
  return pauseMs === 0;
}

interface Failure {
  readonly error: ProviderError;
  /** Else its draft was refused: nothing was asked for, and it says nothing of how much there is. */
  readonly isAsked: boolean;
}

async function noteFailure(
  context: PoolContext,
  lease: Lease,
  launch: LaunchRow,
  { error, isAsked }: Failure,
): Promise<void> {
  if (!isHeld(context, lease)) return;
  const { pool, clock, random, telemetry } = context;
  const nowMs = clock.nowMs();
  const isRefused = error.code !== "provider-unavailable";
  const isOpenAtOnce = isOfFormer(context, launch) ? isRefused : pauseAfter(context, error);
  // Where the next launch is made in another way, this refusal says nothing about its size.
  const isTooLarge = error.code === "provider-capacity" || error.code === "provider-quota";
  if (isTooLarge && isAsked && !isOpenAtOnce) noteSize(context, launch, "refused");
  await inLease(context.store, lease, async (tx) => {
    const attemptCount = launch.attemptCount + 1;
    const nextAttemptAtMs = nowMs + backoffMs(CALL_BACKOFF, attemptCount, random.fraction());
    const state = isRefused ? "refused" : "open";
    const answeredAtMs = isRefused ? nowMs : null;
    const after: LaunchRow = { ...launch, state, answeredAtMs, attemptCount, nextAttemptAtMs, error: error.message };
    if (!(await saveLaunch(tx, after, launch.version))) return;
    const fact = `launch ${launch.id} failed: ${error.code}, ${error.message}`;
    await recordEvidence(tx, { subject: poolSubject(pool.name), source: "provider", fact, observedAtMs: nowMs });
    if (isRefused) for (const id of launch.machineIds) await closeUnlaunched(tx, id, fact, nowMs);
  });
  if (isOpenAtOnce) context.wake.controller("assign", pool.name);
  telemetry.count("holdfast_launches_total", { pool: pool.name, outcome: error.code });
  telemetry.error("a launch failed", error, {
    pool: pool.name,
    launch: launch.id,
    machines: launch.machineIds.join(" "),
    code: error.code,
  });
}

function noteSize({ memory }: PoolContext, { machineIds }: LaunchRow, outcome: "started" | "refused"): void {
  memory.launchSizeMax = nextLaunchSize(memory.launchSizeMax ?? LAUNCH_MACHINES_MAX, machineIds.length, outcome);
}

/** The provider positively has nothing for this intent. */
async function closeUnlaunched(tx: Queryable, id: MachineId, fact: string, nowMs: number): Promise<void> {
  const machine = await loadMachine(tx, id);
  if (machine?.state.kind !== "planned") return;
  await saveMachine(tx, moveMachine(machine, { kind: "never-launched" }, nowMs), machine.version);
  await recordEvidence(tx, { subject: machineSubject(id), source: "provider", fact, observedAtMs: nowMs });
}
