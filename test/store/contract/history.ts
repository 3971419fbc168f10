import { describe, expect, it } from "vitest";
import type { EvidenceSource } from "../../../src/domain/evidence.ts";
import type { ReasonCode } from "../../../src/domain/reasons.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import {
  findNewDecisions,
  isNothingNew,
  latestDecisions,
  listDecisions,
  recordDecision,
  writeDecisions,
} from "../../../src/store/evidence/decisions.ts";
import { listEvidence, recordEvidence } from "../../../src/store/evidence/evidence.ts";
import { listLogs, saveLogs } from "../../../src/store/logs/logs.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import { jobSubject, machineSubject, poolSubject, ticketSubject } from "../../../src/store/subjects.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import { connection, machineIdOf, NOW_MS, pool, sampleJob, sampleMachine, ticketIdOf } from "../samples.ts";

const subject = machineSubject(machineIdOf(1));
const seen = (fact: string, atMs: number, source: EvidenceSource = "agent") => ({
  subject,
  source,
  fact,
  observedAtMs: atMs,
});

export function describeEvidence(open: OpenStore): void {
  describe("evidence", () => {
    const store = useStore(open);
    const facts = async () =>
      (await listEvidence(store().db, subject, 9)).map(
        ({ source, fact, observedAtMs, confirmedAtMs }) => `${source} ${fact} ${observedAtMs} ${confirmedAtMs}`,
      );

    it("appends what is new of its source, and only confirms what is not, never backwards", async () => {
      await recordEvidence(store().db, seen("parked", 1));
      await recordEvidence(store().db, seen("running", 2, "provider"));
      await recordEvidence(store().db, seen("parked", 5));
      await recordEvidence(store().db, seen("parked", 4));
      expect(await facts()).toEqual(["provider running 2 2", "agent parked 1 5"]);
      await recordEvidence(store().db, seen("engaged", 6));
      await recordEvidence(store().db, seen("parked", 7));
      expect(await facts()).toEqual([
        "agent parked 7 7",
        "agent engaged 6 6",
        "provider running 2 2",
        "agent parked 1 5",
      ]);
      expect(await listEvidence(store().db, subject, 1)).toEqual([{ ...seen("parked", 7), confirmedAtMs: 7 }]);
    });

    it("keeps subjects apart, by kind too", async () => {
      const subjects = [
        subject,
        ticketSubject(ticketIdOf(1)),
        poolSubject(pool),
        jobSubject(connection, sampleJob(1).id),
        { kind: "delivery", id: subject.id } as const,
      ];
      for (const each of subjects) await recordEvidence(store().db, { ...seen("same", 1), subject: each });
      for (const each of subjects) expect(await listEvidence(store().db, each, 9)).toHaveLength(1);
      expect(jobSubject(connection, sampleJob(1).id)).toEqual({ kind: "job", id: "github/1" });
    });
  });
}

export function describeDecisions(open: OpenStore): void {
  describe("decisions", () => {
    const store = useStore(open);
    const decided = (number: number, reason: ReasonCode, atMs: number) => ({
      subject: machineSubject(machineIdOf(number)),
      action: "keep",
      reason,
      decidedAtMs: atMs,
    });
    const list = async () =>
      (await listDecisions(store().db, subject, 9)).map((each) => [each.reason, each.decidedAtMs, each.confirmedAtMs]);
    const recordAll = async (decisions: readonly ReturnType<typeof decided>[]) => {
      const news = await findNewDecisions(store().db, decisions);
      await writeDecisions(store().db, news);
      return !isNothingNew(news);
    };

    it("appends what changed, and only confirms what did not, once a minute", async () => {
      const laterMs = NOW_MS + MINUTE_MS;
      await recordDecision(store().db, decided(1, "booting", NOW_MS));
      await recordDecision(store().db, decided(1, "booting", laterMs - 1));
      expect(await list()).toEqual([["booting", NOW_MS, NOW_MS]]);
      await recordDecision(store().db, decided(1, "booting", laterMs));
      await recordDecision(store().db, { ...decided(1, "booting", laterMs + 1), action: "retire" });
      await recordDecision(store().db, decided(1, "kept-warm", laterMs + 2));
      expect(await list()).toEqual([
        ["kept-warm", laterMs + 2, laterMs + 2],
        ["booting", laterMs + 1, laterMs + 1],
        ["booting", NOW_MS, laterMs],
      ]);
    });

    it("writes for a fleet what changed, and confirms once a minute", async () => {
      const fleet = (reason: ReasonCode, atMs: number) => [2, 1, 3].map((number) => decided(number, reason, atMs));
      expect(await recordAll(fleet("booting", NOW_MS))).toBe(true);
      expect(await recordAll(fleet("booting", NOW_MS + MINUTE_MS - 1))).toBe(false);
      expect(await list()).toEqual([["booting", NOW_MS, NOW_MS]]);
      expect(await recordAll(fleet("booting", NOW_MS + MINUTE_MS))).toBe(true);
      expect(await list()).toEqual([["booting", NOW_MS, NOW_MS + MINUTE_MS]]);
      expect(await recordAll([decided(1, "kept-warm", NOW_MS + MINUTE_MS + 1)])).toBe(true);
      expect(await list()).toHaveLength(2);
      expect(await recordAll([])).toBe(false);
    });

    it("tells the latest of each subject, however many are asked for", async () => {
      const numbers = Array.from({ length: 300 }, (_, index) => index);
      for (const reason of ["booting", "kept-warm"] as const)
        await recordAll(numbers.map((number) => decided(number, reason, NOW_MS)));
      const subjects = [...numbers.map((number) => machineSubject(machineIdOf(number))), poolSubject(pool)];
      const latest = await latestDecisions(store().db, [...subjects, subject]);
      expect(latest.size).toBe(300);
      expect(latest.get(`machine:${subject.id}`)).toEqual({
        ...decided(1, "kept-warm", NOW_MS),
        confirmedAtMs: NOW_MS,
      });
      expect([...latest.values()].every(({ reason }) => reason === "kept-warm")).toBe(true);
    });
  });
}

export function describeLogs(open: OpenStore): void {
  describe("logs", () => {
    const store = useStore(open);

    it("keeps the last of each name, by ticket", async () => {
      const machineId = machineIdOf(1);
      const saved = { machineId, ticketId: ticketIdOf(1), savedAtMs: 1 };
      await insertMachine(store().db, sampleMachine(1));
      await saveLogs(store().db, { ...saved, logs: [{ name: "runner", lines: ["first"] }] });
      await saveLogs(store().db, { ...saved, savedAtMs: 2, logs: [{ name: "runner", lines: ["a", "b"] }] });
      await saveLogs(store().db, { ...saved, ticketId: null, logs: [{ name: "agent", lines: [] }] });
      expect(await listLogs(store().db, machineId)).toEqual([
        { ...saved, ticketId: null, name: "agent", lines: [] },
        { ...saved, savedAtMs: 2, name: "runner", lines: ["a", "b"] },
      ]);
      expect(await listLogs(store().db, machineIdOf(2))).toEqual([]);
    });
  });
}
