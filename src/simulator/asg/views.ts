/** What readings show of a group: as it is, or as it was a while ago, now and then with somebody missing. */
import { formatInstant } from "../../domain/instant.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { AsgAnswer } from "./api.ts";
import { countMembers, isInPool, isOfPool, listMembers } from "./counts.ts";
import { draw, type Place } from "./move.ts";
import type { AsgState, Group, GroupView, Member, WarmPool } from "./state.ts";

/** Keeps how the group looks now, as long as readings could show it. */
export function recordView({ state, group, nowMs }: Place): void {
  const views = state.views.get(group.name) ?? [];
  state.views.set(group.name, views);
  if (views.at(-1)?.version === group.version) return;
  views.push({
    atMs: nowMs,
    version: group.version,
    group: showGroup(state, group),
    members: listMembers(group, (member) => !isOfPool(member)).map((member) => showMember(group, member)),
    reserve: listMembers(group, isOfPool).map((member) => showMember(group, member)),
  });
  const [, longestMs] = state.options.lags.readingMs;
  // The last one from before the longest lag is what the oldest reading shows.
  while (views.length > 1 && (views[1]?.atMs ?? nowMs) <= nowMs - longestMs) views.shift();
}

/** What one call shows of a group: all of it from one moment. */
export function readView({ state, group, nowMs }: Place): GroupView {
  const views = state.views.get(group.name) ?? [];
  const { readingMs, omittedShare } = state.options.lags;
  const asOfMs = nowMs - draw(state, "reading", readingMs);
  const view = views.findLast(({ atMs }) => atMs <= asOfMs) ?? views[0];
  if (view === undefined) return { atMs: nowMs, version: 0, group: showGroup(state, group), members: [], reserve: [] };
  if (omittedShare === 0) return view;
  const isShown = () => draw(state, "omission", [0, 1]) >= omittedShare;
  return { ...view, members: view.members.filter(isShown), reserve: view.reserve.filter(isShown) };
}

function showGroup({ ec2 }: AsgState, group: Group): AsgAnswer {
  const { accountId, region, subnets } = ec2.options;
  const zones = subnets.filter(({ id }) => group.subnetIds.includes(id)).map(({ zone }) => zone);
  const { warmPool } = group;
  return {
    AutoScalingGroupName: group.name,
    AutoScalingGroupARN: `arn:aws:autoscaling:${region}:${accountId}:autoScalingGroup:00000000-0000-0000-0000-000000000000:autoScalingGroupName/${group.name}`,
    LaunchTemplate: { ...group.launchTemplate },
    MinSize: group.minSize,
    MaxSize: group.maxSize,
    DesiredCapacity: group.desired,
    DefaultCooldown: group.cooldownMs / SECOND_MS,
    AvailabilityZones: [...new Set(zones)],
    HealthCheckType: "EC2",
    HealthCheckGracePeriod: group.graceMs / SECOND_MS,
    CreatedTime: formatInstant(group.createdAtMs),
    SuspendedProcesses: [...group.suspended].map((ProcessName) => ({
      ProcessName,
      SuspensionReason: "User suspended at the user's request",
    })),
    VPCZoneIdentifier: group.subnetIds.join(","),
    Tags: [...group.tags].map(([Key, Value]) => ({
      Key,
      Value,
      ResourceId: group.name,
      ResourceType: "auto-scaling-group",
      PropagateAtLaunch: true,
    })),
    TerminationPolicies: group.terminationPolicies,
    NewInstancesProtectedFromScaleIn: group.isNewProtected,
    MaxInstanceLifetime: group.lifetimeMs === 0 ? undefined : group.lifetimeMs / SECOND_MS,
    CapacityRebalance: group.isCapacityRebalanced,
    WarmPoolConfiguration: warmPool === null ? undefined : showWarmPool(warmPool),
    WarmPoolSize: warmPool === null ? undefined : countMembers(group, isInPool),
    InstanceLifecyclePolicy: { RetentionTriggers: { TerminateHookAbandon: group.retention } },
  };
}

function showWarmPool({ minSize, maxPreparedCount, poolState, isReusedOnScaleIn }: WarmPool): AsgAnswer {
  return {
    MinSize: minSize,
    MaxGroupPreparedCapacity: maxPreparedCount ?? undefined,
    PoolState: poolState,
    InstanceReusePolicy: { ReuseOnScaleIn: isReusedOnScaleIn },
  };
}

/** With the name of its group, which only some answers have. */
function showMember(group: Group, member: Member): AsgAnswer {
  const { template } = member;
  return {
    InstanceId: member.instanceId,
    InstanceType: member.type,
    AutoScalingGroupName: group.name,
    AvailabilityZone: member.zone,
    LifecycleState: member.state,
    HealthStatus: member.isHealthy ? "Healthy" : "Unhealthy",
    LaunchTemplate: {
      LaunchTemplateId: template.id,
      LaunchTemplateName: template.name,
      Version: String(template.version),
    },
    ProtectedFromScaleIn: member.isProtected,
  };
}
