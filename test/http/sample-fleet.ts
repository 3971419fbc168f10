/** A store with one of everything that a screen has to show, at a moment that stands still. */
import type { EvidenceSource, Subject } from "../../src/domain/evidence.ts";
import { parseControllerId, parseDeliveryId, parseLaunchId } from "../../src/domain/ids.ts";
import type { Job } from "../../src/domain/job.ts";
import type { ProviderState } from "../../src/domain/observed.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import type { Ticket, TicketStateKind } from "../../src/domain/ticket.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Health } from "../../src/http/health.ts";
import type { ConnectionReading, OperatorSources } from "../../src/http/operators/sources.ts";
import { recordQuarantined } from "../../src/store/deliveries/record.ts";
import { recordDecision } from "../../src/store/evidence/decisions.ts";
import { recordEvidence } from "../../src/store/evidence/evidence.ts";
import { saveJob } from "../../src/store/jobs/save.ts";
import { insertLaunch } from "../../src/store/launches/save.ts";
import { saveLogs } from "../../src/store/logs/logs.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { jobSubject, machineSubject, poolSubject, ticketSubject } from "../../src/store/subjects.ts";
import { insertTicket } from "../../src/store/tickets/save.ts";
import {
  connectionName,
  holding,
  incarnation,
  job,
  jobId,
  machine,
  machineId,
  pool,
  poolName,
  providerId,
  report,
  runnerId,
  ticket,
  ticketId,
  ticketState,
  unheardMachine,
} from "../domain/builders.ts";
import { clockAt } from "./stand-ins.ts";

const NOW_MS = Date.parse("2026-08-19T16:10:00.000Z");
export const EVIL_NAME = "<script>alert(1)</script>\u001b[31m\u0007red\u202e";

const ago = (ms: number) => NOW_MS - ms;
const GPU = poolName("gpu");

export async function openSampleStore(): Promise<Store> {
  const store = await openStore("sqlite::memory:");
  await addWaitingJobs(store);
  await addRunningJob(store);
  await addEndedJob(store);
  await addOtherMachines(store);
  const delivery = { id: parseDeliveryId("d-1"), connection: connectionName(), event: "workflow_job" };
  await recordQuarantined(store.db, { ...delivery, body: Buffer.from("{"), receivedAtMs: NOW_MS }, "not JSON");
  const fact = "launch l-00000009 failed: provider-capacity, starting 1 machine";
  await note(store, poolSubject(GPU), "provider", 2 * MINUTE_MS, fact);
  await insertLaunch(store.db, {
    id: parseLaunchId("l-00000009"),
    pool: GPU,
    settingsHash: "a",
    machineIds: [machineId(6)],
    state: "open",
    attemptCount: 2,
    nextAttemptAtMs: NOW_MS + 30 * SECOND_MS,
    error: "provider-capacity: starting 1 machine",
    createdAtMs: ago(2 * MINUTE_MS),
    version: 0,
    order: null,
    answeredAtMs: null,
  });
  return store;
}

export function sampleSources(store: Store, over: Partial<OperatorSources> = {}): OperatorSources {
  const silent = machineId(4);
  const unheard = new Set([machineId(2), machineId(6), machineId(9)]);
  const states = new Map<string, ProviderState>([[machineId(1), "running"]]);
  return {
    controllerId: parseControllerId("ci-eu"),
    version: "0.1.0",
    startedAtMs: ago(26 * HOUR_MS),
    pools: [
      pool({ warmParkedCount: 2 }),
      pool({ name: GPU, labels: ["self-hosted", "gpu"], machineCountMax: 2, mode: "run" }),
      pool({ name: poolName("mac"), labels: ["self-hosted", "macos"], machineCountMax: 4, mode: "observe" }),
    ],
    store,
    clock: clockAt(NOW_MS),
    readHealth: () => SAMPLE_HEALTH,
    readConnections: () => SAMPLE_CONNECTIONS,
    heardAtMs: (id) => (unheard.has(id) ? null : id === silent ? ago(5 * MINUTE_MS) : ago(4 * SECOND_MS)),
    heardSinceMs: () => ago(26 * HOUR_MS),
    providerState: (id) => states.get(id) ?? null,
    ...over,
  };
}

