/**
 * The door. Every call that can end a job takes a permit, and only `issuePermit` makes one, from one of the proofs of the
 * contract (`docs/design/safety.md`). A permit is made at the call, lives 30 s and is never stored. Its classes have
 * private constructors and a private field, so no other code can make one, and a copy or a literal is none.
 *
 * The contract's `fenced` ends a ticket here: its host hands it back, and the machine then ends as `parked`.
 */
import type { ConnectionName, ControllerId, LeaseEpoch, MachineId, ProviderId, RunnerId, TicketId } from "./ids.ts";
import { isOfFirstSight, type Machine, providerIdOf } from "./machine.ts";
import { isDeparting } from "./membership.ts";
import type { ObservedMachine, ObservedRunner } from "./observed.ts";
import type { RegistrationScope } from "./pool.ts";
import type { ReasonCode } from "./reasons.ts";
import { isOurRunnerName } from "./runner-name.ts";
import {
  type HostFacts,
  missingForHostLost,
  missingForJobTerminal,
  missingForLimit,
  type OverdueLimit,
  type SlowQuestion,
} from "./slow-proofs.ts";
import { isTicketOver, type Ticket, type TicketStateKind } from "./ticket.ts";
import { type HeardTime, isPast } from "./time.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "./units.ts";

export const PERMIT_LIFE_MS = 30 * SECOND_MS;

export type MachineProof =
  /**
   * Our own launch, never heard of since, past its boot deadline, with no ticket that ever left us; or one of first sight, of
   * which the provider, asked by id, says that it still has never run. One that its group ends, by the provider's word of it,
   * waits for no deadline of its own where we have listened for as long.
   */
  | { readonly kind: "never-engaged"; readonly bootDeadlineMs: number; readonly observed?: ObservedMachine | null }
  /**
   * No ticket is out, and a report sent after the machine began to retire, or to be stopped, says that it holds none; or the
   * provider, asked by id, says that it is stopped, and nobody has to say so.
   */
  | { readonly kind: "parked"; readonly observed?: ObservedMachine | null }
  /** The provider says that nothing runs there any more. */
  | { readonly kind: "provider-dead"; readonly observed: ObservedMachine }
  /** The host is silent for long, and nothing that GitHub says speaks for a job there. */
  | (SlowProof & { readonly kind: "host-lost" })
  /** Its jobs are long over, and its host, which speaks, has not moved since. */
  | (SlowProof & { readonly kind: "job-terminal" })
  /** A limit of the contract is past: forced, recorded with the jobs it may cost. */
  | (SlowProof & { readonly kind: "overdue"; readonly limit: OverdueLimit })
  /** An operator's word, recorded with the jobs it may cost. Never for a failure of ours. */
  | { readonly kind: "forced"; readonly operator: string; readonly reason: string };

interface SlowProof {
  readonly facts: HostFacts;
  readonly deadlines: SlowQuestion["deadlines"];
}

/** What is recorded: a limit that is past forces an ending like an operator does. */
export type ProofKind = Exclude<MachineProof["kind"], "overdue"> | "ticket-over" | "unknown-registration";

export interface MachinePermitRequest {
  readonly kind: "end-machine";
  readonly machine: Machine;
  /** Every ticket that the machine ever had, read together with the machine. */
  readonly tickets: readonly Ticket[];
  readonly proof: MachineProof;
  readonly epoch: LeaseEpoch;
  readonly time: HeardTime;
}

export interface RegistrationPermitRequest {
  readonly kind: "delete-registration";
  /** Read after GitHub's listing, where one is the occasion. */
  readonly ticket: Ticket;
  readonly epoch: LeaseEpoch;
  readonly time: HeardTime;
}

/** A registration with our prefix of which the store, read after GitHub, knows no ticket. */
export interface UnknownRegistrationRequest {
  readonly kind: "delete-unknown-registration";
  readonly controllerId: ControllerId;
  readonly connection: ConnectionName;
  readonly scope: RegistrationScope;
  /** As GitHub listed it a moment ago. */
  readonly runner: ObservedRunner;
  /** Since when every reading of it said offline and not busy, and when the last one was. */
  readonly offlineSinceMs: number;
  readonly lastReadAtMs: number;
  /** Whether the store knows a ticket of this runner's name. */
  readonly isTicketKnown: boolean;
  readonly epoch: LeaseEpoch;
  readonly time: HeardTime;
}

/** So long a registration that nobody knows must have been offline in every reading. */
export const UNKNOWN_OFFLINE_FOR_MS = DAY_MS;
/** A reading older than this is none. */
const UNKNOWN_READ_WITHIN_MS = MINUTE_MS;

// Assigned once by the static blocks below, which alone can reach the private constructors. Not exported.
let makeMachinePermit: (machine: Machine, providerId: ProviderId, request: MachinePermitRequest) => MachinePermit;
let makeRegistrationPermit: (
  ticket: Ticket,
  runnerId: RunnerId,
  request: RegistrationPermitRequest,
) => RegistrationPermit;
let makeUnknownRegistrationPermit: (request: UnknownRegistrationRequest) => RegistrationPermit;

