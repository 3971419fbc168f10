import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeStoredPool } from "../../src/app/config/stored-pools.ts";
import { Restart } from "../../src/app/restart.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { savePoolSettings } from "../../src/store/pools/save.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { handClock } from "../adapters/kubernetes/stage.ts";
import { machine, poolName } from "../domain/builders.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { poolConfig } from "./whole-config.ts";

let store: Store;
beforeEach(async () => {
  store = await openStore("sqlite::memory:");
  await insertMachine(store.db, machine());
});
afterEach(() => store.close());

async function askedAfter(uptimeMs: number): Promise<string> {
  const clock = handClock();
  const restart = new Restart(clock);
  clock.pass(uptimeMs);
  await restart.ask(poolName(), store.db, recordTelemetry());
  return Promise.race([restart.asked.then(({ code }) => code), setImmediate("goes on")]);
}

const saveSettings = (settings: string) =>
  savePoolSettings(store.db, { pool: poolName(), settingsHash: machine().settingsHash, settings, storedAtMs: 1 });

it("a process ends for its next start, no sooner than a minute after its own", async () => {
  await saveSettings(writeStoredPool(poolConfig("/var/holdfast")));
  expect(await askedAfter(MINUTE_MS - 1)).toBe("goes on");
  expect(await askedAfter(MINUTE_MS)).toBe("settings-unknown");
});

it("a process goes on where its next start would refuse", async () => {
  expect(await askedAfter(MINUTE_MS)).toBe("goes on");
  await saveSettings("{}");
  expect(await askedAfter(MINUTE_MS)).toBe("goes on");
});
