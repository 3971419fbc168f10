import { describe, expect, it } from "vitest";
import type { JournalEntry } from "../../../src/domain/host/journal.ts";
import { isPolling, phaseOf, reportOf } from "../../../src/domain/host/report.ts";
import { SECOND_MS } from "../../../src/domain/units.ts";
import { BLIND, BOTH, files, idleFiles, LISTENER, NONE, ORPHAN, Story, T1, T2 } from "./host-story.ts";

const REFUSED = { kind: "barren", reason: "refused" };

describe("a ticket that the controller believes to be out", () => {
  it("is refused by a new incarnation that never took it: no poll of its own can bring it", () => {
    const story = Story.begun().look(NONE).look(NONE).tell({ kind: "cleaned" }).tell({ kind: "root-prepared" });
    story.answer({ ticketOut: T1 });
    expect(story.kinds()).toEqual(["refused", "report"]);
    expect(reportOf(story.state).ended).toEqual([{ id: T1, end: REFUSED }]);
    expect(story.offer(T1).kinds()).toEqual([]);
  });

  it("is awaited while a poll of this incarnation may bring it", () => {
    const story = Story.parked().tell({ kind: "poll-sent" }).answer({ ticketOut: T1 });
    expect(story.kinds()).toEqual([]);
    story.tell({ kind: "polled", answer: null }).answer({ ticketOut: T1 });
    expect(story.kinds()).toEqual([]);
    expect(story.offer(T1).kinds()).toEqual(["taken", "report", "start-runner"]);
  });

  it("is refused when a poll sent after it was named comes back without it, and not before", () => {
    const story = Story.parked().tell({ kind: "poll-sent" }).answer({ ticketOut: T1 });
    expect(story.tell({ kind: "polled", answer: { kind: "nothing" } }).kinds()).toEqual([]);
    story.tell({ kind: "poll-sent" });
    expect(story.tell({ kind: "polled", answer: { kind: "report" } }).kinds()).toEqual(["report"]);
    story.tell({ kind: "poll-sent" });
    expect(story.tell({ kind: "polled", answer: null }).kinds()).toEqual([]);
    story.tell({ kind: "poll-sent" });
    expect(story.tell({ kind: "polled", answer: { kind: "nothing" } }).kinds()).toEqual(["refused", "report"]);
  });

  it("is refused by an agent that leaves, once its poll is over", () => {
    const story = Story.parked().tell({ kind: "poll-sent" }).tell({ kind: "asked-to-stop" });
    expect(story.answer({ ticketOut: T1 }).kinds()).toEqual([]);
    expect(story.tell({ kind: "polled", answer: null }).answer({ ticketOut: T1 }).kinds()).toEqual([
      "refused",
      "report",
    ]);
  });

  it("is told again where the store forgot its end", () => {
    const story = Story.engaged()
      .exited(1)
      .look(NONE)
      .look(NONE)
      .answer({ confirmedEnds: [T1] });
    expect(story.kinds()).toEqual(["confirmed", "report"]);
    expect(reportOf(story.state).ended).toEqual([]);
    story.answer({ ticketOut: T1 });
    expect(reportOf(story.state).ended).toEqual([{ id: T1, end: { kind: "barren", reason: "exit code 1" } }]);
    expect(story.answer({ confirmedEnds: [T1] }).kinds()).toEqual(["report"]);
  });

  it("needs nothing while it is held", () => {
    expect(Story.engaged().answer({ ticketOut: T1 }).effects).toEqual([]);
  });
});

describe("the controller's other words", () => {
  it("keeps the highest generation of its store", () => {
    const story = Story.parked().answer({ storeGeneration: 4 });
    expect(story.kinds()).toEqual(["store-seen"]);
    expect(story.answer({ storeGeneration: 3 }).effects).toEqual([]);
    expect(story.journal.storeGeneration).toBe(4);
  });

  it("stays without preparing while it retires, and neither ends nor polls", () => {
    const story = Story.engaged().answer({ isRetiring: true });
    expect(phaseOf(story.state)).toBe("engaged");
    story.exited(0).look(NONE).look(NONE).tell({ kind: "cleaned" });
    expect(phaseOf(story.state)).toBe("leaving");
    for (let count = 0; count < 200; count += 1) expect(story.look(NONE).effects).toEqual([]);
    story.answer({ isRetiring: false }).look(NONE);
    expect(story.kinds()).toContain("prepare-root");
  });

  it("asks for no ticket before an answer to what it said after starting", () => {
    const story = Story.begun().answer();
    story.look(NONE).look(NONE).tell({ kind: "cleaned" }).tell({ kind: "root-prepared" });
    expect(isPolling(story.state)).toBe(false);
    expect(isPolling(story.answer().state)).toBe(true);
  });
});

