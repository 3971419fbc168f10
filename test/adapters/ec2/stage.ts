/** An EC2 pool of a test: an address that answers as EC2 does, a clock of its own, and permits for its machines. */
import {
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeImagesCommand,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import { createEc2Provider, type Ec2Provider } from "../../../src/adapters/ec2/provider.ts";
import type { Ec2ProviderOptions, Ec2Settings } from "../../../src/adapters/ec2/settings.ts";
import {
  type ControllerId,
  type ProviderId,
  parseControllerId,
  parseLaunchId,
  parseMachineId,
} from "../../../src/domain/ids.ts";
import type { MachineState } from "../../../src/domain/machine.ts";
import { issuePermit, type MachinePermit } from "../../../src/domain/permit.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { LaunchedMachine, LaunchRequest } from "../../../src/ports/provider.ts";
import { epoch, heard, machine, poolName, retiring, START_MS } from "../../domain/builders.ts";

export const REGION = "eu-central-1";
export const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };

/** A clock that moves when it is told to; what sleeps goes on in the next turn of the loop. */
export interface HandClock extends Clock {
  pass(durationMs: number): void;
}

export function handClock(startMs = START_MS): HandClock {
  let passedMs = 0;
  return {
    nowMs: () => startMs + passedMs,
    monotonicMs: () => passedMs,
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    pass: (durationMs) => {
      passedMs += durationMs;
    },
  };
}

/** What a region has that a pool names. */
export interface Place {
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly image: string;
}

/** A VPC with a subnet in each of two zones, and an image that is there anyway. */
export async function makePlace(client: EC2Client): Promise<Place> {
  const { Vpc } = await client.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/16" }));
  const VpcId = Vpc?.VpcId ?? "";
  const subnets: string[] = [];
  for (const [index, zone] of ["a", "b"].entries()) {
    const { Subnet } = await client.send(
      new CreateSubnetCommand({ VpcId, CidrBlock: `10.9.${index}.0/24`, AvailabilityZone: `${REGION}${zone}` }),
    );
    subnets.push(Subnet?.SubnetId ?? "");
  }
  const GroupName = `runners-${VpcId}`;
  const { GroupId = "" } = await client.send(
    new CreateSecurityGroupCommand({ VpcId, GroupName, Description: "runners" }),
  );
  const { Images } = await client.send(new DescribeImagesCommand({ Owners: ["amazon"] }));
  const image = Images?.find(({ Architecture }) => Architecture === "x86_64")?.ImageId ?? "";
  return { subnets, securityGroups: [GroupId], image };
}

export const NO_PLACE: Place = {
  subnets: ["subnet-0000000a", "subnet-0000000b"],
  securityGroups: ["sg-00000001"],
  image: "ami-00000001",
};

export function settingsAt(endpoint: string, place: Place = NO_PLACE, changes: Partial<Ec2Settings> = {}): Ec2Settings {
  return {
    region: REGION,
    endpoint,
    ...place,
    instanceTypes: ["m5.large", "c5.large"],
    launchTemplate: null,
    market: "spot-then-on-demand",
    onDemandBase: 0,
    onDemandPercent: 0,
    spotAllocation: "price-capacity-optimized",
    onDemandAllocation: "lowest-price",
    spotMaxPrice: null,
    tenancy: "default",
    hostResourceGroup: null,
    instanceProfile: null,
    publicAddress: null,
    volume: null,
    metadataHops: 1,
    tags: {},
    ...changes,
  };
}

export function optionsAt(
  settings: Ec2Settings,
  clock: Clock,
  controllerId: ControllerId = parseControllerId("ci-test"),
): Ec2ProviderOptions {
  return {
    controllerId,
    pool: poolName(),
    settings,
    host: {
      runnerDirectory: "/opt/actions-runner",
      runnerUser: "runner",
      runnerDownload: null,
      runnerEnvironment: {},
    },
    bundle: { url: "https://holdfast.test/agent/v1/bundle/x.tar.gz", sha256: "0".repeat(64), entry: "agent/main.ts" },
    controllerUrl: "https://holdfast.test",
    clock,
    credentials: CREDENTIALS,
  };
}

export function openProvider(options: Ec2ProviderOptions): Ec2Provider {
  return createEc2Provider(options);
}

let launchCount = 0;

/** A launch that was never asked for before: ids of their own, in every test of a process. */
export function newLaunch(machineCount: number, pool = poolName()): LaunchRequest {
  launchCount += 1;
  const token = `${process.pid.toString(36)}x${launchCount.toString(36)}`.padStart(9, "0");
  return {
    launchId: parseLaunchId(`l-${token}`),
    pool,
    settingsHash: "hash",
    machines: Array.from({ length: machineCount }, (_, index) => ({
      machineId: parseMachineId(`m-${token}${String(index).padStart(3, "0")}`),
      identitySecret: "",
    })),
  };
}

/** As the controllers do it: drafted, stored, carried out. */
export async function draftAndLaunch(
  provider: Ec2Provider,
  request: LaunchRequest,
): Promise<readonly LaunchedMachine[]> {
  return provider.launch(await drafted(provider, request));
}

export async function drafted(provider: Ec2Provider, request: LaunchRequest): Promise<LaunchRequest> {
  if (provider.orders === null) throw new Error("this provider drafts its launches");
  return { ...request, order: await provider.orders.draft(request) };
}

/** Given by the provider's own word that the machine is dead: which proof it is does not matter here. */
export function permitFor(providerId: ProviderId, clock: Clock): MachinePermit {
  const subject = machine({ state: { ...retiring(), providerId } as MachineState });
  const decision = issuePermit({
    kind: "end-machine",
    machine: subject,
    tickets: [],
    proof: { kind: "forced", operator: "alice", reason: "test" },
    epoch: epoch(),
    time: { ...heard(), nowMs: clock.nowMs() },
  });
  if (decision.kind === "refused") throw new Error(`no permit: ${decision.missing.join(", ")}`);
  return decision.permit;
}
