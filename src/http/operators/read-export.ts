/** A support bundle: what somebody needs who helps from afar, and no secret. Everything in it passes the mask. */
import { formatInstant } from "../../domain/instant.ts";
import { sentenceOf } from "../../domain/reasons.ts";
import { listRecentDecisions } from "../../store/evidence/decisions.ts";
import { listRecentEvidence } from "../../store/evidence/evidence.ts";
import { listRecentLogs, type MachineLog } from "../../store/logs/logs.ts";
import { readShape } from "../../store/shape.ts";
import { listTicketSecrets } from "../../store/tickets/secret.ts";
import type { ExportAnswer } from "./answers.ts";
import { Bundle } from "./bundle/bound.ts";
import { createMask } from "./bundle/mask.ts";
import { readDeliveries } from "./read-deliveries.ts";
import { readExplanation, readFleetExplanation } from "./read-explanation.ts";
import { readJobs } from "./read-jobs.ts";
import { readMachines } from "./read-machines.ts";
import { readPlan } from "./read-plan.ts";
import { readStatus } from "./read-status.ts";
import type { OperatorSources } from "./sources.ts";

/** Jobs and machines in the lists, the newest. */
const LISTED_MAX = 300;
/** Decisions, and pieces of evidence, the newest. */
const RECORDS_MAX = 1_000;
/** What waits and is explained each by itself, where nothing is named. */
const EXPLAINED_MAX = 30;
const LOGS_MAX = 100;
const DELIVERIES_MAX = 100;
/** Of each pool: what would be done comes before what waits. */
const PLAN_STEPS_MAX = 300;
/** More tickets are not out at a time. */
const TICKET_SECRETS_MAX = 50_000;

/** @param subjects what is explained; where there is none, all that waits. @returns the names that nobody knows. */
export async function readExport(
  sources: OperatorSources,
  subjects: readonly string[],
): Promise<ExportAnswer | { readonly unknown: readonly string[] }> {
  const { db } = sources.store;
  const ofTickets = await listTicketSecrets(db, TICKET_SECRETS_MAX);
  const listed = await readMachines(sources, { limitCount: LISTED_MAX, includeGone: true });
  const ofMachines = listed.machines.flatMap(({ id }) => sources.support?.secretsOfMachine(id) ?? []);
  const bundle = new Bundle(createMask([...(sources.support?.secrets ?? []), ...ofTickets, ...ofMachines]));
  await addWhole(sources, bundle);
  const unknown = await addExplanations(sources, bundle, subjects);
  if (unknown.length > 0) return { unknown };
  bundle.addValue("machines.json", listed);
  bundle.addValue("jobs.json", await readJobs(sources, { limitCount: LISTED_MAX }));
  bundle.addValue("plan.json", await readPlan(sources, { pool: null, limitCount: PLAN_STEPS_MAX }));
  await addRecords(sources, bundle);
  bundle.addText("metrics.txt", (await sources.support?.renderMetrics()) ?? "");
  await addLogs(sources, bundle);
  const { files, cuts } = bundle;
  const now = formatInstant(sources.clock.nowMs());
  const content = introduce(sources, now, cuts);
  return { now, controllerId: sources.controllerId, files: [{ path: "README.txt", content }, ...files], cuts };
}

/** What is always there, first. */
async function addWhole(sources: OperatorSources, bundle: Bundle): Promise<void> {
  bundle.addValue("versions.json", { holdfast: sources.version, ...sources.support?.versions });
  bundle.addValue("configuration.json", sources.support?.configuration ?? null);
  bundle.addValue("status.json", await readStatus(sources));
  bundle.addValue("store.json", await readShape(sources.store.db));
  bundle.addValue("explain/fleet.json", await readFleetExplanation(sources));
}

