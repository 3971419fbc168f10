import { describe, expect, it } from "vitest";
import { parseIncarnationId, parseProviderId } from "../../../src/domain/ids.ts";
import { type Machine, moveMachine } from "../../../src/domain/machine.ts";
import { countMachinesByPoolAndState, countPresentByPool } from "../../../src/store/machines/count.ts";
import { recordAgentSeen, recordIncarnation, recordReport } from "../../../src/store/machines/heard.ts";
import { listMachines, listMachinesInState, listMachinesOfPool } from "../../../src/store/machines/list.ts";
import { findMachineByProviderId, loadMachine } from "../../../src/store/machines/load.ts";
import { listMachinesWithNews, markAttended } from "../../../src/store/machines/news.ts";
import { insertMachine, saveMachine } from "../../../src/store/machines/save.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import { machineState, machineStates, NOW_MS, otherPool, parkedReport, pool, sampleMachine } from "../samples.ts";

const ids = (machines: readonly Machine[]) => machines.map((machine) => machine.id);
const [one, two, three] = [sampleMachine(1), sampleMachine(2), sampleMachine(3)];

export function describeMachines(open: OpenStore): void {
  describe("machines", () => {
    const store = useStore(open);

    it("takes what the domain moved, over the version it was moved from only", async () => {
      await insertMachine(store().db, one);
      const retiring = moveMachine(one, { kind: "retired", reason: "surplus" }, NOW_MS + 1);
      expect(await saveMachine(store().db, retiring, 1)).toBe(true);
      expect(await saveMachine(store().db, { ...one, version: 2, ticketsGiven: 9 }, 1)).toBe(false);
      expect(await loadMachine(store().db, one.id)).toEqual(retiring);
      await expect(saveMachine(store().db, retiring, 2)).rejects.toThrow("moves by one");
      await expect(insertMachine(store().db, one)).rejects.toThrow("broken invariant");
      expect(await loadMachine(store().db, two.id)).toBeNull();
    });

    it("keeps every state as it is", async () => {
      for (const [index, state] of machineStates.entries()) {
        const machine = sampleMachine(index, { state });
        await insertMachine(store().db, machine);
        expect(await loadMachine(store().db, machine.id)).toEqual(machine);
      }
    });

    it("finds by the provider's id the one that may exist, else the newest", async () => {
      const providerId = parseProviderId("i-7");
      const gone = { ...machineState("gone"), providerId } as Machine["state"];
      expect(await findMachineByProviderId(store().db, providerId)).toBeNull();
      await insertMachine(store().db, sampleMachine(1, { state: gone }));
      await insertMachine(store().db, sampleMachine(3, { state: gone }));
      expect((await findMachineByProviderId(store().db, providerId))?.id).toBe(three.id);
      await insertMachine(store().db, sampleMachine(2, { state: { kind: "parked", providerId, sinceMs: NOW_MS } }));
      expect((await findMachineByProviderId(store().db, providerId))?.id).toBe(two.id);
    });

    it("lists newest first, with or without the gone; in a state, the longest there first", async () => {
      await insertMachine(store().db, sampleMachine(1, { state: { ...machineState("parked"), sinceMs: NOW_MS + 9 } }));
      await insertMachine(store().db, two);
      await insertMachine(store().db, sampleMachine(3, { state: machineState("gone") }));
      await insertMachine(store().db, sampleMachine(4, { pool: otherPool, state: machineState("planned") }));
      const present = { includeGone: false, limitCount: 9 };
      expect(ids(await listMachines(store().db, present))).toEqual([sampleMachine(4).id, two.id, one.id]);
      expect(ids(await listMachinesOfPool(store().db, pool, present))).toEqual([two.id, one.id]);
      const all = { includeGone: true, limitCount: 2 };
      expect(ids(await listMachinesOfPool(store().db, pool, all))).toEqual([three.id, two.id]);
      expect(ids(await listMachinesInState(store().db, pool, "parked"))).toEqual([two.id, one.id]);
      expect(await countPresentByPool(store().db)).toEqual(new Map([[pool, 2]]).set(otherPool, 1));
      expect(await countMachinesByPoolAndState(store().db)).toEqual([
        { pool, state: "gone", count: 1 },
        { pool, state: "parked", count: 2 },
        { pool: otherPool, state: "planned", count: 1 },
      ]);
    });
  });
}

const first = parseIncarnationId("first");
const second = parseIncarnationId("second");
const heard = { machineId: one.id, incarnation: first, sequence: 1, report: parkedReport };
const busy = { ...parkedReport, sighting: { kind: "seen", hasListener: true, workerCount: 1 } } as const;

