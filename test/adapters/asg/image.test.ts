import { describe, expect, it } from "vitest";
import { HOUR_MS } from "../../../src/domain/units.ts";
import { throwing } from "../ec2/fake-client.ts";
import { type FakeGroup, stage } from "./stage.ts";

const TEMPLATE = { LaunchTemplateId: "lt-1", Version: "3" };
const TAGGED = [{ Key: "holdfast:runner-version", Value: "2.336.0" }];

function made(group: FakeGroup, image: string | undefined, tags: readonly object[] = TAGGED): void {
  group.answers.DescribeLaunchTemplateVersions = () => ({
    LaunchTemplateVersions: [{ LaunchTemplateData: { ImageId: image } }],
  });
  group.answers.DescribeImages = () => ({ Images: [{ Tags: tags }] });
}

describe("the version of the runner that new members get", () => {
  it.each([
    ["its launch template", { LaunchTemplate: TEMPLATE }],
    [
      "the one of its mixed instances policy",
      { MixedInstancesPolicy: { LaunchTemplate: { LaunchTemplateSpecification: TEMPLATE } } },
    ],
  ])("is what the image says that the group makes them from, by %s", async (_name, more) => {
    const { group, provider } = stage();
    group.more = more;
    made(group, "ami-0123456789abcdef0");
    expect(await provider.readRunnerVersion()).toBe("2.336.0");
    expect(group.inputs("DescribeLaunchTemplateVersions")).toEqual([{ LaunchTemplateId: "lt-1", Versions: ["3"] }]);
    expect(group.inputs("DescribeImages")).toEqual([{ ImageIds: ["ami-0123456789abcdef0"] }]);
  });

  it.each([
    ["a launch configuration", {}, "ami-0123456789abcdef0", TAGGED],
    ["an image that is named elsewhere", { LaunchTemplate: TEMPLATE }, "resolve:ssm:image", TAGGED],
    ["no image", { LaunchTemplate: TEMPLATE }, undefined, TAGGED],
    ["an image without the tag", { LaunchTemplate: TEMPLATE }, "ami-0123456789abcdef0", []],
  ])("is not known with %s", async (_name, more, image, tags) => {
    const { group, provider } = stage();
    group.more = more;
    made(group, image, tags);
    expect(await provider.readRunnerVersion()).toBeNull();
  });

  it("is not known where it cannot be read, and is read again then; else once an hour", async () => {
    const { group, provider, clock } = stage();
    group.more = { LaunchTemplate: TEMPLATE };
    made(group, "ami-0123456789abcdef0");
    const { DescribeImages } = group.answers;
    group.answers.DescribeImages = throwing("RequestLimitExceeded");
    expect(await provider.readRunnerVersion()).toBeNull();
    Object.assign(group.answers, { DescribeImages });
    for (let count = 0; count < 3; count += 1) expect(await provider.readRunnerVersion()).toBe("2.336.0");
    expect(group.inputs("DescribeImages")).toHaveLength(2);
    clock.pass(HOUR_MS);
    await provider.readRunnerVersion();
    expect(group.inputs("DescribeImages")).toHaveLength(3);
  });
});
