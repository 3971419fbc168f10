/** The Auto Scaling group that each pool of a world has, in the file's words. */
import * as z from "zod";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../domain/units.ts";
import type { GroupPlan } from "../../simulator/scenario/group-plan.ts";
import { durationText, key } from "../config/key.ts";
import { SPAN_MS_MAX } from "./fields.ts";

const COUNT_MAX = 10_000;
const HEARTBEAT_MS_MIN = 30 * SECOND_MS;
const HEARTBEAT_MS_MAX = 2 * HOUR_MS;

const WarmPoolSchema = z.strictObject({
  state: key(z.enum(["Stopped", "Running", "Hibernated"]).prefault("Stopped"), {
    says: "How its instances wait.",
    example: "state: Hibernated",
  }),
  reuse: key(z.boolean().prefault(false), {
    says: "Scale-in puts members back into it.",
    example: "reuse: true",
  }),
  prepared: key(z.int().min(0).max(COUNT_MAX), {
    says: "How many instances the group and its warm pool have together.",
    example: "prepared: 3",
  }),
});

export const GroupSchema = z.strictObject({
  scaling: key(z.enum(["holdfast", "external"]).prefault("holdfast"), {
    says: "Who sizes it: demand, or others alone.",
    example: "scaling: external",
  }),
  min: key(z.int().min(0).max(COUNT_MAX).prefault(0), { says: "Its least size.", example: "min: 1" }),
  beyondMax: key(z.int().min(0).max(COUNT_MAX).prefault(0), {
    says: "So many more members than its pool's `machines.max` it would have itself: room for launches too many.",
    example: "beyondMax: 4",
  }),
  protected: key(z.boolean().prefault(true), {
    says: "Members are protected from scale-in from their launch on.",
    example: "protected: false",
  }),
  market: key(z.enum(["on-demand", "spot"]).prefault("on-demand"), {
    says: "What its instances are.",
    example: "market: spot",
  }),
  heartbeat: key(
    z
      .union([
        durationText(HEARTBEAT_MS_MIN, HEARTBEAT_MS_MAX, "from 30s to 2h"),
        z.literal(false).transform(() => null),
      ])
      .prefault("2h"),
    {
      says: "The heartbeat timeout of its terminate hook, 30s to 2h; `false`: it has none.",
      example: "heartbeat: 30m",
      defaultText: "`2h`",
    },
  ),
  launchHook: key(z.boolean().prefault(false), {
    says: "It has a launch hook as well, which somebody else completes.",
    example: "launchHook: true",
  }),
  retain: key(z.boolean().prefault(true), {
    says: "Keeps a machine whose terminate hook nobody completed (`TerminateHookAbandon: retain`).",
    example: "retain: false",
  }),
  warmPool: key(WarmPoolSchema.optional(), {
    says: "Its warm pool.",
    example: "warmPool: { state: Hibernated, prepared: 2 }",
    defaultText: "none",
  }),
  maxLifetime: key(durationText(DAY_MS, SPAN_MS_MAX, "from 1d to 31d").optional(), {
    says: "Members are replaced at this age.",
    example: "maxLifetime: 7d",
    defaultText: "never",
  }),
});

export function planOf(written: z.output<typeof GroupSchema>): GroupPlan {
  const { warmPool } = written;
  return {
    scaling: written.scaling,
    minCount: written.min,
    beyondMaxCount: written.beyondMax,
    isProtected: written.protected,
    market: written.market,
    heartbeatTimeoutMs: written.heartbeat,
    hasLaunchHook: written.launchHook,
    retention: written.retain ? "retain" : "terminate",
    warmPool:
      warmPool === undefined
        ? null
        : { state: warmPool.state, isReusedOnScaleIn: warmPool.reuse, preparedCount: warmPool.prepared },
    lifetimeMs: written.maxLifetime ?? null,
  };
}
