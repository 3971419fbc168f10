/** Launch templates and their versions. */
import { formatInstant } from "../../domain/instant.ts";
import type {
  CreateLaunchTemplateRequest,
  CreateLaunchTemplateVersionRequest,
  DeleteLaunchTemplateRequest,
  DeleteLaunchTemplateVersionsRequest,
  DescribeLaunchTemplatesRequest,
  DescribeLaunchTemplateVersionsRequest,
  Ec2Answer,
  LaunchTemplateData,
  ModifyLaunchTemplateRequest,
} from "./api.ts";
import { demandGiven, demandValue, Ec2Refusal, endDryRun } from "./errors.ts";
import { matchFilters, type Properties } from "./filters.ts";
import { findTemplate, findVersion, versionNumber } from "./find-template.ts";
import { newId } from "./ids.ts";
import { joinData, tagsFor } from "./launch-settings.ts";
import { pageAnswer } from "./paging.ts";
import { recall, remember } from "./remembered.ts";
import type { Ec2State, LaunchTemplate, LaunchTemplateVersion } from "./state.ts";
import { showTags } from "./tags.ts";

const NAME = /^[a-zA-Z0-9().\-/_]{3,128}$/;
const DELETED_VERSION_COUNT_MAX = 200;

export function createLaunchTemplate(state: Ec2State, request: CreateLaunchTemplateRequest, nowMs: number): Ec2Answer {
  const repeated = recall(state, "CreateLaunchTemplate", request, nowMs);
  if (repeated !== null) return repeated;
  const name = demandGiven(request.LaunchTemplateName, "LaunchTemplateName");
  const data = demandGiven(request.LaunchTemplateData, "LaunchTemplateData");
  demandValue(NAME.test(name), `Invalid value '${name}' for LaunchTemplateName.`);
  if ([...state.launchTemplates.values()].some((one) => one.name === name))
    throw new Ec2Refusal("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.");
  const tags = tagsFor(request.TagSpecifications, "launch-template");
  endDryRun(request);
  const id = newId(state, "lt");
  const foundFromMs =
    nowMs + state.options.chance.fork(`template lag/${id}`).between(state.options.lags.launchTemplateMs);
  const template: LaunchTemplate = {
    id,
    name,
    createdAtMs: nowMs,
    tags,
    versions: new Map(),
    foundFromMs,
    defaultVersion: 1,
    latestVersion: 0,
  };
  state.launchTemplates.set(id, template);
  addVersion(state, template, request.VersionDescription, data, nowMs);
  const answer = () => ({ LaunchTemplate: showTemplate(template) });
  remember(state, "CreateLaunchTemplate", request, { instanceIds: [], madeAtMs: nowMs, answer });
  return answer();
}

function addVersion(
  { options }: Ec2State,
  template: LaunchTemplate,
  description: string | undefined,
  data: LaunchTemplateData,
  nowMs: number,
): LaunchTemplateVersion {
  template.latestVersion += 1;
  const number = template.latestVersion;
  const lagMs = options.chance.fork(`version lag/${template.id}/${number}`).between(options.lags.launchTemplateMs);
  const foundFromMs = Math.max(template.foundFromMs, nowMs + lagMs);
  const version = { number, description: description ?? null, createdAtMs: nowMs, data, foundFromMs };
  template.versions.set(number, version);
  return version;
}

export function createLaunchTemplateVersion(
  state: Ec2State,
  request: CreateLaunchTemplateVersionRequest,
  nowMs: number,
): Ec2Answer {
  const repeated = recall(state, "CreateLaunchTemplateVersion", request, nowMs);
  if (repeated !== null) return repeated;
  const template = findTemplate(state, request, nowMs);
  const data = demandGiven(request.LaunchTemplateData, "LaunchTemplateData");
  const source = request.SourceVersion === undefined ? null : findVersion(template, request.SourceVersion, nowMs);
  endDryRun(request);
  const joined = source === null ? data : joinData(source.data, data);
  const version = addVersion(state, template, request.VersionDescription, joined, nowMs);
  const answer = () => ({ LaunchTemplateVersion: showVersion(template, version) });
  remember(state, "CreateLaunchTemplateVersion", request, { instanceIds: [], madeAtMs: nowMs, answer });
  return answer();
}

export function modifyLaunchTemplate(state: Ec2State, request: ModifyLaunchTemplateRequest, nowMs: number): Ec2Answer {
  const template = findTemplate(state, request, nowMs);
  const { number } = findVersion(template, demandGiven(request.DefaultVersion, "SetDefaultVersion"), nowMs);
  endDryRun(request);
  template.defaultVersion = number;
  return { LaunchTemplate: showTemplate(template) };
}

