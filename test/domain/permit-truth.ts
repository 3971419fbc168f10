/**
 * One machine with the truth about it: what its host really holds, what is on the wire both ways, and the rows that a store
 * which knows only what reached it would have. Rows change by the domain's own functions alone.
 *
 * The wire loses, delays, repeats and reorders. The agent may be restarted at any moment (a new incarnation, its count of
 * messages from one again), while its runner goes on; what it wrote to its journal outlives it. The row may be retired at
 * any moment, also with a ticket out, as an operator may.
 */
import { attendReport } from "../../src/domain/attend.ts";
import type { IncarnationId, TicketId } from "../../src/domain/ids.ts";
import { type Machine, type MachineEvent, moveMachine, RETIRING_STAGES } from "../../src/domain/machine.ts";
import type { MachinePermit, MachinePermitRequest, MachineProof, PermitDecision } from "../../src/domain/permit.ts";
import type { HostReport } from "../../src/domain/protocol.ts";
import {
  canTicketMove,
  isTicketLive,
  isTicketOut,
  moveTicket,
  type Ticket,
  type TicketEnd,
  type TicketStateKind,
  type TicketStep,
} from "../../src/domain/ticket.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import {
  epoch,
  incarnation,
  machine,
  observed,
  providerId,
  report,
  START_MS,
  seen,
  ticket,
  ticketId,
  ticketState,
} from "./builders.ts";

export type Issue = (request: MachinePermitRequest) => PermitDecision<MachinePermit>;

/** What happens next. `pick` chooses among the messages on a wire (-1: the latest), the proofs, or a ticket's ends. */
export const DEEDS = [
  "the provider answers",
  "the agent starts",
  "the agent reads its journal",
  "the agent reports",
  "the agent polls",
  "the runner goes on",
  "the runner leaves an orphan Worker",
  "the orphan Worker ends",
  "a message arrives",
  "a message arrives and stays on the wire",
  "a message is lost",
  "the last report is attended to",
  "an answer arrives",
  "an answer arrives and stays on the wire",
  "an answer is lost",
  "a ticket is made",
  "a ticket is voided",
  "the row retires",
  "the stage moves",
  "time passes",
  "nothing could be heard",
  "the machine dies",
  "a permit is asked for",
  "a permit is used",
] as const;
export interface Deed {
  readonly what: (typeof DEEDS)[number];
  readonly pick: number;
}

type Words =
  | { readonly kind: "check-in" }
  | { readonly kind: "poll" }
  | { readonly kind: "report"; readonly report: HostReport };
type Message = Words & { readonly from: IncarnationId; readonly sequence: number };
type Answer = { readonly to: IncarnationId } & (
  | { readonly kind: "ticket"; readonly id: TicketId }
  /** A report's answer: the ends that are durable now, and the ticket that the host must account for. */
  | { readonly kind: "reported"; readonly confirmed: readonly TicketId[]; readonly ticketOut: TicketId | null }
);

/** What is really so on the host. */
interface Host {
  isAlive: boolean;
  /** How often an agent has started; 0 before the first. */
  starts: number;
  sequence: number;
  hasReadJournal: boolean;
  held: { readonly id: TicketId; readonly step: TicketStep } | null;
  hasOrphan: boolean;
  /** On disk: tickets that were taken or refused. None of them is ever started again. */
  readonly journal: Set<TicketId>;
  ended: { readonly id: TicketId; readonly end: TicketEnd }[];
}

const BOOT_MS = 5 * MINUTE_MS;
const TICKETS_MAX = 6;

/** The sentence says which permit was granted, or used, while which ticket could still run a job. */
export class Violation extends Error {
  override readonly name = "Violation";
}

export class MachineWorld {
  /** How many permits were granted, by proof; and by `parked after a job`, those that a ticket had come before. */
  readonly granted = new Map<MachineProof["kind"] | "parked after a job", number>();
  readonly #issue: Issue;
  readonly #host: Host;
  readonly #up: Message[] = [];
  readonly #down: Answer[] = [];
  readonly #permits: MachinePermit[] = [];
  #row: Machine = machine({ state: "planned" });
  #tickets: Ticket[] = [];
  #nowMs = START_MS;
  #heardSinceMs = START_MS;

