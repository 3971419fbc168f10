/** `GET /jobs` and `GET /machines`: what may be asked for, and the page of the list that is meant. */
import { z } from "zod";
import { parseMachineId, parsePoolName } from "../../domain/ids.ts";
import { formatInstant } from "../../domain/instant.ts";
import { JOB_STATUSES } from "../../domain/job.ts";
import { MACHINE_STATES } from "../../domain/machine.ts";
import { VERDICTS } from "../../domain/verdict.ts";
import { findJobById } from "../../store/jobs/load.ts";
import type { ListPlace } from "../../store/list-place.ts";
import { loadMachine } from "../../store/machines/load.ts";
import type { JobsAnswer, MachinesAnswer } from "./answers.ts";
import { parsed } from "./find-subject.ts";
import { readJobs } from "./read-jobs.ts";
import { readMachines } from "./read-machines.ts";
import { readName } from "./read-name.ts";
import type { OperatorSources } from "./sources.ts";

const LIST_LIMIT_MAX = 1_000;
const JOBS_LIMIT = 50;

const Limit = z.coerce.number().int().min(1).max(LIST_LIMIT_MAX);

const listOf = <Word extends string>(words: readonly Word[]) =>
  z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(words)))
    .optional();

/** Milliseconds ago, as `7200000`, or an instant. */
const Since = z.union([z.coerce.number<string>().int().min(0), z.iso.datetime()]);
const Before = z.union([z.iso.datetime(), z.string().trim().min(1).max(500)]);

export const JobsQuery = z.strictObject({
  limit: Limit.default(JOBS_LIMIT),
  status: listOf(JOB_STATUSES),
  pool: z.string().optional(),
  since: Since.optional().describe("Only those that GitHub created then or later: an instant, or milliseconds ago"),
  before: Before.optional().describe("Only those that stand after this one in the list: a job, or an instant"),
});

export const MachinesQuery = z.strictObject({
  limit: Limit.default(LIST_LIMIT_MAX),
  all: z.enum(["", "true", "1", "false", "0"]).default("false").describe("Those that are gone, too"),
  state: listOf(MACHINE_STATES),
  verdict: listOf(VERDICTS),
  pool: z.string().optional(),
  since: Since.optional().describe("Only those that were started then or later: an instant, or milliseconds ago"),
  before: Before.optional().describe("Only those that stand after this one in the list: a machine, or an instant"),
});

/** @returns null where `before` names a job that nobody knows. */
export async function listJobs(
  sources: OperatorSources,
  query: z.output<typeof JobsQuery>,
): Promise<JobsAnswer | null> {
  const { limit, status, pool, since, before } = query;
  const pools = poolOf(pool);
  const place = await placeOf<number>(before, 0, async (text) => {
    const { jobId } = readName(text);
    const [row] = jobId === null ? [] : await findJobById(sources.store.db, jobId);
    return row === undefined ? null : { createdAtMs: row.job.createdAtMs, id: row.job.id };
  });
  if (place === null) return null;
  // A text that can be no pool's name is that of none.
  if (pools === null) return { now: formatInstant(sources.clock.nowMs()), jobs: [] };
  const sinceMs = momentOf(sources, since);
  return readJobs(sources, { limitCount: limit, statuses: status, pool: pools.name, sinceMs, before: place.before });
}

/** @returns null where `before` names a machine that nobody knows. */
export async function listFleet(
  sources: OperatorSources,
  query: z.output<typeof MachinesQuery>,
): Promise<MachinesAnswer | null> {
  const { limit, all, state, verdict, pool, since, before } = query;
  const pools = poolOf(pool);
  const place = await placeOf<string>(before, "", async (text) => {
    const id = parsed(parseMachineId, text);
    const machine = id === null ? null : await loadMachine(sources.store.db, id);
    return machine === null ? null : { createdAtMs: machine.createdAtMs, id: machine.id };
  });
  if (place === null) return null;
  if (pools === null) return { now: formatInstant(sources.clock.nowMs()), machines: [] };
  return readMachines(sources, {
    limitCount: limit,
    includeGone: all !== "false" && all !== "0",
    states: state,
    verdicts: verdict,
    pool: pools.name,
    sinceMs: momentOf(sources, since),
    before: place.before,
  });
}

function poolOf(text: string | undefined) {
  if (text === undefined) return { name: undefined };
  const name = parsed(parsePoolName, text.trim());
  return name === null ? null : { name };
}

function momentOf({ clock }: OperatorSources, since: number | string | undefined): number | undefined {
  if (since === undefined) return undefined;
  return typeof since === "number" ? clock.nowMs() - since : Date.parse(since);
}

/** @param least an id that is less than any, for the place before a moment. @returns null where nobody knows what is named. */
async function placeOf<Id>(
  before: string | undefined,
  least: Id,
  find: (text: string) => Promise<ListPlace<Id> | null>,
): Promise<{ readonly before: ListPlace<Id> | undefined } | null> {
  if (before === undefined) return { before: undefined };
  if (z.iso.datetime().safeParse(before).success) return { before: { createdAtMs: Date.parse(before), id: least } };
  const place = await find(before);
  return place === null ? null : { before: place };
}
