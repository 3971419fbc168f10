import { describe, expect, it } from "vitest";
import { readStoredPool, writeStoredPool } from "../../../src/app/config/stored-pools.ts";
import { itTellsOf, RESERVED, type Row } from "./broken-row.ts";
import { failureIn, makeFolder, readIn, soundConfig, type Written } from "./config-folder.ts";

const SUBNET = "subnet-0123456789abcdef0";

function ec2Config(provider: object = {}): Written {
  const config = soundConfig();
  config.pools[0].provider = {
    kind: "ec2",
    region: "eu-central-1",
    subnets: [SUBNET],
    securityGroups: ["sg-0123456789abcdef0"],
    instanceTypes: ["m7i.large", "m6i.large"],
    image: "ami-0123456789abcdef0",
    identityCertificateFile: "cert.pem",
    ...provider,
  };
  return config;
}

/** Makes the sound configuration one of an EC2 pool, and then breaks that. */
function broken(provider: object): (config: Written) => void {
  return (config) => {
    config.pools[0].provider = ec2Config(provider).pools[0].provider;
  };
}

const SMALLEST = {
  kind: "ec2",
  region: "eu-central-1",
  endpoint: null,
  subnets: [SUBNET],
  securityGroups: ["sg-0123456789abcdef0"],
  instanceTypes: ["m7i.large", "m6i.large"],
  image: "ami-0123456789abcdef0",
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
  runnerUser: "runner",
  runnerDownload: null,
  identityCertificates: [expect.stringMatching(/^-----BEGIN CERTIFICATE-----/)],
};

describe("a pool of EC2 instances", () => {
  it("may keep machines stopped, and a stored one of before it could reads as one that keeps none", async () => {
    const config = ec2Config({ market: "on-demand" });
    config.pools[0].warm = { parked: 1, stopped: 3 };
    const [pool] = (await readIn(makeFolder(), config)).pools;
    expect(pool?.policy.warmStoppedCount).toBe(3);
    if (pool === undefined) throw new Error("no pool");
    const stored = JSON.parse(writeStoredPool(pool));
    const read = () => readStoredPool({ pool: pool.policy.name, settings: JSON.stringify(stored) } as never);
    expect(read().policy.warmStoppedCount).toBe(3);
    delete stored.policy.warmStoppedCount;
    expect(read().policy.warmStoppedCount).toBe(0);
  });

  it("needs little more than where, from what and of which types", async () => {
    const { pools } = await readIn(makeFolder(), ec2Config());
    expect(pools[0]?.provider).toEqual(SMALLEST);
    expect(pools[0]?.runner.directory).toBe("/opt/runner");
  });

  it("takes everything that the reference names", async () => {
    const config = ec2Config({
      launchTemplate: { id: "ci-base", version: "3" },
      market: "spot",
      onDemandBase: 2,
      onDemandPercent: 20,
      spotMaxPrice: "0.25",
      instanceProfile: "ci-jobs",
      publicAddress: false,
      volume: { sizeGib: 100, throughputMib: 500 },
      metadataHops: 2,
      tags: { team: "platform" },
      endpoint: "https://ec2.internal/",
    });
    const download = { url: "https://mirror.acme.com/runner.tar.gz", sha256: "ab".repeat(32), version: "2.336.0" };
    config.pools[0].runner = { directory: "/opt/actions-runner", user: "ci", download };
    const { pools } = await readIn(makeFolder(), config);
    expect(pools[0]?.provider).toMatchObject({
      launchTemplate: { id: "ci-base", version: "3" },
      volume: { sizeGib: 100, type: "gp3", iops: null, throughputMib: 500, kmsKey: null },
      runnerUser: "ci",
      runnerDownload: download,
      endpoint: "https://ec2.internal",
    });
  });

  it("is made from the same settings whoever vouches for its machines", async () => {
    const folder = makeFolder();
    const hashOf = async (identityCertificateFile: string) =>
      (await readIn(folder, ec2Config({ identityCertificateFile }))).pools[0]?.policy.settingsHash;
    expect(await hashOf("cert.pem")).toBe(await hashOf("ca.pem"));
  });

  it("is read from the store as it was written there", async () => {
    const { pools } = await readIn(makeFolder(), ec2Config({ volume: { sizeGib: 8 } }));
    const [pool] = pools;
    if (pool === undefined) throw new Error("the configuration has a pool");
    const row = {
      pool: pool.policy.name,
      settingsHash: pool.policy.settingsHash,
      isCurrent: true,
      storedAtMs: 0,
      leftAtMs: null,
    };
    expect(readStoredPool({ ...row, settings: writeStoredPool(pool) })).toEqual(pool);
  });

  it("tells of every key that is missing at once", async () => {
    const config = soundConfig();
    config.pools[0].provider = { kind: "ec2" };
    const { problems } = await failureIn(makeFolder(), config);
    expect(problems.map(({ path }) => path)).toEqual([
      "pools[0].provider.region",
      "pools[0].provider.subnets",
      "pools[0].provider.instanceTypes",
      "pools[0].provider.identityCertificateFile",
      "pools[0].provider.image",
      "pools[0].provider.securityGroups",
    ]);
  });
});

