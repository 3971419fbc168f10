import { describe, expect, it } from "vitest";
import { SLOT_COUNT_MAX, Slots, WAIT_MS_MAX, WAITING_COUNT_MAX } from "../../../src/adapters/github/slots.ts";
import type { CallPurpose } from "../../../src/domain/budget.ts";
import type { Clock } from "../../../src/ports/clock.ts";

/** Nobody's patience ends before the test says so. */
class PatientClock implements Clock {
  readonly sleeping: { readonly durationMs: number; readonly wake: () => void }[] = [];
  nowMs(): number {
    return 0;
  }
  monotonicMs(): number {
    return 0;
  }
  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = { durationMs, wake: resolve };
      this.sleeping.push(sleeper);
      signal?.addEventListener("abort", () => {
        this.sleeping.splice(this.sleeping.indexOf(sleeper), 1);
        resolve();
      });
    });
  }
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function full(purpose: CallPurpose = "safety") {
  const clock = new PatientClock();
  const slots = new Slots(clock);
  for (let count = 0; count < SLOT_COUNT_MAX; count += 1) await slots.take(purpose);
  const log: string[] = [];
  const ask = (name: string, wanted: CallPurpose) => {
    void slots.take(wanted).then((hasSlot) => log.push(`${name} ${hasSlot}`));
  };
  return { clock, slots, log, ask };
}

describe("slots", () => {
  it("are twenty, and the most urgent is next, then who came first", async () => {
    const { slots, log, ask } = await full();
    ask("sweep", "sweep");
    ask("question 1", "question");
    ask("question 2", "question");
    ask("ticket", "ticket");
    ask("safety", "safety");
    await settle();
    expect(log).toEqual([]);
    for (let count = 0; count < 10; count += 1) slots.giveBack();
    await settle();
    expect(log).toEqual(["safety true", "ticket true", "question 1 true", "question 2 true", "sweep true"]);
  });

  it("four are for safety and tickets only", async () => {
    const slots = new Slots(new PatientClock());
    for (let count = 0; count < 16; count += 1) await slots.take("sweep");
    let isIn = false;
    void slots.take("sweep").then(() => {
      isIn = true;
    });
    for (const purpose of ["safety", "ticket", "safety", "ticket"] as const)
      await expect(slots.take(purpose)).resolves.toBe(true);
    for (let count = 0; count < 4; count += 1) slots.giveBack();
    await settle();
    expect(isIn).toBe(false);
    slots.giveBack();
    await settle();
    expect(isIn).toBe(true);
  });

  it("who waited too long gets none, and takes none later", async () => {
    const { clock, slots, log, ask } = await full();
    ask("one", "ticket");
    await settle();
    expect(clock.sleeping.map(({ durationMs }) => durationMs)).toEqual([WAIT_MS_MAX]);
    clock.sleeping[0]?.wake();
    await settle();
    expect(log).toEqual(["one false"]);
    slots.giveBack();
    ask("two", "ticket");
    await settle();
    expect(log).toEqual(["one false", "two true"]);
  });

  it("who got one waits for nothing any more", async () => {
    const { clock, slots, ask } = await full();
    ask("one", "ticket");
    slots.giveBack();
    await settle();
    expect(clock.sleeping).toEqual([]);
  });

  it("so many may wait; then the least urgent gives way", async () => {
    const { log, ask } = await full();
    for (let count = 1; count <= WAITING_COUNT_MAX; count += 1) ask(`sweep ${count}`, "sweep");
    ask("safety", "safety");
    await settle();
    expect(log).toEqual([`sweep ${WAITING_COUNT_MAX} false`]);
    ask("another sweep", "sweep");
    await settle();
    expect(log.at(-1)).toBe("another sweep false");
  });
});
