import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadJob } from "../../../src/store/jobs/load.ts";
import { saveJob } from "../../../src/store/jobs/save.ts";
import { loadMachine } from "../../../src/store/machines/load.ts";
import { insertMachine, saveMachine } from "../../../src/store/machines/save.ts";
import type { Queryable } from "../../../src/store/schema.ts";
import type { Store } from "../../../src/store/store.ts";
import { loadTicket } from "../../../src/store/tickets/load.ts";
import { insertTicket, saveTicket } from "../../../src/store/tickets/save.ts";
import { inTransaction } from "../../../src/store/transaction.ts";
import { anyJobRow, anyMachine, anyTicket } from "../arbitraries.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import { sampleMachine } from "../samples.ts";

const RUNS = { numRuns: 60 };

/** Undoes what a case wrote, so that cases do not meet each other's rows. */
async function undone(store: Store, check: (tx: Queryable) => Promise<void>): Promise<void> {
  const undo = new Error("undo");
  const write = inTransaction(store, async (tx) => {
    await check(tx);
    throw undo;
  });
  await expect(write).rejects.toBe(undo);
}

/** A version can be moved by one. */
const movable = <Row extends { readonly version: number }>(row: Row) => ({ ...row, version: row.version % 1_000_000 });

export function describeRoundTrips(open: OpenStore): void {
  describe("what is stored comes back the same", () => {
    const store = useStore(open);

    it("for any job", async () => {
      const check = async (first: typeof anyJobRow extends fc.Arbitrary<infer Row> ? Row : never, tx: Queryable) => {
        expect(await saveJob(tx, first, null, first.updatedAtMs)).toBe(true);
        expect(await loadJob(tx, first.job.connection, first.job.id)).toEqual({ ...first, version: 1 });
      };
      const property = fc.asyncProperty(anyJobRow, anyJobRow, async (first, second) =>
        undone(store(), async (tx) => {
          await check(first, tx);
          const { id, connection } = first.job;
          const next = { ...second, job: { ...second.job, id, connection } };
          expect(await saveJob(tx, next, 1, next.updatedAtMs)).toBe(true);
          expect(await loadJob(tx, connection, id)).toEqual({ ...next, version: 2 });
        }),
      );
      await fc.assert(property, RUNS);
    });

    it("for any machine", async () => {
      const property = fc.asyncProperty(anyMachine.map(movable), anyMachine, async (first, second) =>
        undone(store(), async (tx) => {
          await insertMachine(tx, first);
          expect(await loadMachine(tx, first.id)).toEqual(first);
          const next = { ...second, id: first.id, version: first.version + 1 };
          expect(await saveMachine(tx, next, first.version)).toBe(true);
          expect(await loadMachine(tx, first.id)).toEqual(next);
        }),
      );
      await fc.assert(property, RUNS);
    });

    it("for any ticket", async () => {
      const property = fc.asyncProperty(anyTicket.map(movable), anyTicket, async (first, second) =>
        undone(store(), async (tx) => {
          await insertMachine(tx, sampleMachine(1, { id: first.machineId }));
          await insertTicket(tx, first);
          expect(await loadTicket(tx, first.id)).toEqual(first);
          const next = { ...second, id: first.id, machineId: first.machineId, version: first.version + 1 };
          expect(await saveTicket(tx, next, first.version)).toBe(true);
          expect(await loadTicket(tx, first.id)).toEqual(next);
        }),
      );
      await fc.assert(property, RUNS);
    });
  });
}
