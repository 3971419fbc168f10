import { describe, expect, it } from "vitest";
import { readStoredPool, writeStoredPool } from "../../../src/app/config/stored-pools.ts";
import { itTellsOf, type Row } from "./broken-row.ts";
import { failureIn, makeFolder, readIn, soundConfig, type Written } from "./config-folder.ts";

const PROVIDER = {
  kind: "asg",
  region: "eu-central-1",
  group: "ci-runners",
  identityCertificateFile: "cert.pem",
};

function asgConfig(provider: object = {}, pool: object = {}): Written {
  const config = soundConfig();
  Object.assign(config.pools[0], pool, { provider: { ...PROVIDER, ...provider } });
  return config;
}

function broken(provider: object, pool: object = {}): (config: Written) => void {
  return (config) => {
    Object.assign(config.pools[0], asgConfig(provider, pool).pools[0]);
  };
}

async function poolOf(provider: object, pool: object = {}) {
  const [read] = (await readIn(makeFolder(), asgConfig(provider, pool))).pools;
  if (read === undefined) throw new Error("the configuration has a pool");
  return read;
}

describe("a pool over an Auto Scaling group", () => {
  it("needs little more than which group", async () => {
    const { provider, policy } = await poolOf({});
    expect(provider).toEqual({
      kind: "asg",
      region: "eu-central-1",
      group: "ci-runners",
      scaling: "holdfast",
      endpoint: null,
      autoScalingEndpoint: null,
      longestJobSeconds: 21_600,
      runnerUser: "runner",
      identityCertificates: [expect.stringMatching(/^-----BEGIN CERTIFICATE-----/)],
    });
    expect(policy).not.toHaveProperty("sizing");
  });

  it("takes everything that the reference names", async () => {
    const written = {
      scaling: "external",
      endpoint: "https://ec2.internal/",
      autoScalingEndpoint: "https://autoscaling.internal/",
      longestJob: "20h",
    };
    const { provider, policy } = await poolOf(written, {
      warm: {},
      tickets: {},
      runner: { directory: "/opt/actions-runner", user: "ci" },
    });
    expect(provider).toMatchObject({
      scaling: "external",
      endpoint: "https://ec2.internal",
      autoScalingEndpoint: "https://autoscaling.internal",
      longestJobSeconds: 72_000,
      runnerUser: "ci",
    });
    expect(policy.sizing).toBe("external");
  });

  it("is read from the store as it was written there", async () => {
    for (const provider of [{}, { scaling: "external" }]) {
      const pool = await poolOf(provider, { warm: {}, tickets: {} });
      const row = { pool: pool.policy.name, settings: writeStoredPool(pool) } as never;
      expect(readStoredPool(row)).toEqual(pool);
    }
  });

  it("has the same machines whoever sizes it, vouches for them, and however it is reached", async () => {
    const hashOf = async (provider: object) => (await poolOf(provider, { warm: {}, tickets: {} })).policy.settingsHash;
    const same = await hashOf({});
    for (const change of [
      { scaling: "external" },
      { longestJob: "1h" },
      { endpoint: "https://ec2.internal" },
      { autoScalingEndpoint: "https://autoscaling.internal" },
      { identityCertificateFile: "ca.pem" },
    ])
      expect(await hashOf(change)).toBe(same);
    for (const change of [{ group: "others" }, { region: "eu-west-1" }]) expect(await hashOf(change)).not.toBe(same);
  });

  it("has a group of its own", async () => {
    const config = asgConfig();
    config.pools.push({ ...config.pools[0], name: "second" }, { ...config.pools[0], name: "third" });
    config.pools[2].provider = { ...PROVIDER, region: "us-east-1" };
    const failure = await failureIn(makeFolder(), config);
    expect(failure.problems).toEqual([
      {
        path: "pools[1].provider.group",
        problem: "is the group of pools[0] too",
        mend: "give each pool a group of its own",
      },
    ]);
  });
});

const AT = "pools[0].provider";

describe("a pool over an Auto Scaling group that is wrong", () => {
  const rows: readonly Row[] = [
    ["no group", broken({ group: undefined }), `${AT}.group`, "is missing", "as in `group: ci-runners`"],
    ["no region", broken({ region: undefined }), `${AT}.region`, "is missing", "as in `region: eu-central-1`"],
    [
      "nobody who vouches for machines",
      broken({ identityCertificateFile: undefined }),
      `${AT}.identityCertificateFile`,
      "is missing",
      "as in `identityCertificateFile: ./eu-central-1.pem`",
    ],
    [
      "an ARN instead of a name",
      broken({ group: "arn:aws:autoscaling:eu-central-1:1:autoScalingGroup:x:autoScalingGroupName/ci" }),
      `${AT}.group`,
      "must be the name of an Auto Scaling group, without a colon",
      "as in `group: ci-runners`",
    ],
    [
      "a scaling that nobody knows",
      broken({ scaling: "both" }),
      `${AT}.scaling`,
      "must be one of holdfast, external",
      "as in `scaling: external`",
    ],
    [
      "keys of an EC2 pool",
      broken({ subnets: ["subnet-0123456789abcdef0"] }),
      `${AT}.subnets`,
      "is for `kind: ec2`",
      "remove it, or use `kind: ec2`",
    ],
    [
      "an image",
      broken({ image: "ami-0123456789abcdef0" }),
      `${AT}.image`,
      "is for `kind: ec2`",
      "remove it, or use `kind: ec2`",
    ],
    [
      "a folder",
      broken({ workDirectory: "./machines" }),
      `${AT}.workDirectory`,
      "is for `kind: process`",
      "remove it: an instance has a disk of its own",
    ],
    [
      "a runner to fetch",
      broken(
        {},
        {
          runner: {
            directory: "/opt/runner",
            download: { url: "https://a.test/r.tgz", sha256: "ab".repeat(32), version: "2.336.0" },
          },
        },
      ),
      "pools[0].runner.download",
      "is for `kind: ec2`",
      "remove it: the runner is in the group's image",
    ],
    [
      "a runner beside the configuration",
      broken({}, { runner: { directory: "runner" } }),
      "pools[0].runner.directory",
      "is a folder of the machine's own, so it begins with `/`",
      "as in `directory: /opt/actions-runner`",
    ],
    [
      "machines kept stopped",
      broken({}, { warm: { stopped: 1 } }),
      "pools[0].warm.stopped",
      "needs a provider that can stop a machine and start it again",
      "remove it: a group has a warm pool of its own",
    ],
    [
      "machines kept warm in a group that others size",
      broken({ scaling: "external" }, { warm: { parked: 1 } }),
      "pools[0].warm.parked",
      "asks for machines that nobody here starts: the group is sized by others",
      "remove it, or use `provider.scaling: holdfast`",
    ],
  ];
  itTellsOf(rows);

  it.each(["group", "scaling", "autoScalingEndpoint"])(
    "is told of %s in a pool that is of another kind",
    async (key) => {
      const config = soundConfig();
      const value = key === "autoScalingEndpoint" ? "https://a.test" : key === "scaling" ? "holdfast" : "ci";
      config.pools[0].provider = { kind: "process", workDirectory: "./machines", [key]: value };
      const failure = await failureIn(makeFolder(), config);
      expect(failure.problems).toContainEqual(
        expect.objectContaining({ path: `${AT}.${key}`, problem: "is for `kind: asg`" }),
      );
    },
  );
});
