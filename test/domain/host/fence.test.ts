import { describe, expect, it } from "vitest";
import { formatEntry, type JournalEntry, readJournal } from "../../../src/domain/host/journal.ts";
import type { FenceSight } from "../../../src/domain/host/look.ts";
import { reportOf } from "../../../src/domain/host/report.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { BLIND, BOTH, cleanLook, idleFiles, LISTENER, NO_FENCES, NONE, ORPHAN, Story, T1, T2 } from "./host-story.ts";

const PROCESS = { pid: 100, startTime: "7" };
const CLOSE = { kind: "close-fence", ticketId: T1, process: PROCESS };
const HANDED_BACK = [{ id: T1, end: { kind: "handed-back" } }];
const SPENT = [{ id: T1, end: { kind: "spent" } }];

/** Order 5 is there and its fence was asked for. */
const closing = () => Story.idle().ordered(5).look(LISTENER, idleFiles());
const killed = () => closing().closed().opened("killed");

function refusalOf(story: Story) {
  return reportOf(story.state).fence;
}

describe("an order", () => {
  it("closes the fence at the next look, and reports nothing meanwhile", () => {
    const story = Story.idle().ordered(5);
    expect(story.kinds()).toEqual([]);
    expect(story.look(LISTENER, idleFiles()).effects).toEqual([CLOSE]);
    expect(reportOf(story.state)).toMatchObject({ ticket: { id: T1, step: "online" }, fence: null });
    expect(story.ordered(5).look(LISTENER, idleFiles()).look(LISTENER, idleFiles(), MINUTE_MS).effects).toEqual([]);
  });

  it("kills after a clean look: the journal first", () => {
    const story = closing().closed();
    expect(story.kinds()).toEqual(["fencing", "open-fence"]);
    expect(story.effects).toMatchObject([
      { entry: { kind: "fencing", ticketId: T1, name: "fence-1", byteCount: 1_000 } },
      { kind: "open-fence", claim: "kill" },
    ]);
    expect(story.opened("killed").look(NONE, idleFiles()).kinds()).toEqual(["report"]);
    expect(story.look(NONE, idleFiles()).kinds()).toEqual([]);
    story.exited(null, "SIGKILL").look(NONE, idleFiles());
    expect(story.kinds()).toEqual(["ended", "report", "send-logs", "clean"]);
    expect(reportOf(story.state).ended).toEqual(HANDED_BACK);
  });

  it("takes two looks after the kill", () => {
    const story = killed().exited(null, "SIGKILL").look(NONE, idleFiles());
    expect(reportOf(story.state).ended).toEqual([]);
    story.look(LISTENER, idleFiles()).look(NONE, idleFiles());
    expect(reportOf(story.state).ended).toEqual([]);
    expect(reportOf(story.look(NONE, idleFiles()).state).ended).toEqual(HANDED_BACK);
  });

  it("resumes after a look that is not clean, and says why", () => {
    const story = closing().closed(cleanLook({ listenerTasks: ["T", "S"] }));
    expect(story.effects).toEqual([{ kind: "open-fence", claim: "resume" }]);
    expect(refusalOf(story)).toBeNull();
    story.opened("resumed");
    expect(story.kinds()).toEqual(["report"]);
    expect(refusalOf(story)).toEqual({ ticketId: T1, attempt: 5, why: "not every task of the listener is stopped" });
    expect(reportOf(story.state).ticket).toEqual({ id: T1, step: "online" });
  });

  it("is refused where the watchdog was first", () => {
    const story = closing().closed().opened("resumed");
    expect(refusalOf(story)).toMatchObject({ attempt: 5, why: expect.stringMatching(/opened again/) });
    story.exited(1).look(NONE, idleFiles()).look(NONE, idleFiles());
    expect(reportOf(story.state).ended).toEqual([{ id: T1, end: { kind: "barren", reason: "exit code 1" } }]);
  });

  it("is refused where the fence cannot be closed", () => {
    const story = closing().tell({ kind: "fence-failed", ticketId: T1, why: "no watchdog", atMs: 9 });
    expect(refusalOf(story)).toEqual({ ticketId: T1, attempt: 5, why: "no watchdog" });
  });

  it("is not tried again once refused, and a new one is", () => {
    const story = closing().tell({ kind: "fence-failed", ticketId: T1, why: "no watchdog", atMs: 9 });
    for (let count = 0; count < 5; count += 1)
      expect(story.ordered(5).look(LISTENER, idleFiles()).kinds()).not.toContain("close-fence");
    expect(story.ordered(6).look(LISTENER, idleFiles()).kinds()).toEqual(["close-fence"]);
  });

  it.each([
    ["a Worker runs", BOTH, idleFiles()],
    ["a Worker runs alone", ORPHAN, idleFiles()],
    ["an assignment arrived", LISTENER, idleFiles({ receivedAtMs: [1_000] })],
    ["the process table cannot be read", BLIND, idleFiles()],
    ["the files cannot be read", LISTENER, idleFiles({}, { unreadable: "EACCES" })],
    ["the log is of another shape", LISTENER, idleFiles({ shapedLineCount: 0 })],
  ])("is refused without stopping anything while %s", (_name, processes, seen) => {
    const story = Story.idle().ordered(5).look(processes, seen);
    expect(story.allEffects.map(({ kind }) => kind)).not.toContain("close-fence");
    expect(refusalOf(story)).toMatchObject({ ticketId: T1, attempt: 5 });
  });

  it("is refused, and the host unknown, while the fences cannot be read; a stopped listener is resumed", () => {
    const blind: FenceSight = { ...NO_FENCES, unreadable: "the fences: ENOTDIR" };
    const story = Story.idle().ordered(5).look(LISTENER, idleFiles(), 500, blind);
    expect(story.allEffects.map(({ kind }) => kind)).not.toContain("close-fence");
    expect(refusalOf(story)).toMatchObject({ attempt: 5, why: "the fences: ENOTDIR" });
    expect(reportOf(story.state).sighting).toEqual({ kind: "unknown", why: "the fences: ENOTDIR" });
    const stopped = Story.idle().look(LISTENER, idleFiles(), 500, { ...blind, isListenerStopped: true });
    expect(stopped.kinds()).toContain("lift-fence");
  });

  it("waits for a runner that is only starting, and is answered by the end of one that ends", () => {
    const starting = Story.parked().offer(T1).ordered(5).look(NONE).look(NONE);
    expect(refusalOf(starting)).toBeNull();
    starting.started(T1).look(LISTENER, idleFiles());
    expect(starting.kinds()).toContain("close-fence");
    const ending = Story.idle().exited(1).ordered(5).look(NONE, idleFiles()).look(NONE, idleFiles());
    expect(reportOf(ending.state).ended).toEqual([{ id: T1, end: { kind: "barren", reason: "exit code 1" } }]);
  });

  it("for another ticket, or taken back, changes nothing", () => {
    const other = Story.idle().answer({ handBack: { ticketId: T2, attempt: 5 } });
    expect(other.look(LISTENER, idleFiles()).effects).toEqual([]);
    const withdrawn = Story.idle().ordered(5).answer();
    expect(withdrawn.look(LISTENER, idleFiles()).effects).toEqual([]);
  });

  it("leaves nothing stopped that nobody waits for", () => {
    expect(Story.idle().closed().effects).toEqual([{ kind: "open-fence", claim: "resume" }]);
    const ticketless = Story.parked().tell({ kind: "fence-closed", ticketId: T1, name: "f", look: cleanLook() });
    expect(ticketless.effects).toEqual([{ kind: "open-fence", claim: "resume" }]);
  });

  it("is spent, not handed back, where a job is known to have been", () => {
    const seen = idleFiles({ hasJobCompleted: true, receivedAtMs: [1_000], closedAtMs: [2_000] });
    const story = Story.idle()
      .ordered(5)
      .look(LISTENER, seen)
      .closed(cleanLook({ files: seen }))
      .opened("killed");
    story.exited(null, "SIGKILL").look(NONE, seen).look(NONE, seen);
    expect(reportOf(story.state).ended).toEqual(SPENT);
  });
});

