/**
 * The proofs that time brings, of machines whose host does not say by itself that it is idle: `host-lost`, `job-terminal`,
 * and the limits past which an ending is forced. Each is a pure question: what is still missing? Nothing missing is the
 * proof; anything heard from the host in between makes something missing again.
 *
 * None of them rests on GitHub's flags alone: what GitHub says only counts beside a host that was silent, or still, for
 * long.
 */
import type { JobId, TicketId } from "./ids.ts";
import { isOfFirstSight, type Machine } from "./machine.ts";
import type { PoolDeadlines } from "./pool.ts";
import type { ReasonCode } from "./reasons.ts";
import { isTicketOut, type Ticket } from "./ticket.ts";
import { type HeardTime, isPast } from "./time.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "./units.ts";

/** For so long every reading at GitHub must say offline or absent. */
const AWAY_FOR_MS = 30 * MINUTE_MS;
/** A reading older than this says nothing of now; two further apart than this are not "every reading". */
export const READING_APART_MAX_MS = 5 * MINUTE_MS;
/** For so long every known job of the ticket must have been terminal. */
const TERMINAL_FOR_MS = 15 * MINUTE_MS;
/** Heard within this: the agent is there, and its last report is its present word. */
const HEARD_WITHIN_MS = MINUTE_MS;
/** A Worker that still works so long after its last job became terminal is ended as forced. */
export const WORKS_ON_MAX_MS = 60 * MINUTE_MS;
/** GitHub's own limit for a job: no ticket whose job nobody can name runs longer. */
const NAMELESS_JOB_MAX_MS = 5 * DAY_MS;
/** The least of it that must be time in which we could have heard, so that a clock that jumps ends nothing. */
const NAMELESS_HEARD_MS = 6 * HOUR_MS;

/** What GitHub said, in readings close to one another, of the registration of a ticket. */
export interface RunnerReading {
  /** Since when every reading says offline or absent; null where the last one said online. A failed reading says nothing. */
  readonly awaySinceMs: number | null;
  readonly readAtMs: number;
  /** Whether GitHub ever said that it has connected (`version` not null). */
  readonly wasConnected: boolean;
}

/** A job that GitHub named as one that a ticket's runner runs or ran. */
export interface KnownJob {
  readonly id: JobId;
  /** Since when we know from GitHub that it is over; null where it is not, or only guessed to be. */
  readonly terminalSinceMs: number | null;
  /** When we last learned anything of it. */
  readonly changedAtMs: number;
}

/** What is known of one machine besides its row, read right before it is judged. */
export interface HostFacts {
  /** Epoch milliseconds of the agent's last word; null if none since this process started. */
  readonly heardAtMs: number | null;
  /** The same, refused tries to speak as it included: somebody is there. */
  readonly stirredAtMs: number | null;
  readonly readings: ReadonlyMap<TicketId, RunnerReading>;
  readonly jobs: ReadonlyMap<TicketId, readonly KnownJob[]>;
}

/** An agent that is silent for so long: GitHub is asked about its runner, and nothing new waits for what is out there. */
export const SILENT_AFTER_MS = 3 * MINUTE_MS;

export const NO_HOST_FACTS: HostFacts = { heardAtMs: null, stirredAtMs: null, readings: new Map(), jobs: new Map() };

export interface SlowQuestion {
  readonly machine: Machine;
  /** Every ticket that the machine ever had. */
  readonly tickets: readonly Ticket[];
  readonly facts: HostFacts;
  readonly deadlines: Pick<PoolDeadlines, "lostHostMs" | "unknownMs">;
  readonly time: HeardTime;
}

