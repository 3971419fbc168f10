/** Pools whose provider could not launch: who starts all the same, and as what. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import type { Config } from "../../src/app/config/config.ts";
import { type SettledPool, settlePools } from "../../src/app/settle-pools.ts";
import { settleUnusable } from "../../src/app/unusable-pools.ts";
import { startHoldfast } from "../../src/app/wire.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Provider } from "../../src/ports/provider.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { openStore } from "../../src/store/store.ts";
import { handClock } from "../adapters/kubernetes/stage.ts";
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
  return { telemetry, holdfast };
}

async function keepMachine({ storeAddress }: Config, owner: string): Promise<void> {
  const store = await openStore(storeAddress);
  await insertMachine(store.db, machine({ pool: poolName(owner), state: "parked" }));
  await store.close();
}

describe("a start", () => {
  it("is refused where no machine rests on it", async () => {
    await expect(start(halfUsable())).rejects.toMatchObject({
      code: "config-invalid",
      file: "pool next",
      problems: [{ path: "pools[1].runner.directory" }],
    });
  });

  it("cares for the machines of other pools: the unusable one only observes, and whoever asks is told why", async () => {
    const config = halfUsable();
    await keepMachine(config, "linux");
    const { holdfast } = await start(config);
    const ask = async (path: string) => (await fetch(`${holdfast.addresses.operators}${path}`)).json();
    expect(await ask("/readyz")).toMatchObject({
      problems: expect.arrayContaining([
        expect.stringMatching(
          /^pool next could not be used at the start, .*pools\[1\]\.runner\.directory: there is no \S+\. Unpack/,
        ),
      ]),
    });
    expect(await ask("/api/v1/pools")).toMatchObject({
      pools: [
        { name: "linux", mode: "run" },
        { name: "next", mode: "observe" },
      ],
    });
  });
});

interface Settled extends SettledPool {
  /** What is told of it in the log. */
  readonly warningCount: number;
  /** How long its trial was waited for at most. */
  readonly waitMs: number;
}

/** What becomes of pool `next`, where `owner` has a machine. */
async function settled(owner: string, provider: Partial<Provider> | ProviderError): Promise<Settled> {
  const config = halfUsable();
  await keepMachine(config, owner);
  const store = await openStore(config.storeAddress);
  onTestFinished(() => store.close());
  const [next] = (await settlePools(store, config, 0)).filter((pool) => pool.config.policy.name === NEXT);
  if (next === undefined) throw new Error("the pool is configured");
  const openProvider = async () => {
    if (provider instanceof Error) throw provider;
    return provider as Provider;
  };
  let waitMs = 0;
  const hand = handClock();
  const sleep = (durationMs: number) => {
    waitMs = durationMs;
    return hand.sleep(durationMs);
  };
  const telemetry = recordTelemetry();
  const parts = { store, clock: { ...hand, sleep }, telemetry, openProvider };
  const [pool = next] = await settleUnusable([next], config, parts);
  return { ...pool, warningCount: telemetry.warnings.length, waitMs };
}

const TAKEN: Partial<Provider> = {
  check: async () => [{ severity: "error", path: "pools[].provider.group", finding: "taken", mend: "name another" }],
};

const ENDLESS: Partial<Provider> = { check: () => new Promise(() => {}) };

it("a pool that left is not tried: it launches nothing, and what is left of it has to go", async () => {
  const config = halfUsable();
  await keepMachine(config, "linux");
  const store = await openStore(config.storeAddress);
  onTestFinished(() => store.close());
  const left = (await settlePools(store, config, 0)).map((pool) => ({ ...pool, isDeparted: true }));
  const openProvider = () => Promise.reject(new Error("it was tried"));
  const parts = { store, clock: handClock(), telemetry: recordTelemetry(), openProvider };
  expect(await settleUnusable(left, config, parts)).toEqual(left);
});

describe("an unusable pool", () => {
  it("goes on as it is where it has machines", async () => {
    const { config, problems, warningCount } = await settled("next", TAKEN);
    expect(config.policy.mode).toBe("run");
    expect(problems).toBeUndefined();
    expect(warningCount).toBe(1);
  });

  it.each<[string, Partial<Provider> | ProviderError, string]>([
    ["whose provider refuses it", TAKEN, "taken"],
    [
      "whose credentials cannot be read",
      new ProviderError("provider-invalid", "reading the credentials"),
      "credentials",
    ],
    [
      "whose provider cannot be asked",
      {
        check: async () => {
          throw new Error("ESTALE: stale file handle");
        },
      },
      "ESTALE",
    ],
  ])("only observes, %s", async (_name, provider, why) => {
    const { config, problems, warningCount } = await settled("linux", provider);
    expect(warningCount).toBe(1);
    expect(config.policy.mode).toBe("observe");
    expect(problems).toEqual([
      {
        path: expect.stringContaining("pools[1].provider"),
        problem: expect.stringContaining(why),
        mend: expect.any(String),
      },
    ]);
  });

  it("is one, too, whose trial never ends", async () => {
    const { config, problems, waitMs } = await settled("linux", ENDLESS);
    expect(config.policy.mode).toBe("observe");
    expect(problems).toMatchObject([{ path: "pools[1].provider", problem: expect.stringContaining("60 seconds") }]);
    expect(waitMs).toBe(MINUTE_MS);
  });

  it("is waited for no longer than a moment where it has machines: it is run whatever comes of its trial", async () => {
    const { config, waitMs, warningCount } = await settled("next", ENDLESS);
    expect(config.policy.mode).toBe("run");
    expect(waitMs).toBe(5 * SECOND_MS);
    expect(warningCount).toBe(0);
  });
});
