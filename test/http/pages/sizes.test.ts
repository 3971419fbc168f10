/** The page is as long for a fleet of thousands as for one that fits it. */
import { expect, it } from "vitest";
import { createPagesApp } from "../../../src/http/pages/app.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import { openStore } from "../../../src/store/store.ts";
import { inTransaction } from "../../../src/store/transaction.ts";
import { machine, machineId, pool, poolName, providerId } from "../../domain/builders.ts";
import { sampleSources } from "../sample-fleet.ts";
import { recordTelemetry } from "../stand-ins.ts";

const EVERYONE = { name: "everyone", role: "reader", token: null } as const;
const BYTES_MAX = 100_000;

it.each([
  [0, 0, "No machines."],
  [1, 1, "Machines</dt><dd>1</dd>"],
  [50, 25, "and 25 more"],
  [5_000, 25, "and 4,975 more"],
])("%i machines are %i rows: %s", async (count, rows, text) => {
  const store = await openStore("sqlite::memory:");
  await inTransaction(store, async (tx) => {
    for (let number = 1; number <= count; number += 1) {
      const state = { kind: "parked", providerId: providerId(number), sinceMs: number } as const;
      await insertMachine(tx, machine({ id: machineId(number), state, createdAtMs: number }));
    }
  });
  const pools = Array.from({ length: 60 }, (_, index) =>
    pool({ name: poolName(index === 0 ? "linux" : `p-${index}`) }),
  );
  const sources = sampleSources(store, { pools });
  const app = createPagesApp({ operators: [EVERYONE], sources, telemetry: recordTelemetry() });
  const html = await (await app.request("/")).text();
  expect(html).toContain(text);
  expect(html.match(/<li class="row" id="m-/g) ?? []).toHaveLength(rows);
  expect(html.match(/<article class="card" id="pool-/g)).toHaveLength(24);
  expect(html).toContain("and 36 more pools");
  expect(html.length).toBeLessThan(BYTES_MAX);
  await store.close();
});
