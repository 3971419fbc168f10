/**
 * The agent's journal: what must be known after any crash. One JSON object a line, appended and made durable before
 * whatever it permits: `taken` before the listener is started, `refused` before anybody is told.
 *
 * A last line without its end was being written when the agent died, so nothing that it permits was done: it is ignored.
 * Anything else that cannot be understood makes the whole journal unreadable, and its host unknown.
 */
import { parseTicketId, type TicketId } from "../ids.ts";
import type { TicketEnd } from "../ticket.ts";

/** A process that cannot be mistaken for a later one with the same number. */
export interface StartedProcess {
  readonly pid: number;
  /** As the process table writes it; two processes with the same number never share it. */
  readonly startTime: string;
}

/**
 * A fence whose look was clean, written before the kill is claimed.
 * @property name the fence's folder on tmpfs, whose claim says whether the kill was ever decided.
 * @property byteCount of the runner's files at the clean look: more of them later is a runner that went on.
 */
export interface Fencing {
  readonly name: string;
  readonly byteCount: number;
}

export type JournalEntry =
  | { readonly kind: "taken"; readonly ticketId: TicketId; readonly runnerName: string }
  | ({ readonly kind: "started"; readonly ticketId: TicketId } & StartedProcess)
  | { readonly kind: "worker-seen"; readonly ticketId: TicketId }
  | ({ readonly kind: "fencing"; readonly ticketId: TicketId } & Fencing)
  /** After the kill something of a job was there. */
  | { readonly kind: "fence-failed"; readonly ticketId: TicketId }
  | { readonly kind: "ended"; readonly ticketId: TicketId; readonly end: TicketEnd }
  | { readonly kind: "refused"; readonly ticketId: TicketId }
  /** The controller has this ticket's end. */
  | { readonly kind: "confirmed"; readonly ticketId: TicketId }
  /** The highest generation of the controller's store that this machine ever saw. */
  | { readonly kind: "store-seen"; readonly generation: number }
  /** An operator pinned the machine or froze its pool, or took that back: known through restarts and outages. */
  | { readonly kind: "pinned"; readonly isPinned: boolean };

/** All that the journal says about one ticket. `end` of a refused ticket is barren. */
export interface TicketRecord {
  readonly id: TicketId;
  /** Null where it was refused. */
  readonly runnerName: string | null;
  /** Of its last start. */
  readonly started: StartedProcess | null;
  readonly isWorkerSeen: boolean;
  /** The last one. */
  readonly fencing: Fencing | null;
  readonly isFenceFailed: boolean;
  readonly end: TicketEnd | null;
  readonly isConfirmed: boolean;
}

export interface JournalContent {
  readonly tickets: ReadonlyMap<TicketId, TicketRecord>;
  readonly storeGeneration: number;
  /** By the controller's latest word. */
  readonly isPinned: boolean;
}

export type JournalReading =
  | { readonly kind: "read"; readonly content: JournalContent }
  | { readonly kind: "unreadable"; readonly why: string };

export const EMPTY_JOURNAL: JournalContent = { tickets: new Map(), storeGeneration: 0, isPinned: false };

/** Of a ticket that never started, because its host did not take it. */
export const REFUSED_REASON = "refused";
export const REFUSED: TicketEnd = { kind: "barren", reason: REFUSED_REASON };

export function formatEntry(entry: JournalEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

export function readJournal(text: string): JournalReading {
  const lines = text.split("\n").slice(0, -1);
  let content = EMPTY_JOURNAL;
  for (const [index, line] of lines.entries()) {
    const entry = parseEntry(line);
    const next = entry === null ? null : applyEntry(content, entry);
    if (next === null) return { kind: "unreadable", why: `line ${index + 1} of the journal is not understood` };
    content = next;
  }
  if ([...content.tickets.values()].filter((record) => record.end === null).length > 1)
    return { kind: "unreadable", why: "the journal holds two tickets that have not ended" };
  return { kind: "read", content };
}

/** Null where the entry contradicts what came before it. */
export function applyEntry(content: JournalContent, entry: JournalEntry): JournalContent | null {
  if (entry.kind === "store-seen")
    return { ...content, storeGeneration: Math.max(content.storeGeneration, entry.generation) };
  if (entry.kind === "pinned") return { ...content, isPinned: entry.isPinned };
  const before = content.tickets.get(entry.ticketId) ?? null;
  const record = nextRecord(before, entry);
  if (record === null) return null;
  return { ...content, tickets: new Map(content.tickets).set(record.id, record) };
}

/** Of one ticket. */
type TicketEntry = Extract<JournalEntry, { readonly ticketId: TicketId }>;

function nextRecord(before: TicketRecord | null, entry: TicketEntry): TicketRecord | null {
  const id = entry.ticketId;
  const fresh = { id, started: null, isWorkerSeen: false, fencing: null, isFenceFailed: false, isConfirmed: false };
  if (entry.kind === "taken") return before === null ? { ...fresh, runnerName: entry.runnerName, end: null } : null;
  if (entry.kind === "refused") return before === null ? { ...fresh, runnerName: null, end: REFUSED } : null;
  if (before === null) return null;
  if (entry.kind === "confirmed") return before.end === null ? null : { ...before, isConfirmed: true };
  if (before.end !== null) return null;
  switch (entry.kind) {
    case "started":
      return { ...before, started: { pid: entry.pid, startTime: entry.startTime } };
    case "worker-seen":
      return { ...before, isWorkerSeen: true };
    case "fencing":
      return { ...before, fencing: { name: entry.name, byteCount: entry.byteCount } };
    case "fence-failed":
      return { ...before, isFenceFailed: true };
    case "ended":
      return { ...before, end: entry.end };
  }
}

function parseEntry(line: string): JournalEntry | null {
  try {
    return toEntry(JSON.parse(line));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}

function toEntry(value: unknown): JournalEntry | null {
  if (!isRecord(value)) return null;
  const { kind } = value;
  if (kind === "store-seen")
    return Number.isSafeInteger(value.generation) ? { kind, generation: Number(value.generation) } : null;
  if (kind === "pinned") return typeof value.isPinned === "boolean" ? { kind, isPinned: value.isPinned } : null;
  if (typeof value.ticketId !== "string") return null;
  const ticketId = parseTicketId(value.ticketId);
  switch (kind) {
    case "taken":
      return typeof value.runnerName === "string" ? { kind, ticketId, runnerName: value.runnerName } : null;
    case "started": {
      const { pid, startTime } = value;
      if (typeof pid !== "number" || typeof startTime !== "string") return null;
      return { kind, ticketId, pid, startTime };
    }
    case "fencing": {
      const { name, byteCount } = value;
      if (typeof name !== "string" || typeof byteCount !== "number") return null;
      return { kind, ticketId, name, byteCount };
    }
    case "ended": {
      const end = toEnd(value.end);
      return end === null ? null : { kind, ticketId, end };
    }
    case "worker-seen":
    case "fence-failed":
    case "refused":
    case "confirmed":
      return { kind, ticketId };
    default:
      return null;
  }
}

function toEnd(value: unknown): TicketEnd | null {
  if (!isRecord(value)) return null;
  if (value.kind === "spent" || value.kind === "handed-back") return { kind: value.kind };
  if (value.kind !== "barren" || typeof value.reason !== "string") return null;
  return { kind: "barren", reason: value.reason };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
