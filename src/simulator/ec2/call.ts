/** One call to EC2: what is due by now, the rate, the fault that was put on it, the permission, the effect. */
import { type AwsOutcome, type AwsResult, meetFault, takeFault } from "../aws/faults.ts";
import { demandPermission } from "./access.ts";
import type { Ec2Action, Ec2Answer, Ec2Requests } from "./api.ts";
import { describeInstanceAttribute, modifyInstanceAttribute } from "./attributes.ts";
import { startStoppedInstances, stopInstances, terminateInstances } from "./change-state.ts";
import { createFleet } from "./create-fleet.ts";
import {
  deleteNetworkInterface,
  deleteVolume,
  describeNetworkInterfaces,
  describeVolumes,
} from "./describe-belongings.ts";
import { describeInstanceStatus, describeInstances, getConsoleOutput } from "./describe-instances.ts";
import {
  describeImages,
  describeInstanceTypeOfferings,
  describeInstanceTypes,
  describeSecurityGroups,
  describeSubnets,
} from "./describe-region.ts";
import { type Ec2ErrorCode, Ec2Refusal } from "./errors.ts";
import {
  createLaunchTemplate,
  createLaunchTemplateVersion,
  deleteLaunchTemplate,
  deleteLaunchTemplateVersions,
  describeLaunchTemplates,
  describeLaunchTemplateVersions,
  modifyLaunchTemplate,
} from "./launch-templates.ts";
import { advance } from "./life.ts";
import { spendCall } from "./rates.ts";
import { runInstances } from "./run-instances.ts";
import type { Ec2State } from "./state.ts";
import { createTags, deleteTags } from "./tags.ts";

type Handlers = {
  readonly [Action in Ec2Action]: (state: Ec2State, request: Ec2Requests[Action], nowMs: number) => Ec2Answer;
};

const HANDLERS: Handlers = {
  RunInstances: runInstances,
  CreateFleet: createFleet,
  DescribeInstances: describeInstances,
  DescribeInstanceStatus: describeInstanceStatus,
  TerminateInstances: terminateInstances,
  StopInstances: stopInstances,
  StartInstances: startStoppedInstances,
  GetConsoleOutput: getConsoleOutput,
  ModifyInstanceAttribute: modifyInstanceAttribute,
  DescribeInstanceAttribute: describeInstanceAttribute,
  CreateTags: createTags,
  DeleteTags: deleteTags,
  CreateLaunchTemplate: createLaunchTemplate,
  CreateLaunchTemplateVersion: createLaunchTemplateVersion,
  ModifyLaunchTemplate: modifyLaunchTemplate,
  DeleteLaunchTemplate: deleteLaunchTemplate,
  DeleteLaunchTemplateVersions: deleteLaunchTemplateVersions,
  DescribeLaunchTemplates: describeLaunchTemplates,
  DescribeLaunchTemplateVersions: describeLaunchTemplateVersions,
  DescribeInstanceTypes: describeInstanceTypes,
  DescribeInstanceTypeOfferings: describeInstanceTypeOfferings,
  DescribeSubnets: describeSubnets,
  DescribeSecurityGroups: describeSecurityGroups,
  DescribeImages: describeImages,
  DescribeVolumes: describeVolumes,
  DescribeNetworkInterfaces: describeNetworkInterfaces,
  DeleteVolume: deleteVolume,
  DeleteNetworkInterface: deleteNetworkInterface,
};

export function isEc2Action(name: string): name is Ec2Action {
  return Object.hasOwn(HANDLERS, name);
}

export type Ec2Outcome = AwsOutcome<Ec2ErrorCode, Ec2Answer>;

export type Ec2Result = AwsResult<Ec2ErrorCode, Ec2Answer>;

export function callEc2<Action extends Ec2Action>(
  state: Ec2State,
  action: Action,
  request: Ec2Requests[Action],
  nowMs: number,
): Ec2Outcome {
  advance(state, nowMs);
  state.callCounts.set(action, (state.callCounts.get(action) ?? 0) + 1);
  const effect = () =>
    attempt(() => {
      demandPermission(state, action);
      return HANDLERS[action](state, request, nowMs);
    });
  const limited = attempt(() => {
    spendCall(state, action, request, nowMs);
    return {};
  });
  if (limited.kind === "refused") return { result: limited, transmission: { kind: "whole" } };
  return meetFault(takeFault(state.faults, action), effect, {});
}

function attempt(effect: () => Ec2Answer): Ec2Result {
  try {
    return { kind: "answered", answer: effect() };
  } catch (error) {
    if (error instanceof Ec2Refusal) return { kind: "refused", code: error.code, message: error.message };
    throw error;
  }
}
