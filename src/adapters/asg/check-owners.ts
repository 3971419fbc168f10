/** Who else may have a word in the group: another controller, and the jobs themselves by the role of their machines. */
import type { CheckFinding } from "../../ports/provider.ts";
import { describeBy } from "../aws/describe.ts";
import { AT, fail, warn } from "../aws/findings.ts";
import { isAnothers } from "../aws/states.ts";
import { GROUP_TAG, TAG } from "../aws/tags.ts";
import { listed } from "./check-sizes.ts";
import type { Subject } from "./check-subject.ts";
import { controllerOf } from "./group.ts";
import { readTemplate, templateOf } from "./image.ts";

/** Two controllers of one group would each end what the other started. */
export async function lookAtOwner({ group, name, options }: Subject): Promise<readonly CheckFinding[]> {
  const owner = controllerOf(group) ?? options.controllerId;
  if (owner === options.controllerId) return [];
  return [
    takenBy(
      `Group ${name} carries the tag of another controller: ${TAG.controller}=${owner}.`,
      `Name another group; or remove the tag where that controller is gone: \`aws autoscaling delete-tags --tags ResourceId=${name},ResourceType=auto-scaling-group,Key=${TAG.controller}\`.`,
    ),
  ];
}

/** As for `lookAtOwner`. */
export async function lookAtMembersOwners({ clients, name, options }: Subject): Promise<readonly CheckFinding[]> {
  const instances = await describeBy(clients.ec2, [{ Name: `tag:${GROUP_TAG}`, Values: [name] }]);
  const foreign = instances.filter(
    (one) => isAnothers(one, options.controllerId) && !/^(?:terminated|shutting-down)$/.test(one.State?.Name ?? ""),
  );
  if (foreign.length === 0) return [];
  const ids = foreign.flatMap(({ InstanceId }) => InstanceId ?? []);
  return [
    takenBy(
      `${ids.length} members of group ${name} carry the tag ${TAG.controller} of another controller: ${listed(ids)}. They are left alone.`,
      `Let that controller end them; or remove the tag where it is gone: \`aws ec2 delete-tags --tags Key=${TAG.controller} --resources ${ids.join(" ")}\`.`,
    ),
  ];
}

function takenBy(finding: string, mend: string): CheckFinding {
  return fail(`${AT}.group`, finding, mend);
}

/** By which a machine could end itself or others, or have them ended. */
const DANGEROUS = [
  "autoscaling:CompleteLifecycleAction",
  "autoscaling:SetInstanceHealth",
  "autoscaling:SetInstanceProtection",
  "autoscaling:TerminateInstanceInAutoScalingGroup",
  "ec2:TerminateInstances",
] as const;

/** A job can do what its machine's role may. What that is IAM alone knows, which is not asked from here. */
export async function lookAtRole({ clients, group, name }: Subject): Promise<readonly CheckFinding[]> {
  const template = templateOf(group);
  const profile = template === null ? undefined : (await readTemplate(clients, template))?.IamInstanceProfile;
  const called = profile?.Name ?? profile?.Arn;
  if (called === undefined) return [];
  return [
    warn(
      `${AT}.group`,
      `The machines of group ${name} have the instance profile ${called}, and every job can use its role. Whether that may complete hooks, set a machine's health, take off its protection or end machines is not to be seen from here. Holdfast needs none of it.`,
      `Look: \`aws iam simulate-principal-policy --policy-source-arn ROLE --action-names ${DANGEROUS.join(" ")}\`, and take away what is allowed.`,
    ),
  ];
}
