import { DAY_MS, MINUTE_MS } from "../../domain/units.ts";
import type { ApiFault } from "./faults.ts";
import type { IdSource } from "./ids.ts";

/**
 * GitHub's ground truth: what jobs, registrations and deliveries there are. Plain data, changed only by the functions
 * of this folder, each of which takes the time as an argument. There is no clock, timer, randomness or input and output
 * here, so that a real HTTP server and a simulator in virtual time drive the very same code.
 *
 * Terminology, as GitHub's: a *registration* (runner) is a name with labels at an organization or a repository; a
 * *session* is one listener process connected for it; an *assignment* gives a queued job to an idle online runner, as a
 * message on its session; *acquired* is an assignment that the listener took, held by a *lease* that it renews.
 */
export interface GitHubState {
  readonly options: GitHubOptions;
  /** Where REST calls go, without a slash at the end. The server sets it once it knows its port. */
  apiUrl: string;
  /** By full name in lower case. An organization exists if one of these belongs to it. */
  readonly repositories: Map<string, Repository>;
  readonly jobs: Map<number, Job>;
  /** Those of `jobs` that are not completed, oldest first. */
  readonly openJobs: Map<number, Job>;
  /** Every runner that ever was: sessions of ended registrations may still be polling. */
  readonly runners: Map<number, Runner>;
  /** Those of `runners` whose registration has not ended. */
  readonly registrations: Map<number, Runner>;
  readonly sessions: Map<string, Session>;
  /** Assignments that were ever made, by the request id that travels in the message. */
  readonly requests: Map<string, { readonly jobId: number; readonly runnerId: number }>;
  /** By delivery GUID, oldest first. */
  readonly deliveries: Map<string, Delivery>;
  readonly sends: Send[];
  readonly faults: ApiFault[];
  readonly installationTokens: Map<string, { readonly expiresAtMs: number }>;
  /** Ids of jobs that changed since the driver last took them. */
  readonly changedJobIds: Set<number>;
  hook: Hook | null;
}

/** All of GitHub's own times, and the answers to what nobody outside GitHub knows. */
export interface GitHubOptions {
  readonly ids: IdSource;
  readonly appId: number;
  readonly appSlug: string;
  readonly installationId: number;
  readonly runnerGroups: readonly RunnerGroup[];
  /** An assignment that is not acquired in this time goes back to the queue. GitHub: 60 s. */
  readonly assignmentTimeoutMs: number;
  /** After so many lost assignments the job is cancelled. GitHub: 3. */
  readonly lostAssignmentCountMax: number;
  /** How long acquiring or renewing holds a job. GitHub: 10 minutes, renewed each 60 s. */
  readonly leaseMs: number;
  /** A job that nobody takes fails after this. GitHub: 24 hours. */
  readonly queuedMaxMs: number;
  /** How long a runner that no longer polls still counts as online. Not documented by GitHub. */
  readonly offlineAfterMs: number;
  /** An ephemeral registration that is offline for so long is removed. GitHub: 1 day. */
  readonly offlineRegistrationMaxMs: number;
  /**
   * Whether a listener whose registration was deleted after the message was on the wire can still acquire. Nobody has
   * measured it; `true` is the answer under which a DELETE can kill a job, so it is the default.
   */
  readonly isAcquireAllowedAfterDelete: boolean;
  /** Which of the runners that could take a job gets it; `candidates` is never empty and is ordered by id. */
  readonly chooseRunner: (candidates: readonly Runner[], job: Job) => Runner;
}

export interface RunnerGroup {
  readonly id: number;
  readonly name: string;
  /** Full names, or all repositories of the organization. */
  readonly repositories: "all" | readonly string[];
}

export interface Repository {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly fullName: string;
}

export type Conclusion = "success" | "failure" | "cancelled" | "skipped";

/**
 * waiting -> queued -> assigned -> acquired -> completed; assigned -> queued when the assignment is lost. A job may be
 * completed from every phase. The status that GitHub shows turns to `in_progress` only when the Worker reports that it
 * started, so an acquired job can still read as queued.
 */
