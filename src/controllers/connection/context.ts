/** What the controllers of one connection work with: they look for what its webhooks did not tell. */
import type { GitHubErrorCode } from "../../domain/errors.ts";
import type { ConnectionName, DeliveryId, JobId } from "../../domain/ids.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import type { GitHub } from "../../ports/github.ts";
import type { GitHubHooks, Hook } from "../../ports/github-hooks.ts";
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

/** Losing any of this costs time: it is built anew by the next passes. */
export interface ConnectionMemory {
  hooks: { readonly found: readonly Hook[]; readonly atMs: number } | null;
  /** Until when the delivery log is known to hold nothing that is not looked after; null before the first look. */
  deliveriesSeenUntilMs: number | null;
  /** What was done about each event that did not arrive. */
  readonly rescues: Map<DeliveryId, Rescue>;
  repositories: { readonly names: readonly string[]; readonly atMs: number } | null;
  /** When the open jobs of each repository were last read. */
  readonly lookedAtMs: Map<string, number>;
  /** Jobs that GitHub does not find, and since when. */
  readonly absences: Map<JobId, Absence>;
  /** What each of the two controllers last met, for the status page; null while all is well. */
  readonly trouble: { recover: Trouble | null; discover: Trouble | null };
  /** Until when each of them rests after it met trouble. */
  readonly pausedUntilMs: { recover: number; discover: number };
}

export interface Rescue {
  /** GitHub was asked so often to deliver it again, or for what it holds. */
  readonly attemptCount: number;
  readonly lastAtMs: number;
}

export interface Absence {
  readonly sinceMs: number;
  readonly readingCount: number;
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
    repositories: null,
    lookedAtMs: new Map(),
    absences: new Map(),
    trouble: { recover: null, discover: null },
    pausedUntilMs: { recover: 0, discover: 0 },
  };
}
