import type { ConnectionName, JobId, PoolName } from "./ids.ts";

/** Where a ticket is registered. A pool over repositories makes it in the job's own repository. */
export type RegistrationScope =
  | { readonly kind: "organization"; readonly organization: string }
  | { readonly kind: "repository"; readonly owner: string; readonly repository: string }
  | { readonly kind: "enterprise"; readonly enterprise: string };

export type PoolScope =
  | { readonly kind: "organization"; readonly organization: string }
  /** `owner/name` or `owner/*`. */
  | { readonly kind: "repositories"; readonly repositories: readonly string[] }
  /** Every organization of it whose events reach the connection. */
  | { readonly kind: "enterprise"; readonly enterprise: string };

export interface PoolDeadlines {
  /** From the provider's answer to the agent's first word. */
  readonly bootMs: number;
  /** From the ticket's delivery to the listener's session. */
  readonly onlineMs: number;
  /** How long a listener may be online without a job before we ask for the ticket back. */
  readonly idleTicketMs: number;
  /** How long an agent must be silent before its host may count as lost. */
  readonly lostHostMs: number;
  /** How long a machine may stay unknown before it is ended as forced; 0: never. */
  readonly unknownMs: number;
}

/**
 * `run`; `observe`: decides and records, starts and ends nothing; `departed`: it left the configuration, takes no jobs, and
 * its machines retire one after the other as they become free.
 */
export type PoolMode = "run" | "observe" | "departed";

/** What becomes of jobs that went down with their machine. */
export interface RerunPolicy {
  /** A job that names it in `runs-on` is not run again; null: there is no such label. */
  readonly exceptLabel: string | null;
}

/** A pool's settings, as the deciding code needs them. The provider's own settings are its adapter's business. */
export interface PoolPolicy {
  readonly name: PoolName;
  readonly connection: ConnectionName;
  readonly scope: PoolScope;
  /** Repositories that get a machine here (`owner/name` or `owner/*`); null means all in the scope. */
  readonly acceptRepositories: readonly string[] | null;
  readonly labels: readonly string[];
  /** By name, as on the settings page; a repository has only `Default`. */
  readonly runnerGroup: string;
  /** A job must name each of these. */
  readonly requiredLabels: readonly string[];
  readonly priority: number;
  readonly mode: PoolMode;
  readonly machineCountMax: number;
  readonly jobsPerMachine: number;
  readonly warmParkedCount: number;
  /** Machines kept stopped besides, where the provider can: they cost their disks, and are started for jobs. */
  readonly warmStoppedCount: number;
  /** Listeners kept online at GitHub without a job. They end only through the fence. */
  readonly warmRegisteredCount: number;
  /** Tickets made in advance for parked machines. They have not left us and can be voided. */
  readonly readyTicketCount: number;
  /** The age at which a machine without a ticket is replaced; null for none. */
  readonly maxAgeMs: number | null;
  readonly deadlines: PoolDeadlines;
  /** Whether lost jobs are run again, once each; null: they are not. */
  readonly rerun: RerunPolicy | null;
  /** Others decide how many machines there are: none is started here, and none is ended because no job needs it. */
  readonly sizing?: "external";
  /** Hash of all settings that a machine is made from. */
  readonly settingsHash: string;
}

/** What routing needs to know of a job. */
export interface RoutableJob {
  readonly id: JobId;
  readonly connection: ConnectionName;
  /** `owner/name`, as GitHub writes it. */
  readonly repository: string;
  readonly labels: readonly string[];
}

function coversRepository(patterns: readonly string[], repository: string): boolean {
  const wanted = repository.toLowerCase();
  return patterns.some((pattern) => {
    const lower = pattern.toLowerCase();
    return lower.endsWith("/*") ? wanted.startsWith(lower.slice(0, -1)) : lower === wanted;
  });
}

function isInScope(pool: PoolPolicy, repository: string): boolean {
  const { scope } = pool;
  switch (scope.kind) {
    case "organization":
      return coversRepository([`${scope.organization}/*`], repository);
    case "repositories":
      return coversRepository(scope.repositories, repository);
    case "enterprise":
      // A repository's name does not tell its enterprise: the connection's events are the enterprise's own.
      return true;
  }
}

