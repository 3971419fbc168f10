/** What each call of Auto Scaling takes on the wire, member by member of its shape. */
import type {
  AsgAction,
  AsgRequests,
  InstanceLifecyclePolicy,
  InstanceReusePolicy,
  LaunchTemplateSpecification,
  RefreshPreferences,
  RetentionTriggers,
} from "../../asg/api.ts";
import { flag, type Members, type MembersOf, memberList, struct, text, whole } from "../aws/query-fields.ts";

type Requests = { readonly [Action in AsgAction]: MembersOf<AsgRequests[Action]> };

const texts = memberList(text);
const group = { AutoScalingGroupName: text };
const paged = { MaxRecords: whole, NextToken: text };
const instances = { ...group, InstanceIds: texts };
const leaving = { ...instances, ShouldDecrementDesiredCapacity: flag };
const action = { ...group, LifecycleHookName: text, LifecycleActionToken: text, InstanceId: text };
const processes = { ...group, ScalingProcesses: texts };

const REQUESTS: Requests = {
  DescribeAutoScalingGroups: { ...paged, AutoScalingGroupNames: texts, IncludeInstances: flag },
  DescribeAutoScalingInstances: { ...paged, InstanceIds: texts },
  DescribeLifecycleHooks: { ...group, LifecycleHookNames: texts },
  DescribeScalingActivities: { ...group, ...paged, ActivityIds: texts, IncludeDeletedGroups: flag },
  DescribeWarmPool: { ...group, ...paged },
  DescribeInstanceRefreshes: { ...group, ...paged, InstanceRefreshIds: texts },
  SetDesiredCapacity: { ...group, DesiredCapacity: whole, HonorCooldown: flag },
  UpdateAutoScalingGroup: {
    ...group,
    LaunchTemplate: struct<LaunchTemplateSpecification>({
      LaunchTemplateId: text,
      LaunchTemplateName: text,
      Version: text,
    }),
    MinSize: whole,
    MaxSize: whole,
    DesiredCapacity: whole,
    DefaultCooldown: whole,
    HealthCheckGracePeriod: whole,
    TerminationPolicies: texts,
    NewInstancesProtectedFromScaleIn: flag,
    MaxInstanceLifetime: whole,
    CapacityRebalance: flag,
    InstanceLifecyclePolicy: struct<InstanceLifecyclePolicy>({
      RetentionTriggers: struct<RetentionTriggers>({ TerminateHookAbandon: text }),
    }),
  },
  TerminateInstanceInAutoScalingGroup: { InstanceId: text, ShouldDecrementDesiredCapacity: flag },
  SetInstanceProtection: { ...instances, ProtectedFromScaleIn: flag },
  SetInstanceHealth: { InstanceId: text, HealthStatus: text, ShouldRespectGracePeriod: flag },
  EnterStandby: leaving,
  ExitStandby: instances,
  DetachInstances: leaving,
  CompleteLifecycleAction: { ...action, LifecycleActionResult: text },
  RecordLifecycleActionHeartbeat: action,
  PutLifecycleHook: {
    ...group,
    LifecycleHookName: text,
    LifecycleTransition: text,
    HeartbeatTimeout: whole,
    DefaultResult: text,
    NotificationMetadata: text,
    NotificationTargetARN: text,
    RoleARN: text,
  },
  DeleteLifecycleHook: { ...group, LifecycleHookName: text },
  PutWarmPool: {
    ...group,
    MaxGroupPreparedCapacity: whole,
    MinSize: whole,
    PoolState: text,
    InstanceReusePolicy: struct<InstanceReusePolicy>({ ReuseOnScaleIn: flag }),
  },
  DeleteWarmPool: { ...group, ForceDelete: flag },
  SuspendProcesses: processes,
  ResumeProcesses: processes,
  StartInstanceRefresh: {
    ...group,
    Strategy: text,
    Preferences: struct<RefreshPreferences>({
      MinHealthyPercentage: whole,
      MaxHealthyPercentage: whole,
      InstanceWarmup: whole,
      SkipMatching: flag,
      ScaleInProtectedInstances: text,
      StandbyInstances: text,
    }),
  },
  CancelInstanceRefresh: { ...group, WaitForTransitioningInstances: flag },
};

export function membersOf(name: AsgAction): Members {
  return REQUESTS[name];
}
