import { describe, expect, it } from "vitest";
import type { ConnectionName, JobId } from "../../../src/domain/ids.ts";
import type { Machine } from "../../../src/domain/machine.ts";
import { isTicketLive, type RegistrationState } from "../../../src/domain/ticket.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { finishDelivery } from "../../../src/store/deliveries/finish.ts";
import { listDeliveries } from "../../../src/store/deliveries/list.ts";
import { DeliveryLog } from "../../../src/store/deliveries/log.ts";
import { recordQuarantined } from "../../../src/store/deliveries/record.ts";
import { latestDecisions, recordDecision } from "../../../src/store/evidence/decisions.ts";
import { listEvidence, recordEvidence } from "../../../src/store/evidence/evidence.ts";
import { listRecentJobs } from "../../../src/store/jobs/list.ts";
import { saveJob } from "../../../src/store/jobs/save.ts";
import { loadLaunch } from "../../../src/store/launches/load.ts";
import { insertLaunch } from "../../../src/store/launches/save.ts";
import { listLogs, saveLogs } from "../../../src/store/logs/logs.ts";
import { listMachines } from "../../../src/store/machines/list.ts";
import { loadMachine } from "../../../src/store/machines/load.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import { deleteExpired, EXPIRED_COUNT_MAX } from "../../../src/store/retention.ts";
import type { Store } from "../../../src/store/store.ts";
import { jobSubject, machineSubject, poolSubject, ticketSubject } from "../../../src/store/subjects.ts";
import { listTicketsOfMachine } from "../../../src/store/tickets/list.ts";
import { insertTicket } from "../../../src/store/tickets/save.ts";
import { storeTicketSecret } from "../../../src/store/tickets/secret.ts";
import { ManualClock } from "../manual-clock.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import {
  connection,
  machineState,
  machineStates,
  NOW_MS,
  pool,
  sampleDelivery,
  sampleJobRow,
  sampleLaunch,
  sampleMachine,
  sampleTicket,
  ticketStates,
} from "../samples.ts";

const LATER = { beforeMs: NOW_MS + 10 * MINUTE_MS };
const REGISTRATIONS: readonly RegistrationState[] = ["none", "unknown", "present", "gone"];
const gone = machineState("gone");

/** A machine with everything that can be stored of one. */
async function addMachine(store: Store, machine: Machine, ticket = sampleTicket(1)): Promise<void> {
  const owned = { ...ticket, machineId: machine.id };
  await insertMachine(store.db, machine);
  await insertTicket(store.db, owned);
  await storeTicketSecret(store.db, owned.id, "secret");
  await saveLogs(store.db, {
    machineId: machine.id,
    ticketId: owned.id,
    logs: [{ name: "agent", lines: [] }],
    savedAtMs: 1,
  });
  for (const subject of [machineSubject(machine.id), ticketSubject(owned.id)]) {
    await recordEvidence(store.db, { subject, source: "agent", fact: "seen", observedAtMs: 1 });
    await recordDecision(store.db, { subject, action: "keep", reason: "booting", decidedAtMs: 1 });
  }
}

const spent = (number: number) =>
  sampleTicket(number, { state: { kind: "spent", sinceMs: NOW_MS }, registration: "gone" });

async function addJob(store: Store, id: number, status: "queued" | "completed"): Promise<[ConnectionName, JobId]> {
  const row = sampleJobRow(id, { status });
  await saveJob(store.db, row, null, NOW_MS);
  const subject = jobSubject(connection, row.job.id);
  await recordDecision(store.db, { subject, action: "wait", reason: "at-max", decidedAtMs: 1 });
  return [connection, row.job.id];
}

export function describeRetention(open: OpenStore): void {
  describe("retention", () => {
    describeRetentionOfMachines(open);
    describeRetentionOfTheRest(open);
  });
}

