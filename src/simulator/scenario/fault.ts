/**
 * Every lie, loss and crash that the world knows, by its kind. Times are milliseconds; a `Range` is drawn from evenly.
 * `probability` is by occasion; `perJob`, `perMachine` are the share that it befalls; `everyMs` is the mean time between two.
 */
import type { AsgErrorCode } from "../asg/errors.ts";
import type { Ec2ErrorCode } from "../ec2/errors.ts";
import type { Reason } from "../kubernetes/errors.ts";
import type { Range } from "../world/chance.ts";

interface Lie {
  /** The share of jobs. */
  readonly perJob: number;
  /** Only the job of this name in the workload. */
  readonly job?: string;
}

export const EC2_ERROR_PLACES = ["launch", "list", "terminate", "stop", "start"] as const;
/** The calls that an error can be put on. */
export type Ec2ErrorPlace = (typeof EC2_ERROR_PLACES)[number];

export const KUBERNETES_ERROR_PLACES = ["create", "list", "get", "delete"] as const;
/** The calls on pods that a refusal can be put on. */
export type KubernetesErrorPlace = (typeof KUBERNETES_ERROR_PLACES)[number];
export const KUBERNETES_ERROR_REASONS = [
  "Conflict",
  "Forbidden",
  "InternalError",
  "ServiceUnavailable",
  "Timeout",
  "TooManyRequests",
] as const satisfies readonly Reason[];
export type KubernetesErrorReason = (typeof KUBERNETES_ERROR_REASONS)[number];

export const GROUP_ERROR_PLACES = ["read", "size", "terminate", "complete", "heartbeat"] as const;
/** The calls to Auto Scaling that an error can be put on. */
export type GroupErrorPlace = (typeof GROUP_ERROR_PLACES)[number];
export const GROUP_ERROR_CODES = [
  "Throttling",
  "ResourceContention",
  "ScalingActivityInProgress",
  "InternalFailure",
  "ServiceUnavailable",
] as const satisfies readonly AsgErrorCode[];
export type GroupErrorCode = (typeof GROUP_ERROR_CODES)[number];

export const GROUP_ENDINGS = ["scale-in", "unhealthy", "trim"] as const;
/** Why a group ends a member: too many, not healthy, or too many in its warm pool. */
export type GroupEnding = (typeof GROUP_ENDINGS)[number];

