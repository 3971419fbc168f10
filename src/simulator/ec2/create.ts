/** A region of an account with nothing in it yet. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Ec2Lags, Ec2Options, Ec2Times, InstanceTypeOption, Rates } from "./options.ts";
import type { Ec2State } from "./state.ts";

const REGION = "eu-west-1";
const VPC = "vpc-0a1b2c3d4e5f60718";
const ADDRESS_COUNT = 251;

const ZONES = ["a", "b", "c"].map((letter) => REGION + letter);

function instanceType(name: string, vcpuCount: number, hourlyPrice: number): InstanceTypeOption {
  const architecture = /^[a-z]+\dg/.test(name) ? "arm64" : "x86_64";
  return { name, vcpuCount, memoryMib: vcpuCount * 2_048, architecture, hourlyPrice };
}

/** As measured and as told by AWS's documentation of its API's throttling (facts 6.4). */
const RATES: Rates = {
  reading: { burst: 100, perSecond: 20 },
  unpagedReading: { burst: 50, perSecond: 10 },
  change: { burst: 50, perSecond: 5 },
  runInstances: { burst: 5, perSecond: 2 },
  startedInstances: { burst: 1_000, perSecond: 2 },
  endedInstances: { burst: 1_000, perSecond: 20 },
  restartedInstances: { burst: 1_000, perSecond: 2 },
};

const DEFAULTS: Omit<Ec2Options, "chance"> = {
  region: REGION,
  accountId: "123456789012",
  zones: ZONES,
  instanceTypes: [
    instanceType("c5.large", 2, 0.096),
    instanceType("c5.xlarge", 4, 0.192),
    instanceType("c5.2xlarge", 8, 0.384),
    instanceType("m5.large", 2, 0.107),
    instanceType("m5.xlarge", 4, 0.214),
    instanceType("c7g.xlarge", 4, 0.156),
    instanceType("g4dn.xlarge", 4, 0.587),
    instanceType("mac2.metal", 8, 0.65),
  ],
  subnets: ZONES.map((zone, index) => ({
    id: `subnet-0a1b2c3d4e5f6071${index}`,
    zone,
    vpcId: VPC,
    addressCount: ADDRESS_COUNT,
  })),
  securityGroups: [{ id: "sg-0a1b2c3d4e5f60718", name: "runners", vpcId: VPC }],
  images: [
    {
      id: "ami-0a1b2c3d4e5f60718",
      name: "runner-2.336.0",
      architecture: "x86_64",
      state: "available",
      rootDeviceName: "/dev/xvda",
    },
    {
      id: "ami-0a1b2c3d4e5f60719",
      name: "runner-2.336.0-arm64",
      architecture: "arm64",
      state: "available",
      rootDeviceName: "/dev/xvda",
    },
  ],
  hosts: [],
  spotPriceShare: 0.35,
  rates: RATES,
  times: {
    pendingMs: [2 * SECOND_MS, 8 * SECOND_MS],
    shuttingDownMs: [5 * SECOND_MS, 60 * SECOND_MS],
    stoppingMs: [10 * SECOND_MS, 60 * SECOND_MS],
    terminatedMs: [HOUR_MS, HOUR_MS],
    noticeMs: 2 * MINUTE_MS,
    tokenMs: DAY_MS,
    statusChecksMs: [60 * SECOND_MS, 180 * SECOND_MS],
  },
  lags: { freshIdMs: [0, 0], listingMs: [0, 0], stateMs: [0, 0], launchTemplateMs: [0, 0] },
  ignoredEndingShare: 0,
  failedPendingShare: 0,
  tagScope: null,
};

/** What is left out is a small region with habits as AWS documents them, and no lag. */
export type Ec2Setup = Partial<Omit<Ec2Options, "chance" | "times" | "lags">> & {
  readonly times?: Partial<Ec2Times>;
  readonly lags?: Partial<Ec2Lags>;
};

export function createEc2({ times, lags, ...options }: Ec2Setup & Pick<Ec2Options, "chance">): Ec2State {
  return {
    options: {
      ...DEFAULTS,
      ...options,
      times: { ...DEFAULTS.times, ...times },
      lags: { ...DEFAULTS.lags, ...lags },
    },
    instances: new Map(),
    known: new Map(),
    due: new Map(),
    volumes: new Map(),
    networkInterfaces: new Map(),
    launchTemplates: new Map(),
    fleets: new Map(),
    remembered: new Map(),
    room: new Map(),
    quotas: new Map(),
    denied: new Set(),
    faults: [],
    buckets: new Map(),
    callCounts: new Map(),
    changedInstanceIds: new Set(),
    givenNumbers: new Map(),
  };
}