async function addExplanations(
  sources: OperatorSources,
  bundle: Bundle,
  subjects: readonly string[],
): Promise<readonly string[]> {
  const waiting = subjects.length > 0 ? [] : await listWaiting(sources);
  if (waiting.length > EXPLAINED_MAX)
    bundle.noteCut(`of ${waiting.length} jobs and machines that wait, ${EXPLAINED_MAX} are explained`);
  const unknown: string[] = [];
  for (const text of subjects.length > 0 ? subjects : waiting.slice(0, EXPLAINED_MAX)) {
    const told = await readExplanation(sources, text);
    if (told !== null) bundle.addValue(`explain/${told.subject.kind}-${told.subject.id}.json`, told);
    // What waited a moment ago and is forgotten since is nobody's mistake.
    else if (subjects.length > 0) unknown.push(text);
  }
  return unknown;
}

/** Jobs that are queued, the newest first, and machines that nobody can judge or that retire. */
async function listWaiting(sources: OperatorSources): Promise<readonly string[]> {
  const { jobs } = await readJobs(sources, { limitCount: LISTED_MAX, statuses: ["queued", "waiting"] });
  const { machines } = await readMachines(sources, { limitCount: LISTED_MAX, includeGone: false });
  const stuck = machines.filter(({ state, verdict }) => verdict.kind === "unknown" || state === "retiring");
  return [...jobs.map(({ id }) => String(id)), ...stuck.map(({ id }) => id)];
}

async function addRecords(sources: OperatorSources, bundle: Bundle): Promise<void> {
  const { db } = sources.store;
  const decisions = await listRecentDecisions(db, RECORDS_MAX);
  bundle.addValue(
    "decisions.json",
    decisions.map(({ reason, decidedAtMs, confirmedAtMs, ...decision }) => ({
      ...decision,
      reason,
      sentence: sentenceOf(reason),
      decidedAt: formatInstant(decidedAtMs),
      confirmedAt: formatInstant(confirmedAtMs),
    })),
  );
  const evidence = await listRecentEvidence(db, RECORDS_MAX);
  bundle.addValue(
    "evidence.json",
    evidence.map(({ observedAtMs, confirmedAtMs, ...one }) => ({
      ...one,
      observedAt: formatInstant(observedAtMs),
      confirmedAt: formatInstant(confirmedAtMs),
    })),
  );
  if (Math.max(decisions.length, evidence.length) === RECORDS_MAX)
    bundle.noteCut(`decisions and evidence: the newest ${RECORDS_MAX} of each`);
  bundle.addValue(
    "deliveries.json",
    await readDeliveries(sources, { limitCount: DELIVERIES_MAX, state: "quarantined" }),
  );
}

async function addLogs({ store }: OperatorSources, bundle: Bundle): Promise<void> {
  const logs = await listRecentLogs(store.db, LOGS_MAX);
  if (logs.length === LOGS_MAX) bundle.noteCut(`logs: the newest ${LOGS_MAX}`);
  for (const log of logs) bundle.addText(pathOf(log), `${log.lines.join("\n")}\n`);
}

/** A log's name is its host's word: nothing of it leads out of the folder. */
function pathOf({ machineId, ticketId, name }: MachineLog): string {
  const file = name
    .replace(/[^\w.-]+/g, "_")
    .replace(/\.{2,}/g, "_")
    .slice(0, 100);
  return `logs/${machineId}/${ticketId ?? "machine"}-${file}`;
}

function introduce({ controllerId, version }: OperatorSources, now: string, cuts: readonly string[]): string {
  return [
    `Holdfast ${version}, controller ${controllerId}, at ${now}.`,
    "",
    "Made by `holdfast export`. Secrets are left out of the configuration, and in every file what is known to be one, or looks",
    "like one, is masked as [hidden]. Names of repositories, jobs, machines and operators are in it, and what jobs wrote last:",
    "look through logs/ before you send it to anybody.",
    "",
    ...(cuts.length === 0
      ? ["Nothing was cut."]
      : ["Cut, so that it stays within its size:", ...cuts.map((cut) => `- ${cut}`)]),
    "",
  ].join("\n");
}
