/** An ending that is called off because its machine holds a ticket after all. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { attend } from "../../src/controllers/attend.ts";
import type { PoolContext } from "../../src/controllers/context.ts";
import { endMachine } from "../../src/controllers/retire/end-machine.ts";
import { adoptStray } from "../../src/domain/adoption.ts";
import { parseProviderId } from "../../src/domain/ids.ts";
import type { Machine } from "../../src/domain/machine.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { insertTicket } from "../../src/store/tickets/save.ts";
import { machineId } from "../domain/builders.ts";
import { type Agent, Yard } from "./yard.ts";

let yard: Yard;
beforeEach(async () => {
  yard = await Yard.open();
});
afterEach(() => yard.close());

const PASSES = 10;

/** Silent for so long that it is to end by a limit; now its agent is back, and says that it holds nothing. */
async function returning(): Promise<Agent> {
  const id = machineId(1);
  const providerId = parseProviderId(id);
  const stray = { machineId: id, providerId, launchId: null, pool: null, state: "running", observedAtMs: 0 } as const;
  const { machine, standIn } = adoptStray(stray, yard.context.pool, 0);
  const state: Machine["state"] = {
    kind: "retiring",
    providerId,
    stage: "proving",
    reason: "limit-past",
    heardSequence: 0,
    sinceMs: 0,
  };
  await insertMachine(yard.store.db, { ...machine, state });
  await insertTicket(yard.store.db, standIn);
  yard.provider.machines.set(id, { state: "running", machineId: id });
  const agent = yard.agent(id);
  await agent.checkIn();
  await agent.report({ phase: "leaving" });
  return agent;
}

/** Lets `attend` come between what an ending reads and what it writes. */
function interrupted(context: PoolContext): PoolContext {
  const pending = { isReading: false, isDone: false };
  const db = context.store.db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      if (!pending.isReading || pending.isDone) return result;
      pending.isDone = true;
      await attend(context);
      return result;
    },
  });
  const heardSinceMs = () => {
    pending.isReading = true;
    return context.heardSinceMs();
  };
  return { ...context, store: { ...context.store, db }, heardSinceMs };
}

it.each(["before", "while"])("a machine whose ticket is over %s it is called off comes to its end", async (when) => {
  const agent = await returning();
  await endMachine(when === "while" ? interrupted(yard.context) : yard.context, agent.machineId);
  for (let pass = 0; pass < PASSES; pass += 1) {
    yard.clock.advance(MINUTE_MS);
    await agent.report({ phase: "leaving" });
    await yard.pass();
  }
  expect(yard.provider.terminated.map(({ proof }) => proof)).toEqual(["parked"]);
});
