/**
 * Asks GitHub for the registration of each ticket in `minting`. Not idempotent at GitHub, so that it may have happened is
 * written before the call, and a lost answer is resolved by the runner's name: what is found there is ours, and its ticket
 * is void, because the secret that would start it went down with the answer.
 */

import { backoffMs, CALL_BACKOFF } from "../../domain/backoff.ts";
import { GitHubError } from "../../domain/errors.ts";
import type { TicketId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { type RegistrationScope, scopeKey } from "../../domain/pool.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import { moveTicket, type Ticket } from "../../domain/ticket.ts";
import type { MintedTicket } from "../../ports/github.ts";
import type { Span } from "../../ports/traces.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { inLease } from "../../store/leases.ts";
import { poolSubject, ticketSubject } from "../../store/subjects.ts";
import { listTicketsInState } from "../../store/tickets/list.ts";
import { loadTicket } from "../../store/tickets/load.ts";
import { saveTicket } from "../../store/tickets/save.ts";
import { storeTicketSecret } from "../../store/tickets/secret.ts";
import { inTransaction } from "../../store/transaction.ts";
import type { PoolContext } from "../context.ts";
import { reasonOfRefusal } from "../github-reason.ts";
import { settleAll } from "../settle.ts";
import { voidTicket } from "../void-ticket.ts";
import { isStillWanted } from "./still-wanted.ts";

/** Calls at a time per pool; GitHub counts more than 100 concurrent ones as abuse. */
const CONCURRENT_MINTS_MAX = 8;

export async function mintTickets(context: PoolContext): Promise<void> {
  if (context.lease() === null || context.pool.mode !== "run") return;
  const tickets = await listTicketsInState(context.store.db, context.pool.name, ["minting"]);
  const queue = [...tickets].sort((one, other) => placeInQueue(one) - placeInQueue(other));
  const workers = Array.from({ length: Math.min(CONCURRENT_MINTS_MAX, queue.length) }, async () => {
    for (let ticket = queue.shift(); ticket !== undefined; ticket = queue.shift()) await mintOne(context, ticket);
  });
  await settleAll(workers);
}

/**
 * The oldest job first (GitHub's ids grow), as GitHub gives its runners jobs: a runner whose ticket was made for another job
 * takes that of a ticket that is still being made. What is made in advance comes last.
 */
function placeInQueue({ jobId }: Ticket): number {
  return jobId ?? Number.MAX_SAFE_INTEGER;
}

/** How long GitHub is not asked for tickets there, and why. */
export function mintPauseOf({ memory, clock }: PoolContext, scope: RegistrationScope): MintWait | null {
  const pause = memory.mintPauses.get(scopeKey(scope));
  if (pause === undefined || clock.monotonicMs() >= pause.untilMonotonicMs) return null;
  return { reason: pause.reason, leftMs: pause.untilMonotonicMs - clock.monotonicMs() };
}

interface MintWait {
  readonly reason: ReasonCode;
  readonly leftMs: number;
}

async function mintOne(context: PoolContext, ticket: Ticket): Promise<void> {
  if (mintPauseOf(context, ticket.scope) !== null) return;
  const { pool, id, jobId, machineId } = ticket;
  const about = { pool, job: jobId, machine: machineId, ticket: id };
  await context.telemetry.trace("ticket", "mint", about, (span) => mintUnpaused(context, ticket, span));
}

async function mintUnpaused(context: PoolContext, ticket: Ticket, span: Span<"ticket">): Promise<void> {
  context.memory.lastScope = ticket.scope;
  const wanted = await isStillWanted(context, ticket);
  if (wanted.kind === "over") return await voidUnwanted(context, ticket, wanted.why);
  if (wanted.kind === "unknown") return pauseScope(context, ticket.scope, wanted.reason, null);
  const isFirstRequest = ticket.registration === "none";
  const asked = await noteAsked(context, ticket);
  if (asked === null) return;
  try {
    const minted = await context.github.mintTicket({
      scope: ticket.scope,
      runnerName: ticket.runnerName,
      labels: context.pool.labels,
      runnerGroup: context.pool.runnerGroup,
    });
    await saveIssued(context, asked.id, minted);
    context.memory.mintPauses.delete(scopeKey(ticket.scope));
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    span.note({ errorCode: error.code });
    await noteFailure(context, asked, error, isFirstRequest);
  }
}

async function voidUnwanted(context: PoolContext, ticket: Ticket, why: string): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  await inLease(context.store, lease, (tx) => voidTicket(context, tx, ticket, why));
  context.wake.controller("assign", context.pool.name);
}

/** From here on the registration may exist, whatever becomes of us. */
async function noteAsked(context: PoolContext, ticket: Ticket): Promise<Ticket | null> {
  if (ticket.registration === "unknown") return ticket;
  const lease = context.lease();
  if (lease === null) return null;
  const asked: Ticket = { ...ticket, registration: "unknown", version: ticket.version + 1 };
  const isSaved = await inLease(context.store, lease, (tx) => saveTicket(tx, asked, ticket.version));
  return isSaved ? asked : null;
}

