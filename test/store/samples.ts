/** One plausible thing of each kind, to be changed by what a test is about. */
import {
  parseConnectionName,
  parseDeliveryId,
  parseJobId,
  parseLaunchId,
  parseMachineId,
  parsePoolName,
  parseProviderId,
  parseTicketId,
} from "../../src/domain/ids.ts";
import type { Job } from "../../src/domain/job.ts";
import type { Machine, MachineState } from "../../src/domain/machine.ts";
import type { HostReport } from "../../src/domain/protocol.ts";
import type { Ticket, TicketState } from "../../src/domain/ticket.ts";
import type { NewDelivery } from "../../src/store/deliveries/row.ts";
import type { JobRow } from "../../src/store/jobs/row.ts";
import type { LaunchRow } from "../../src/store/launches/row.ts";

export const NOW_MS = 1_800_000_000_000;
export const connection = parseConnectionName("github");
export const pool = parsePoolName("linux");
export const otherPool = parsePoolName("macos");

export const parkedReport: HostReport = {
  phase: "parked",
  ticket: null,
  ended: [],
  sighting: { kind: "seen", hasListener: false, workerCount: 0 },
  fence: null,
  stillness: null,
};

export function sampleDelivery(number: number, change: Partial<NewDelivery> = {}): NewDelivery {
  return {
    id: parseDeliveryId(`delivery-${number}`),
    connection,
    event: "workflow_job",
    body: new TextEncoder().encode(`{"number":${number}}`),
    receivedAtMs: NOW_MS + number,
    ...change,
  };
}

export function sampleJob(number: number, change: Partial<Job> = {}): Job {
  return {
    id: parseJobId(number),
    connection,
    repository: "acme/site",
    runId: 1,
    runAttempt: 1,
    name: "test",
    workflowName: "ci",
    htmlUrl: "https://github.com/acme/site/actions/runs/1/job/1",
    labels: ["self-hosted", "linux"],
    status: "queued",
    conclusion: null,
    runnerId: null,
    runnerName: null,
    createdAtMs: NOW_MS + number,
    startedAtMs: null,
    completedAtMs: null,
    queuedSeenAtMs: NOW_MS,
    ...change,
  };
}

export function sampleJobRow(number: number, job: Partial<Job> = {}, row: Partial<JobRow> = {}): JobRow {
  return {
    job: sampleJob(number, job),
    pool,
    version: 1,
    ticketCount: 0,
    lastTicketAtMs: null,
    askedAtMs: null,
    firstSeenAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    ...row,
  };
}

export function machineIdOf(number: number): Machine["id"] {
  return parseMachineId(`m-${String(number).padStart(8, "0")}`);
}

export function ticketIdOf(number: number): Ticket["id"] {
  return parseTicketId(`t-${String(number).padStart(8, "0")}`);
}

/** One state of each kind. */
export const machineStates: readonly MachineState[] = [
  { kind: "planned", sinceMs: NOW_MS },
  { kind: "provisioning", providerId: parseProviderId("i-1"), sinceMs: NOW_MS },
  { kind: "parked", providerId: parseProviderId("i-1"), sinceMs: NOW_MS },
  { kind: "stopping", providerId: parseProviderId("i-1"), heardSequence: 3, sinceMs: NOW_MS },
  { kind: "stopped", providerId: parseProviderId("i-1"), heardSequence: 3, isStarting: true, sinceMs: NOW_MS },
  { kind: "engaged", providerId: parseProviderId("i-1"), ticketId: ticketIdOf(1), sinceMs: NOW_MS },
  {
    kind: "retiring",
    providerId: parseProviderId("i-1"),
    stage: "proving",
    reason: "surplus",
    heardSequence: 3,
    sinceMs: NOW_MS,
  },
  { kind: "gone", providerId: null, reason: "never-launched", sinceMs: NOW_MS },
];

export function machineState<Kind extends MachineState["kind"]>(kind: Kind): MachineState {
  return machineStates.find((state) => state.kind === kind)!;
}

export function sampleMachine(number: number, change: Partial<Machine> = {}): Machine {
  return {
    id: machineIdOf(number),
    pool,
    launchId: parseLaunchId("l-00000001"),
    origin: "launched",
    state: machineState("parked"),
    version: 1,
    settingsHash: "abc",
    foundBySettings: null,
    ticketsGiven: 0,
    isAgentSeen: false,
    incarnation: null,
    sequence: 0,
    report: null,
    retireWhenSpent: null,
    hold: null,
    forced: null,
    createdAtMs: NOW_MS + number,
    ...change,
  };
}

/** One state of each kind. */
export const ticketStates: readonly TicketState[] = [
  { kind: "minting", sinceMs: NOW_MS },
  { kind: "issued", sinceMs: NOW_MS },
  { kind: "delivered", sinceMs: NOW_MS },
  { kind: "online", sinceMs: NOW_MS },
  { kind: "running", sinceMs: NOW_MS },
  { kind: "handing-back", sinceMs: NOW_MS, reason: "idle-ticket" },
  { kind: "unknown", sinceMs: NOW_MS },
  { kind: "spent", sinceMs: NOW_MS },
  { kind: "barren", sinceMs: NOW_MS, reason: "exit 1" },
  { kind: "handed-back", sinceMs: NOW_MS },
  { kind: "void", sinceMs: NOW_MS, reason: "job gone" },
  { kind: "lost", sinceMs: NOW_MS },
];

export function sampleTicket(number: number, change: Partial<Ticket> = {}): Ticket {
  return {
    id: ticketIdOf(number),
    pool,
    connection,
    scope: { kind: "organization", organization: "acme" },
    machineId: machineIdOf(number),
    purpose: "job",
    jobId: parseJobId(number),
    aimedAtMs: null,
    runnerName: `hf-${number}`,
    runnerId: null,
    registration: "unknown",
    wasOnline: false,
    deliveredTo: null,
    state: { kind: "minting", sinceMs: NOW_MS },
    version: 1,
    createdAtMs: NOW_MS + number,
    ...change,
  };
}

export function sampleLaunch(number: number, change: Partial<LaunchRow> = {}): LaunchRow {
  return {
    id: parseLaunchId(`l-${String(number).padStart(8, "0")}`),
    pool,
    settingsHash: "abc",
    machineIds: [machineIdOf(number)],
    state: "open",
    attemptCount: 0,
    nextAttemptAtMs: NOW_MS,
    error: null,
    createdAtMs: NOW_MS + number,
    version: 1,
    order: null,
    answeredAtMs: null,
    ...change,
  };
}