describe("after the kill", () => {
  it.each([
    ["a Worker is there", ORPHAN, idleFiles(), /a Worker is there/],
    ["a file has grown", NONE, idleFiles({}, { byteCount: 1_001 }), /the runner went on/],
    ["a file has shrunk", NONE, idleFiles({}, { byteCount: 999 }), /the runner went on/],
  ])("the fence failed where %s: busy until nothing is left, then spent", (_name, processes, seen, why) => {
    const story = killed().exited(null, "SIGKILL").look(processes, seen);
    expect(story.kinds()).toEqual(expect.arrayContaining(["fence-failed", "report", "send-logs"]));
    expect(reportOf(story.state)).toMatchObject({
      ticket: { id: T1, step: "running" },
      ended: [],
      fence: { attempt: 5 },
    });
    expect(refusalOf(story)?.why).toMatch(why);
    for (let count = 0; count < 10; count += 1) story.look(ORPHAN, seen, MINUTE_MS);
    expect(reportOf(story.ordered(6).look(ORPHAN, seen).state).fence).toMatchObject({ attempt: 6 });
    story.look(NONE, seen).look(NONE, seen);
    expect(reportOf(story.state).ended).toEqual(SPENT);
    expect(story.allEffects.filter(({ kind }) => kind === "open-fence")).toHaveLength(1);
  });

  it("files that stay unreadable are a failed fence, and not before they stay so", () => {
    const blind = idleFiles({}, { unreadable: "EIO" });
    const story = killed().exited(null, "SIGKILL").look(NONE, blind).look(NONE, blind, 29_000);
    expect(reportOf(story.state)).toMatchObject({ ticket: { step: "online" }, ended: [] });
    story.look(NONE, blind, 2_000);
    expect(reportOf(story.state).ended).toEqual(SPENT);
  });
});

