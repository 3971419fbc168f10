/**
 * The ground truth of Auto Scaling in one region of one account, on top of its EC2: what groups there are, who is in them and
 * what they wait for. Plain data, changed only by the functions of this folder, each of which takes the time as an argument.
 */
import type { AwsFault } from "../aws/faults.ts";
import type { LaunchTemplateSpecification } from "../ec2/api.ts";
import type { Market } from "../ec2/options.ts";
import type { Ec2State } from "../ec2/state.ts";
import type { AsgAction, AsgAnswer } from "./api.ts";
import type { AsgErrorCode } from "./errors.ts";
import type { AsgOptions } from "./options.ts";

export interface AsgState {
  /** Where the instances of its members are launched, stopped and ended. */
  readonly ec2: Ec2State;
  /** Replaced as a whole where its habits change. */
  options: AsgOptions;
  readonly groups: Map<string, Group>;
  readonly faults: AwsFault<AsgAction, AsgErrorCode>[];
  /** Calls that were made, answered or not, by action. */
  readonly callCounts: Map<AsgAction, number>;
  /** What readings of a group may show, oldest first; the last is the present. */
  readonly views: Map<string, GroupView[]>;
  /** Members whose state changed since the driver last took them, in the order of the changes. */
  readonly changes: MemberChange[];
  readonly givenNumbers: Map<string, number>;
}

export interface GroupView {
  readonly atMs: number;
  readonly version: number;
  readonly group: AsgAnswer;
  /** In service, coming into it or leaving it; of the warm pool. */
  readonly members: readonly AsgAnswer[];
  readonly reserve: readonly AsgAnswer[];
}

export interface MemberChange {
  readonly groupName: string;
  readonly instanceId: string;
  readonly state: LifecycleState;
  readonly atMs: number;
}

/** Those that the model gives; `Quarantined` and the ones of a root volume's replacement are given by nobody. */
export type LifecycleState =
  | "Pending"
  | "Pending:Wait"
  | "Pending:Proceed"
  | "InService"
  | "Terminating"
  | "Terminating:Wait"
  | "Terminating:Proceed"
  | "Terminating:Retained"
  | "Terminated"
  | "EnteringStandby"
  | "Standby"
  | "Detaching"
  | "Detached"
  | "Warmed:Pending"
  | "Warmed:Pending:Wait"
  | "Warmed:Pending:Proceed"
  | "Warmed:Pending:Retained"
  | "Warmed:Terminating"
  | "Warmed:Terminating:Wait"
  | "Warmed:Terminating:Proceed"
  | "Warmed:Terminating:Retained"
  | "Warmed:Terminated"
  | "Warmed:Stopped"
  | "Warmed:Running"
  | "Warmed:Hibernated";

export type PoolState = "Stopped" | "Running" | "Hibernated";
export type Transition = "launching" | "terminating";
export type HookResult = "CONTINUE" | "ABANDON";

export interface Hook {
  readonly name: string;
  readonly transition: Transition;
  readonly heartbeatTimeoutMs: number;
  readonly defaultResult: HookResult;
}

/** A hook's hold on a member. */
export interface LifecycleAction {
  readonly hook: Hook;
  readonly token: string;
  /** However often it is heard. */
  readonly globalDeadlineMs: number;
  deadlineMs: number;
}

export interface Member {
  readonly instanceId: string;
  /** Counts up with every launch: the order of listings. */
  readonly number: number;
  readonly zone: string;
  readonly type: string;
  readonly template: { readonly id: string; readonly name: string; readonly version: number };
  readonly joinedAtMs: number;
  state: LifecycleState;
  sinceMs: number;
  /** When it goes on by itself; null: not by time alone. */
  nextMs: number | null;
  /** Which hooks hold it when it comes to its `:Wait`; null: none, whatever hooks there are. */
  transition: Transition | null;
  actions: LifecycleAction[];
  /** The hook that let it go by running out, and by which of its deadlines; null: it went by a word, or none has yet. */
  expiredBy: { readonly hook: Hook; readonly deadline: "heartbeat" | "global limit" } | null;
  isProtected: boolean;
  isHealthy: boolean;
  /** When the group will see that its instance is not up. */
  seenDownAtMs: number | null;
  /** Of the activity that goes on with it. */
  activityId: string | null;
}

export interface WarmPool {
  readonly minSize: number;
  /** Null: the group's greatest size. */
  readonly maxPreparedCount: number | null;
  readonly poolState: PoolState;
  readonly isReusedOnScaleIn: boolean;
}

export interface Activity {
  readonly id: string;
  readonly startedAtMs: number;
  readonly description: string;
  readonly cause: string;
  readonly instanceId: string | null;
  endedAtMs: number | null;
  statusCode: string;
  statusMessage: string | null;
}

export interface Refresh {
  readonly id: string;
  readonly startedAtMs: number;
  readonly ofProtected: "Refresh" | "Ignore" | "Wait";
  readonly ofStandby: "Terminate" | "Ignore" | "Wait";
  /** Those that are still to be replaced. */
  readonly remaining: Set<string>;
  readonly totalCount: number;
  status: "InProgress" | "Successful" | "Failed" | "Cancelled";
  statusReason: string | null;
  endedAtMs: number | null;
  /** Since when nothing but protected or standing-by members is left. */
  waitingSinceMs: number | null;
}

/** The processes that can be suspended and that the model runs. */
export type Process = "Launch" | "Terminate" | "HealthCheck" | "ReplaceUnhealthy" | "AZRebalance" | "InstanceRefresh";

export interface Group {
  readonly name: string;
  readonly createdAtMs: number;
  launchTemplate: LaunchTemplateSpecification;
  readonly market: Market;
  readonly subnetIds: readonly string[];
  readonly tags: ReadonlyMap<string, string>;
  minSize: number;
  maxSize: number;
  desired: number;
  cooldownMs: number;
  graceMs: number;
  terminationPolicies: readonly string[];
  isNewProtected: boolean;
  /** 0: none. */
  lifetimeMs: number;
  isCapacityRebalanced: boolean;
  retention: "terminate" | "retain";
  warmPool: WarmPool | null;
  readonly hooks: Map<string, Hook>;
  readonly suspended: Set<Process>;
  readonly members: Map<string, Member>;
  readonly activities: Activity[];
  readonly refreshes: Refresh[];
  /** Launched beyond the desired capacity until they are in service, to make its zones even. */
  readonly rebalancing: Set<string>;
  /** When it acts on what it lacks or has too many of; null: it is content. */
  reactsAtMs: number | null;
  /** When it next does anything by itself, as far as it is not its instances that do it; null: never. */
  wakesAtMs: number | null;
  /** No launch before. */
  launchesFromMs: number;
  /** No replacement by a refresh, a lifetime or a rebalance before. */
  replacesFromMs: number;
  cooldownUntilMs: number;
  lastCause: string;
  /** Counts up with every change that readings could show. */
  version: number;
}
