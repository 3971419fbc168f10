/**
 * The permissions that pools over groups need and no others. What changes something is allowed on the named groups, and on
 * instances that are their members or carry our tag; readings cannot be narrowed down ("Actions, resources, and condition
 * keys for Amazon EC2 Auto Scaling", service authorization reference).
 *
 * What is not here is as much a part of it: nothing sets a member's health, changes a hook or the group, and none of a group
 * that others size has its protection touched. (IAM has no word for protecting alone; it is never taken off.) An instance
 * needs none of it.
 */
import type { ControllerId } from "../../domain/ids.ts";
import { type Statement, unique } from "../aws/iam.ts";
import { GROUP_TAG, TAG } from "../aws/tags.ts";
import type { AsgSettings } from "./settings.ts";

/** @param settings of the controller's pools over groups, in any regions. */
export function groupStatements(controllerId: ControllerId, settings: readonly AsgSettings[]): readonly Statement[] {
  const regions = unique(settings.map(({ region }) => region));
  const instances = regions.map((region) => `arn:*:ec2:${region}:*:instance/*`);
  const sized = settings.filter(({ scaling }) => scaling === "holdfast");
  return [
    {
      Sid: "ReadGroups",
      Effect: "Allow",
      Action: [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeInstanceRefreshes",
        "autoscaling:DescribeLifecycleHooks",
        "autoscaling:DescribePolicies",
        "autoscaling:DescribeScalingActivities",
        "autoscaling:DescribeScheduledActions",
        "autoscaling:DescribeWarmPool",
        "ec2:DescribeImages",
        "ec2:DescribeInstances",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:GetConsoleOutput",
      ],
      Resource: "*",
    },
    ...(sized.length === 0
      ? []
      : [
          {
            Sid: "RaiseAndProtectGroups",
            Effect: "Allow",
            Action: ["autoscaling:SetDesiredCapacity", "autoscaling:SetInstanceProtection"],
            Resource: sized.map(arnOf),
          } as const,
        ]),
    {
      Sid: "HoldAndEndMembers",
      Effect: "Allow",
      Action: [
        "autoscaling:CompleteLifecycleAction",
        "autoscaling:RecordLifecycleActionHeartbeat",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
      ],
      Resource: settings.map(arnOf),
    },
    {
      Sid: "MarkMembers",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: instances,
      Condition: {
        StringEquals: {
          [`aws:ResourceTag/${GROUP_TAG}`]: unique(settings.map(({ group }) => group)),
          [`aws:RequestTag/${TAG.controller}`]: controllerId,
        },
        "ForAllValues:StringEquals": { "aws:TagKeys": [TAG.controller, TAG.pool, TAG.known] },
      },
    },
    {
      Sid: "EndWhatLeftOrWaits",
      Effect: "Allow",
      Action: "ec2:TerminateInstances",
      Resource: instances,
      Condition: { StringEquals: { [`aws:ResourceTag/${TAG.controller}`]: controllerId } },
    },
  ];
}

function arnOf({ region, group }: AsgSettings): string {
  return `arn:*:autoscaling:${region}:*:autoScalingGroup:*:autoScalingGroupName/${group}`;
}
