/**
 * A store as a large installation has it after a day: machines at work and machines that ended, jobs that wait, run and are
 * over, and all that was noted of each on its way. Rows are written in bulk, through the columns that the store's own verbs write.
 */
import type { EvidenceSource, Subject } from "../../src/domain/evidence.ts";
import {
  parseConnectionName,
  parseDeliveryId,
  parseIncarnationId,
  parseJobId,
  parseLaunchId,
  parseMachineId,
  parsePoolName,
  parseProviderId,
  parseRunnerId,
  parseTicketId,
  type TicketId,
} from "../../src/domain/ids.ts";
import type { Job, JobStatus } from "../../src/domain/job.ts";
import type { Machine, MachineState } from "../../src/domain/machine.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import type { HostReport } from "../../src/domain/protocol.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import type { Ticket, TicketState } from "../../src/domain/ticket.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { PLAIN_POOL } from "../../src/simulator/scenario/plain-pool.ts";
import { toDecisionColumns, toEvidenceColumns } from "../../src/store/evidence/row.ts";
import { type JobRow, toJobColumns } from "../../src/store/jobs/row.ts";
import { toMachineColumns } from "../../src/store/machines/row.ts";
import type { Queryable, Schema } from "../../src/store/schema.ts";
import type { Store } from "../../src/store/store.ts";
import { jobSubject, machineSubject, poolSubject, ticketSubject } from "../../src/store/subjects.ts";
import { toTicketColumns } from "../../src/store/tickets/row.ts";
import { inTransaction } from "../../src/store/transaction.ts";

export const MACHINES = 5_000;
export const JOBS = 20_000;
/** Of the jobs: those that wait and those that run. All others are over, each with the machine that it ran on. */
const WAITING = 2_000;
const RUNNING = 3_000;
const DELIVERIES = 2_000;
/** Rows of one insertion. */
const CHUNK = 200;

const SETTINGS_HASH = "settings-1";
export const CONNECTION = parseConnectionName("main");
export const POOLS = ["linux", "arm", "gpu", "large"].map(parsePoolName);

export function poolPolicy(name: PoolPolicy["name"]): PoolPolicy {
  return {
    ...PLAIN_POOL,
    name,
    connection: CONNECTION,
    labels: ["self-hosted", name],
    machineCountMax: MACHINES / POOLS.length,
    warmParkedCount: 100,
    settingsHash: SETTINGS_HASH,
  };
}

/** What is written down, gathered until it is inserted. */
class Rows {
  readonly machines: Machine[] = [];
  readonly tickets: Ticket[] = [];
  readonly jobs: JobRow[] = [];
  readonly evidence: ReturnType<typeof toEvidenceColumns>[] = [];
  readonly decisions: ReturnType<typeof toDecisionColumns>[] = [];

  note(subjects: readonly Subject[], source: EvidenceSource, observedAtMs: number, fact: string): void {
    for (const subject of subjects) this.evidence.push(toEvidenceColumns({ subject, source, fact, observedAtMs }));
  }

  decide(subject: Subject, decidedAtMs: number, action: string, reason: ReasonCode): void {
    this.decisions.push(toDecisionColumns({ subject, action, reason, decidedAtMs }));
  }
}

export async function fillStore(store: Store, nowMs: number): Promise<void> {
  const rows = new Rows();
  const over = JOBS - WAITING - RUNNING;
  for (let number = 1; number <= over; number += 1) addEnded(rows, number, nowMs - DAY_MS + (number * DAY_MS) / over);
  for (let number = 1; number <= RUNNING; number += 1) addRunning(rows, over + number, nowMs - number * SECOND_MS);
  for (let number = 1; number <= MACHINES - RUNNING; number += 1) addParked(rows, JOBS + number, nowMs - HOUR_MS);
  for (let number = 1; number <= WAITING; number += 1) addWaiting(rows, over + RUNNING + number, nowMs - MINUTE_MS);
  for (const pool of POOLS)
    rows.note([poolSubject(pool)], "provider", nowMs - MINUTE_MS, "launch failed: provider-full");
  await inTransaction(store, async (tx) => {
    await insert(tx, "machines", rows.machines.map(toMachineColumns));
    await insert(tx, "tickets", rows.tickets.map(toTicketColumns));
    await insert(tx, "jobs", rows.jobs.map(toJobColumns));
    await insert(tx, "evidence", rows.evidence);
    await insert(tx, "decisions", rows.decisions);
    await insert(
      tx,
      "deliveries",
      Array.from({ length: DELIVERIES }, (_, index) => delivery(index, nowMs)),
    );
  });
}