export class MachinePermit {
  /** Makes the class nominal: a literal or a copy of the same shape is not one, to the compiler and at run time. */
  readonly #isMade = true;
  readonly kind = "end-machine";
  readonly machineId: MachineId;
  readonly providerId: ProviderId;
  readonly machineVersion: number;
  readonly epoch: LeaseEpoch;
  readonly proof: ProofKind;
  /** It rests on the provider's word that the machine has never run: nothing is ended of which that is no longer said. */
  readonly isForUnstarted: boolean;
  readonly expiresAtMs: number;

  private constructor(machine: Machine, providerId: ProviderId, request: MachinePermitRequest) {
    this.machineId = machine.id;
    this.providerId = providerId;
    this.machineVersion = machine.version;
    this.epoch = request.epoch;
    this.proof = request.proof.kind === "overdue" ? "forced" : request.proof.kind;
    this.isForUnstarted = request.proof.kind === "never-engaged" && isOfFirstSight(machine);
    this.expiresAtMs = request.time.nowMs + PERMIT_LIFE_MS;
    Object.freeze(this);
  }

  /** Whether `issuePermit` made it; `instanceof` would also take what only claims the prototype. */
  static isMade(permit: object): permit is MachinePermit {
    return #isMade in permit && permit.#isMade;
  }

  static {
    makeMachinePermit = (machine, providerId, request) => new MachinePermit(machine, providerId, request);
  }
}

export class RegistrationPermit {
  readonly #isMade = true;
  readonly kind = "delete-registration";
  readonly connection: ConnectionName;
  readonly scope: RegistrationScope;
  readonly runnerId: RunnerId;
  /** Null where no ticket of ours is known. */
  readonly ticketId: TicketId | null;
  readonly ticketVersion: number | null;
  readonly epoch: LeaseEpoch;
  readonly proof: "ticket-over" | "unknown-registration";
  readonly expiresAtMs: number;

  private constructor(
    place: Pick<Ticket, "connection" | "scope">,
    runnerId: RunnerId,
    ticket: Pick<Ticket, "id" | "version"> | null,
    request: Pick<RegistrationPermitRequest, "epoch" | "time">,
  ) {
    this.connection = place.connection;
    this.scope = place.scope;
    this.runnerId = runnerId;
    this.ticketId = ticket?.id ?? null;
    this.ticketVersion = ticket?.version ?? null;
    this.proof = ticket === null ? "unknown-registration" : "ticket-over";
    this.epoch = request.epoch;
    this.expiresAtMs = request.time.nowMs + PERMIT_LIFE_MS;
    Object.freeze(this);
  }

  static isMade(permit: object): permit is RegistrationPermit {
    return #isMade in permit && permit.#isMade;
  }

  static {
    makeRegistrationPermit = (ticket, runnerId, request) => new RegistrationPermit(ticket, runnerId, ticket, request);
    makeUnknownRegistrationPermit = (request) => new RegistrationPermit(request, request.runner.id, null, request);
  }
}

export type PermitDecision<Permit> =
  | { readonly kind: "permitted"; readonly permit: Permit }
  /** What is missing; never empty. */
  | { readonly kind: "refused"; readonly missing: readonly ReasonCode[] };

/** The only maker of permits. Pure; refuses with everything that is missing. */
export function issuePermit(request: MachinePermitRequest): PermitDecision<MachinePermit>;
export function issuePermit(
  request: RegistrationPermitRequest | UnknownRegistrationRequest,
): PermitDecision<RegistrationPermit>;
export function issuePermit(
  request: MachinePermitRequest | RegistrationPermitRequest | UnknownRegistrationRequest,
): PermitDecision<MachinePermit | RegistrationPermit> {
  if (request.kind === "delete-registration") return permitRegistration(request);
  if (request.kind === "delete-unknown-registration") return permitUnknownRegistration(request);
  const { machine } = request;
  const providerId = providerIdOf(machine);
  const missing = missingForEnding(request);
  if (missing.length > 0 || providerId === null) return { kind: "refused", missing };
  return { kind: "permitted", permit: makeMachinePermit(machine, providerId, request) };
}

function permitRegistration(request: RegistrationPermitRequest): PermitDecision<RegistrationPermit> {
  const { ticket } = request;
  if (!isTicketOver(ticket) || ticket.runnerId === null) return { kind: "refused", missing: ["registration-not-over"] };
  return { kind: "permitted", permit: makeRegistrationPermit(ticket, ticket.runnerId, request) };
}