/** The host is silent, GitHub's every reading agrees, and no job can be running that anybody knows of. */
export function missingForHostLost(question: SlowQuestion): readonly ReasonCode[] {
  const { machine, tickets, facts, deadlines, time } = question;
  const missing: ReasonCode[] = isSilentFor(deadlines.lostHostMs, question) ? [] : ["host-not-silent"];
  const out = tickets.filter(isTicketOut);
  // That no ticket is out our store can only say of a row that it has had from the start.
  const isUnheard = isOfFirstSight(machine) && machine.incarnation === null;
  if ((machine.origin !== "launched" && out.length === 0) || isUnheard) missing.push("not-ours-from-the-start");
  // Fewer tickets than were given: the list is not whole.
  if (tickets.filter(hasLeft).length < machine.ticketsGiven) missing.push("ticket-not-over");
  for (const ticket of out) missing.push(...missingForAway(ticket, facts, time), ...missingForJobs(ticket, question));
  return unique(missing);
}

/** All of the ticket's jobs are over, and its host, which speaks, has not moved since. */
export function missingForJobTerminal(question: SlowQuestion): readonly ReasonCode[] {
  const { machine, tickets, facts, time } = question;
  const out = tickets.filter(isTicketOut);
  const missing: ReasonCode[] = out.length === 0 ? ["no-job-known"] : [];
  for (const ticket of out) missing.push(...missingForTerminal(facts.jobs.get(ticket.id) ?? [], time));
  if (!isHeardNow(facts, time)) missing.push("agent-silent");
  const { report } = machine;
  const stillness = report?.stillness ?? null;
  const isOfTicket = out.every((ticket) => report?.ticket?.id === ticket.id);
  if (report === null || report.sighting.kind === "unknown") missing.push("host-unreadable");
  if (!isOfTicket || stillness === null || !stillness.isLeaseOld || !stillness.isWorkerStill)
    missing.push("still-moves");
  else if (!stillness.areLogsSaved) missing.push("logs-not-saved");
  return unique(missing);
}

/**
 * The contract's limits. `unknown-host`: nobody could tell for `deadlines.unknown` whether a job runs there. `works-on`: its
 * last job has been over for an hour, and its Worker still works. `nameless-job`: it has run for as long as GitHub lets any
 * job run, and nobody can name one.
 */
export const OVERDUE_LIMITS = ["unknown-host", "works-on", "nameless-job"] as const;
export type OverdueLimit = (typeof OVERDUE_LIMITS)[number];

export function missingForLimit(limit: OverdueLimit, question: SlowQuestion): readonly ReasonCode[] {
  switch (limit) {
    case "unknown-host":
      return missingForUnknownHost(question);
    case "works-on":
      return missingForWorksOn(question);
    case "nameless-job":
      return missingForNamelessJob(question);
  }
}

function missingForUnknownHost(question: SlowQuestion): readonly ReasonCode[] {
  const { tickets, facts, deadlines, time } = question;
  if (deadlines.unknownMs === 0) return ["unknown-kept"];
  const missing: ReasonCode[] = isSilentFor(deadlines.unknownMs, question) ? [] : ["host-not-silent"];
  // What was heard before nobody knew what runs there says nothing of since when nobody knows.
  const unknown = tickets.filter(({ state }) => state.kind === "unknown");
  if (unknown.some(({ state }) => !isPast(state.sinceMs, deadlines.unknownMs, time))) missing.push("deadline-not-past");
  // GitHub that says online is somebody there: then only the last limit ends it.
  // Of one that stands in for what nobody knows there is no runner that GitHub could be asked about.
  const known = tickets.filter((ticket) => isTicketOut(ticket) && ticket.registration !== "none");
  for (const ticket of known) missing.push(...missingForAway(ticket, facts, time));
  return unique(missing);
}

function missingForWorksOn(question: SlowQuestion): readonly ReasonCode[] {
  const { tickets, facts, time } = question;
  const out = tickets.filter(isTicketOut);
  if (out.length === 0) return ["no-job-known"];
  if (out.some((ticket) => mayTakeJob(ticket, question))) return ["ticket-out"];
  return unique(out.flatMap((ticket) => missingForTerminal(facts.jobs.get(ticket.id) ?? [], time, WORKS_ON_MAX_MS)));
}