async function insert(tx: Queryable, table: keyof Schema, rows: readonly object[]): Promise<void> {
  for (let start = 0; start < rows.length; start += CHUNK)
    await tx
      .insertInto(table)
      .values(rows.slice(start, start + CHUNK) as never)
      .execute();
}

function delivery(index: number, nowMs: number): Schema["deliveries"] {
  const isBad = index % 500 === 0;
  return {
    connection: CONNECTION,
    id: parseDeliveryId(`d-${index}`),
    event: "workflow_job",
    body: new TextEncoder().encode("{}"),
    received_ms: nowMs - index * SECOND_MS,
    state: isBad ? "quarantined" : "applied",
    error: isBad ? "not JSON" : null,
    finished_ms: nowMs,
  };
}

const nameOf = (prefix: string, number: number) => `${prefix}-${String(number).padStart(8, "0")}`;
const poolOf = (number: number) => POOLS[number % POOLS.length] ?? parsePoolName("linux");
const machineIdOf = (number: number) => parseMachineId(nameOf("m", number));
const ticketIdOf = (number: number) => parseTicketId(nameOf("t", number));

function addMachine(rows: Rows, number: number, state: MachineState, createdAtMs: number): void {
  const ticketId = state.kind === "engaged" ? state.ticketId : null;
  rows.machines.push({
    id: machineIdOf(number),
    pool: poolOf(number),
    launchId: parseLaunchId(nameOf("l", number)),
    origin: "launched",
    state,
    version: 4,
    settingsHash: SETTINGS_HASH,
    foundBySettings: null,
    ticketsGiven: ticketId === null ? 0 : 1,
    isAgentSeen: true,
    incarnation: parseIncarnationId(`incarnation-${number}`),
    sequence: 20,
    report: reportOf(ticketId),
    retireWhenSpent: null,
    hold: null,
    forced: null,
    createdAtMs,
  });
}

function reportOf(ticketId: TicketId | null): HostReport {
  const hasWork = ticketId !== null;
  return {
    phase: hasWork ? "engaged" : "parked",
    ticket: hasWork ? { id: ticketId, step: "running" } : null,
    ended: [],
    sighting: { kind: "seen", hasListener: hasWork, workerCount: hasWork ? 1 : 0 },
    fence: null,
    stillness: null,
  };
}

function addTicket(rows: Rows, number: number, kind: "running" | "spent", sinceMs: number): void {
  const state: TicketState = { kind, sinceMs };
  rows.tickets.push({
    id: ticketIdOf(number),
    pool: poolOf(number),
    connection: CONNECTION,
    scope: { kind: "organization", organization: "acme" },
    machineId: machineIdOf(number),
    purpose: "job",
    jobId: parseJobId(number),
    aimedAtMs: null,
    runnerName: runnerOf(number),
    runnerId: parseRunnerId(number),
    registration: kind === "spent" ? "gone" : "present",
    wasOnline: true,
    deliveredTo: parseIncarnationId(`incarnation-${number}`),
    state,
    version: 5,
    createdAtMs: sinceMs - 20 * SECOND_MS,
  });
}

const runnerOf = (number: number) => `hf-ci-${ticketIdOf(number)}`;

function addJob(rows: Rows, number: number, status: JobStatus, createdAtMs: number): void {
  const hasRun = status !== "queued";
  const job: Job = {
    id: parseJobId(number),
    connection: CONNECTION,
    repository: `acme/repository-${number % 300}`,
    runId: number,
    runAttempt: 1,
    name: `build (${number % 12})`,
    workflowName: "ci",
    htmlUrl: `https://github.com/acme/repository-${number % 300}/actions/runs/${number}/job/${number}`,
    labels: ["self-hosted", poolOf(number)],
    status,
    conclusion: status === "completed" ? "success" : null,
    runnerId: hasRun ? parseRunnerId(number) : null,
    runnerName: hasRun ? runnerOf(number) : null,
    createdAtMs,
    startedAtMs: hasRun ? createdAtMs + 40 * SECOND_MS : null,
    completedAtMs: status === "completed" ? createdAtMs + 5 * MINUTE_MS : null,
    queuedSeenAtMs: createdAtMs,
  };
  const known = { version: 3, ticketCount: hasRun ? 1 : 0, lastTicketAtMs: null, askedAtMs: null };
  rows.jobs.push({ job, pool: poolOf(number), ...known, firstSeenAtMs: createdAtMs, updatedAtMs: createdAtMs });
  const subject = jobSubject(CONNECTION, job.id);
  rows.note([subject], "github-webhook", createdAtMs, "job queued");
  rows.decide(subject, createdAtMs + SECOND_MS, "launch", "launch-next");
  rows.decide(subject, createdAtMs + 2 * SECOND_MS, "wait", hasRun ? "machine-booting" : "at-max");
  if (hasRun)
    rows.note([subject], "github-webhook", createdAtMs + 40 * SECOND_MS, `job in progress on ${runnerOf(number)}`);
}

