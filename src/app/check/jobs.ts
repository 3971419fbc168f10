/** What open jobs ask for, against what the pools offer: a job that nobody takes waits for a day and then fails. */
import { mapParallel } from "../../adapters/process/parallel.ts";
import { GitHubError, type GitHubErrorCode } from "../../domain/errors.ts";
import type { JobEvent } from "../../domain/job.ts";
import { isServedBy, type PoolPolicy, rankPools } from "../../domain/pool.ts";
import { countOf, type Finding, listOf, ok, type Place, warning } from "./finding.ts";
import { type ConnectionSubject, isPattern, type PoolSubject, repositoryScope, type Told } from "./subject.ts";

/** Looking at one repository costs a call for each of its open runs. */
export const REPOSITORY_COUNT_MAX = 20;
const PARALLEL_COUNT = 4;
/** More kinds of jobs than that are told by their number. */
const KIND_COUNT_MAX = 8;
const ANY_SELF_HOSTED = "self-hosted";

export function jobsPlace({ config }: Pick<ConnectionSubject, "config">): Place {
  return { area: `jobs ${config.name}`, path: "pools" };
}

/** @throws {GitHubError} where the repositories cannot be listed. */
export async function lookAtJobs(
  subject: ConnectionSubject,
  pools: readonly PoolSubject[],
  told: Told,
): Promise<readonly Finding[]> {
  const { repositories, isCut } = await repositoriesToRead(subject, pools, told);
  const reads = await mapParallel(repositories, PARALLEL_COUNT, (repository) => readJobs(subject, repository));
  const refusals = reads.flatMap(({ repository, code }) =>
    code === null || told.isTold(code, repositoryScope(repository), "actions") ? [] : [{ repository, code }],
  );
  const readCount = reads.filter(({ code }) => code === null).length;
  const jobs = reads.flatMap((read) => read.jobs);
  const policies = pools.map(({ policy }) => policy);
  const place = jobsPlace(subject);
  return [
    ...(readCount === 0 ? [] : judgeJobs(jobs, policies, { place, readCount, isCut })),
    ...describeUnread(refusals, place),
  ];
}

interface Read {
  readonly repository: string;
  readonly jobs: readonly JobEvent[];
  readonly code: GitHubErrorCode | null;
}

async function readJobs({ connection }: ConnectionSubject, repository: string): Promise<Read> {
  try {
    return { repository, jobs: await connection.github.listOpenJobs(repository), code: null };
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    return { repository, jobs: [], code: error.code };
  }
}

/** Those that pools name come first, then those that their owners have. */
async function repositoriesToRead(subject: ConnectionSubject, pools: readonly PoolSubject[], { isBlocked }: Told) {
  const scopes = pools.map(({ policy }) => policy.scope);
  const patterns = scopes.flatMap((scope) => {
    if (scope.kind === "repositories") return scope.repositories;
    return scope.kind === "organization" ? [`${scope.organization}/*`] : [];
  });
  const open = patterns.filter((pattern) => !isBlocked(pattern.split("/")[0] ?? ""));
  const owners: (string | null)[] = open.filter(isPattern).map((pattern) => pattern.slice(0, -"/*".length));
  if (scopes.some(({ kind }) => kind === "enterprise")) owners.push(null);
  const listed = await mapParallel([...new Set(owners)], PARALLEL_COUNT, (owner) => subject.listRepositories(owner));
  const all = [...open.filter((pattern) => !isPattern(pattern)), ...listed.flat()];
  const unique = [...new Map(all.map((repository) => [repository.toLowerCase(), repository])).values()];
  return { repositories: unique.slice(0, REPOSITORY_COUNT_MAX), isCut: unique.length > REPOSITORY_COUNT_MAX };
}

function describeUnread(
  refusals: readonly { readonly repository: string; readonly code: GitHubErrorCode }[],
  place: Place,
): readonly Finding[] {
  const [first] = refusals;
  if (first === undefined) return [];
  const names = listOf(refusals.map(({ repository }) => repository));
  const text = `the open jobs of ${names} could not be read (${[...new Set(refusals.map(({ code }) => code))].join(", ")})`;
  const mend =
    "Let the credentials read Actions in these repositories; for github-budget or github-unavailable check again later.";
  return [warning(place, text, mend, first.code)];
}

export interface JobsRead {
  readonly place: Place;
  readonly readCount: number;
  /** Whether there are more repositories than were read. */
  readonly isCut: boolean;
}