/** A ticket that was voided while GitHub answered keeps what is needed to delete its registration, not the secret. */
async function saveIssued(context: PoolContext, ticketId: TicketId, minted: MintedTicket): Promise<void> {
  const nowMs = context.clock.nowMs();
  const ticket = await inTransaction(context.store, async (tx) => {
    const current = await loadTicket(tx, ticketId);
    invariant(current !== null, "tickets are never removed while their machine is here");
    const registered: Ticket = { ...current, runnerId: minted.runnerId, registration: "present" };
    const isWanted = current.state.kind === "minting";
    const after: Ticket = isWanted
      ? moveTicket(registered, { kind: "issued", sinceMs: nowMs })
      : { ...registered, version: current.version + 1 };
    await saveTicket(tx, after, current.version);
    if (isWanted) await storeTicketSecret(tx, ticketId, minted.jitConfig);
    const fact = `ticket issued as runner ${minted.runnerId}`;
    await recordEvidence(tx, { subject: ticketSubject(ticketId), source: "github-api", fact, observedAtMs: nowMs });
    return after;
  });
  if (ticket.state.kind === "issued") context.wake.machine(ticket.machineId);
  else context.wake.controller("sweep", context.pool.name);
}

async function noteFailure(
  context: PoolContext,
  ticket: Ticket,
  error: GitHubError,
  isFirstRequest: boolean,
): Promise<void> {
  const { telemetry, pool } = context;
  telemetry.error("GitHub gave no ticket", error, {
    pool: pool.name,
    machine: ticket.machineId,
    job: ticket.jobId,
    ticket: ticket.id,
    code: error.code,
  });
  if (error.code === "github-name-taken") return resolveByName(context, ticket);
  pauseScope(context, ticket.scope, reasonOfRefusal(error.code), error.retryAfterMs);
  await noteOnPool(context, `no ticket: ${error.code}, ${error.message}`);
  // Whether it took effect is unknown: the same name is asked for again, and taken then if it did.
  if (error.code === "github-unavailable") return;
  const lease = context.lease();
  if (lease === null) return;
  await inLease(context.store, lease, async (tx) => {
    const current = await loadTicket(tx, ticket.id);
    if (current?.state.kind !== "minting") return;
    // Refused at the first request: there is nothing at GitHub. An earlier one may have taken effect.
    const refused: Ticket = isFirstRequest ? { ...current, registration: "none" } : current;
    await voidTicket(context, tx, refused, `GitHub refused it: ${error.code}`);
  });
}

/** Nothing more is asked for in this scope until the pause is over; the reason is every waiting job's there. */
function pauseScope(
  context: PoolContext,
  scope: RegistrationScope,
  reason: ReasonCode,
  retryAfterMs: number | null,
): void {
  const { memory, clock, random } = context;
  const key = scopeKey(scope);
  const nowMs = clock.monotonicMs();
  const before = memory.mintPauses.get(key) ?? { failureCount: 0, untilMonotonicMs: 0 };
  // Requests that were under way together fail together: that is once.
  const failureCount = before.failureCount + (nowMs < before.untilMonotonicMs ? 0 : 1);
  const pauseMs = Math.max(backoffMs(CALL_BACKOFF, failureCount, random.fraction()), retryAfterMs ?? 0);
  const untilMonotonicMs = Math.max(before.untilMonotonicMs, nowMs + pauseMs);
  memory.mintPauses.set(key, { failureCount, untilMonotonicMs, reason });
  context.wake.controller("assign", context.pool.name);
}

/** The pause after a look by name that found nothing: that of the fourth failure in a row. */
const RESOLVE_FAILURE_COUNT = 4;

async function resolveByName(context: PoolContext, ticket: Ticket): Promise<void> {
  const found = await context.github.findRunner(ticket.scope, ticket.runnerName);
  // Gone again or unreadable: asked for again at the next pass, under the same name.
  if (found.kind !== "present") {
    const untilMonotonicMs = context.clock.monotonicMs() + backoffMs(CALL_BACKOFF, RESOLVE_FAILURE_COUNT, 0);
    const pause = { failureCount: RESOLVE_FAILURE_COUNT, untilMonotonicMs, reason: "github-unavailable" } as const;
    context.memory.mintPauses.set(scopeKey(ticket.scope), pause);
    return;
  }
  const { value } = found;
  if (value.isOnline || value.version !== null) {
    // Nobody has the secret, so nobody can be online under a name that we drew: it is not ours, and not ours to delete.
    context.telemetry.warn("a registration under a ticket's name is in use by somebody", {
      pool: ticket.pool,
      machine: ticket.machineId,
      job: ticket.jobId,
      ticket: ticket.id,
    });
    return await giveUpName(context, ticket);
  }
  const lease = context.lease();
  if (lease === null) return;
  await inLease(context.store, lease, async (tx) => {
    const current = await loadTicket(tx, ticket.id);
    if (current?.state.kind !== "minting") return;
    const known: Ticket = { ...current, runnerId: value.id, registration: "present" };
    await voidTicket(context, tx, known, "the answer with its secret was lost");
  });
  context.wake.controller("sweep", context.pool.name);
  context.wake.controller("assign", context.pool.name);
}

async function giveUpName(context: PoolContext, ticket: Ticket): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  await inLease(context.store, lease, async (tx) => {
    const current = await loadTicket(tx, ticket.id);
    if (current?.state.kind !== "minting") return;
    await voidTicket(context, tx, { ...current, registration: "none" }, "somebody else is online under its name");
  });
  context.wake.controller("assign", context.pool.name);
}

async function noteOnPool(context: PoolContext, fact: string): Promise<void> {
  const observedAtMs = context.clock.nowMs();
  const subject = poolSubject(context.pool.name);
  await recordEvidence(context.store.db, { subject, source: "github-api", fact, observedAtMs });
}
