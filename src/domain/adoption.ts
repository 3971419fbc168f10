/**
 * Machines of which our store knows less than the truth: one that the provider has and the store does not, one of a store
 * that was restored from a backup, one whose agent names a ticket that we know nothing of. Each is presumed busy: it
 * becomes `engaged`, with a ticket in state `unknown`, until its agent has said what it holds. It gets no more tickets.
 *
 * Where nobody knows which ticket may be out, a stand-in takes its place: a row of our own making, of which no host ever
 * hears. Its host's journal replaces it by the ticket that is held, or ends it.
 */
import {
  type ControllerId,
  type MachineId,
  parseConnectionName,
  parseLaunchId,
  parseTicketId,
  type TicketId,
} from "./ids.ts";
import { type Machine, moveMachine } from "./machine.ts";
import type { ObservedMachine } from "./observed.ts";
import { type PoolPolicy, type RegistrationScope, registrationScope, registrationScopesOf } from "./pool.ts";
import type { HostReport } from "./protocol.ts";
import { runnerNameOf } from "./runner-name.ts";
import { isTicketLive, moveTicket, type Ticket, type TicketEnd, type TicketState } from "./ticket.ts";

/** Where a registration is of which nobody knows the place: it is looked for nowhere. */
export const NOWHERE = {
  connection: parseConnectionName("none"),
  scope: { kind: "organization", organization: "none" },
} as const;

/** A launch of which no row is left: that of a machine with unreadable marks. */
const NO_LAUNCH = parseLaunchId("l-unknown0");

/** A launch of ours asked for it. */
export function isOfLaunch({ launchId }: Pick<Machine, "launchId">): boolean {
  return launchId !== NO_LAUNCH;
}

/** Of settings that no row tells: no pool's hash is this, so the machine is replaced once it is parked. */
export const UNKNOWN_SETTINGS = "unknown";

function standInFor(machine: Pick<Machine, "id" | "pool" | "version">, nowMs: number): Ticket {
  const id = parseTicketId(`t-${machine.id.slice(2, 24)}x${machine.version}`);
  return {
    ...NOWHERE,
    id,
    pool: machine.pool,
    machineId: machine.id,
    jobId: null,
    purpose: "job",
    aimedAtMs: null,
    runnerName: id,
    runnerId: null,
    registration: "none",
    wasOnline: true,
    deliveredTo: null,
    state: { kind: "unknown", sinceMs: nowMs },
    version: 1,
    createdAtMs: nowMs,
  };
}

/** No host ever hears of it, so no host can account for it by its id. */
export function isStandIn(ticket: Ticket): boolean {
  return ticket.runnerName === (ticket.id as string);
}

/** @property standIn to be inserted; null where a ticket of the machine may itself be out. @property ticket that changed. */
export interface Presumed {
  readonly machine: Machine;
  readonly ticket: Ticket | null;
  readonly standIn: Ticket | null;
}

/** Those by which it can be found again, whatever becomes of the other places that the pool has or had. */
export function settingsThatShow(
  { shownBySettings }: Pick<ObservedMachine, "shownBySettings">,
  { settingsHash }: Pick<PoolPolicy, "settingsHash">,
): readonly string[] {
  return shownBySettings ?? [settingsHash];
}

/** A machine of ours without a row: what it did before, nobody knows. */
export function adoptStray(
  stray: ObservedMachine & { readonly machineId: MachineId },
  pool: PoolPolicy,
  nowMs: number,
): { readonly machine: Machine; readonly standIn: Ticket } {
  const standIn = standInFor({ id: stray.machineId, pool: pool.name, version: 1 }, nowMs);
  const machine: Machine = {
    id: stray.machineId,
    pool: pool.name,
    launchId: stray.launchId ?? NO_LAUNCH,
    origin: "adopted",
    state: { kind: "engaged", providerId: stray.providerId, ticketId: standIn.id, sinceMs: nowMs },
    version: 1,
    settingsHash: UNKNOWN_SETTINGS,
    foundBySettings: settingsThatShow(stray, pool),
    ticketsGiven: 1,
    isAgentSeen: true,
    incarnation: null,
    sequence: 0,
    report: null,
    retireWhenSpent: "adopted",
    hold: null,
    forced: null,
    createdAtMs: nowMs,
  };
  return { machine, standIn };
}

