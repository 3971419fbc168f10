import { describe, expect, it } from "vitest";
import type { IamPolicy } from "../../../src/adapters/aws/iam.ts";
import { policyFor } from "../../../src/adapters/ec2/iam.ts";
import type { Ec2Settings } from "../../../src/adapters/ec2/settings.ts";
import { parseControllerId } from "../../../src/domain/ids.ts";
import { poolName } from "../../domain/builders.ts";
import { NO_PLACE, settingsAt } from "./stage.ts";

const policyOf = (...changes: readonly Partial<Ec2Settings>[]): IamPolicy =>
  policyFor(
    parseControllerId("ci-eu"),
    changes.map((one) => ({ pool: poolName(), settings: settingsAt("https://ec2.test", NO_PLACE, one) })),
  );

const allActions = (policy: IamPolicy) => policy.Statement.flatMap(({ Action }) => Action);
const statement = (policy: IamPolicy, sid: string) => policy.Statement.find(({ Sid }) => Sid === sid);

describe("the policy", () => {
  it("allows what is called, and never what deletes a fleet: that would end all its instances", () => {
    const actions = allActions(policyOf({}));
    for (const action of ["RunInstances", "CreateFleet", "TerminateInstances", "CreateLaunchTemplate", "CreateTags"])
      expect(actions).toContain(`ec2:${action}`);
    expect(actions.filter((action) => /DeleteFleets|\*/.test(action))).toEqual([]);
  });

  it("allows an ending only of what carries our tag", () => {
    expect(statement(policyOf({}), "EndWhatIsOurs")).toMatchObject({
      Action: "ec2:TerminateInstances",
      Condition: { StringEquals: { "aws:ResourceTag/holdfast:controller": "ci-eu" } },
    });
  });

  it("allows stopping and starting only where a pool keeps machines stopped, and only of what carries our tag", () => {
    const settings = settingsAt("https://ec2.test", NO_PLACE, {});
    const policy = policyFor(parseControllerId("ci-eu"), [{ pool: poolName(), settings, keepsStopped: true }]);
    expect(allActions(policyOf({}))).not.toContain("ec2:StopInstances");
    expect(statement(policy, "StopAndStartWhatIsOurs")).toMatchObject({
      Action: ["ec2:StopInstances", "ec2:StartInstances"],
      Condition: { StringEquals: { "aws:ResourceTag/holdfast:controller": "ci-eu" } },
    });
  });

  it("allows a start only with our tag, from what the settings name", () => {
    const policy = policyOf({});
    expect(statement(policy, "StartWithOurTag")?.Condition).toEqual({
      StringEquals: { "aws:RequestTag/holdfast:controller": "ci-eu" },
    });
    const from = statement(policy, "StartFrom")?.Resource;
    for (const id of [...NO_PLACE.subnets, ...NO_PLACE.securityGroups, NO_PLACE.image])
      expect(from).toEqual(expect.arrayContaining([expect.stringContaining(id)]));
  });

  it("lets every statement that changes something name a condition or what it changes", () => {
    for (const { Sid, Resource, Condition } of policyOf({}, { region: "us-east-2" }).Statement)
      if (Sid !== "Read") expect(Condition !== undefined || Resource !== "*", Sid).toBe(true);
  });

  it("asks for what only some settings need", () => {
    expect(allActions(policyOf({}))).not.toContain("iam:PassRole");
    expect(allActions(policyOf({ instanceProfile: "ci-jobs" }))).toContain("iam:PassRole");
    expect(allActions(policyOf({}))).not.toContain("ssm:GetParameters");
    expect(allActions(policyOf({ image: "resolve:ssm:/ci/image" }))).toContain("ssm:GetParameters");
    const volume = { sizeGib: null, type: "gp3", iops: null, throughputMib: null, kmsKey: "alias/ci" } as const;
    expect(allActions(policyOf({ volume }))).toContain("kms:CreateGrant");
    const roles = (policy: IamPolicy) => JSON.stringify(statement(policy, "LetEc2MakeItsOwnRoles")?.Resource);
    expect(roles(policyOf({}))).toContain("EC2Spot");
    expect(roles(policyOf({ market: "on-demand" }))).not.toContain("EC2Spot");
  });

  it("is one for pools in several regions", () => {
    const text = JSON.stringify(policyOf({}, { region: "us-east-2" }));
    expect(text).toContain(":ec2:eu-central-1:*:instance/*");
    expect(text).toContain(":ec2:us-east-2:*:instance/*");
  });

  it("is shorter than IAM lets a managed policy be", () => {
    expect(JSON.stringify(policyOf({ instanceProfile: "x" }, { region: "us-east-2" })).length).toBeLessThan(6_144);
  });
});
