import { expect, it, onTestFinished } from "vitest";
import { Tenure } from "../../src/controllers/tenure.ts";
import { HOUR_MS } from "../../src/domain/units.ts";
import { acquireLease, readLease } from "../../src/store/leases.ts";
import { openStore } from "../../src/store/store.ts";
import { poolName } from "../domain/builders.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { ManualClock } from "../store/manual-clock.ts";

const OURS = poolName("ours");
const GIVEN_BACK = poolName("given-back");

it("a process that is about to end keeps the pools that it holds, and takes none that another gives back", async () => {
  const store = await openStore("sqlite::memory:");
  onTestFinished(() => store.close());
  await acquireLease(store.db, GIVEN_BACK, "other", HOUR_MS);
  const tenure = new Tenure({
    store,
    clock: new ManualClock(),
    telemetry: recordTelemetry(),
    pools: [OURS, GIVEN_BACK],
    holder: "this",
    isHolderDead: () => false,
    probe: async () => true,
    isBehind: () => false,
    onAcquired: () => {},
    onLost: () => {},
    exchangeHeard: async () => {},
  });
  await tenure.run();
  tenure.stopTaking();
  await store.db.updateTable("leases").set({ expires_ms: 1 }).execute();
  await tenure.run();
  const [ours, given] = [await readLease(store.db, OURS), await readLease(store.db, GIVEN_BACK)];
  expect([ours?.holder, given?.holder]).toEqual(["this", "other"]);
  const rows = await store.db.selectFrom("leases").select(["pool", "expires_ms"]).execute();
  expect(rows.filter(({ expires_ms }) => expires_ms > 1).map(({ pool }) => pool)).toEqual([OURS]);
});
