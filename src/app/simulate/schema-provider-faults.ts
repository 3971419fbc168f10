/** The faults of providers, in the file's words: those of any, then those that EC2 and Kubernetes have besides. */
import * as z from "zod";
import { EC2_ERRORS, type Ec2ErrorCode } from "../../simulator/ec2/errors.ts";
import {
  EC2_ERROR_PLACES,
  type FaultKind,
  KUBERNETES_ERROR_PLACES,
  KUBERNETES_ERROR_REASONS,
} from "../../simulator/scenario/fault.ts";
import { key } from "../config/key.ts";
import { after, EVERY, type FaultSchema, lag, lasting, PER_MACHINE, PROBABILITY } from "./fault-fields.ts";

const MACHINES_MAX = 10_000;
const EC2_CODES = Object.keys(EC2_ERRORS) as [Ec2ErrorCode, ...Ec2ErrorCode[]];

type ProviderFaultKind = Extract<FaultKind, `${"provider" | "ec2" | "kubernetes"}.${string}`>;

export const PROVIDER_FAULTS: { readonly [Kind in ProviderFaultKind]: FaultSchema<Kind> } = {
  "provider.call-fails": {
    says: "A call to the provider fails and had no effect.",
    example: "{ kind: provider.call-fails, probability: 0.02 }",
    fields: PROBABILITY,
  },
  "provider.answer-lost": {
    says: "A call to the provider takes effect and its answer is lost.",
    example: "{ kind: provider.answer-lost, probability: 0.01 }",
    fields: PROBABILITY,
  },
  "provider.listing-lag": {
    says: "New machines show in listings, and are found by id, only some time after their start.",
    example: "{ kind: provider.listing-lag, lag: [0s, 3m] }",
    fields: lag("From the start until they do."),
  },
  "provider.missing-from-listing": {
    says: "A machine is missing from a listing that says that it is whole.",
    example: "{ kind: provider.missing-from-listing, probability: 0.01 }",
    fields: PROBABILITY,
  },
  "provider.no-capacity": {
    says: "No machine can be started.",
    example: "{ kind: provider.no-capacity, every: 2h, for: [5m, 20m] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "provider.quota": {
    says: "No more than so many machines at once, whoever started them.",
    example: "{ kind: provider.quota, machines: 40 }",
    fields: {
      machines: key(z.int().min(0).max(MACHINES_MAX), {
        says: "At most: 0 to 10000 machines.",
        example: "machines: 40",
      }),
    },
  },
  "provider.terminate-does-not-take": {
    says: "The call succeeds and the machine stays.",
    example: "{ kind: provider.terminate-does-not-take, probability: 0.02 }",
    fields: PROBABILITY,
  },
  "provider.reclaim": {
    says: "The provider takes a machine, with its job.",
    example: "{ kind: provider.reclaim, every: 1h }",
    fields: EVERY,
  },
  "provider.marks-lost": {
    says: "A machine loses the marks that say whose it is.",
    example: "{ kind: provider.marks-lost, perMachine: 0.01, after: [1m, 1h] }",
    fields: { ...PER_MACHINE, ...after("From its start.") },
  },
  "ec2.error": {
    says: "A call to EC2 ends with an error, after its effect or instead of it.",
    example: "{ kind: ec2.error, on: launch, code: InsufficientInstanceCapacity, effect: none, probability: 0.1 }",
    fields: {
      on: key(z.enum(EC2_ERROR_PLACES), {
        says: "The calls that it can hit: `launch`, `list`, `terminate`, `stop` or `start`.",
        example: "on: launch",
      }),
      code: key(z.enum(EC2_CODES), { says: "EC2's own code.", example: "code: InternalError" }),
      effect: key(z.enum(["none", "done"]), {
        says: "Whether EC2 did what was asked before it answered so.",
        example: "effect: done",
      }),
      ...PROBABILITY,
    },
  },
  "ec2.throttled": {
    says: "EC2 refuses every call, because the account has made too many.",
    example: "{ kind: ec2.throttled, every: 1h, for: [10s, 2m] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "ec2.pending-fails": {
    says: "An instance never leaves `pending`: there was no capacity for it after all.",
    example: "{ kind: ec2.pending-fails, perMachine: 0.05 }",
    fields: PER_MACHINE,
  },
  "ec2.state-lag": {
    says: "Listings show the state that an instance was in before.",
    example: "{ kind: ec2.state-lag, lag: [1s, 1m] }",
    fields: lag("How long."),
  },
  "kubernetes.error": {
    says: "A call about pods ends with a refusal, after its effect or instead of it.",
    example: "{ kind: kubernetes.error, on: delete, reason: Conflict, effect: none, probability: 0.1 }",
    fields: {
      on: key(z.enum(KUBERNETES_ERROR_PLACES), {
        says: "The calls that it can hit: `create`, `list`, `get` or `delete`.",
        example: "on: create",
      }),
      reason: key(z.enum(KUBERNETES_ERROR_REASONS), {
        says: "The API server's own word.",
        example: "reason: TooManyRequests",
      }),
      effect: key(z.enum(["none", "done"]), {
        says: "Whether the API server did what was asked before it answered so.",
        example: "effect: done",
      }),
      ...PROBABILITY,
    },
  },
  "kubernetes.stale-reads": {
    says: "A listing comes from a cache that is behind.",
    example: "{ kind: kubernetes.stale-reads, probability: 0.1, lag: [1s, 30s] }",
    fields: { ...PROBABILITY, ...lag("How far.") },
  },
  "kubernetes.watch-gap": {
    says: "Every watch ends, and what changed before is no longer known.",
    example: "{ kind: kubernetes.watch-gap, every: 30m }",
    fields: EVERY,
  },
  "kubernetes.pod-deleted": {
    says: "Somebody deletes a pod, with the grace that it has of its own: a drain, a node autoscaler, a person.",
    example: "{ kind: kubernetes.pod-deleted, every: 1h }",
    fields: EVERY,
  },
  "kubernetes.finalizer": {
    says: "Somebody else's finalizer is on a pod, which cannot go before it is taken off.",
    example: "{ kind: kubernetes.finalizer, perMachine: 0.05, for: [5m, 1h] }",
    fields: { ...PER_MACHINE, ...lasting("From the pod's creation until it is taken off.") },
  },
  "kubernetes.node-silent": {
    says: "A node's kubelet is not heard, while what runs there runs on.",
    example: "{ kind: kubernetes.node-silent, every: 2h, for: [1m, 20m] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "kubernetes.node-lost": {
    says: "A node's machine is gone, with all that ran on it, and another one joins.",
    example: "{ kind: kubernetes.node-lost, every: 4h }",
    fields: EVERY,
  },
  "kubernetes.node-starts-nothing": {
    says: "A node says that it is ready, and starts no container.",
    example: "{ kind: kubernetes.node-starts-nothing, every: 2h, for: [5m, 1h] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "kubernetes.no-image": {
    says: "The runner's image cannot be pulled.",
    example: "{ kind: kubernetes.no-image, every: 4h, for: [1m, 20m] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
};
