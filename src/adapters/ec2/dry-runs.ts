/** Tries what a pool's provider does at EC2 as dry runs, to which EC2 answers whether they would have been allowed. */
import {
  CreateFleetCommand,
  CreateLaunchTemplateCommand,
  DescribeInstancesCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { ProviderError } from "../../domain/errors.ts";
import type { CheckFinding } from "../../ports/provider.ts";
import { readFailure } from "../aws/errors.ts";
import { AT, asking, fail, findingOf } from "../aws/findings.ts";
import { ownerTags, specify, TAG } from "../aws/tags.ts";
import type { Ec2Clients } from "./client.ts";
import type { Ec2ProviderOptions } from "./settings.ts";
import { templateData } from "./template-data.ts";
import { templateName } from "./templates.ts";

export interface CheckContext {
  readonly clients: Ec2Clients;
  readonly options: Ec2ProviderOptions;
}

/** The template itself is made at the first launch. */
export async function tryTemplate({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  const TagSpecifications = specify(["launch-template"], ownerTags(options, options.settings.tags));
  return trying(AT, "CreateLaunchTemplate", () =>
    clients.write.send(
      new CreateLaunchTemplateCommand({
        DryRun: true,
        LaunchTemplateName: `${templateName(options)}-check`,
        LaunchTemplateData: templateData({ options, base: null, rootDevice: null }),
        TagSpecifications,
      }),
    ),
  );
}

/** By the call that a launch is made with, as far as it can be without a template: a fleet cannot do without one. */
export async function tryLaunch({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  const { settings } = options;
  const { image } = settings;
  const TagSpecifications = specify(["instance", "volume"], ownerTags(options, settings.tags));
  const [type] = settings.instanceTypes;
  const runs =
    image === null
      ? []
      : await trying(AT, "RunInstances", () =>
          clients.write.send(
            new RunInstancesCommand({
              DryRun: true,
              MinCount: 1,
              MaxCount: 1,
              ImageId: image,
              InstanceType: type as "m7i.large",
              SubnetId: settings.subnets[0],
              ...(settings.securityGroups.length === 0 ? {} : { SecurityGroupIds: [...settings.securityGroups] }),
              TagSpecifications,
            }),
          ),
        );
  const fleets = await trying(AT, "CreateFleet", () =>
    clients.write.send(
      new CreateFleetCommand({
        DryRun: true,
        Type: "instant",
        TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: "on-demand" },
        LaunchTemplateConfigs: [
          {
            LaunchTemplateSpecification: { LaunchTemplateName: templateName(options), Version: "$Default" },
            Overrides: [{ InstanceType: type as "m7i.large", SubnetId: settings.subnets[0] }],
          },
        ],
        TagSpecifications: specify(["instance", "fleet"], ownerTags(options, settings.tags)),
      }),
    ),
  );
  return [...runs, ...fleets];
}

/** With a machine of ours, where there is one: EC2 judges the permission by its tags. */
export async function tryEnding({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  return asking(AT, "listing the controller's instances", async () => {
    const Filters = [
      { Name: `tag:${TAG.controller}`, Values: [options.controllerId] },
      { Name: "instance-state-name", Values: ["running", "pending"] },
    ];
    const { Reservations } = await clients.read.send(new DescribeInstancesCommand({ Filters, MaxResults: 5 }));
    const id = Reservations?.[0]?.Instances?.[0]?.InstanceId;
    if (id === undefined) return [];
    const call = { DryRun: true, InstanceIds: [id] };
    const ends = await trying(AT, "TerminateInstances", () => clients.write.send(new TerminateInstancesCommand(call)));
    if (options.keepsStopped !== true) return ends;
    const stops = await trying(AT, "StopInstances", () => clients.write.send(new StopInstancesCommand(call)));
    const starts = await trying(AT, "StartInstances", () => clients.write.send(new StartInstancesCommand(call)));
    return [...ends, ...stops, ...starts];
  });
}

/** A dry run always fails; the question is with what. */
async function trying(path: string, call: string, work: () => Promise<unknown>): Promise<readonly CheckFinding[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (error instanceof ProviderError) return [fail(path, `${error.message}.`, "Shorten what the message names.")];
    const failure = readFailure(error);
    if (failure.trouble === "permitted") return [];
    // The pool's own template is made at its first launch, and a name that is taken is ours.
    if (failure.code.startsWith("InvalidLaunchTemplate")) return [];
    return [findingOf(path, `trying ${call} as a dry run`, failure)];
  }
}
