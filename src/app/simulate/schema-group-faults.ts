/** The faults of Auto Scaling groups, in the file's words. */
import * as z from "zod";
import {
  type FaultKind,
  GROUP_ENDINGS,
  GROUP_ERROR_CODES,
  GROUP_ERROR_PLACES,
} from "../../simulator/scenario/fault.ts";
import { key } from "../config/key.ts";
import { EVERY, type FaultSchema, instant, lag, lasting, PROBABILITY } from "./fault-fields.ts";

type GroupFaultKind = Extract<FaultKind, `asg.${string}`>;

export const GROUP_FAULTS: { readonly [Kind in GroupFaultKind]: FaultSchema<Kind> } = {
  "asg.error": {
    says: "A call to Auto Scaling ends with an error, after its effect or instead of it.",
    example: "{ kind: asg.error, on: complete, code: ResourceContention, effect: none, probability: 0.1 }",
    fields: {
      on: key(z.enum(GROUP_ERROR_PLACES), {
        says: "The calls that it can hit: `read`, `size`, `terminate`, `complete` or `heartbeat`.",
        example: "on: complete",
      }),
      code: key(z.enum(GROUP_ERROR_CODES), { says: "Auto Scaling's own code.", example: "code: Throttling" }),
      effect: key(z.enum(["none", "done"]), {
        says: "Whether Auto Scaling did what was asked before it answered so.",
        example: "effect: done",
      }),
      ...PROBABILITY,
    },
  },
  "asg.throttled": {
    says: "Auto Scaling refuses every call, because the account has made too many.",
    example: "{ kind: asg.throttled, every: 1h, for: [10s, 2m] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "asg.stale-reads": {
    says: "Readings of a group show how it was some time ago, each by another time.",
    example: "{ kind: asg.stale-reads, lag: [0s, 1m] }",
    fields: lag("How old."),
  },
  "asg.resized": {
    says: "Somebody sets the desired capacity to anything within the group's limits.",
    example: "{ kind: asg.resized, every: 30m }",
    fields: EVERY,
  },
  "asg.unprotected": {
    says: "Somebody takes the protection from scale-in off some members.",
    example: "{ kind: asg.unprotected, every: 1h }",
    fields: EVERY,
  },
  "asg.unhealthy": {
    says: "Somebody says that a member is unhealthy: its group replaces it, protected or not.",
    example: "{ kind: asg.unhealthy, every: 30m }",
    fields: EVERY,
  },
  "asg.refresh": {
    says: "Somebody starts an instance refresh.",
    example: "{ kind: asg.refresh, every: 4h }",
    fields: EVERY,
  },
  "asg.one-zone": {
    says: "Instances can be had in one zone only; afterwards the group makes its zones even.",
    example: "{ kind: asg.one-zone, every: 2h, for: [5m, 30m] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "asg.standby": {
    says: "Somebody puts a member aside (standby) and takes it back later.",
    example: "{ kind: asg.standby, every: 1h, for: [5m, 1h] }",
    fields: { ...EVERY, ...lasting("How long.") },
  },
  "asg.detached": {
    says: "Somebody takes a member out of its group, for good.",
    example: "{ kind: asg.detached, every: 2h }",
    fields: EVERY,
  },
  "asg.warm-pool-resized": {
    says: "Somebody sets the warm pool's size anew: it is trimmed or filled.",
    example: "{ kind: asg.warm-pool-resized, every: 1h }",
    fields: EVERY,
  },
  "asg.ends-one": {
    says: "A group ends a member that runs a job, or else any that is in service.",
    example: "{ kind: asg.ends-one, at: 30m, why: scale-in }",
    fields: {
      at: instant("When, since the world's start.", "at: 2h"),
      why: key(z.enum(GROUP_ENDINGS), {
        says: "Why: `scale-in`, `unhealthy`, or `trim` for one of its warm pool instead.",
        example: "why: unhealthy",
      }),
    },
  },
};
