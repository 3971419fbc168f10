/** That a started Holdfast exchanges with others on its store whom they heard; what follows from it is the controllers' test. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import type { Config } from "../../src/app/config/config.ts";
import { type Holdfast, startHoldfast } from "../../src/app/wire.ts";
import { parseProviderId } from "../../src/domain/ids.ts";
import { AgentTokens } from "../../src/http/agents/token.ts";
import { readHeardElsewhere, saveHeard } from "../../src/store/hearings.ts";
import { acquireLease, readLease, releaseLease } from "../../src/store/leases.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { openStore } from "../../src/store/store.ts";
import { machine, machineId, poolName } from "../domain/builders.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { makePlace, wholeConfig } from "./whole-config.ts";

/** Several of the exchanges, which come every 5 s. */
const WITHIN = { timeout: 30_000, interval: 50 };
const LEASE_LIFE_MS = 600_000;
const ID = machineId();

async function start(config: Config): Promise<Holdfast> {
  const parts = {
    environment: {},
    clock: systemClock(),
    random: systemRandom(),
    telemetry: recordTelemetry(),
    renderMetrics: async () => "",
  };
  const holdfast = await startHoldfast(config, parts);
  onTestFinished(() => holdfast.close());
  return holdfast;
}

it("hears what another process told, of a machine whose pool it holds", async () => {
  const holdfast = await start(wholeConfig(makePlace()));
  await insertMachine(holdfast.store.db, machine({ id: ID, state: "parked" }));
  const heard = [{ machineId: ID, heardForMs: 0, stirredForMs: 0 }];
  await saveHeard(holdfast.store, heard, { listener: "another", pools: [poolName()] });
  await vi.waitFor(async () => {
    const response = await fetch(`${holdfast.addresses.operators}/api/v1/machines`);
    expect(await response.json()).toMatchObject({ machines: [{ id: ID, heardAt: expect.any(String) }] });
  }, WITHIN);
}, 60_000);

it("tells whoever holds a machine's pool that it heard it", async () => {
  const config = wholeConfig(makePlace());
  const store = await openStore(config.storeAddress);
  onTestFinished(() => store.close());
  await acquireLease(store.db, poolName(), "another", LEASE_LIFE_MS);
  await insertMachine(store.db, machine({ id: ID, state: "parked" }));
  const holdfast = await start(config);
  const checkIn = {
    machineId: ID,
    incarnation: "incarnation-1",
    protocolVersion: 1,
    providerId: parseProviderId(ID),
    identity: { kind: "process", secret: new AgentTokens(config.tokenKey, config.controllerId).identitySecret(ID) },
    bootId: "boot",
    agentVersion: "0",
  };
  const answer = await fetch(`${holdfast.addresses.agents}/agent/v1/check-in`, {
    method: "POST",
    body: JSON.stringify(checkIn),
  });
  expect(answer.status).toBe(200);
  await vi.waitFor(async () => {
    expect(await readHeardElsewhere(store.db, "another")).toMatchObject([{ machineId: ID }]);
  }, WITHIN);
}, 60_000);

it("knows nothing any more of a pool that it takes again, of what it knew before another had it", async () => {
  const directory = makePlace();
  const holdfast = await start(wholeConfig(directory));
  const { db } = holdfast.store;
  const poolIs = (wanted: object) =>
    vi.waitFor(async () => {
      const response = await fetch(`${holdfast.addresses.operators}/api/v1/pools`);
      expect(await response.json()).toMatchObject({ pools: [wanted] });
    }, WITHIN);
  await poolIs({ listing: { at: expect.any(String), isFailing: false } });
  // No listing comes from now on, so that what is known is of before.
  rmSync(join(directory, "machines"), { recursive: true, force: true });
  writeFileSync(join(directory, "machines"), "");
  await poolIs({ listing: { isFailing: true } });
  const own = await readLease(db, poolName());
  if (own === null) throw new Error("it holds its pool");
  await releaseLease(db, own);
  const others = await acquireLease(db, poolName(), "another", LEASE_LIFE_MS);
  await poolIs({ listing: null });
  if (others === null) throw new Error("another holds it now");
  await releaseLease(db, others);
  await poolIs({ listing: { at: null, isFailing: false } });
}, 120_000);
