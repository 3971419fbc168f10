import { describe, expect, it } from "vitest";
import type { CheckFinding } from "../../../src/ports/provider.ts";
import { throwing } from "../ec2/fake-client.ts";
import { type FakeGroup, idOf, OWNER, stage } from "./stage.ts";

const DRAIN = { name: "drain", heartbeatSeconds: 1_800, defaultResult: "ABANDON" };

/** A group of which there is nothing to say. */
function sound(group: FakeGroup): void {
  group.size = { min: 0, max: 10, desired: 1 };
  group.hooks = [DRAIN];
  group.add(1, { tags: { "holdfast:controller": "ci-test", "holdfast:pool": OWNER.pool } });
  group.more = {
    AvailabilityZones: ["a", "b"],
    SuspendedProcesses: [{ ProcessName: "AZRebalance" }],
    HealthCheckType: "EC2",
    HealthCheckGracePeriod: 300,
    NewInstancesProtectedFromScaleIn: true,
    CapacityRebalance: false,
    InstanceLifecyclePolicy: { RetentionTriggers: { TerminateHookAbandon: "retain" } },
    Instances: [{ InstanceId: idOf(1), LifecycleState: "InService", ProtectedFromScaleIn: true }],
    LaunchTemplate: { LaunchTemplateId: "lt-1", Version: "3" },
  };
  Object.assign(group.answers, {
    DescribePolicies: () => ({ ScalingPolicies: [] }),
    DescribeScheduledActions: () => ({ ScheduledUpdateGroupActions: [] }),
    DescribeInstanceRefreshes: () => ({ InstanceRefreshes: [{ Status: "Successful" }] }),
    DescribeLaunchTemplateVersions: () => ({ LaunchTemplateVersions: [{ LaunchTemplateData: {} }] }),
    CreateTags: throwing("DryRunOperation", "would have succeeded", 412),
    TerminateInstances: throwing("DryRunOperation", "would have succeeded", 412),
  });
}

async function checked(
  change: (group: FakeGroup) => void,
  settings: Parameters<typeof stage>[0] = {},
): Promise<{ readonly findings: readonly CheckFinding[]; readonly group: FakeGroup }> {
  const { group, provider } = stage(settings);
  sound(group);
  change(group);
  return { findings: await provider.check(), group };
}

const more = (changes: object) => (group: FakeGroup) => {
  group.more = { ...group.more, ...changes };
};

type Row = readonly [name: string, change: (group: FakeGroup) => void, finding: string, mend: string];

