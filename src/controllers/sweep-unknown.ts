/**
 * Registrations with our prefix of which the store knows no ticket. Whose they are nobody can say, so they are never deleted
 * while they are online or busy in any reading; one that is offline in every reading of a day goes.
 */
import { GitHubError, HoldfastError } from "../domain/errors.ts";
import type { ObservedRunner } from "../domain/observed.ts";
import { issuePermit, UNKNOWN_OFFLINE_FOR_MS, type UnknownRegistrationRequest } from "../domain/permit.ts";
import { type PoolPolicy, type RegistrationScope, registrationScopesOf, scopeKey } from "../domain/pool.ts";
import { isOurRunnerName } from "../domain/runner-name.ts";
import { isTicketLive, isTicketOver } from "../domain/ticket.ts";
import { HOUR_MS, MINUTE_MS } from "../domain/units.ts";
import { GITHUB_CALL_TIMEOUT_MS } from "../ports/github.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { findFreezeOver } from "../store/freezes.ts";
import { inLease, leaseRemainingMs } from "../store/leases.ts";
import {
  deleteUnknownRegistrations,
  listUnknownRegistrations,
  saveUnknownRegistration,
  type UnknownRegistration,
} from "../store/registrations/unknown.ts";
import { poolSubject } from "../store/subjects.ts";
import { findTicketsByRunnerNames } from "../store/tickets/load.ts";
import { heardTime, type PoolContext } from "./context.ts";
import { gaugePool } from "./pool-gauge.ts";
import { saveRegistration } from "./save-registration.ts";

export const SWEEP_UNKNOWN_PERIOD_MS = 10 * MINUTE_MS;
/** Two readings further apart are not "every reading": what was between them nobody knows. */
const READINGS_APART_MAX_MS = 2 * HOUR_MS;
const SCOPES_MAX = 100;

export async function sweepUnknown(context: PoolContext): Promise<void> {
  if (context.lease() === null || context.pool.mode === "observe") return;
  if ((await findFreezeOver(context.store.db, context.pool.name)) !== null) return;
  const counts: (number | null)[] = [];
  for (const scope of scopesOf(context).slice(0, SCOPES_MAX)) counts.push(await sweepScope(context, scope));
  // Of a place that could not be read nobody knows how many there are.
  if (counts.includes(null)) return;
  const count = counts.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  gaugePool(context, "holdfast_ghosts", count, { pool: context.pool.name, kind: "unknown" });
}

/** A scope that several pools share is the first one's business. */
function scopesOf({ pool, pools, memory }: PoolContext): readonly RegistrationScope[] {
  const last = memory.lastScope === null ? [] : [memory.lastScope];
  const own = new Map([...registrationScopesOf(pool), ...last].map((scope) => [scopeKey(scope), scope]));
  const others = pools.filter((other) => other.connection === pool.connection && other.name < pool.name);
  for (const key of others.filter(isRunning).flatMap((other) => registrationScopesOf(other).map(scopeKey)))
    own.delete(key);
  return [...own.values()];
}

function isRunning({ mode }: PoolPolicy): boolean {
  return mode === "run";
}

/**
 * GitHub is listed first and the store read last: whatever the listing shows had its ticket's row before it existed.
 * @returns how many nobody knows that are offline; null where it could not be read.
 */
async function sweepScope(context: PoolContext, scope: RegistrationScope): Promise<number | null> {
  const { store, pool, clock } = context;
  const listed = await listOurs(context, scope);
  if (listed === null) return null;
  const known = await findKnownNames(
    context,
    listed.map(({ name }) => name),
  );
  await reclaim(context, listed);
  const unknown = listed.filter(({ name }) => !known.has(name));
  const place = { connection: pool.connection, scope: scopeKey(scope) };
  const before = new Map((await listUnknownRegistrations(store.db, place)).map((row) => [row.runnerId, row]));
  const readings = unknown
    .filter((runner) => !runner.isOnline && !runner.isBusy)
    .map((runner) => joinReading(before.get(runner.id) ?? null, runner, clock.nowMs()));
  const lease = context.lease();
  if (lease === null) return null;
  await inLease(store, lease, async (tx) => {
    await deleteUnknownRegistrations(tx, place);
    for (const reading of readings) await saveUnknownRegistration(tx, place, reading);
  });
  for (const reading of readings)
    if (clock.nowMs() - reading.offlineSinceMs >= UNKNOWN_OFFLINE_FOR_MS) await deleteOne(context, scope, reading);
  return readings.length;
}