function permitUnknownRegistration(request: UnknownRegistrationRequest): PermitDecision<RegistrationPermit> {
  const { runner, time, offlineSinceMs, lastReadAtMs } = request;
  const missing: ReasonCode[] = [];
  if (!isOurRunnerName(runner.name, request.controllerId)) missing.push("not-ours-from-the-start");
  if (request.isTicketKnown) missing.push("registration-not-over");
  if (runner.isOnline || runner.isBusy) missing.push("github-says-online");
  // By the plain clock, for a deploy each day would else put it off for ever; GitHub itself forgets such runners in a day.
  if (time.nowMs - offlineSinceMs < UNKNOWN_OFFLINE_FOR_MS) missing.push("github-says-away-too-short");
  if (time.nowMs - lastReadAtMs > UNKNOWN_READ_WITHIN_MS) missing.push("github-not-read");
  if (missing.length > 0) return { kind: "refused", missing };
  return { kind: "permitted", permit: makeUnknownRegistrationPermit(request) };
}

/** What the proof still lacks; empty where a permit would be issued. Asking is not issuing: it opens nothing. */
export function missingForEnding(request: MachinePermitRequest): readonly ReasonCode[] {
  const missing = missingForProof(request);
  const { kind } = request.machine.state;
  // Being stopped ends a job as surely as being ended, so it takes a proof too, and only this one.
  const isOnItsWay = kind === "retiring" || (kind === "stopping" && request.proof.kind === "parked");
  return isOnItsWay ? missing : ["not-retiring", ...missing];
}

/** The same of a machine in any state: whether it may begin to retire for this proof. */
function missingForProof(request: MachinePermitRequest): readonly ReasonCode[] {
  const { proof } = request;
  switch (proof.kind) {
    case "never-engaged":
      return missingForNeverEngaged(request, proof.bootDeadlineMs, proof.observed ?? null);
    case "parked":
      return missingForParked(request.machine, request.tickets, proof.observed ?? null);
    case "provider-dead":
      return saysDead(request.machine, proof.observed) ? [] : ["not-dead"];
    case "host-lost":
      return missingForHostLost({ ...request, ...proof });
    case "job-terminal":
      return missingForJobTerminal({ ...request, ...proof });
    case "overdue":
      return missingForLimit(proof.limit, { ...request, ...proof });
    case "forced":
      return proof.operator === "" || proof.reason === "" ? ["no-reason-given"] : [];
  }
}

function missingForNeverEngaged(
  request: MachinePermitRequest,
  bootDeadlineMs: number,
  observed: ObservedMachine | null,
): readonly ReasonCode[] {
  const { machine, tickets, time } = request;
  const missing: ReasonCode[] = [];
  const isUnstarted = observed?.hasNeverRun === true && observed.providerId === providerIdOf(machine);
  if (machine.origin !== "launched" || (isOfFirstSight(machine) && !isUnstarted))
    missing.push("not-ours-from-the-start");
  if (machine.ticketsGiven > 0 || tickets.some((ticket) => ticket.state.kind !== "void"))
    missing.push("ticket-not-over");
  if (machine.isAgentSeen || machine.incarnation !== null) missing.push("agent-was-seen");
  // No ticket can leave us for it any more. The deadline gives it time to be of use, which its group does not.
  // Of a store that was restored that is certain once an agent of before would have been heard.
  const isEnding = isDeparting(observed?.membership) && observed?.providerId === providerIdOf(machine);
  const isCertain = isEnding && isPast(time.heardSinceMs, bootDeadlineMs, time);
  if (!isCertain && !isPast(machine.createdAtMs, bootDeadlineMs, time)) missing.push("deadline-not-past");
  return missing;
}

/** How a ticket that left us may have ended for its machine to be idle. `lost` is no such word: it is said of the machine. */
const ENDED_BY_HOST: readonly TicketStateKind[] = ["spent", "barren", "handed-back"];

function missingForParked(
  machine: Machine,
  tickets: readonly Ticket[],
  observed: ObservedMachine | null,
): readonly ReasonCode[] {
  const missing: ReasonCode[] = [];
  const ended = tickets.filter((ticket) => ENDED_BY_HOST.includes(ticket.state.kind));
  const areAllOver = tickets.every((ticket) => ticket.state.kind === "void" || ended.includes(ticket));
  // Fewer ends than tickets given: the list is not whole, and what is missing from it may be out.
  if (!areAllOver || ended.length < machine.ticketsGiven) missing.push("ticket-not-over");
  // Adoption gives a row of unknown past an unknown ticket, whose end must be in the list.
  if (machine.origin !== "launched" && ended.length === 0) missing.push("not-ours-from-the-start");
  const { state, report } = machine;
  if (state.kind !== "retiring" && state.kind !== "stopping") return missing;
  if (observed?.state === "stopped" && observed.providerId === state.providerId) return missing;
  if (report === null || machine.sequence <= state.heardSequence) return [...missing, "awaits-report"];
  if (report.phase === "starting" || report.phase === "engaged" || report.ticket !== null)
    missing.push("report-names-ticket");
  if (report.sighting.kind === "unknown" || report.sighting.hasListener || report.sighting.workerCount > 0)
    missing.push("sees-processes");
  return missing;
}

function saysDead(machine: Machine, observed: ObservedMachine): boolean {
  return observed.providerId === providerIdOf(machine) && (observed.state === "dead" || observed.state === "gone");
}