/**
 * A machine of ours without a row whose agent had never started when it was seen: it cannot have had a ticket, so its row
 * knows all of it from here on, and its boot deadline begins now. It gets no ticket either: whoever may make pods can have
 * made it, to be given the jobs of others.
 */
export function adoptUnstarted(
  stray: ObservedMachine & { readonly machineId: MachineId },
  pool: PoolPolicy,
  nowMs: number,
): Machine {
  return {
    id: stray.machineId,
    pool: pool.name,
    launchId: stray.launchId ?? NO_LAUNCH,
    origin: "launched",
    state: { kind: "provisioning", providerId: stray.providerId, sinceMs: nowMs },
    version: 1,
    settingsHash: UNKNOWN_SETTINGS,
    foundBySettings: settingsThatShow(stray, pool),
    ticketsGiven: 0,
    isAgentSeen: false,
    incarnation: null,
    sequence: 0,
    report: null,
    retireWhenSpent: "adopted",
    hold: null,
    forced: null,
    createdAtMs: nowMs,
  };
}

/**
 * A machine that its group started, at first sight: it came since we last saw all of the group, so nobody can have given it
 * a ticket. It is as good as one that we launched.
 * @param isStirred its agent was faster than our look.
 */
export function welcomeNewcomer(
  newcomer: ObservedMachine & { readonly machineId: MachineId },
  pool: PoolPolicy,
  isStirred: boolean,
  nowMs: number,
): Machine {
  const row = adoptUnstarted(newcomer, pool, nowMs);
  return { ...row, settingsHash: pool.settingsHash, isAgentSeen: isStirred, retireWhenSpent: null };
}

/**
 * A row that knows less than the truth. A ticket that was not over may have gone any way since; where there was none,
 * there may be one now, also where the row retires, however far it has come: it may have done so by what the backup says.
 * What has ended already is gone all the same, once the provider says so.
 * @param tickets every one that the row has.
 */
export function presumeOut(
  machine: Machine,
  tickets: readonly Ticket[],
  origin: "adopted" | "restored",
  nowMs: number,
): Presumed {
  const foundBySettings = machine.foundBySettings ?? placesOfLaunched(machine);
  const marked = { ...machine, origin, foundBySettings, retireWhenSpent: machine.retireWhenSpent ?? "adopted" };
  // Its launch is repeated, and it is presumed busy as soon as that is answered.
  if (machine.state.kind === "planned")
    return { machine: { ...marked, version: machine.version + 1 }, ticket: null, standIn: null };
  const out = likeliestOut(tickets);
  const standIn = out === null ? standInFor(machine, nowMs) : null;
  const ticketId = out?.id ?? standIn?.id ?? never();
  const isUnknown = out === null || out.state.kind === "unknown";
  // What its agent last said was said of the row as it was: said again, the same words are news.
  const unheard = { ...marked, report: null };
  return {
    machine: moveMachine(unheard, { kind: "presumed", ticketId }, nowMs),
    ticket: isUnknown ? null : presumeTicket(out, nowMs),
    standIn,
  };
}

/**
 * The one that GitHub is asked about while its host is silent. With a machine that is there after all, what was lost with
 * it may be out; and what we voided may have been so by the backup alone.
 */
function likeliestOut(tickets: readonly Ticket[]): Ticket | null {
  const live = tickets.find(isTicketLive);
  const lost = tickets.findLast(({ state }) => state.kind === "lost");
  const voided = tickets.findLast(({ state, registration }) => state.kind === "void" && registration !== "gone");
  return live ?? lost ?? voided ?? null;
}

/**
 * The ticket may have left us, whatever its row says: so may the request for its registration, which is looked for by the
 * runner's name from now on, where there is a place to look in.
 */
