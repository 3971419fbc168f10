import { describe, expect, it } from "vitest";
import { parseConnectionName, parseJobId } from "../../../src/domain/ids.ts";
import { countJobsByStatus, countQueuedByPool } from "../../../src/store/jobs/count.ts";
import {
  listOpenJobsOfRepository,
  listQueuedAndUnroutedJobs,
  listQueuedJobs,
  listQueuedJobsOfPool,
  listRecentJobs,
  listRepositoriesWithOpenJobs,
} from "../../../src/store/jobs/list.ts";
import { findJobById, findJobsByRunnerNames, listKnownJobs, loadJob } from "../../../src/store/jobs/load.ts";
import type { JobRow } from "../../../src/store/jobs/row.ts";
import { saveJob } from "../../../src/store/jobs/save.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import { connection, NOW_MS, otherPool, pool, sampleJobRow } from "../samples.ts";

const ids = (rows: readonly JobRow[]) => rows.map((row) => row.job.id);

export function describeJobSaves(open: OpenStore): void {
  describe("saving jobs", () => {
    const store = useStore(open);

    it("inserts as version 1, once", async () => {
      const row = sampleJobRow(1, {}, { version: 77 });
      expect(await saveJob(store().db, row, null, NOW_MS + 5)).toBe(true);
      expect(await saveJob(store().db, sampleJobRow(1, { name: "other" }), null, NOW_MS)).toBe(false);
      const stored = await loadJob(store().db, connection, row.job.id);
      expect(stored).toEqual({ ...row, version: 1, updatedAtMs: NOW_MS + 5 });
    });

    it("writes over the version that was read, and over no other", async () => {
      await saveJob(store().db, sampleJobRow(1), null, NOW_MS);
      const next = sampleJobRow(1, { status: "completed", conclusion: "success" }, { ticketCount: 2 });
      expect(await saveJob(store().db, next, 1, NOW_MS + 1)).toBe(true);
      expect(await saveJob(store().db, sampleJobRow(1), 1, NOW_MS + 2)).toBe(false);
      expect(await saveJob(store().db, sampleJobRow(2), 1, NOW_MS + 2)).toBe(false);
      const stored = await loadJob(store().db, connection, next.job.id);
      expect(stored).toEqual({ ...next, version: 2, updatedAtMs: NOW_MS + 1 });
    });

    it("keeps the same number of two connections apart", async () => {
      const ghes = parseConnectionName("ghes");
      await saveJob(store().db, sampleJobRow(1), null, NOW_MS);
      await saveJob(store().db, sampleJobRow(1, { connection: ghes }), null, NOW_MS);
      const found = await findJobById(store().db, parseJobId(1));
      expect(found.map((row) => row.job.connection)).toEqual(["ghes", "github"]);
      expect(await saveJob(store().db, sampleJobRow(1, { connection: ghes, name: "new" }), 1, NOW_MS)).toBe(true);
      expect((await loadJob(store().db, connection, parseJobId(1)))?.job.name).toBe("test");
      expect(await findJobById(store().db, parseJobId(2))).toEqual([]);
      expect(await loadJob(store().db, ghes, parseJobId(2))).toBeNull();
    });
  });
}

export function describeJobLists(open: OpenStore): void {
  describe("lists of jobs", () => {
    const store = useStore(open);
    const add = async (...rows: readonly JobRow[]) => {
      for (const row of rows) expect(await saveJob(store().db, row, null, NOW_MS)).toBe(true);
    };

    it("has the open jobs of a repository that a pool took, and the repositories that have any", async () => {
      const statuses = ["waiting", "queued", "in_progress", "completed"] as const;
      await add(
        ...statuses.map((status, index) => sampleJobRow(index + 1, { status, repository: "acme/widgets" }, { pool })),
        sampleJobRow(5, { repository: "acme/widgets" }, { pool: null }),
        sampleJobRow(6, { repository: "acme/rockets" }, { pool }),
        sampleJobRow(7, { repository: "acme/elsewhere", connection: parseConnectionName("ghes") }, { pool }),
      );
      expect(ids(await listOpenJobsOfRepository(store().db, connection, "acme/widgets")).sort()).toEqual([1, 2, 3]);
      const repositories = await listRepositoriesWithOpenJobs(store().db, connection);
      expect([...repositories].sort()).toEqual(["acme/rockets", "acme/widgets"]);
      const asked = [1, 5, 7, 99].map(parseJobId);
      expect([...(await listKnownJobs(store().db, connection, asked))].sort()).toEqual([1, 5]);
    });

    it("lists the queued oldest first: routed, of a pool, and all", async () => {
      await add(
        sampleJobRow(5, { createdAtMs: NOW_MS }),
        sampleJobRow(4, { createdAtMs: NOW_MS }),
        sampleJobRow(3, {}, { pool: otherPool }),
        sampleJobRow(1, {}, { pool: null }),
        sampleJobRow(6, { status: "in_progress" }),
        sampleJobRow(7, { status: "waiting" }),
      );
      expect(ids(await listQueuedJobs(store().db, 9))).toEqual([4, 5, 3]);
      expect(ids(await listQueuedJobs(store().db, 2))).toEqual([4, 5]);
      expect(ids(await listQueuedJobsOfPool(store().db, pool, 9))).toEqual([4, 5]);
      expect(ids(await listQueuedJobsOfPool(store().db, pool, 1))).toEqual([4]);
      expect(ids(await listQueuedAndUnroutedJobs(store().db, 9))).toEqual([4, 5, 1, 3]);
      expect(await countQueuedByPool(store().db)).toEqual(
        new Map([
          [pool, 2],
          [otherPool, 1],
        ]),
      );
      expect(await countJobsByStatus(store().db)).toEqual({ waiting: 1, queued: 4, in_progress: 1, completed: 0 });
    });

    it("lists the newest first, of all statuses or of some", async () => {
      await add(sampleJobRow(1), sampleJobRow(2, { status: "completed" }), sampleJobRow(3), sampleJobRow(4));
      await add(sampleJobRow(5, { status: "in_progress" }));
      expect(ids(await listRecentJobs(store().db, { limitCount: 3 }))).toEqual([5, 4, 3]);
      const some = { limitCount: 2, statuses: ["queued", "completed"] as const };
      expect(ids(await listRecentJobs(store().db, some))).toEqual([4, 3]);
      expect(ids(await listRecentJobs(store().db, { ...some, limitCount: 9 }))).toEqual([4, 3, 2, 1]);
      expect(await listRecentJobs(store().db, { limitCount: 9, statuses: [] })).toEqual([]);
    });

    it("finds jobs by the names of their runners, however many names", async () => {
      await add(...[1, 2, 3].map((number) => sampleJobRow(number, { runnerName: `hf-${number}` })));
      const names = Array.from({ length: 700 }, (_, index) => `none-${index}`);
      const found = await findJobsByRunnerNames(store().db, ["hf-1", "hf-1", ...names, "hf-3"]);
      expect(ids(found).sort()).toEqual([1, 3]);
      expect(await findJobsByRunnerNames(store().db, [])).toEqual([]);
    });
  });
}
