/** For each test of the file a simulated Auto Scaling behind real HTTP, and both official clients that call it. */
import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { EC2Client } from "@aws-sdk/client-ec2";
import { afterEach, beforeEach } from "vitest";
import {
  type SimulatedAsg,
  type SimulatedAsgOptions,
  startSimulatedAsg,
} from "../../../src/simulator/server/asg/simulated-asg.ts";
import { IMAGE } from "../ec2/ec2-scene.ts";

const ACCESS_KEY_ID = "AKIASIMULATED";

export interface AsgHouse {
  readonly aws: SimulatedAsg;
  /** Make each call once: what fails is seen. */
  readonly client: AutoScalingClient;
  readonly ec2Client: EC2Client;
}

/** There is a launch template `runner`. */
export function useAsg(options: SimulatedAsgOptions = {}): AsgHouse {
  let aws: SimulatedAsg;
  let client: AutoScalingClient;
  let ec2Client: EC2Client;
  beforeEach(async () => {
    aws = await startSimulatedAsg({ accessKeyId: ACCESS_KEY_ID, seed: 1, ...options });
    aws.createLaunchTemplate("runner", { ImageId: IMAGE, InstanceType: "c5.xlarge" });
    const settings = {
      region: aws.ec2.options.region,
      endpoint: aws.endpoint,
      credentials: { accessKeyId: ACCESS_KEY_ID, secretAccessKey: "simulated" },
      maxAttempts: 1,
    };
    client = new AutoScalingClient(settings);
    ec2Client = new EC2Client(settings);
  });
  afterEach(async () => {
    client.destroy();
    ec2Client.destroy();
    await aws.close();
  });
  return {
    get aws() {
      return aws;
    },
    get client() {
      return client;
    },
    get ec2Client() {
      return ec2Client;
    },
  };
}
