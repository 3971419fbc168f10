/** What kept the two promises in the last day and what went against them: endings by proof, refusals, force, alarms. */
import { ALARM_FACTS, ALARM_KINDS, readEndingFact } from "../../domain/alarm-facts.ts";
import type { Evidence } from "../../domain/evidence.ts";
import { PROOFS } from "../../domain/explain.ts";
import { parseMachineId } from "../../domain/ids.ts";
import { formatInstant } from "../../domain/instant.ts";
import type { Machine } from "../../domain/machine.ts";
import { refuserOf } from "../../domain/refusals.ts";
import { because, nameSubject } from "../../domain/timeline.ts";
import { DAY_MS } from "../../domain/units.ts";
import {
  countAlarms,
  countEndings,
  countRefusals,
  type EndingCount,
  listAlarms,
  listForcedEndings,
  type RefusalCount,
} from "../../store/evidence/safety.ts";
import { findJobsByRunnerNames } from "../../store/jobs/load.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { loadMachines } from "../../store/machines/load.ts";
import { countUnknownRegistrations } from "../../store/registrations/unknown.ts";
import type { Queryable } from "../../store/schema.ts";
import { countTicketsOwingDeletion } from "../../store/tickets/count.ts";
import { listTicketsOfMachines } from "../../store/tickets/list.ts";
import type { SafetyAnswer } from "./answer-safety.ts";
import type { OperatorSources } from "./sources.ts";
import { type FleetMachine, surveyFleet } from "./survey-fleet.ts";

const WINDOW_MS = DAY_MS;
/** Of each list, the newest. */
const LISTED_MAX = 20;

/** @param read the fleet, where somebody has read it already. */
export async function readSafety(
  sources: OperatorSources,
  read: readonly FleetMachine[] | null = null,
): Promise<SafetyAnswer> {
  const { db } = sources.store;
  const nowMs = sources.clock.nowMs();
  const since = { sinceMs: nowMs - WINDOW_MS, limitCount: LISTED_MAX };
  const fleet = read ?? (await surveyFleet(sources));
  const unknown = fleet.filter(({ verdict }) => verdict?.kind === "unknown");
  const pools = new Set([...sources.pools.map(({ name }) => name), ...fleet.map(({ pool }) => pool)]);
  let owed = 0;
  for (const pool of pools) owed += await countTicketsOwingDeletion(db, pool);
  return {
    now: formatInstant(nowMs),
    since: formatInstant(since.sinceMs),
    endings: describeEndings(await countEndings(db, since.sinceMs)),
    refusals: describeRefusals(await countRefusals(db, since.sinceMs)),
    forced: await describeForced(db, await listForcedEndings(db, since)),
    alarms: [...(await countAlarms(db, since.sinceMs))],
    alarming: (await listAlarms(db, since)).flatMap(describeAlarm),
    ghosts: { owed, unknown: await countUnknownRegistrations(db) },
    unknown: { count: unknown.length, machines: unknown.slice(0, LISTED_MAX).map(({ id }) => id) },
    adopted: fleet.filter(({ origin }) => origin !== "launched").length,
  };
}

/** The commonest first. */
function describeEndings(counts: readonly EndingCount[]): SafetyAnswer["endings"] {
  const byProof = new Map<string, number>();
  for (const { fact, machineCount } of counts) {
    const { proof } = readEndingFact(fact) ?? { proof: "" };
    byProof.set(proof, (byProof.get(proof) ?? 0) + machineCount);
  }
  const endings = [...byProof].map(([word, machines]) => ({ word, sentence: sentenceOf(word), machines }));
  return endings.sort((a, b) => b.machines - a.machines);
}

function sentenceOf(proof: string): string {
  const sentences: Readonly<Record<string, string>> = PROOFS;
  return Object.hasOwn(sentences, proof) ? (sentences[proof] ?? proof) : proof;
}

function describeRefusals(counts: readonly RefusalCount[]): SafetyAnswer["refusals"] {
  const refusals = counts.flatMap(({ reason, machineCount }) => {
    const by = refuserOf(reason);
    return by === null ? [] : [{ word: reason, sentence: because(reason).sentence, machines: machineCount, by }];
  });
  return refusals.sort((a, b) => b.machines - a.machines);
}

/** With the jobs that ran, or had run, on each: whether force cost one is for a person to see. */
async function describeForced(db: Queryable, endings: readonly Evidence[]): Promise<SafetyAnswer["forced"]> {
  const ids = [...new Set(endings.map(({ subject }) => parseMachineId(subject.id)))];
  const machines = await loadMachines(db, ids);
  const tickets = await listTicketsOfMachines(db, ids);
  const jobs = await findJobsByRunnerNames(
    db,
    tickets.map(({ runnerName }) => runnerName),
  );
  const machineOf = new Map(tickets.map(({ runnerName, machineId }) => [runnerName, machineId as string]));
  const byMachine = Map.groupBy(jobs, ({ job }) => machineOf.get(job.runnerName ?? ""));
  return endings.map(({ subject, fact, observedAtMs }) => {
    const machine = machines.get(parseMachineId(subject.id)) ?? null;
    return {
      at: formatInstant(observedAtMs),
      machineId: subject.id,
      pool: machine?.pool ?? null,
      ...whoForced(fact, machine),
      jobs: (byMachine.get(subject.id) ?? []).map(describeJob),
    };
  });
}

function whoForced(fact: string, machine: Machine | null): { by: string; reason: string } {
  const limit = readEndingFact(fact)?.limit ?? null;
  if (limit !== null) return { by: `limit ${limit}`, reason: because("limit-past").sentence };
  const { operator, reason } = machine?.forced ?? { operator: "an operator", reason: "" };
  return { by: operator, reason };
}

function describeJob({
  job: { id, repository, name, conclusion },
}: JobRow): SafetyAnswer["forced"][number]["jobs"][number] {
  return { id, repository, name, conclusion };
}

function describeAlarm({ subject, fact, observedAtMs }: Evidence): SafetyAnswer["alarming"] {
  const kind = ALARM_KINDS.find((one) => fact.startsWith(ALARM_FACTS[one]));
  return kind === undefined ? [] : [{ at: formatInstant(observedAtMs), about: nameSubject(subject), kind, fact }];
}
