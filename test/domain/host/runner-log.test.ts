import { describe, expect, it } from "vitest";
import { whyNotClean } from "../../../src/domain/host/clean-look.ts";
import {
  doubtAbout,
  foldLogLine,
  foldPerfLine,
  hasOpenMessage,
  NO_FACTS,
  RUNNER_MESSAGES_MAX,
  type RunnerFacts,
} from "../../../src/domain/host/runner-log.ts";
import { cleanLook, idleFiles } from "./host-story.ts";

const JOB = "5f1c1d1e-0000-4000-8000-000000000001";
const AT = "2026-08-19 16:08:55Z";

function line(source: string, text: string, at = AT): string {
  return `[${at} INFO ${source}] ${text}`;
}

function log(...lines: readonly string[]): RunnerFacts {
  return lines.reduce(foldLogLine, NO_FACTS);
}

const received = (at: string) => `MessageReceived_RunnerJobRequest:${at}`;
const online = (at: string) => line("BrokerMessageListener", "Received job status event. JobState: Online", at);

describe("the listener's log", () => {
  it.each<[string, string, Partial<RunnerFacts>]>([
    [
      "a session",
      line("BrokerMessageListener", "Session created."),
      { hasSession: true, hasLogSession: true, hasBrokerSession: true },
    ],
    [
      "a session of the older flow",
      line("MessageListener", "Session created."),
      { hasSession: true, hasLogSession: true, hasOtherSession: true },
    ],
    ["acknowledged", line("BrokerMessageListener", "Acknowledging runner request '17'."), { acknowledgedCount: 1 }],
    ["dispatched", line("JobDispatcher", `Job request 7 for plan ${JOB} job ${JOB} received.`), { dispatchedCount: 1 }],
    [
      "an update",
      line("Terminal", "WRITE LINE: Runner update in progress, do not shutdown runner."),
      { isUpdating: true },
    ],
    ["an update in a further line", "Runner update in progress, do not shutdown runner.", { isUpdating: true }],
    ["listening", line("Terminal", `WRITE LINE: ${AT}: Listening for Jobs`), { hasSession: true, hasLogSession: true }],
    ["busy", line("BrokerMessageListener", "Received job status event. JobState: Busy"), { isBusy: true }],
    [
      "finished",
      line("JobDispatcher", `finish job request for job ${JOB} with result: Failed`),
      { hasJobCompleted: true },
    ],
    [
      "completed",
      line("Terminal", `WRITE LINE: ${AT}: Job build (1) completed with result: Canceled`),
      { hasJobCompleted: true },
    ],
    ["the end", line("Listener", "Runner execution has finished with return code 3"), { returnCode: 3 }],
    [
      "skipped",
      line("Runner", "Skipping message Job. Job message not found 'x'."),
      { closedAtMs: [Date.parse("2026-08-19T16:08:55Z")] },
    ],
    [
      "an exception",
      `[${AT} ERR  Runner] Caught exception from acquiring job message: x`,
      { closedAtMs: [Date.parse("2026-08-19T16:08:55Z")] },
    ],
    ["a job named like a word of ours", line("Terminal", `WRITE LINE: ${AT}: Running job: Session created.`), {}],
    [
      "a job named like an end",
      line("Terminal", `WRITE LINE: ${AT}: Running job: Job x completed with result: Succeeded`),
      {},
    ],
    ["a further line of a message", "Session created.", {}],
  ])("%s", (_name, text, facts) => {
    const { lineCount: _lines, shapedLineCount: _shaped, ...found } = log(text);
    const { lineCount: _no, shapedLineCount: _none, ...nothing } = NO_FACTS;
    expect(found).toEqual({ ...nothing, ...facts });
  });

  it("is not relied on where no line is of the shape that we know", () => {
    expect(doubtAbout(log(line("Listener", "Arguments parsed"), "more"))).toBeNull();
    expect(doubtAbout(NO_FACTS)).toBeNull();
    expect(doubtAbout(log("INFO: a new log format"))).not.toBeNull();
  });

  it("is not relied on with more assignments than we follow", () => {
    let facts = NO_FACTS;
    for (let count = 0; count <= RUNNER_MESSAGES_MAX; count += 1)
      facts = foldPerfLine(facts, received("2026-08-19T16:08:55Z"));
    expect(facts.receivedAtMs).toHaveLength(RUNNER_MESSAGES_MAX);
    expect(doubtAbout(facts)).not.toBeNull();
  });
});

