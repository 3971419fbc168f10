/**
 * One entry of `world.faults`, by its kind: what it does in a sentence, and its fields in the file's words. A field that is
 * a time has in the type the same name with `Ms` behind it.
 */
import * as z from "zod";
import { SECOND_MS } from "../../domain/units.ts";
import { EC2_ERRORS, type Ec2ErrorCode } from "../../simulator/ec2/errors.ts";
import {
  EC2_ERROR_PLACES,
  type FaultKind,
  type FaultOf,
  KUBERNETES_ERROR_PLACES,
  KUBERNETES_ERROR_REASONS,
} from "../../simulator/scenario/fault.ts";
import { durationText, key, noteOf } from "../config/key.ts";
import { rangeText, SPAN_MS_MAX, shareNumber } from "./fields.ts";

type FieldName<Field> = Field extends `${infer Name}Ms` ? Name : Field;

export interface FaultSchema<Kind extends FaultKind> {
  /** What happens, in one sentence. */
  readonly says: string;
  /** As it is written in YAML. */
  readonly example: string;
  readonly fields: {
    readonly [Field in Exclude<keyof FaultOf<Kind>, "kind"> as FieldName<Field>]-?: z.ZodType<FaultOf<Kind>[Field]>;
  };
}

/** What a share is of, and so what the key of it is called; `probability` is another word for each. */
export const SHARES = ["perJob", "perMachine", "perTicket"] as const;

const MACHINES_MAX = 10_000;
const EC2_CODES = Object.keys(EC2_ERRORS) as [Ec2ErrorCode, ...Ec2ErrorCode[]];

function share(of: string, example: string) {
  return key(shareNumber(), { says: `The share of ${of} that it befalls: 0 to 1.`, example });
}

/** A fault of jobs: of a share of them, or of one by its name. */
const JOB = {
  perJob: share("jobs", "perJob: 0.2"),
  job: key(z.string().min(1).optional(), { says: "Only the job of this name.", example: "job: build" }),
};
const PER_JOB = { perJob: JOB.perJob };
const PER_MACHINE = { perMachine: share("machines", "perMachine: 0.05") };
const PER_TICKET = { perTicket: share("tickets", "perTicket: 0.02") };
const PROBABILITY = {
  probability: key(shareNumber(), { says: "How likely on each occasion: 0 to 1.", example: "probability: 0.05" }),
};

const EVERY = {
  every: key(durationText(SECOND_MS, SPAN_MS_MAX, "from 1s to 31d"), {
    says: "The mean time between two.",
    example: "every: 30m",
  }),
};

function span(says: string, example: string) {
  return key(rangeText(), { says: `${says} A duration, or \`[from, to]\`.`, example });
}

const lag = (says: string) => ({ lag: span(says, "lag: [25s, 180s]") });
const after = (says: string) => ({ after: span(says, "after: [30s, 15m]") });
const lasting = (says: string) => ({ for: span(says, "for: [1m, 5m]") });
const delay = (says: string) => ({ delay: span(says, "delay: [1s, 10s]") });

function instant(says: string, example: string) {
  return key(durationText(0, SPAN_MS_MAX, "from 0s to 31d"), { says, example });
}