/**
 * Those whose registration is the business of a ticket: it may be in use, or its deletion is owed. One whose ticket is over
 * and counts on no registration is nobody's business but ours.
 */
async function findKnownNames({ store }: PoolContext, names: readonly string[]): Promise<ReadonlySet<string>> {
  const tickets = await findTicketsByRunnerNames(store.db, names);
  const owned = tickets.filter(
    (ticket) => isTicketLive(ticket) || ticket.registration === "present" || ticket.registration === "unknown",
  );
  return new Set(owned.map(({ runnerName }) => runnerName));
}

/**
 * One that a lying list had shown as gone is there after all: its ticket is over, and owes its deletion again. Of whichever
 * pool the ticket is: no other pool that shares the scope reads it. The ticket's version guards the write.
 */
async function reclaim(context: PoolContext, listed: readonly ObservedRunner[]): Promise<void> {
  const byName = new Map(listed.map((runner) => [runner.name, runner]));
  const tickets = await findTicketsByRunnerNames(context.store.db, [...byName.keys()]);
  const found = tickets.filter(
    (ticket) =>
      ticket.connection === context.pool.connection &&
      ticket.registration === "gone" &&
      isTicketOver(ticket) &&
      byName.get(ticket.runnerName)?.id === ticket.runnerId,
  );
  for (const ticket of found) await saveRegistration(context, ticket, "present");
}

async function listOurs(context: PoolContext, scope: RegistrationScope): Promise<readonly ObservedRunner[] | null> {
  try {
    const runners = await context.github.listRunners(scope);
    return runners.filter(({ name }) => isOurRunnerName(name, context.controllerId));
  } catch (error) {
    // The sweep of what we know tells of a place that cannot be listed; from a failed reading nothing follows.
    if (error instanceof GitHubError) return null;
    throw error;
  }
}

function joinReading(before: UnknownRegistration | null, runner: ObservedRunner, nowMs: number): UnknownRegistration {
  const isNext = before !== null && Math.abs(nowMs - before.lastReadMs) <= READINGS_APART_MAX_MS;
  const offlineSinceMs = isNext ? before.offlineSinceMs : nowMs;
  return { runnerId: runner.id, runnerName: runner.name, offlineSinceMs, lastReadMs: nowMs };
}

/** Looked at once more by name, and the store once more after that, right before the call. */
async function deleteOne(context: PoolContext, scope: RegistrationScope, reading: UnknownRegistration): Promise<void> {
  const { store, pool, github, telemetry } = context;
  const lease = context.lease();
  if (lease === null || (await leaseRemainingMs(store.db, lease)) < 2 * GITHUB_CALL_TIMEOUT_MS) return;
  const found = await github.findRunner(scope, reading.runnerName);
  if (found.kind !== "present" || found.value.id !== reading.runnerId) return;
  if ((await findFreezeOver(store.db, pool.name)) !== null) return;
  const isTicketKnown = (await findKnownNames(context, [reading.runnerName])).size > 0;
  const request: UnknownRegistrationRequest = {
    kind: "delete-unknown-registration",
    controllerId: context.controllerId,
    connection: pool.connection,
    scope,
    runner: found.value,
    offlineSinceMs: reading.offlineSinceMs,
    lastReadAtMs: reading.lastReadMs,
    isTicketKnown,
    epoch: lease.epoch,
    time: heardTime(context),
  };
  const decision = issuePermit(request);
  if (decision.kind === "refused") return;
  try {
    const answer = await github.deleteRunner(decision.permit);
    if (answer === "busy")
      telemetry.warn("GitHub calls a registration busy that nobody knows", {
        pool: pool.name,
        runner: reading.runnerName,
      });
    if (answer !== "deleted") return;
    telemetry.count("holdfast_unknown_registrations_deleted_total", { pool: pool.name });
    await noteDeleted(context, reading);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    telemetry.error("a registration that nobody knows was not deleted; it is tried again", error, {
      pool: pool.name,
      runner: reading.runnerName,
    });
  }
}

async function noteDeleted({ store, pool, clock }: PoolContext, { runnerName }: UnknownRegistration): Promise<void> {
  const fact = `registration ${runnerName}, of no known ticket and offline for a day, deleted by proof unknown-registration`;
  const subject = poolSubject(pool.name);
  await recordEvidence(store.db, { subject, source: "controller", fact, observedAtMs: clock.nowMs() });
}
