import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { groupStatements } from "../../../src/adapters/asg/iam.ts";
import type { Statement } from "../../../src/adapters/aws/iam.ts";
import { parseControllerId } from "../../../src/domain/ids.ts";
import { settingsOf } from "./stage.ts";

const CONTROLLER = parseControllerId("ci-eu");
const actionsOf = (statements: readonly Statement[]) => statements.flatMap(({ Action }) => Action);
const named = (statements: readonly Statement[], sid: string) => statements.find(({ Sid }) => Sid === sid);

const SOURCES = "src/adapters/asg";

/** Every call that the adapter has the client for, as IAM names it. */
function calledActions(): readonly string[] {
  const files = readdirSync(SOURCES).map((file) => readFileSync(join(SOURCES, file), "utf8"));
  const shared = ["consoles", "describe", "image-version", "terminate"].map((file) =>
    readFileSync(join("src/adapters/aws", `${file}.ts`), "utf8"),
  );
  const calls = [...files, ...shared].flatMap((text) =>
    [...text.matchAll(/new (\w+)Command\(/g)].map(([, call]) => call),
  );
  const ec2 = new Set([
    "CreateTags",
    "DescribeImages",
    "DescribeInstances",
    "DescribeLaunchTemplateVersions",
    "GetConsoleOutput",
    "StopInstances",
    "TerminateInstances",
  ]);
  return [...new Set(calls)].map((call) => `${ec2.has(call ?? "") ? "ec2" : "autoscaling"}:${call}`);
}

describe("what pools over groups may do at AWS", () => {
  it("is what is called, and nothing else", () => {
    const allowed = actionsOf(groupStatements(CONTROLLER, [settingsOf()]));
    // Of the shared code that ends instances; a group's are never stopped by us.
    const called = calledActions().filter((action) => action !== "ec2:StopInstances");
    expect([...allowed].sort()).toEqual([...called].sort());
  });

  it("is no word about a machine's health, a hook, or the group itself", () => {
    const allowed = actionsOf(groupStatements(CONTROLLER, [settingsOf()])).join(" ");
    expect(allowed).not.toMatch(/SetInstanceHealth|Put|Delete|Update|Detach|Suspend|Resume|\*/);
  });

  it("names the groups, each in its region", () => {
    const pools = [settingsOf({ group: "a" }), settingsOf({ group: "b", region: "us-east-1", scaling: "external" })];
    const statements = groupStatements(CONTROLLER, pools);
    const arn = (region: string, group: string) =>
      `arn:*:autoscaling:${region}:*:autoScalingGroup:*:autoScalingGroupName/${group}`;
    expect(named(statements, "HoldAndEndMembers")?.Resource).toEqual([arn("eu-central-1", "a"), arn("us-east-1", "b")]);
    expect(named(statements, "RaiseAndProtectGroups")?.Resource).toEqual([arn("eu-central-1", "a")]);
    expect(named(statements, "MarkMembers")?.Resource).toEqual([
      "arn:*:ec2:eu-central-1:*:instance/*",
      "arn:*:ec2:us-east-1:*:instance/*",
    ]);
  });

  it("sizes no group that others size, and protects none of its members", () => {
    const statements = groupStatements(CONTROLLER, [settingsOf({ scaling: "external" })]);
    expect(actionsOf(statements).join(" ")).not.toMatch(/SetDesiredCapacity|SetInstanceProtection/);
  });

  it("marks members of the named groups with our tags alone, and ends by itself only what carries them", () => {
    const statements = groupStatements(CONTROLLER, [settingsOf()]);
    expect(named(statements, "MarkMembers")?.Condition).toEqual({
      StringEquals: {
        "aws:ResourceTag/aws:autoscaling:groupName": ["runners"],
        "aws:RequestTag/holdfast:controller": "ci-eu",
      },
      "ForAllValues:StringEquals": { "aws:TagKeys": ["holdfast:controller", "holdfast:pool", "holdfast:known"] },
    });
    expect(named(statements, "EndWhatLeftOrWaits")?.Condition).toEqual({
      StringEquals: { "aws:ResourceTag/holdfast:controller": "ci-eu" },
    });
  });
});
