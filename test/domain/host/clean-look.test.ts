import { describe, expect, it } from "vitest";
import { whyNotClean } from "../../../src/domain/host/clean-look.ts";
import type { FenceLook, FilesSight } from "../../../src/domain/host/look.ts";
import { RUNNER_MESSAGES_MAX, type RunnerFacts } from "../../../src/domain/host/runner-log.ts";
import { BLIND, BOTH, cleanLook, idleFiles, NONE, ORPHAN } from "./host-story.ts";

const T0 = Date.parse("2026-08-19T16:08:55Z");

function withFacts(facts: Partial<RunnerFacts>, more: Partial<FilesSight> = {}): FenceLook {
  return cleanLook({ files: idleFiles(facts, more) });
}

const withFiles = (more: Partial<FilesSight>) => withFacts({}, more);

describe("a look behind the fence is clean", () => {
  it.each<[string, FenceLook]>([
    ["for a stopped listener that listens", cleanLook()],
    ["with one task", cleanLook({ listenerTasks: ["T"] })],
    ["after an assignment that went elsewhere", withFacts({ receivedAtMs: [T0 + 300], closedAtMs: [T0] })],
    [
      "after a job, when its Worker is gone and the listener is online again",
      withFacts({
        receivedAtMs: [T0],
        closedAtMs: [T0 + 60_000],
        acknowledgedCount: 1,
        dispatchedCount: 1,
        hasJobCompleted: true,
      }),
    ],
    [
      "before the session, where the perf file shows the start",
      withFacts({ hasSession: false, hasLogSession: false, hasPerfSession: false, hasBrokerSession: false }),
    ],
    ["after an earlier start that updated itself and ended", withFacts({ returnCode: 3, isUpdating: false })],
    [
      "before the session of one that was started again, where the perf file shows that start",
      withFacts({
        logStartAtMs: T0,
        perfStartAtMs: T0,
        hasLogSession: false,
        hasPerfSession: false,
        hasBrokerSession: false,
      }),
    ],
  ])("%s", (_name, look) => {
    expect(whyNotClean(look)).toBeNull();
  });
});

describe("a look behind the fence is not clean", () => {
  it.each<[string, FenceLook, RegExp]>([
    ["the listener is not there, or is another process", cleanLook({ listenerTasks: null }), /could not be read/],
    ["no task of it is seen", cleanLook({ listenerTasks: [] }), /every task/],
    ["one task runs", cleanLook({ listenerTasks: ["T", "R", "T"] }), /every task/],
    ["one task sleeps", cleanLook({ listenerTasks: ["T", "S"] }), /every task/],
    ["one task waits for the disk", cleanLook({ listenerTasks: ["D", "T"] }), /every task/],
    ["one task is held by a debugger, not stopped", cleanLook({ listenerTasks: ["T", "t"] }), /every task/],
    ["it is a zombie", cleanLook({ listenerTasks: ["Z"] }), /every task/],
    ["a task's state is not known", cleanLook({ listenerTasks: ["T", "?"] }), /every task/],
    ["a Worker runs", cleanLook({ processes: BOTH }), /a Worker runs/],
    ["a Worker runs without the listener in the table", cleanLook({ processes: ORPHAN }), /a Worker runs/],
    ["the process table cannot be read", cleanLook({ processes: BLIND }), /EACCES/],
    ["the listener is not in the table", cleanLook({ processes: NONE }), /0 listeners/],
    [
      "there are two listeners",
      cleanLook({ processes: { kind: "seen", listenerCount: 2, workerCount: 0 } }),
      /2 listeners/,
    ],
    ["the listener started something", cleanLook({ childCount: 1 }), /a process of its own/],
    ["there is no room to write", cleanLook({ hasRoom: false }), /no room/],
    ["a file cannot be read", withFiles({ unreadable: "Runner.perf: EACCES" }), /Runner\.perf: EACCES/],
    ["a file was not read to its end", withFiles({ isComplete: false }), /to their ends/],
    ["a line is half written", withFiles({ isLineOpen: true }), /writing a line/],
    ["there is no log", withFacts({ hasLog: false }), /no log/],
    ["the log is empty", withFacts({ lineCount: 0, shapedLineCount: 0 }), /no log/],
    ["the log is of another shape", withFacts({ shapedLineCount: 0 }), /not of a shape/],
    ["the perf file is not there", withFacts({ perfStartAtMs: null, hasPerfSession: false }), /the runner's start/],
    [
      "the perf file is not there and there is no session",
      withFacts({ perfStartAtMs: null, hasPerfSession: false, hasSession: false, hasBrokerSession: false }),
      /the runner's start/,
    ],
    [
      "the perf file stopped before the latest start",
      withFacts({ logStartAtMs: T0 + 5_000, perfStartAtMs: T0, hasLogSession: false }),
      /the latest start/,
    ],
    ["the perf file stopped before the session", withFacts({ hasPerfSession: false }), /that the log shows/],
    ["the log stopped before the session", withFacts({ hasBrokerSession: false }), /does not show the session/],
    ["the message flow is the older one", withFacts({ hasOtherSession: true }), /only drained/],
    ["a job is acquired", withFacts({ isBusy: true }), /an assignment/],
    ["an assignment arrived", withFacts({ receivedAtMs: [T0] }), /an assignment/],
    ["a second one arrived", withFacts({ receivedAtMs: [T0, T0 + 5_000], closedAtMs: [T0 + 1_000] }), /an assignment/],
    [
      "an assignment arrived after what closed another",
      withFacts({ receivedAtMs: [T0 + 5_000], closedAtMs: [T0] }),
      /an assignment/,
    ],
    ["an assignment's time cannot be read", withFacts({ receivedAtMs: [Number.POSITIVE_INFINITY] }), /an assignment/],
    ["an acknowledged assignment is not in the perf file", withFacts({ acknowledgedCount: 1 }), /the perf file lacks/],
    ["a dispatched assignment is not in the perf file", withFacts({ dispatchedCount: 1 }), /the perf file lacks/],
    ["a closed assignment is not in the perf file", withFacts({ closedAtMs: [T0] }), /the perf file lacks/],
    [
      "there are more assignments than we follow",
      withFacts({ receivedAtMs: Array(RUNNER_MESSAGES_MAX).fill(T0), closedAtMs: Array(RUNNER_MESSAGES_MAX).fill(T0) }),
      /more assignments/,
    ],
    ["the runner updates itself", withFacts({ isUpdating: true }), /updates itself/],
  ])("when %s", (_name, look, why) => {
    expect(whyNotClean(look)).toMatch(why);
  });
});