export function presumeTicket(ticket: Ticket, nowMs: number): Ticket {
  const isUnasked = ticket.registration === "none" && ticket.connection !== NOWHERE.connection;
  const registration = isUnasked ? "unknown" : ticket.registration;
  return moveTicket({ ...ticket, registration }, { kind: "unknown", sinceMs: nowMs });
}

/** One that we launched is where its settings put it, whatever else its row does not know. */
function placesOfLaunched({ origin, settingsHash }: Machine): readonly string[] | null {
  return origin === "launched" && settingsHash !== UNKNOWN_SETTINGS ? [settingsHash] : null;
}

function never(): never {
  throw new Error("either a ticket is live or a stand-in is made");
}

/** What our store knows of a ticket that a host names. */
export type NamedTicket =
  /** It may be out to that host: nothing is new. */
  | "known"
  /** It was over before the host named it, and says so. */
  | "settled"
  /** No row: the store forgot it. */
  | "forgotten"
  /** By our store it never left us, or is over; the host holds it all the same. */
  | "contradicted"
  /** It is another machine's. */
  | "of-another";

export function judgeNamedTicket(machineId: MachineId, row: Ticket | null, isHeld: boolean): NamedTicket {
  if (row === null) return "forgotten";
  if (row.machineId !== machineId) return "of-another";
  if (row.state.kind === "minting" || row.state.kind === "issued") return "contradicted";
  if (isTicketLive(row)) return "known";
  return isHeld ? "contradicted" : "settled";
}

/**
 * The row of a ticket that only its host knows. The name of its runner follows from its id, as every name that we give; its
 * registration is looked for by that name.
 */
export function ticketByHost(
  id: TicketId,
  machine: Pick<Machine, "id" | "pool">,
  place: { readonly controllerId: ControllerId; readonly pool: PoolPolicy; readonly scope: RegistrationScope | null },
  state: TicketState,
): Ticket {
  const where = place.scope === null ? NOWHERE : { connection: place.pool.connection, scope: place.scope };
  return {
    ...where,
    id,
    pool: machine.pool,
    machineId: machine.id,
    jobId: null,
    purpose: "job",
    aimedAtMs: null,
    runnerName: runnerNameOf(place.controllerId, randomPartOf(id)),
    runnerId: null,
    registration: place.scope === null ? "none" : "unknown",
    wasOnline: true,
    deliveredTo: null,
    state,
    version: 1,
    createdAtMs: state.sinceMs,
  };
}

/** A ticket and its runner share it, so that either leads to the other. */
function randomPartOf(id: TicketId): string {
  return id.slice("t-".length);
}

/** @param repository of the job that GitHub says this runner has; null where it names none. */
export function scopeByHost(pool: PoolPolicy, repository: string | null): RegistrationScope | null {
  if (repository !== null) return registrationScope(pool, repository);
  const scopes = registrationScopesOf(pool);
  const isOnlyOne = scopes.length === 1 && !(pool.scope.kind === "repositories" && pool.scope.repositories.length > 1);
  return isOnlyOne ? (scopes[0] ?? null) : null;
}

export function endByHost(end: TicketEnd, nowMs: number): TicketState {
  return end.kind === "barren" ? { ...end, sinceMs: nowMs } : { kind: end.kind, sinceMs: nowMs };
}

/**
 * A report that proves that no ticket is out which our store does not know: the host heard that it gets no more tickets,
 * so that an answer to an earlier poll which still comes is refused, never started; its journal holds none; and nothing of
 * a runner runs.
 */
export function provesNoneOut({ phase, ticket, sighting }: HostReport): boolean {
  const seesNone = sighting.kind === "seen" && !sighting.hasListener && sighting.workerCount === 0;
  return phase === "leaving" && ticket === null && seesNone;
}

/** What is left of a report of which nobody knows who sent it: it can show that a job runs, never that none does. */
export function onlyOfWork(report: HostReport): HostReport {
  return { ...report, phase: "starting", ended: [] };
}
