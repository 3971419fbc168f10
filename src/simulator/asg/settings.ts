/** What a group is set to: sizes, processes, the warm pool, and a refresh of its members. */
import { SECOND_MS } from "../../domain/units.ts";
import type {
  AsgAnswer,
  CancelRefreshRequest,
  DeleteWarmPoolRequest,
  ProcessesRequest,
  PutWarmPoolRequest,
  StartRefreshRequest,
  UpdateGroupRequest,
} from "./api.ts";
import { setDesired } from "./capacity.ts";
import { isOfPool, listMembers } from "./counts.ts";
import { AsgRefusal, demand } from "./errors.ts";
import { demandGroup } from "./find.ts";
import { newUuid } from "./ids.ts";
import { type Place, touch } from "./move.ts";
import { endRefresh, runningRefresh } from "./replace.ts";
import type { AsgState, Process, Refresh } from "./state.ts";

const LIFETIME_SECONDS_MIN = 86_400;

export function updateGroup(state: AsgState, request: UpdateGroupRequest, nowMs: number): AsgAnswer {
  const place = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const { group } = place;
  const { MinSize = group.minSize, MaxSize = group.maxSize, MaxInstanceLifetime: lifetime } = request;
  demand(MinSize <= MaxSize, `Min bound, ${MinSize}, must be less than or equal to max bound, ${MaxSize}`);
  const desired = Math.min(Math.max(request.DesiredCapacity ?? group.desired, MinSize), MaxSize);
  demand(
    request.DesiredCapacity === undefined || desired === request.DesiredCapacity,
    "Desired capacity is out of bounds",
  );
  demand(
    lifetime === undefined || lifetime === 0 || lifetime >= LIFETIME_SECONDS_MIN,
    `Maximum instance lifetime must be equal to 0 or greater than or equal to ${LIFETIME_SECONDS_MIN} seconds.`,
  );
  Object.assign(group, { minSize: MinSize, maxSize: MaxSize });
  setDesired(place, desired, "a user request updated the group");
  if (lifetime !== undefined) group.lifetimeMs = lifetime * SECOND_MS;
  if (request.DefaultCooldown !== undefined) group.cooldownMs = request.DefaultCooldown * SECOND_MS;
  if (request.HealthCheckGracePeriod !== undefined) group.graceMs = request.HealthCheckGracePeriod * SECOND_MS;
  if (request.TerminationPolicies !== undefined) group.terminationPolicies = request.TerminationPolicies;
  if (request.LaunchTemplate !== undefined) group.launchTemplate = request.LaunchTemplate;
  group.isNewProtected = request.NewInstancesProtectedFromScaleIn ?? group.isNewProtected;
  group.isCapacityRebalanced = request.CapacityRebalance ?? group.isCapacityRebalanced;
  const trigger = request.InstanceLifecyclePolicy?.RetentionTriggers?.TerminateHookAbandon;
  if (trigger !== undefined) group.retention = trigger === "retain" ? "retain" : "terminate";
  touch(group);
  return {};
}

const PROCESSES: readonly Process[] = [
  "Launch",
  "Terminate",
  "HealthCheck",
  "ReplaceUnhealthy",
  "AZRebalance",
  "InstanceRefresh",
];

export function suspendProcesses(state: AsgState, request: ProcessesRequest, nowMs: number): AsgAnswer {
  const { group } = demandGroup(state, request.AutoScalingGroupName, nowMs);
  for (const name of readProcesses(request)) group.suspended.add(name);
  touch(group);
  return {};
}

export function resumeProcesses(state: AsgState, request: ProcessesRequest, nowMs: number): AsgAnswer {
  const { group } = demandGroup(state, request.AutoScalingGroupName, nowMs);
  for (const name of readProcesses(request)) group.suspended.delete(name);
  touch(group);
  return {};
}

/** All of them unless some are named. */
function readProcesses({ ScalingProcesses: names = [] }: ProcessesRequest): readonly Process[] {
  return PROCESSES.filter((name) => names.length === 0 || names.includes(name));
}

export function putWarmPool(state: AsgState, request: PutWarmPoolRequest, nowMs: number): AsgAnswer {
  const { group } = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const { MaxGroupPreparedCapacity: most = -1, MinSize = 0, PoolState = "Stopped", InstanceReusePolicy } = request;
  demand(
    PoolState === "Stopped" || PoolState === "Running" || PoolState === "Hibernated",
    `Invalid pool state ${PoolState}.`,
  );
  group.warmPool = {
    minSize: MinSize,
    // -1: as many as the group's greatest size.
    maxPreparedCount: most === -1 ? null : most,
    poolState: PoolState,
    isReusedOnScaleIn: InstanceReusePolicy?.ReuseOnScaleIn ?? false,
  };
  touch(group);
  return {};
}

/** Its members are trimmed first, unless the whole is to go by force. */
export function deleteWarmPool(state: AsgState, request: DeleteWarmPoolRequest, nowMs: number): AsgAnswer {
  const { group } = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const isEmpty = listMembers(group, isOfPool).length === 0;
  if (!isEmpty && request.ForceDelete !== true)
    throw new AsgRefusal("ResourceInUse", `The warm pool of ${group.name} still has instances in it.`);
  group.warmPool = null;
  touch(group);
  return {};
}

export function startRefresh(state: AsgState, request: StartRefreshRequest, nowMs: number): AsgAnswer {
  const place = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const { group } = place;
  if (runningRefresh(group) !== null)
    throw new AsgRefusal("InstanceRefreshInProgress", `An Instance Refresh is already in progress for ${group.name}`);
  const refresh = createRefresh(place, request);
  group.refreshes.push(refresh);
  touch(group);
  return { InstanceRefreshId: refresh.id };
}

function createRefresh({ state, group, nowMs }: Place, { Preferences }: StartRefreshRequest): Refresh {
  const { ScaleInProtectedInstances: ofProtected = "Wait", StandbyInstances: ofStandby = "Wait" } = Preferences ?? {};
  demand(
    ofProtected === "Refresh" || ofProtected === "Ignore" || ofProtected === "Wait",
    `Invalid value ${ofProtected} for ScaleInProtectedInstances.`,
  );
  demand(
    ofStandby === "Terminate" || ofStandby === "Ignore" || ofStandby === "Wait",
    `Invalid value ${ofStandby} for StandbyInstances.`,
  );
  const remaining = new Set(listMembers(group, (member) => !isOfPool(member)).map(({ instanceId }) => instanceId));
  return {
    id: newUuid(state, "refresh"),
    startedAtMs: nowMs,
    ofProtected,
    ofStandby,
    remaining,
    totalCount: remaining.size,
    status: "InProgress",
    statusReason: null,
    endedAtMs: null,
    waitingSinceMs: null,
  };
}

export function cancelRefresh(state: AsgState, request: CancelRefreshRequest, nowMs: number): AsgAnswer {
  const { group } = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const refresh = runningRefresh(group);
  if (refresh === null)
    throw new AsgRefusal("ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found");
  endRefresh(group, refresh, "Cancelled", "Cancelled due to user request.", nowMs);
  return { InstanceRefreshId: refresh.id };
}
