/**
 * A job's wait, from the moment it was queued at GitHub until it ran, and the parts that it is made of.
 *
 *     queued -> received -> planned -> launched -> ready -> decided -> delivered -> running
 *        github   decision   launch     boot     decision    ticket    assignment
 *
 * A job that found a machine goes from `received` to `decided`. Where it waited for a machine, both stretches in which
 * nothing but a decision was missing are `decision`. The parts add up to the wait, whatever the clocks say: GitHub's stamps
 * (whole seconds, its own clock) are the two ends, and every time between is put in order between them, so that a difference
 * below zero counts as 0.
 */
import type { Evidence } from "./evidence.ts";
import type { Job, JobStatus } from "./job.ts";
import type { PoolDeadlines } from "./pool.ts";
import type { Ticket } from "./ticket.ts";
import { HOUR_MS, MINUTE_MS } from "./units.ts";

export const WAIT_PARTS = ["github", "decision", "launch", "boot", "ticket", "assignment"] as const;
export type WaitPart = (typeof WAIT_PARTS)[number];

/** The beginnings of the facts that mark a step of a wait: what writes them and what reads them share them. */
export const STEP_FACTS = {
  planned: "machine planned",
  toBeStarted: "machine to be started again",
  launched: "machine provisioning",
  started: "machine started again",
  ready: "machine parked",
  delivered: "ticket delivered",
} as const;

/** What is written down of a job whose status is this. */
export function jobFact(status: Exclude<JobStatus, "completed">): string {
  return `job ${status.replace("_", " ")}`;
}

/** Epoch milliseconds. */
export interface WaitTimes {
  /** By GitHub's stamp; null for a job that GitHub held until somebody approved it: it does not say when that was. */
  readonly queuedAtMs: number | null;
  /** When we were told that it is queued. */
  readonly receivedAtMs: number;
  /** The last boot of its machine that began before it had the ticket; null where nobody wrote that down. */
  readonly boot: { readonly plannedAtMs: number; readonly launchedAtMs: number; readonly readyAtMs: number } | null;
  /** When its ticket was made for it, or for another job, or was aimed at it. */
  readonly decidedAtMs: number;
  readonly deliveredAtMs: number;
  /** By GitHub's stamp. */
  readonly runningAtMs: number;
}

export interface Wait {
  readonly totalMs: number;
  /** Without those that the job did not need. */
  readonly parts: ReadonlyMap<WaitPart, number>;
}

export function splitWait(times: WaitTimes): Wait {
  const beganAtMs = times.queuedAtMs ?? times.receivedAtMs;
  const endedAtMs = Math.max(beganAtMs, times.runningAtMs);
  let atMs = beganAtMs;
  const parts = new Map<WaitPart, number>();
  const until = (part: WaitPart, untilMs: number) => {
    const nextMs = Math.min(Math.max(atMs, untilMs), endedAtMs);
    parts.set(part, (parts.get(part) ?? 0) + nextMs - atMs);
    atMs = nextMs;
  };
  if (times.queuedAtMs !== null) until("github", times.receivedAtMs);
  const receivedAtMs = atMs;
  const { boot } = times;
  if (boot !== null && boot.readyAtMs > receivedAtMs) {
    until("decision", boot.plannedAtMs);
    until("launch", boot.launchedAtMs);
    until("boot", boot.readyAtMs);
  }
  until("decision", times.decidedAtMs);
  // One whose runner was online before the job came needed no ticket.
  if (times.deliveredAtMs > receivedAtMs) until("ticket", times.deliveredAtMs);
  until("assignment", endedAtMs);
  return { totalMs: endedAtMs - beganAtMs, parts };
}

/** What the store has of a job that runs on one of our machines. */
export interface WaitRecords {
  readonly job: Job;
  readonly firstSeenAtMs: number;
  readonly ticket: Ticket;
  /** Of the job, its ticket and its machine, in any order. */
  readonly evidence: readonly Evidence[];
}

/** @returns null where GitHub does not say when it began to run. */
export function readWaitTimes({ job, firstSeenAtMs, ticket, evidence }: WaitRecords): WaitTimes | null {
  if (job.startedAtMs === null) return null;
  const inOrder = [...evidence].sort((a, b) => a.observedAtMs - b.observedAtMs);
  const decidedAtMs = ticket.aimedAtMs ?? ticket.createdAtMs;
  const deliveredAtMs = findFirst(ofKind(inOrder, "ticket"), STEP_FACTS.delivered) ?? decidedAtMs;
  const approvedAtMs = approvalOf(ofKind(inOrder, "job"));
  return {
    queuedAtMs: approvedAtMs === null ? job.createdAtMs : null,
    receivedAtMs: approvedAtMs ?? firstSeenAtMs,
    boot: lastBoot(ofKind(inOrder, "machine").filter(({ observedAtMs }) => observedAtMs <= deliveredAtMs)),
    decidedAtMs,
    deliveredAtMs,
    runningAtMs: job.startedAtMs,
  };
}

/** When a job was queued: by GitHub's stamp, or, where GitHub held it until somebody approved it, when we were told. */
export function queuedSinceMs(job: Job, evidence: readonly Evidence[]): number {
  const inOrder = [...evidence].sort((a, b) => a.observedAtMs - b.observedAtMs);
  return approvalOf(inOrder) ?? job.createdAtMs;
}

function approvalOf(inOrder: readonly Evidence[]): number | null {
  const held = inOrder.findIndex(({ fact }) => fact.startsWith(jobFact("waiting")));
  return held === -1 ? null : findFirst(inOrder.slice(held), jobFact("queued"));
}

function ofKind(evidence: readonly Evidence[], kind: Evidence["subject"]["kind"]): readonly Evidence[] {
  return evidence.filter(({ subject }) => subject.kind === kind);
}

function findFirst(inOrder: readonly Evidence[], ...beginnings: readonly string[]): number | null {
  const found = inOrder.find(({ fact }) => beginnings.some((beginning) => fact.startsWith(beginning)));
  return found?.observedAtMs ?? null;
}

function lastBoot(inOrder: readonly Evidence[]): WaitTimes["boot"] {
  const { planned, toBeStarted, launched, started, ready } = STEP_FACTS;
  const began = inOrder.findLastIndex(({ fact }) => fact.startsWith(planned) || fact.startsWith(toBeStarted));
  const steps = inOrder.slice(Math.max(0, began));
  const plannedAtMs = findFirst(steps, planned, toBeStarted);
  const readyAtMs = findFirst(steps, ready);
  if (plannedAtMs === null || readyAtMs === null) return null;
  return { plannedAtMs, launchedAtMs: findFirst(steps, launched, started) ?? plannedAtMs, readyAtMs };
}

/** A pass, a provider's answer, a call to GitHub: what is no deadline of its own. */
const STEPS_ALLOWANCE_MS = MINUTE_MS;

/** How long a job may be queued where nothing stands in the way: one try that comes to nothing, and one that runs. */
export function queuedBoundMs({ bootMs, onlineMs, idleTicketMs }: PoolDeadlines): number {
  return 2 * (bootMs + onlineMs) + idleTicketMs + STEPS_ALLOWANCE_MS;
}

/** GitHub must call a silent host's runner away for half an hour; a provider may take as long to end what it was asked to. */
const PROOF_AND_ENDING_MS = HOUR_MS;

/** How long a machine may retire: until its silent host counts as lost, and the provider has confirmed its end. */
export function retiringBoundMs({ lostHostMs }: PoolDeadlines): number {
  return lostHostMs + PROOF_AND_ENDING_MS;
}
