/**
 * What the runner's own files say: the listener's `_diag/Runner_*.log` and the perf file. Pure: lines are folded in as
 * they are read. The lines are those of actions/runner 2.336 (BrokerMessageListener, JobDispatcher, Runner, Program).
 */

/** More assignments than a single-use runner can see; past it the facts are not complete. */
export const RUNNER_MESSAGES_MAX = 1_000;

export interface RunnerFacts {
  /** A `Runner_*.log` is there. */
  readonly hasLog: boolean;
  /** By the log or by the perf file. */
  readonly hasSession: boolean;
  /** The log of the latest start names the session with GitHub's broker: the message flow that we know. */
  readonly hasBrokerSession: boolean;
  /** The log names a session of another kind. */
  readonly hasOtherSession: boolean;
  /** The log of the latest start names a session, of whatever kind. */
  readonly hasLogSession: boolean;
  /**
   * The latest start, by the log in whole seconds, and by the perf file; epoch milliseconds. The runner writes both at once,
   * and at every start: not every end is written (exit code 2 is not).
   */
  readonly logStartAtMs: number | null;
  readonly perfStartAtMs: number | null;
  /**
   * The perf file, which alone tells of an assignment the moment it arrives, was written at the session of the latest start:
   * an earlier listener's session does not vouch for one that was started again.
   */
  readonly hasPerfSession: boolean;
  /** The runner said that it updates itself, and has not ended since. */
  readonly isUpdating: boolean;
  /** The last job status event was "Busy": a job is acquired. */
  readonly isBusy: boolean;
  readonly hasJobCompleted: boolean;
  /** "Runner execution has finished with return code N", the last one. */
  readonly returnCode: number | null;
  /** When each assignment arrived, by the perf file; epoch milliseconds, never-ending where the time is not readable. */
  readonly receivedAtMs: readonly number[];
  /** When an assignment was over, by the log. */
  readonly closedAtMs: readonly number[];
  /** Assignments that the log tells of by itself: acknowledged, and received by the dispatcher. */
  readonly acknowledgedCount: number;
  readonly dispatchedCount: number;
  /** How often the lease of a job was renewed. */
  readonly renewalCount: number;
  /** A line of the shape that we know was found; a log with none is not recognised. */
  readonly shapedLineCount: number;
  readonly lineCount: number;
}

export const NO_FACTS: RunnerFacts = {
  hasLog: false,
  hasSession: false,
  hasBrokerSession: false,
  hasOtherSession: false,
  hasLogSession: false,
  logStartAtMs: null,
  perfStartAtMs: null,
  hasPerfSession: false,
  isUpdating: false,
  isBusy: false,
  hasJobCompleted: false,
  returnCode: null,
  receivedAtMs: [],
  closedAtMs: [],
  acknowledgedCount: 0,
  dispatchedCount: 0,
  renewalCount: 0,
  shapedLineCount: 0,
  lineCount: 0,
};

const LOG_LINE = /^\[(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\dZ) \w+ +([\w.]+)\] (.*)$/;
const STARTED = "Runner is built for ";
/** Of a listener that has just started, or has ended: what the one before said is not its own. */
const NOT_SAID_YET = { isUpdating: false, hasLogSession: false, hasBrokerSession: false } as const;
const LISTENING = /^WRITE LINE: \S+ \S+ Listening for Jobs/;
const COMPLETED = /^WRITE LINE: \S+ \S+ Job .* completed with result: /;
const RETURN_CODE = /^Runner execution has finished with return code (\d+)/;
/** With or without a prefix: what the terminal prints may follow a line break. */
const UPDATING = "Runner update in progress, do not shutdown runner.";
const BROKER_SOURCE = "BrokerMessageListener";
const DISPATCHED = /^Job request \S+ for plan \S+ job \S+ received\./;
/** Of a job; the older flow renews a "job request". */
const RENEWED = "Successfully renew job ";
const RECEIVED = /^MessageReceived_\w*JobRequest$/;

export function foldLogLine(facts: RunnerFacts, line: string): RunnerFacts {
  if (line === "") return facts;
  const isUpdating = facts.isUpdating || line.includes(UPDATING);
  const counted = { ...facts, isUpdating, lineCount: facts.lineCount + 1 };
  const [, day, time, source, text] = LOG_LINE.exec(line) ?? [];
  if (day === undefined || time === undefined || source === undefined || text === undefined) return counted;
  const shaped = { ...counted, shapedLineCount: facts.shapedLineCount + 1 };
  return foldText(shaped, source, text, Date.parse(`${day}T${time}`));
}

