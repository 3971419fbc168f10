import { expect, it } from "vitest";
import { Chance } from "../../../src/simulator/world/chance.ts";
import { Scheduler } from "../../../src/simulator/world/scheduler.ts";

const START_MS = 1_000_000;

function start(): { readonly scheduler: Scheduler; readonly happened: string[]; note(what: string): () => void } {
  const scheduler = new Scheduler(START_MS);
  const happened: string[] = [];
  const note = (what: string) => () => void happened.push(`${scheduler.nowMs - START_MS} ${what}`);
  return { scheduler, happened, note };
}

it("lets events happen by their moments, and those of one moment in the order in which they were asked for", async () => {
  const { scheduler, happened, note } = start();
  scheduler.after(20, note("b"));
  scheduler.after(10, note("a"));
  scheduler.after(20, note("c"));
  scheduler.at(START_MS + 20, note("d"));
  await scheduler.runUntil(START_MS + 100);
  expect(happened).toEqual(["10 a", "20 b", "20 c", "20 d"]);
});

it("keeps that order among thousands of events", async () => {
  const { scheduler, happened, note } = start();
  const chance = new Chance(1);
  const asked = Array.from({ length: 3_000 }, (_, order) => ({ afterMs: chance.whole([0, 200]), order }));
  for (const { afterMs, order } of asked) scheduler.after(afterMs, note(String(order)));
  await scheduler.runUntil(START_MS + 200);
  const sorted = asked.toSorted((one, other) => one.afterMs - other.afterMs || one.order - other.order);
  expect(happened).toEqual(sorted.map(({ afterMs, order }) => `${afterMs} ${order}`));
});

it("takes a moment that is past for the next one, and rounds up to whole milliseconds", async () => {
  const { scheduler, happened, note } = start();
  scheduler.after(10, () => scheduler.at(START_MS, note("past")));
  scheduler.after(10, note("asked for before"));
  scheduler.after(10.2, note("rounded"));
  await scheduler.runUntil(START_MS + 100);
  expect(happened).toEqual(["10 asked for before", "10 past", "11 rounded"]);
});

it("lets nothing happen that was cancelled, and does not count it", async () => {
  const { scheduler, happened, note } = start();
  const cancelled = scheduler.after(10, note("cancelled"));
  const kept = scheduler.after(10, note("kept"));
  cancelled.cancel();
  cancelled.cancel();
  await scheduler.runUntil(START_MS + 20);
  kept.cancel();
  expect(happened).toEqual(["10 kept"]);
  expect(scheduler.eventCount).toBe(1);
});

it("stands at the moment it was run to, and keeps what comes later", async () => {
  const { scheduler, happened, note } = start();
  scheduler.after(10, note("due"));
  scheduler.after(11, note("later"));
  await scheduler.runUntil(START_MS + 10);
  expect(happened).toEqual(["10 due"]);
  expect(scheduler.nowMs).toBe(START_MS + 10);
  await scheduler.runUntil(START_MS + 30);
  expect(happened).toEqual(["10 due", "11 later"]);
  expect(scheduler.nowMs).toBe(START_MS + 30);
});

it("stops where it is told that it is over, and time stands still there", async () => {
  const { scheduler, happened, note } = start();
  scheduler.after(10, note("first"));
  scheduler.after(10, note("second"));
  await scheduler.runUntil(START_MS + 50, () => happened.length > 0);
  expect(happened).toEqual(["10 first"]);
  expect(scheduler.nowMs).toBe(START_MS + 10);
});

it("repeats at once and after each period, until it is cancelled", async () => {
  const { scheduler, happened, note } = start();
  const repeated = scheduler.every(10, note("again"));
  scheduler.after(25, () => repeated.cancel());
  await scheduler.runUntil(START_MS + 100);
  expect(happened).toEqual(["0 again", "10 again", "20 again"]);
  expect(() => scheduler.every(0, note("without end"))).toThrow("a period has a length");
});

it("lets what an event set going come to its rest before the next one, where it says so", async () => {
  const { scheduler, happened, note } = start();
  const goOn = async (what: string): Promise<void> => {
    for (let step = 0; step < 20; step += 1) await Promise.resolve();
    note(what)();
  };
  scheduler.after(10, () => {
    scheduler.disturb();
    void goOn("by promises");
  });
  scheduler.after(10, note("next"));
  await scheduler.runUntil(START_MS + 20);
  expect(happened).toEqual(["10 by promises", "10 next"]);
});
