/** What the controllers of one connection work with. Most look for what its webhooks did not tell. */
import type { GitHubErrorCode } from "../../domain/errors.ts";
import type { ConnectionName, DeliveryId, JobId } from "../../domain/ids.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import type { GitHub } from "../../ports/github.ts";
import type { GitHubHooks, Hook, HookDelivery } from "../../ports/github-hooks.ts";
import type { Surroundings } from "../context.ts";

export interface ConnectionContext extends Surroundings {
  readonly connection: ConnectionName;
  readonly demand: "webhooks" | "poll";
  readonly github: GitHub;
  readonly hooks: GitHubHooks;
  /** Under which GitHub reaches us. */
  readonly webhooksUrl: string;
  /** The pools of this connection. */
  readonly ownPools: readonly PoolPolicy[];
  readonly memory: ConnectionMemory;
  /** Whether this process holds a pool of the connection: of several replicas one need look. */
  isHolding(): boolean;
}

/**
 * Losing any of this costs time: it is built anew by the next passes. What is waited for is kept in the clock that only
 * grows: the time of day may be set back, and nobody would look before it has come round again.
 */
export interface ConnectionMemory {
  hooks: { readonly found: readonly Hook[]; readonly untilMs: number } | null;
  /** Time of day until which the delivery log holds nothing that is not looked after; null before the first look. */
  deliveriesSeenUntilMs: number | null;
  /** What was done about each event that did not arrive. */
  readonly rescues: Map<DeliveryId, Rescue>;
  /** What GitHub told before the restore that the store does not know; null before its log was read for it. */
  recall: Recall | null;
  repositories: ServedRepositories | null;
  /** Time of day at which the open jobs of each repository were last read, for people. */
  readonly lookedAtMs: Map<string, number>;
  /** When each repository is looked at again. */
  readonly looks: Map<string, NextLook>;
  /** Until when GitHub wants no call for the repositories of an owner (in lower case). */
  readonly ownersHeldUntilMs: Map<string, number>;
  /** Looks in a row that failed in a way that the next one may meet too. */
  failedLookCount: number;
  /** The job that was last asked about in each repository. */
  readonly lastAskedIds: Map<string, JobId>;
  /** Jobs that GitHub does not find, and since when. */
  readonly absences: Map<JobId, Absence>;
  /** What each of the controllers last met, for the status page; null while all is well. */
  readonly trouble: { recover: Trouble | null; discover: Trouble | null; rerun: Trouble | null };
  /** Until when those that look around rest after they met trouble. */
  readonly pausedUntilMs: { recover: number; discover: number };
}

export interface ServedRepositories {
  readonly names: readonly string[];
  readonly untilMs: number;
  /** Of an owner whose repositories could not be listed; then the names of the last listing are kept. */
  readonly trouble: Trouble | null;
}

export interface NextLook {
  readonly atMs: number;
  /** In a row. */
  readonly failureCount: number;
  readonly trouble: Trouble | null;
}

export interface Rescue {
  /** GitHub was asked so often to deliver it again, or for what it holds. */
  readonly attemptCount: number;
  readonly lastAtMs: number;
}

export interface Recall {
  readonly restoredAtMs: number;
  readonly open: readonly LoggedDelivery[];
}

export interface LoggedDelivery {
  readonly hook: Hook;
  /** One attempt of it. */
  readonly delivery: HookDelivery;
}

export interface Absence {
  readonly sinceMs: number;
  readonly lastAtMs: number;
  readonly readingCount: number;
  /** What the job said when it was first not found: GitHub's word for it since then ends the absence. */
  readonly queuedSeenAtMs: number | null;
}

export interface Trouble {
  readonly code: GitHubErrorCode | "deliveries-failing";
  /** What was attempted, or how many deliveries fail and how. */
  readonly text: string;
  readonly atMs: number;
}

export function emptyConnectionMemory(): ConnectionMemory {
  return {
    hooks: null,
    deliveriesSeenUntilMs: null,
    rescues: new Map(),
    recall: null,
    repositories: null,
    lookedAtMs: new Map(),
    looks: new Map(),
    ownersHeldUntilMs: new Map(),
    failedLookCount: 0,
    lastAskedIds: new Map(),
    absences: new Map(),
    trouble: { recover: null, discover: null, rerun: null },
    pausedUntilMs: { recover: Number.NEGATIVE_INFINITY, discover: Number.NEGATIVE_INFINITY },
  };
}