function foldText(shaped: RunnerFacts, source: string, text: string, atMs: number): RunnerFacts {
  if (source === "Listener" && text.startsWith(STARTED))
    return { ...shaped, ...NOT_SAID_YET, returnCode: null, logStartAtMs: atMs };
  if (text.startsWith("Session created."))
    return source === BROKER_SOURCE
      ? { ...shaped, hasSession: true, hasLogSession: true, hasBrokerSession: true }
      : { ...shaped, hasSession: true, hasLogSession: true, hasOtherSession: true };
  if (LISTENING.test(text)) return { ...shaped, hasSession: true, hasLogSession: true };
  if (text.startsWith("Acknowledging runner request"))
    return { ...shaped, acknowledgedCount: shaped.acknowledgedCount + 1 };
  if (DISPATCHED.test(text)) return { ...shaped, dispatchedCount: shaped.dispatchedCount + 1 };
  if (text.startsWith(RENEWED)) return { ...shaped, renewalCount: shaped.renewalCount + 1 };
  if (text.startsWith("Received job status event. JobState: Busy")) return { ...shaped, isBusy: true };
  if (text.startsWith("Received job status event. JobState: Online"))
    return { ...shaped, isBusy: false, closedAtMs: append(shaped.closedAtMs, atMs) };
  if (text.startsWith("Skipping message Job") || text.startsWith("Caught exception from acquiring job message"))
    return { ...shaped, closedAtMs: append(shaped.closedAtMs, atMs) };
  if (text.startsWith("finish job request for job") || COMPLETED.test(text))
    return { ...shaped, hasJobCompleted: true };
  const code = RETURN_CODE.exec(text)?.[1];
  if (code === undefined) return shaped;
  return { ...shaped, ...NOT_SAID_YET, isBusy: false, returnCode: Number(code) };
}

/** A line of the perf file: `Counter:ISO8601`. */
export function foldPerfLine(facts: RunnerFacts, line: string): RunnerFacts {
  const colon = line.indexOf(":");
  const counter = colon < 0 ? line : line.slice(0, colon);
  if (counter === "RunnerProcessStarted")
    return { ...facts, perfStartAtMs: timeOf(line, colon), hasPerfSession: false };
  if (counter === "SessionCreated") return { ...facts, hasSession: true, hasPerfSession: true };
  if (!RECEIVED.test(counter)) return facts;
  return { ...facts, receivedAtMs: append(facts.receivedAtMs, timeOf(line, colon) ?? Number.POSITIVE_INFINITY) };
}

function timeOf(line: string, colon: number): number | null {
  const atMs = Date.parse(line.slice(colon + 1).trim());
  return Number.isNaN(atMs) ? null : atMs;
}

/**
 * Whether a job may be there: acquired, or an assignment that arrived and is not closed. Each close counts for one
 * assignment and only for one that arrived before it; the log's times are whole seconds.
 */
export function hasOpenMessage(facts: RunnerFacts): boolean {
  if (facts.isBusy) return true;
  const closes = [...facts.closedAtMs].sort((a, b) => a - b);
  return [...facts.receivedAtMs]
    .sort((a, b) => a - b)
    .some((receivedAtMs) => {
      const index = closes.findIndex((closedAtMs) => closedAtMs >= Math.floor(receivedAtMs / 1_000) * 1_000);
      if (index < 0) return true;
      closes.splice(0, index + 1);
      return false;
    });
}

/** Why these facts are not to be relied on; null where they are. */
export function doubtAbout(facts: RunnerFacts): string | null {
  if (facts.lineCount > 0 && facts.shapedLineCount === 0) return "the runner's log is not of a shape that we know";
  const isFull = Math.max(facts.receivedAtMs.length, facts.closedAtMs.length) >= RUNNER_MESSAGES_MAX;
  return isFull ? "the runner's log names more assignments than we follow" : null;
}

function append(times: readonly number[], atMs: number): readonly number[] {
  return times.length >= RUNNER_MESSAGES_MAX ? times : [...times, atMs];
}
