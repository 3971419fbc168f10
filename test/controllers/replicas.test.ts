/** Two processes on one store: agents speak to either, and one of them holds the pool. */
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { forgetAll } from "../../src/controllers/context.ts";
import { createHearing } from "../../src/controllers/hearing.ts";
import { observe } from "../../src/controllers/observe.ts";
import { type Ears, exchangeHeard, hearOthers } from "../../src/controllers/replicas.ts";
import { sweep } from "../../src/controllers/sweep.ts";
import { watchHosts } from "../../src/controllers/watch-hosts.ts";
import { GitHubError } from "../../src/domain/errors.ts";
import { parseProviderId, type TicketId } from "../../src/domain/ids.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { createAgentApp } from "../../src/http/agents/app.ts";
import { OpenPolls } from "../../src/http/agents/polls.ts";
import { findMachineByProviderId } from "../../src/store/machines/load.ts";
import { epoch, machineId } from "../domain/builders.ts";
import { type Agent, NOTHING_SEEN, Yard } from "./yard.ts";

let yard: Yard;
/** The one that agents reach; the yard's own holds the pool. */
let reached: Ears;

beforeEach(async () => {
  yard = await Yard.open({ machineCountMax: 1 });
  reached = { store: yard.store, hearing: createHearing(yard.clock), listener: "reached" };
});
afterEach(() => yard.close());

/** From now on every agent speaks to the other process. */
function reachTheOther(): void {
  const options = { ...yard.context, hearing: reached.hearing, tokens: yard.tokens, polls: new OpenPolls() };
  Object.assign(yard, { app: createAgentApp({ ...options, pools: [yard.context.pool] }) });
}

const exchange = () => exchangeHeard(reached, [yard.context.pool.name]);
const ageMs = (agent: Agent) => {
  const atMs = yard.context.hearing.heardAtMs(agent.machineId);
  return atMs === null ? null : yard.clock.nowMs() - atMs;
};
const proofs = () => yard.provider.terminated.map(({ proof }) => proof);
const runs = (id: TicketId) =>
  ({
    phase: "engaged",
    ticket: { id, step: "running" },
    sighting: { ...NOTHING_SEEN, hasListener: true, workerCount: 1 },
  }) as const;

async function passFor(forMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += 4 * MINUTE_MS) {
    yard.clock.advance(4 * MINUTE_MS);
    await watchHosts(yard.context);
    await yard.pass();
  }
}

describe("an agent that speaks to the process that does not hold its pool", () => {
  it("is heard by the one that does, with its last word and no later", async () => {
    const agent = await yard.parkedAgent();
    reachTheOther();
    yard.clock.advance(MINUTE_MS);
    await agent.report();
    yard.clock.advance(3 * SECOND_MS);
    await exchange();
    await hearOthers(yard.ears);
    // The database's clock is the computer's here, and stood still.
    expect(ageMs(agent)).toBeLessThan(4 * SECOND_MS);
    expect(ageMs(agent)).toBeGreaterThanOrEqual(3 * SECOND_MS);
  });

  it("is heard where somebody is refused before each of its words", async () => {
    const agent = await yard.parkedAgent();
    reachTheOther();
    const stranger = yard.agent(agent.machineId, "incarnation-2");
    stranger.token = "wrong";
    for (let count = 0; count < 10; count += 1) {
      yard.clock.advance(14 * SECOND_MS);
      await stranger.report();
      yard.clock.advance(SECOND_MS);
      await agent.report();
      await exchange();
      await hearOthers(yard.ears);
      expect(ageMs(agent)).toBeLessThan(SECOND_MS);
    }
  });

  it("is heard where the process that holds its pool refuses somebody after its word", async () => {
    const agent = await yard.parkedAgent();
    yard.clock.advance(HOUR_MS);
    reached.hearing.note(agent.machineId);
    await exchange();
    yard.context.hearing.noteTry(agent.machineId);
    await exchangeHeard(yard.ears, [yard.context.pool.name]);
    expect(ageMs(agent)).toBeLessThan(MINUTE_MS);
  });

  it("has its answer where the store takes no hearing, and is told of with the next exchange", async () => {
    const agent = await yard.parkedAgent();
    reachTheOther();
    yard.clock.advance(MINUTE_MS);
    await sql`create trigger full before insert on hearings begin select raise(abort, 'full'); end`.execute(
      yard.store.db,
    );
    expect(await agent.report()).toMatchObject({ ticketOut: null });
    await expect(exchange()).rejects.toThrow();
    await sql`drop trigger full`.execute(yard.store.db);
    await exchange();
    await hearOthers(yard.ears);
    expect(ageMs(agent)).toBeLessThan(MINUTE_MS);
  });

  it("keeps the registration that it names where the provider calls its machine gone", async () => {
    const { agent, ticketId } = await yard.withTicket();
    reachTheOther();
    await agent.report(runs(ticketId));
    await yard.pass();
    yard.github.listError = new GitHubError("github-unavailable", "listing runners");
    const there = yard.provider.machines.get(agent.machineId);
    yard.provider.machines.delete(agent.machineId);
    await yard.pass();
    yard.provider.machines.set(agent.machineId, there!);
    expect((await yard.machines()).find(({ id }) => id === agent.machineId)?.state.kind).toBe("gone");
    yard.github.listError = null;
    // The pause after the list that failed is over.
    yard.clock.advance(15 * SECOND_MS);
    await agent.report(runs(ticketId));
    await exchange();
    await sweep(yard.context);
    expect(yard.github.deleted).toEqual([]);
  });
});

