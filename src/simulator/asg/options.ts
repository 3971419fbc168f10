/** What a simulated Auto Scaling is told of its habits before it begins. */
import type { Chance, Range } from "../world/chance.ts";

/** How long things take; each is drawn for each time. */
export interface AsgTimes {
  /** Until the group acts on what it lacks or has too many of. */
  readonly reactionMs: Range;
  /** From `Terminating` to `Terminating:Wait`, and alike. */
  readonly beginMs: Range;
  /** In a `:Proceed` state. */
  readonly proceedMs: Range;
  /** From `EnteringStandby` to `Standby`, from `Detaching` to `Detached`. */
  readonly asideMs: Range;
  /** Until the group sees that an instance of its own is down. */
  readonly healthCheckMs: Range;
  /** After a launch that failed, until the next one. */
  readonly launchRetryMs: Range;
  /** After a refresh's or a lifetime's replacement, until the next one. */
  readonly replacementPauseMs: Range;
}

/** How late readings are. */
export interface AsgLags {
  /** So old is what a call of a Describe action shows. Drawn for each call, so that answers come out of order. */
  readonly readingMs: Range;
  /** The share of readings that lack a member, by member. */
  readonly omittedShare: number;
}

export interface AsgOptions {
  readonly chance: Chance;
  readonly times: AsgTimes;
  readonly lags: AsgLags;
}
