import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { parseProviderId } from "../../../src/domain/ids.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { forgetHeard, readHeardElsewhere, saveHeard } from "../../../src/store/hearings.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import { readRowlessElsewhere, saveRowless } from "../../../src/store/rowless.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import { otherPool, pool, sampleMachine } from "../samples.ts";

const [one, two] = [sampleMachine(1), sampleMachine(2)];
const HERE = { listener: "here", pools: [pool] };
const THERE = { listener: "there", pools: [pool] };
/** Of times by the database's clock only the minute is looked at. */
const minutes = (ms: number | null) => (ms === null ? null : Math.floor(ms / MINUTE_MS));

export function describeHearings(open: OpenStore): void {
  describe("hearings", () => {
    const store = useStore(open);
    const told = async (listener: string) =>
      (await readHeardElsewhere(store().db, listener)).map(({ machineId, heardForMs, stirredForMs }) => [
        machineId,
        minutes(heardForMs),
        minutes(stirredForMs),
      ]);
    const heard = ({ id }: typeof one, heardForMs: number | null, stirredForMs: number) => ({
      machineId: id,
      heardForMs,
      stirredForMs,
    });

    it("tell each process what others told, and how long ago it was", async () => {
      await insertMachine(store().db, one);
      await insertMachine(store().db, two);
      await saveHeard(store(), [heard(one, MINUTE_MS, 0), heard(two, 2 * MINUTE_MS, 2 * MINUTE_MS)], THERE);
      expect(await told("here")).toEqual([
        [one.id, 1, 0],
        [two.id, 2, 2],
      ]);
      expect(await told("there")).toEqual([]);
    });

    it("take what a clock says that counts parts of milliseconds", async () => {
      await insertMachine(store().db, one);
      await saveHeard(store(), [heard(one, MINUTE_MS + 0.25, 0.75)], THERE);
      expect(await told("here")).toEqual([[one.id, 1, 0]]);
    });

    it("keep another's word where somebody was refused after it, whoever refused him", async () => {
      await insertMachine(store().db, one);
      await saveHeard(store(), [heard(one, null, 0)], THERE);
      expect(await told("here")).toEqual([[one.id, null, 0]]);
      await saveHeard(store(), [heard(one, MINUTE_MS, MINUTE_MS)], THERE);
      await saveHeard(store(), [heard(one, null, 0)], HERE);
      expect(await told("here")).toEqual([[one.id, 1, 1]]);
      expect(await told("there")).toEqual([[one.id, null, 0]]);
      expect(await told("a third")).toEqual([[one.id, 1, 0]]);
    });

    it("are of machines that have a row in the pools that are told, until they are forgotten", async () => {
      await saveHeard(store(), [heard(one, 0, 0)], THERE);
      await insertMachine(store().db, one);
      await saveHeard(store(), [heard(one, 0, 0)], { ...THERE, pools: [otherPool] });
      await saveHeard(store(), [heard(one, 0, 0)], { ...THERE, pools: [] });
      expect(await told("here")).toEqual([]);
      await saveHeard(store(), [heard(one, 0, 0)], THERE);
      expect(await told("here")).toHaveLength(1);
      await forgetHeard(store().db, one.id);
      await forgetHeard(store().db, one.id);
      expect(await told("here")).toEqual([]);
    });

    it("go with their machine", async () => {
      await insertMachine(store().db, one);
      await saveHeard(store(), [heard(one, 0, 0)], THERE);
      await store().db.deleteFrom("machines").where("id", "=", one.id).execute();
      const { count } = await sql<{ count: number }>`select count(*) as count from hearings`
        .execute(store().db)
        .then(({ rows: [row] }) => row ?? { count: -1 });
      expect(Number(count)).toBe(0);
    });
  });
}

export function describeRowless(open: OpenStore): void {
  describe("machines without a row whose agents speak", () => {
    const store = useStore(open);
    const [a, b] = [parseProviderId("i-0000000a"), parseProviderId("i-0000000b")];
    const told = async (listener: string) => [...(await readRowlessElsewhere(store().db, listener))].sort();

    it("are told to every process but the one that told of them last", async () => {
      await saveRowless(store(), [], "there");
      await saveRowless(store(), [a, b], "there");
      await saveRowless(store(), [b], "here");
      expect(await told("here")).toEqual([a]);
      expect(await told("there")).toEqual([b]);
      expect(await told("elsewhere")).toEqual([a, b]);
    });

    it("are forgotten a minute after they were told of last", async () => {
      await saveRowless(store(), [a], "there");
      await store().db.updateTable("rowless_agents").set({ spoke_ms: 1 }).execute();
      expect(await told("here")).toEqual([]);
      await saveRowless(store(), [b], "there");
      expect(await store().db.selectFrom("rowless_agents").select("provider_id").execute()).toEqual([
        { provider_id: b },
      ]);
    });
  });
}
