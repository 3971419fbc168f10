import { describe, expect, it } from "vitest";
import { formatEntry, type JournalEntry, readJournal, type TicketRecord } from "../../../src/domain/host/journal.ts";
import { T1, T2 } from "./host-story.ts";

const TAKEN: JournalEntry = { kind: "taken", ticketId: T1, runnerName: "r-1" };
const STARTED: JournalEntry = { kind: "started", ticketId: T1, pid: 42, startTime: "17" };
const WORKER: JournalEntry = { kind: "worker-seen", ticketId: T1 };
const ENDED: JournalEntry = { kind: "ended", ticketId: T1, end: { kind: "spent" } };
const CONFIRMED: JournalEntry = { kind: "confirmed", ticketId: T1 };

const RECORD: TicketRecord = {
  id: T1,
  runnerName: "r-1",
  started: null,
  isWorkerSeen: false,
  fencing: null,
  isFenceFailed: false,
  end: null,
  isConfirmed: false,
};

function text(...entries: readonly JournalEntry[]): string {
  return entries.map(formatEntry).join("");
}

function recordsOf(journal: string): readonly TicketRecord[] {
  const reading = readJournal(journal);
  if (reading.kind === "unreadable") throw new Error(reading.why);
  return [...reading.content.tickets.values()];
}

describe("a journal", () => {
  it.each<[string, readonly JournalEntry[], TicketRecord]>([
    ["taken", [TAKEN], RECORD],
    ["started", [TAKEN, STARTED], { ...RECORD, started: { pid: 42, startTime: "17" } }],
    ["with a Worker", [TAKEN, WORKER], { ...RECORD, isWorkerSeen: true }],
    ["ended", [TAKEN, ENDED], { ...RECORD, end: { kind: "spent" } }],
    ["confirmed", [TAKEN, ENDED, CONFIRMED], { ...RECORD, end: { kind: "spent" }, isConfirmed: true }],
    [
      "refused",
      [{ kind: "refused", ticketId: T1 }],
      { ...RECORD, runnerName: null, end: { kind: "barren", reason: "refused" } },
    ],
  ])("reads a ticket %s", (_name, entries, record) => {
    expect(recordsOf(text(...entries))).toEqual([record]);
  });

  it("keeps the highest generation of the store, and begins empty", () => {
    expect(readJournal("")).toEqual({
      kind: "read",
      content: { tickets: new Map(), storeGeneration: 0, isPinned: false },
    });
    const reading = readJournal(text({ kind: "store-seen", generation: 7 }, { kind: "store-seen", generation: 3 }));
    expect(reading).toMatchObject({ content: { storeGeneration: 7 } });
  });

  it("knows the latest word about a pin", () => {
    const pins = [true, false, true].map((isPinned): JournalEntry => ({ kind: "pinned", isPinned }));
    expect(readJournal(text(...pins))).toMatchObject({ content: { isPinned: true } });
    expect(readJournal(text(...pins.slice(0, 2)))).toMatchObject({ content: { isPinned: false } });
  });

  it("ignores a last line that was being written, wherever it breaks off", () => {
    const torn = formatEntry(ENDED);
    for (let length = 0; length < torn.length; length += 1)
      expect(recordsOf(text(TAKEN, STARTED) + torn.slice(0, length))).toMatchObject([{ id: T1, end: null }]);
  });

  it.each<[string, string]>([
    ["a line of something else in the middle", `${text(TAKEN)}garbage\n${text(STARTED)}`],
    ["zeros in the middle", `${text(TAKEN)}\0\0\0\n`],
    ["an empty line", `${text(TAKEN)}\n`],
    ["a kind that we do not know", `${text(TAKEN)}{"kind":"fenced","ticketId":"t-00000001"}\n`],
    ["an id that is not one", `{"kind":"taken","ticketId":"../../etc","runnerName":"r"}\n`],
    ["a start without a taking", text(STARTED)],
    ["an end without a taking", text(ENDED)],
    ["a ticket taken twice", text(TAKEN, TAKEN)],
    ["a taking after a refusal", text({ kind: "refused", ticketId: T1 }, TAKEN)],
    ["two ends", text(TAKEN, ENDED, ENDED)],
    ["a start after the end", text(TAKEN, ENDED, STARTED)],
    ["a confirmation without an end", text(TAKEN, CONFIRMED)],
    ["two tickets that have not ended", text(TAKEN, { ...TAKEN, ticketId: T2 })],
    ["a pin that is neither", `{"kind":"pinned","isPinned":1}\n`],
    ["an end of no kind", `${text(TAKEN)}{"kind":"ended","ticketId":"t-00000001","end":{"kind":"lost"}}\n`],
  ])("is unreadable as a whole with %s", (_name, journal) => {
    expect(readJournal(journal).kind).toBe("unreadable");
  });
});