export const FAULTS: { readonly [Kind in FaultKind]: FaultSchema<Kind> } = {
  "github.busy-flag-lag": {
    says: "`busy` turns true only some time after the job was acquired.",
    example: "{ kind: github.busy-flag-lag, lag: [25s, 180s], perJob: 1 }",
    fields: { ...JOB, ...lag("From the acquire until it does.") },
  },
  "github.busy-flag-drops": {
    says: "`busy` turns false while the job runs, and stays so.",
    example: "{ kind: github.busy-flag-drops, perJob: 0.2, after: [30s, 15m] }",
    fields: { ...JOB, ...after("From the acquire until it does.") },
  },
  "github.busy-flag-never": {
    says: "`busy` never turns true.",
    example: "{ kind: github.busy-flag-never, job: build }",
    fields: JOB,
  },
  "github.busy-flag-stale": {
    says: "`busy` stays true after the job.",
    example: "{ kind: github.busy-flag-stale, perJob: 0.1, for: [1m, 10m] }",
    fields: { ...JOB, ...lasting("How long.") },
  },
  "github.offline-while-working": {
    says: "The runner shows as offline while its job runs.",
    example: "{ kind: github.offline-while-working, perJob: 0.05, after: [1m, 5m], for: [1m, 20m] }",
    fields: { ...JOB, ...after("From the acquire until it does."), ...lasting("How long.") },
  },
  "github.completed-while-working": {
    says: "The event `completed` comes while the Worker still works.",
    example: "{ kind: github.completed-while-working, perJob: 0.02 }",
    fields: JOB,
  },
  "github.missing-from-listing": {
    says: "A runner is missing from a listing that says that it is whole.",
    example: "{ kind: github.missing-from-listing, probability: 0.01 }",
    fields: PROBABILITY,
  },
  "github.taken-elsewhere": {
    says: "The job goes to a runner that is not ours.",
    example: "{ kind: github.taken-elsewhere, perJob: 0.05 }",
    fields: JOB,
  },
  "github.acquire-refused": {
    says: "GitHub refuses the acquire, and the listener says that it listens for ever.",
    example: "{ kind: github.acquire-refused, perJob: 0.02 }",
    fields: JOB,
  },
  "github.cancelled": {
    says: "Somebody cancels the job, wherever it is then.",
    example: "{ kind: github.cancelled, perJob: 0.05, after: [1s, 10m] }",
    fields: { ...JOB, ...after("From its being queued.") },
  },
  "github.webhook-lost": {
    says: "A webhook never comes.",
    example: "{ kind: github.webhook-lost, probability: 0.05 }",
    fields: PROBABILITY,
  },
  "github.webhook-repeated": {
    says: "A webhook comes twice.",
    example: "{ kind: github.webhook-repeated, probability: 0.05 }",
    fields: PROBABILITY,
  },
  "github.webhook-late": {
    says: "A webhook comes late, and so out of order.",
    example: "{ kind: github.webhook-late, probability: 0.1, delay: [5s, 10m] }",
    fields: { ...PROBABILITY, ...delay("By how long.") },
  },
  "github.call-fails": {
    says: "A call is answered with 500, 502, 403 or 429, or not at all, and had no effect.",
    example: "{ kind: github.call-fails, probability: 0.02 }",
    fields: PROBABILITY,
  },
  "github.answer-lost": {
    says: "A call takes effect and its answer is lost.",
    example: "{ kind: github.answer-lost, probability: 0.01 }",
    fields: PROBABILITY,
  },
  "github.outage": {
    says: "No call is answered and no webhook sent; over with the faults at the latest.",
    example: "{ kind: github.outage, every: 4h, for: [2m, 30m] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
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
    says: "What is read of the API comes from a cache that is behind.",
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
  "host.slow-boot": {
    says: "A machine takes long to boot.",
    example: "{ kind: host.slow-boot, perMachine: 0.1, boot: [3m, 10m] }",
    fields: { ...PER_MACHINE, boot: span("How long.", "boot: [3m, 10m]") },
  },
  "host.never-boots": {
    says: "A machine never boots.",
    example: "{ kind: host.never-boots, perMachine: 0.02 }",
    fields: PER_MACHINE,
  },
  "host.agent-crash": {
    says: "A machine's agent crashes, and is started again some seconds later.",
    example: "{ kind: host.agent-crash, every: 10m }",
    fields: EVERY,
  },
  "host.agent-pause": {
    says: "A machine's agent stands still, and its runner goes on.",
    example: "{ kind: host.agent-pause, every: 30m, for: [10s, 5m] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "host.machine-pause": {
    says: "Everything on a machine stands still.",
    example: "{ kind: host.machine-pause, every: 1h, for: [10s, 10m] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "host.dies": {
    says: "A machine is dead, and its provider does not say so.",
    example: "{ kind: host.dies, every: 2h }",
    fields: EVERY,
  },
  "host.cut-off": {
    says: "A machine reaches the controller no more, or GitHub, or neither.",
    example: "{ kind: host.cut-off, from: both, every: 1h, for: [1m, 30m] }",
    fields: {
      ...EVERY,
      ...lasting("How long."),
      from: key(z.enum(["controller", "github", "both"]), {
        says: "Whom it does not reach: `controller`, `github` or `both`.",
        example: "from: both",
      }),
    },
  },
  "host.runner-exits": {
    says: "The listener ends without a job: as deprecated, to update itself, or for no reason.",
    example: "{ kind: host.runner-exits, perTicket: 0.02 }",
    fields: PER_TICKET,
  },
  "host.runner-never-online": {
    says: "The listener never gets a session.",
    example: "{ kind: host.runner-never-online, perTicket: 0.02 }",
    fields: PER_TICKET,
  },
  "host.runner-dies": {
    says: "Listener and Worker die in the middle of a job.",
    example: "{ kind: host.runner-dies, perJob: 0.01 }",
    fields: PER_JOB,
  },
  "host.runner-hangs": {
    says: "The Worker hangs for ever, and its lease is no longer renewed.",
    example: "{ kind: host.runner-hangs, perJob: 0.01 }",
    fields: PER_JOB,
  },
  "host.orphan-worker": {
    says: "The listener dies, and the Worker works on.",
    example: "{ kind: host.orphan-worker, perJob: 0.01 }",
    fields: PER_JOB,
  },
  "host.disk-full": {
    says: "Nothing can be written on a machine.",
    example: "{ kind: host.disk-full, every: 2h, for: [1m, 10m] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "controller.crash": {
    says: "The controller is killed, between two steps or in the middle of one, and started again some seconds later.",
    example: "{ kind: controller.crash, every: 7m }",
    fields: EVERY,
  },
  "controller.pause": {
    says: "The controller stands still, and goes on as if nothing had been.",
    example: "{ kind: controller.pause, every: 1h, for: [10s, 10m] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "controller.deploy": {
    says: "The controller is stopped in order, and a new one started at once.",
    example: "{ kind: controller.deploy, every: 2h }",
    fields: EVERY,
  },
  "controller.restore": {
    says: "The store is put back to what it was some time ago, and the controller started anew.",
    example: "{ kind: controller.restore, at: 2h, age: 1h }",
    fields: {
      at: instant("When, since the world's start.", "at: 2h"),
      age: instant("How old the store is then.", "age: 1h"),
    },
  },
  "controller.second": {
    says: "Another controller starts on the same store, while the first stands still or is cut off from it.",
    example: "{ kind: controller.second, every: 2h }",
    fields: EVERY,
  },
  "controller.replica": {
    says: "Another controller works on the same store beside the first, which agents and GitHub do not reach any more.",
    example: "{ kind: controller.replica, every: 2h, for: [10m, 1h] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "controller.row-lost": {
    says: "The row of the machine that runs a job is deleted from the store, by a hand or a defect; random worlds have none.",
    example: "{ kind: controller.row-lost, job: build, after: 46s }",
    fields: { ...JOB, ...after("From the acquire until it is.") },
  },
  "controller.slow-store": {
    says: "A query takes long.",
    example: "{ kind: controller.slow-store, probability: 0.01, delay: [100ms, 5s] }",
    fields: { ...PROBABILITY, ...delay("How long.") },
  },
  "controller.clock-step": {
    says: "The controller's clock is set, forward or back.",
    example: '{ kind: controller.clock-step, every: 2h, by: ["-5m", 5m] }',
    fields: {
      ...EVERY,
      by: key(rangeText(true), { says: "By how much. A duration, or `[from, to]`.", example: 'by: ["-5m", 5m]' }),
    },
  },
};

export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

/** The fields of a kind as a block: with `kind` itself, and the other word for its share. */
export function blockOf(kind: FaultKind): z.ZodObject {
  const { fields } = FAULTS[kind];
  const shared = SHARES.find((name) => name in fields);
  const shape: Record<string, z.ZodType> = { kind: z.literal(kind), ...fields };
  if (shared !== undefined) {
    const own = (fields as Record<string, z.ZodType>)[shared] ?? z.never();
    shape[shared] = key(own.optional(), noteOf(own) ?? { says: "", example: "" });
    shape.probability = key(shareNumber().optional(), {
      says: `Another word for \`${shared}\`.`,
      example: "probability: 0.2",
    });
  }
  return z.strictObject(shape);
}