const SAMPLE_CONNECTIONS: readonly ConnectionReading[] = [
  {
    name: connectionName(),
    demand: "webhooks",
    budgets: [
      {
        account: "acme",
        primary: { limit: 5_000, remaining: 4_812, resetsAtMs: NOW_MS + 25 * MINUTE_MS },
        pointCount: 45,
        blockedUntilMs: null,
        ticketCount: 6,
      },
    ],
    repositoryCount: 12,
    lookedAtMs: ago(3 * MINUTE_MS),
    troubles: [
      "deliveries-failing: 2 webhook deliveries did not arrive and GitHub is asked again, the last one: timed out",
    ],
  },
];

const SAMPLE_HEALTH: Health = {
  isReady: true,
  problems: [],
  controllers: [
    { name: "ingest", pool: null, lastRunAtMs: ago(SECOND_MS), lastError: null },
    { name: "assign", pool: "linux", lastRunAtMs: ago(2 * SECOND_MS), lastError: null },
    { name: "execute", pool: "gpu", lastRunAtMs: ago(3 * SECOND_MS), lastError: "launching 1 machine for pool gpu" },
  ],
};

export async function addJob(store: Store, given: Partial<Job>, poolOf: string | null, ticketCount = 0): Promise<Job> {
  const made = job({ createdAtMs: ago(3 * MINUTE_MS), ...given });
  const host = made.connection === "ghes" ? "ghes.acme.com" : "github.com";
  const url = `https://${host}/${made.repository}/actions/runs/${made.runId}/job/${made.id}`;
  const saved = { ...made, htmlUrl: url };
  const row = {
    job: saved,
    pool: poolOf === null ? null : poolName(poolOf),
    version: 0,
    ticketCount,
    lastTicketAtMs: null,
    askedAtMs: null,
    firstSeenAtMs: made.createdAtMs,
    updatedAtMs: NOW_MS,
  };
  await saveJob(store.db, row, null, NOW_MS);
  return saved;
}

async function note(store: Store, subject: Subject, source: EvidenceSource, agoMs: number, fact: string) {
  await recordEvidence(store.db, { subject, source, fact, observedAtMs: ago(agoMs) });
}

async function decide(store: Store, subject: Subject, agoMs: number, action: string, reason: ReasonCode) {
  await recordDecision(store.db, { subject, action, reason, decidedAtMs: ago(agoMs) });
}

const subjectOf = (number: number) => jobSubject(connectionName(), jobId(number));

async function addWaitingJobs(store: Store): Promise<void> {
  await addJob(
    store,
    { id: jobId(42), name: "train (large)", workflowName: "nightly", labels: ["self-hosted", "gpu"] },
    "gpu",
  );
  await note(store, subjectOf(42), "github-webhook", 3 * MINUTE_MS, "job queued");
  await decide(store, subjectOf(42), 3 * MINUTE_MS, "launch", "launch-next");
  await decide(store, subjectOf(42), 2 * MINUTE_MS, "wait", "launch-backoff");
  await addJob(
    store,
    { id: jobId(43), name: EVIL_NAME, repository: "acme/evil", createdAtMs: ago(20 * SECOND_MS) },
    "linux",
    1,
  );
  await decide(store, subjectOf(43), 20 * SECOND_MS, "mint", "mint-next");
  await decide(store, subjectOf(43), 18 * SECOND_MS, "wait", "runner-starting");
  await addTicket(
    store,
    { id: ticketId(5), machineId: machineId(5), jobId: jobId(43), state: "delivered" },
    18 * SECOND_MS,
    false,
  );
  await addJob(store, { id: jobId(44), name: "windows", labels: ["windows-2099"] }, null);
  await decide(store, subjectOf(44), 3 * MINUTE_MS, "wait", "no-pool");
  await addJob(store, { id: jobId(45), name: "deploy", status: "waiting" }, "linux");
}

