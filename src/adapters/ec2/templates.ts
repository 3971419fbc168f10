/**
 * The launch template of a pool, kept by Holdfast: one per pool, a version per hash of what it says. Versions that were
 * superseded for a day are deleted; until then a stored order may still name one.
 */
import {
  CreateLaunchTemplateCommand,
  CreateLaunchTemplateVersionCommand,
  DeleteLaunchTemplateVersionsCommand,
  DescribeImagesCommand,
  DescribeLaunchTemplateVersionsCommand,
  type LaunchTemplateVersion,
  ModifyLaunchTemplateCommand,
  type RequestLaunchTemplateData,
  type ResponseLaunchTemplateData,
} from "@aws-sdk/client-ec2";
import { ProviderError } from "../../domain/errors.ts";
import { DAY_MS, MINUTE_MS } from "../../domain/units.ts";
import { readFailure, toLaunchError } from "../aws/errors.ts";
import { ownerTags, specify } from "../aws/tags.ts";
import type { Ec2Clients } from "./client.ts";
import type { Ec2ProviderOptions } from "./settings.ts";
import { hashTemplate, templateData } from "./template-data.ts";

/** What the user's own template and the image say is read again so often: they may change behind our back. */
const READ_AGAIN_MS = 10 * MINUTE_MS;
const SUPERSEDED_FOR_MS = DAY_MS;
/** What one call deletes at most, by EC2's reference. */
const DELETED_AT_ONCE_MAX = 200;
const PAGES_MAX = 50;
const PAGE_SIZE = 200;

export interface TemplateVersion {
  readonly id: string;
  readonly version: string;
}

export class Templates {
  readonly #clients: Ec2Clients;
  readonly #options: Ec2ProviderOptions;
  readonly #name: string;
  #known: { readonly template: TemplateVersion; readonly untilMonotonicMs: number } | null = null;
  #underWay: Promise<TemplateVersion> | null = null;

  constructor(clients: Ec2Clients, options: Ec2ProviderOptions) {
    this.#clients = clients;
    this.#options = options;
    this.#name = templateName(options);
  }

