/** Breakers over stored rows: what keeps failing is stopped with its reason, and tried one at a time until it works. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { emptyMemory, type PoolContext } from "../../src/controllers/context.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import type { JobId } from "../../src/domain/ids.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { jobSubject, poolSubject } from "../../src/store/subjects.ts";
import { listLiveTicketsOfPool } from "../../src/store/tickets/list.ts";
import { connectionName } from "../domain/builders.ts";
import { Yard } from "./yard.ts";

const BARREN = { kind: "barren", reason: "exit code 1" } as const;
const SPENT = { kind: "spent" } as const;

let yard: Yard;
let warned: string[];
async function open(pool: Partial<PoolPolicy> = {}): Promise<void> {
  yard = await Yard.open({ machineCountMax: 8, ...pool });
  warned = [];
  yard.telemetry.warn = (message) => void warned.push(message);
}
afterEach(() => yard.close());

async function reasonOf(id: JobId): Promise<string | undefined> {
  const [latest] = await listDecisions(yard.store.db, jobSubject(connectionName(), id), 1);
  return latest?.reason;
}
const poolFacts = async () =>
  (await listEvidence(yard.store.db, poolSubject(yard.context.pool.name), 20)).map(({ fact }) => fact);
const warnings = (start: string) => warned.filter((message) => message.startsWith(start));

/** What a restart leaves: the rows alone. */
function forget(): void {
  Object.assign(yard.context.memory, emptyMemory(), { isFleetListed: true });
}

/** Every machine that starts boots, takes its ticket, and its runner ends so. */
async function endAll(end: typeof BARREN | typeof SPENT): Promise<number> {
  let count = 0;
  for (const { id, state } of await yard.machines()) {
    if (state.kind !== "provisioning") continue;
    const agent = yard.agent(id);
    await agent.checkIn();
    await agent.report();
    await yard.pass();
    const ticket = (await listLiveTicketsOfPool(yard.store.db, yard.context.pool.name)).find(
      ({ machineId }) => machineId === id,
    );
    if (ticket?.state.kind !== "issued") continue;
    await agent.poll();
    await agent.report({ phase: "leaving", ended: [{ id: ticket.id, end }] });
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    count += 1;
  }
  return count;
}

describe("three barren tickets in a row", () => {
  let ids: readonly JobId[];
  beforeEach(async () => {
    await open();
    ids = [await yard.queue(1), await yard.queue(2), await yard.queue(3)];
    await yard.pass();
    expect(await endAll(BARREN)).toBe(3);
  });

  it("stop minting and launching, with a reason, an alarm told once, and evidence on the pool", async () => {
    const [mintCount, launchCount] = [yard.github.mints.length, yard.provider.launches.length];
    for (let count = 0; count < 5; count += 1) {
      yard.clock.advance(10 * SECOND_MS);
      await yard.pass();
    }
    expect([yard.github.mints.length, yard.provider.launches.length]).toEqual([mintCount, launchCount]);
    for (const id of ids) expect(await reasonOf(id)).toBe("tickets-stopped");
    expect(warnings("tickets stopped")).toHaveLength(1);
    expect(await poolFacts()).toContain("tickets stopped: 3 in a row ended without a job");
    expect(yard.telemetry.gauges.get("holdfast_breakers_open pool=linux breaker=tickets")).toBe(1);
  });

  it("hold after a restart too", async () => {
    forget();
    const launchCount = yard.provider.launches.length;
    await yard.pass();
    expect(yard.provider.launches).toHaveLength(launchCount);
    expect(yard.context.memory.stops.tickets).toBe("stopped");
  });

  it("let one probe through after a minute, then another after two; one that runs a job ends it", async () => {
    const mintCount = yard.github.mints.length;
    const minted = async (afterMs: number) => {
      yard.clock.advance(afterMs);
      await yard.pass();
      return yard.github.mints.length - mintCount;
    };
    expect(await minted(MINUTE_MS - SECOND_MS)).toBe(0);
    expect(await minted(SECOND_MS)).toBe(1);
    expect(await endAll(BARREN)).toBe(1);
    expect(await minted(2 * MINUTE_MS - SECOND_MS)).toBe(1);
    expect(await minted(SECOND_MS)).toBe(2);
    expect(await endAll(SPENT)).toBeGreaterThan(0);
    expect(yard.context.memory.stops.tickets).toBe("none");
    expect(yard.telemetry.gauges.get("holdfast_breakers_open pool=linux breaker=tickets")).toBe(0);
    expect(await minted(SECOND_MS)).toBeGreaterThan(2);
  });
});

