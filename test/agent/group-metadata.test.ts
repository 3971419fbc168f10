/** What a member's agent hears of its group, from the simulated group's own metadata, while AWS's own client moves it about. */
import * as sdk from "@aws-sdk/client-auto-scaling";
import { afterEach, beforeEach, expect, it } from "vitest";
import { InstanceMetadata } from "../../src/agent/instance-metadata.ts";
import { watchService } from "../../src/agent/service-watch.ts";
import { type System, system } from "../../src/agent/system.ts";
import type { ToldService } from "../../src/domain/host/group-word.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { DRAIN, GROUP, TEMPLATE } from "../simulator/asg/asg-scene.ts";
import { useAsg } from "../simulator/asg/simulated-asg-house.ts";

const house = useAsg();
const NAMED = { AutoScalingGroupName: GROUP };
const heard: ToldService[] = [];
let look: () => Promise<void>;
let end: () => Promise<void>;
let instanceIds: string[];

beforeEach(async () => {
  heard.splice(0);
  house.aws.createGroup({ name: GROUP, launchTemplate: TEMPLATE, maxSize: 3, desired: 1, hooks: [DRAIN] });
  house.aws.advanceClock(5 * MINUTE_MS);
  const { AutoScalingGroups } = await house.client.send(new sdk.DescribeAutoScalingGroupsCommand({}));
  const [InstanceId = ""] = AutoScalingGroups?.[0]?.Instances?.map((one) => one.InstanceId ?? "") ?? [];
  instanceIds = [InstanceId];
  await startWatch((await house.aws.ec2.startMetadata(InstanceId)).url);
});
afterEach(() => end());

/** Its pauses last until the next look. */
async function startWatch(url: string): Promise<void> {
  const over = new AbortController();
  let wake = () => {};
  let paused = () => {};
  const sleep: System["sleep"] = () =>
    new Promise((resolve) => {
      wake = resolve;
      paused();
    });
  const pause = () =>
    new Promise<void>((resolve) => {
      paused = resolve;
    });
  const first = pause();
  const metadata = new InstanceMetadata({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url }, system);
  const log = { path: "", write: () => {} };
  const onService = (service: ToldService) => void heard.push(service);
  const watching = watchService({ metadata, system: { ...system, sleep }, log, onService }, over.signal);
  look = () => {
    const next = pause();
    wake();
    return next;
  };
  end = async () => {
    over.abort();
    wake();
    await watching;
  };
  await first;
}

it("is that it is in service, put aside, back, and to end, at the next reading of each", async () => {
  const Ids = { InstanceIds: instanceIds };
  await house.client.send(new sdk.EnterStandbyCommand({ ...NAMED, ...Ids, ShouldDecrementDesiredCapacity: true }));
  await look();
  house.aws.advanceClock(MINUTE_MS);
  await house.client.send(new sdk.ExitStandbyCommand({ ...NAMED, ...Ids }));
  await look();
  house.aws.advanceClock(MINUTE_MS);
  const [InstanceId] = instanceIds;
  await house.client.send(
    new sdk.TerminateInstanceInAutoScalingGroupCommand({ InstanceId, ShouldDecrementDesiredCapacity: true }),
  );
  await look();
  expect(heard).toEqual(["serving", "aside", "serving", "ending"]);
});
