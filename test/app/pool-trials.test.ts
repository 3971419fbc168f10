/** Pools whose provider could not launch: who starts all the same, and what becomes of them. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import type { Config, PoolConfig } from "../../src/app/config/config.ts";
import { PoolTrials } from "../../src/app/pool-trials.ts";
import { startHoldfast } from "../../src/app/wire.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import type { Job } from "../../src/domain/job.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { CheckFinding, Provider } from "../../src/ports/provider.ts";
import { latestDecisions } from "../../src/store/evidence/decisions.ts";
import { subjectKey } from "../../src/store/evidence/row.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { saveJob } from "../../src/store/jobs/save.ts";
import { acquireLease, releaseLease } from "../../src/store/leases.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { jobSubject } from "../../src/store/subjects.ts";
import { handClock } from "../adapters/kubernetes/stage.ts";
import { job, machine, machineId, machineState, poolName } from "../domain/builders.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { makePlace, poolConfig, wholeConfig } from "./whole-config.ts";

const NEXT = poolName("next");
/** A guard against hanging alone. */
const PATIENCE_MS = 60_000;

const MACHINES = { linux: { id: machineId(1) }, next: { id: machineId(2), state: machineState("planned") } };

/** Pool `linux` is whole; the runner of `next` is gone. */
function halfUsable(): Config {
  const place = makePlace();
  mkdirSync(join(place, "nothing"));
  return wholeConfig(place, {
    pools: [poolConfig(place), poolConfig(join(place, "nothing"), { name: NEXT, priority: 1 })],
  });
}

async function start(config: Config) {
  const telemetry = recordTelemetry();
  const parts = { environment: {}, clock: systemClock(), random: systemRandom(), telemetry };
  const holdfast = await startHoldfast(config, { ...parts, renderMetrics: async () => "" });
  onTestFinished(() => holdfast.close());
  return { telemetry, holdfast };
}

async function keepMachine({ storeAddress }: Config, owner: keyof typeof MACHINES): Promise<void> {
  const store = await openStore(storeAddress);
  await insertMachine(store.db, machine({ state: machineState("parked"), ...MACHINES[owner], pool: poolName(owner) }));
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

  it("cares for the machines of other pools: the unusable one is not taken until it can be used, and whoever asks is told why", async () => {
    const config = halfUsable();
    await keepMachine(config, "linux");
    const { holdfast, telemetry } = await start(config);
    const ready = async () => (await fetch(`${holdfast.addresses.operators}/readyz`)).json();
    await vi.waitFor(
      async () => {
        expect(await ready()).toEqual({
          status: "ready",
          problems: [
            expect.stringMatching(/^pool next is not used, .*pools\[1\]\.runner\.directory: there is no \S+\. Unpack/),
          ],
        });
      },
      { timeout: PATIENCE_MS },
    );
    expect(await holdfast.store.db.selectFrom("leases").select("pool").execute()).toEqual([{ pool: "linux" }]);
    expect(telemetry.warnings.map(({ fields }) => fields)).toContainEqual(expect.objectContaining({ pool: NEXT }));
  });
});

it("a job goes to another pool that fits it while its own is closed", async () => {
  const config = halfUsable();
  await keepMachine(config, "linux");
  const { holdfast } = await start(config);
  const waiting = await queueJob(holdfast.store);
  await vi.waitFor(
    async () => expect((await loadJob(holdfast.store.db, waiting.connection, waiting.id))?.pool).toBe("linux"),
    { timeout: PATIENCE_MS },
  );
});

/** In pool `next`. */
async function queueJob({ db }: Pick<Store, "db">): Promise<Job> {
  const waiting = job();
  const asked = { ticketCount: 0, lastTicketAtMs: null, askedAtMs: null };
  await saveJob(db, { job: waiting, pool: NEXT, version: 0, firstSeenAtMs: 0, updatedAtMs: 0, ...asked }, null, 0);
  return waiting;
}