export function describeHeard(open: OpenStore): void {
  describe("what agents say", () => {
    const store = useStore(open);
    const stored = () => loadMachine(store().db, one.id);

    it("notes once that an agent was seen", async () => {
      await insertMachine(store().db, one);
      for (let count = 0; count < 3; count += 1) await recordAgentSeen(store().db, one.id);
      await recordAgentSeen(store().db, two.id);
      expect(await stored()).toEqual({ ...one, isAgentSeen: true, version: 2 });
    });

    it("starts a new incarnation from nothing, and keeps what the same one has said", async () => {
      expect(await recordIncarnation(store().db, one.id, first)).toBe(false);
      await insertMachine(store().db, one);
      expect(await recordIncarnation(store().db, one.id, first)).toBe(true);
      expect(await recordReport(store().db, heard)).toMatchObject({ outcome: "recorded" });
      await recordIncarnation(store().db, one.id, first);
      expect(await stored()).toMatchObject({ incarnation: first, sequence: 1, report: parkedReport, version: 4 });
      await recordIncarnation(store().db, one.id, second);
      expect(await stored()).toMatchObject({ incarnation: second, sequence: 0, report: null, isAgentSeen: true });
      expect(await recordReport(store().db, { ...heard, sequence: 9 })).toMatchObject({
        outcome: "unknown-incarnation",
      });
      expect(await recordReport(store().db, { ...heard, machineId: two.id })).toMatchObject({
        outcome: "unknown-machine",
      });
    });

    it("writes a report that says something new, and no older one", async () => {
      await insertMachine(store().db, { ...one, incarnation: first });
      expect(await recordReport(store().db, { ...heard, sequence: 5 })).toMatchObject({ outcome: "recorded" });
      expect(await recordReport(store().db, { ...heard, sequence: 5, report: busy })).toMatchObject({
        outcome: "stale",
      });
      expect(await recordReport(store().db, { ...heard, sequence: 4, report: busy })).toMatchObject({
        outcome: "stale",
      });
      expect(await recordReport(store().db, { ...heard, sequence: 6, report: busy })).toMatchObject({
        outcome: "recorded",
      });
      expect(await stored()).toMatchObject({ sequence: 6, report: busy, version: 3 });
    });

    it("writes nothing where nothing changed, except for a machine that retires", async () => {
      await insertMachine(store().db, { ...one, incarnation: first, sequence: 1, report: parkedReport });
      const { sighting, ended, ticket, phase, fence, stillness } = parkedReport;
      const sameInOtherOrder = { fence, stillness, sighting, ended, ticket, phase };
      expect(await recordReport(store().db, { ...heard, sequence: 2, report: sameInOtherOrder })).toMatchObject({
        outcome: "unchanged",
      });
      expect(await stored()).toMatchObject({ sequence: 1, version: 1 });
      await saveMachine(store().db, moveMachine((await stored())!, { kind: "retired", reason: "surplus" }, NOW_MS), 1);
      expect(await recordReport(store().db, { ...heard, sequence: 3 })).toMatchObject({ outcome: "recorded" });
      expect(await stored()).toMatchObject({ sequence: 3, version: 3, report: parkedReport });
    });
  });
}

export function describeNews(open: OpenStore): void {
  describe("what agents say next", () => {
    const store = useStore(open);
    const stored = () => loadMachine(store().db, one.id);

    it("lists as news what was recorded, until that very report is attended to", async () => {
      const news = async () => ids(await listMachinesWithNews(store().db, pool, 9));
      await insertMachine(store().db, { ...one, incarnation: first });
      await insertMachine(store().db, two);
      expect(await news()).toEqual([]);
      await recordReport(store().db, heard);
      await recordReport(store().db, { ...heard, sequence: 2, report: busy });
      await markAttended(store().db, one.id, 1);
      expect(await news()).toEqual([one.id]);
      expect(await listMachinesWithNews(store().db, otherPool, 9)).toEqual([]);
      await markAttended(store().db, one.id, 2);
      expect(await news()).toEqual([]);
      await recordReport(store().db, { ...heard, sequence: 3 });
      await recordIncarnation(store().db, one.id, first);
      expect(await news()).toEqual([one.id]);
      await recordIncarnation(store().db, one.id, second);
      expect(await news()).toEqual([]);
    });

    it("takes whatever a new incarnation says as said after the machine began to retire", async () => {
      await insertMachine(store().db, { ...one, state: machineState("retiring"), incarnation: first, sequence: 3 });
      await recordIncarnation(store().db, one.id, first);
      expect(await stored()).toMatchObject({ sequence: 3, state: { heardSequence: 3 } });
      await recordIncarnation(store().db, one.id, second);
      expect(await stored()).toMatchObject({ sequence: 0, state: { heardSequence: 0 } });
    });

    it("takes each of many reports at once in some order, and ends with the latest", async () => {
      await insertMachine(store().db, { ...one, incarnation: first });
      const sequences = [3, 1, 5, 2, 4];
      const report = (sequence: number) => ({ ...busy, sighting: { ...busy.sighting, workerCount: sequence } });
      await Promise.all(
        sequences.map((sequence) => recordReport(store().db, { ...heard, sequence, report: report(sequence) })),
      );
      expect(await stored()).toMatchObject({ sequence: 5, report: report(5) });
    });
  });
}
