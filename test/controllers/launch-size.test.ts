/** How many machines a process asks for that has just started: no more than the last refusal left room for. */
import { afterEach, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import type { LaunchRow } from "../../src/store/launches/row.ts";
import { insertLaunch } from "../../src/store/launches/save.ts";
import { machineId } from "../domain/builders.ts";
import { sampleLaunch } from "../store/samples.ts";
import { openCloud } from "./cloud.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
afterEach(() => yard.close());

/** Twelve jobs wait, and the pool's last launch was this. @returns how many machines each launch asked for. */
async function launchAfter(last: Partial<LaunchRow>, forMs = MINUTE_MS): Promise<readonly number[]> {
  yard = await Yard.open({ machineCountMax: 20 });
  const cloud = openCloud(yard);
  const machineIds = Array.from({ length: 8 }, (_, at) => machineId(100 + at));
  const createdAtMs = yard.clock.nowMs();
  await insertLaunch(yard.store.db, sampleLaunch(1, { machineIds, createdAtMs, answeredAtMs: createdAtMs, ...last }));
  yard.clock.advance(forMs);
  for (let job = 0; job < 12; job += 1) await yard.queue(job + 1);
  for (let pass = 0; pass < 4; pass += 1) {
    await yard.pass();
    yard.clock.advance(5_000);
  }
  return cloud.asked.map(({ machines }) => machines.length);
}

it.each<[string, Partial<LaunchRow>, number | undefined, readonly number[]]>([
  ["asked for, and refused as too large", { state: "refused", order: "order" }, undefined, [4, 8]],
  ["drafted to no avail", { state: "refused", order: null }, undefined, [8, 4]],
  ["answered", { state: "done", order: "order" }, undefined, [12]],
  ["refused long ago", { state: "refused", order: "order" }, HOUR_MS + 1, [12]],
])("where the last was %s", async (_how, last, forMs, asked) => {
  expect(await launchAfter(last, forMs)).toEqual(asked);
});
