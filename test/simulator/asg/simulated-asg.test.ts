import * as sdk from "@aws-sdk/client-auto-scaling";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { GroupSetup } from "../../../src/simulator/asg/create.ts";
import { ASG_ERRORS, type AsgErrorCode } from "../../../src/simulator/asg/errors.ts";
import { SUBNETS, UNKNOWN } from "../ec2/ec2-scene.ts";
import { failureOf } from "../ec2/simulated-ec2-house.ts";
import { DRAIN, GROUP, TEMPLATE } from "./asg-scene.ts";
import { useAsg } from "./simulated-asg-house.ts";

const house = useAsg();
const NAMED = { AutoScalingGroupName: GROUP };

function createGroup(setup: Partial<GroupSetup> = {}): void {
  house.aws.createGroup({
    name: GROUP,
    launchTemplate: TEMPLATE,
    maxSize: 5,
    desired: 2,
    hooks: [DRAIN],
    suspended: ["AZRebalance"],
    ...setup,
  });
  house.aws.advanceClock(5 * MINUTE_MS);
}

async function members(): Promise<readonly sdk.Instance[]> {
  const command = new sdk.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [GROUP] });
  const { AutoScalingGroups } = await house.client.send(command);
  return AutoScalingGroups?.[0]?.Instances ?? [];
}

async function firstId(): Promise<string> {
  return (await members())[0]?.InstanceId ?? "";
}