function describeRetentionOfMachines(open: OpenStore): void {
  const store = useStore(open);

  it("deletes a machine that is gone with all that is of it", async () => {
    await addMachine(store(), sampleMachine(1, { state: gone }), spent(1));
    const deleted = await deleteExpired(store().db, LATER);
    expect(deleted).toEqual({ deliveries: 0, jobs: 0, machines: 1, evidence: 2, decisions: 2, logs: 1 });
    expect(await listTicketsOfMachine(store().db, sampleMachine(1).id)).toEqual([]);
    expect(await listEvidence(store().db, ticketSubject(spent(1).id), 9)).toEqual([]);
  });

  it("keeps it until its time has come", async () => {
    await addMachine(store(), sampleMachine(1, { state: gone }), spent(1));
    await deleteExpired(store().db, { beforeMs: NOW_MS });
    expect(await loadMachine(store().db, sampleMachine(1).id)).not.toBeNull();
  });

  it.each(machineStates.filter(({ kind }) => kind !== "gone").map((state) => [state.kind, state] as const))(
    "keeps a machine that is %s and all that is of it, however old",
    async (_kind, state) => {
      const machine = sampleMachine(1, { state });
      await addMachine(store(), machine, spent(1));
      const none = { deliveries: 0, jobs: 0, machines: 0, evidence: 0, decisions: 0, logs: 0 };
      expect(await deleteExpired(store().db, LATER)).toEqual(none);
      expect(await loadMachine(store().db, machine.id)).toEqual(machine);
      expect(await listTicketsOfMachine(store().db, machine.id)).toHaveLength(1);
      expect(await listLogs(store().db, machine.id)).toHaveLength(1);
      expect(await listEvidence(store().db, ticketSubject(spent(1).id), 9)).toHaveLength(1);
    },
  );

  it("keeps a gone machine for as long as a ticket of it is live or its registration may be there", async () => {
    let number = 0;
    const kept: string[] = [];
    for (const state of ticketStates) {
      for (const registration of REGISTRATIONS) {
        number += 1;
        const ticket = sampleTicket(number, { state, registration });
        await addMachine(store(), sampleMachine(number, { state: gone }), ticket);
        if (isTicketLive(ticket) || registration === "present" || registration === "unknown")
          kept.unshift(sampleMachine(number).id);
      }
    }
    await deleteExpired(store().db, LATER);
    const stored = await listMachines(store().db, { includeGone: true, limitCount: 999 });
    expect(stored.map(({ id }) => id)).toEqual(kept);
  });

  it("keeps a launch while it is open or its machines are stored", async () => {
    await insertLaunch(store().db, sampleLaunch(1, { state: "done" }));
    await insertLaunch(store().db, sampleLaunch(2, { state: "open" }));
    await insertLaunch(store().db, sampleLaunch(3, { state: "refused" }));
    await insertMachine(store().db, sampleMachine(1, { launchId: sampleLaunch(1).id }));
    await deleteExpired(store().db, LATER);
    const launches = [1, 2, 3].map((number) => loadLaunch(store().db, sampleLaunch(number).id));
    expect((await Promise.all(launches)).map((launch) => launch?.state ?? null)).toEqual(["done", "open", null]);
  });
}

function describeRetentionOfTheRest(open: OpenStore): void {
  const store = useStore(open);

  it("deletes the deliveries that were handled, and none that waits for ingest or a person", async () => {
    const log = new DeliveryLog(store(), new ManualClock());
    const recorded = [1, 2, 3].map((number) => log.record(sampleDelivery(number)));
    await log.close();
    await Promise.all(recorded);
    await finishDelivery(store().db, connection, sampleDelivery(1).id, "applied", NOW_MS);
    await finishDelivery(store().db, connection, sampleDelivery(2).id, "ignored", NOW_MS);
    await recordQuarantined(store().db, sampleDelivery(4), "broken");
    expect((await deleteExpired(store().db, LATER)).deliveries).toBe(2);
    const kept = await listDeliveries(store().db, { limitCount: 9 });
    expect(kept.map(({ state }) => state)).toEqual(["quarantined", "pending"]);
  });

  it("deletes the jobs that completed, with their history, and no other", async () => {
    const queued = jobSubject(...(await addJob(store(), 1, "queued")));
    const completed = jobSubject(...(await addJob(store(), 2, "completed")));
    await saveJob(store().db, sampleJobRow(3, { status: "in_progress" }), null, NOW_MS);
    await saveJob(store().db, sampleJobRow(4, { status: "waiting" }), null, NOW_MS);
    await saveJob(store().db, sampleJobRow(5, { status: "completed" }), null, LATER.beforeMs);
    expect(await deleteExpired(store().db, LATER)).toMatchObject({ jobs: 1, decisions: 1 });
    const kept = await listRecentJobs(store().db, { limitCount: 9 });
    expect(kept.map(({ job }) => job.id)).toEqual([5, 4, 3, 1]);
    expect([...(await latestDecisions(store().db, [queued, completed])).keys()]).toEqual([`job:${queued.id}`]);
  });

  it("deletes by age the history of pools and of what is not stored", async () => {
    const subjects = [poolSubject(pool), machineSubject(sampleMachine(7).id), ticketSubject(sampleTicket(7).id)];
    for (const [index, subject] of subjects.entries()) {
      const evidence = { subject, source: "operator", fact: "old", observedAtMs: NOW_MS } as const;
      await recordEvidence(store().db, evidence);
      await recordEvidence(store().db, { ...evidence, fact: "new", observedAtMs: LATER.beforeMs + index });
    }
    expect(await deleteExpired(store().db, LATER)).toMatchObject({ evidence: 3 });
    for (const subject of subjects)
      expect((await listEvidence(store().db, subject, 9)).map(({ fact }) => fact)).toEqual(["new"]);
  });

  it("deletes a batch at a time until nothing is left to delete", async () => {
    for (let id = 1; id <= EXPIRED_COUNT_MAX + 1; id += 1)
      await saveJob(store().db, sampleJobRow(id, { status: "completed" }), null, NOW_MS);
    expect((await deleteExpired(store().db, LATER)).jobs).toBe(EXPIRED_COUNT_MAX);
    expect((await deleteExpired(store().db, LATER)).jobs).toBe(1);
    expect((await deleteExpired(store().db, LATER)).jobs).toBe(0);
  });
}
