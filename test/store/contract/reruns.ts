import { describe, expect, it } from "vitest";
import { parseConnectionName, parseJobId } from "../../../src/domain/ids.ts";
import type { Rerun, RerunState } from "../../../src/domain/rerun.ts";
import { DAY_MS } from "../../../src/domain/units.ts";
import { listDueReruns, loadRerun } from "../../../src/store/reruns/load.ts";
import { insertRerun, saveRerun } from "../../../src/store/reruns/save.ts";
import { deleteExpired } from "../../../src/store/retention.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import { connection, NOW_MS, pool } from "../samples.ts";

const DUE = { kind: "due", nextAtMs: NOW_MS, waitsFor: "not-looked" } as const satisfies RerunState;
const STATES: readonly RerunState[] = [
  DUE,
  { kind: "asked", attempt: 2, sinceMs: NOW_MS },
  { kind: "over", outcome: "runs-already", sinceMs: NOW_MS },
];

export function sampleRerun(number: number, overrides: Partial<Rerun> = {}): Rerun {
  return {
    connection,
    repository: "acme/widgets",
    runId: 30_433_642,
    jobName: `build (${number})`,
    jobId: parseJobId(399_444_496 + number),
    runAttempt: 1,
    wasOver: false,
    pool,
    lostAtMs: NOW_MS,
    wish: null,
    lookCount: 0,
    state: DUE,
    version: 1,
    ...overrides,
  };
}

function nameOf({ connection: name, runId, jobName }: Rerun) {
  return { connection: name, runId, name: jobName };
}

export function describeReruns(open: OpenStore): void {
  describe("jobs that are to run again", () => {
    const store = useStore(open);
    const add = (rerun: Rerun) => insertRerun(store().db, rerun);
    const due = async (nowMs: number, limitCount = 9) =>
      (await listDueReruns(store().db, connection, { nowMs, limitCount })).map(({ jobName }) => jobName);

    it.each(STATES)("come back as they were written, $kind", async (state) => {
      const rerun = sampleRerun(1, { state, wasOver: true, lookCount: 3, runAttempt: 2 });
      expect(await add(rerun)).toBe(true);
      expect(await loadRerun(store().db, nameOf(rerun))).toEqual(rerun);
    });

    it("come back with who wanted it, and why", async () => {
      for (const [number, reason] of [
        [1, "spot took it back"],
        [2, ""],
      ] as const) {
        const rerun = sampleRerun(number, { wish: { operator: "alice", reason } });
        await add(rerun);
        expect(await loadRerun(store().db, nameOf(rerun))).toEqual(rerun);
      }
    });

    it("are there once for each run and name, whatever the attempt", async () => {
      const first = sampleRerun(1);
      await add(first);
      expect(await add(sampleRerun(1, { jobId: parseJobId(7), runAttempt: 2 }))).toBe(false);
      expect(await loadRerun(store().db, nameOf(first))).toEqual(first);
      expect(await add(sampleRerun(1, { runId: 1 }))).toBe(true);
      expect(await add(sampleRerun(1, { connection: parseConnectionName("other") }))).toBe(true);
    });

    it("are listed once they are due, the longest due first", async () => {
      await add(sampleRerun(1, { state: { ...DUE, nextAtMs: NOW_MS + 2 } }));
      await add(sampleRerun(2, { state: { ...DUE, nextAtMs: NOW_MS + 1 } }));
      await add(sampleRerun(3, { state: { ...DUE, nextAtMs: NOW_MS + 3 } }));
      await add(sampleRerun(4, { state: { kind: "asked", attempt: 2, sinceMs: NOW_MS } }));
      await add(sampleRerun(5, { connection: parseConnectionName("other") }));
      expect(await due(NOW_MS)).toEqual([]);
      expect(await due(NOW_MS + 2)).toEqual(["build (2)", "build (1)"]);
      expect(await due(NOW_MS + 9, 1)).toEqual(["build (2)"]);
    });

    it("are changed by whoever read them last", async () => {
      const read = sampleRerun(1);
      await add(read);
      const asked: Rerun = { ...read, state: { kind: "asked", attempt: 2, sinceMs: NOW_MS } };
      expect(await saveRerun(store().db, asked)).toBe(true);
      expect(await saveRerun(store().db, { ...read, lookCount: 1 })).toBe(false);
      expect(await loadRerun(store().db, nameOf(read))).toEqual({ ...asked, version: 2 });
      expect(await due(NOW_MS)).toEqual([]);
    });

    it("are forgotten once GitHub would run them again no more", async () => {
      const rerun = sampleRerun(1);
      await add(rerun);
      await deleteExpired(store().db, { beforeMs: NOW_MS + 30 * DAY_MS });
      expect(await loadRerun(store().db, nameOf(rerun))).not.toBeNull();
      await deleteExpired(store().db, { beforeMs: NOW_MS + 30 * DAY_MS + 1 });
      expect(await loadRerun(store().db, nameOf(rerun))).toBeNull();
    });
  });
}