describe("the official client", () => {
  it("reads a group with all that Holdfast looks at", async () => {
    createGroup({
      minSize: 1,
      tags: { team: "ci" },
      isNewProtected: true,
      lifetimeSeconds: 86_400,
      retention: "retain",
      warmPool: { poolState: "Hibernated", maxPreparedCount: 3, isReusedOnScaleIn: true },
    });
    const { AutoScalingGroups } = await house.client.send(new sdk.DescribeAutoScalingGroupsCommand({}));
    expect(AutoScalingGroups?.[0]).toMatchObject({
      AutoScalingGroupName: GROUP,
      LaunchTemplate: TEMPLATE,
      MinSize: 1,
      MaxSize: 5,
      DesiredCapacity: 2,
      DefaultCooldown: 300,
      AvailabilityZones: ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
      VPCZoneIdentifier: SUBNETS.join(","),
      HealthCheckType: "EC2",
      HealthCheckGracePeriod: 0,
      SuspendedProcesses: [{ ProcessName: "AZRebalance" }],
      TerminationPolicies: ["Default"],
      NewInstancesProtectedFromScaleIn: true,
      MaxInstanceLifetime: 86_400,
      CapacityRebalance: false,
      WarmPoolConfiguration: {
        MinSize: 0,
        MaxGroupPreparedCapacity: 3,
        PoolState: "Hibernated",
        InstanceReusePolicy: { ReuseOnScaleIn: true },
      },
      WarmPoolSize: 1,
      InstanceLifecyclePolicy: { RetentionTriggers: { TerminateHookAbandon: "retain" } },
      Tags: [{ Key: "team", Value: "ci", PropagateAtLaunch: true }],
    });
    expect(AutoScalingGroups?.[0]?.Instances).toHaveLength(2);
    expect(AutoScalingGroups?.[0]?.Instances?.[0]).toMatchObject({
      InstanceType: "c5.xlarge",
      LifecycleState: "InService",
      HealthStatus: "Healthy",
      ProtectedFromScaleIn: true,
      LaunchTemplate: { LaunchTemplateName: "runner", Version: "1" },
    });
    const { WarmPoolConfiguration, Instances } = await house.client.send(new sdk.DescribeWarmPoolCommand(NAMED));
    expect(WarmPoolConfiguration?.PoolState).toBe("Hibernated");
    expect(Instances).toMatchObject([{ LifecycleState: "Warmed:Hibernated" }]);
  });

  it("finds the members in EC2 by their group's tag, at the same address", async () => {
    createGroup();
    const Filters = [{ Name: "tag:aws:autoscaling:groupName", Values: [GROUP] }];
    const { Reservations = [] } = await house.ec2Client.send(new DescribeInstancesCommand({ Filters }));
    const ids = Reservations.flatMap(({ Instances = [] }) => Instances.map(({ InstanceId }) => InstanceId));
    expect(ids.sort()).toEqual((await members()).map(({ InstanceId }) => InstanceId).sort());
  });

  it("ends a member through its hook: the notice, the wait, heartbeats, the word", async () => {
    createGroup();
    const InstanceId = await firstId();
    const metadata = await house.aws.ec2.startMetadata(InstanceId);
    const readTarget = async () => {
      const response = await fetch(`${metadata.url}/latest/meta-data/autoscaling/target-lifecycle-state`);
      return response.text();
    };
    expect(await readTarget()).toBe("InService");
    const { Activity } = await house.client.send(
      new sdk.TerminateInstanceInAutoScalingGroupCommand({ InstanceId, ShouldDecrementDesiredCapacity: true }),
    );
    expect(Activity).toMatchObject({
      StatusCode: "InProgress",
      Description: `Terminating EC2 instance: ${InstanceId}`,
    });
    expect(await readTarget()).toBe("Terminated");
    house.aws.advanceClock(2 * SECOND_MS);
    const { LifecycleHooks } = await house.client.send(new sdk.DescribeLifecycleHooksCommand(NAMED));
    expect(LifecycleHooks).toMatchObject([
      {
        LifecycleHookName: DRAIN.name,
        LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING",
        HeartbeatTimeout: 1_800,
        GlobalTimeout: 172_800,
        DefaultResult: "ABANDON",
      },
    ]);
    const action = { ...NAMED, LifecycleHookName: DRAIN.name, InstanceId };
    for (let count = 0; count < 3; count += 1) {
      house.aws.advanceClock(29 * MINUTE_MS);
      await house.client.send(new sdk.RecordLifecycleActionHeartbeatCommand(action));
    }
    const { AutoScalingInstances } = await house.client.send(
      new sdk.DescribeAutoScalingInstancesCommand({ InstanceIds: [InstanceId, UNKNOWN] }),
    );
    expect(AutoScalingInstances).toMatchObject([
      { InstanceId, AutoScalingGroupName: GROUP, LifecycleState: "Terminating:Wait", HealthStatus: "HEALTHY" },
    ]);
    await house.client.send(new sdk.CompleteLifecycleActionCommand({ ...action, LifecycleActionResult: "CONTINUE" }));
    house.aws.advanceClock(2 * MINUTE_MS);
    expect(house.aws.member(InstanceId)).toBeNull();
    expect(house.aws.group(GROUP)).toMatchObject({ desired: 1 });
    const late = house.client.send(new sdk.RecordLifecycleActionHeartbeatCommand(action));
    await expect(late).rejects.toMatchObject({
      name: "ValidationError",
      message: `No active Lifecycle Action found with instance ID ${InstanceId}`,
      $metadata: { httpStatusCode: 400 },
    });
    const { Activities } = await house.client.send(new sdk.DescribeScalingActivitiesCommand(NAMED));
    expect(Activities?.[0]).toMatchObject({ StatusCode: "Successful", Progress: 100 });
    expect(Activities?.[0]?.StartTime).toBeInstanceOf(Date);
  });

  it("sizes, protects, marks, puts aside, takes back, gives away", async () => {
    createGroup();
    const InstanceIds = [await firstId()];
    const { client } = house;
    await client.send(new sdk.SetInstanceProtectionCommand({ ...NAMED, InstanceIds, ProtectedFromScaleIn: true }));
    await client.send(new sdk.SetDesiredCapacityCommand({ ...NAMED, DesiredCapacity: 3, HonorCooldown: false }));
    house.aws.advanceClock(MINUTE_MS);
    expect(await members()).toHaveLength(3);
    const leaving = { ...NAMED, InstanceIds, ShouldDecrementDesiredCapacity: true };
    const { Activities } = await client.send(new sdk.EnterStandbyCommand(leaving));
    expect(Activities).toHaveLength(1);
    house.aws.advanceClock(MINUTE_MS);
    expect((await members()).map(({ LifecycleState }) => LifecycleState).sort()).toEqual([
      "InService",
      "InService",
      "Standby",
    ]);
    await client.send(new sdk.ExitStandbyCommand({ ...NAMED, InstanceIds }));
    house.aws.advanceClock(MINUTE_MS);
    await client.send(new sdk.DetachInstancesCommand(leaving));
    house.aws.advanceClock(MINUTE_MS);
    expect((await members()).map(({ InstanceId }) => InstanceId)).not.toContain(InstanceIds[0]);
    expect(house.aws.ec2.instances().find(({ id }) => id === InstanceIds[0])?.phase.kind).toBe("running");
    const InstanceId = await firstId();
    await client.send(new sdk.SetInstanceHealthCommand({ InstanceId, HealthStatus: "Unhealthy" }));
    house.aws.advanceClock(MINUTE_MS);
    expect(house.aws.member(InstanceId)?.state).toBe("Terminating:Wait");
  });

  it("sets a group up otherwise, and refreshes its instances", async () => {
    createGroup();
    const { client } = house;
    await client.send(
      new sdk.PutLifecycleHookCommand({
        ...NAMED,
        LifecycleHookName: "second",
        LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
        HeartbeatTimeout: 60,
        DefaultResult: "CONTINUE",
      }),
    );
    await client.send(new sdk.DeleteLifecycleHookCommand({ ...NAMED, LifecycleHookName: "second" }));
    await client.send(new sdk.PutWarmPoolCommand({ ...NAMED, MinSize: 1, PoolState: "Running" }));
    house.aws.advanceClock(MINUTE_MS);
    expect(await failureOf(client.send(new sdk.DeleteWarmPoolCommand(NAMED)))).toEqual(["ResourceInUseFault", 400]);
    await client.send(new sdk.DeleteWarmPoolCommand({ ...NAMED, ForceDelete: true }));
    house.aws.advanceClock(MINUTE_MS);
    expect((await client.send(new sdk.DescribeWarmPoolCommand(NAMED))).WarmPoolConfiguration).toBeUndefined();
    await client.send(new sdk.SuspendProcessesCommand({ ...NAMED, ScalingProcesses: ["Launch"] }));
    await client.send(new sdk.ResumeProcessesCommand({ ...NAMED }));
    expect(house.aws.group(GROUP).suspended.size).toBe(0);
    await client.send(
      new sdk.UpdateAutoScalingGroupCommand({
        ...NAMED,
        MaxSize: 9,
        TerminationPolicies: ["OldestInstance"],
        InstanceLifecyclePolicy: { RetentionTriggers: { TerminateHookAbandon: "retain" } },
      }),
    );
    expect(house.aws.group(GROUP)).toMatchObject({ maxSize: 9, retention: "retain" });
    const Preferences = { ScaleInProtectedInstances: "Ignore", StandbyInstances: "Ignore" } as const;
    const { InstanceRefreshId } = await client.send(new sdk.StartInstanceRefreshCommand({ ...NAMED, Preferences }));
    expect(await failureOf(client.send(new sdk.StartInstanceRefreshCommand({ ...NAMED })))).toEqual([
      "InstanceRefreshInProgressFault",
      400,
    ]);
    const { InstanceRefreshes } = await client.send(new sdk.DescribeInstanceRefreshesCommand(NAMED));
    expect(InstanceRefreshes).toMatchObject([{ InstanceRefreshId, Status: "InProgress", InstancesToUpdate: 2 }]);
    await client.send(new sdk.CancelInstanceRefreshCommand(NAMED));
  });

  it("turns pages", async () => {
    createGroup();
    const first = await house.client.send(new sdk.DescribeAutoScalingInstancesCommand({ MaxRecords: 1 }));
    const second = await house.client.send(
      new sdk.DescribeAutoScalingInstancesCommand({ MaxRecords: 1, NextToken: first.NextToken }),
    );
    const pages = [first, second].map(({ AutoScalingInstances = [] }) => AutoScalingInstances[0]?.InstanceId);
    expect(new Set(pages).size).toBe(2);
    expect(second.NextToken).toBeUndefined();
    const wrong = house.client.send(new sdk.DescribeAutoScalingInstancesCommand({ NextToken: "none" }));
    expect(await failureOf(wrong)).toEqual(["InvalidNextToken", 400]);
  });
});

