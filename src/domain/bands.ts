/**
 * The states of a thing and of what belongs to it as stretches of time, and beside them why it stood as it did: what a timeline is
 * drawn from. Read from the same evidence and decisions as the timeline itself. Pure; what is not stored is not told.
 */
import { ALARM_FACTS } from "./alarm-facts.ts";
import type { DecisionRecord, Evidence, Subject } from "./evidence.ts";
import { formatInstant } from "./instant.ts";
import { nameSubject, type Records } from "./timeline.ts";
import { STEP_FACTS } from "./wait.ts";

export interface Band {
  /** A state, or a reason of the catalogue. */
  readonly word: string;
  readonly from: string;
  /** Null while it lasts. */
  readonly until: string | null;
}

export interface Lane {
  /** Whose it is, as in the timeline: "machine m-1". */
  readonly about: string;
  readonly kind: "states" | "reasons";
  readonly bands: readonly Band[];
}

/** What a story has at most; the tickets of a machine that took many are told by their newest. */
const LANES_MAX = 12;

interface Change {
  readonly word: string;
  readonly atMs: number;
  /** Nothing comes after it. */
  readonly isEnd: boolean;
}

const ENDS: ReadonlySet<string> = new Set(["gone", "completed", "spent", "barren", "handed-back", "void", "lost"]);

/** Of each thing its states and then its reasons, in the order in which the things are first heard of. */
export function tellBands({ evidence, decisions }: Records): readonly Lane[] {
  const inOrder = [...evidence].sort((a, b) => a.observedAtMs - b.observedAtMs);
  const decided = [...decisions].sort((a, b) => a.decidedAtMs - b.decidedAtMs);
  const subjects = new Map([...inOrder, ...decided].map(({ subject }) => [nameSubject(subject), subject]));
  const lanes = [...subjects].flatMap(([about, subject]) => {
    const said = inOrder.filter((one) => isOf(one, subject));
    const ofIt = decided.filter((one) => isOf(one, subject));
    const states = tellStates(subject, said, ofIt);
    const isOver = states.at(-1)?.isEnd ?? false;
    return [
      { about, kind: "states" as const, bands: toBands(states) },
      { about, kind: "reasons" as const, bands: toBands(tellReasons(ofIt, isOver ? states.at(-1) : undefined)) },
    ];
  });
  return lanes.filter(({ bands }) => bands.length > 0).slice(-LANES_MAX);
}

function isOf({ subject }: Evidence | DecisionRecord, { kind, id }: Subject): boolean {
  return subject.kind === kind && subject.id === id;
}

function tellStates(
  { kind }: Subject,
  evidence: readonly Evidence[],
  decisions: readonly DecisionRecord[],
): readonly Change[] {
  const seen = evidence.flatMap(({ fact, observedAtMs }) => changeOf(readState(kind, fact), observedAtMs));
  const retired = decisions.flatMap(({ action, decidedAtMs }) =>
    kind === "machine" && action === "retire" ? changeOf("retiring", decidedAtMs) : [],
  );
  // What was seen at the moment of a decision was seen before it.
  const changes = [...seen, ...retired].sort((a, b) => a.atMs - b.atMs);
  const end = changes.findIndex(({ isEnd }) => isEnd);
  return end === -1 ? changes : changes.slice(0, end + 1);
}

function changeOf(word: string | null, atMs: number): readonly Change[] {
  return word === null ? [] : [{ word, atMs, isEnd: ENDS.has(word) }];
}

function readState(kind: Subject["kind"], fact: string): string | null {
  switch (kind) {
    case "job":
      return /^job (waiting|queued|in progress|completed)\b/.exec(fact)?.[1]?.replace(" ", "_") ?? null;
    case "ticket":
      return readTicketState(fact);
    case "machine":
      return readMachineState(fact);
    case "pool":
    case "delivery":
      return null;
  }
}

const TICKET_STATE =
  /^ticket (minting|issued|delivered|online|running|spent|barren|handing-back|handed-back|void|lost|unknown)\b/;

function readTicketState(fact: string): string | null {
  if (fact.startsWith("host asked to hand the ticket back")) return "handing-back";
  if (fact.startsWith(ALARM_FACTS["ticket-lost"])) return "lost";
  if (/^ticket t-\S+ (for job|in advance)/.test(fact)) return "minting";
  return TICKET_STATE.exec(fact)?.[1] ?? null;
}

function readMachineState(fact: string): string | null {
  if (fact.startsWith(STEP_FACTS.toBeStarted)) return "stopped";
  if (fact.startsWith(STEP_FACTS.started)) return "provisioning";
  if (fact.startsWith(STEP_FACTS.delivered)) return "engaged";
  if (fact.startsWith("goes on after all") || fact.startsWith("presumed to hold a ticket")) return "engaged";
  if (fact.startsWith(ALARM_FACTS["stray-adopted"])) return "engaged";
  return /^machine (planned|provisioning|parked|stopping|stopped|gone)\b/.exec(fact)?.[1] ?? null;
}

function tellReasons(decisions: readonly DecisionRecord[], end: Change | undefined): readonly Change[] {
  const changes = decisions.map(({ reason, decidedAtMs }) => ({ word: reason, atMs: decidedAtMs, isEnd: false }));
  return changes.length === 0 || end === undefined ? changes : [...changes, end];
}

/** The same word twice in a row is one band; an end has none of its own. */
function toBands(changes: readonly Change[]): readonly Band[] {
  const distinct = changes.filter((change, index) => change.word !== changes[index - 1]?.word);
  return distinct.flatMap(({ word, atMs, isEnd }, index) => {
    if (isEnd) return [];
    const next = distinct[index + 1];
    return [{ word, from: formatInstant(atMs), until: next === undefined ? null : formatInstant(next.atMs) }];
  });
}