describe("by itself", () => {
  it("a leaving host hands back a ticket without a job, and tries again later", () => {
    const story = Story.idle().tell({ kind: "asked-to-stop" }).look(LISTENER, idleFiles());
    expect(story.kinds()).toEqual(["close-fence"]);
    story.tell({ kind: "fence-failed", ticketId: T1, why: "no watchdog", atMs: story.atMs });
    expect(reportOf(story.state).fence).toBeNull();
    expect(story.look(LISTENER, idleFiles(), 29_000).effects).toEqual([]);
    expect(story.look(LISTENER, idleFiles(), 1_000).kinds()).toEqual(["close-fence"]);
  });

  it("a host that its platform wants back hands back a ticket without a job", () => {
    expect(Story.idle().tell({ kind: "wanted-back" }).look(LISTENER, idleFiles()).kinds()).toEqual(["close-fence"]);
    const busy = Story.idle().tell({ kind: "wanted-back" });
    for (let count = 0; count < 10; count += 1) busy.look(BOTH, idleFiles(), MINUTE_MS);
    expect(busy.allEffects.map(({ kind }) => kind)).not.toContain("close-fence");
  });

  it.each([
    ["a Worker runs", BOTH, idleFiles()],
    ["an assignment arrived", LISTENER, idleFiles({ receivedAtMs: [1_000] })],
    ["the table cannot be read", BLIND, idleFiles()],
  ])("a leaving host waits while %s", (_name, processes, seen) => {
    const story = Story.idle().tell({ kind: "asked-to-stop" });
    for (let count = 0; count < 10; count += 1) story.look(processes, seen, MINUTE_MS);
    expect(story.allEffects.map(({ kind }) => kind)).not.toContain("close-fence");
  });

  it("an unreachable host hands back after an hour, and then powers off; before it, and with a job, it does neither", () => {
    const early = Story.idle().silent(236, 15_000).look(LISTENER, idleFiles());
    expect(early.kinds()).not.toContain("close-fence");
    const busy = Story.idle().silent(250, 15_000).look(BOTH, idleFiles());
    expect(busy.kinds()).not.toContain("close-fence");
    const story = Story.idle().silent(250, 15_000).look(LISTENER, idleFiles());
    expect(story.kinds()).toEqual(["close-fence"]);
    story.closed().opened("killed").exited(null, "SIGKILL").look(NONE, idleFiles()).look(NONE, idleFiles());
    expect(reportOf(story.state).ended).toEqual(HANDED_BACK);
    story.tell({ kind: "cleaned" }).look(NONE).look(NONE);
    expect(story.allEffects.map(({ kind }) => kind)).toContain("power-off");
  });

  it("a listener whose job went elsewhere is handed back after ten minutes without another", () => {
    const open = idleFiles({ receivedAtMs: [1_000] });
    const lost = idleFiles({ receivedAtMs: [1_000], closedAtMs: [2_000] });
    const story = Story.idle().look(LISTENER, open).look(LISTENER, lost);
    expect(reportOf(story.state).ticket?.step).toBe("running");
    expect(story.look(LISTENER, lost, 10 * MINUTE_MS - 1).effects).toEqual([]);
    expect(story.look(LISTENER, lost, 1).kinds()).toEqual(["close-fence"]);
  });
});

