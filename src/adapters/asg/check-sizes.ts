/** Whether the group's size is what the pool takes it for, and nobody else's to change. */
import { DescribePoliciesCommand, DescribeScheduledActionsCommand } from "@aws-sdk/client-auto-scaling";
import type { CheckFinding } from "../../ports/provider.ts";
import { AT, fail, warn } from "../aws/findings.ts";
import type { Subject } from "./check-subject.ts";
import { countsInstances } from "./group.ts";

const NAMES_MAX = 5;

export async function lookAtSizes({ group, name, options }: Subject): Promise<readonly CheckFinding[]> {
  const { MinSize: min = 0, MaxSize: max = 0 } = group;
  const { machineCountMax, settings } = options;
  const findings: CheckFinding[] = [];
  if (!countsInstances(group))
    findings.push(
      fail(
        `${AT}.group`,
        `Group ${name} counts its capacity in something else than instances.`,
        "Remove the weights of its instance types, or set its DesiredCapacityType to `units`.",
      ),
    );
  if (min > machineCountMax)
    findings.push(
      warn(
        `${AT}.group`,
        `Group ${name} keeps at least ${min} machines, and \`machines.max\` is ${machineCountMax}: those above it get no jobs.`,
        `Raise \`machines.max\`, or \`aws autoscaling update-auto-scaling-group --auto-scaling-group-name ${name} --min-size ${machineCountMax}\`.`,
      ),
    );
  if (max < machineCountMax && settings.scaling === "holdfast")
    findings.push(
      warn(
        `${AT}.group`,
        `Group ${name} takes at most ${max} machines, and \`machines.max\` is ${machineCountMax}: jobs wait for those in between.`,
        `Lower \`machines.max\`, or \`aws autoscaling update-auto-scaling-group --auto-scaling-group-name ${name} --max-size ${machineCountMax}\`.`,
      ),
    );
  return findings;
}

/** One number with two who set it goes up and down between them. */
export async function lookAtScalingPolicies({ clients, name, options }: Subject): Promise<readonly CheckFinding[]> {
  if (options.settings.scaling === "external") return [];
  const input = { AutoScalingGroupName: name };
  const { ScalingPolicies: policies = [] } = await clients.groups.read.send(new DescribePoliciesCommand(input));
  const active = policies.filter(({ Enabled }) => Enabled !== false).flatMap(({ PolicyName }) => PolicyName ?? []);
  if (active.length === 0) return [];
  return [
    warn(
      `${AT}.scaling`,
      `Group ${name} has scaling policies (${listed(active)}), which set the number that Holdfast sets: they may end machines that Holdfast has just started.`,
      `\`aws autoscaling delete-policy --auto-scaling-group-name ${name} --policy-name ${active[0]}\`, or write \`scaling: external\`.`,
    ),
  ];
}

export async function lookAtSchedules({ clients, name, options }: Subject): Promise<readonly CheckFinding[]> {
  if (options.settings.scaling === "external") return [];
  const input = { AutoScalingGroupName: name };
  const { ScheduledUpdateGroupActions: actions = [] } = await clients.groups.read.send(
    new DescribeScheduledActionsCommand(input),
  );
  const names = actions.flatMap(({ ScheduledActionName }) => ScheduledActionName ?? []);
  if (names.length === 0) return [];
  return [
    warn(
      `${AT}.scaling`,
      `Group ${name} has scheduled actions (${listed(names)}), which set the number that Holdfast sets.`,
      `\`aws autoscaling delete-scheduled-action --auto-scaling-group-name ${name} --scheduled-action-name ${names[0]}\`, or write \`scaling: external\`.`,
    ),
  ];
}

/** Some of them, and how many more. */
export function listed(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  return more > 0 ? `${names.slice(0, NAMES_MAX).join(", ")} and ${more} more` : names.join(", ");
}
