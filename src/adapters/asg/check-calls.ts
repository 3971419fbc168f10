/**
 * Tries what is done at EC2 as dry runs, to which EC2 answers whether it would have been allowed. Auto Scaling has none: what
 * may be done there shows when it is.
 */
import { CreateTagsCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import type { CheckFinding } from "../../ports/provider.ts";
import { describeByIds } from "../aws/describe.ts";
import { describeFailure, readFailure } from "../aws/errors.ts";
import { AT, warn } from "../aws/findings.ts";
import { isAnothers } from "../aws/states.ts";
import { TAG } from "../aws/tags.ts";
import type { Subject } from "./check-subject.ts";

const UNMARKED = "a machine that is detached is not found again, and a restored store is known by its agents alone";

/** With a member, where there is one of ours or nobody's: EC2 judges the permission by its tags. */
export async function tryCalls({ clients, group, options }: Subject): Promise<readonly CheckFinding[]> {
  const ids = (group.Instances ?? []).flatMap(({ InstanceId }) => InstanceId ?? []).slice(0, 1);
  const [member] = (await describeByIds(clients.ec2, ids)).values();
  const { controllerId, pool } = options;
  if (member?.InstanceId === undefined || isAnothers(member, controllerId)) return [];
  const Tags = [
    { Key: TAG.controller, Value: controllerId },
    { Key: TAG.pool, Value: pool },
    { Key: TAG.known, Value: "yes" },
  ];
  const marks = new CreateTagsCommand({ DryRun: true, Resources: [member.InstanceId], Tags });
  const found = await trying("CreateTags", UNMARKED, () => clients.ec2.write.send(marks));
  // What is not marked yet could not be ended either, and that says nothing of what is.
  if (!member.Tags?.some(({ Key }) => Key === TAG.controller)) return found;
  const ends = new TerminateInstancesCommand({ DryRun: true, InstanceIds: [member.InstanceId] });
  const endings = await trying("TerminateInstances", "a machine that left the group is not ended", () =>
    clients.ec2.write.send(ends),
  );
  return [...found, ...endings];
}

/** A dry run always fails; the question is with what. */
async function trying(call: string, meaning: string, work: () => Promise<unknown>): Promise<readonly CheckFinding[]> {
  try {
    await work();
    return [];
  } catch (error) {
    const failure = readFailure(error);
    if (failure.trouble !== "denied") return [];
    const finding = `EC2 refused ${call} as a dry run, so ${meaning}: ${describeFailure(failure)}.`;
    return [warn(AT, finding, "Give the credentials the policy that `holdfast check --iam` prints.")];
  }
}