/** Pure. A job that asks for no self-hosted runner and fits no pool is GitHub's own affair. */
export function judgeJobs(
  jobs: readonly JobEvent[],
  pools: readonly PoolPolicy[],
  { place, readCount, isCut }: JobsRead,
): readonly Finding[] {
  const waiting = jobs.filter(({ status, labels }) => status === "queued" && labels.length > 0);
  const served = waiting.filter((job) => rankPools(pools, job).length > 0);
  const stranded = waiting.filter((job) => !served.includes(job) && asksForSelfHosted(job));
  const where = `${isCut ? "the first " : ""}${readCount === 1 ? "1 repository" : `${readCount} repositories`}`;
  if (stranded.length === 0) {
    const found =
      served.length === 0 ? "no job waits for a runner" : `${describeWaiting(served.length)} for a pool that takes it`;
    return [ok(place, `${found}, in ${where}`)];
  }
  const kinds = [...groupByLabels(stranded).values()];
  const told = kinds.slice(0, KIND_COUNT_MAX).map((alike) => describeStranded(alike, pools, place));
  const rest = kinds.length - told.length;
  const mend = "`holdfast check --json` lists no more either: mend these first, then check again.";
  return rest === 0 ? told : [...told, warning(place, `${rest} more sets of labels are offered by no pool`, mend)];
}

function describeWaiting(count: number): string {
  return count === 1 ? "1 job waits" : `${count} jobs wait, each`;
}

function asksForSelfHosted({ labels }: JobEvent): boolean {
  return labels.some((label) => label.toLowerCase() === ANY_SELF_HOSTED);
}

function groupByLabels(jobs: readonly JobEvent[]): ReadonlyMap<string, readonly JobEvent[]> {
  const groups = new Map<string, JobEvent[]>();
  for (const job of jobs) {
    const key = [...job.labels]
      .map((label) => label.toLowerCase())
      .sort()
      .join("\n");
    groups.set(key, [...(groups.get(key) ?? []), job]);
  }
  return groups;
}

function describeStranded(alike: readonly JobEvent[], pools: readonly PoolPolicy[], place: Place): Finding {
  const [job] = alike as readonly [JobEvent, ...JobEvent[]];
  const names = listOf([...new Set(alike.map(({ repository }) => repository))]);
  const text = `${countOf(alike.length, "job")} of ${names} ask${alike.length === 1 ? "s" : ""} for [${job.labels.join(", ")}], which no pool takes`;
  return warning(place, text, describeNearest(job, pools));
}

interface Nearest {
  readonly pool: PoolPolicy;
  readonly missing: readonly string[];
}

/** The pool in whose scope the job is and that lacks the fewest of its labels. */
function findNearest(job: JobEvent, pools: readonly PoolPolicy[]): Nearest | null {
  const inScope = pools.filter((pool) => coversRepository(pool, job));
  const lacking = inScope.map((pool) => ({ pool, missing: withoutLabels(job.labels, pool.labels) }));
  return [...lacking].sort((a, b) => a.missing.length - b.missing.length)[0] ?? null;
}

/** Asked of routing itself, about a job of the same repository that wants only what the pool has. */
function coversRepository(pool: PoolPolicy, job: JobEvent): boolean {
  return isServedBy(
    { ...pool, acceptRepositories: null, requiredLabels: [] },
    { ...job, labels: pool.labels.slice(0, 1) },
  );
}

function withoutLabels(labels: readonly string[], others: readonly string[]): readonly string[] {
  const lower = new Set(others.map((label) => label.toLowerCase()));
  return labels.filter((label) => !lower.has(label.toLowerCase()));
}

const UNLESS_OTHERS = "nothing to do if other runners than Holdfast's take these jobs";

function describeNearest(job: JobEvent, pools: readonly PoolPolicy[]): string {
  const nearest = findNearest(job, pools);
  if (nearest === null)
    return `No pool has ${job.repository} in its scope: widen one, or add a pool; ${UNLESS_OTHERS}.`;
  const { pool, missing } = nearest;
  if (missing.length > 0)
    return `The nearest pool, ${pool.name}, lacks ${missing.join(", ")}: add it to the pool's \`labels\` if its machines are of that kind, or correct \`runs-on\`; ${UNLESS_OTHERS}.`;
  const unnamed = withoutLabels(pool.requiredLabels, job.labels);
  return unnamed.length > 0
    ? `Pool ${pool.name} has the labels, but takes only jobs that name ${unnamed.join(", ")} too (\`requiredLabels\`): add that to \`runs-on\`.`
    : `Pool ${pool.name} has the labels, but ${job.repository} is not in its \`accept.repositories\`: add it there.`;
}
