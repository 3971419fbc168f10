import { describe, expect, it } from "vitest";
import { listDraftedBeside, listOpenLaunches, loadLaunch } from "../../../src/store/launches/load.ts";
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

    it("lists a pool's others that were drafted, and are open or were closed since", async () => {
      const drafted = (number: number, change: Partial<LaunchRow>) => sampleLaunch(number, { order: "{}", ...change });
      const done = drafted(2, { state: "done", answeredAtMs: NOW_MS + 5 });
      const refused = drafted(4, { state: "refused", answeredAtMs: NOW_MS });
      const others = [
        drafted(5, { pool: otherPool }),
        drafted(6, { state: "done", answeredAtMs: NOW_MS - 1 }),
        drafted(7, { state: "done" }),
        sampleLaunch(8, { state: "done", answeredAtMs: NOW_MS }),
        sampleLaunch(9),
      ];
      for (const row of [drafted(1, {}), done, refused, ...others]) await insertLaunch(store().db, row);
      const beside = (number: number) => listDraftedBeside(store().db, sampleLaunch(number), NOW_MS);
      expect(await beside(9)).toEqual([drafted(1, {}), refused, done]);
      expect(await beside(2)).toEqual([drafted(1, {}), refused]);
      expect(await beside(1)).toEqual([refused, done]);
    });
  });
}
