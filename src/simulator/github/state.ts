import type { Delivery, Hook, LoggedAttempt, Send, WebhookLies } from "./delivery.ts";
import type { ApiFault } from "./faults.ts";
import type { IdSource } from "./ids.ts";
import type {
  AppOption,
  Enterprise,
  KeyPair,
  Permissions,
  RunnerDeprecation,
  RunnerGroup,
  TokenOption,
} from "./options.ts";
import type { Repository, Scope } from "./places.ts";

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
  /** Where browsers and runners go: at a GitHub Enterprise Server not the same as `apiUrl`. */
  webUrl: string;
  /** By full name in lower case. An organization exists if one of these belongs to it. */
  readonly repositories: Map<string, Repository>;
  /** Repositories by the full names, in lower case, that they no longer have. */
  readonly formerNames: Map<string, Repository>;
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
  /** Every hook by its id: an App's, an organization's, a repository's. */
  readonly hooks: Map<number, Hook>;
  /** One for each event and hook, by its id, oldest first. */
  readonly deliveries: Map<number, Delivery>;
  /** What GitHub lists as deliveries, by id, oldest first. */
  readonly attempts: Map<bigint, LoggedAttempt>;
  readonly sends: Send[];
  readonly faults: ApiFault[];
  readonly apps: Map<number, App>;
  /** Manifests that became no App yet, by the code that makes one of them. */
  readonly manifests: Map<string, PendingManifest>;
  readonly installationTokens: Map<string, InstallationToken>;
  /** What each credential has used, by its name. */
  readonly quotas: Map<string, Quota>;
  /** Ids of jobs that changed since the driver last took them. */
  readonly changedJobIds: Set<number>;
}

export interface InstallationToken {
  readonly appId: number;
  readonly installationId: number;
  readonly expiresAtMs: number;
}

/** An App as its form describes it, between GitHub's page and the conversion. */
export interface PendingManifest {
  readonly manifest: { readonly [key: string]: unknown };
  readonly owner: string;
  readonly createdAtMs: number;
}

/** All of GitHub's own times and limits, who may call it, and the answers to what nobody outside GitHub knows. */
export interface GitHubOptions {
  readonly ids: IdSource;
  /** The one App that there is while `apps` is empty; installed on every account. */
  readonly appId: number;
  readonly appSlug: string;
  readonly installationId: number;
  /** PEM of that App's public key; null lets every well-formed JWT of it pass, whoever signed it. */
  readonly appPublicKey: string | null;
  /** Of that App. */
  readonly appPermissions: Permissions;
  /** Apps instead of that one. */
  readonly apps: readonly AppOption[];
  readonly tokens: readonly TokenOption[];
  /** Of every organization. */
  readonly runnerGroups: readonly RunnerGroup[];
  readonly enterprises: readonly Enterprise[];
  /** Owners of repositories that are persons; every other is an organization. */
  readonly users: readonly string[];
  /** A group with so many registrations takes no more. GitHub: 10,000. */
  readonly runnersPerGroupMax: number;
  /** The end of runner versions, by version; the others are unknown to the call that tells it. */
  readonly deprecations: { readonly [version: string]: RunnerDeprecation };
  /** Calls an hour of each credential; 0 for no limit and no headers, as at a GitHub Enterprise Server. */
  readonly primaryLimit: number;
  readonly primaryWindowMs: number;
  /** Points a minute of each credential, a read 1 and a write 5; 0 for no limit. */
  readonly pointsPerMinute: number;
  /** Whether the ids of deliveries are larger than a JSON number holds exactly, as GitHub's may be. */
  readonly hasLargeDeliveryIds: boolean;
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
  /** PEMs for an App that is made from a manifest. */
  readonly createKeyPair: () => KeyPair;
}

export interface App {
  readonly id: number;
  readonly slug: string;
  readonly name: string;
  readonly clientId: string;
  /** The account that it belongs to; null: of whoever has the first repository. */
  readonly owner: string | null;
  readonly publicKey: string | null;
  readonly permissions: Permissions;
  readonly events: readonly string[];
  readonly installations: Installation[];
}

export interface Installation {
  readonly id: number;
  readonly appId: number;
  /** Null: on every account that there is. */
  readonly account: string | null;
  readonly repositorySelection: "all" | "selected";
  readonly repositories: readonly string[];
  permissions: Permissions;
  isSuspended: boolean;
}

/** What one credential has used. */
export interface Quota {
  /** When the hour of the primary limit began; null before the first call. */
  windowStartMs: number | null;
  usedCount: number;
  /** Points by the second in which they were spent, oldest first; those of the last minute. */
  readonly pointsBySecond: Map<number, number>;
  requestCount: number;
  notModifiedCount: number;
  readonly countByOperation: Map<string, number>;
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

export interface Runner {
  readonly id: number;
  readonly name: string;
  scope: Scope;
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
