import {
  EMPTY_JOURNAL,
  formatEntry,
  type JournalEntry,
  readJournal,
  type StartedProcess,
} from "../../../src/domain/host/journal.ts";
import type { FenceLook, FenceSight, FilesSight } from "../../../src/domain/host/look.ts";
import type { MotionSight } from "../../../src/domain/host/motion.ts";
import { reportOf } from "../../../src/domain/host/report.ts";
import { NO_FACTS, type RunnerFacts } from "../../../src/domain/host/runner-log.ts";
import type { ProcessSight } from "../../../src/domain/host/sight.ts";
import { type HostEffect, type HostInput, type HostState, NEW_HOST } from "../../../src/domain/host/state.ts";
import { stepHost } from "../../../src/domain/host/step.ts";
import { parseTicketId, type TicketId } from "../../../src/domain/ids.ts";
import type { OfferedTicket, ReportAnswer } from "../../../src/domain/protocol.ts";

export const NONE: ProcessSight = { kind: "seen", listenerCount: 0, workerCount: 0 };
export const LISTENER: ProcessSight = { kind: "seen", listenerCount: 1, workerCount: 0 };
export const BOTH: ProcessSight = { kind: "seen", listenerCount: 1, workerCount: 1 };
export const ORPHAN: ProcessSight = { kind: "seen", listenerCount: 0, workerCount: 1 };
export const BLIND: ProcessSight = { kind: "unknown", why: "EACCES" };

export const T1 = parseTicketId("t-00000001");
export const T2 = parseTicketId("t-00000002");

export function ticket(id: TicketId): OfferedTicket {
  return { id, runnerName: `runner of ${id}`, jitConfig: `secret of ${id}` };
}

export function files(facts: Partial<RunnerFacts> = {}, more: Partial<FilesSight> = {}): FilesSight {
  return {
    facts: { ...NO_FACTS, ...facts },
    isComplete: true,
    isLineOpen: false,
    byteCount: 0,
    unreadable: null,
    isUpdateFinished: false,
    ...more,
  };
}

/** Of a runner that listens, and that nothing was assigned to. */
const IDLE_FACTS: Partial<RunnerFacts> = {
  hasLog: true,
  hasSession: true,
  hasLogSession: true,
  hasBrokerSession: true,
  logStartAtMs: 0,
  perfStartAtMs: 0,
  hasPerfSession: true,
  lineCount: 9,
  shapedLineCount: 9,
};

export function idleFiles(facts: Partial<RunnerFacts> = {}, more: Partial<FilesSight> = {}): FilesSight {
  return files({ ...IDLE_FACTS, ...facts }, { byteCount: 1_000, ...more });
}

export function cleanLook(more: Partial<FenceLook> = {}): FenceLook {
  return {
    listenerTasks: ["T", "T"],
    childCount: 0,
    processes: LISTENER,
    files: idleFiles(),
    hasRoom: true,
    ...more,
  };
}

export const NO_FENCES: FenceSight = {
  isListenerStopped: false,
  isWatchdogThere: false,
  unreadable: null,
  killClaims: [],
};

export const ANSWER: ReportAnswer = {
  storeGeneration: 0,
  confirmedEnds: [],
  ticketOut: null,
  isRetiring: false,
  handBack: null,
  isPinned: false,
};

/** Plays inputs to one host and keeps what came of them. Looks are half a second apart unless said otherwise. */
export class Story {
  state: HostState = NEW_HOST;
  atMs = 0;
  /** Of the last input. */
  effects: readonly HostEffect[] = [];
  readonly allEffects: HostEffect[] = [];

  /** Started with this journal, looked at twice, cleaned. */
  static begun(...entries: readonly JournalEntry[]): Story {
    const story = new Story();
    return story.tell({
      kind: "started",
      journal: readJournal(entries.map(formatEntry).join("")),
      isSameBoot: true,
      isMember: false,
    });
  }

  /** Of an Auto Scaling group. */
  static member(): Story {
    return new Story().tell({ kind: "started", journal: readJournal(""), isSameBoot: true, isMember: true });
  }

  static parked(...entries: readonly JournalEntry[]): Story {
    const story = Story.begun(...entries)
      .look(NONE)
      .look(NONE);
    return story.tell({ kind: "cleaned" }).tell({ kind: "root-prepared" }).answer();
  }

  /** Holds T1, its runner is ours and was seen. */
  static engaged(): Story {
    return Story.parked()
      .offer(T1)
      .started(T1)
      .look(LISTENER, files({ hasLog: true }));
  }

  tell(input: HostInput): this {
    const step = stepHost(this.state, input);
    this.state = step.state;
    this.effects = step.effects;
    this.allEffects.push(...step.effects);
    return this;
  }

  /** Holds T1, whose listener listens. */
  static idle(): Story {
    return Story.engaged().look(LISTENER, idleFiles());
  }

  look(
    processes: ProcessSight,
    seen: FilesSight = files(),
    afterMs = 500,
    fence: FenceSight = NO_FENCES,
    motion: MotionSight | null = null,
    listener: StartedProcess | null = null,
  ): this {
    this.atMs += afterMs;
    const ticketId = this.state.held?.id ?? null;
    return this.tell({
      kind: "looked",
      look: {
        ticketId,
        processes,
        files: ticketId === null ? null : seen,
        fence: ticketId === null ? null : fence,
        listener: ticketId === null ? null : listener,
        motion: ticketId === null ? null : motion,
      },
      atMs: this.atMs,
    });
  }

  offer(id: TicketId): this {
    return this.tell({ kind: "poll-sent" }).tell({ kind: "polled", answer: { kind: "ticket", ticket: ticket(id) } });
  }

  started(ticketId: TicketId, pid = 100): this {
    return this.tell({ kind: "runner-started", ticketId, process: { pid, startTime: "7" } });
  }

  exited(exitCode: number | null, signal: string | null = null, pid = 100): this {
    return this.tell({ kind: "runner-exited", pid, exitCode, signal });
  }

  answer(answer: Partial<ReportAnswer> = {}): this {
    return this.tell({ kind: "report-answered", report: reportOf(this.state), answer: { ...ANSWER, ...answer } });
  }

  /** The controller asks for T1. */
  ordered(attempt: number): this {
    return this.answer({ handBack: { ticketId: T1, attempt } });
  }

  closed(look: FenceLook = cleanLook(), name = "fence-1"): this {
    return this.tell({ kind: "fence-closed", ticketId: T1, name, look });
  }

  opened(outcome: "killed" | "resumed"): this {
    return this.tell({ kind: "fence-opened", outcome, atMs: this.atMs });
  }

  /** Each try fails, so long apart. */
  silent(tryCount: number, apartMs: number): this {
    for (let count = 0; count < tryCount; count += 1)
      this.tell({ kind: "exchanged", isAnswered: false, atMs: this.atMs + count * apartMs });
    return this;
  }

  kinds(): readonly string[] {
    return this.effects.map((effect) => (effect.kind === "journal" ? effect.entry.kind : effect.kind));
  }

  /** What the journal holds now, from the entries that were written and those that were there. */
  get journal() {
    return this.state.journal ?? EMPTY_JOURNAL;
  }
}