/** The tickets of machines 1 to 3 come with their machines; the rest is inserted after its own. */
async function addTicket(
  store: Store,
  given: Partial<Omit<Ticket, "state">> & { readonly state: TicketStateKind },
  agoMs: number,
  hasMachine: boolean,
): Promise<Ticket> {
  const sinceMs = ago(agoMs);
  const { state: kind, ...rest } = given;
  const ended = kind === "barren" || kind === "void" ? { kind, sinceMs, reason: "exit code 1" } : null;
  const state = ended ?? ticketState(kind, sinceMs);
  const made = ticket({ runnerName: `hf-ci-eu-${rest.id ?? "x"}`, createdAtMs: sinceMs, ...rest, state });
  if (!hasMachine) await addEngaged(store, made, agoMs);
  await insertTicket(store.db, made);
  return made;
}

async function addEngaged(store: Store, held: Ticket, agoMs: number): Promise<void> {
  const number = Number(held.machineId.slice(2));
  const step = held.state.kind === "running" || held.state.kind === "online" ? held.state.kind : "delivered";
  await insertMachine(
    store.db,
    machine({
      id: held.machineId,
      state: { kind: "engaged", providerId: providerId(number), ticketId: held.id, sinceMs: ago(agoMs) },
      report: holding(held.id, step),
      createdAtMs: ago(agoMs + 2 * MINUTE_MS),
    }),
  );
}

async function addRunningJob(store: Store): Promise<void> {
  const startedMs = 6 * MINUTE_MS;
  const runner = { runnerId: runnerId(7), runnerName: `hf-ci-eu-${ticketId(1)}` };
  const running = {
    status: "in_progress",
    startedAtMs: ago(startedMs),
    createdAtMs: ago(startedMs + 9 * SECOND_MS),
  } as const;
  await addJob(store, { id: jobId(7), name: "build (ubuntu, 22)", ...running, ...runner }, "linux", 1);
  await addTicket(
    store,
    { id: ticketId(1), machineId: machineId(1), jobId: jobId(7), state: "running" },
    startedMs,
    false,
  );
  const machineOf = machineSubject(machineId(1));
  await note(store, machineOf, "store", 8 * MINUTE_MS, "machine planned in launch l-00000001");
  await note(store, machineOf, "provider", 8 * MINUTE_MS - 900, "machine provisioning as i-00000001");
  await note(store, machineOf, "agent", 7 * MINUTE_MS, "machine parked");
  await decide(store, machineOf, 7 * MINUTE_MS - 100, "keep", "kept-warm");
  await note(store, subjectOf(7), "github-webhook", startedMs + 9 * SECOND_MS, "job queued");
  await decide(store, subjectOf(7), startedMs + 8_900, "mint", "mint-next");
  const made = `ticket ${ticketId(1)} for job 7 on ${machineId(1)}`;
  for (const subject of [subjectOf(7), machineOf, ticketSubject(ticketId(1))])
    await note(store, subject, "store", startedMs + 8_900, made);
  await note(store, ticketSubject(ticketId(1)), "github-api", startedMs + 8_200, "ticket issued as runner 7");
  await note(store, ticketSubject(ticketId(1)), "store", startedMs + 8_000, "ticket delivered");
  for (const [agoMs, fact] of [
    [startedMs + 3_000, "ticket online"],
    [startedMs, "ticket running"],
  ] as const)
    for (const subject of [ticketSubject(ticketId(1)), machineOf]) await note(store, subject, "agent", agoMs, fact);
  await note(store, subjectOf(7), "github-webhook", startedMs - 700, `job in progress on ${runner.runnerName}`);
  await decide(store, machineOf, startedMs - 1_000, "keep", "runs-job");
}

