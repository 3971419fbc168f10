/** Registrations whose ticket is over leave GitHub; what is older than anybody asks for leaves the store. */

import { ALARM_FACTS } from "../domain/alarm-facts.ts";
import { backoffMs } from "../domain/backoff.ts";
import { GitHubError, type GitHubErrorCode, HoldfastError } from "../domain/errors.ts";
import type { RunnerId } from "../domain/ids.ts";
import type { ObservedRunner } from "../domain/observed.ts";
import { issuePermit } from "../domain/permit.ts";
import { type RegistrationScope, scopeKey } from "../domain/pool.ts";
import type { ReasonCode } from "../domain/reasons.ts";
import { isTicketOver, type Ticket } from "../domain/ticket.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../domain/units.ts";
import { GITHUB_CALL_TIMEOUT_MS } from "../ports/github.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { findFreezeOver } from "../store/freezes.ts";
import { leaseRemainingMs } from "../store/leases.ts";
import { ticketSubject } from "../store/subjects.ts";
import { listTicketsInState, listTicketsOwingDeletion } from "../store/tickets/list.ts";
import { loadTicket } from "../store/tickets/load.ts";
import { heardTime, type PoolContext } from "./context.ts";
import { isKnownByHostOnly, mayBeHeld } from "./may-be-held.ts";
import { gaugePool } from "./pool-gauge.ts";
import { saveRegistration } from "./save-registration.ts";

/** A request for a registration may still take effect for so long after its ticket was voided. */
const LATE_EFFECT_MS = MINUTE_MS;

export async function sweep(context: PoolContext): Promise<void> {
  if (context.pool.mode === "observe" || context.isUnconnected === true) return;
  await deleteHandedBack(context);
  const owing = await listTicketsOwingDeletion(context.store.db, context.pool.name);
  // A host may be there after all that the provider called gone, and speak to another process.
  if (owing.length > 0) await context.hearOthers();
  const byScope = Map.groupBy(owing, (ticket) => scopeKey(ticket.scope));
  for (const tickets of byScope.values()) {
    const scope = tickets[0]?.scope;
    if (scope !== undefined) await sweepScope(context, scope);
  }
  const left = owing.length === 0 ? [] : await listTicketsOwingDeletion(context.store.db, context.pool.name);
  gaugePool(context, "holdfast_ghosts", left.length, { pool: context.pool.name, kind: "owed" });
}

/** For so long GitHub is not asked again to delete what it calls busy. */
const CONTRADICTED_PAUSE_MS = MINUTE_MS;

/**
 * At once and without a listing: a listener that the fence killed still counts as online, and three jobs that GitHub loses
 * to it are one that GitHub cancels.
 */
async function deleteHandedBack(context: PoolContext): Promise<void> {
  const handedBack = await listTicketsInState(context.store.db, context.pool.name, ["handed-back"]);
  const owing = handedBack.filter(({ registration }) => registration === "present" || registration === "unknown");
  const failedScopes = new Set<string>();
  for (const ticket of owing) {
    const isPaused = restBeforeDeletionMs(context, ticket) > 0;
    // One place that GitHub closes to us holds up no other.
    if (ticket.runnerId === null || isPaused || failedScopes.has(scopeKey(ticket.scope))) continue;
    if (!(await deleteRegistration(context, ticket, ticket.runnerId))) failedScopes.add(scopeKey(ticket.scope));
  }
}

/** GitHub is listed first and the store read last: what the listing shows had its row before it existed. */
async function sweepScope(context: PoolContext, scope: RegistrationScope): Promise<void> {
  if (isResting(context, scope)) return;
  const listedAtMs = context.clock.nowMs();
  const listing = await list(context, scope);
  if (listing.kind === "failed") return await meetFailure(context, scope, listing.code);
  context.memory.sweepPauses.delete(scopeKey(scope));
  const { runners } = listing;
  const byName = new Map(runners.map((runner) => [runner.name, runner]));
  for (const ticket of await listOwingIn(context, scope)) {
    const runner = byName.get(ticket.runnerName) ?? null;
    if (ticket.state.kind === "handed-back" && runner !== null && runner.id === ticket.runnerId) continue;
    const isInUse = runner !== null && (runner.isOnline || runner.isBusy);
    if (isInUse && isKnownByHostOnly(ticket)) continue;
    if (runner !== null) await deleteRegistration(context, ticket, runner.id);
    else if (isAbsenceFinal(ticket, listedAtMs) && (await isAbsent(context, ticket)))
      await saveRegistration(context, ticket, "gone");
  }
}

