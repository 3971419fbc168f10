import { describe, expect, it } from "vitest";
import { findDraftedBeside, listOpenLaunches, loadLaunch } from "../../../src/store/launches/load.ts";
import type { LaunchRow } from "../../../src/store/launches/row.ts";
import { insertLaunch, saveLaunch } from "../../../src/store/launches/save.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import { NOW_MS, otherPool, pool, sampleLaunch } from "../samples.ts";

export function describeLaunches(open: OpenStore): void {
  describe("launches", () => {
    const store = useStore(open);

    it("writes over the version that was read, and over no other", async () => {
      const launch = sampleLaunch(1);
      await insertLaunch(store().db, launch);
      await expect(insertLaunch(store().db, launch)).rejects.toThrow("broken invariant");
      const retried = { ...launch, attemptCount: 1, nextAttemptAtMs: NOW_MS + 9, error: "timed out" };
      expect(await saveLaunch(store().db, retried, 1)).toBe(true);
      expect(await saveLaunch(store().db, { ...launch, state: "done" }, 1)).toBe(false);
      expect(await loadLaunch(store().db, launch.id)).toEqual({ ...retried, version: 2 });
      expect(await loadLaunch(store().db, sampleLaunch(2).id)).toBeNull();
    });

    it("lists the open ones of a pool, oldest first", async () => {
      await insertLaunch(store().db, sampleLaunch(2));
      await insertLaunch(store().db, sampleLaunch(1));
      await insertLaunch(store().db, sampleLaunch(3, { state: "done" }));
      await insertLaunch(store().db, sampleLaunch(4, { pool: otherPool }));
      const open = await listOpenLaunches(store().db, pool);
      expect(open).toEqual([sampleLaunch(1), sampleLaunch(2)]);
    });

    it("finds the newest of a pool that was drafted, open or done, besides one", async () => {
      const drafted = (number: number, change: Partial<LaunchRow>) => sampleLaunch(number, { order: "{}", ...change });
      const done = drafted(2, { state: "done", answeredAtMs: NOW_MS + 5 });
      const rows = [
        drafted(1, {}),
        done,
        drafted(4, { state: "refused" }),
        drafted(5, { pool: otherPool }),
        sampleLaunch(6, { state: "done" }),
        sampleLaunch(9),
      ];
      const beside = (number: number) => findDraftedBeside(store().db, sampleLaunch(number));
      expect(await beside(9)).toBeNull();
      for (const row of rows) await insertLaunch(store().db, row);
      expect(await beside(9)).toEqual(done);
      expect(await beside(2)).toEqual(drafted(1, {}));
      await insertLaunch(store().db, drafted(3, {}));
      expect(await beside(9)).toEqual(drafted(3, {}));
    });
  });
}
