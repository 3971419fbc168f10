import { expect, it } from "vitest";
import { EventLog, type WorldEvent } from "../../../src/simulator/world/event-log.ts";

const START_MS = 1_000_000;

interface Told {
  readonly atMs: number;
  readonly text: string;
  readonly subjects: readonly string[];
}

const TOLD: readonly Told[] = [
  { atMs: 0, text: "job build is queued", subjects: ["build"] },
  { atMs: 10, text: "job build is acquired", subjects: ["i-1", "build"] },
  { atMs: 10, text: "the machine ends", subjects: ["i-1"] },
];

function tell(told: readonly Told[], startMs = START_MS, sink?: (event: WorldEvent) => void): EventLog {
  let nowMs = startMs;
  const log = new EventLog(startMs, () => nowMs, sink);
  for (const { atMs, text, subjects } of told) {
    nowMs = startMs + atMs;
    log.note(text, ...subjects);
  }
  return log;
}

const digestOf = (told: readonly Told[], startMs = START_MS) => tell(told, startMs).digest();
const changed = (change: Partial<Told>) => TOLD.with(1, { ...(TOLD[1] as Told), ...change });

it("has the same digest for the same events, whenever the world began", () => {
  expect(digestOf(TOLD)).toMatch(/^[0-9a-f]{64}$/);
  expect(digestOf(TOLD)).toBe(digestOf(TOLD));
  expect(digestOf(TOLD, 2 * START_MS)).toBe(digestOf(TOLD));
});

it.each<[string, readonly Told[]]>([
  ["a millisecond", changed({ atMs: 9 })],
  ["a word", changed({ text: "job build is over" })],
  ["whom it concerns", changed({ subjects: ["i-2", "build"] })],
  ["one event less", TOLD.slice(0, 2)],
  ["the order of two at one moment", [TOLD[0], TOLD[2], TOLD[1]] as readonly Told[]],
])("has another digest for another %s", (_what, told) => {
  expect(digestOf(told)).not.toBe(digestOf(TOLD));
});

it("tells a trace of each event, since the world's start", () => {
  const events: WorldEvent[] = [];
  tell(TOLD, START_MS, (event) => events.push(event));
  expect(events).toEqual(TOLD);
});

it("knows the events of several subjects together: each once, in the order in which they happened", () => {
  const log = tell([
    { atMs: 5, text: "first", subjects: ["a"] },
    { atMs: 5, text: "second", subjects: ["b"] },
    { atMs: 5, text: "third", subjects: ["a", "b"] },
    { atMs: 5, text: "fourth", subjects: ["b"] },
    { atMs: 5, text: "fifth", subjects: ["a"] },
    { atMs: 6, text: "nobody's", subjects: ["c"] },
  ]);
  const texts = log.of(["b", "a", "unheard of"]).map(({ text }) => text);
  expect(texts).toEqual(["first", "second", "third", "fourth", "fifth"]);
});

it("keeps the last 60 events of a subject", () => {
  const many = Array.from({ length: 100 }, (_, index) => ({ atMs: index, text: String(index), subjects: ["a"] }));
  const texts = tell(many)
    .of(["a"])
    .map(({ text }) => text);
  expect(texts).toHaveLength(60);
  expect(texts[0]).toBe("40");
  expect(texts.at(-1)).toBe("99");
});