async function addEndedJob(store: Store): Promise<void> {
  const endMs = 11 * MINUTE_MS;
  const runner = { runnerId: runnerId(3), runnerName: `hf-ci-eu-${ticketId(2)}` };
  const times = { createdAtMs: ago(16 * MINUTE_MS), startedAtMs: ago(15 * MINUTE_MS), completedAtMs: ago(endMs) };
  const ended = { status: "completed", conclusion: "failure" } as const;
  await addJob(store, { id: jobId(3), name: "test", ...ended, ...times, ...runner }, "linux", 1);
  await addJob(
    store,
    {
      id: jobId(2),
      name: "lint",
      ...ended,
      conclusion: "cancelled",
      createdAtMs: ago(HOUR_MS),
      completedAtMs: ago(50 * MINUTE_MS),
    },
    "linux",
  );
  const over = {
    kind: "gone",
    providerId: providerId(2),
    reason: "used-up",
    sinceMs: ago(endMs - 20 * SECOND_MS),
  } as const;
  await insertMachine(
    store.db,
    machine({ id: machineId(2), state: over, createdAtMs: ago(20 * MINUTE_MS), ticketsGiven: 1 }),
  );
  await addTicket(store, { id: ticketId(2), machineId: machineId(2), jobId: jobId(3), state: "spent" }, endMs, true);
  const machineOf = machineSubject(machineId(2));
  await note(store, subjectOf(3), "github-webhook", 16 * MINUTE_MS, "job queued");
  await note(store, machineOf, "provider", 19 * MINUTE_MS, "machine provisioning as i-00000002");
  await note(store, machineOf, "agent", endMs, "ticket spent");
  await note(store, subjectOf(3), "github-webhook", endMs, `job completed: failure on ${runner.runnerName}`);
  await note(store, machineOf, "agent", endMs - 100, "machine parked");
  await decide(store, machineOf, endMs - 200, "retire", "used-up");
  await decide(store, machineOf, endMs - 300, "wait", "awaits-report");
  await note(store, machineOf, "controller", endMs - 14_000, "asked the provider to end it, by proof parked");
  await note(store, machineOf, "provider", endMs - 20_000, "machine gone");
  const logs = [
    { name: "agent.log", lines: ["the listener is started", "the ticket is spent"] },
    { name: "Worker_20260801-104400-utc.log", lines: ["[INFO JobRunner] Job result: Failed \u001b[2Jcleared?"] },
  ];
  await saveLogs(store.db, { machineId: machineId(2), ticketId: ticketId(2), logs, savedAtMs: ago(endMs) });
}

async function addOtherMachines(store: Store): Promise<void> {
  await insertMachine(
    store.db,
    machine({
      id: machineId(3),
      state: { kind: "parked", providerId: providerId(3), sinceMs: ago(9 * MINUTE_MS) },
      report: report(),
      createdAtMs: ago(10 * MINUTE_MS),
    }),
  );
  await decide(store, machineSubject(machineId(3)), 9 * MINUTE_MS, "keep", "kept-warm");
  await addTicket(
    store,
    { id: ticketId(4), machineId: machineId(4), jobId: null, state: "online" },
    30 * MINUTE_MS,
    false,
  );
  await decide(store, machineSubject(machineId(4)), 5 * MINUTE_MS, "keep", "agent-silent");
  await insertMachine(
    store.db,
    unheardMachine({
      id: machineId(6),
      pool: GPU,
      state: { kind: "provisioning", providerId: providerId(6), sinceMs: ago(40 * SECOND_MS) },
      createdAtMs: ago(45 * SECOND_MS),
    }),
  );
  await decide(store, machineSubject(machineId(6)), 40 * SECOND_MS, "keep", "booting");
  const logs = [{ name: "console", lines: [] }];
  await saveLogs(store.db, { machineId: machineId(6), ticketId: null, logs, savedAtMs: ago(SECOND_MS) });
  const retiring = {
    kind: "retiring",
    providerId: providerId(8),
    stage: "proving",
    reason: "surplus",
    heardSequence: 4,
    sinceMs: ago(8 * SECOND_MS),
  } as const;
  await insertMachine(
    store.db,
    machine({ id: machineId(8), state: retiring, incarnation: incarnation(8), createdAtMs: ago(2 * HOUR_MS) }),
  );
  await decide(store, machineSubject(machineId(8)), 8 * SECOND_MS, "retire", "surplus");
  await decide(store, machineSubject(machineId(8)), 7 * SECOND_MS, "wait", "awaits-report");
  await insertMachine(
    store.db,
    unheardMachine({
      id: machineId(9),
      state: { kind: "planned", sinceMs: ago(2 * SECOND_MS) },
      createdAtMs: ago(2 * SECOND_MS),
    }),
  );
}