/**
 * The listing must have begun after anything could still bring the registration to life: a ticket that was voided may have
 * had its request under way, one that left us was registered before.
 */
function isAbsenceFinal(ticket: Ticket, listedAtMs: number): boolean {
  const lateMs = ticket.state.kind === "void" ? LATE_EFFECT_MS : 0;
  return ticket.state.sinceMs + lateMs <= listedAtMs;
}

/**
 * GitHub removes the registration of a runner that ran its job; any other is looked for by name before it counts as gone,
 * since a listing that changes between two pages can miss one.
 */
async function isAbsent(context: PoolContext, ticket: Ticket): Promise<boolean> {
  if (ticket.state.kind === "spent") return true;
  return (await context.github.findRunner(ticket.scope, ticket.runnerName)).kind === "absent";
}

function isResting(context: PoolContext, scope: RegistrationScope): boolean {
  return listingRestMs(context, scope) > 0;
}

function listingRestMs({ memory, clock }: PoolContext, scope: RegistrationScope): number {
  return Math.max(0, (memory.sweepPauses.get(scopeKey(scope))?.untilMonotonicMs ?? 0) - clock.monotonicMs());
}

/** How long the registration of a ticket that is over is left alone, after GitHub refused to delete or to list. */
export function restBeforeDeletionMs(context: PoolContext, { id, state, scope }: Ticket): number {
  if (state.kind !== "handed-back") return listingRestMs(context, scope);
  const contradictedAtMs = context.memory.contradictedAtMs.get(id) ?? Number.NEGATIVE_INFINITY;
  return Math.max(0, contradictedAtMs + CONTRADICTED_PAUSE_MS - context.clock.monotonicMs());
}

/** Why the registration is not deleted whatever GitHub says; null where nothing stands against it. Reads only. */
export async function barToDeletion(context: PoolContext, ticket: Ticket): Promise<ReasonCode | null> {
  if (!isTicketOver(ticket)) return "registration-not-over";
  if (await isBarred(context, ticket)) return "frozen";
  return (await mayBeHeld(context, ticket)) ? "ticket-not-over" : null;
}

const OUTAGE_BACKOFF = { firstMs: 10 * SECOND_MS, limitMs: MINUTE_MS };
/** A place that was deleted, or that is closed to us, is looked at ever more seldom. */
const CLOSED_BACKOFF = { firstMs: 10 * SECOND_MS, limitMs: 5 * MINUTE_MS };

async function meetFailure(context: PoolContext, scope: RegistrationScope, code: GitHubErrorCode): Promise<void> {
  if (code === "github-budget") return await deleteKnown(context, scope);
  const { memory, clock, random } = context;
  const failureCount = (memory.sweepPauses.get(scopeKey(scope))?.failureCount ?? 0) + 1;
  const policy = code === "github-unavailable" ? OUTAGE_BACKOFF : CLOSED_BACKOFF;
  const untilMonotonicMs = clock.monotonicMs() + backoffMs(policy, failureCount, random.fraction());
  memory.sweepPauses.set(scopeKey(scope), { failureCount, untilMonotonicMs });
  if (code === "github-not-found") await closeExpired(context, scope);
}

/** GitHub removes a single-use registration that is offline for a day; nobody has the secret of a ticket that is over. */
const EXPIRED_AFTER_MS = 2 * DAY_MS;

/** The place does not exist any more, or not for us, for longer than a registration could: it holds up no row for ever. */
async function closeExpired(context: PoolContext, scope: RegistrationScope): Promise<void> {
  for (const ticket of await listOwingIn(context, scope))
    if (context.clock.nowMs() - ticket.state.sinceMs >= EXPIRED_AFTER_MS)
      await saveRegistration(context, ticket, "gone");
}

