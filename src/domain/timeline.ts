/** Evidence and decisions about a thing and about what belongs to it, merged into one story in the order of time. */
import type { DecisionRecord, Evidence, EvidenceSource, Subject } from "./evidence.ts";
import { formatInstant } from "./instant.ts";
import { REASONS, type ReasonCode, sentenceOf } from "./reasons.ts";

/** What a timeline shows at most; older entries are left out and counted. */
export const TIMELINE_COUNT_MAX = 300;

export interface Because {
  readonly reason: ReasonCode;
  readonly sentence: string;
}

export interface TimelineEntry {
  /** `2026-08-19T16:08:55.123Z`, by our clock. */
  readonly at: string;
  /** When the same was last seen or decided again; null if only once. */
  readonly until: string | null;
  /** Whose it is: "job 12", "machine m-1", "ticket t-1". */
  readonly about: string;
  readonly source: EvidenceSource;
  readonly fact: string;
  /** For a decision, the rule that it followed. */
  readonly rule: Because | null;
}

export interface Timeline {
  /** In the order of time. */
  readonly timeline: readonly TimelineEntry[];
  /** Entries that were left out, the oldest ones. */
  readonly omittedCount: number;
}

/** Evidence and decisions of a thing and of what belongs to it. */
export interface Records {
  readonly evidence: readonly Evidence[];
  /** Of each subject the last one that was made first, whatever the clock said then. */
  readonly decisions: readonly DecisionRecord[];
}

/** A store may hold a reason that only another version knows: it is shown as it is. */
export function because(reason: ReasonCode): Because {
  return { reason, sentence: Object.hasOwn(REASONS, reason) ? sentenceOf(reason) : reason };
}

interface Moment extends Omit<TimelineEntry, "at" | "until"> {
  readonly atMs: number;
  readonly untilMs: number;
}

/** A fact that was written down for several things at once (a ticket and its machine) is told once. */
export function tellTimeline(records: Records): Timeline {
  const moments = [...records.evidence.map(tellEvidence), ...records.decisions.map(tellDecision)];
  const byTime = moments.sort((a, b) => a.atMs - b.atMs || orderAtOnce(a) - orderAtOnce(b));
  const told = new Map<string, Moment>();
  for (const moment of byTime) {
    const key = JSON.stringify([moment.atMs, moment.source, moment.fact, moment.rule?.reason]);
    if (!told.has(key)) told.set(key, moment);
  }
  const all = [...told.values()];
  const timeline = all.slice(-TIMELINE_COUNT_MAX).map(({ atMs, untilMs, ...entry }) => ({
    at: formatInstant(atMs),
    until: untilMs > atMs ? formatInstant(untilMs) : null,
    ...entry,
  }));
  return { timeline, omittedCount: all.length - timeline.length };
}

/** At the same moment: what was seen, what was decided because of it, what was written down because of that. */
function orderAtOnce({ rule, source }: Moment): number {
  if (rule !== null) return 1;
  return source === "store" ? 2 : 0;
}

function tellEvidence({ subject, source, fact, observedAtMs, confirmedAtMs }: Evidence): Moment {
  return { atMs: observedAtMs, untilMs: confirmedAtMs, about: nameSubject(subject), source, fact, rule: null };
}

function tellDecision({ subject, action, reason, decidedAtMs, confirmedAtMs }: DecisionRecord): Moment {
  return {
    atMs: decidedAtMs,
    untilMs: confirmedAtMs,
    about: nameSubject(subject),
    source: "controller",
    fact: ACTIONS[action] ?? action,
    rule: because(reason),
  };
}

const ACTIONS: Readonly<Record<string, string>> = {
  wait: "waits",
  keep: "kept",
  retire: "retires",
  mint: "gets a ticket",
  aim: "is covered by an earlier ticket",
  ask: "is checked at GitHub",
  launch: "gets a machine",
};

/** A job's subject carries its connection, which says nothing to a person who has one. */
export function nameSubject({ kind, id }: Subject): string {
  return `${kind} ${kind === "job" ? id.slice(id.indexOf("/") + 1) : id}`;
}