function addBoot(rows: Rows, number: number, atMs: number): void {
  const subject = machineSubject(machineIdOf(number));
  rows.note([subject], "store", atMs, `machine planned in launch ${nameOf("l", number)}`);
  rows.note([subject], "provider", atMs + SECOND_MS, `machine provisioning as ${nameOf("i", number)}`);
  rows.note([subject], "provider", atMs + 2 * SECOND_MS, "provider says running");
  rows.note([subject], "agent", atMs + 30 * SECOND_MS, "machine parked");
  rows.decide(subject, atMs + 2 * SECOND_MS, "keep", "booting");
  rows.decide(subject, atMs + 30 * SECOND_MS, "keep", "kept-warm");
}

/** As a machine that ran one job, from its boot until its job runs. */
function addRun(rows: Rows, number: number, atMs: number): void {
  const both = [machineSubject(machineIdOf(number)), ticketSubject(ticketIdOf(number))];
  rows.note(
    both,
    "store",
    atMs + 31 * SECOND_MS,
    `ticket ${ticketIdOf(number)} for job ${number} on ${machineIdOf(number)}`,
  );
  rows.note(both, "store", atMs + 33 * SECOND_MS, "ticket delivered");
  rows.note(both, "agent", atMs + 38 * SECOND_MS, "ticket online");
  rows.note(both, "agent", atMs + 40 * SECOND_MS, "ticket running");
  rows.decide(machineSubject(machineIdOf(number)), atMs + 41 * SECOND_MS, "keep", "runs-job");
}

function addEnded(rows: Rows, number: number, atMs: number): void {
  const subject = machineSubject(machineIdOf(number));
  const endMs = atMs + 5 * MINUTE_MS;
  const providerId = parseProviderId(nameOf("i", number));
  addMachine(rows, number, { kind: "gone", providerId, reason: "used-up", sinceMs: endMs + 8 * SECOND_MS }, atMs);
  addTicket(rows, number, "spent", endMs);
  addJob(rows, number, "completed", atMs);
  addBoot(rows, number, atMs);
  addRun(rows, number, atMs);
  rows.note([subject, ticketSubject(ticketIdOf(number))], "agent", endMs, "ticket spent");
  rows.decide(subject, endMs + SECOND_MS, "retire", "used-up");
  rows.decide(subject, endMs + SECOND_MS, "wait", "awaits-report");
  if (number % 50 === 0)
    rows.note([subject], "agent", endMs, "the fence refused to hand the ticket back: a Worker runs");
  rows.note([subject], "controller", endMs + 4 * SECOND_MS, "asked the provider to end it, by proof parked");
  rows.note([subject], "provider", endMs + 8 * SECOND_MS, "machine gone");
}

function addRunning(rows: Rows, number: number, atMs: number): void {
  const providerId = parseProviderId(nameOf("i", number));
  const state = { kind: "engaged", providerId, ticketId: ticketIdOf(number), sinceMs: atMs } as const;
  addMachine(rows, number, state, atMs);
  addTicket(rows, number, "running", atMs);
  addJob(rows, number, "in_progress", atMs);
  addBoot(rows, number, atMs);
  addRun(rows, number, atMs);
}

function addParked(rows: Rows, number: number, atMs: number): void {
  addMachine(rows, number, { kind: "parked", providerId: parseProviderId(nameOf("i", number)), sinceMs: atMs }, atMs);
  addBoot(rows, number, atMs);
}

function addWaiting(rows: Rows, number: number, atMs: number): void {
  addJob(rows, number, "queued", atMs);
}
