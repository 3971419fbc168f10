/** That a started Holdfast tells hosts of a pool without its connection from others. */
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import type { Config } from "../../src/app/config/config.ts";
import { settlePools } from "../../src/app/settle-pools.ts";
import { startHoldfast } from "../../src/app/wire.ts";
import { AgentTokens } from "../../src/http/agents/token.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { openStore } from "../../src/store/store.ts";
import { insertTicket } from "../../src/store/tickets/save.ts";
import {
  connectionName,
  machine,
  machineId,
  poolName,
  providerId,
  ticket,
  ticketId,
  ticketState,
} from "../domain/builders.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { connectionConfig, makePlace, poolConfig, wholeConfig } from "./whole-config.ts";

const ID = machineId();
const MACHINE = machine({ id: ID, state: "engaged" });

/** A machine whose ticket is asked back, of a pool that a former configuration had. */
async function leaveMachine(former: Config): Promise<void> {
  const store = await openStore(former.storeAddress);
  await settlePools(store, former, 0);
  await insertMachine(store.db, MACHINE);
  await insertTicket(store.db, ticket({ machineId: ID, state: ticketState("handing-back", systemClock().nowMs()) }));
  await store.close();
}

/** What the machine's agent is answered. */
async function answerOf(config: Config): Promise<unknown> {
  const holdfast = await startHoldfast(config, {
    environment: {},
    clock: systemClock(),
    random: systemRandom(),
    telemetry: recordTelemetry(),
    renderMetrics: async () => "",
  });
  onTestFinished(() => holdfast.close());
  const post = async (path: string, body: object, token = "") => {
    const response = await fetch(`${holdfast.addresses.agents}/agent/v1/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ machineId: ID, incarnation: "incarnation-1", ...body }),
    });
    return (await response.json()) as Record<string, unknown>;
  };
  const secret = new AgentTokens(config.tokenKey, config.controllerId).identitySecret(ID);
  const identity = { kind: "process", secret };
  const who = { protocolVersion: 1, providerId: providerId(), identity, bootId: "boot", agentVersion: "0" };
  const { token } = await post("check-in", who);
  const sighting = { kind: "seen", hasListener: true, workerCount: 0 };
  const report = { phase: "engaged", ticket: { id: ticketId(), step: "online" }, ended: [], sighting };
  return post("report", { sequence: 1, storeGeneration: 1, report }, `${token}`);
}

it.each([
  ["is told so where its pool has left", ["main", "ghes"], { ticketId: ticketId(), attempt: expect.any(Number) }],
  ["is told nothing where the connection left with it: nobody would delete the registration", ["ghes"], null],
] as const)(
  "a host whose ticket is asked back %s",
  async (_name, connections, handBack) => {
    const place = makePlace();
    await leaveMachine(wholeConfig(place));
    const next = { name: poolName("next"), connection: connectionName("ghes") };
    const pools = [poolConfig(place, next, "next-machines")];
    const config = wholeConfig(place, { pools, connections: connections.map((name) => connectionConfig(name)) });
    expect(await answerOf(config)).toMatchObject({ handBack });
  },
  60_000,
);
