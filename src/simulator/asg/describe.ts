/** Describe calls. Who is not known is left out without a word: absence is no evidence. */
import { formatInstant } from "../../domain/instant.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type {
  AsgAnswer,
  DescribeActivitiesRequest,
  DescribeGroupsRequest,
  DescribeHooksRequest,
  DescribeInstancesRequest,
  DescribeRefreshesRequest,
  DescribeWarmPoolRequest,
} from "./api.ts";
import { demand } from "./errors.ts";
import { demandGroup } from "./find.ts";
import { globalTimeoutMs } from "./hooks.ts";
import { pageAnswer } from "./paging.ts";
import type { Activity, AsgState, GroupView, Hook, Refresh } from "./state.ts";
import { readView } from "./views.ts";

const GROUP_COUNT_MAX = 100;
const INSTANCE_COUNT_MAX = 50;
const ACTIVITY_COUNT_MAX = 100;

export function describeGroups(state: AsgState, request: DescribeGroupsRequest, nowMs: number): AsgAnswer {
  const { AutoScalingGroupNames: names = [] } = request;
  const shown = listViews(state, nowMs)
    .filter(([name]) => names.length === 0 || names.includes(name))
    .map(([, { group, members }]) => {
      const Instances = request.IncludeInstances === false ? [] : members.map(withoutGroup);
      return { ...group, Instances };
    });
  return pageAnswer("AutoScalingGroups", shown, request, GROUP_COUNT_MAX);
}

function listViews(state: AsgState, nowMs: number): readonly (readonly [string, GroupView])[] {
  return [...state.groups.values()].map((group) => [group.name, readView({ state, group, nowMs })] as const);
}

function withoutGroup({ AutoScalingGroupName: _, ...rest }: AsgAnswer): AsgAnswer {
  return rest;
}

export function describeInstances(state: AsgState, request: DescribeInstancesRequest, nowMs: number): AsgAnswer {
  const { InstanceIds: ids = [] } = request;
  demand(ids.length <= INSTANCE_COUNT_MAX, `The number of instance IDs must not exceed ${INSTANCE_COUNT_MAX}.`);
  const shown = listViews(state, nowMs)
    .flatMap(([, { members, reserve }]) => [...members, ...reserve])
    .filter(({ InstanceId }) => ids.length === 0 || ids.includes(String(InstanceId)))
    // This answer alone has the state of health in capitals.
    .map((member) => ({ ...member, HealthStatus: String(member.HealthStatus).toUpperCase() }));
  return pageAnswer("AutoScalingInstances", shown, request, INSTANCE_COUNT_MAX);
}

export function describeWarmPool(state: AsgState, request: DescribeWarmPoolRequest, nowMs: number): AsgAnswer {
  const view = readView(demandGroup(state, request.AutoScalingGroupName, nowMs));
  const page = pageAnswer("Instances", view.reserve.map(withoutGroup), request, INSTANCE_COUNT_MAX);
  return { WarmPoolConfiguration: view.group.WarmPoolConfiguration, ...page };
}

export function describeHooks(state: AsgState, request: DescribeHooksRequest, nowMs: number): AsgAnswer {
  const { group } = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const { LifecycleHookNames: names = [] } = request;
  const hooks = [...group.hooks.values()].filter(({ name }) => names.length === 0 || names.includes(name));
  return { LifecycleHooks: hooks.map((hook) => showHook(hook, group.name)) };
}

function showHook({ name, transition, heartbeatTimeoutMs, defaultResult }: Hook, groupName: string): AsgAnswer {
  return {
    LifecycleHookName: name,
    AutoScalingGroupName: groupName,
    LifecycleTransition: `autoscaling:EC2_INSTANCE_${transition === "launching" ? "LAUNCHING" : "TERMINATING"}`,
    HeartbeatTimeout: heartbeatTimeoutMs / SECOND_MS,
    GlobalTimeout: globalTimeoutMs(heartbeatTimeoutMs) / SECOND_MS,
    DefaultResult: defaultResult,
  };
}

/** The latest first. */
export function describeActivities(state: AsgState, request: DescribeActivitiesRequest, nowMs: number): AsgAnswer {
  const name = request.AutoScalingGroupName;
  const groups = name === undefined ? [...state.groups.values()] : [demandGroup(state, name, nowMs).group];
  const { ActivityIds: ids = [] } = request;
  const shown = groups
    .flatMap((group) => group.activities.map((activity) => ({ group, activity })))
    .filter(({ activity }) => ids.length === 0 || ids.includes(activity.id))
    .reverse()
    .map(({ group, activity }) => showActivity(activity, group.name));
  return pageAnswer("Activities", shown, request, ACTIVITY_COUNT_MAX);
}

const PERCENT_DONE = 100;

export function showActivity(activity: Activity, groupName: string): AsgAnswer {
  const { id, description, cause, startedAtMs, endedAtMs, statusCode, statusMessage } = activity;
  return {
    ActivityId: id,
    AutoScalingGroupName: groupName,
    Description: description,
    Cause: cause,
    StartTime: formatInstant(startedAtMs),
    EndTime: endedAtMs === null ? undefined : formatInstant(endedAtMs),
    StatusCode: statusCode,
    StatusMessage: statusMessage ?? undefined,
    Progress: endedAtMs === null ? PERCENT_DONE / 2 : PERCENT_DONE,
    AutoScalingGroupState: "ACTIVE",
  };
}

export function describeRefreshes(state: AsgState, request: DescribeRefreshesRequest, nowMs: number): AsgAnswer {
  const { group } = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const { InstanceRefreshIds: ids = [] } = request;
  const shown = group.refreshes
    .filter(({ id }) => ids.length === 0 || ids.includes(id))
    .reverse()
    .map((refresh) => showRefresh(refresh, group.name));
  return pageAnswer("InstanceRefreshes", shown, request, ACTIVITY_COUNT_MAX);
}

function showRefresh(refresh: Refresh, groupName: string): AsgAnswer {
  const { id, status, statusReason, startedAtMs, endedAtMs, remaining, totalCount } = refresh;
  const done = totalCount === 0 ? PERCENT_DONE : (PERCENT_DONE * (totalCount - remaining.size)) / totalCount;
  return {
    InstanceRefreshId: id,
    AutoScalingGroupName: groupName,
    Status: status,
    StatusReason: statusReason ?? undefined,
    StartTime: formatInstant(startedAtMs),
    EndTime: endedAtMs === null ? undefined : formatInstant(endedAtMs),
    PercentageComplete: Math.floor(done),
    InstancesToUpdate: remaining.size,
    Preferences: { ScaleInProtectedInstances: refresh.ofProtected, StandbyInstances: refresh.ofStandby },
  };
}