const WARNINGS: readonly Row[] = [
  ["rebalancing", more({ SuspendedProcesses: [] }), "is rebalanced", "suspend-processes"],
  ["capacity rebalancing", more({ CapacityRebalance: true }), "Capacity Rebalancing on", "--no-capacity-rebalance"],
  ["a load balancer's health check", more({ HealthCheckType: "EC2,ELB" }), "check of ELB", "--health-check-type EC2"],
  [
    "VPC Lattice's health check",
    more({ HealthCheckType: "VPC_LATTICE" }),
    "check of VPC_LATTICE",
    "--health-check-type EC2",
  ],
  ["no grace period", more({ HealthCheckGracePeriod: 0 }), "no grace period", "--health-check-grace-period 300"],
  [
    "new machines that are not protected",
    more({ NewInstancesProtectedFromScaleIn: false }),
    "does not protect new machines",
    "--new-instances-protected-from-scale-in",
  ],
  [
    "members that are not protected, each counted",
    more({
      Instances: [
        { InstanceId: idOf(1), LifecycleState: "InService", ProtectedFromScaleIn: false },
        { InstanceId: idOf(2), LifecycleState: "InService" },
        { InstanceId: idOf(3), LifecycleState: "InService", ProtectedFromScaleIn: true },
        { InstanceId: idOf(4), LifecycleState: "Terminating:Wait", ProtectedFromScaleIn: false },
      ],
    }),
    `2 of the 4 members of group runners are not protected from scale-in: ${idOf(1)}, ${idOf(2)}`,
    `set-instance-protection --auto-scaling-group-name runners --protected-from-scale-in --instance-ids ${idOf(1)} ${idOf(2)}`,
  ],
  ["a longest life", more({ MaxInstanceLifetime: 2_592_000 }), "after 30 days", "--max-instance-lifetime 0"],
  [
    "a warm pool that takes machines back",
    more({ WarmPoolConfiguration: { InstanceReusePolicy: { ReuseOnScaleIn: true } } }),
    "back into its warm pool",
    "ReuseOnScaleIn=false",
  ],
  [
    "processes that are suspended",
    more({ SuspendedProcesses: [{ ProcessName: "AZRebalance" }, { ProcessName: "Terminate" }] }),
    "process Terminate suspended",
    "resume-processes",
  ],
  [
    "a refresh",
    (group) => {
      group.answers.DescribeInstanceRefreshes = () => ({ InstanceRefreshes: [{ Status: "InProgress" }] });
    },
    "is being refreshed (InProgress)",
    "cancel-instance-refresh",
  ],
  [
    "a refresh of protected ones too",
    (group) => {
      const Preferences = { ScaleInProtectedInstances: "Refresh" };
      group.answers.DescribeInstanceRefreshes = () => ({ InstanceRefreshes: [{ Status: "Pending", Preferences }] });
    },
    "protected ones too",
    "cancel-instance-refresh",
  ],
  [
    "scaling policies",
    (group) => {
      group.answers.DescribePolicies = () => ({
        ScalingPolicies: [{ PolicyName: "up" }, { PolicyName: "off", Enabled: false }],
      });
    },
    "has scaling policies (up)",
    "scaling: external",
  ],
  [
    "scheduled actions",
    (group) => {
      group.answers.DescribeScheduledActions = () => ({
        ScheduledUpdateGroupActions: [{ ScheduledActionName: "night" }],
      });
    },
    "has scheduled actions (night)",
    "scaling: external",
  ],
  [
    "a minimum above the pool's maximum",
    (group) => {
      group.size = { min: 11, max: 12, desired: 11 };
    },
    "keeps at least 11 machines, and `machines.max` is 10",
    "--min-size 10",
  ],
  [
    "a maximum below the pool's",
    (group) => {
      group.size = { min: 0, max: 4, desired: 0 };
    },
    "takes at most 4 machines, and `machines.max` is 10",
    "--max-size 10",
  ],
  [
    "no hook for the end",
    (group) => {
      group.hooks = [];
    },
    "has no hook for the end of its machines",
    "put-lifecycle-hook --auto-scaling-group-name runners --lifecycle-hook-name holdfast",
  ],
  [
    "a hook that is too short for the longest job",
    (group) => {
      group.hooks = [{ ...DRAIN, heartbeatSeconds: 60 }];
    },
    "waits for min(48 h, 100 × 60 s) = 6000 s at most, and the longest job may take 21600 s",
    "from 216 s on it waits long enough",
  ],
  [
    "no retention",
    more({ InstanceLifecyclePolicy: { RetentionTriggers: { TerminateHookAbandon: "terminate" } } }),
    "a controller that is down for longer than that may lose the jobs",
    "Holdfast ends those that are kept once they are idle",
  ],
  [
    "no word of retention",
    more({ InstanceLifecyclePolicy: undefined }),
    "heard nothing for 1800 s",
    "TerminateHookAbandon=retain",
  ],
  [
    "retention that a hook passes by",
    (group) => {
      group.hooks = [{ ...DRAIN, defaultResult: "CONTINUE" }];
    },
    "default result CONTINUE",
    "--default-result ABANDON",
  ],
  [
    "a launch hook",
    (group) => {
      group.hooks = [DRAIN, { name: "register", transition: "LAUNCHING", heartbeatSeconds: 300 }];
    },
    "Hook register of group runners holds each new machine until somebody completes it, and ends it after 300 s",
    "delete-lifecycle-hook --auto-scaling-group-name runners --lifecycle-hook-name register",
  ],
  [
    "a role that jobs can use",
    (group) => {
      const LaunchTemplateData = { IamInstanceProfile: { Name: "ci-jobs" } };
      group.answers.DescribeLaunchTemplateVersions = () => ({ LaunchTemplateVersions: [{ LaunchTemplateData }] });
    },
    "the instance profile ci-jobs",
    "simulate-principal-policy",
  ],
  [
    "marks that may not be made",
    (group) => {
      group.answers.CreateTags = throwing("UnauthorizedOperation", "not authorized", 403);
    },
    "EC2 refused CreateTags as a dry run",
    "holdfast check --iam",
  ],
  [
    "machines that left and may not be ended",
    (group) => {
      group.answers.TerminateInstances = throwing("UnauthorizedOperation", "not authorized", 403);
    },
    "EC2 refused TerminateInstances as a dry run",
    "holdfast check --iam",
  ],
];

