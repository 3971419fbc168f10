/**
 * What a fleet of pods costs at its cluster: the controllers over a real store, the real adapter with the official client, and
 * a simulated cluster behind real HTTP that counts the calls. Nothing is timed: `npm run bench -- pods` does that.
 */
import { afterEach, beforeEach, expect, it } from "vitest";
import { observe } from "../../src/controllers/observe.ts";
import { retire } from "../../src/controllers/retire.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { inTransaction } from "../../src/store/transaction.ts";
import { runPods } from "../adapters/kubernetes/running-pods.ts";
import { useStage } from "../adapters/kubernetes/stage.ts";
import { machine } from "../domain/builders.ts";
import { Yard } from "./yard.ts";

const PODS = 5_000;
/** `src/adapters/kubernetes/pages.ts` */
const PAGE_SIZE = 500;
const stage = useStage();

let yard: Yard;

beforeEach(async () => {
  yard = await Yard.open({ machineCountMax: PODS, warmParkedCount: PODS });
  const { controllerId } = yard.context;
  const provider = stage.another({ controllerId });
  Object.assign(yard.context, { provider, abilities: provider });
  const pods = runPods(stage.cluster, { controllerId, pool: yard.context.pool.name }, PODS);
  await inTransaction(yard.store, async (tx) => {
    for (const { machineId: id, providerId } of pods)
      await insertMachine(tx, machine({ id, state: { kind: "parked", providerId, sinceMs: yard.clock.nowMs() } }));
  });
});
afterEach(() => yard.close());

async function callsOf(act: () => Promise<void>): Promise<Readonly<Record<string, number>>> {
  const before: Readonly<Record<string, number>> = { ...stage.cluster.calls() };
  await act();
  const made = Object.entries(stage.cluster.calls()).map(
    ([name, count]) => [name, count - (before[name] ?? 0)] as const,
  );
  return Object.fromEntries(made.filter(([, count]) => count > 0));
}

it("5,000 pods: a pass makes no call per pod, only the pages of the listing", { timeout: 180_000 }, async () => {
  const pass = async () => {
    await observe(yard.context);
    await retire(yard.context);
  };
  // The pool's disruption budget is made at the first sight of pods, once.
  expect(await callsOf(pass)).toEqual({ "list pods": PODS / PAGE_SIZE, "create poddisruptionbudgets": 1 });
  expect(yard.context.memory.observed.size).toBe(PODS);
  expect(yard.context.memory.guards.listing).toMatchObject({ isWhole: true, listedCount: PODS });
  yard.clock.advance(SECOND_MS);
  expect(await callsOf(pass)).toEqual({ "list pods": PODS / PAGE_SIZE });
});