export function deleteLaunchTemplate(state: Ec2State, request: DeleteLaunchTemplateRequest, nowMs: number): Ec2Answer {
  const template = findTemplate(state, request, nowMs);
  endDryRun(request);
  state.launchTemplates.delete(template.id);
  return { LaunchTemplate: showTemplate(template) };
}

/** Each for itself: what could not be deleted is in the answer, and no error. */
export function deleteLaunchTemplateVersions(
  state: Ec2State,
  request: DeleteLaunchTemplateVersionsRequest,
  nowMs: number,
): Ec2Answer {
  const template = findTemplate(state, request, nowMs);
  const said = demandGiven(request.Versions, "LaunchTemplateVersion");
  demandValue(said.length <= DELETED_VERSION_COUNT_MAX, `At most ${DELETED_VERSION_COUNT_MAX} versions in one call.`);
  endDryRun(request);
  const outcomes = said.map((one) => deleteVersion(template, versionNumber(template, one)));
  return {
    SuccessfullyDeletedLaunchTemplateVersions: outcomes.filter(({ ResponseError }) => ResponseError === undefined),
    UnsuccessfullyDeletedLaunchTemplateVersions: outcomes.filter(({ ResponseError }) => ResponseError !== undefined),
  };
}

function deleteVersion(template: LaunchTemplate, number: number): Ec2Answer {
  const named = { LaunchTemplateId: template.id, LaunchTemplateName: template.name, VersionNumber: number };
  const refuse = (Code: string, Message: string) => ({ ...named, ResponseError: { Code, Message } });
  if (!template.versions.has(number))
    return refuse("launchTemplateVersionDoesNotExist", "The specified version does not exist.");
  if (number === template.defaultVersion) return refuse("unexpectedError", "The default version cannot be deleted.");
  template.versions.delete(number);
  return named;
}

const PROPERTIES: Properties<LaunchTemplate> = {
  "launch-template-name": ({ name }) => name,
  "create-time": ({ createdAtMs }) => formatInstant(createdAtMs),
};

export function describeLaunchTemplates(
  state: Ec2State,
  request: DescribeLaunchTemplatesRequest,
  nowMs: number,
): Ec2Answer {
  endDryRun(request);
  const named = [
    ...(request.LaunchTemplateIds ?? []).map((LaunchTemplateId) => findTemplate(state, { LaunchTemplateId }, nowMs)),
    ...(request.LaunchTemplateNames ?? []).map((LaunchTemplateName) =>
      findTemplate(state, { LaunchTemplateName }, nowMs),
    ),
  ];
  const all = [...state.launchTemplates.values()].filter(({ foundFromMs }) => nowMs >= foundFromMs);
  const matching = (named.length > 0 ? named : all).filter(matchFilters(request.Filters, PROPERTIES));
  return pageAnswer("LaunchTemplates", matching.map(showTemplate), request);
}

export function describeLaunchTemplateVersions(
  state: Ec2State,
  request: DescribeLaunchTemplateVersionsRequest,
  nowMs: number,
): Ec2Answer {
  endDryRun(request);
  const template = findTemplate(state, request, nowMs);
  const said = request.Versions ?? [];
  const all = [...template.versions.values()].filter(({ foundFromMs }) => nowMs >= foundFromMs).reverse();
  const versions = said.length > 0 ? said.map((one) => findVersion(template, one, nowMs)) : all;
  return pageAnswer(
    "LaunchTemplateVersions",
    versions.map((version) => showVersion(template, version)),
    request,
  );
}

function showTemplate({ id, name, createdAtMs, defaultVersion, latestVersion, tags }: LaunchTemplate): Ec2Answer {
  return {
    LaunchTemplateId: id,
    LaunchTemplateName: name,
    CreateTime: formatInstant(createdAtMs),
    DefaultVersionNumber: defaultVersion,
    LatestVersionNumber: latestVersion,
    Tags: showTags(tags),
  };
}

function showVersion({ id, name, defaultVersion }: LaunchTemplate, version: LaunchTemplateVersion): Ec2Answer {
  const { number, description, createdAtMs, data } = version;
  return {
    LaunchTemplateId: id,
    LaunchTemplateName: name,
    VersionNumber: number,
    VersionDescription: description ?? undefined,
    CreateTime: formatInstant(createdAtMs),
    DefaultVersion: number === defaultVersion,
    LaunchTemplateData: data as Ec2Answer,
  };
}
