/** For each test of the file a simulated EC2 behind real HTTP, and the official client that calls it. */
import { EC2Client } from "@aws-sdk/client-ec2";
import { afterEach, beforeEach } from "vitest";
import {
  type SimulatedEc2,
  type SimulatedEc2Options,
  startSimulatedEc2,
} from "../../../src/simulator/server/ec2/simulated-ec2.ts";

const ACCESS_KEY_ID = "AKIASIMULATED";

export interface Ec2House {
  readonly ec2: SimulatedEc2;
  /** Makes each call once: what fails is seen. */
  readonly client: EC2Client;
  clientWith(accessKeyId: string): EC2Client;
}

export function useEc2(options: SimulatedEc2Options = {}): Ec2House {
  let ec2: SimulatedEc2;
  const clients: EC2Client[] = [];
  const clientWith = (accessKeyId: string): EC2Client => {
    const client = new EC2Client({
      region: ec2.options.region,
      endpoint: ec2.endpoint,
      credentials: { accessKeyId, secretAccessKey: "simulated" },
      maxAttempts: 1,
    });
    clients.push(client);
    return client;
  };
  let client: EC2Client;
  beforeEach(async () => {
    ec2 = await startSimulatedEc2({ accessKeyId: ACCESS_KEY_ID, seed: 1, ...options });
    client = clientWith(ACCESS_KEY_ID);
  });
  afterEach(async () => {
    for (const one of clients.splice(0)) one.destroy();
    await ec2.close();
  });
  return {
    get ec2() {
      return ec2;
    },
    get client() {
      return client;
    },
    clientWith,
  };
}

/** The name and the status of the error that a call ends with. */
export async function failureOf(call: Promise<unknown>): Promise<readonly [name: string, status: number | undefined]> {
  try {
    await call;
  } catch (error) {
    const { name, $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } };
    return [name, $metadata?.httpStatusCode];
  }
  throw new Error("the call succeeded");
}
