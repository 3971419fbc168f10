import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ALARM_FACTS, ALARM_KINDS, endingFact } from "../../../src/domain/alarm-facts.ts";
import type { EvidenceSource, Subject } from "../../../src/domain/evidence.ts";
import { DAY_MS, HOUR_MS } from "../../../src/domain/units.ts";
import { SafetyAnswer } from "../../../src/http/operators/answer-safety.ts";
import { createOperatorApp } from "../../../src/http/operators/app.ts";
import { createPagesApp } from "../../../src/http/pages/app.ts";
import { recordEvidence } from "../../../src/store/evidence/evidence.ts";
import { loadMachine } from "../../../src/store/machines/load.ts";
import { saveMachine } from "../../../src/store/machines/save.ts";
import type { Store } from "../../../src/store/store.ts";
import { machineSubject, ticketSubject } from "../../../src/store/subjects.ts";
import { machineId, ticketId } from "../../domain/builders.ts";
import { EVIL_NAME, openSampleStore, sampleSources } from "../sample-fleet.ts";
import { recordTelemetry, recordWakes } from "../stand-ins.ts";

const EVERYONE = { name: "everyone", role: "reader", token: null } as const;
const NOW_MS = Date.parse("2026-08-19T16:10:00.000Z");

let store: Store;
let app: Hono;
beforeEach(async () => {
  store = await openSampleStore();
  const options = { operators: [EVERYONE], sources: sampleSources(store), telemetry: recordTelemetry() };
  app = createOperatorApp({ ...options, wake: recordWakes() });
});
afterEach(() => store.close());

const read = async () => SafetyAnswer.parse(await (await app.request("/api/v1/safety")).json());
const note = (subject: Subject, source: EvidenceSource, agoMs: number, fact: string) =>
  recordEvidence(store.db, { subject, source, fact, observedAtMs: NOW_MS - agoMs });

describe("GET /safety", () => {
  it("counts endings by proof, refusals by whom, and what nobody can tell of", async () => {
    const safety = await read();
    expect(safety.endings).toEqual([
      { word: "parked", machines: 1, sentence: expect.stringMatching(/^It holds no ticket/) },
    ]);
    expect(safety.refusals).toEqual([
      {
        word: "awaits-report",
        by: "host",
        machines: 2,
        sentence: expect.stringMatching(/^Its agent has not reported/),
      },
    ]);
    expect(safety.unknown).toEqual({ count: 1, machines: [machineId(4)] });
    expect(safety.forced).toEqual([]);
    expect(safety.alarms).toEqual(ALARM_KINDS.map((kind) => ({ kind, count: 0 })));
    expect(safety.since).toBe("2026-08-18T16:10:00.000Z");
  });

  it("names a forced ending's operator, reason and jobs, and a limit where that forced it", async () => {
    const gone = await loadMachine(store.db, machineId(2));
    if (gone === null) throw new Error("the sample has machine 2");
    const forced = { operator: "alice", reason: `it hangs ${EVIL_NAME}`, atMs: NOW_MS };
    await saveMachine(store.db, { ...gone, forced, version: gone.version + 1 }, gone.version);
    await note(machineSubject(machineId(2)), "controller", HOUR_MS, endingFact("forced", null));
    await note(machineSubject(machineId(9)), "controller", 2 * HOUR_MS, endingFact("forced", "unknown past 6 h"));
    const safety = await read();
    expect(safety.forced).toMatchObject([
      { machineId: machineId(2), by: "alice", jobs: [{ id: 3, repository: "acme/widgets", conclusion: "failure" }] },
      { machineId: machineId(9), by: "limit unknown past 6 h", jobs: [] },
    ]);
    expect(safety.endings.find(({ word }) => word === "forced")?.machines).toBe(2);
    const pages = createPagesApp({
      operators: [EVERYONE],
      sources: sampleSources(store),
      telemetry: recordTelemetry(),
    });
    const html = await (await pages.request("/safety")).text();
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;red");
    expect(html).not.toContain("<script>alert");
  });

  it("counts each kind of alarm of the last day, a fact about a machine and its ticket once, and none of before", async () => {
    for (const kind of ALARM_KINDS) {
      const subjects =
        kind === "fence-contradicted"
          ? [ticketSubject(ticketId(1))]
          : [machineSubject(machineId(1)), ticketSubject(ticketId(1))];
      for (const subject of subjects) await note(subject, "agent", HOUR_MS, `${ALARM_FACTS[kind]} ${kind}`);
      await note(machineSubject(machineId(3)), "agent", DAY_MS + 1, `${ALARM_FACTS[kind]} ${kind}`);
    }
    const safety = await read();
    expect(safety.alarms).toEqual(ALARM_KINDS.map((kind) => ({ kind, count: 1 })));
    expect(new Set(safety.alarming.map(({ kind }) => kind))).toEqual(new Set(ALARM_KINDS));
  });
});

describe("GET /status", () => {
  it("says how fresh each source is, and which agents are silent", async () => {
    const answer = (await (await app.request("/api/v1/status")).json()) as never as {
      pools: { name: string; agents: unknown; listing: unknown; breakers: unknown[] }[];
      connections: { deliveredAt: string | null }[];
    };
    const [linux] = answer.pools;
    expect(linux).toMatchObject({
      agents: { heard: 4, silent: 1, quietSince: "2026-08-19T16:05:00.000Z" },
      listing: null,
      breakers: [],
    });
    expect(answer.connections[0]?.deliveredAt).toBe("2026-08-19T16:10:00.000Z");
  });

  it("tells a pause with its reason, when the provider was listed, and an explained job when it is tried", async () => {
    const untilMs = NOW_MS + 90_000;
    const readPool = () => ({
      listedAtMs: NOW_MS - 1_000,
      isListingFailing: false,
      pauses: [{ what: "launches" as const, reason: "provider-quota" as const, untilMs }],
    });
    const sources = sampleSources(store, { readPool });
    app = createOperatorApp({ operators: [EVERYONE], sources, telemetry: recordTelemetry(), wake: recordWakes() });
    const status = (await (await app.request("/api/v1/status")).json()) as { pools: object[] };
    expect(status.pools[0]).toMatchObject({
      listing: { at: "2026-08-19T16:09:59.000Z", isFailing: false },
      pauses: [{ what: "launches", because: { reason: "provider-quota" }, until: "2026-08-19T16:11:30.000Z" }],
    });
    const told = (await (await app.request("/api/v1/explain/42")).json()) as { next: object };
    expect(told.next).toMatchObject({ at: "2026-08-19T16:11:30.000Z" });
  });
});