/**
 * A host that speaks and says of its listener that it has no job: the limits are about jobs that go on for too long. That
 * listener could take its first job in the moment of the call; it ends by its host's fence.
 */
function mayTakeJob({ state }: Ticket, question: SlowQuestion): boolean {
  if (state.kind === "running" || state.kind === "unknown") return false;
  return !isSilentFor(question.deadlines.lostHostMs, question);
}

function missingForNamelessJob(question: SlowQuestion): readonly ReasonCode[] {
  const { tickets, facts, time } = question;
  const out = tickets.filter(isTicketOut);
  if (out.length === 0) return ["no-job-known"];
  if (out.some((ticket) => mayTakeJob(ticket, question))) return ["ticket-out"];
  return unique(
    out.flatMap((ticket): readonly ReasonCode[] => {
      // A job that nobody has told of for as long as GitHub lets one run is no name either.
      const isNamed = (job: KnownJob) => time.nowMs - job.changedAtMs < NAMELESS_JOB_MAX_MS + WORKS_ON_MAX_MS;
      if ((facts.jobs.get(ticket.id) ?? []).some(isNamed)) return ["job-not-terminal"];
      const { sinceMs } = ticket.state;
      const isOld = time.nowMs - sinceMs >= NAMELESS_JOB_MAX_MS && isPast(sinceMs, NAMELESS_HEARD_MS, time);
      return isOld ? [] : ["deadline-not-past"];
    }),
  );
}

/**
 * Nobody was silent before there was a row of it: what was heard of it first may be known to another process alone, for as
 * long as that takes to tell. A row from the future was written before the clock was set back, and heard time begins there.
 */
function isSilentFor(deadlineMs: number, { machine, facts, time }: SlowQuestion): boolean {
  const knownSinceMs = machine.createdAtMs > time.nowMs ? 0 : machine.createdAtMs;
  return isPast(Math.max(facts.stirredAtMs ?? 0, knownSinceMs), deadlineMs, time);
}

/** A word from the future was said before the clock was set back: how long ago, nobody knows. */
function isHeardNow({ heardAtMs }: HostFacts, { nowMs }: HeardTime): boolean {
  return heardAtMs !== null && Math.abs(nowMs - heardAtMs) < HEARD_WITHIN_MS;
}

function hasLeft({ state }: Ticket): boolean {
  return state.kind !== "void" && state.kind !== "minting" && state.kind !== "issued";
}

function missingForAway(ticket: Ticket, { readings }: HostFacts, time: HeardTime): readonly ReasonCode[] {
  const reading = readings.get(ticket.id);
  if (reading === undefined || time.nowMs - reading.readAtMs > READING_APART_MAX_MS) return ["github-not-read"];
  if (reading.awaySinceMs === null) return ["github-says-online"];
  return isPast(reading.awaySinceMs, AWAY_FOR_MS, time) ? [] : ["github-says-away-too-short"];
}

/** Never online is no job; else at least one job must be known by its id, and all of them over. */
function missingForJobs(ticket: Ticket, { machine, facts, time }: SlowQuestion): readonly ReasonCode[] {
  const jobs = facts.jobs.get(ticket.id) ?? [];
  const isOurs = machine.origin === "launched" && ticket.state.kind !== "unknown";
  const wasOnline = ticket.wasOnline || (facts.readings.get(ticket.id)?.wasConnected ?? true);
  if (isOurs && !wasOnline && jobs.length === 0) return [];
  return missingForTerminal(jobs, time);
}

function missingForTerminal(
  jobs: readonly KnownJob[],
  time: HeardTime,
  forMs: number = TERMINAL_FOR_MS,
): readonly ReasonCode[] {
  if (jobs.length === 0) return ["no-job-known"];
  const areOver = jobs.every(({ terminalSinceMs }) => terminalSinceMs !== null && isPast(terminalSinceMs, forMs, time));
  return areOver ? [] : ["job-not-terminal"];
}

function unique(reasons: readonly ReasonCode[]): readonly ReasonCode[] {
  return [...new Set(reasons)];
}
