import { expect, it } from "vitest";
import { makeProcessScene, START_MS } from "./process-scene.ts";

it("runs at once what reaches it", () => {
  const { happened, note, makeProcess } = makeProcessScene();
  makeProcess().deliver(() => note("called"));
  expect(happened).toEqual(["0 called"]);
});

it("keeps what reaches it while it stands still, and then lets it happen one after the other", async () => {
  const { scheduler, happened, note, makeProcess, pass } = makeProcessScene();
  const process = makeProcess();
  process.pause(100);
  expect(process.isRunning).toBe(false);
  for (const what of ["first", "second"]) {
    process.deliver(() => {
      note(what);
      void Promise.resolve().then(() => note(`after the ${what}`));
    });
    await pass(10);
  }
  expect(happened).toEqual([]);
  scheduler.after(80, () => note("it goes on"));
  await pass(200);
  expect(process.isRunning).toBe(true);
  expect(happened).toEqual([
    "100 it goes on",
    "100 first",
    "100 after the first",
    "100 second",
    "100 after the second",
  ]);
});

it("does not stand still for longer because it is to stand still once more", async () => {
  const { makeProcess, pass } = makeProcessScene();
  const process = makeProcess();
  process.pause(100);
  await pass(50);
  process.pause(100);
  await pass(50);
  expect(process.isRunning).toBe(true);
});

it("dies once, and nothing of it runs on: no call, no timer, nothing that was held", async () => {
  const { happened, note, makeProcess, watch, pass } = makeProcessScene();
  const process = makeProcess();
  process.deliver(() => watch(process.clock.sleep(50), "slept "));
  process.pause(30);
  process.deliver(() => note("held"));
  await pass(10);
  process.kill();
  process.kill();
  process.deliver(() => note("called"));
  process.pause(5);
  await pass(1_000);
  expect(happened).toEqual(["10 controller-1 is dead"]);
  expect(process.isDead).toBe(true);
  expect(process.isRunning).toBe(false);
});

it("loses what it had still to do of what it held when it dies in the midst of it", async () => {
  const { happened, note, makeProcess, pass } = makeProcessScene();
  const process = makeProcess();
  process.pause(10);
  process.deliver(() => process.kill());
  process.deliver(() => note("the rest"));
  await pass(100);
  expect(happened).toEqual(["10 controller-1 is dead"]);
});

it.each([
  [1, ["after"]],
  [2, [null, "before"]],
  [3, [null, null, "after"]],
] as const)("dies at query %i from now on", (count, answers) => {
  const process = makeProcessScene().makeProcess();
  expect(process.countQuery()).toBeNull();
  process.killAtQuery(count);
  expect(answers.map(() => process.countQuery())).toEqual(answers);
});

it("has the computer's wall clock, whatever is done to it, and a clock of its own that nobody sets", async () => {
  const { makeProcess, pass } = makeProcessScene();
  let offsetMs = 0;
  await pass(500);
  const { clock } = makeProcess("controller-2", () => offsetMs);
  await pass(20);
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([START_MS + 520, 20]);
  offsetMs = -3_600_000;
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([START_MS + 520 - 3_600_000, 20]);
});

it("sleeps as long as it is to, longer where it stands still, and less where it is woken", async () => {
  const { happened, makeProcess, watch, pass, scheduler } = makeProcessScene();
  const process = makeProcess();
  const waker = new AbortController();
  watch(process.clock.sleep(20), "slept ");
  watch(process.clock.sleep(100), "slept through ");
  watch(process.clock.sleep(1_000, waker.signal), "woken ");
  await pass(30);
  process.deliver(() => waker.abort());
  scheduler.after(0, () => scheduler.disturb());
  await pass(20);
  process.pause(200);
  await pass(1_000);
  watch(process.clock.sleep(100, waker.signal), "not even asleep ");
  await pass(0);
  await Promise.resolve();
  expect(happened).toEqual([
    "20 slept undefined",
    "30 woken undefined",
    "250 slept through undefined",
    "1050 not even asleep undefined",
  ]);
});
