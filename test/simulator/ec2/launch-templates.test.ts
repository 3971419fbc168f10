import { describe, expect, it } from "vitest";
import { Ec2Scene, IMAGE, tagged } from "./ec2-scene.ts";

const DATA = { ImageId: IMAGE, InstanceType: "c5.large" };
const NAMED = { LaunchTemplateName: "runners" };

function withTemplate(): { readonly scene: Ec2Scene; readonly id: string } {
  const scene = new Ec2Scene();
  const { LaunchTemplate } = scene.call("CreateLaunchTemplate", {
    ...NAMED,
    LaunchTemplateData: DATA,
    TagSpecifications: [tagged("launch-template", { owner: "us" })],
  });
  return { scene, id: LaunchTemplate.LaunchTemplateId };
}

describe("launch templates", () => {
  it("have versions, a default one and a latest one", () => {
    const { scene, id } = withTemplate();
    const { LaunchTemplateVersion } = scene.call("CreateLaunchTemplateVersion", {
      LaunchTemplateId: id,
      SourceVersion: "1",
      VersionDescription: "settings 2",
      LaunchTemplateData: { InstanceType: "c5.xlarge" },
    });
    expect(LaunchTemplateVersion).toMatchObject({
      VersionNumber: 2,
      DefaultVersion: false,
      LaunchTemplateData: { ...DATA, InstanceType: "c5.xlarge" },
    });
    expect(scene.call("DescribeLaunchTemplates", {}).LaunchTemplates).toMatchObject([
      { LaunchTemplateId: id, DefaultVersionNumber: 1, LatestVersionNumber: 2, Tags: [{ Key: "owner", Value: "us" }] },
    ]);
    scene.call("ModifyLaunchTemplate", { LaunchTemplateId: id, DefaultVersion: "2" });
    const numbers = (request: object) =>
      scene
        .call("DescribeLaunchTemplateVersions", { ...NAMED, ...request })
        .LaunchTemplateVersions.map(({ VersionNumber }: { VersionNumber: number }) => VersionNumber);
    expect(numbers({})).toEqual([2, 1]);
    expect(numbers({ Versions: ["$Default"] })).toEqual([2]);
    expect(scene.refusal("DescribeLaunchTemplateVersions", { ...NAMED, Versions: ["7"] })).toBe(
      "InvalidLaunchTemplateId.VersionNotFound",
    );
  });

  it("lose old versions, each for itself; the default one stays", () => {
    const { scene, id } = withTemplate();
    scene.call("CreateLaunchTemplateVersion", { LaunchTemplateId: id, LaunchTemplateData: DATA });
    const answer = scene.call("DeleteLaunchTemplateVersions", { LaunchTemplateId: id, Versions: ["1", "2", "9"] });
    expect(answer.SuccessfullyDeletedLaunchTemplateVersions).toMatchObject([{ VersionNumber: 2 }]);
    expect(
      answer.UnsuccessfullyDeletedLaunchTemplateVersions.map(
        ({ ResponseError }: { ResponseError: { Code: string } }) => ResponseError.Code,
      ),
    ).toEqual(["unexpectedError", "launchTemplateVersionDoesNotExist"]);
    scene.call("CreateLaunchTemplateVersion", { LaunchTemplateId: id, LaunchTemplateData: DATA });
    expect(scene.call("DescribeLaunchTemplates", {}).LaunchTemplates[0].LatestVersionNumber).toBe(3);
  });

  it("are made once under a token, and once under a name", () => {
    const scene = new Ec2Scene();
    const once = { ...NAMED, LaunchTemplateData: DATA, ClientToken: "settings-1" };
    const first = scene.call("CreateLaunchTemplate", once);
    expect(scene.call("CreateLaunchTemplate", once)).toEqual(first);
    expect(scene.refusal("CreateLaunchTemplate", { ...once, ClientToken: "settings-2" })).toBe(
      "InvalidLaunchTemplateName.AlreadyExistsException",
    );
    expect(scene.refusal("CreateLaunchTemplate", { ...once, LaunchTemplateData: { ImageId: "x" } })).toBe(
      "IdempotentParameterMismatch",
    );
    scene.call("DeleteLaunchTemplate", NAMED);
    expect(scene.refusal("DescribeLaunchTemplates", { LaunchTemplateNames: ["runners"] })).toBe(
      "InvalidLaunchTemplateName.NotFoundException",
    );
    expect(scene.call("DescribeLaunchTemplates", {}).LaunchTemplates).toEqual([]);
  });

  it("are found a while after they were made, where readings lag", () => {
    const scene = new Ec2Scene({ lags: { launchTemplateMs: [5_000, 5_000] } });
    const { LaunchTemplate } = scene.call("CreateLaunchTemplate", { ...NAMED, LaunchTemplateData: DATA });
    const run = () =>
      scene.refusal("RunInstances", {
        LaunchTemplate: { LaunchTemplateId: LaunchTemplate.LaunchTemplateId, Version: "1" },
        MinCount: 1,
        MaxCount: 1,
      });
    expect(run()).toBe("InvalidLaunchTemplateId.NotFound");
    expect(scene.call("DescribeLaunchTemplates", {}).LaunchTemplates).toEqual([]);
    scene.pass(5_000);
    expect(run()).toBeNull();
    scene.call("CreateLaunchTemplateVersion", { ...NAMED, LaunchTemplateData: DATA });
    expect(scene.refusal("DescribeLaunchTemplateVersions", { ...NAMED, Versions: ["2"] })).toBe(
      "InvalidLaunchTemplateId.VersionNotFound",
    );
  });

  it.each<[what: string, names: { LaunchTemplateId?: string; LaunchTemplateName?: string }, code: string]>([
    ["two names", { LaunchTemplateId: "lt-0123456789abcdef0", ...NAMED }, "InvalidParameterCombination"],
    ["no name", {}, "InvalidParameterCombination"],
    ["an id that is none", { LaunchTemplateId: "lt-1" }, "InvalidLaunchTemplateId.Malformed"],
    ["an id that there is not", { LaunchTemplateId: "lt-0123456789abcdef0" }, "InvalidLaunchTemplateId.NotFound"],
  ])("are not found by %s", (_what, names, code) => {
    expect(withTemplate().scene.refusal("DeleteLaunchTemplate", names)).toBe(code);
  });
});
