/**
 * What Auto Scaling's calls take and give, in the words of its API (version 2011-01-01): the parts of each shape that this
 * model knows.
 */
import type { AwsAnswer, Given } from "../aws/answer.ts";

type NamesGroup = Given<{ AutoScalingGroupName: string }>;
type Paged = Given<{ MaxRecords: number; NextToken: string }>;
type NamesInstances = NamesGroup & Given<{ InstanceIds: readonly string[] }>;
type NamesAction = NamesGroup & Given<{ LifecycleHookName: string; LifecycleActionToken: string; InstanceId: string }>;
type Decrements = Given<{ ShouldDecrementDesiredCapacity: boolean }>;

export type LaunchTemplateSpecification = Given<{
  LaunchTemplateId: string;
  LaunchTemplateName: string;
  Version: string;
}>;
export type RetentionTriggers = Given<{ TerminateHookAbandon: string }>;
export type InstanceLifecyclePolicy = Given<{ RetentionTriggers: RetentionTriggers }>;
export type InstanceReusePolicy = Given<{ ReuseOnScaleIn: boolean }>;
export type RefreshPreferences = Given<{
  MinHealthyPercentage: number;
  MaxHealthyPercentage: number;
  InstanceWarmup: number;
  SkipMatching: boolean;
  ScaleInProtectedInstances: string;
  StandbyInstances: string;
}>;

export type DescribeGroupsRequest = Paged &
  Given<{ AutoScalingGroupNames: readonly string[]; IncludeInstances: boolean }>;
export type DescribeInstancesRequest = Paged & Given<{ InstanceIds: readonly string[] }>;
export type DescribeHooksRequest = NamesGroup & Given<{ LifecycleHookNames: readonly string[] }>;
export type DescribeActivitiesRequest = NamesGroup &
  Paged &
  Given<{ ActivityIds: readonly string[]; IncludeDeletedGroups: boolean }>;
export type DescribeWarmPoolRequest = NamesGroup & Paged;
export type DescribeRefreshesRequest = NamesGroup & Paged & Given<{ InstanceRefreshIds: readonly string[] }>;
export type SetDesiredRequest = NamesGroup & Given<{ DesiredCapacity: number; HonorCooldown: boolean }>;
export type TerminateRequest = Decrements & Given<{ InstanceId: string }>;
export type ProtectionRequest = NamesInstances & Given<{ ProtectedFromScaleIn: boolean }>;
export type HealthRequest = Given<{ InstanceId: string; HealthStatus: string; ShouldRespectGracePeriod: boolean }>;
export type LeaveRequest = NamesInstances & Decrements;
export type ExitStandbyRequest = NamesInstances;
export type CompleteRequest = NamesAction & Given<{ LifecycleActionResult: string }>;
export type HeartbeatRequest = NamesAction;
export type PutHookRequest = NamesGroup &
  Given<{
    LifecycleHookName: string;
    LifecycleTransition: string;
    HeartbeatTimeout: number;
    DefaultResult: string;
    NotificationMetadata: string;
    NotificationTargetARN: string;
    RoleARN: string;
  }>;
export type DeleteHookRequest = NamesGroup & Given<{ LifecycleHookName: string }>;
export type PutWarmPoolRequest = NamesGroup &
  Given<{
    MaxGroupPreparedCapacity: number;
    MinSize: number;
    PoolState: string;
    InstanceReusePolicy: InstanceReusePolicy;
  }>;
export type DeleteWarmPoolRequest = NamesGroup & Given<{ ForceDelete: boolean }>;
export type ProcessesRequest = NamesGroup & Given<{ ScalingProcesses: readonly string[] }>;
export type StartRefreshRequest = NamesGroup & Given<{ Strategy: string; Preferences: RefreshPreferences }>;
export type CancelRefreshRequest = NamesGroup & Given<{ WaitForTransitioningInstances: boolean }>;
export type UpdateGroupRequest = NamesGroup &
  Given<{
    LaunchTemplate: LaunchTemplateSpecification;
    MinSize: number;
    MaxSize: number;
    DesiredCapacity: number;
    DefaultCooldown: number;
    HealthCheckGracePeriod: number;
    TerminationPolicies: readonly string[];
    NewInstancesProtectedFromScaleIn: boolean;
    MaxInstanceLifetime: number;
    CapacityRebalance: boolean;
    InstanceLifecyclePolicy: InstanceLifecyclePolicy;
  }>;

/** Every call that the model answers, with what it takes. */
export interface AsgRequests {
  readonly DescribeAutoScalingGroups: DescribeGroupsRequest;
  readonly DescribeAutoScalingInstances: DescribeInstancesRequest;
  readonly DescribeLifecycleHooks: DescribeHooksRequest;
  readonly DescribeScalingActivities: DescribeActivitiesRequest;
  readonly DescribeWarmPool: DescribeWarmPoolRequest;
  readonly DescribeInstanceRefreshes: DescribeRefreshesRequest;
  readonly SetDesiredCapacity: SetDesiredRequest;
  readonly UpdateAutoScalingGroup: UpdateGroupRequest;
  readonly TerminateInstanceInAutoScalingGroup: TerminateRequest;
  readonly SetInstanceProtection: ProtectionRequest;
  readonly SetInstanceHealth: HealthRequest;
  readonly EnterStandby: LeaveRequest;
  readonly ExitStandby: ExitStandbyRequest;
  readonly DetachInstances: LeaveRequest;
  readonly CompleteLifecycleAction: CompleteRequest;
  readonly RecordLifecycleActionHeartbeat: HeartbeatRequest;
  readonly PutLifecycleHook: PutHookRequest;
  readonly DeleteLifecycleHook: DeleteHookRequest;
  readonly PutWarmPool: PutWarmPoolRequest;
  readonly DeleteWarmPool: DeleteWarmPoolRequest;
  readonly SuspendProcesses: ProcessesRequest;
  readonly ResumeProcesses: ProcessesRequest;
  readonly StartInstanceRefresh: StartRefreshRequest;
  readonly CancelInstanceRefresh: CancelRefreshRequest;
}

export type AsgAction = keyof AsgRequests;

export type AsgAnswer = AwsAnswer;