/** What pool `next` is tried with, one after the other; the last of them again and again. */
type Answer = readonly CheckFinding[] | Error | "never";

/** Where `owner` has a machine; null: there is none at all. */
async function trialsOf(owner: keyof typeof MACHINES | null, ...answers: readonly Answer[]) {
  const config = halfUsable();
  if (owner !== null) await keepMachine(config, owner);
  const store = await openStore(config.storeAddress);
  onTestFinished(() => store.close());
  const queue = [...answers];
  let openCount = 0;
  const openProvider = async ({ policy }: PoolConfig) => {
    if (policy.name !== NEXT) return { check: async () => [] } as unknown as Provider;
    openCount += 1;
    const answer = queue.length > 1 ? queue.shift() : queue[0];
    if (answer instanceof Error) throw answer;
    return { check: () => (answer === "never" ? hanging.promise : Promise.resolve(answer)) } as unknown as Provider;
  };
  const hanging = Promise.withResolvers<readonly CheckFinding[]>();
  const infos: string[] = [];
  const telemetry = { ...recordTelemetry(), info: (message: string) => void infos.push(message) };
  const clock = handClock();
  const trials = new PoolTrials(config, { store, clock, telemetry, openProvider });
  const controller = trials.controllers().find(({ pool }) => pool === NEXT);
  if (controller === undefined) throw new Error("the pool is tried");
  return {
    trials,
    store,
    config,
    telemetry,
    infos,
    hanging,
    openCount: () => openCount,
    told: () => trials.describe().filter((one) => one.includes(NEXT)),
    /** As its controller does, for a minute, in which one trial begins. */
    run: async () => {
      for (let look = 0; look < 12; look += 1) {
        await controller.run();
        await new Promise((resolve) => setImmediate(resolve));
        clock.pass(5 * SECOND_MS);
      }
    },
  };
}

const TAKEN: CheckFinding = {
  severity: "error",
  path: "pools[].provider.group",
  finding: "taken",
  mend: "Name another.",
};
const UNREAD: CheckFinding = { ...TAKEN, severity: "warning", finding: "could not be read", isOpenQuestion: true };
const ODD: CheckFinding = { ...TAKEN, severity: "warning", finding: "odd" };

