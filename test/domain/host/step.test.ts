import { describe, expect, it } from "vitest";
import { isPolling, lookIntervalMs, phaseOf, reportOf } from "../../../src/domain/host/report.ts";
import type { RunnerFacts } from "../../../src/domain/host/runner-log.ts";
import { TICKETS_PER_LIFE_MAX } from "../../../src/domain/host/state.ts";
import { parseTicketId } from "../../../src/domain/ids.ts";
import { REPORTED_ENDS_MAX } from "../../../src/domain/protocol.ts";
import type { TicketEnd } from "../../../src/domain/ticket.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { BLIND, BOTH, files, LISTENER, NONE, ORPHAN, Story, T1, T2, ticket } from "./host-story.ts";

const TAKEN = { kind: "taken", ticketId: T1, runnerName: "r" } as const;
const STARTED = { kind: "started", ticketId: T1, pid: 9, startTime: "1" } as const;
const REFUSED: TicketEnd = { kind: "barren", reason: "refused" };

function endOf(story: Story, id = T1): TicketEnd | null {
  return story.state.unconfirmed.find((one) => one.id === id)?.end ?? null;
}

describe("starting", () => {
  it("says nothing about tickets before it has looked", () => {
    const story = Story.begun(TAKEN, STARTED);
    expect(reportOf(story.state)).toMatchObject({ phase: "starting", ticket: null, ended: [] });
    story.look(BLIND);
    expect(reportOf(story.state)).toMatchObject({ phase: "starting", sighting: { kind: "unknown", why: "EACCES" } });
    story.look(LISTENER);
    expect(reportOf(story.state)).toMatchObject({ phase: "engaged", ticket: { id: T1, step: "delivered" } });
  });

  it("clears, prepares and parks after two looks that show nothing", () => {
    const story = Story.begun().look(NONE);
    expect(story.kinds()).not.toContain("clean");
    expect(story.look(NONE).kinds()).toContain("clean");
    expect(story.tell({ kind: "cleaned" }).kinds()).toContain("prepare-root");
    expect(phaseOf(story.state)).toBe("preparing");
    story.tell({ kind: "root-prepared" });
    expect(phaseOf(story.state)).toBe("parked");
    expect(lookIntervalMs(story.state)).toBe(5_000);
  });

  it.each([
    ["a Worker of nobody knows which ticket", ORPHAN],
    ["a listener", LISTENER],
    ["what cannot be read", BLIND],
  ])("clears nothing while it sees %s", (_name, processes) => {
    const story = Story.begun().look(NONE).look(processes);
    for (let count = 0; count < 10; count += 1) expect(story.look(processes).kinds()).not.toContain("clean");
    expect(story.look(NONE).kinds()).not.toContain("clean");
    expect(story.look(NONE).kinds()).toContain("clean");
  });

  it("is unknown with a journal that cannot be read, and does nothing, not even end", () => {
    const story = new Story().tell({
      kind: "started",
      journal: { kind: "unreadable", why: "line 3" },
      isSameBoot: true,
      isMember: false,
    });
    story.look(NONE).look(NONE).answer({ ticketOut: T1, isRetiring: true }).tell({ kind: "asked-to-stop" });
    story.look(NONE, files(), MINUTE_MS).look(NONE, files(), MINUTE_MS).silent(100, MINUTE_MS).look(NONE);
    expect(story.allEffects.filter(({ kind }) => kind !== "report")).toEqual([]);
    expect(reportOf(story.state)).toEqual({
      phase: "starting",
      ticket: null,
      ended: [],
      sighting: { kind: "unknown", why: "line 3" },
      fence: null,
      stillness: null,
    });
  });

  it("tries again, ever later, what failed", () => {
    const story = Story.begun().look(NONE).look(NONE).tell({ kind: "clean-failed" });
    expect(phaseOf(story.state)).toBe("preparing");
    story.look(NONE);
    expect(story.look(NONE).kinds()).not.toContain("clean");
    expect(story.look(NONE).kinds()).toContain("clean");
    story.tell({ kind: "cleaned" }).tell({ kind: "root-failed" }).look(NONE);
    expect(story.look(NONE, files(), 1_000).kinds()).toContain("prepare-root");
  });
});