  constructor(issue: Issue) {
    this.#issue = issue;
    const agent = { starts: 0, sequence: 0, hasReadJournal: false, hasOrphan: false };
    this.#host = { ...agent, isAlive: true, held: null, journal: new Set(), ended: [] };
  }

  do(deed: Deed): void {
    const act = this.#acts[deed.what];
    act(deed.pick);
  }

  readonly #acts: Readonly<Record<Deed["what"], (pick: number) => void>> = {
    "the provider answers": () => this.#move({ kind: "launched", providerId: providerId() }, ["planned"]),
    "the agent starts": () => this.#startAgent(),
    "the agent reads its journal": () => {
      this.#host.hasReadJournal = this.#host.starts > 0;
    },
    "the agent reports": () => this.#send({ kind: "report", report: this.#trueReport() }),
    "the agent polls": () => {
      if (this.#host.hasReadJournal && this.#isFree()) this.#send({ kind: "poll" });
    },
    "the runner goes on": (pick) => this.#runOn(pick),
    "the runner leaves an orphan Worker": () => this.#orphan(),
    "the orphan Worker ends": () => this.#endOrphan(),
    "a message arrives": (pick) => this.#receive(take(this.#up, pick)),
    "a message arrives and stays on the wire": (pick) => this.#receive(peek(this.#up, pick)),
    "a message is lost": (pick) => void take(this.#up, pick),
    "the last report is attended to": () => this.#attend(),
    "an answer arrives": (pick) => this.#hear(take(this.#down, pick)),
    "an answer arrives and stays on the wire": (pick) => this.#hear(peek(this.#down, pick)),
    "an answer is lost": (pick) => void take(this.#down, pick),
    "a ticket is made": () => this.#mint(),
    "a ticket is voided": () => this.#moveTicket(["minting", "issued"], "void"),
    "the row retires": () => this.#move({ kind: "retired", reason: "surplus" }, ["provisioning", "parked", "engaged"]),
    "the stage moves": (pick) => this.#moveStage(pick),
    "time passes": (pick) => {
      this.#nowMs += ([SECOND_MS, MINUTE_MS, BOOT_MS] as const)[pick % 3]!;
    },
    "nothing could be heard": () => {
      this.#nowMs += BOOT_MS;
      this.#heardSinceMs = this.#nowMs;
    },
    "the machine dies": (pick) => {
      if (pick % 4 === 0) Object.assign(this.#host, { isAlive: false, held: null, hasOrphan: false, starts: 0 });
    },
    "a permit is asked for": (pick) => this.#askForPermit(pick),
    "a permit is used": (pick) => this.#usePermit(pick),
  };

  // The host.

  #me(): IncarnationId {
    return incarnation(this.#host.starts);
  }

  #isFree(): boolean {
    return this.#host.held === null && !this.#host.hasOrphan;
  }

  /** Connections of the agent before end with it: no answer to them can arrive any more. */
  #startAgent(): void {
    if (!this.#host.isAlive) return;
    this.#host.starts += 1;
    Object.assign(this.#host, { sequence: 0, hasReadJournal: false });
    this.#send({ kind: "check-in" });
  }

  #send(words: Words): void {
    if (!this.#host.isAlive || this.#host.starts === 0) return;
    this.#host.sequence += 1;
    this.#up.push({ ...words, from: this.#me(), sequence: this.#host.sequence });
  }

  #trueReport(): HostReport {
    const { held, hasOrphan, hasReadJournal, ended } = this.#host;
    if (!hasReadJournal) return report({ phase: "starting", sighting: { kind: "unknown", why: "not read yet" } });
    const workerCount = (held?.step === "running" ? 1 : 0) + (hasOrphan ? 1 : 0);
    const sighting = seen({ hasListener: held !== null && held.step !== "delivered", workerCount });
    const phase = held !== null ? "engaged" : hasOrphan ? "preparing" : "parked";
    return report({ phase, ticket: held, ended: [...ended], sighting });
  }

  #runOn(pick: number): void {
    const { held } = this.#host;
    if (held?.step === "running") this.#end(held.id, { kind: "spent" });
    else if (held !== null && pick % 5 === 0) this.#end(held.id, { kind: "barren", reason: "exit 1" });
    else if (held !== null) this.#host.held = { id: held.id, step: held.step === "delivered" ? "online" : "running" };
  }

  #end(id: TicketId, end: TicketEnd): void {
    this.#host.held = null;
    this.#host.ended.push({ id, end });
  }