const AT = "pools[0].provider";
const ROWS: readonly Row[] = [
  [
    "a folder of this computer's",
    broken({ workDirectory: "./machines" }),
    `${AT}.workDirectory`,
    "is for `kind: process`",
    "remove it: an instance has a disk of its own",
  ],
  [
    "no image",
    broken({ image: undefined }),
    `${AT}.image`,
    "is missing, and there is no launch template that could name one",
    "as in `image: ami-0123456789abcdef0`",
  ],
  [
    "a subnet by its name",
    broken({ subnets: ["private-a"] }),
    `${AT}.subnets[0]`,
    "must be a subnet's id, as in `subnet-0123456789abcdef0`",
    "as in `subnets: [subnet-0123456789abcdef0]`",
  ],
  [
    "a file without a certificate",
    broken({ identityCertificateFile: "key.pem" }),
    `${AT}.identityCertificateFile`,
    "does not hold just certificates in PEM form, at least one",
    "save the region's RSA-2048 certificate of AWS's user guide in PEM form (-----BEGIN CERTIFICATE-----)",
  ],
  [
    "a key misspelt",
    broken({ instanceType: "m7i.large" }),
    `${AT}.instanceType`,
    "unknown key",
    "did you mean `instanceTypes`?",
  ],
  [
    "a tag of AWS's own",
    broken({ tags: { "aws:x": "1" } }),
    `${AT}.tags.aws:x`,
    "begins with a prefix that is AWS's or Holdfast's own",
    "as in `tags: { team: platform }`",
  ],
  [
    "spot on Dedicated Hosts",
    broken({ tenancy: "host", instanceTypes: ["m7i.large"] }),
    `${AT}.market`,
    "Dedicated Hosts have no spot machines",
    "write `market: on-demand`",
  ],
  [
    "several types on Dedicated Hosts",
    broken({ tenancy: "host", market: "on-demand" }),
    `${AT}.instanceTypes`,
    "a Dedicated Host has machines of one type",
    "name one, or make more pools",
  ],
  [
    "a host resource group without hosts",
    broken({ hostResourceGroup: "arn:aws:resource-groups:eu-central-1:123456789012:group/ci" }),
    `${AT}.hostResourceGroup`,
    "is for `tenancy: host`",
    "remove it, or write `tenancy: host`",
  ],
  [
    "a share of on-demand where all are",
    broken({ market: "on-demand", onDemandPercent: 20 }),
    `${AT}.onDemandPercent`,
    "says nothing with `market: on-demand`: all are",
    "remove it, or use another `market`",
  ],
  [
    "a spot price where none is spot",
    broken({ market: "on-demand", spotMaxPrice: "1" }),
    `${AT}.spotMaxPrice`,
    "says nothing with `market: on-demand`: none is spot",
    "remove it, or use another `market`",
  ],
  [
    "throughput for a type that has none",
    broken({ volume: { type: "gp2", throughputMib: 500 } }),
    `${AT}.volume.throughputMib`,
    "is for `type: gp3`",
    "remove it, or use gp3",
  ],
  [
    "more places than a fleet takes",
    broken({
      subnets: Array.from({ length: 50 }, () => SUBNET),
      instanceTypes: Array.from({ length: 7 }, () => "m7i.large"),
    }),
    `${AT}.instanceTypes`,
    "make with the subnets 350 places to choose from, and EC2 takes 300",
    "name fewer types or subnets",
  ],
  [
    "a runner's folder beside the configuration",
    (config) => {
      broken({})(config);
      config.pools[0].runner.directory = "./runner";
    },
    "pools[0].runner.directory",
    "is a folder of the machine's own, so it begins with `/`",
    "as in `directory: /opt/actions-runner`",
  ],
  [
    "machines stopped, where they may be on spot",
    (config) => {
      broken({})(config);
      config.pools[0].warm = { stopped: 1 };
    },
    "pools[0].warm.stopped",
    "needs machines that can be stopped, and those on spot cannot",
    "set `provider.market: on-demand`",
  ],
  [
    "more warm machines than there may be",
    (config) => {
      broken({ market: "on-demand" })(config);
      config.pools[0].warm = { parked: 2, stopped: 3 };
    },
    "pools[0].warm.stopped",
    "is with the other warm machines more than `machines.max`",
    "at most 2, or raise `machines.max`",
  ],
  [
    "an EC2 key for processes",
    (config) => (config.pools[0].provider.region = "eu-central-1"),
    `${AT}.region`,
    "is for `kind: ec2`",
    "remove it, or use `kind: ec2`",
  ],
  [
    "no folder for processes",
    (config) => delete config.pools[0].provider.workDirectory,
    `${AT}.workDirectory`,
    "is missing",
    "as in `workDirectory: ./machines`",
  ],
  [
    "a fetched runner for processes",
    (config) => (config.pools[0].runner.download = { url: "https://x", sha256: "ab".repeat(32), version: "2.336.0" }),
    "pools[0].runner.download",
    "is for `kind: ec2`",
    "remove it, and unpack the runner in `directory`",
  ],
  [
    "a runner's user for processes",
    (config) => (config.pools[0].runner.user = "ci"),
    "pools[0].runner.user",
    RESERVED,
    "remove it",
  ],
];

describe("what is wrong with one", () => itTellsOf(ROWS));
