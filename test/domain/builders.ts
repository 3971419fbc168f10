/**
 * Sound values of the domain for tests: each builder gives one that holds together, and takes the fields that matter to
 * the test. Ids are made from small numbers, so that rows can be told apart: `machineId(2)` is `m-00000002`.
 */
import {
  type ConnectionName,
  type IncarnationId,
  type JobId,
  type LaunchId,
  type LeaseEpoch,
  type MachineId,
  type PoolName,
  type ProviderId,
  parseConnectionName,
  parseIncarnationId,
  parseJobId,
  parseLaunchId,
  parseLeaseEpoch,
  parseMachineId,
  parsePoolName,
  parseProviderId,
  parseRunnerId,
  parseTicketId,
  type RunnerId,
  type TicketId,
} from "../../src/domain/ids.ts";
import type { Job } from "../../src/domain/job.ts";
import type { Machine, MachineState, RetiringStage } from "../../src/domain/machine.ts";
import type { ObservedMachine, ProviderState } from "../../src/domain/observed.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import type { HostReport, Sighting } from "../../src/domain/protocol.ts";
import type { RetireReason } from "../../src/domain/reasons.ts";
import type { HostFacts } from "../../src/domain/slow-proofs.ts";
import type { Ticket, TicketState, TicketStateKind, TicketStep } from "../../src/domain/ticket.ts";
import type { HeardTime } from "../../src/domain/time.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";

/** A moment to count from: far from zero, so that a forgotten `sinceMs` shows. */
export const START_MS = 1_000 * HOUR_MS;

function padded(number: number): string {
  return String(number).padStart(8, "0");
}

export const machineId = (number = 1): MachineId => parseMachineId(`m-${padded(number)}`);
export const ticketId = (number = 1): TicketId => parseTicketId(`t-${padded(number)}`);
const launchId = (number = 1): LaunchId => parseLaunchId(`l-${padded(number)}`);
export const providerId = (number = 1): ProviderId => parseProviderId(`i-${padded(number)}`);
export const incarnation = (number = 1): IncarnationId => parseIncarnationId(`incarnation-${number}`);
export const jobId = (number = 1): JobId => parseJobId(number);
export const runnerId = (number = 1): RunnerId => parseRunnerId(number);
export const poolName = (name = "linux"): PoolName => parsePoolName(name);
export const connectionName = (name = "main"): ConnectionName => parseConnectionName(name);
export const epoch = (number = 1): LeaseEpoch => parseLeaseEpoch(number);

/** Heard without a gap since long before `START_MS`, and it is `afterMs` past it now. */
export function heard(afterMs = 0, overrides: Partial<HeardTime> = {}): HeardTime {
  return { heardSinceMs: START_MS - 500 * HOUR_MS, nowMs: START_MS + afterMs, ...overrides };
}

export function pool(overrides: Partial<PoolPolicy> = {}): PoolPolicy {
  return {
    name: poolName(),
    connection: connectionName(),
    scope: { kind: "organization", organization: "acme" },
    acceptRepositories: null,
    labels: ["self-hosted", "linux", "x64"],
    runnerGroup: "Default",
    requiredLabels: [],
    priority: 0,
    mode: "run",
    machineCountMax: 10,
    jobsPerMachine: 1,
    warmParkedCount: 0,
    warmStoppedCount: 0,
    warmRegisteredCount: 0,
    readyTicketCount: 0,
    maxAgeMs: null,
    deadlines: {
      bootMs: 5 * MINUTE_MS,
      onlineMs: 2 * MINUTE_MS,
      idleTicketMs: 2 * MINUTE_MS,
      lostHostMs: 20 * MINUTE_MS,
      unknownMs: 6 * HOUR_MS,
    },
    rerun: null,
    settingsHash: "settings-1",
    ...overrides,
  };
}

/** Queued at `START_MS`. */
export function job(overrides: Partial<Job> = {}): Job {
  return {
    id: jobId(),
    connection: connectionName(),
    repository: "acme/widgets",
    runId: 100,
    runAttempt: 1,
    name: "build",
    workflowName: "ci",
    htmlUrl: "https://github.com/acme/widgets/actions/runs/100/job/1",
    labels: ["self-hosted", "linux"],
    status: "queued",
    conclusion: null,
    runnerId: null,
    runnerName: null,
    createdAtMs: START_MS,
    startedAtMs: null,
    completedAtMs: null,
    queuedSeenAtMs: START_MS,
    ...overrides,
  };
}

export function ticketState(kind: TicketStateKind, sinceMs = START_MS): TicketState {
  if (kind === "void" || kind === "barren") return { kind, sinceMs, reason: "as the test has it" };
  return kind === "handing-back" ? { kind, sinceMs, reason: "idle-ticket" } : { kind, sinceMs };
}

const NEVER_DELIVERED: readonly TicketStateKind[] = ["minting", "issued", "void"];