describe("what a process told that is dead, while the clock was ahead", () => {
  beforeEach(async () => {
    const { agent } = await yard.withTicket();
    reached.hearing.note(agent.machineId);
    await exchange();
    yard.context.hearing.forget(agent.machineId);
    await sql`update hearings set heard_ms = heard_ms + ${HOUR_MS}, stirred_ms = stirred_ms + ${HOUR_MS}`.execute(
      yard.store.db,
    );
  });

  it("is no word", async () => {
    await hearOthers(yard.ears);
    expect(ageMs(yard.agent((await yard.onlyMachine()).id))).toBeNull();
  });

  it("keeps no dead host for longer", async () => {
    await passFor(2 * HOUR_MS);
    expect(proofs()[0]).toBe("host-lost");
  });
});

it.each(["the one", "the other", "neither"])(
  "a machine that the store had forgotten lives through its adoption where its agent speaks to %s of two",
  async (spokenTo) => {
    const id = machineId(7);
    await passFor(8 * HOUR_MS);
    if (spokenTo === "the other") reachTheOther();
    const agent = yard.agent(id);
    yard.provider.machines.set(id, { state: "running", machineId: id });
    const says = { phase: "engaged", sighting: { ...NOTHING_SEEN, hasListener: true, workerCount: 1 } } as const;
    if (spokenTo !== "neither") {
      await agent.checkIn();
      await agent.report(says);
    }
    await yard.pass();
    expect(proofs()).toEqual([]);
    await passFor(5 * HOUR_MS);
    expect(proofs()).toEqual([]);
  },
);

it("a machine that no row knows and no listing shows is adopted by the one that holds the pool, though its agent never speaks to it", async () => {
  const id = machineId(7);
  reachTheOther();
  yard.provider.machines.set(id, { state: "running", machineId: id });
  yard.provider.unlisted.add(id);
  yard.provider.remarks.set(id, { machineId: null, launchId: null, pool: null });
  const agent = yard.agent(id);
  await agent.checkIn();
  for (const isKnown of [false, true]) {
    await agent.report({ phase: "parked" });
    await exchange();
    await exchangeHeard(yard.ears, []);
    await observe(yard.context);
    expect((await findMachineByProviderId(yard.store.db, parseProviderId(id))) !== null).toBe(isKnown);
    yard.clock.advance(MINUTE_MS);
  }
});

it("a machine that was adopted, and of which nobody could tell since, goes after the limit", async () => {
  const id = machineId(7);
  await passFor(8 * HOUR_MS);
  yard.provider.machines.set(id, { state: "running", machineId: id });
  await passFor(7 * HOUR_MS);
  expect(proofs()).toEqual(["forced"]);
});

it("learns nothing from a listing that it began before it lost the pool and took it again", async () => {
  const agent = await yard.parkedAgent();
  const { context, provider, lease } = yard;
  if (lease === null) throw new Error("the yard holds its pool");
  const list = provider.list.bind(provider);
  provider.list = async (which) => {
    const listing = await list(which);
    // Meanwhile.
    yard.lease = { ...lease, epoch: epoch(lease.epoch + 1) };
    forgetAll(context.memory);
    return listing;
  };
  await observe(context);
  expect(context.memory).toMatchObject({ isFleetListed: false, guards: { listing: { isWhole: false } } });
  expect(context.memory.observed.has(agent.machineId)).toBe(false);
});
