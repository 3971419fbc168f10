/**
 * When a look behind the fence is clean: the listener certainly has no job and, stopped as it is, cannot get one. Every
 * condition is a proof; what is not seen, not readable or not recognised is unknown, and unknown is not clean.
 */
import { SECOND_MS } from "../units.ts";
import type { FenceLook, FilesSight } from "./look.ts";
import { doubtAbout, hasOpenMessage, type RunnerFacts } from "./runner-log.ts";
import type { ProcessSight } from "./sight.ts";

const STOPPED = "T";

/** Why the look is not clean; null where it is. */
export function whyNotClean(look: FenceLook): string | null {
  const { listenerTasks } = look;
  if (listenerTasks === null) return "the listener's tasks could not be read";
  if (!areStopped(listenerTasks)) return "not every task of the listener is stopped";
  const why = whyNotIdle(look.processes, look.files);
  if (why !== null) return why;
  if (look.childCount > 0) return "the listener has a process of its own";
  return look.hasRoom ? null : "there is no room to write where the runner writes";
}

export function areStopped(tasks: readonly string[] | null): boolean {
  return tasks !== null && tasks.length > 0 && tasks.every((state) => state === STOPPED);
}

/** The part of it that an ordinary look can tell: where this is not so, no listener needs to be stopped to know it. */
export function whyNotIdle(processes: ProcessSight, files: FilesSight): string | null {
  if (processes.kind === "unknown") return processes.why;
  if (processes.workerCount > 0) return "a Worker runs";
  if (processes.listenerCount !== 1) return `${processes.listenerCount} listeners are seen instead of one`;
  if (files.unreadable !== null) return `the runner's files could not be read: ${files.unreadable}`;
  if (!files.isComplete) return "the runner's files were not read to their ends";
  if (files.isLineOpen) return "the runner is writing a line";
  return doubtAbout(files.facts) ?? whyNotFree(files.facts);
}

/** Times of one moment, by a clock that may be set between the two. */
const SAME_START_MS = SECOND_MS;

/** Nothing in the perf file is of a listener that the log shows to have been started after that. */
function isLatestStartShown({ logStartAtMs, perfStartAtMs }: RunnerFacts): boolean {
  return logStartAtMs === null || perfStartAtMs === null || perfStartAtMs >= logStartAtMs - SAME_START_MS;
}

function whyNotFree(facts: RunnerFacts): string | null {
  if (!facts.hasLog || facts.shapedLineCount === 0) return "there is no log of the runner";
  if (facts.hasOtherSession) return "the runner's message flow is one that is only drained";
  // The perf file must have shown that it is written: without that, no line in it is no proof of no assignment. A listener
  // that has no session yet cannot have one, whatever an earlier one had.
  if (!facts.hasPerfSession && facts.perfStartAtMs === null) return "the perf file does not show the runner's start";
  if (!isLatestStartShown(facts)) return "the perf file does not show the latest start";
  if (!facts.hasPerfSession && facts.hasLogSession) return "the perf file does not show the session that the log shows";
  if (facts.hasPerfSession && !facts.hasBrokerSession) return "the log does not show the session";
  if (hasOpenMessage(facts)) return "an assignment arrived and is not over";
  const inLogCount = Math.max(facts.acknowledgedCount, facts.dispatchedCount, facts.closedAtMs.length);
  if (inLogCount > facts.receivedAtMs.length) return "the log tells of an assignment that the perf file lacks";
  return facts.isUpdating ? "the runner updates itself" : null;
}
