import {
  type DemandInput,
  decideDemand,
  type FreeMachine,
  type JobDecision,
  type WaitingJob,
} from "../../src/domain/demand.ts";
import type { Job } from "../../src/domain/job.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import type { Ticket, TicketStateKind } from "../../src/domain/ticket.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import { heard, job, jobId, machineId, pool, runnerId, ticket, ticketId } from "./builders.ts";

export const NOW_MS = SECOND_MS;

/** Queued at the start, never had a ticket, never asked about: the usual job. */
export function waiting(number = 1, overrides: Partial<WaitingJob> & { readonly job?: Job } = {}): WaitingJob {
  return {
    job: job({ id: jobId(number) }),
    ticketCount: 0,
    lastTicketAtMs: null,
    askedAtMs: null,
    isAskPaused: false,
    ...overrides,
  };
}

export const free = (number: number, state: FreeMachine["state"] = "parked"): FreeMachine => ({
  id: machineId(number),
  state,
});
export const forJob = (number: number, state: TicketStateKind, fields: Parameters<typeof ticket>[0] = {}): Ticket =>
  ticket({ id: ticketId(number), jobId: jobId(number), runnerId: runnerId(number), state, ...fields });
export const nobodys = (state: TicketStateKind, fields: Parameters<typeof ticket>[0] = {}): Ticket =>
  forJob(9, state, { ...fields, jobId: jobId(999) });

export const mint = (job: number, machine: number): JobDecision => ({
  kind: "mint",
  jobId: jobId(job),
  machineId: machineId(machine),
});
export const aim = (job: number, ticket: number): JobDecision => ({
  kind: "aim",
  jobId: jobId(job),
  ticketId: ticketId(ticket),
});
export const ask = (job: number): JobDecision => ({ kind: "ask", jobId: jobId(job) });
export const launch = (job: number): JobDecision => ({ kind: "launch", jobId: jobId(job) });
export const wait = (job: number, reason: ReasonCode): JobDecision => ({ kind: "wait", jobId: jobId(job), reason });

export function decide(
  overrides: Partial<DemandInput>,
  settings: Partial<PoolPolicy> = {},
  afterMs = NOW_MS,
): ReturnType<typeof decideDemand> {
  const nothing = { tickets: [], unnamedRunning: [], machines: [], mintPauses: new Map() };
  const input: DemandInput = { jobs: [waiting()], ...nothing, launchRoom: { count: 0, limit: "at-max" }, ...overrides };
  return decideDemand(input, pool(settings), heard(afterMs));
}

export const room = (count: number) => ({ launchRoom: { count, limit: "at-max" } }) as const;

export type Row = readonly [name: string, input: Partial<DemandInput>, want: readonly JobDecision[]];