describe("taking a ticket", () => {
  it("journals it before the runner starts, and is then engaged", () => {
    const story = Story.parked().offer(T1);
    expect(story.kinds()).toEqual(["taken", "report", "start-runner"]);
    expect(reportOf(story.state)).toMatchObject({ phase: "engaged", ticket: { id: T1, step: "delivered" } });
    expect(isPolling(story.state)).toBe(false);
    expect(story.started(T1).kinds()).toEqual(["started"]);
  });

  it("ignores the same ticket again", () => {
    const story = Story.engaged();
    expect(story.tell({ kind: "polled", answer: { kind: "ticket", ticket: ticket(T1) } }).effects).toEqual([]);
    story.exited(1).look(NONE).look(NONE);
    expect(endOf(story)).toEqual({ kind: "barren", reason: "exit code 1" });
    expect(story.tell({ kind: "polled", answer: { kind: "ticket", ticket: ticket(T1) } }).effects).toEqual([]);
  });

  it.each<[string, () => Story]>([
    ["while engaged with another", () => Story.engaged()],
    ["while leaving", () => Story.parked().tell({ kind: "asked-to-stop" })],
    ["while the platform wants the machine back", () => Story.parked().tell({ kind: "wanted-back" })],
    ["while retiring", () => Story.parked().answer({ isRetiring: true })],
    ["before a root is ready", () => Story.begun().look(NONE).look(NONE).answer()],
    ["before the controller answered to what we said", () => Story.begun().look(NONE).look(NONE)],
    ["while the process table cannot be read", () => Story.parked().look(BLIND)],
    ["while a runner is seen that should not be there", () => Story.parked().look(LISTENER)],
  ])("refuses %s, in the journal first, and never starts it", (_name, begin) => {
    const story = begin().offer(T2);
    expect(story.kinds().slice(0, 2)).toEqual(["refused", "report"]);
    expect(endOf(story, T2)).toEqual(REFUSED);
    story.offer(T2);
    expect(story.allEffects.filter((effect) => effect.kind === "start-runner" && effect.ticket.id === T2)).toEqual([]);
  });

  it("never starts a ticket that the journal of an earlier agent refused", () => {
    const story = Story.parked({ kind: "refused", ticketId: T2 }).offer(T2);
    expect(story.effects).toEqual([]);
    expect(reportOf(story.state).ended).toEqual([{ id: T2, end: REFUSED }]);
  });

  it("takes no more tickets than it can account for", () => {
    const refusals = Array.from({ length: TICKETS_PER_LIFE_MAX }, (_, index) => {
      const ticketId = parseTicketId(`t-${String(index + 100).padStart(8, "0")}`);
      return [{ kind: "refused", ticketId } as const, { kind: "confirmed", ticketId } as const];
    }).flat();
    expect(isPolling(Story.parked(...refusals.slice(2)).state)).toBe(true);
    expect(isPolling(Story.parked(...refusals).state)).toBe(false);
    const unconfirmed = refusals.filter(({ kind }) => kind === "refused").slice(0, REPORTED_ENDS_MAX + 5);
    const story = Story.parked(...unconfirmed);
    expect(isPolling(story.state)).toBe(false);
    expect(reportOf(story.state).ended).toHaveLength(REPORTED_ENDS_MAX);
  });
});

describe("steps", () => {
  const received = { receivedAtMs: [5_000], hasSession: true };
  it.each<[string, Partial<RunnerFacts>, typeof NONE, string]>([
    ["a listener without a session", {}, LISTENER, "delivered"],
    ["a session", { hasSession: true }, LISTENER, "online"],
    ["a message received, no Worker yet: the blind window", received, LISTENER, "running"],
    ["a message that the listener skipped", { ...received, closedAtMs: [6_000] }, LISTENER, "online"],
    ["a job acquired by the log, with no perf file", { hasSession: true, isBusy: true }, LISTENER, "running"],
    ["a Worker", {}, BOTH, "running"],
    ["an orphan", {}, ORPHAN, "running"],
  ])("%s", (_name, facts, processes, step) => {
    const story = Story.engaged().look(processes, files(facts));
    expect(reportOf(story.state).ticket?.step).toBe(step);
  });

  it("journals the first Worker once and stays running until the end", () => {
    const story = Story.engaged().look(BOTH);
    expect(story.kinds()).toEqual(["worker-seen", "report"]);
    expect(story.look(BOTH).effects).toEqual([]);
    story.look(LISTENER);
    expect(reportOf(story.state).ticket?.step).toBe("running");
  });

  it("reports what it sees, and unknown where something cannot be read", () => {
    const story = Story.engaged();
    expect(reportOf(story.state).sighting).toEqual({ kind: "seen", hasListener: true, workerCount: 0 });
    story.look(LISTENER, files({}, { unreadable: "Runner.perf: not a regular file" }));
    expect(reportOf(story.state).sighting).toEqual({ kind: "unknown", why: "Runner.perf: not a regular file" });
    story.look(LISTENER, files({ lineCount: 3, shapedLineCount: 0 }));
    expect(reportOf(story.state).sighting.kind).toBe("unknown");
    story.look(BOTH, files({}, { unreadable: "Runner.perf: not a regular file" }));
    expect(reportOf(story.state).sighting).toEqual({ kind: "seen", hasListener: true, workerCount: 1 });
  });
});