describe("a notice that the platform takes the machine", () => {
  it("lets a parked agent take no more tickets and say so, and stay: its end is the provider's", () => {
    const story = Story.parked().tell({ kind: "wanted-back" });
    expect(story.kinds()).toEqual(["report"]);
    expect([phaseOf(story.state), isPolling(story.state)]).toEqual(["leaving", false]);
    for (let count = 0; count < 100; count += 1) story.answer().look(NONE, files(), 60 * SECOND_MS);
    expect(story.allEffects.map(({ kind }) => kind)).not.toContain("finish");
    expect(story.offer(T2).kinds().slice(0, 1)).toEqual(["refused"]);
  });

  it("lets an engaged one wait for its job and tell its end, and clears up without a new root", () => {
    const story = Story.engaged().look(BOTH).tell({ kind: "wanted-back" }).answer();
    expect(phaseOf(story.state)).toBe("leaving");
    story.exited(0).look(NONE).look(NONE).tell({ kind: "cleaned" });
    expect(reportOf(story.state)).toMatchObject({ ended: [{ id: T1 }] });
    story.answer({ confirmedEnds: [T1] }).look(NONE);
    expect(story.allEffects.filter(({ kind }) => kind === "prepare-root")).toHaveLength(1);
  });

  it("lets an agent that is asked to stop as well end like any other", () => {
    const story = Story.parked().tell({ kind: "wanted-back" }).tell({ kind: "asked-to-stop" }).look(NONE);
    expect(story.answer().look(NONE).kinds()).toContain("finish");
  });
});

describe("SIGTERM", () => {
  it("ends a parked agent once the controller has heard of it", () => {
    const story = Story.parked().tell({ kind: "asked-to-stop" });
    expect(story.kinds()).toEqual(["report"]);
    expect(isPolling(story.state)).toBe(false);
    expect(story.look(NONE).kinds()).toEqual([]);
    expect(story.answer().look(NONE).kinds()).toContain("finish");
    expect(story.look(NONE).offer(T2).effects).toEqual([]);
  });

  it("waits for a controller that is away, within a bound", () => {
    const story = Story.parked().tell({ kind: "asked-to-stop" }).look(NONE);
    expect(story.look(NONE, files(), 29 * SECOND_MS).effects).toEqual([]);
    expect(story.look(NONE, files(), SECOND_MS).kinds()).toContain("finish");
  });

  it("waits for the ticket it holds, however long, and for its end to be told", () => {
    const story = Story.engaged().look(BOTH).tell({ kind: "asked-to-stop" }).answer();
    const before = story.state;
    expect(story.tell({ kind: "asked-to-stop" }).state).toEqual(before);
    for (let count = 0; count < 100; count += 1)
      expect(story.look(BOTH, files(), 3_600 * SECOND_MS).effects).toEqual([]);
    story.exited(0).look(NONE).look(NONE).tell({ kind: "cleaned" });
    expect(phaseOf(story.state)).toBe("leaving");
    expect(story.look(NONE).kinds()).not.toContain("finish");
    expect(story.answer().look(NONE).kinds()).not.toContain("finish");
    expect(
      story
        .answer({ confirmedEnds: [T1] })
        .look(NONE)
        .kinds(),
    ).toContain("finish");
  });

  it("does not end in the middle of clearing up", () => {
    const story = Story.engaged().tell({ kind: "asked-to-stop" }).exited(0).look(NONE).look(NONE);
    expect(story.kinds()).toContain("clean");
    for (let count = 0; count < 10; count += 1) expect(story.look(NONE, files(), 60 * SECOND_MS).effects).toEqual([]);
    story.tell({ kind: "cleaned" }).answer({ confirmedEnds: [T1] });
    expect(story.look(NONE).kinds()).toContain("finish");
  });

  it.each([
    ["a Worker", ORPHAN],
    ["a listener", LISTENER],
    ["what cannot be read", BLIND],
  ])("does not end while a look shows %s", (_name, processes) => {
    const story = Story.parked().tell({ kind: "asked-to-stop" }).answer();
    for (let count = 0; count < 10; count += 1)
      expect(story.look(processes, files(), 60 * SECOND_MS).kinds()).not.toContain("finish");
  });
});

