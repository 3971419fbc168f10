import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import type { Config } from "../../src/app/config/config.ts";
import { refuseUnusable } from "../../src/app/unusable-pools.ts";
import { startHoldfast } from "../../src/app/wire.ts";
import type { Provider } from "../../src/ports/provider.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { openStore } from "../../src/store/store.ts";
import { machine, poolName } from "../domain/builders.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { makePlace, poolConfig, wholeConfig } from "./whole-config.ts";

const NEXT = poolName("next");

/** Pool `linux` is whole; the runner of `next` is gone. */
function halfUsable(): Config {
  const place = makePlace();
  mkdirSync(join(place, "nothing"));
  return wholeConfig(place, { pools: [poolConfig(place), poolConfig(join(place, "nothing"), { name: NEXT })] });
}

async function start(config: Config) {
  const telemetry = recordTelemetry();
  const parts = { environment: {}, clock: systemClock(), random: systemRandom(), telemetry };
  const holdfast = await startHoldfast(config, { ...parts, renderMetrics: async () => "" });
  onTestFinished(() => holdfast.close());
  return telemetry;
}

it("a pool that could never launch keeps a first start from being one", async () => {
  await expect(start(halfUsable())).rejects.toMatchObject({
    code: "config-invalid",
    file: "pool next",
    problems: [{ path: "pools[1].runner.directory" }],
  });
});

it.each([
  ["of another pool", "linux"],
  ["of its own", "next"],
])("but not once there are machines %s: they are cared for, and the log says it", async (_name, owner) => {
  const config = halfUsable();
  const store = await openStore(config.storeAddress);
  await insertMachine(store.db, machine({ pool: poolName(owner), state: "parked" }));
  await store.close();
  const telemetry = await start(config);
  expect(telemetry.warnings).toContainEqual({
    message: "a pool cannot launch",
    fields: expect.objectContaining({ pool: NEXT, path: "pools[1].runner.directory", mend: expect.any(String) }),
  });
});

it.each([
  ["starts on nothing that another controller has, whatever machines there are elsewhere", "linux", "config-invalid"],
  ["cares for its own machines, though another controller says that the place is its own", "next", null],
])("a pool %s", async (_name, owner, code) => {
  const config = halfUsable();
  const store = await openStore("sqlite::memory:");
  onTestFinished(() => store.close());
  await insertMachine(store.db, machine({ pool: poolName(owner), state: "parked" }));
  const finding = {
    severity: "error",
    path: "pools[].provider.group",
    finding: "taken",
    mend: "name another",
  } as const;
  const provider = { check: async () => [{ ...finding, isAnothers: true }] } as Partial<Provider> as Provider;
  const pools = config.pools.filter(({ policy }) => policy.name === NEXT).map((pool) => ({ pool, provider }));
  const refused = refuseUnusable(pools, { config, store, telemetry: recordTelemetry() });
  if (code === null) await expect(refused).resolves.toBeUndefined();
  else await expect(refused).rejects.toMatchObject({ code, problems: [{ problem: "taken" }] });
});