  /** Its listener is killed; its Worker goes on with the job. The ticket is not over before the Worker is. */
  #orphan(): void {
    if (this.#host.held?.step !== "running") return;
    this.#host.hasOrphan = true;
  }

  #endOrphan(): void {
    if (!this.#host.hasOrphan) return;
    this.#host.hasOrphan = false;
    if (this.#host.held !== null) this.#end(this.#host.held.id, { kind: "spent" });
  }

  #hear(answer: Answer | null): void {
    if (answer === null || answer.to !== this.#me() || !this.#host.isAlive || !this.#host.hasReadJournal) return;
    const { journal } = this.#host;
    if (answer.kind === "ticket") {
      if (!this.#isFree() || journal.has(answer.id)) return;
      journal.add(answer.id);
      this.#host.held = { id: answer.id, step: "delivered" };
      return;
    }
    this.#host.ended = this.#host.ended.filter(({ id }) => !answer.confirmed.includes(id));
    const { ticketOut } = answer;
    if (ticketOut === null || journal.has(ticketOut)) return;
    // Written down as refused before it is said: it never starts, however late it arrives.
    journal.add(ticketOut);
    this.#host.ended.push({ id: ticketOut, end: { kind: "barren", reason: "never arrived" } });
  }

  // The rows.

  #receive(message: Message | null): void {
    if (message === null) return;
    if (message.kind === "check-in") {
      this.#checkIn(message.from);
      return;
    }
    this.#row = { ...this.#row, isAgentSeen: true };
    if (message.from !== this.#row.incarnation) return;
    if (message.kind === "poll") this.#answerPoll(message.from);
    else if (message.sequence > this.#row.sequence) this.#takeReport(message.from, message.sequence, message.report);
  }

  /** A new incarnation has reported nothing, and whatever it says comes after the retiring that it checks in to. */
  #checkIn(from: IncarnationId): void {
    const { incarnation: known, state, version } = this.#row;
    const isNew = known !== from;
    const anew = isNew ? { incarnation: from, sequence: 0, report: null } : {};
    const retiring = isNew && state.kind === "retiring" ? { state: { ...state, heardSequence: 0 } } : {};
    this.#row = { ...this.#row, ...anew, ...retiring, isAgentSeen: true, version: version + 1 };
  }

  #takeReport(from: IncarnationId, sequence: number, word: HostReport): void {
    this.#row = { ...this.#row, sequence, report: word };
    const ticketOut = this.#tickets.find(isTicketOut)?.id ?? null;
    const confirmed = this.#tickets.filter((one) => !isTicketLive(one)).map(({ id }) => id);
    this.#down.push({ kind: "reported", to: from, confirmed, ticketOut });
  }

  #attend(): void {
    if (this.#row.report === null) return;
    const after = attendReport(this.#row, this.#tickets, this.#row.report, this.#nowMs);
    this.#row = after.machine;
    for (const one of after.tickets) this.#replace(one);
  }

  /** Delivered is written before the answer leaves; the same ticket is answered again until a report confirms it. */
  #answerPoll(to: IncarnationId): void {
    const again = this.#tickets.find((one) => one.state.kind === "delivered" && one.deliveredTo === to);
    const issued = this.#tickets.find((one) => one.state.kind === "issued");
    if (again !== undefined) this.#down.push({ kind: "ticket", to, id: again.id });
    else if (issued !== undefined && this.#row.state.kind === "parked") {
      this.#row = moveMachine(this.#row, { kind: "engaged", ticketId: issued.id }, this.#nowMs);
      this.#replace({ ...moveTicket(issued, { kind: "delivered", sinceMs: this.#nowMs }), deliveredTo: to });
      this.#down.push({ kind: "ticket", to, id: issued.id });
    }
  }

  #mint(): void {
    const { kind } = this.#row.state;
    if (this.#tickets.some(isTicketLive) || this.#tickets.length >= TICKETS_MAX) return;
    if (kind === "provisioning" || kind === "parked")
      this.#tickets.push(ticket({ id: ticketId(this.#tickets.length + 1), state: "issued" }));
  }

  #moveTicket(from: readonly TicketStateKind[], to: TicketStateKind): void {
    const one = this.#tickets.find(({ state }) => from.includes(state.kind) && canTicketMove(state.kind, to));
    if (one !== undefined) this.#replace(moveTicket(one, ticketState(to, this.#nowMs)));
  }

