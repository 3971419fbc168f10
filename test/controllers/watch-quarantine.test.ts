/** Deliveries that pile up for a person: told once, and again for each that comes to them. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { QUARANTINED_MAX, type QuarantineMemory, watchQuarantine } from "../../src/controllers/watch-quarantine.ts";
import { parseDeliveryId } from "../../src/domain/ids.ts";
import { finishDelivery } from "../../src/store/deliveries/finish.ts";
import { recordQuarantined } from "../../src/store/deliveries/record.ts";
import { connectionName } from "../domain/builders.ts";
import { Yard } from "./yard.ts";

const MAIN = connectionName();
const idOf = (number: number) => parseDeliveryId(`odd-${String(number).padStart(8, "0")}`);

let yard: Yard;
let memory: QuarantineMemory;
let told: unknown[];
beforeEach(async () => {
  yard = await Yard.open();
  memory = { toldCount: 0 };
  told = [];
  yard.telemetry.warn = (_message, fields) => void told.push(fields?.count);
});
afterEach(() => yard.close());

async function setAside(number: number): Promise<void> {
  const delivery = {
    id: idOf(number),
    connection: MAIN,
    event: "workflow_job",
    body: new TextEncoder().encode("{"),
    receivedAtMs: yard.clock.nowMs(),
  };
  await recordQuarantined(yard.store.db, delivery, "it is no JSON");
}

const gauge = () => yard.telemetry.gauges.get("holdfast_deliveries_quarantined");

it("is no alarm up to five", async () => {
  for (let number = 1; number <= QUARANTINED_MAX; number += 1) await setAside(number);
  await watchQuarantine(yard.context, memory);
  expect([gauge(), told]).toEqual([5, []]);
});

it("is one from the sixth on, told once, again for a seventh, and anew once they were looked at", async () => {
  const watch = () => watchQuarantine(yard.context, memory);
  for (let number = 1; number <= QUARANTINED_MAX + 1; number += 1) await setAside(number);
  await watch();
  await watch();
  expect([gauge(), told]).toEqual([6, [6]]);
  await setAside(7);
  await watch();
  expect(told).toEqual([6, 7]);
  for (const number of [6, 7]) await finishDelivery(yard.store.db, MAIN, idOf(number), "ignored", yard.clock.nowMs());
  await watch();
  expect([gauge(), told]).toEqual([5, [6, 7]]);
  await setAside(8);
  await watch();
  expect(told).toEqual([6, 7, 6]);
});
