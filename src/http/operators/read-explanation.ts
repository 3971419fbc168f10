import { type Lane, tellBands } from "../../domain/bands.ts";
import { explainJob, explainMachine, type JobExplanation, type MachineExplanation } from "../../domain/explain.ts";
import type { FleetExplanation, PoolExplanation } from "../../domain/explain-pools.ts";
import type { PoolName } from "../../domain/ids.ts";
import { formatInstant } from "../../domain/instant.ts";
import type { Job } from "../../domain/job.ts";
import type { Machine } from "../../domain/machine.ts";
import { type NextStep, nextOfJob, nextOfMachine, nextOfPool } from "../../domain/next-step.ts";
import { isTicketLive, type Ticket } from "../../domain/ticket.ts";
import { TIMELINE_COUNT_MAX } from "../../domain/timeline.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { loadMachine } from "../../store/machines/load.ts";
import { loadRerun } from "../../store/reruns/load.ts";
import type { Queryable } from "../../store/schema.ts";
import { jobSubject, machineSubject, ticketSubject } from "../../store/subjects.ts";
import { listTicketsOfJob, listTicketsOfMachine } from "../../store/tickets/list.ts";
import { findTicketByRunnerName } from "../../store/tickets/load.ts";
import type { ExplainAnswer, StandingWord } from "./answers.ts";
import { findPoolNamed, tellFleet, tellPool } from "./explain-pools.ts";
import { findSubject, refuseSeveral } from "./find-subject.ts";
import { judge } from "./judge.ts";
import { answerNext, nextPassAtMs, readProspects } from "./read-next.ts";
import { readRecords } from "./read-records.ts";
import { allWords, isFrozen, readWords, wordsOfMachine, wordsOfPool, wordsOver } from "./read-words.ts";
import type { OperatorSources } from "./sources.ts";

/** Tickets whose evidence is read for one story, the newest. */
const TICKETS_MAX = 20;

/**
 * @param text what a person may call a job, a machine or a pool. @returns null where nothing of that name is known.
 * @throws {HoldfastError} `ambiguous`
 */
export async function readExplanation(sources: OperatorSources, text: string): Promise<ExplainAnswer | null> {
  const found = await findSubject(sources.store.db, text);
  switch (found.kind) {
    case "none": {
      const pool = await findPoolNamed(sources, text);
      if (pool === null) return null;
      const words = wordsOfPool(await readWords(sources.store.db), pool);
      const next = nextOfPool(await readProspects(sources, pool));
      return answer(sources, await tellPool(sources, pool), { words, lanes: [], next });
    }
    case "job":
      return tellJob(sources, found.row);
    case "machine":
      return tellMachine(sources, found.machine);
    case "ambiguous":
      throw refuseSeveral("explaining", text, found.names);
  }
}

/** Why nothing starts, in all pools together. */
export async function readFleetExplanation(sources: OperatorSources): Promise<ExplainAnswer> {
  const words = await readWords(sources.store.db);
  return answer(sources, await tellFleet(sources), { words: allWords(words, []), lanes: [], next: null });
}

interface Besides {
  readonly words: readonly StandingWord[];
  readonly lanes: readonly Lane[];
  readonly next: NextStep | null;
}

function answer(
  sources: OperatorSources,
  told: JobExplanation | MachineExplanation | PoolExplanation | FleetExplanation,
  { words, lanes, next }: Besides,
): ExplainAnswer {
  const { subject, verdict, waitingFor, timeline, omittedCount } = told;
  return {
    now: formatInstant(sources.clock.nowMs()),
    subject: subject.kind === "machine" ? { ...subject, runnerNames: [...subject.runnerNames] } : subject,
    verdict: { kind: verdict.kind, sentences: [...verdict.sentences] },
    waitingFor,
    next: answerNext(next),
    lanes: lanes.map((lane) => ({ ...lane, bands: [...lane.bands] })),
    timeline: [...timeline],
    omittedCount,
    words: [...words],
  };
}

/** A job's machine is the one that ran it; until there is one, those that hold a ticket made for it. */
async function tellJob(sources: OperatorSources, { job, pool }: JobRow): Promise<ExplainAnswer> {
  const { db } = sources.store;
  const made = await listTicketsOfJob(db, job.id, job.connection);
  const ran = job.runnerName === null ? null : await findTicketByRunnerName(db, job.runnerName);
  const tickets = ran === null || made.some((ticket) => ticket.id === ran.id) ? made : [...made, ran];
  const shown = newest(tickets);
  const machine = ran === null ? null : await loadMachine(db, ran.machineId);
  const subjects = [
    jobSubject(job.connection, job.id),
    ...shown.map((ticket) => ticketSubject(ticket.id)),
    ...(machine === null ? [] : [machineSubject(machine.id)]),
  ];
  const records = await readRecords(db, subjects, TIMELINE_COUNT_MAX);
  const told = explainJob({ job, pool, tickets, rerun: await loadRerun(db, job), records });
  return answer(sources, told, {
    words: await wordsOfJob(db, job, pool, machine),
    lanes: tellBands(records),
    next: nextOfJob(job, pool === null ? null : await readProspects(sources, pool)),
  });
}

/** Of one that is over only that its machine was ended by force still matters. */
async function wordsOfJob(db: Queryable, { status }: Job, pool: PoolName | null, machine: Machine | null) {
  const words = await readWords(db);
  const ofMachine = machine === null ? [] : wordsOfMachine(words, machine);
  if (status === "completed") return ofMachine.filter(({ word }) => word === "forced");
  return [...ofMachine, ...(pool === null ? [] : wordsOfPool(words, pool))];
}

async function tellMachine(sources: OperatorSources, machine: Machine): Promise<ExplainAnswer> {
  const { db } = sources.store;
  const tickets = await listTicketsOfMachine(db, machine.id);
  const subjects = [machineSubject(machine.id), ...newest(tickets).map((ticket) => ticketSubject(ticket.id))];
  const records = await readRecords(db, subjects, TIMELINE_COUNT_MAX);
  const words = await readWords(db);
  const verdict = judge(sources, machine, tickets);
  const told = explainMachine({
    machine,
    tickets,
    verdict,
    records,
    nowMs: sources.clock.nowMs(),
    isFrozen: isFrozen(words, machine.pool),
  });
  const next = nextOfMachine({
    machine,
    ticket: tickets.findLast(isTicketLive) ?? null,
    verdict,
    heardAtMs: sources.heardAtMs(machine.id),
    deadlines: sources.pools.find(({ name }) => name === machine.pool)?.deadlines ?? null,
    nextPassAtMs: nextPassAtMs(sources, machine.pool, machine.state.kind === "planned" ? "launch" : "retire"),
  });
  return answer(sources, told, { words: wordsOver(words, machine), lanes: tellBands(records), next });
}

function newest(tickets: readonly Ticket[]): readonly Ticket[] {
  return tickets.slice(-TICKETS_MAX);
}
