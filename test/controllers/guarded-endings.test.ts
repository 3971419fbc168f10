/** Many silent hosts at once: the guards let them go a few at a time, and a refused try to speak is no silence. */
import { afterEach, expect, it } from "vitest";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { Yard } from "./yard.ts";

let yard: Yard;

afterEach(() => yard.close());

async function parkAll(count: number): Promise<void> {
  yard = await Yard.open({ warmParkedCount: count, machineCountMax: count });
  await yard.pass();
  for (const { id } of await yard.machines()) {
    const agent = yard.agent(id);
    await agent.checkIn();
    await agent.report();
  }
  await yard.pass();
}

const lost = () => yard.provider.terminated.filter(({ proof }) => proof === "host-lost").length;

async function pass(forMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += MINUTE_MS) {
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
  }
}

it("of eight lost hosts no more than two go in any five minutes, and in the end all", async () => {
  await parkAll(8);
  await pass(19 * MINUTE_MS);
  expect(lost()).toBe(0);
  const counts: number[] = [];
  for (let window = 0; window < 4; window += 1) {
    const before = lost();
    await pass(5 * MINUTE_MS);
    counts.push(lost() - before);
  }
  expect(counts).toEqual([2, 2, 2, 2]);
  expect(yard.telemetry.counts).toContain("holdfast_endings_guarded_total pool=linux guard=too-many-endings");
});

it("somebody who is refused as a machine is somebody: its silence begins anew", async () => {
  await parkAll(1);
  const [machine] = await yard.machines();
  await pass(15 * MINUTE_MS);
  const stranger = yard.agent(machine!.id, "incarnation-9");
  expect((await stranger.checkIn("a guess")).status).toBe(401);
  await pass(15 * MINUTE_MS);
  expect(lost()).toBe(0);
  await pass(6 * MINUTE_MS);
  expect(lost()).toBe(1);
});

it("machines that the provider does not end, though asked again and again, hold up no other for ever", async () => {
  await parkAll(8);
  const all = new Set((await yard.machines()).map(({ id }) => id));
  await pass(19 * MINUTE_MS);
  yard.provider.terminateTakes = false;
  await pass(MINUTE_MS);
  const stuck = new Set(yard.provider.terminated.map(({ machineId }) => machineId));
  expect(stuck.size).toBe(2);
  const { terminate } = yard.provider;
  yard.provider.terminate = async (permit) => {
    yard.provider.terminateTakes = !stuck.has(permit.machineId);
    await terminate.call(yard.provider, permit);
  };
  await pass(20 * MINUTE_MS);
  const ended = new Set(yard.provider.terminated.map(({ machineId }) => machineId));
  // Those that replace them are silent as well.
  expect([...all].filter((id) => !ended.has(id))).toEqual([]);
});