export type JobPhase =
  | { readonly kind: "waiting" }
  | { readonly kind: "queued"; readonly sinceMs: number }
  | {
      readonly kind: "assigned";
      readonly runnerId: number;
      readonly requestId: string;
      readonly sinceMs: number;
      readonly isDelivered: boolean;
      readonly isAcknowledged: boolean;
    }
  | {
      readonly kind: "acquired";
      readonly runnerId: number;
      readonly requestId: string;
      readonly sinceMs: number;
      readonly leaseUntilMs: number;
      readonly startedAtMs: number | null;
      readonly isCancelRequested: boolean;
    }
  | {
      readonly kind: "completed";
      readonly conclusion: Conclusion;
      readonly cause: CompletionCause;
      readonly atMs: number;
      readonly startedAtMs: number | null;
      /** Null if no runner ever acquired it. */
      readonly runnerId: number | null;
    };

export type CompletionCause =
  | "reported-by-runner"
  | "cancelled-before-pick-up"
  | "never-acquired"
  | "lost-communication"
  | "queued-too-long";

export interface Job {
  readonly id: number;
  readonly runId: number;
  readonly runAttempt: number;
  /** The GUIDs by which runner and run service name the job; they never appear in REST. */
  readonly planId: string;
  readonly jobGuid: string;
  readonly repository: Repository;
  readonly name: string;
  readonly workflowName: string;
  readonly headBranch: string;
  readonly headSha: string;
  readonly labels: readonly string[];
  /** Shell commands, run one after the other. */
  readonly steps: readonly string[];
  readonly lies: WebhookLies;
  readonly createdAtMs: number;
  phase: JobPhase;
  lostAssignmentCount: number;
  /** Runners that lost this job once; others are preferred. */
  readonly lostByRunnerIds: Set<number>;
  /** Index into `steps` of the step that failed, once completed. */
  failedStepIndex: number | null;
}

export type JobAction = "queued" | "waiting" | "in_progress" | "completed";

/** What this job's webhooks do that they should not. */
export interface WebhookLies {
  /** Never attempted, so that GitHub does not list them either. */
  readonly drop?: readonly JobAction[];
  /** Sent twice with the same GUID. */
  readonly duplicate?: readonly JobAction[];
  readonly delayMs?: { readonly [action in JobAction]?: number };
  /** `completed` (success) is sent right after `in_progress`, while the Worker still runs, and not again at the end. */
  readonly isCompletedWhileRunning?: boolean;
}

export type Scope =
  | { readonly kind: "organization"; readonly organization: string }
  | { readonly kind: "repository"; readonly fullName: string };

export interface Runner {
  readonly id: number;
  readonly name: string;
  readonly scope: Scope;
  readonly groupId: number;
  readonly labels: readonly RunnerLabel[];
  readonly workFolder: string;
  readonly isEphemeral: boolean;
  /** What the listener presents: the two halves of its credentials. */
  readonly clientId: string;
  readonly secret: string;
  readonly registeredAtMs: number;
  /** `unknown` until the listener says, as at GitHub. */
  os: string;
  /** Null until it connected once. */
  version: string | null;
  lastContactMs: number | null;
  sessionId: string | null;
  /** The job that it acquired and that is not completed. */
  acquiredJobId: number | null;
  /** The job that was assigned to it and is not acquired yet. */
  assignedJobId: number | null;
  registration: Registration;
  /** What REST and DELETE claim instead of the truth; the reason why nothing may trust them. */
  misreport: { readonly busy?: boolean; readonly status?: "online" | "offline" };
}

/**
 * `deleted` by REST: the next poll says RunnerNotFound. The others end without a word to the listener: `job-done` after
 * an ephemeral runner's job, `consumed` when its acquire was refused (it says "Listening" for ever), `expired` offline.
 */
export type Registration =
  | { readonly kind: "registered" }
  | { readonly kind: "ended"; readonly cause: "deleted" | "job-done" | "consumed" | "expired"; readonly atMs: number };

export interface RunnerLabel {
  readonly id: number;
  readonly name: string;
  readonly type: "custom" | "read-only";
}

export interface Session {
  readonly id: string;
  readonly runnerId: number;
  readonly openedAtMs: number;
  /** Long polls that are held open now. */
  openPollCount: number;
  readonly messages: RunnerMessage[];
}

