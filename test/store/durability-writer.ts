/** Records deliveries without end and says the id of each once it is promised to be durable. Its test kills it. */
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseConnectionName, parseDeliveryId } from "../../src/domain/ids.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { DeliveryLog } from "../../src/store/deliveries/log.ts";
import { openStore } from "../../src/store/store.ts";

const AT_ONCE_COUNT = 40;
const connection = parseConnectionName("github");
const clock: Clock = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  sleep: async (durationMs, signal) => {
    await sleep(durationMs, undefined, { signal }).catch(() => {});
  },
};

const log = new DeliveryLog(await openStore(process.argv[2] ?? ""), clock);
let number = 0;

async function recordWithoutEnd(): Promise<never> {
  for (;;) {
    number += 1;
    const id = parseDeliveryId(`delivery-${number}`);
    const recorded = await log.record({ id, connection, event: "ping", body: new Uint8Array(500), receivedAtMs: 1 });
    if (recorded === "stored") writeSync(1, `${id}\n`);
  }
}

await Promise.all(Array.from({ length: AT_ONCE_COUNT }, recordWithoutEnd));