const ERRORS: readonly Row[] = [
  [
    "no such group",
    (group) => {
      group.size = null;
    },
    "eu-central-1 has no Auto Scaling group runners",
    "Correct `group` or `region`",
  ],
  ["a capacity of processors", more({ DesiredCapacityType: "vcpu" }), "in something else than instances", "`units`"],
  [
    "another controller's group",
    more({ Tags: [{ Key: "holdfast:controller", Value: "other" }] }),
    "carries the tag of another controller: holdfast:controller=other",
    "delete-tags --tags ResourceId=runners",
  ],
  [
    "another controller's members",
    (group) => {
      group.add(7, { tags: { "holdfast:controller": "other" } });
      group.add(8, { tags: { "holdfast:controller": "other" }, ec2: "terminated" });
    },
    `1 members of group runners carry the tag holdfast:controller of another controller: ${idOf(7)}`,
    "aws ec2 delete-tags",
  ],
  [
    "credentials that may not read it",
    (group) => {
      group.answers.DescribeAutoScalingGroups = throwing("AccessDenied", "is not authorized", 403);
    },
    "is not authorized",
    "holdfast check --iam",
  ],
];

describe("a look at a group", () => {
  it("finds nothing to say of a sound one, and changes nothing", async () => {
    const { findings, group } = await checked(() => undefined);
    expect(findings).toEqual([]);
    expect(group.writes()).toEqual(["CreateTags", "TerminateInstances"]);
    for (const call of group.writes()) expect(group.inputs(call)).toEqual([expect.objectContaining({ DryRun: true })]);
  });

  it.each(WARNINGS)("warns of %s", async (_name, change, finding, mend) => {
    const { findings } = await checked(change);
    expect(findings).toEqual([
      {
        severity: "warning",
        path: expect.stringMatching(/^pools\[\]\.provider/),
        finding: expect.stringContaining(finding),
        mend: expect.stringContaining(mend),
      },
    ]);
  });

  it.each(ERRORS)("finds wrong: %s", async (_name, change, finding, mend) => {
    const { findings } = await checked(change);
    expect(findings).toEqual([
      {
        severity: "error",
        path: expect.stringMatching(/^pools\[\]\.provider/),
        finding: expect.stringContaining(finding),
        mend: expect.stringContaining(mend),
      },
    ]);
  });

  it("takes policies and schedules of a group that others size for what they are", async () => {
    const { findings } = await checked(
      (group) => {
        group.answers.DescribePolicies = () => ({ ScalingPolicies: [{ PolicyName: "up" }] });
        group.answers.DescribeScheduledActions = () => ({
          ScheduledUpdateGroupActions: [{ ScheduledActionName: "night" }],
        });
        group.size = { min: 0, max: 4, desired: 0 };
      },
      { scaling: "external" },
    );
    expect(findings).toEqual([]);
  });

  it("says of jobs of days that no hook waits for them", async () => {
    const { findings } = await checked(() => undefined, { longestJobSeconds: 5 * 86_400 });
    expect(findings).toEqual([
      expect.objectContaining({ mend: expect.stringContaining("No hook waits for longer than 48 h") }),
    ]);
  });

  it("needs no rebalancing to be off where there is one zone", async () => {
    const { findings } = await checked(more({ AvailabilityZones: ["a"], SuspendedProcesses: [] }));
    expect(findings).toEqual([]);
  });

  it.each([
    ["DescribePolicies", "its scaling policies"],
    ["DescribeScheduledActions", "its scheduled actions"],
    ["DescribeLifecycleHooks", "its lifecycle hooks"],
    ["DescribeInstanceRefreshes", "its instance refreshes"],
    ["DescribeLaunchTemplateVersions", "its launch template"],
  ])("says what it could not read, and looks at the rest all the same: %s", async (call, what) => {
    const { findings } = await checked((group) => {
      group.answers[call] = throwing("AccessDenied", "is not authorized", 403);
      group.more = { ...group.more, CapacityRebalance: true };
    });
    expect(findings).toHaveLength(2);
    expect(findings).toContainEqual(
      expect.objectContaining({
        severity: "warning",
        finding: expect.stringContaining(what),
        mend: expect.stringContaining("--iam"),
      }),
    );
  });

  it("warns where the group cannot be reached now: that must not keep a controller from its machines", async () => {
    const { findings } = await checked((group) => {
      group.answers.DescribeAutoScalingGroups = throwing("Throttling", "Rate exceeded");
    });
    expect(findings).toEqual([expect.objectContaining({ severity: "warning" })]);
  });
});
