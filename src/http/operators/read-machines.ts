import type { DecisionRecord, Evidence } from "../../domain/evidence.ts";
import { describeMachine, findProof, whyMachineStays } from "../../domain/explain.ts";
import type { MachineId } from "../../domain/ids.ts";
import { formatInstant } from "../../domain/instant.ts";
import { type Machine, providerIdOf } from "../../domain/machine.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { latestDecisions } from "../../store/evidence/decisions.ts";
import { listEvidenceBySource } from "../../store/evidence/evidence.ts";
import { subjectKey } from "../../store/evidence/row.ts";
import { findJobsByRunnerNames } from "../../store/jobs/load.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { listEndedMachines, listMachines, type MachineFilter } from "../../store/machines/list.ts";
import { loadMachines } from "../../store/machines/load.ts";
import { machineSubject } from "../../store/subjects.ts";
import { listTicketsOfMachines } from "../../store/tickets/list.ts";
import type { MachineAnswer, MachinesAnswer } from "./answers.ts";
import { judge } from "./judge.ts";
import { isFrozen, readWords, type Words, wordsOver } from "./read-words.ts";
import type { OperatorSources } from "./sources.ts";

export interface MachinesQuery extends MachineFilter {
  /** What they are believed to do; whatever it is, where it is left out. */
  readonly verdicts?: readonly string[] | undefined;
}

/** Above all that `machines.max` of a few pools allows: looked through for those of a verdict, which no table has. */
const JUDGED_MAX = 20_000;

/** Newest first. */
export async function readMachines(sources: OperatorSources, query: MachinesQuery): Promise<MachinesAnswer> {
  const { verdicts, limitCount } = query;
  const found =
    verdicts === undefined
      ? await listMachines(sources.store.db, { ...query, limitCount: limitCount + 1 })
      : await listJudged(sources, query, verdicts);
  return answerMachines(sources, found, limitCount);
}

/** Gone ones, the last that ended first: of pools that are configured, or left and are not drained. */
export async function readEndedMachines(sources: OperatorSources, limitCount: number): Promise<MachinesAnswer> {
  const departed = (sources.readDeparted?.() ?? []).map(({ policy }) => policy);
  const pools = [...sources.pools, ...departed].map(({ name }) => name);
  return answerMachines(sources, await listEndedMachines(sources.store.db, pools, limitCount + 1), limitCount);
}

/** @param found one more than are told, where there are more. */
async function answerMachines(
  sources: OperatorSources,
  found: readonly Machine[],
  limitCount: number,
): Promise<MachinesAnswer> {
  const machines = await describeAll(sources, found.slice(0, limitCount));
  const isMore = found.length > machines.length ? { isMore: true as const } : {};
  return { now: formatInstant(sources.clock.nowMs()), machines, ...isMore };
}

async function listJudged(
  sources: OperatorSources,
  query: MachinesQuery,
  verdicts: readonly string[],
): Promise<readonly Machine[]> {
  const { db } = sources.store;
  const machines = await listMachines(db, { ...query, limitCount: JUDGED_MAX });
  const tickets = await listTicketsOfMachines(
    db,
    machines.map(({ id }) => id),
  );
  const byMachine = Map.groupBy(tickets, (ticket) => ticket.machineId);
  return machines.filter((machine) => {
    const verdict = judge(sources, machine, byMachine.get(machine.id) ?? []);
    return verdict !== null && verdicts.includes(verdict.kind);
  });
}

/** Those of these ids, in their order. */
export async function readMachinesById(sources: OperatorSources, ids: readonly MachineId[]): Promise<MachinesAnswer> {
  const found = await loadMachines(sources.store.db, ids);
  const machines = ids.flatMap((id) => found.get(id) ?? []);
  return { now: formatInstant(sources.clock.nowMs()), machines: await describeAll(sources, machines) };
}

interface Surrounding {
  readonly tickets: readonly Ticket[];
  readonly jobs: readonly JobRow[];
  readonly latest: DecisionRecord | null;
  readonly evidence: readonly Evidence[];
  readonly words: Words;
}

async function describeAll(sources: OperatorSources, machines: readonly Machine[]): Promise<MachineAnswer[]> {
  const { db } = sources.store;
  const ids = machines.map((machine) => machine.id);
  const tickets = await listTicketsOfMachines(db, ids);
  const jobs = await findJobsByRunnerNames(
    db,
    tickets.map((ticket) => ticket.runnerName),
  );
  const decisions = await latestDecisions(db, ids.map(machineSubject));
  const gone = machines.filter(({ state }) => state.kind === "gone").map(({ id }) => machineSubject(id));
  const endings = Map.groupBy(await listEvidenceBySource(db, gone, "controller"), ({ subject }) => subject.id);
  const ticketsByMachine = Map.groupBy(tickets, (ticket) => ticket.machineId);
  const jobsByRunner = Map.groupBy(jobs, ({ job }) => job.runnerName);
  const words = await readWords(db);
  const answers: MachineAnswer[] = [];
  for (const machine of machines) {
    const subject = machineSubject(machine.id);
    const own = ticketsByMachine.get(machine.id) ?? [];
    const surrounding = {
      tickets: own,
      jobs: own.flatMap((ticket) => jobsByRunner.get(ticket.runnerName) ?? []),
      latest: decisions.get(subjectKey(subject)) ?? null,
      evidence: endings.get(subject.id) ?? [],
      words,
    };
    answers.push(describe(sources, machine, surrounding));
  }
  return answers;
}

function describe(sources: OperatorSources, machine: Machine, surrounding: Surrounding): MachineAnswer {
  const { tickets, jobs, latest, evidence, words } = surrounding;
  const { state } = machine;
  const ticket = tickets.at(-1);
  const heardAtMs = sources.heardAtMs(machine.id);
  return {
    id: machine.id,
    pool: machine.pool,
    state: state.kind,
    stage: state.kind === "retiring" ? state.stage : null,
    since: formatInstant(state.sinceMs),
    verdict: mutable(describeMachine(machine, judge(sources, machine, tickets), evidence)),
    waitingFor: whyMachineStays(machine, latest, {
      nowMs: sources.clock.nowMs(),
      isFrozen: isFrozen(words, machine.pool),
    }),
    retireReason: state.kind === "retiring" || state.kind === "gone" ? state.reason : null,
    proof: findProof(evidence),
    ticket: ticket === undefined ? null : { id: ticket.id, state: ticket.state.kind, runnerName: ticket.runnerName },
    jobs: jobs.map(({ job: { id, repository, name, status } }) => ({ id, repository, name, status })),
    providerId: providerIdOf(machine),
    createdAt: formatInstant(machine.createdAtMs),
    heardAt: heardAtMs === null ? null : formatInstant(heardAtMs),
    words: wordsOver(words, machine),
  };
}

function mutable({ kind, sentences }: ReturnType<typeof describeMachine>): MachineAnswer["verdict"] {
  return { kind, sentences: [...sentences] };
}
