/** The image that the group's next machines are made from, as its launch template names it. */
import type { AutoScalingGroup, LaunchTemplateSpecification } from "@aws-sdk/client-auto-scaling";
import { DescribeLaunchTemplateVersionsCommand, type ResponseLaunchTemplateData } from "@aws-sdk/client-ec2";
import { HOUR_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { readImageVersion } from "../aws/image-version.ts";
import type { AsgClients } from "./clients.ts";
import { describeGroup } from "./group.ts";

/** A new version of the template is noticed after this: it warns of runners that GitHub soon refuses, by the day. */
const READ_AGAIN_MS = HOUR_MS;

/** @returns null where the group has none, but a launch configuration. */
export function templateOf(group: AutoScalingGroup): LaunchTemplateSpecification | null {
  return group.LaunchTemplate ?? group.MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification ?? null;
}

export async function readTemplate(
  { ec2 }: AsgClients,
  { LaunchTemplateId: id, LaunchTemplateName: name, Version: version }: LaunchTemplateSpecification,
): Promise<ResponseLaunchTemplateData | null> {
  const key = id === undefined ? { LaunchTemplateName: name } : { LaunchTemplateId: id };
  const input = { ...key, Versions: [version ?? "$Default"] };
  const answer = await ec2.read.send(new DescribeLaunchTemplateVersionsCommand(input));
  return answer.LaunchTemplateVersions?.[0]?.LaunchTemplateData ?? null;
}

/** Never throws: what cannot be read is not known. */
export function createVersionReader(clients: AsgClients, group: string, clock: Clock): () => Promise<string | null> {
  let known: { readonly version: string | null; readonly untilMonotonicMs: number } | null = null;
  return async () => {
    if (known !== null && clock.monotonicMs() < known.untilMonotonicMs) return known.version;
    try {
      const version = await readVersion(clients, group);
      known = { version, untilMonotonicMs: clock.monotonicMs() + READ_AGAIN_MS };
      return version;
    } catch {
      return null;
    }
  };
}

async function readVersion(clients: AsgClients, name: string): Promise<string | null> {
  const group = await describeGroup(clients, name);
  const template = group === null ? null : templateOf(group);
  const data = template === null ? null : await readTemplate(clients, template);
  const image = data?.ImageId;
  return image?.startsWith("ami-") === true ? readImageVersion(clients.ec2, image) : null;
}
