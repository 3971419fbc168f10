/** A launch template, and a version of it, as a call names them. */
import type { LaunchTemplateSpecification } from "./api.ts";
import { Ec2Refusal } from "./errors.ts";
import { isLaunchTemplateId } from "./ids.ts";
import type { Ec2State, LaunchTemplate, LaunchTemplateVersion } from "./state.ts";

type NamesTemplate = Pick<LaunchTemplateSpecification, "LaunchTemplateId" | "LaunchTemplateName">;

export interface FoundVersion {
  readonly template: LaunchTemplate;
  readonly version: LaunchTemplateVersion;
}

/** @throws {Ec2Refusal} where it is named twice, not at all, wrongly, or is not found. */
export function findTemplate(
  state: Ec2State,
  { LaunchTemplateId: id, LaunchTemplateName: name }: NamesTemplate,
  nowMs: number,
): LaunchTemplate {
  if ((id === undefined) === (name === undefined))
    throw new Ec2Refusal(
      "InvalidParameterCombination",
      "Either a launch template ID or a launch template name must be specified, and not both.",
    );
  if (id !== undefined && !isLaunchTemplateId(id))
    throw new Ec2Refusal("InvalidLaunchTemplateId.Malformed", `Invalid id: "${id}" (expecting "lt-...")`);
  const all = [...state.launchTemplates.values()];
  const template = all.find((one) => (id === undefined ? one.name === name : one.id === id));
  if (template !== undefined && nowMs >= template.foundFromMs) return template;
  if (id !== undefined)
    throw new Ec2Refusal(
      "InvalidLaunchTemplateId.NotFound",
      `The specified launch template, with template ID ${id}, does not exist.`,
    );
  throw new Ec2Refusal(
    "InvalidLaunchTemplateName.NotFoundException",
    `The specified launch template, with template name ${name}, does not exist.`,
  );
}

/** By its number, or as `$Latest` or `$Default`; the default one where none is named. */
export function findVersion(template: LaunchTemplate, said: string | undefined, nowMs: number): LaunchTemplateVersion {
  const number = versionNumber(template, said ?? "$Default");
  const version = template.versions.get(number);
  if (version === undefined || nowMs < version.foundFromMs)
    throw new Ec2Refusal(
      "InvalidLaunchTemplateId.VersionNotFound",
      `Could not find the specified version ${said} for the launch template with ID ${template.id}.`,
    );
  return version;
}

export function versionNumber({ defaultVersion, latestVersion }: LaunchTemplate, said: string): number {
  if (said === "$Default") return defaultVersion;
  if (said === "$Latest") return latestVersion;
  return Number(said);
}

export function findTemplateVersion(
  state: Ec2State,
  specification: LaunchTemplateSpecification,
  nowMs: number,
): FoundVersion {
  const template = findTemplate(state, specification, nowMs);
  return { template, version: findVersion(template, specification.Version, nowMs) };
}

/** What AWS marks the template's instances with. */
export function templateTags({ template, version }: FoundVersion): Map<string, string> {
  return new Map([
    ["aws:ec2launchtemplate:id", template.id],
    ["aws:ec2launchtemplate:version", String(version.number)],
  ]);
}