/** Whether a pool may serve jobs of a repository, whatever their labels. */
export function mayServe(pool: PoolPolicy, repository: string): boolean {
  if (!isInScope(pool, repository)) return false;
  return pool.acceptRepositories === null || coversRepository(pool.acceptRepositories, repository);
}

/**
 * Whether a pool may serve a job: same connection, repository in scope and accepted, every `runs-on` label among the
 * pool's (GitHub's system labels are `Linux` while workflows write `linux`: compared without case), every required label
 * named by the job. A job without labels (a `completed` event of a job cancelled while queued) fits nowhere.
 */
export function isServedBy(pool: PoolPolicy, job: RoutableJob): boolean {
  if (pool.connection !== job.connection || job.labels.length === 0) return false;
  if (!mayServe(pool, job.repository)) return false;
  const offered = new Set(pool.labels.map((label) => label.toLowerCase()));
  const asked = new Set(job.labels.map((label) => label.toLowerCase()));
  const isOffered = [...asked].every((label) => offered.has(label));
  const namesRequired = pool.requiredLabels.every((label) => asked.has(label.toLowerCase()));
  return isOffered && namesRequired;
}

/** The pools that may serve a job: highest priority first, then fewest labels that the job does not ask for, then by name. */
export function rankPools(pools: readonly PoolPolicy[], job: RoutableJob): readonly PoolPolicy[] {
  return pools
    .filter((pool) => isServedBy(pool, job))
    .sort((a, b) => b.priority - a.priority || a.labels.length - b.labels.length || (a.name < b.name ? -1 : 1));
}

/**
 * The pool a waiting job belongs to at this moment: of those that run jobs the first that can start a machine now, else the
 * first that fits. A pool that only observes gets what no other takes.
 * @param roomByPool machines that each pool could still start or has waiting without a job.
 * @param drained pools that an operator drained: they get what fits nowhere else.
 */
export function routeJob(
  pools: readonly PoolPolicy[],
  job: RoutableJob,
  roomByPool: ReadonlyMap<PoolName, number>,
  drained: ReadonlySet<PoolName> = new Set(),
): PoolName | null {
  const ranked = rankPools(pools, job);
  const running = ranked.filter((pool) => pool.mode === "run");
  const open = running.filter((pool) => !drained.has(pool.name));
  const withRoom = open.find((pool) => (roomByPool.get(pool.name) ?? 0) > 0);
  return (withRoom ?? open[0] ?? running[0] ?? ranked[0])?.name ?? null;
}

export function registrationScope(pool: PoolPolicy, repository: string): RegistrationScope {
  if (pool.scope.kind !== "repositories") return pool.scope;
  const [owner = "", name = ""] = repository.split("/");
  return { kind: "repository", owner, repository: name };
}

/** The places that a pool's own settings name; those of `owner/*` are known only from its jobs. */
export function registrationScopesOf({ scope }: PoolPolicy): readonly RegistrationScope[] {
  if (scope.kind !== "repositories") return [scope];
  const named = scope.repositories.filter((pattern) => !pattern.endsWith("/*"));
  return named.map((name) => {
    const [owner = "", repository = ""] = name.split("/");
    return { kind: "repository", owner, repository };
  });
}

/** Tells scopes apart; no name holds a colon. */
export function scopeKey(scope: RegistrationScope): string {
  switch (scope.kind) {
    case "organization":
      return scope.organization;
    case "repository":
      return `${scope.owner}/${scope.repository}`;
    case "enterprise":
      return `enterprise:${scope.enterprise}`;
  }
}

/** Whether a ticket registered in `scope` can be given `repository`'s jobs by GitHub. */
export function scopeCovers(scope: RegistrationScope, repository: string): boolean {
  if (scope.kind === "enterprise") return true;
  return coversRepository([scope.kind === "organization" ? `${scope.organization}/*` : scopeKey(scope)], repository);
}
