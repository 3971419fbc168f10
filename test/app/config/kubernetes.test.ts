import { describe, expect, it } from "vitest";
import { readStoredPool, writeStoredPool } from "../../../src/app/config/stored-pools.ts";
import { failureIn, makeFolder, readIn, soundConfig, type Written } from "./config-folder.ts";

const IMAGE = "ghcr.io/actions/actions-runner:2.336.0";

function podConfig(provider: object = {}): Written {
  const config = soundConfig();
  config.pools[0].runner = { directory: "/home/runner" };
  config.pools[0].provider = { kind: "kubernetes", namespace: "runners", image: IMAGE, ...provider };
  return config;
}

/** Makes the sound configuration one of a pool of pods, and then breaks that. */
function broken(provider: object, runner: object = {}): (config: Written) => void {
  return (config) => {
    config.pools[0].provider = podConfig(provider).pools[0].provider;
    config.pools[0].runner = { directory: "/home/runner", ...runner };
  };
}

const SMALLEST = {
  kind: "kubernetes",
  access: { kind: "in-cluster" },
  namespace: "runners",
  image: IMAGE,
  resources: { requests: {}, limits: {} },
  nodeSelector: {},
  tolerations: [],
  serviceAccount: null,
  longestJobSeconds: 21_600,
  template: {},
};

const WHOLE = {
  access: { kind: "kubeconfig", file: "github-token", context: "ci" },
  resources: { requests: { cpu: 2, memory: "4Gi" }, limits: { memory: "4Gi" } },
  nodeSelector: { pool: "ci" },
  tolerations: [{ key: "ci", operator: "Exists" }],
  serviceAccount: "runner",
  longestJob: "2h",
  template: { metadata: { labels: { team: "platform" } }, spec: { priorityClassName: "ci" } },
};

describe("a pool of pods", () => {
  it("takes the least there is", async () => {
    const folder = makeFolder();
    const written = podConfig();
    // GitHub's own image has the runner where everybody expects it.
    written.pools[0].runner = undefined;
    const config = await readIn(folder, written);
    expect(config.pools[0]?.provider).toEqual(SMALLEST);
    expect(config.pools[0]?.runner.directory).toBe("/home/runner");
  });

  it("takes all there is, with its paths absolute, and is the same after it was stored", async () => {
    const folder = makeFolder();
    const [pool] = (await readIn(folder, podConfig(WHOLE))).pools;
    if (pool === undefined) throw new Error("there is a pool");
    expect(pool.provider).toMatchObject({
      access: { kind: "kubeconfig", file: `${folder}/github-token`, context: "ci" },
      resources: { requests: { cpu: "2", memory: "4Gi" } },
      tolerations: [{ key: "ci", operator: "Exists" }],
      longestJobSeconds: 7_200,
      template: { spec: { priorityClassName: "ci" } },
    });
    const { name, settingsHash } = pool.policy;
    const row = { pool: name, settingsHash, isCurrent: true, storedAtMs: 0, leftAtMs: null };
    expect(readStoredPool({ ...row, settings: writeStoredPool(pool) })).toEqual(pool);
  });

  it("is made from other settings where the cluster is another: its pods are elsewhere", async () => {
    const folder = makeFolder();
    const hashes = new Set<string | undefined>();
    for (const changes of [{}, { namespace: "others" }, { access: WHOLE.access }, { image: "other:1" }])
      hashes.add((await readIn(folder, podConfig(changes))).pools[0]?.policy.settingsHash);
    expect(hashes.size).toBe(4);
  });

  it("keeps none stopped", async () => {
    const config = podConfig();
    config.pools[0].warm = { stopped: 1 };
    const { problems } = await failureIn(makeFolder(), config);
    expect(problems).toMatchObject([{ path: "pools[0].warm.stopped" }]);
  });
});

const IN = "pools[0].provider";

/** What the problem and its mend have in them. */
type Row = readonly [name: string, breakIt: (config: Written) => void, path: string, problem: string, mend: string];

const ROWS: readonly Row[] = [
  ["no namespace", broken({ namespace: undefined }), `${IN}.namespace`, "is missing", "namespace: runners"],
  [
    "a namespace that is none",
    broken({ namespace: "Runners!" }),
    `${IN}.namespace`,
    "must be the name of a namespace",
    "namespace: runners",
  ],
  ["no image", broken({ image: undefined }), `${IN}.image`, "is missing", "actions-runner"],
  [
    "EC2's keys",
    broken({ subnets: ["subnet-0123456789abcdef0"] }),
    `${IN}.subnets`,
    "is for `kind: ec2`",
    "remove it, or use `kind: ec2`",
  ],
  ["a process' key", broken({ workDirectory: "./m" }), `${IN}.workDirectory`, "is for `kind: process`", "volume"],
  [
    "a kubeconfig without a file",
    broken({ access: { kind: "kubeconfig" } }),
    `${IN}.access.file`,
    "is missing",
    "file: ./kubeconfig",
  ],
  [
    "a token's key with a kubeconfig",
    broken({ access: { kind: "in-cluster", server: "https://10.0.0.1" } }),
    `${IN}.access.server`,
    "is for `kind: token`",
    "remove it",
  ],
  [
    "a kubeconfig that is not there",
    broken({ access: { kind: "kubeconfig", file: "nowhere" } }),
    `${IN}.access.file`,
    "cannot be read: there is none",
    "kubectl config view",
  ],
  [
    "a quantity that is none",
    broken({ resources: { requests: { cpu: "lots" } } }),
    `${IN}.resources.requests.cpu`,
    "quantity",
    "cpu: ",
  ],
  [
    "a template that sets what is ours",
    broken({ template: { spec: { restartPolicy: "Always" } } }),
    `${IN}.template.spec.restartPolicy`,
    "is Holdfast's",
    "remove it",
  ],
  [
    "a template that starts something else in the runner's container",
    broken({ template: { spec: { containers: [{ name: "runner", command: ["bash"] }] } } }),
    `${IN}.template.spec.containers[0].command`,
    "is Holdfast's",
    "remove it",
  ],
  [
    "a template with a mark of ours",
    broken({ template: { metadata: { labels: { "holdfast/pool": "x" } } } }),
    `${IN}.template.metadata.labels.holdfast/pool`,
    "own mark",
    "remove it",
  ],
  [
    "a longest job of a month",
    broken({ longestJob: "30d" }),
    `${IN}.longestJob`,
    "must be a duration",
    "longestJob: 6h",
  ],
  [
    "a folder of this computer",
    broken({}, { directory: "./runner" }),
    "pools[0].runner.directory",
    "of the image's own",
    "directory: /home/runner",
  ],
  ["a user", broken({}, { user: "runner" }), "pools[0].runner.user", "is for `kind: ec2`", "securityContext"],
];

describe("a broken pool of pods", () => {
  it.each(ROWS)("%s", async (_name, breakIt, path, problem, mend) => {
    const config = soundConfig();
    breakIt(config);
    const { problems } = await failureIn(makeFolder(), config);
    const told = {
      path,
      problem: expect.stringContaining(problem) as unknown,
      mend: expect.stringContaining(mend) as unknown,
    };
    expect(problems).toEqual([told]);
  });
});