/** Issued at `START_MS` for job 1 on machine 1; `state` may be given by its kind alone. */
export function ticket(
  overrides: Partial<Omit<Ticket, "state">> & { readonly state?: TicketState | TicketStateKind } = {},
): Ticket {
  const { state: given = "issued", ...rest } = overrides;
  const state = typeof given === "string" ? ticketState(given) : given;
  const isMinting = state.kind === "minting";
  return {
    id: ticketId(),
    pool: poolName(),
    connection: connectionName(),
    scope: { kind: "organization", organization: "acme" },
    machineId: machineId(),
    purpose: "job",
    jobId: jobId(),
    aimedAtMs: null,
    runnerName: `holdfast-${rest.id ?? ticketId()}`,
    runnerId: isMinting ? null : runnerId(),
    registration: isMinting ? "unknown" : "present",
    wasOnline: ["online", "running", "spent"].includes(state.kind),
    deliveredTo: NEVER_DELIVERED.includes(state.kind) ? null : incarnation(),
    state,
    version: 1,
    createdAtMs: START_MS,
    ...rest,
  };
}

export function seen(overrides: Partial<Extract<Sighting, { kind: "seen" }>> = {}): Sighting {
  return { kind: "seen", hasListener: false, workerCount: 0, ...overrides };
}

/** What a parked agent says: holds nothing, sees nothing. */
export function report(overrides: Partial<HostReport> = {}): HostReport {
  return { phase: "parked", ticket: null, ended: [], sighting: seen(), fence: null, stillness: null, ...overrides };
}

/** What an agent says that holds this ticket: no process yet, a listener, or a listener and one Worker. */
export function holding(id: TicketId, step: TicketStep): HostReport {
  const sighting = seen({ hasListener: step !== "delivered", workerCount: step === "running" ? 1 : 0 });
  return report({ phase: "engaged", ticket: { id, step }, sighting });
}

/** Its agent was heard at this moment; GitHub was not asked about anything. */
export function heardFacts(heardAtMs: number | null): HostFacts {
  return { heardAtMs, stirredAtMs: heardAtMs, readings: new Map(), jobs: new Map() };
}

export function machineState(kind: MachineState["kind"], sinceMs = START_MS): MachineState {
  switch (kind) {
    case "planned":
      return { kind, sinceMs };
    case "provisioning":
    case "parked":
      return { kind, sinceMs, providerId: providerId() };
    case "stopping":
      return { kind, sinceMs, providerId: providerId(), heardSequence: 0 };
    case "stopped":
      return { kind, sinceMs, providerId: providerId(), heardSequence: 0, isStarting: false };
    case "engaged":
      return { kind, sinceMs, providerId: providerId(), ticketId: ticketId() };
    case "retiring":
      return retiring();
    case "gone":
      return { kind, sinceMs, providerId: providerId(), reason: "surplus" };
  }
}

/** Retiring since `START_MS`; `heardSequence` 0 means that any report came after. */
export function retiring(
  overrides: {
    readonly stage?: RetiringStage;
    readonly reason?: RetireReason;
    readonly heardSequence?: number;
    readonly sinceMs?: number;
  } = {},
): MachineState {
  return {
    kind: "retiring",
    providerId: providerId(),
    stage: "proving",
    reason: "surplus",
    heardSequence: 0,
    sinceMs: START_MS,
    ...overrides,
  };
}

/** What our row knows of the agent of a machine that never reported. */
const UNHEARD = { isAgentSeen: false, incarnation: null, sequence: 0, report: null } as const;

/**
 * Launched by us and created at `START_MS`; parked where no state is given. Its agent has reported once (sequence 1) in
 * every state that it reaches by reporting, and has not been heard of in the others. `state` may be given by its kind alone.
 */
export function machine(
  overrides: Partial<Omit<Machine, "state">> & { readonly state?: MachineState | MachineState["kind"] } = {},
): Machine {
  const { state: given = "parked", ...rest } = overrides;
  const state = typeof given === "string" ? machineState(given) : given;
  const isHeard = HEARD_KINDS.includes(state.kind);
  const agent = isHeard ? { isAgentSeen: true, incarnation: incarnation(), sequence: 1, report: report() } : UNHEARD;
  return {
    id: machineId(),
    pool: poolName(),
    launchId: launchId(),
    origin: "launched",
    state,
    version: 1,
    settingsHash: "settings-1",
    foundBySettings: null,
    ticketsGiven: state.kind === "engaged" ? 1 : 0,
    ...agent,
    retireWhenSpent: null,
    hold: null,
    forced: null,
    createdAtMs: START_MS,
    ...rest,
  };
}

const HEARD_KINDS: readonly MachineState["kind"][] = ["parked", "stopping", "stopped", "engaged", "retiring"];

/** A launched machine that nobody ever heard of. */
export function unheardMachine(overrides: Parameters<typeof machine>[0] = {}): Machine {
  return machine({ state: "provisioning", ...UNHEARD, ...overrides });
}

export function observed(state: ProviderState, overrides: Partial<ObservedMachine> = {}): ObservedMachine {
  return {
    providerId: providerId(),
    machineId: machineId(),
    launchId: launchId(),
    pool: poolName(),
    state,
    observedAtMs: START_MS,
    ...overrides,
  };
}
