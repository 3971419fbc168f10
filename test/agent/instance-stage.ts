/** Instances of the simulated EC2 for tests of the agent. */
import { RunInstancesCommand } from "@aws-sdk/client-ec2";
import { IMAGE, SUBNETS } from "../simulator/ec2/ec2-scene.ts";
import type { Ec2House } from "../simulator/ec2/simulated-ec2-house.ts";

export interface InstancePlan {
  readonly market?: "spot" | "on-demand";
  readonly profile?: string;
}

export async function launchInstance(
  house: Ec2House,
  { market = "spot", profile }: InstancePlan = {},
): Promise<string> {
  const { Instances } = await house.client.send(
    new RunInstancesCommand({
      ImageId: IMAGE,
      InstanceType: "c5.xlarge",
      MinCount: 1,
      MaxCount: 1,
      SubnetId: SUBNETS[0],
      ...(market === "spot" ? { InstanceMarketOptions: { MarketType: "spot" } } : {}),
      ...(profile === undefined ? {} : { IamInstanceProfile: { Name: profile } }),
      MetadataOptions: { HttpTokens: "required" },
    }),
  );
  return Instances?.[0]?.InstanceId ?? "";
}

export async function openInstance(house: Ec2House, plan: InstancePlan = {}): Promise<{ id: string; url: string }> {
  const id = await launchInstance(house, plan);
  return { id, url: (await house.ec2.startMetadata(id)).url };
}
