/** A machine that retires, however far, when its store is found to be a backup: it has its job, or it is gone. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { watchHosts } from "../../src/controllers/watch-hosts.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { type Machine, type MachineState, RETIRING_STAGES } from "../../src/domain/machine.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { markRestored } from "../../src/store/facts.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { saveMachine } from "../../src/store/machines/save.ts";
import { inTransaction } from "../../src/store/transaction.ts";
import { machineId } from "../domain/builders.ts";
import { inBackup, parked, retiring, showRestored } from "./backup-scene.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
beforeEach(async () => {
  yard = await Yard.open({ jobsPerMachine: 3 });
});
afterEach(() => yard.close());

const row = async (): Promise<Machine> => (await loadMachine(yard.store.db, machineId(1))) ?? never();
const proofs = () => yard.provider.terminated.filter((permit) => permit.machineId === machineId(1)).map((p) => p.proof);

async function beSilent(forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += 4 * MINUTE_MS) {
    yard.clock.advance(4 * MINUTE_MS);
    await watchHosts(yard.context);
    await yard.pass();
  }
}

it("is not ended by what the backup says where the call that was made before the sign had failed", async () => {
  await inBackup(yard, 1, parked(1));
  yard.provider.terminateError = new ProviderError("provider-unavailable", "ending it");
  await beSilent(24 * MINUTE_MS);
  expect((await row()).state).toMatchObject({ kind: "retiring", stage: "terminating" });
  yard.provider.terminateError = null;
  await showRestored(yard);
  expect(await row()).toMatchObject({ origin: "restored", state: { kind: "engaged" } });
  await beSilent(HOUR_MS);
  expect(proofs()).toEqual([]);
});

it("is not ended where the sign comes while its call is prepared", async () => {
  await inBackup(yard, 1, { ...retiring(1), reason: "host-lost" } as MachineState);
  let isShown = false;
  yard.context.hearOthers = async () => {
    isShown = await inTransaction(yard.store, (tx) =>
      markRestored(tx, yard.context.store.generation, yard.clock.nowMs()),
    );
  };
  await beSilent(HOUR_MS);
  expect([isShown, proofs()]).toEqual([true, []]);
});

it("is judged anew where its row has changed while its call was prepared", async () => {
  await inBackup(yard, 1, { ...retiring(1), reason: "host-lost" } as MachineState);
  let changeCount = 0;
  yard.context.hearOthers = async () => {
    const before = await row();
    await saveMachine(yard.store.db, { ...before, version: before.version + 1 }, before.version);
    changeCount += 1;
  };
  await beSilent(HOUR_MS);
  expect(changeCount).toBeGreaterThan(0);
  expect(proofs()).toEqual([]);
});

describe.each(RETIRING_STAGES)("in stage %s", (stage) => {
  beforeEach(async () => {
    await inBackup(yard, 1, { ...retiring(1), stage } as MachineState);
  });

  it("is gone once its provider says so", async () => {
    await showRestored(yard);
    yard.provider.machines.set(machineId(1), { state: "dead", machineId: machineId(1) });
    await beSilent(8 * MINUTE_MS);
    expect((await row()).state.kind).toBe("gone");
  });

  it("ends by an operator's word, said before", async () => {
    const before = await row();
    const forced = { operator: "alice", reason: "it burns", atMs: 0 };
    await saveMachine(yard.store.db, { ...before, forced, version: before.version + 1 }, before.version);
    await showRestored(yard);
    await beSilent(8 * MINUTE_MS);
    expect(proofs()).toContain("forced");
    expect((await row()).state.kind).toBe("gone");
  });

  it("ends past the limit of a host of which nobody knows anything", async () => {
    await showRestored(yard);
    await beSilent(8 * HOUR_MS);
    expect(proofs()).toEqual(["forced"]);
    expect((await row()).state.kind).toBe("gone");
  });
});

function never(): never {
  throw new Error("missing");
}