describe("a listener that was started again", () => {
  const at = (clock: string) => Date.parse(`2026-08-19T${clock}Z`);
  const said = (clock: string, source: string, text: string) => `[2026-08-19 ${clock}Z INFO ${source}] ${text}`;
  const startedAt = (clock: string) => said(clock, "Listener", "Runner is built for linux (x64) - abc.");
  const sessionAt = (clock: string) => said(clock, "BrokerMessageListener", "Session created.");
  const perf = (...lines: readonly string[]) => lines.reduce(foldPerfLine, NO_FACTS);

  const FIRST_PERF = ["RunnerProcessStarted:2026-08-19T16:00:00.1234567Z", "SessionCreated:2026-08-19T16:00:02.5Z"];
  const FIRST_LOG = [startedAt("16:00:00"), sessionAt("16:00:02")];
  const START = "RunnerProcessStarted:2026-08-19T16:20:05.9Z";
  const OPENED = "SessionCreated:2026-08-19T16:20:07.1Z";

  it("has no session in its perf file before its own", () => {
    const again = { perfStartAtMs: at("16:20:05.900"), hasPerfSession: false, hasSession: true };
    expect(perf(...FIRST_PERF, START)).toMatchObject(again);
    expect(perf(...FIRST_PERF, START, OPENED)).toMatchObject({ hasPerfSession: true });
  });

  it.each([
    ["its start", startedAt("16:20:05"), { logStartAtMs: at("16:20:05"), returnCode: null }],
    ["the end of the one before", said("16:20:00", "Listener", "Runner execution has finished with return code 3"), {}],
  ])("has no session in its log after %s, and before its own", (_what, text, more) => {
    const none = { hasLogSession: false, hasBrokerSession: false, isUpdating: false, hasSession: true };
    const updating = said("16:19:00", "Terminal", "WRITE LINE: Runner update in progress, do not shutdown runner.");
    expect(log(...FIRST_LOG, updating, text)).toMatchObject({ ...none, ...more });
    expect(log(...FIRST_LOG, text, sessionAt("16:20:07"))).toMatchObject({
      hasLogSession: true,
      hasBrokerSession: true,
    });
  });

  it("keeps a session of another flow: it is only drained", () => {
    const other = said("16:00:02", "MessageListener", "Session created.");
    expect(log(other, startedAt("16:20:05"))).toMatchObject({ hasOtherSession: true });
  });

  describe("is judged by its own word", () => {
    const whyAfter = (perfLines: readonly string[], logLines: readonly string[]) => {
      const facts = [...FIRST_LOG, ...logLines].reduce(foldLogLine, perf(...FIRST_PERF, ...perfLines));
      return whyNotClean(cleanLook({ files: idleFiles({ ...facts, hasLog: true }) }));
    };

    it.each([
      ["it has no session yet, and hangs", [START], [startedAt("16:20:05")]],
      ["it has its session", [START, OPENED], [startedAt("16:20:05"), sessionAt("16:20:07")]],
      ["its clock was set back a little as it started", [START], [startedAt("16:20:06")]],
    ])("and clean where %s", (_name, perfLines, logLines) => {
      expect(whyAfter(perfLines, logLines)).toBeNull();
    });

    it.each([
      ["its start is not in the perf file", [], [startedAt("16:20:05")], /the latest start/],
      ["nothing of it is in the perf file", [], [startedAt("16:20:05"), sessionAt("16:20:07")], /the latest start/],
      [
        "its session is in the log alone",
        [START],
        [startedAt("16:20:05"), sessionAt("16:20:07")],
        /the perf file does/,
      ],
      ["its session is in the perf file alone", [START, OPENED], [startedAt("16:20:05")], /the log does not show/],
      [
        "its log was read before that of the first, whose clock was ahead",
        ["RunnerProcessStarted:2026-08-19T15:01:00Z"],
        [startedAt("15:01:00"), sessionAt("15:01:02"), ...FIRST_LOG.slice(0, 1)],
        /the latest start/,
      ],
    ])("and not clean where %s", (_name, perfLines, logLines, why) => {
      expect(whyAfter(perfLines, logLines)).toMatch(why);
    });

    it("and not clean where its start in the perf file has no time that can be read", () => {
      const facts = [startedAt("16:20:05")].reduce(foldLogLine, perf("RunnerProcessStarted:soon"));
      const files = idleFiles({ ...facts, hasLog: true });
      expect(whyNotClean(cleanLook({ files }))).toMatch(/the runner's start/);
    });
  });
});

describe("an assignment", () => {
  const play = (perf: readonly string[], lines: readonly string[]) =>
    lines.reduce(foldLogLine, perf.reduce(foldPerfLine, NO_FACTS));

  it.each<[string, readonly string[], readonly string[], boolean]>([
    ["none", ["RunnerProcessStarted:2026-08-19T16:08:50.1234567Z"], [], false],
    ["received", [received("2026-08-19T16:08:55.1234567Z")], [], true],
    ["of the older flow", ["MessageReceived_PipelineAgentJobRequest:2026-08-19T16:08:55.1Z"], [], true],
    ["closed in the same second", [received("2026-08-19T16:08:55.9Z")], [online("2026-08-19 16:08:55Z")], false],
    ["not closed by what came before it", [received("2026-08-19T16:08:55.9Z")], [online("2026-08-19 16:08:54Z")], true],
    [
      "the second of two is open",
      [received("2026-08-19T16:08:55.9Z"), received("2026-08-19T16:08:57.0Z")],
      [online("2026-08-19 16:09:00Z")],
      true,
    ],
    [
      "two, each closed",
      [received("2026-08-19T16:08:55.9Z"), received("2026-08-19T16:09:05.0Z")],
      [online("2026-08-19 16:09:00Z"), online("2026-08-19 16:09:10Z")],
      false,
    ],
    ["at a time that cannot be read", [received("now")], [online("2026-08-19 16:08:55Z")], true],
    ["busy by the log alone", [], [line("BrokerMessageListener", "Received job status event. JobState: Busy")], true],
  ])("%s", (_name, perf, lines, isOpen) => {
    expect(hasOpenMessage(play(perf, lines))).toBe(isOpen);
  });
});