describe("an agent that takes a fence over", () => {
  const TAKEN: JournalEntry = { kind: "taken", ticketId: T1, runnerName: "r" };
  const STARTED: JournalEntry = { kind: "started", ticketId: T1, ...PROCESS };
  const FENCING: JournalEntry = { kind: "fencing", ticketId: T1, name: "fence-1", byteCount: 1_000 };
  const STOPPED: FenceSight = { ...NO_FENCES, isListenerStopped: true };
  const GUARDED: FenceSight = { ...STOPPED, isWatchdogThere: true };
  const KILLED: FenceSight = { ...NO_FENCES, killClaims: ["fence-1"] };
  const LIFT = { kind: "lift-fence", ticketId: T1, process: PROCESS };

  it.each([
    ["before the look", [TAKEN, STARTED]],
    ["after it", [TAKEN, STARTED, FENCING]],
  ])("resumes a stopped listener without a watchdog at once (%s)", (_name, entries) => {
    const story = Story.begun(...entries).look(LISTENER, idleFiles(), 500, STOPPED);
    expect(story.effects).toContainEqual(LIFT);
    expect(story.look(LISTENER, idleFiles()).effects).toEqual([]);
  });

  it("resumes one that somebody else stopped, too", () => {
    expect(Story.idle().look(LISTENER, idleFiles(), 500, STOPPED).effects).toEqual([LIFT]);
  });

  it("hands a listener back whose job went elsewhere under its predecessor, ten minutes after its own first look", () => {
    const lost = idleFiles({ receivedAtMs: [1_000], closedAtMs: [2_000] });
    const story = Story.begun(TAKEN, STARTED).look(LISTENER, lost);
    expect(reportOf(story.state).ticket?.step).toBe("online");
    expect(story.look(LISTENER, lost, 10 * MINUTE_MS - 1).kinds()).not.toContain("close-fence");
    expect(story.look(LISTENER, lost, 1).kinds()).toEqual(["close-fence"]);
  });

  it("leaves one alone that had no assignment yet", () => {
    const story = Story.begun(TAKEN, STARTED).look(LISTENER, idleFiles());
    expect(story.look(LISTENER, idleFiles(), 60 * MINUTE_MS).kinds()).not.toContain("close-fence");
  });

  it("leaves it to the watchdog while there is one, and not for ever", () => {
    const story = Story.begun(TAKEN, STARTED).look(LISTENER, idleFiles(), 500, GUARDED).ordered(5);
    for (let count = 0; count < 19; count += 1) story.look(LISTENER, idleFiles(), 1_000, GUARDED);
    expect(story.allEffects.map(({ kind }) => kind)).not.toContain("lift-fence");
    expect(story.allEffects.map(({ kind }) => kind)).not.toContain("close-fence");
    expect(story.look(LISTENER, idleFiles(), 1_000, GUARDED).effects).toContainEqual(LIFT);
  });

  it("closes a fence of its own once the other is open", () => {
    const story = Story.begun(TAKEN, STARTED, FENCING).look(LISTENER, idleFiles(), 500, GUARDED).ordered(5);
    story.look(LISTENER, idleFiles()).look(LISTENER, idleFiles());
    expect(story.kinds()).toEqual(["close-fence"]);
  });

  const gone = (fence: FenceSight, seen = idleFiles()) =>
    Story.begun(TAKEN, STARTED, FENCING).look(NONE, seen, 500, fence).look(NONE, seen, 2_000, fence);

  it("hands back by an earlier agent's kill, proven by claim and journal", () => {
    expect(reportOf(gone(KILLED).state).ended).toEqual(HANDED_BACK);
  });

  it.each<[string, Story]>([
    ["whose claim is not the kill", gone(NO_FENCES)],
    ["whose kill was another fence's", gone({ ...NO_FENCES, killClaims: ["fence-2"] })],
    [
      "that the journal does not know",
      Story.begun(TAKEN, STARTED).look(NONE, idleFiles(), 500, KILLED).look(NONE, idleFiles(), 2_000, KILLED),
    ],
  ])("is barren by a fence %s", (_name, story) => {
    expect(reportOf(story.state).ended).toEqual([{ id: T1, end: { kind: "barren", reason: "unknown exit" } }]);
  });

  it("is a failed fence where the files grew since, for every later agent too", () => {
    const story = gone(KILLED, idleFiles({}, { byteCount: 1_200 }));
    expect(reportOf(story.state).ended).toEqual(SPENT);
    const failed: JournalEntry = { kind: "fence-failed", ticketId: T1 };
    const later = Story.begun(TAKEN, STARTED, FENCING, failed).look(NONE, idleFiles(), 500, KILLED);
    expect(reportOf(later.state).ticket?.step).toBe("running");
    expect(reportOf(later.look(NONE, idleFiles(), 2_000, KILLED).state).ended).toEqual(SPENT);
  });

  it("does not count a kill that was claimed for a listener that lives", () => {
    const story = Story.begun(TAKEN, STARTED, FENCING).look(LISTENER, idleFiles(), 500, KILLED);
    expect(story.effects).toContainEqual(LIFT);
    story.look(NONE, idleFiles(), 500, KILLED).look(NONE, idleFiles(), 2_000, KILLED);
    expect(reportOf(story.state).ended).toEqual([{ id: T1, end: { kind: "barren", reason: "unknown exit" } }]);
  });

  it("refuses an order while an orphan of a listener that was not killed works", () => {
    const story = Story.begun(TAKEN, STARTED, FENCING).look(ORPHAN, idleFiles()).ordered(5).look(ORPHAN, idleFiles());
    expect(reportOf(story.state).fence).toMatchObject({ attempt: 5, why: "a Worker runs" });
  });

  it("writes down which process the runner is where it can be told, and then hands back", () => {
    const found = (story: Story) => story.look(LISTENER, idleFiles(), 500, NO_FENCES, null, PROCESS);
    const story = found(Story.begun(TAKEN));
    expect(story.effects[0]).toEqual({ kind: "journal", entry: STARTED });
    expect(found(story).effects).toEqual([]);
    expect(found(story.ordered(5)).effects).toEqual([CLOSE]);
    // One that was started again, as far as the journal knows not yet.
    const again = found(Story.begun(TAKEN, { ...STARTED, pid: 99 }).ordered(5));
    expect(again.kinds()).toEqual(["started", "report", "close-fence"]);
    expect(found(Story.idle()).effects).toEqual([]);
  });

  it("does not take a process of an earlier boot for the runner, and looks for it anew", () => {
    const entries = [TAKEN, STARTED].map(formatEntry).join("");
    const booted = new Story().tell({
      kind: "started",
      journal: readJournal(entries),
      isSameBoot: false,
      isMember: false,
    });
    expect(booted.state.held?.run).toEqual({ kind: "taken-over", process: null });
    booted.look(LISTENER, idleFiles()).ordered(5).look(LISTENER, idleFiles());
    expect(booted.allEffects.map(({ kind }) => kind)).not.toContain("close-fence");
    const other = { pid: 300, startTime: "9" };
    booted.ordered(6).look(LISTENER, idleFiles(), 500, NO_FENCES, null, other);
    expect(booted.effects).toContainEqual({ kind: "close-fence", ticketId: T1, process: other });
  });

  it("refuses an order where it is not known which process the runner is", () => {
    const story = Story.begun(TAKEN).look(LISTENER, idleFiles()).ordered(5).look(LISTENER, idleFiles());
    expect(reportOf(story.state).fence).toMatchObject({ attempt: 5, why: expect.stringMatching(/which process/) });
  });
});
