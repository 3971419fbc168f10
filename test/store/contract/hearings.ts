import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { forgetHearing, readHeardElsewhere, saveTry, saveWord } from "../../../src/store/hearings.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import { sampleMachine } from "../samples.ts";

const [one, two] = [sampleMachine(1), sampleMachine(2)];
const NOW_MAX_MS = 10_000;

export function describeHearings(open: OpenStore): void {
  describe("hearings", () => {
    const store = useStore(open);
    const elsewhere = () => readHeardElsewhere(store().db, "here");

    async function letPass(ms: number): Promise<void> {
      await store()
        .db.updateTable("hearings")
        .set({ heard_ms: sql<number>`heard_ms - ${ms}`, stirred_ms: sql<number>`stirred_ms - ${ms}` })
        .execute();
    }

    it("tell each process of what others were the last to hear, and how long ago", async () => {
      await insertMachine(store().db, one);
      await insertMachine(store().db, two);
      await saveWord(store().db, one.id, "there");
      await saveWord(store().db, two.id, "here");
      await letPass(MINUTE_MS);
      const [heard, ...others] = await elsewhere();
      expect([heard?.machineId, others]).toEqual([one.id, []]);
      expect(heard?.heardForMs).toBeGreaterThanOrEqual(MINUTE_MS);
      expect(heard?.heardForMs).toBeLessThan(MINUTE_MS + NOW_MAX_MS);
      expect(heard?.stirredForMs).toBe(heard?.heardForMs);
      await saveWord(store().db, one.id, "here");
      expect(await elsewhere()).toEqual([]);
    });

    it("keep the last word where somebody was refused after it, and know of none where there was none", async () => {
      await insertMachine(store().db, one);
      await saveTry(store().db, one.id, "there");
      expect(await elsewhere()).toMatchObject([{ machineId: one.id, heardForMs: null }]);
      await saveWord(store().db, one.id, "there");
      await letPass(MINUTE_MS);
      await saveTry(store().db, one.id, "there");
      const [heard] = await elsewhere();
      expect(heard?.heardForMs).toBeGreaterThanOrEqual(MINUTE_MS);
      expect(heard?.stirredForMs).toBeLessThan(NOW_MAX_MS);
    });

    it("are of machines that have a row, until they are forgotten", async () => {
      await saveWord(store().db, one.id, "there");
      expect(await elsewhere()).toEqual([]);
      await insertMachine(store().db, one);
      await saveWord(store().db, one.id, "there");
      expect(await elsewhere()).toHaveLength(1);
      await forgetHearing(store().db, one.id);
      await forgetHearing(store().db, one.id);
      expect(await elsewhere()).toEqual([]);
    });
  });
}