export type RunnerMessage =
  | { readonly kind: "job-request"; readonly messageId: number; readonly requestId: string; readonly jobId: number }
  | { readonly kind: "job-cancellation"; readonly messageId: number; readonly jobId: number };

export interface Hook {
  readonly id: number;
  readonly url: string;
  readonly events: readonly string[];
  readonly createdAtMs: number;
}

export interface Delivery {
  /** The GUID in `X-GitHub-Delivery`, the same on redelivery. */
  readonly guid: string;
  readonly id: number;
  readonly event: "workflow_job" | "ping";
  readonly action: JobAction | null;
  readonly jobId: number | null;
  readonly repository: string | null;
  readonly createdAtMs: number;
  /** The JSON text, rendered on demand from a snapshot: a held payload of 8 KB each would be most of a long run's memory. */
  readonly render: () => string;
  readonly attempts: DeliveryAttempt[];
  status: DeliveryStatus;
}

/** dropped: never attempted. failed: the last attempt failed; GitHub does not retry by itself. */
export type DeliveryStatus = "pending" | "delivered" | "failed" | "dropped";

export interface DeliveryAttempt {
  readonly atMs: number;
  readonly durationMs: number;
  /** Null if there was no answer. */
  readonly statusCode: number | null;
  readonly isRedelivery: boolean;
}

export interface Send {
  readonly guid: string;
  readonly dueMs: number;
  readonly isRedelivery: boolean;
}

const DEFAULTS: Omit<GitHubOptions, "ids"> = {
  appId: 424_242,
  appSlug: "holdfast-simulated",
  installationId: 51_515_151,
  runnerGroups: [{ id: 1, name: "Default", repositories: "all" }],
  assignmentTimeoutMs: MINUTE_MS,
  lostAssignmentCountMax: 3,
  leaseMs: 10 * MINUTE_MS,
  queuedMaxMs: DAY_MS,
  offlineAfterMs: MINUTE_MS,
  offlineRegistrationMaxMs: DAY_MS,
  isAcquireAllowedAfterDelete: true,
  chooseRunner: chooseFreshRunner,
};

/** The lowest id among those that did not lose this job before; the lowest of all if each of them did. */
function chooseFreshRunner(candidates: readonly Runner[], job: Job): Runner {
  const fresh = candidates.find((runner) => !job.lostByRunnerIds.has(runner.id)) ?? candidates[0];
  if (fresh === undefined) throw new Error("choosing a runner without candidates");
  return fresh;
}

export function createGitHub(options: Partial<GitHubOptions> & Pick<GitHubOptions, "ids">): GitHubState {
  return {
    options: { ...DEFAULTS, ...options },
    apiUrl: "https://api.github.com",
    repositories: new Map(),
    jobs: new Map(),
    openJobs: new Map(),
    runners: new Map(),
    registrations: new Map(),
    sessions: new Map(),
    requests: new Map(),
    deliveries: new Map(),
    sends: [],
    faults: [],
    installationTokens: new Map(),
    changedJobIds: new Set(),
    hook: null,
  };
}

const FULL_NAME = /^([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([A-Za-z0-9._-]{1,100})$/;

/** The repository of that full name; it is made if GitHub did not have it. */
export function ensureRepository(state: GitHubState, fullName: string): Repository {
  const known = findRepository(state, fullName);
  if (known !== undefined) return known;
  const match = FULL_NAME.exec(fullName);
  if (match === null) throw new RangeError(`not an owner/name: ${JSON.stringify(fullName.slice(0, 80))}`);
  const [, owner = "", name = ""] = match;
  const repository = { id: 700_000_000 + state.repositories.size, owner, name, fullName };
  state.repositories.set(fullName.toLowerCase(), repository);
  return repository;
}

export function findRepository(state: GitHubState, fullName: string): Repository | undefined {
  return state.repositories.get(fullName.toLowerCase());
}

export function isOrganization(state: GitHubState, organization: string): boolean {
  for (const repository of state.repositories.values()) if (isSameName(repository.owner, organization)) return true;
  return false;
}

/** GitHub's names and labels compare without regard to case. */
export function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