async function listOwingIn(context: PoolContext, scope: RegistrationScope): Promise<readonly Ticket[]> {
  const owing = await listTicketsOwingDeletion(context.store.db, context.pool.name);
  return owing.filter((ticket) => scopeKey(ticket.scope) === scopeKey(scope));
}

/** Deleting is urgent and listing is not: while listings are held back, what is known by its number is deleted without. */
async function deleteKnown(context: PoolContext, scope: RegistrationScope): Promise<void> {
  for (const ticket of await listOwingIn(context, scope)) {
    // GitHub removes the registration of a runner that ran its job.
    // One that was handed back is deleted first of all, before any listing.
    if (ticket.state.kind === "spent" || ticket.state.kind === "handed-back") continue;
    if (ticket.registration !== "present" || ticket.runnerId === null) continue;
    // One that is held back, or that GitHub does not take now, speaks for those after it.
    if (!(await deleteRegistration(context, ticket, ticket.runnerId))) return;
  }
}

type Listing =
  | { readonly kind: "listed"; readonly runners: readonly ObservedRunner[] }
  | { readonly kind: "failed"; readonly code: GitHubErrorCode };

async function list(context: PoolContext, scope: RegistrationScope): Promise<Listing> {
  try {
    return { kind: "listed", runners: await context.github.listRunners(scope) };
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    context.telemetry.error("GitHub's list of runners failed; nothing is concluded from it", error, {
      pool: context.pool.name,
    });
    return { kind: "failed", code: error.code };
  }
}

/** @returns whether the next one is worth trying: false where the call failed. */
async function deleteRegistration(context: PoolContext, owing: Ticket, runnerId: RunnerId): Promise<boolean> {
  const isKnown = owing.registration === "present" && owing.runnerId === runnerId;
  const known = isKnown ? owing : await saveRegistration(context, { ...owing, runnerId }, "present");
  const lease = context.lease();
  const ticket = known === null ? null : await loadTicket(context.store.db, known.id);
  if (lease === null || ticket === null) return true;
  if ((await barToDeletion(context, ticket)) !== null) return true;
  if ((await leaseRemainingMs(context.store.db, lease)) < GITHUB_CALL_TIMEOUT_MS) return false;
  const decision = issuePermit({ kind: "delete-registration", ticket, epoch: lease.epoch, time: heardTime(context) });
  if (decision.kind === "refused") return true;
  try {
    const answer = await context.github.deleteRunner(decision.permit);
    if (answer === "deleted") await saveRegistration(context, ticket, "gone");
    // A 404 is also how GitHub hides what we may not see any more: the next listing that comes decides.
    if (answer === "busy") await noteContradiction(context, ticket);
    return true;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    context.telemetry.error("a registration was not deleted; it is tried again", error, {
      pool: ticket.pool,
      machine: ticket.machineId,
      job: ticket.jobId,
      ticket: ticket.id,
    });
    return false;
  }
}

/**
 * While its pool is frozen no registration is deleted, but that of a listener which its fence has killed: GitHub still gives
 * it jobs, and cancels the one that it loses for the third time.
 */
async function isBarred({ store }: PoolContext, { pool, state }: Ticket): Promise<boolean> {
  return state.kind !== "handed-back" && (await findFreezeOver(store.db, pool)) !== null;
}

/** GitHub says busy of a ticket whose host said that it is over: nothing more is done than to tell. */
async function noteContradiction(context: PoolContext, ticket: Ticket): Promise<void> {
  const fact = ALARM_FACTS["fence-contradicted"];
  if (ticket.state.kind === "handed-back") {
    context.memory.contradictedAtMs.set(ticket.id, context.clock.monotonicMs());
    context.telemetry.count("holdfast_fence_contradictions_total", { pool: ticket.pool });
  }
  const { pool, machineId, jobId } = ticket;
  context.telemetry.warn(fact, { pool, machine: machineId, job: jobId, ticket: ticket.id });
  await recordEvidence(context.store.db, {
    subject: ticketSubject(ticket.id),
    source: "github-api",
    fact,
    observedAtMs: context.clock.nowMs(),
  });
}