  #replace(changed: Ticket): void {
    this.#tickets = this.#tickets.map((one) => (one.id === changed.id ? changed : one));
  }

  #move(event: MachineEvent, from: readonly Machine["state"]["kind"][]): void {
    if (from.includes(this.#row.state.kind)) this.#row = moveMachine(this.#row, event, this.#nowMs);
  }

  #moveStage(pick: number): void {
    const { state } = this.#row;
    const stage = RETIRING_STAGES[RETIRING_STAGES.findIndex((one) => "stage" in state && one === state.stage) + 1];
    if (pick % 2 === 0 && stage !== undefined) this.#move({ kind: "stage", stage }, ["retiring"]);
  }

  // The permits.

  #askForPermit(pick: number): void {
    const proofs: readonly MachineProof[] = [
      { kind: "parked" },
      { kind: "never-engaged", bootDeadlineMs: BOOT_MS },
      { kind: "provider-dead", observed: observed(this.#host.isAlive ? "running" : "dead") },
      { kind: "provider-dead", observed: observed("dead", { providerId: providerId(this.#host.isAlive ? 2 : 1) }) },
    ];
    const time = { nowMs: this.#nowMs, heardSinceMs: this.#heardSinceMs };
    const rows = { machine: this.#row, tickets: this.#tickets, epoch: epoch(), time };
    const proof = proofs.at(pick % proofs.length)!;
    const decision = this.#issue({ kind: "end-machine", proof, ...rows });
    if (decision.kind === "refused") return;
    this.#demandNoneOut(`granted by ${proof.kind}`);
    const isAfterJob = proof.kind === "parked" && this.#tickets.some(({ state }) => state.kind === "spent");
    for (const name of isAfterJob ? (["parked", "parked after a job"] as const) : [proof.kind])
      this.granted.set(name, (this.granted.get(name) ?? 0) + 1);
    this.#permits.push(decision.permit);
  }

  /** The executor reads the row again right before the call: same version, still retiring, not expired. */
  #usePermit(pick: number): void {
    const permit = peek(this.#permits, pick);
    if (permit === null || permit.expiresAtMs <= this.#nowMs || permit.machineVersion !== this.#row.version) return;
    if (this.#row.state.kind === "retiring") this.#demandNoneOut(`used, of proof ${permit.proof}`);
  }

  #demandNoneOut(what: string): void {
    const out = this.#couldRun();
    if (out !== null) throw new Violation(`a permit was ${what} while ${out} could still run a job`);
  }

  /** The truth: what the host holds, or will hold if an answer that is on its way arrives. */
  #couldRun(): string | null {
    const { isAlive, held, hasOrphan, journal } = this.#host;
    if (!isAlive) return null;
    if (hasOrphan) return "an orphan Worker";
    if (held !== null) return `ticket ${held.id}, ${held.step}`;
    const coming = this.#down.find((one) => one.kind === "ticket" && one.to === this.#me() && !journal.has(one.id));
    return coming?.kind === "ticket" ? `ticket ${coming.id}, on its way` : null;
  }
}

function peek<Item>(items: readonly Item[], pick: number): Item | null {
  return items.at(pick < 0 ? pick : pick % Math.max(1, items.length)) ?? null;
}

function take<Item>(items: Item[], pick: number): Item | null {
  return items.splice(pick < 0 ? pick : pick % Math.max(1, items.length), 1)[0] ?? null;
}