describe("the end of a ticket", () => {
  it("takes two looks in a row that show nothing, and then clears up in order", () => {
    const story = Story.engaged().look(BOTH).exited(0).look(NONE);
    expect(endOf(story)).toBeNull();
    story.look(NONE);
    expect(endOf(story)).toEqual({ kind: "spent" });
    expect(story.kinds()).toEqual(["ended", "report", "send-logs", "clean"]);
    expect(story.tell({ kind: "cleaned" }).kinds()).toEqual(["prepare-root"]);
  });

  it.each([
    ["a listener", LISTENER],
    ["an orphan Worker", ORPHAN],
    ["what cannot be read", BLIND],
  ])("does not come while a look shows %s, and begins anew after it", (_name, processes) => {
    const story = Story.engaged().exited(0).look(NONE).look(processes);
    for (let count = 0; count < 10; count += 1) story.look(processes, files(), MINUTE_MS);
    expect(endOf(story)).toBeNull();
    expect(endOf(story.look(NONE))).toBeNull();
    expect(endOf(story.look(NONE))).not.toBeNull();
  });

  it("does not come by a look at another root", () => {
    const story = Story.engaged().exited(0);
    const look = { ticketId: T2, processes: NONE, files: files(), fence: null, listener: null, motion: null };
    for (const atMs of [9_000, 19_000, 29_000]) story.tell({ kind: "looked", look, atMs });
    expect(story.state.held?.id).toBe(T1);
  });

  it("does not come before the answer to its start", () => {
    const story = Story.parked().offer(T1).look(NONE).look(NONE, files(), MINUTE_MS).look(NONE, files(), MINUTE_MS);
    expect(endOf(story)).toBeNull();
    story.tell({ kind: "runner-not-started", ticketId: T1, why: "spawn failed with ENOENT" }).look(NONE).look(NONE);
    expect(endOf(story)).toEqual({ kind: "barren", reason: "could not start: spawn failed with ENOENT" });
  });

  it.each<[string, (story: Story) => Story, TicketEnd]>([
    ["exit 0 without a job is barren: an exit is not a job", (story) => story.exited(0), barren("exit code 0")],
    ["exit 1", (story) => story.exited(1), barren("exit code 1")],
    ["exit 5, a session conflict", (story) => story.exited(5), barren("exit code 5")],
    ["killed", (story) => story.exited(null, "SIGKILL"), barren("signal SIGKILL")],
    ["a Worker was seen, whatever the exit", (story) => story.look(BOTH).exited(null, "SIGKILL"), { kind: "spent" }],
    ["a Worker was seen, and exit 3", (story) => story.look(BOTH).exited(3), { kind: "spent" }],
    ["the log of a job too quick to be seen", (story) => story.exited(0), { kind: "spent" }],
  ])("%s", (name, lead, end) => {
    const seen = files({ hasLog: true, hasJobCompleted: name.startsWith("the log") });
    expect(endOf(lead(Story.engaged()).look(NONE, seen).look(NONE, seen))).toEqual(end);
  });

  it("waits for the exit code of its child, and for the log to be read, within a bound", () => {
    const late = Story.engaged().look(NONE).look(NONE).look(NONE);
    expect(endOf(late)).toBeNull();
    expect(endOf(late.look(NONE, files(), 30_000))).toEqual(barren("unknown exit"));
    const behind = files({ hasLog: true }, { isComplete: false });
    const story = Story.engaged().exited(0).look(NONE, behind).look(NONE, behind);
    expect(endOf(story)).toBeNull();
    expect(endOf(story.look(NONE, files({ hasLog: true, hasJobCompleted: true })))).toEqual({ kind: "spent" });
  });
});

