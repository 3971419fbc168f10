/** One call to Auto Scaling: what is due by now, the fault that was put on it, the effect. */
import { type AwsOutcome, type AwsResult, meetFault, takeFault } from "../aws/faults.ts";
import type { AsgAction, AsgAnswer, AsgRequests } from "./api.ts";
import { detachInstances, enterStandby, exitStandby } from "./aside.ts";
import { setDesiredCapacity, terminateInstance } from "./capacity.ts";
import {
  describeActivities,
  describeGroups,
  describeHooks,
  describeInstances,
  describeRefreshes,
  describeWarmPool,
} from "./describe.ts";
import { type AsgErrorCode, AsgRefusal } from "./errors.ts";
import { advance, settle } from "./life.ts";
import {
  completeLifecycleAction,
  deleteLifecycleHook,
  putLifecycleHook,
  recordHeartbeat,
} from "./lifecycle-actions.ts";
import { setInstanceHealth, setInstanceProtection } from "./mark.ts";
import {
  cancelRefresh,
  deleteWarmPool,
  putWarmPool,
  resumeProcesses,
  startRefresh,
  suspendProcesses,
  updateGroup,
} from "./settings.ts";
import type { AsgState } from "./state.ts";

type Handlers = {
  readonly [Action in AsgAction]: (state: AsgState, request: AsgRequests[Action], nowMs: number) => AsgAnswer;
};

const HANDLERS: Handlers = {
  DescribeAutoScalingGroups: describeGroups,
  DescribeAutoScalingInstances: describeInstances,
  DescribeLifecycleHooks: describeHooks,
  DescribeScalingActivities: describeActivities,
  DescribeWarmPool: describeWarmPool,
  DescribeInstanceRefreshes: describeRefreshes,
  SetDesiredCapacity: setDesiredCapacity,
  UpdateAutoScalingGroup: updateGroup,
  TerminateInstanceInAutoScalingGroup: terminateInstance,
  SetInstanceProtection: setInstanceProtection,
  SetInstanceHealth: setInstanceHealth,
  EnterStandby: enterStandby,
  ExitStandby: exitStandby,
  DetachInstances: detachInstances,
  CompleteLifecycleAction: completeLifecycleAction,
  RecordLifecycleActionHeartbeat: recordHeartbeat,
  PutLifecycleHook: putLifecycleHook,
  DeleteLifecycleHook: deleteLifecycleHook,
  PutWarmPool: putWarmPool,
  DeleteWarmPool: deleteWarmPool,
  SuspendProcesses: suspendProcesses,
  ResumeProcesses: resumeProcesses,
  StartInstanceRefresh: startRefresh,
  CancelInstanceRefresh: cancelRefresh,
};

export function isAsgAction(name: string): name is AsgAction {
  return Object.hasOwn(HANDLERS, name);
}

export type AsgResult = AwsResult<AsgErrorCode, AsgAnswer>;
export type AsgOutcome = AwsOutcome<AsgErrorCode, AsgAnswer>;

export function callAsg<Action extends AsgAction>(
  state: AsgState,
  action: Action,
  request: AsgRequests[Action],
  nowMs: number,
): AsgOutcome {
  advance(state, nowMs);
  state.callCounts.set(action, (state.callCounts.get(action) ?? 0) + 1);
  const outcome = meetFault(takeFault(state.faults, action), () => attempt(state, action, request, nowMs), {});
  settle(state, nowMs);
  return outcome;
}

function attempt<Action extends AsgAction>(
  state: AsgState,
  action: Action,
  request: AsgRequests[Action],
  nowMs: number,
): AsgResult {
  try {
    return { kind: "answered", answer: HANDLERS[action](state, request, nowMs) };
  } catch (error) {
    if (error instanceof AsgRefusal) return { kind: "refused", code: error.code, message: error.message };
    throw error;
  }
}