describe("a fault", () => {
  const read = () => house.client.send(new sdk.DescribeAutoScalingGroupsCommand({}));

  /** The client names some errors otherwise than the wire. */
  const NAMES: Partial<Record<AsgErrorCode, string>> = {
    AlreadyExists: "AlreadyExistsFault",
    LimitExceeded: "LimitExceededFault",
    ResourceContention: "ResourceContentionFault",
    ResourceInUse: "ResourceInUseFault",
    ScalingActivityInProgress: "ScalingActivityInProgressFault",
    InstanceRefreshInProgress: "InstanceRefreshInProgressFault",
    ActiveInstanceRefreshNotFound: "ActiveInstanceRefreshNotFoundFault",
    IdempotentParameterMismatch: "IdempotentParameterMismatchError",
  };

  it.each(Object.entries(ASG_ERRORS) as [AsgErrorCode, number][])("%s is read as it was said", async (code, status) => {
    house.aws.injectFault("any", { kind: "error", code, effect: "none" });
    expect(await failureOf(read())).toEqual([NAMES[code] ?? code, status]);
    await expect(read()).resolves.toMatchObject({ AutoScalingGroups: [] });
  });

  it.each([
    ["done", 3],
    ["none", 2],
  ] as const)("an answer is lost and the effect is %s", async (effect, desired) => {
    createGroup();
    house.aws.injectFault("SetDesiredCapacity", { kind: "answer-lost", effect });
    const set = house.client.send(new sdk.SetDesiredCapacityCommand({ ...NAMED, DesiredCapacity: 3 }));
    await expect(set).rejects.toThrow();
    expect(house.aws.group(GROUP).desired).toBe(desired);
  });
});

it("refuses a call that is signed for another service, unknown, or malformed", async () => {
  const send = (body: string, service: string) =>
    fetch(house.aws.endpoint, {
      method: "POST",
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=AKIASIMULATED/20260130/eu-west-1/${service}/aws4_request,`,
      },
      body,
    });
  expect((await send("Action=DescribeAutoScalingGroups", "ec2")).status).toBe(400);
  expect((await send("Action=DescribeAutoScalingGroups", "sqs")).status).toBe(401);
  expect((await send("Action=DescribePolicies", "autoscaling")).status).toBe(400);
  expect((await send("Action=DescribeAutoScalingGroups&Wrong=1", "autoscaling")).status).toBe(400);
});
