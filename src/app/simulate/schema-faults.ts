/**
 * One entry of `world.faults`, by its kind: what it does in a sentence, and its fields in the file's words. A field that is
 * a time has in the type the same name with `Ms` behind it.
 */
import * as z from "zod";
import type { FaultKind } from "../../simulator/scenario/fault.ts";
import { key, noteOf } from "../config/key.ts";
import {
  after,
  delay,
  EVERY,
  type FaultSchema,
  instant,
  JOB,
  lag,
  lasting,
  PER_JOB,
  PER_MACHINE,
  PER_TICKET,
  PROBABILITY,
  SHARES,
  span,
} from "./fault-fields.ts";
import { rangeText, shareNumber } from "./fields.ts";
import { GROUP_FAULTS } from "./schema-group-faults.ts";
import { PROVIDER_FAULTS } from "./schema-provider-faults.ts";

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
  ...PROVIDER_FAULTS,
  ...GROUP_FAULTS,
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
  "controller.down": {
    says: "The controller ends, and none is started for a while.",
    example: "{ kind: controller.down, at: 30m, for: 45m }",
    fields: { at: instant("When, since the world's start.", "at: 2h"), ...lasting("How long.") },
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