describe("starting the same ticket again", () => {
  const gone = (story: Story, isUpdateFinished = false) => {
    const seen = files({ hasLog: true }, { isUpdateFinished });
    return story.look(NONE, seen).look(NONE, seen);
  };

  it.each([3, 4])("after exit code %i, once, when the update is finished", (code) => {
    const story = gone(Story.engaged().exited(code));
    expect(story.kinds()).toEqual([]);
    expect(story.look(NONE, files({}, { isUpdateFinished: true })).kinds()).toEqual(["start-runner"]);
    story.started(T1, 101).look(LISTENER).exited(code, null, 101);
    expect(endOf(gone(story, true))).toEqual(barren(`exit code ${code}`));
  });

  it("not after an update that does not finish", () => {
    const story = gone(Story.engaged().exited(3)).look(NONE, files(), 29_000);
    expect(endOf(story)).toBeNull();
    expect(endOf(story.look(NONE, files(), 1_000))).toEqual(barren("exit code 3"));
  });

  it("but not after an assignment that it never closed: nobody could hand the next listener back", () => {
    const arrived = files({ hasLog: true, receivedAtMs: [1_000] });
    const story = Story.engaged().exited(2).look(NONE, arrived).look(NONE, arrived);
    expect(endOf(story)).toEqual(barren("exit code 2"));
  });

  it("after exit code 2, twice, after a pause", () => {
    const story = Story.engaged();
    for (const pid of [100, 101]) {
      gone(story.exited(2, null, pid));
      expect(story.look(NONE, files(), 4_000).kinds()).toEqual([]);
      expect(story.look(NONE, files(), 1_000).kinds()).toEqual(["start-runner"]);
      story.started(T1, pid + 1).look(LISTENER);
    }
    expect(endOf(gone(story.exited(2, null, 102)))).toEqual(barren("exit code 2"));
  });

  it("not while leaving", () => {
    expect(endOf(gone(Story.engaged().tell({ kind: "wanted-back" }).exited(2)))).toEqual(barren("exit code 2"));
    expect(endOf(gone(Story.engaged().tell({ kind: "asked-to-stop" }).exited(2)))).toEqual(barren("exit code 2"));
  });

  it("not by the exit of an earlier start", () => {
    const story = gone(Story.engaged().exited(2)).look(NONE, files(), 5_000).started(T1, 101).look(LISTENER);
    story.exited(1, null, 100);
    expect(story.state.held?.run).toMatchObject({ kind: "own", exit: null });
  });
});

describe("taking over what an earlier agent left", () => {
  it("follows a runner that is not its child to its end, and reports it spent", () => {
    const story = Story.begun(TAKEN, STARTED, { kind: "worker-seen", ticketId: T1 }).look(BOTH);
    expect(reportOf(story.state).ticket).toEqual({ id: T1, step: "running" });
    expect(story.allEffects.filter(({ kind }) => kind === "start-runner")).toEqual([]);
    story.look(NONE).look(NONE);
    expect(endOf(story)).toBeNull();
    expect(endOf(story.look(NONE, files(), 1_500))).toEqual({ kind: "spent" });
  });

  it.each<[string, readonly (typeof TAKEN | typeof STARTED)[], Partial<RunnerFacts>, TicketEnd]>([
    ["taken and nothing there", [TAKEN], {}, barren("never started")],
    ["taken, nothing there, but a log", [TAKEN], { hasLog: true, returnCode: 1 }, barren("exit code 1")],
    ["started, and a log without an end", [TAKEN, STARTED], { hasLog: true }, barren("unknown exit")],
    ["exit code 2 without its secret", [TAKEN, STARTED], { hasLog: true, returnCode: 2 }, barren("exit code 2")],
    ["exit code 3 without its secret", [TAKEN, STARTED], { hasLog: true, returnCode: 3 }, barren("exit code 3")],
    [
      "a job completed while nobody looked",
      [TAKEN, STARTED],
      { hasLog: true, hasJobCompleted: true },
      { kind: "spent" },
    ],
  ])("%s", (_name, entries, facts, end) => {
    const seen = files({ ...facts }, { isUpdateFinished: true });
    const story = Story.begun(...entries)
      .look(NONE, seen)
      .look(NONE, seen);
    expect(endOf(story)).toBeNull();
    expect(endOf(story.look(NONE, seen, 2_000))).toEqual(end);
    expect(story.allEffects.filter(({ kind }) => kind === "start-runner")).toEqual([]);
  });

  it("is spent where an earlier agent saw a Worker, though nothing is there any more", () => {
    const story = Story.begun(TAKEN, STARTED, { kind: "worker-seen", ticketId: T1 }).look(NONE);
    expect(reportOf(story.state).ticket).toEqual({ id: T1, step: "running" });
    expect(endOf(story.look(NONE, files(), 2_000))).toEqual({ kind: "spent" });
  });

  it("reports ends that were not confirmed, and not those that were", () => {
    const end = { kind: "ended", ticketId: T1, end: { kind: "spent" } } as const;
    expect(reportOf(Story.parked(TAKEN, end).state).ended).toEqual([{ id: T1, end: { kind: "spent" } }]);
    const story = Story.parked(TAKEN, end, { kind: "confirmed", ticketId: T1 });
    expect(reportOf(story.state).ended).toEqual([]);
  });
});

function barren(reason: string): TicketEnd {
  return { kind: "barren", reason };
}
