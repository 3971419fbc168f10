import type { Repository, Scope } from "./places.ts";

/** Hooks, and what GitHub sends them. */

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

/** Whose hook it is. */
export type HookPlace =
  | { readonly kind: "app"; readonly appId: number }
  | Extract<Scope, { kind: "organization" | "repository" }>;

export interface HookTarget {
  readonly url: string;
  /** HMAC secret of `X-Hub-Signature-256`. */
  readonly secret: string;
  readonly events: readonly string[];
  readonly contentType: "json" | "form";
  /** Whether GitHub checks the certificate of the address. */
  readonly isCertificateChecked: boolean;
  readonly isActive: boolean;
}

export interface Hook {
  readonly id: number;
  readonly createdAtMs: number;
  place: HookPlace;
  target: HookTarget;
}

/** One event for one hook. */
export interface Delivery {
  /** Never shown: GitHub names attempts and events. */
  readonly id: number;
  readonly hookId: number;
  /** The GUID in `X-GitHub-Delivery`: of the event, the same for every hook and on redelivery. */
  readonly guid: string;
  readonly event: "workflow_job" | "ping";
  readonly action: JobAction | null;
  readonly jobId: number | null;
  readonly repository: Repository | null;
  readonly installationId: number | null;
  readonly createdAtMs: number;
  /** The JSON text, rendered on demand from a snapshot: a held payload of 8 KB each would be most of a long run's memory. */
  readonly render: () => string;
  readonly attempts: DeliveryAttempt[];
  status: DeliveryStatus;
}

/** dropped: never attempted. failed: the last attempt failed; GitHub does not retry by itself. */
export type DeliveryStatus = "pending" | "delivered" | "failed" | "dropped";

export interface DeliveryAttempt {
  /** What REST calls the delivery's id. */
  readonly id: bigint;
  readonly atMs: number;
  readonly durationMs: number;
  /** Null if there was no answer. */
  readonly statusCode: number | null;
  /** GitHub's word for why there was no answer. */
  readonly failure: AttemptFailure | null;
  readonly isRedelivery: boolean;
  readonly response: ReceivedResponse | null;
}

export type AttemptFailure = "failed to connect to host" | "timed out";

export interface ReceivedResponse {
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
}

export interface LoggedAttempt {
  readonly delivery: Delivery;
  readonly attempt: DeliveryAttempt;
}

export interface Send {
  readonly deliveryId: number;
  readonly dueMs: number;
  readonly isRedelivery: boolean;
}
