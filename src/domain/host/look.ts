/** What the shell sees of a runner and hands in: at each ordinary look, and once behind a closed fence. */
import type { TicketId } from "../ids.ts";
import type { StartedProcess } from "./journal.ts";
import type { MotionSight } from "./motion.ts";
import type { RunnerFacts } from "./runner-log.ts";
import type { ProcessSight } from "./sight.ts";

/** One look at the machine. `files` and `fence` are null where no ticket is held. */
export interface Look {
  /** Whose root was looked at: a look about another ticket than the one held now proves nothing. */
  readonly ticketId: TicketId | null;
  readonly processes: ProcessSight;
  readonly files: FilesSight | null;
  readonly fence: FenceSight | null;
  /** The one process that certainly is this ticket's listener; null where there is none, or it cannot be told. */
  readonly listener: StartedProcess | null;
  /** What moves of its job; null where the look was not asked for it. */
  readonly motion: MotionSight | null;
}

export interface FilesSight {
  readonly facts: RunnerFacts;
  /** Log and perf file were read to their ends. */
  readonly isComplete: boolean;
  /** The last line of one of them has no end: it is being written, or was cut off. */
  readonly isLineOpen: boolean;
  /** The sizes of all of them together. */
  readonly byteCount: number;
  /** Why one of them could not be read; null where all could, or are not there yet. */
  readonly unreadable: string | null;
  /** The runner's own update left its mark in the root. */
  readonly isUpdateFinished: boolean;
}

/** What is there of fences that this agent does not hold closed at the moment: an earlier agent's, most likely. */
export interface FenceSight {
  /** Some task of the listener is stopped. */
  readonly isListenerStopped: boolean;
  /** The watchdog of a fence of this ticket lives: it resumes the listener, or finishes the kill, within seconds. */
  readonly isWatchdogThere: boolean;
  /** Why the fences could not be read; null where they could, or there are none. */
  readonly unreadable: string | null;
  /** The fences of this ticket whose claim is the kill. */
  readonly killClaims: readonly string[];
}

/** The one look behind a closed fence. */
export interface FenceLook {
  /** The state of every task of the journal's listener, as letters; null where it is not there or cannot be read. */
  readonly listenerTasks: readonly string[] | null;
  /** What the listener itself started and what lives. */
  readonly childCount: number;
  readonly processes: ProcessSight;
  readonly files: FilesSight;
  /** Where the runner writes its log and perf file there is room: a full disk hides an assignment. */
  readonly hasRoom: boolean;
}