describe("the dead man's switch", () => {
  it.each<[string, number, number, boolean]>([
    ["30 tries over 15 minutes", 31, 30 * SECOND_MS, true],
    ["29 tries", 29, 40 * SECOND_MS, false],
    ["many tries in less than 15 minutes", 200, SECOND_MS, false],
    ["tries with gaps in which it could not have heard", 60, 121 * SECOND_MS, false],
  ])("%s", (_name, tryCount, apartMs, isOff) => {
    const story = Story.parked().silent(tryCount, apartMs).look(NONE).look(NONE);
    expect(story.allEffects.some(({ kind }) => kind === "power-off")).toBe(isOff);
  });

  it("begins anew with any answer", () => {
    const story = Story.parked()
      .silent(25, 35 * SECOND_MS)
      .tell({ kind: "exchanged", isAnswered: true, atMs: 0 });
    story
      .silent(25, 35 * SECOND_MS)
      .look(NONE)
      .look(NONE);
    expect(story.allEffects.some(({ kind }) => kind === "power-off")).toBe(false);
  });

  const PIN: JournalEntry = { kind: "pinned", isPinned: true };
  const isOff = (story: Story) => story.allEffects.some(({ kind }) => kind === "power-off");
  const cutOff = (story: Story) =>
    story
      .silent(300, 15 * SECOND_MS)
      .look(NONE)
      .look(NONE);

  it("is off under a pin: journalled once, before anything else, and until it is taken back", () => {
    const story = Story.parked().answer({ isPinned: true });
    expect(story.effects).toEqual([{ kind: "journal", entry: PIN }]);
    expect(story.answer({ isPinned: true }).effects).toEqual([]);
    expect(isOff(cutOff(story))).toBe(false);
    story.tell({ kind: "exchanged", isAnswered: true, atMs: 0 }).answer({ isPinned: false });
    expect(story.effects).toEqual([{ kind: "journal", entry: { kind: "pinned", isPinned: false } }]);
    expect(isOff(cutOff(story))).toBe(true);
  });

  it("is off for a later agent too, which nobody ever answered", () => {
    expect(isOff(cutOff(Story.parked(PIN).answer({ isPinned: true })))).toBe(false);
    const unheard = Story.begun(PIN).look(NONE).look(NONE).tell({ kind: "cleaned" });
    expect(isOff(cutOff(unheard))).toBe(false);
    const released = Story.begun(PIN, { kind: "pinned", isPinned: false }).look(NONE).look(NONE);
    expect(isOff(cutOff(released.tell({ kind: "cleaned" })))).toBe(true);
  });

  it("hands nothing back under a pin because nobody answers; an order and a leaving host still do", () => {
    const pinned = () => Story.idle().answer({ isPinned: true });
    const story = pinned().silent(1_000, 15 * SECOND_MS);
    for (let count = 0; count < 20; count += 1) story.look(LISTENER, idleFiles(), 60 * SECOND_MS);
    expect(story.allEffects.map(({ kind }) => kind)).not.toContain("close-fence");
    const order = { ticketId: T1, attempt: 1 };
    expect(pinned().answer({ isPinned: true, handBack: order }).look(LISTENER, idleFiles()).kinds()).toContain(
      "close-fence",
    );
    expect(pinned().tell({ kind: "asked-to-stop" }).look(LISTENER, idleFiles()).kinds()).toContain("close-fence");
  });

  it("never ends a machine with a ticket, running or not", () => {
    for (const processes of [LISTENER, BOTH, ORPHAN, BLIND]) {
      const story = Story.engaged().silent(1_000, 60 * SECOND_MS);
      for (let count = 0; count < 20; count += 1) story.look(processes, files(), 60 * SECOND_MS);
      expect(story.allEffects.some(({ kind }) => kind === "power-off" || kind === "finish")).toBe(false);
    }
  });
});
