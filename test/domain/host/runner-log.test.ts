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
    ["the end", line("Listener", "Runner execution has finished with return code 3"), { returnCode: 3, endCount: 1 }],
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
  const SESSION = line("BrokerMessageListener", "Session created.");
  const END = line("Listener", "Runner execution has finished with return code 3");
  const AGAIN = ["RunnerProcessStarted:1", "SessionCreated:2", "RunnerProcessStarted:3"];
  const perf = (...lines: readonly string[]) => lines.reduce(foldPerfLine, NO_FACTS);

  it("has no session in its perf file before its own", () => {
    expect(perf(...AGAIN)).toMatchObject({ startCount: 2, hasPerfSession: false, hasSession: true });
    expect(perf(...AGAIN, "SessionCreated:4")).toMatchObject({ hasPerfSession: true });
  });

  it("has no session in its log before its own", () => {
    const ended = { endCount: 1, hasLogSession: false, hasBrokerSession: false, hasSession: true, returnCode: 3 };
    expect(log(SESSION, END)).toMatchObject(ended);
    expect(log(SESSION, END, SESSION)).toMatchObject({ hasLogSession: true, hasBrokerSession: true });
  });

  it("keeps a session of another flow: it is only drained", () => {
    expect(log(line("MessageListener", "Session created."), END)).toMatchObject({ hasOtherSession: true });
  });

  describe("is judged by its own word", () => {
    const [START, OPENED] = ["RunnerProcessStarted:3", "SessionCreated:4"];
    const FIRST = ["RunnerProcessStarted:1", "SessionCreated:2"];
    const whyAfter = (perfLines: readonly string[], logLines: readonly string[]) => {
      const facts = [SESSION, END, ...logLines].reduce(foldLogLine, perf(...FIRST, ...perfLines));
      return whyNotClean(cleanLook({ files: idleFiles({ ...facts, hasLog: true }) }));
    };

    it.each([
      ["it has no session yet, and hangs", [START], [line("Listener", "Arguments parsed")]],
      ["it has its session", [START, OPENED], [SESSION]],
    ])("and clean where %s", (_name, perfLines, logLines) => {
      expect(whyAfter(perfLines, logLines)).toBeNull();
    });

    it.each([
      ["its start is not in the perf file", [], [], /the log does not show the session/],
      ["its session is in the log alone", [START], [SESSION], /the perf file does not show the session/],
      ["its session is in the perf file alone", [START, OPENED], [], /the log does not show the session/],
    ])("and not clean where %s", (_name, perfLines, logLines, why) => {
      expect(whyAfter(perfLines, logLines)).toMatch(why);
    });

    it("and not clean where nobody wrote into the perf file since an earlier one ended without a session", () => {
      const facts = [END, line("Listener", "Arguments parsed")].reduce(foldLogLine, perf("RunnerProcessStarted:1"));
      const files = idleFiles({ ...facts, hasLog: true });
      expect(whyNotClean(cleanLook({ files }))).toMatch(/does not show the runner's start/);
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