export type Fault =
  // What GitHub says that is not so.
  /** `busy` turns true so long after the job was acquired. */
  | (Lie & { readonly kind: "github.busy-flag-lag"; readonly lagMs: Range })
  /** `busy` turns false so long after the job was acquired, while it runs, and stays so. */
  | (Lie & { readonly kind: "github.busy-flag-drops"; readonly afterMs: Range })
  /** `busy` never turns true. */
  | (Lie & { readonly kind: "github.busy-flag-never" })
  /** `busy` stays true for so long after the job. */
  | (Lie & { readonly kind: "github.busy-flag-stale"; readonly forMs: Range })
  | (Lie & { readonly kind: "github.offline-while-working"; readonly afterMs: Range; readonly forMs: Range })
  | (Lie & { readonly kind: "github.completed-while-working" })
  | { readonly kind: "github.missing-from-listing"; readonly probability: number }
  // What GitHub does.
  /** The job goes to a runner that is not ours. */
  | (Lie & { readonly kind: "github.taken-elsewhere" })
  | (Lie & { readonly kind: "github.acquire-refused" })
  /** Somebody cancels the job so long after it was queued, wherever it is then. */
  | (Lie & { readonly kind: "github.cancelled"; readonly afterMs: Range })
  | { readonly kind: "github.webhook-lost"; readonly probability: number }
  | { readonly kind: "github.webhook-repeated"; readonly probability: number }
  /** Reorders them as well. */
  | { readonly kind: "github.webhook-late"; readonly probability: number; readonly delayMs: Range }
  /** A call is answered with 500, 502, 403 or 429, or not at all; it had no effect. */
  | { readonly kind: "github.call-fails"; readonly probability: number }
  /** A call takes effect and its answer is lost. */
  | { readonly kind: "github.answer-lost"; readonly probability: number }
  /** No call is answered and no webhook sent. */
  | { readonly kind: "github.outage"; readonly everyMs: number; readonly forMs: Range }
  // Providers.
  | { readonly kind: "provider.call-fails"; readonly probability: number }
  | { readonly kind: "provider.answer-lost"; readonly probability: number }
  /** New machines show in listings, and are found by id, only so long after their start. */
  | { readonly kind: "provider.listing-lag"; readonly lagMs: Range }
  /** A listing that says that it is whole lacks a machine. */
  | { readonly kind: "provider.missing-from-listing"; readonly probability: number }
  | { readonly kind: "provider.no-capacity"; readonly everyMs: number; readonly forMs: Range }
  /** No more machines than so many at once, whoever started them. */
  | { readonly kind: "provider.quota"; readonly machines: number }
  /** The call succeeds and the machine stays. */
  | { readonly kind: "provider.terminate-does-not-take"; readonly probability: number }
  /** The provider takes a machine, after its notice or without one. */
  | { readonly kind: "provider.reclaim"; readonly everyMs: number }
  /** A machine's marks are lost so long after its start. */
  | { readonly kind: "provider.marks-lost"; readonly perMachine: number; readonly afterMs: Range }
  // EC2, besides.
  /** A call ends with this error, after its effect or instead of it. */
  | {
      readonly kind: "ec2.error";
      readonly code: Ec2ErrorCode;
      readonly on: Ec2ErrorPlace;
      readonly effect: "none" | "done";
      readonly probability: number;
    }
  /** Every call is refused for the account's rate. */
  | { readonly kind: "ec2.throttled"; readonly everyMs: number; readonly forMs: Range }
  /** The machine never leaves `pending`: there was no capacity after all. */
  | { readonly kind: "ec2.pending-fails"; readonly perMachine: number }
  /** Listings show a machine's last state for so long. */
  | { readonly kind: "ec2.state-lag"; readonly lagMs: Range }
  // Kubernetes, besides.
  /** A call ends with this refusal, after its effect or instead of it. */
  | {
      readonly kind: "kubernetes.error";
      readonly reason: KubernetesErrorReason;
      readonly on: KubernetesErrorPlace;
      readonly effect: "none" | "done";
      readonly probability: number;
    }
  /** A listing is so old. */
  | { readonly kind: "kubernetes.stale-reads"; readonly probability: number; readonly lagMs: Range }
  /** Every watch ends, and the changes before are no longer known. */
  | { readonly kind: "kubernetes.watch-gap"; readonly everyMs: number }
  /** Somebody deletes a pod, with its own grace. */
  | { readonly kind: "kubernetes.pod-deleted"; readonly everyMs: number }
  /** Somebody else's finalizer is on the pod for so long. */
  | { readonly kind: "kubernetes.finalizer"; readonly perMachine: number; readonly forMs: Range }
  /** A node's kubelet is not heard; what runs there runs on. */
  | { readonly kind: "kubernetes.node-silent"; readonly everyMs: number; readonly forMs: Range }
  /** A node's machine is gone, with all that ran on it, and another takes its place. */
  | { readonly kind: "kubernetes.node-lost"; readonly everyMs: number }
  /** A node says that it is ready, and starts nothing. */
  | { readonly kind: "kubernetes.node-starts-nothing"; readonly everyMs: number; readonly forMs: Range }
  /** No image can be pulled. */
  | { readonly kind: "kubernetes.no-image"; readonly everyMs: number; readonly forMs: Range }
  // Auto Scaling groups, besides.
  /** A call ends with this error, after its effect or instead of it. */
  | {
      readonly kind: "asg.error";
      readonly code: GroupErrorCode;
      readonly on: GroupErrorPlace;
      readonly effect: "none" | "done";
      readonly probability: number;
    }
  /** Every call to Auto Scaling is refused for the account's rate. */
  | { readonly kind: "asg.throttled"; readonly everyMs: number; readonly forMs: Range }
  /** A reading of a group is so old. */
  | { readonly kind: "asg.stale-reads"; readonly lagMs: Range }
  /** Somebody sets the desired capacity, to anything within the group's limits. */
  | { readonly kind: "asg.resized"; readonly everyMs: number }
  /** Somebody takes the protection off some members. */
  | { readonly kind: "asg.unprotected"; readonly everyMs: number }
  /** Somebody says that a member is unhealthy: its group replaces it, protected or not. */
  | { readonly kind: "asg.unhealthy"; readonly everyMs: number }
  /** Somebody starts an instance refresh. */
  | { readonly kind: "asg.refresh"; readonly everyMs: number }
  /** For so long instances can be had in one zone only; then the group makes its zones even. */
  | { readonly kind: "asg.one-zone"; readonly everyMs: number; readonly forMs: Range }
  /** Somebody puts a member aside for so long. */
  | { readonly kind: "asg.standby"; readonly everyMs: number; readonly forMs: Range }
  /** Somebody takes a member out of its group. */
  | { readonly kind: "asg.detached"; readonly everyMs: number }
  /** Somebody sets the warm pool's size anew: it is trimmed or filled. */
  | { readonly kind: "asg.warm-pool-resized"; readonly everyMs: number }
  /** At that time a group ends a member that runs a job, or any that is in service. For what happened, not by chance. */
  | { readonly kind: "asg.ends-one"; readonly atMs: number; readonly why: GroupEnding }
  // Hosts.
  | { readonly kind: "host.slow-boot"; readonly perMachine: number; readonly bootMs: Range }
  | { readonly kind: "host.never-boots"; readonly perMachine: number }
  | { readonly kind: "host.agent-crash"; readonly everyMs: number }
  /** The agent stands still; the runner goes on. */
  | { readonly kind: "host.agent-pause"; readonly everyMs: number; readonly forMs: Range }
  /** Everything on the machine stands still. */
  | { readonly kind: "host.machine-pause"; readonly everyMs: number; readonly forMs: Range }
  /** The machine is dead and its provider does not say so. */
  | { readonly kind: "host.dies"; readonly everyMs: number }
  | {
      readonly kind: "host.cut-off";
      readonly from: "controller" | "github" | "both";
      readonly everyMs: number;
      readonly forMs: Range;
    }
  /** The listener ends without a job: as deprecated, to update itself, or for no reason. */
  | { readonly kind: "host.runner-exits"; readonly perTicket: number }
  /** The listener never gets a session. */
  | { readonly kind: "host.runner-never-online"; readonly perTicket: number }
  /** Listener and Worker die in the middle of a job. */
  | { readonly kind: "host.runner-dies"; readonly perJob: number }
  /** The Worker hangs for ever, and its lease is no longer renewed. */
  | { readonly kind: "host.runner-hangs"; readonly perJob: number }
  /** The listener dies; the Worker works on. */
  | { readonly kind: "host.orphan-worker"; readonly perJob: number }
  /** Nothing can be written for so long. */
  | { readonly kind: "host.disk-full"; readonly everyMs: number; readonly forMs: Range }
  // Our own process.
  /** Killed between two events, or in the middle of a query or call; started again some seconds later. */
  | { readonly kind: "controller.crash"; readonly everyMs: number }
  | { readonly kind: "controller.pause"; readonly everyMs: number; readonly forMs: Range }
  /** Stopped in order, a new one started at once. */
  | { readonly kind: "controller.deploy"; readonly everyMs: number }
  /** The store is put back to what it was so long ago, and the process started anew. */
  | { readonly kind: "controller.restore"; readonly atMs: number; readonly ageMs: number }
  /** Another process starts on the same store while the first stands still or is cut off from it. */
  | { readonly kind: "controller.second"; readonly everyMs: number }
  /** Another process works on the same store beside the first; agents and GitHub reach the younger one. */
  | { readonly kind: "controller.replica"; readonly everyMs: number; readonly forMs: Range }
  /** The row of the machine that runs the job is deleted so long after its acquire. For what happened, not by chance. */
  | (Lie & { readonly kind: "controller.row-lost"; readonly afterMs: Range })
  /** A query takes so long. */
  | { readonly kind: "controller.slow-store"; readonly probability: number; readonly delayMs: Range }
  /** At that time our process ends, and none is started for so long. For what happened, not by chance. */
  | { readonly kind: "controller.down"; readonly atMs: number; readonly forMs: Range }
  /** The wall clock is set, forward or back, by so much. */
  | { readonly kind: "controller.clock-step"; readonly everyMs: number; readonly byMs: Range };

export type FaultKind = Fault["kind"];
export type FaultOf<Kind extends FaultKind> = Extract<Fault, { readonly kind: Kind }>;
