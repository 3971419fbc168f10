/** The groups of a world before it begins: one for each pool, and one of somebody else's. */
import { SECOND_MS } from "../../domain/units.ts";
import { createGroup, type HookSetup } from "../asg/create.ts";
import type { AsgState, Group } from "../asg/state.ts";
import { callEc2 } from "../ec2/call.ts";
import type { ProviderModelWorld } from "./provider-world.ts";

/** Another installation's in the same account: nobody of this world may touch it or its members. */
export const FOREIGN_GROUP = "somebody-else";
const FOREIGN_COUNT = 2;
export const DRAIN_HOOK = "drain";
export const BOOT_HOOK = "bootstrap";
const BOOT_HOOK_SECONDS = 1_200;
const TEMPLATE = { LaunchTemplateName: "runner", Version: "$Latest" } as const;
const LAUNCH_DATA = {
  ImageId: "ami-0a1b2c3d4e5f60718",
  InstanceType: "c5.xlarge",
  InstanceInitiatedShutdownBehavior: "terminate",
  MetadataOptions: { HttpTokens: "required" },
} as const;

type SetupWorld = Pick<ProviderModelWorld, "group" | "pools" | "scheduler">;

export function groupNameOf(pool: string): string {
  return `runners-${pool}`;
}

/** @returns those of the pools. */
export function createGroups(state: AsgState, world: SetupWorld): readonly Group[] {
  const { nowMs } = world.scheduler;
  const { LaunchTemplateName } = TEMPLATE;
  callEc2(state.ec2, "CreateLaunchTemplate", { LaunchTemplateName, LaunchTemplateData: LAUNCH_DATA }, nowMs);
  const foreign = { name: FOREIGN_GROUP, launchTemplate: TEMPLATE, maxSize: FOREIGN_COUNT, desired: FOREIGN_COUNT };
  createGroup(state, { ...foreign, isNewProtected: true }, nowMs);
  return world.pools.map(({ name, machineCountMax }) => createOurs(state, world, name, machineCountMax));
}

function createOurs(state: AsgState, { group: plan, scheduler }: SetupWorld, pool: string, maxSize: number): Group {
  const { warmPool } = plan;
  const setup = {
    name: groupNameOf(pool),
    launchTemplate: TEMPLATE,
    market: plan.market,
    minSize: Math.min(plan.minCount, maxSize),
    maxSize: maxSize + plan.beyondMaxCount,
    isNewProtected: plan.isProtected,
    retention: plan.retention,
    lifetimeSeconds: (plan.lifetimeMs ?? 0) / SECOND_MS,
    hooks: hooksOf(plan),
    warmPool: warmPool && {
      poolState: warmPool.state,
      isReusedOnScaleIn: warmPool.isReusedOnScaleIn,
      maxPreparedCount: warmPool.preparedCount,
    },
  };
  return createGroup(state, setup, scheduler.nowMs);
}

function hooksOf({ heartbeatTimeoutMs, hasLaunchHook }: SetupWorld["group"]): readonly HookSetup[] {
  const drain = heartbeatTimeoutMs === null ? null : Math.round(heartbeatTimeoutMs / SECOND_MS);
  return [
    ...(drain === null ? [] : [{ name: DRAIN_HOOK, heartbeatTimeoutSeconds: drain }]),
    ...(hasLaunchHook
      ? [{ name: BOOT_HOOK, transition: "launching", heartbeatTimeoutSeconds: BOOT_HOOK_SECONDS } as const]
      : []),
  ];
}
