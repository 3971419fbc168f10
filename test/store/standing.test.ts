import { expect, it } from "vitest";
import { ALL_POOLS } from "../../src/domain/operator-words.ts";
import { readStanding } from "../../src/store/facts.ts";
import { findFreezeOver, insertFreeze } from "../../src/store/freezes.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { openMemory, useStore } from "./open-store.ts";
import { otherPool, pool, sampleMachine } from "./samples.ts";

const store = useStore(openMemory);
const machine = sampleMachine(1);
const mark = { operator: "alice", reason: "an incident", atMs: 1 };

it("tells the generation, and whether a freeze is over the machine's pool", async () => {
  await insertMachine(store().db, machine);
  const { generation } = store();
  const standing = () => readStanding(store().db, machine.id);
  expect(await standing()).toEqual({ generation, isFrozen: false });
  await insertFreeze(store().db, { scope: otherPool, mark });
  expect(await standing()).toEqual({ generation, isFrozen: false });
  await insertFreeze(store().db, { scope: pool, mark });
  expect(await standing()).toEqual({ generation, isFrozen: true });
});

it("knows a freeze of all pools, as the endings do", async () => {
  await insertMachine(store().db, machine);
  await insertFreeze(store().db, { scope: ALL_POOLS, mark });
  expect((await readStanding(store().db, machine.id)).isFrozen).toBe(true);
  expect(await findFreezeOver(store().db, pool)).not.toBeNull();
});