describe("a pool without machines, where others have some", () => {
  it.each<[string, Answer, string]>([
    ["whose provider refuses it", [TAKEN], "taken. Name another."],
    ["whose credentials cannot be read", new ProviderError("provider-invalid", "reading them"), "reading them"],
    ["whose provider cannot be asked", new Error("ESTALE: stale file handle"), "ESTALE"],
    ["of which nobody can say whose it is", [UNREAD], "could not be read"],
  ])("is closed, %s, and open once it can be used", async (_name, answer, why) => {
    const { trials, told, run, telemetry, infos } = await trialsOf("linux", answer, answer, []);
    await trials.begin();
    expect(trials.isOpen(NEXT)).toBe(false);
    expect(told()).toEqual(["pool next is not used before it has been tried"]);
    for (let time = 0; time < 2; time += 1) {
      await run();
      expect(trials.isOpen(NEXT)).toBe(false);
      expect(told()).toEqual([expect.stringContaining("pool next is not used, and tried again each minute")]);
      expect(told()[0]).toContain(why);
    }
    expect(telemetry.warnings).toHaveLength(1);
    await run();
    expect(trials.isOpen(NEXT)).toBe(true);
    expect(told()).toEqual([]);
    expect(infos).toHaveLength(1);
  });

  it("is open with what only warns, and is not tried again", async () => {
    const { trials, told, run } = await trialsOf("linux", [ODD], [TAKEN]);
    await trials.begin();
    for (let time = 0; time < 2; time += 1) await run();
    expect(trials.isOpen(NEXT)).toBe(true);
    expect(told()).toEqual([]);
  });

  it("is tried by one trial at a time, however long that hangs, and open once it ends well", async () => {
    const { trials, told, run, hanging, openCount, telemetry } = await trialsOf("linux", "never");
    await trials.begin();
    for (let time = 0; time < 3; time += 1) await run();
    expect(told()).toEqual([expect.stringMatching(/^pool next is not used, .* takes longer than 60 seconds\./)]);
    expect(telemetry.warnings).toHaveLength(1);
    expect(openCount()).toBe(1);
    hanging.resolve([]);
    await run();
    expect(trials.isOpen(NEXT)).toBe(true);
    expect(openCount()).toBe(1);
  });

  it("is open once a machine of it is there, which another process may have launched", async () => {
    const { trials, told, run, config } = await trialsOf("linux", [TAKEN]);
    await trials.begin();
    await keepMachine(config, "next");
    await run();
    expect(trials.isOpen(NEXT)).toBe(true);
    expect(told()).toEqual([expect.stringMatching(/^pool next could not be used .* goes on .*: taken\./)]);
  });

  it("says nothing to the jobs that wait for it before its first trial has ended", async () => {
    const { trials, run, store } = await trialsOf("linux", "never");
    await trials.begin();
    const waiting = await queueJob(store);
    const subject = jobSubject(waiting.connection, waiting.id);
    await run();
    expect(await latestDecisions(store.db, [subject])).toEqual(new Map());
    await run();
    expect((await latestDecisions(store.db, [subject])).get(subjectKey(subject))?.reason).toBe("pool-unusable");
  });

  it("says so to the jobs that wait for it, unless another process has it", async () => {
    const { trials, run, store } = await trialsOf("linux", [TAKEN]);
    await trials.begin();
    const waiting = await queueJob(store);
    const subject = jobSubject(waiting.connection, waiting.id);
    const reason = async () => (await latestDecisions(store.db, [subject])).get(subjectKey(subject))?.reason;
    const lease = await acquireLease(store.db, NEXT, "another", MINUTE_MS);
    if (lease === null) throw new Error("nobody has it");
    await run();
    expect(await reason()).toBeUndefined();
    await releaseLease(store.db, lease);
    await run();
    expect(await reason()).toBe("pool-unusable");
  });
});

it("a pool with machines is open at once, whatever comes of its trial", async () => {
  const { trials, told, run } = await trialsOf("next", [TAKEN]);
  await trials.begin();
  expect(trials.isOpen(NEXT)).toBe(true);
  await run();
  expect(trials.isOpen(NEXT)).toBe(true);
  expect(told()).toEqual([expect.stringMatching(/^pool next could not be used .* goes on .*: taken\./)]);
});

describe("where there is no machine at all", () => {
  it("a pool that cannot be used refuses the start, with its problems", async () => {
    const { trials, telemetry } = await trialsOf(null, [TAKEN, ODD]);
    await expect(trials.begin()).rejects.toMatchObject({
      file: "pool next",
      problems: [{ path: "pools[1].provider.group", problem: "taken" }],
    });
    expect(telemetry.warnings).toEqual([]);
  });

  it.each<[string, Answer]>([
    ["is not answered", [UNREAD]],
    ["never ends", "never"],
  ])("a pool whose trial %s is closed, which is told, and the start goes on", async (_name, answer) => {
    const { trials, run, telemetry } = await trialsOf(null, answer);
    await trials.begin();
    expect(telemetry.warnings).toHaveLength(answer === "never" ? 0 : 1);
    for (let time = 0; time < 2; time += 1) await run();
    expect(telemetry.warnings).toHaveLength(1);
    expect(trials.isOpen(NEXT)).toBe(false);
    expect(trials.isOpen(poolName("linux"))).toBe(true);
  });
});

it("a pool that left the configuration is not tried, and open: what is left of it has to go", async () => {
  const { trials } = await trialsOf("linux", [TAKEN]);
  await trials.begin();
  expect(trials.isOpen(poolName("former"))).toBe(true);
});