  /**
   * The version that says what the settings say now; made where there is none.
   * @throws {ProviderError} by the codes of a launch.
   */
  async ensure(): Promise<TemplateVersion> {
    const { clock } = this.#options;
    if (this.#known !== null && clock.monotonicMs() < this.#known.untilMonotonicMs) return this.#known.template;
    this.#underWay ??= this.#ensure().finally(() => {
      this.#underWay = null;
    });
    const template = await this.#underWay;
    this.#known = { template, untilMonotonicMs: clock.monotonicMs() + READ_AGAIN_MS };
    return template;
  }

  /** A launch was refused for its settings: somebody may have changed or removed what we believe to be there. */
  forget(): void {
    this.#known = null;
  }

  async #ensure(): Promise<TemplateVersion> {
    const attempted = `keeping the launch template ${this.#name}`;
    try {
      const data = await this.#wanted();
      const versions = await this.#versions();
      const description = `holdfast ${hashTemplate(data)}`;
      const known = versions.find(({ VersionDescription }) => VersionDescription === description);
      const current = known ?? (await this.#make(versions, data, description));
      const template = read(current, attempted);
      await this.#prune(template, known === undefined ? [...versions, current] : versions);
      return template;
    } catch (error) {
      throw toLaunchError(error, attempted);
    }
  }

  /** What the template should say. */
  async #wanted(): Promise<RequestLaunchTemplateData> {
    const { settings } = this.#options;
    const base = settings.launchTemplate === null ? null : await this.#readBase(settings.launchTemplate);
    const image = settings.image ?? base?.ImageId ?? null;
    if (image === null) throw new ProviderError("provider-invalid", "the pool names no image, nor does its template");
    const rootDevice = settings.volume === null ? null : await this.#readRootDevice(image);
    return templateData({ options: this.#options, base, rootDevice });
  }

  async #readBase({
    id,
    version,
  }: {
    readonly id: string;
    readonly version: string;
  }): Promise<ResponseLaunchTemplateData> {
    const answer = await this.#clients.read.send(
      new DescribeLaunchTemplateVersionsCommand({ ...templateKey(id), Versions: [version] }),
    );
    const data = answer.LaunchTemplateVersions?.[0]?.LaunchTemplateData;
    if (data !== undefined) return data;
    throw new ProviderError(
      "provider-invalid",
      `reading version ${version} of the launch template ${id}: there is none`,
    );
  }

  /** A parameter's image is not known here; the images that are made for it name their root alike. */
  async #readRootDevice(image: string): Promise<string> {
    if (!image.startsWith("ami-")) return "/dev/xvda";
    const answer = await this.#clients.read.send(new DescribeImagesCommand({ ImageIds: [image] }));
    const name = answer.Images?.[0]?.RootDeviceName;
    if (name !== undefined) return name;
    throw new ProviderError("provider-invalid", `reading image ${image}: it has no root device, or is not to be seen`);
  }

  /** Newest first; none where there is no template yet. */
  async #versions(): Promise<readonly LaunchTemplateVersion[]> {
    const versions: LaunchTemplateVersion[] = [];
    let next: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      try {
        const answer = await this.#clients.read.send(
          new DescribeLaunchTemplateVersionsCommand({
            LaunchTemplateName: this.#name,
            MaxResults: PAGE_SIZE,
            NextToken: next,
          }),
        );
        versions.push(...(answer.LaunchTemplateVersions ?? []));
        next = answer.NextToken;
      } catch (error) {
        if (isNoTemplate(error)) return [];
        throw error;
      }
      if (next === undefined || next === "") return versions.sort((a, b) => numberOf(b) - numberOf(a));
    }
    throw new ProviderError("provider-unavailable", `reading the versions of ${this.#name}: more than can be`);
  }

  /** The token is the hash: a lost answer makes no second version. */
  async #make(
    versions: readonly LaunchTemplateVersion[],
    data: RequestLaunchTemplateData,
    description: string,
  ): Promise<LaunchTemplateVersion> {
    const shared = { LaunchTemplateName: this.#name, VersionDescription: description, LaunchTemplateData: data };
    if (versions.length === 0) {
      const { settings } = this.#options;
      const TagSpecifications = specify(["launch-template"], ownerTags(this.#options, settings.tags));
      const { LaunchTemplate: made } = await this.#clients.write.send(
        new CreateLaunchTemplateCommand({ ...shared, TagSpecifications }),
      );
      return { LaunchTemplateId: made?.LaunchTemplateId, VersionNumber: made?.LatestVersionNumber };
    }
    const { LaunchTemplateVersion: made } = await this.#clients.write.send(
      new CreateLaunchTemplateVersionCommand(shared),
    );
    return made ?? {};
  }

  /** The default version cannot be deleted, so it goes with the newest. What fails here fails again, and costs nothing. */
  async #prune(current: TemplateVersion, versions: readonly LaunchTemplateVersion[]): Promise<void> {
    const old = supersededVersions(versions, Number(current.version), this.#options.clock.nowMs());
    if (old.length === 0) return;
    try {
      await this.#clients.write.send(
        new ModifyLaunchTemplateCommand({ LaunchTemplateId: current.id, DefaultVersion: current.version }),
      );
      await this.#clients.write.send(
        new DeleteLaunchTemplateVersionsCommand({ LaunchTemplateId: current.id, Versions: old.map(String) }),
      );
    } catch (error) {
      const { trouble } = readFailure(error);
      if (trouble === "denied") return;
      if (trouble !== "throttled" && trouble !== "unknown" && trouble !== "settings") throw error;
    }
  }
}

/** A version is superseded since the next one was made; the one that is used now never is. */
export function supersededVersions(
  versions: readonly LaunchTemplateVersion[],
  current: number,
  nowMs: number,
): readonly number[] {
  const sorted = [...versions].sort((a, b) => numberOf(a) - numberOf(b));
  return sorted
    .filter((one, index) => {
      const next = sorted[index + 1]?.CreateTime;
      return numberOf(one) !== current && next !== undefined && nowMs - next.getTime() >= SUPERSEDED_FOR_MS;
    })
    .map(numberOf)
    .slice(0, DELETED_AT_ONCE_MAX);
}

function numberOf({ VersionNumber }: LaunchTemplateVersion): number {
  return VersionNumber ?? 0;
}

function read(
  { LaunchTemplateId: id, VersionNumber: version }: LaunchTemplateVersion,
  attempted: string,
): TemplateVersion {
  if (id !== undefined && version !== undefined) return { id, version: String(version) };
  throw new ProviderError("provider-unavailable", `${attempted}: the answer names no version`);
}

function isNoTemplate(error: unknown): boolean {
  const { code } = readFailure(error);
  return code.startsWith("InvalidLaunchTemplateName.NotFound") || code.startsWith("InvalidLaunchTemplateId.NotFound");
}

/** No controller's or pool's name has a slash in it, so that no two pools share one: `a` with `b-c` and `a-b` with `c` would. */
export function templateName({ controllerId, pool }: Pick<Ec2ProviderOptions, "controllerId" | "pool">): string {
  return `holdfast/${controllerId}/${pool}`;
}

/** A template is named by its id or by its name. */
export function templateKey(id: string): { LaunchTemplateId: string } | { LaunchTemplateName: string } {
  return /^lt-[0-9a-f]{8,17}$/.test(id) ? { LaunchTemplateId: id } : { LaunchTemplateName: id };
}