describe("two barren tickets of one job", () => {
  it("stop that job's, and no other's; the next one comes after a minute", async () => {
    await open();
    const id = await yard.queue(1);
    for (let count = 0; count < 2; count += 1) {
      yard.clock.advance(20 * SECOND_MS);
      await yard.pass();
      expect(await endAll(BARREN)).toBe(1);
    }
    yard.clock.advance(50 * SECOND_MS);
    const other = await yard.queue(2);
    await yard.pass();
    expect(await reasonOf(id)).toBe("job-stopped");
    expect(await endAll(SPENT)).toBe(1);
    await yard.tell(other, { status: "completed", conclusion: "success" });
    expect(warnings("no more tickets for it")).toHaveLength(1);
    expect(yard.telemetry.gauges.get("holdfast_breakers_open pool=linux breaker=job")).toBe(1);
    const mintCount = yard.github.mints.length;
    yard.clock.advance(10 * SECOND_MS);
    await yard.pass();
    expect(await endAll(SPENT)).toBe(1);
    expect(yard.github.mints).toHaveLength(mintCount + 1);
  });
});

describe("five machines in a row that never check in", () => {
  const bootMs = 5 * MINUTE_MS;

  async function failAll(): Promise<void> {
    yard.clock.advance(bootMs);
    await yard.pass();
  }

  beforeEach(async () => {
    await open({ machineCountMax: 5 });
    for (let id = 1; id <= 5; id += 1) await yard.queue(id);
    await yard.pass();
    expect(yard.provider.machines.size).toBe(5);
    await failAll();
  });

  it("stop the pool's launches with a reason, an alarm and evidence, until one is tried after a minute", async () => {
    expect(yard.provider.machines.size).toBe(0);
    yard.clock.advance(MINUTE_MS - SECOND_MS);
    await yard.pass();
    expect(yard.provider.machines.size).toBe(0);
    const id = await yard.queue(9);
    await yard.pass();
    expect(await reasonOf(id)).toBe("launches-stopped");
    expect(warnings("launches stopped")).toHaveLength(1);
    expect(await poolFacts()).toContain("launches stopped: 5 machines in a row never checked in");
    yard.clock.advance(SECOND_MS);
    await yard.pass();
    expect(yard.provider.machines.size).toBe(1);
  });

  it("hold after a restart too", async () => {
    forget();
    await yard.pass();
    expect(yard.provider.machines.size).toBe(0);
    expect(yard.context.memory.stops.launches).toBe("stopped");
  });

  it("pause longer after a probe that does not check in either, and end with one that does", async () => {
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    expect(yard.provider.machines.size).toBe(1);
    await failAll();
    yard.clock.advance(2 * MINUTE_MS - SECOND_MS);
    await yard.pass();
    expect(yard.provider.machines.size).toBe(0);
    yard.clock.advance(SECOND_MS);
    await yard.pass();
    const [probe] = [...yard.provider.machines.values()];
    if (probe === undefined) throw new Error("no probe");
    await yard.agent(probe.machineId).checkIn();
    await yard.pass();
    expect(yard.context.memory.stops.launches).toBe("none");
    expect(yard.provider.machines.size).toBe(5);
  });

  it("count machines that were dead before they checked in", async () => {
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    for (const machine of yard.provider.machines.values()) machine.state = "dead";
    await yard.pass();
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    expect(yard.provider.machines.size).toBe(0);
  });
});

describe("a provider that refuses", () => {
  it.each(["provider-capacity", "provider-invalid", "provider-unavailable"] as const)(
    "is asked once for each pause, however many launches are open: %s",
    async (code) => {
      await open();
      let asked = 0;
      const context: PoolContext = yard.context;
      const { launch } = context.provider;
      context.provider.launch = async () => {
        asked += 1;
        throw new ProviderError(code, "launching");
      };
      let pauseCount = 0;
      for (let second = 0; second < 10 * 60; second += 5) {
        if (second < 60) await yard.queue(100 + second);
        const isPaused = yard.clock.monotonicMs() < context.memory.launch.untilMonotonicMs;
        const before = asked;
        await yard.pass();
        expect(asked - before).toBeLessThanOrEqual(isPaused ? 0 : 1);
        pauseCount += asked - before;
        yard.clock.advance(5 * SECOND_MS);
      }
      expect(pauseCount).toBeLessThan(15);
      context.provider.launch = launch.bind(context.provider);
      yard.clock.advance(2 * MINUTE_MS);
      for (const id of yard.github.jobs.keys()) expect(id).toBeGreaterThan(0);
      await yard.pass();
      expect(yard.provider.machines.size).toBeGreaterThan(0);
    },
  );
});
