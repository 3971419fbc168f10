import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { type CheckParts, systemParts } from "../../../src/app/check/everything.ts";
import { runCheck } from "../../../src/app/commands/check.ts";
import { GitHubError } from "../../../src/domain/errors.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import { createRunnerFolder } from "../../../src/simulator/runner/folder.ts";
import {
  type Answers,
  app,
  connectionOf,
  delivery,
  hook,
  NOW_MS,
  openJob,
  standingClock,
  token,
} from "../check/subject-builder.ts";
import { makeFolder, SECRETS, soundConfig } from "../config/config-folder.ts";
import { openScreen } from "./screen.ts";

/** @returns the path of a new configuration with its secrets and a runner beside it. */
function write(config: Record<string, unknown>): string {
  const folder = makeFolder();
  createRunnerFolder(join(folder, "runner"));
  const [first, ...others] = config.pools as Record<string, unknown>[];
  const provider = { kind: "process", workDirectory: "./machines" };
  const pools = [{ ...first, runner: { directory: "./runner" }, provider }, ...others];
  const path = join(folder, "holdfast.yaml");
  writeFileSync(path, stringify({ urls: "https://holdfast.acme.com", ...config, pools }));
  return path;
}

const broken = () => ({ ...soundConfig(), controllerId: "Not A Name", polls: [] });

/** The computer's own provider, and a GitHub that answers what the test says. */
function partsWith(answers: Partial<Answers> = {}): CheckParts {
  const budgets = [
    {
      account: "token",
      primary: { limit: 5_000, remaining: 4_990, resetsAtMs: NOW_MS + 42 * MINUTE_MS },
      pointCount: 12,
      blockedUntilMs: null,
      ticketCount: 0,
    },
  ];
  const sound = { access: { describe: async () => token(["admin:org", "repo"]), clockDifferenceMs: () => 0 }, budgets };
  const deprecation = {
    kind: "present",
    value: { registrationEndsAtMs: null, runtimeEndsAtMs: null },
    observedAtMs: 0,
  };
  const github = { readDeprecation: async () => deprecation as never, ...answers.github };
  return {
    ...systemParts(standingClock(), {}),
    connect: async () => connectionOf({ ...sound, ...answers, github }),
  };
}

/** Several things wrong at once, as on a first try. */
const TROUBLED: Partial<Answers> = {
  access: { describe: async () => app({ permissions: { actions: "read" } }), clockDifferenceMs: () => 95_000 },
  hooks: {
    findHooks: async () => [hook({ contentType: "form" })],
    listDeliveries: async () => [delivery(401), delivery(401, HOUR_MS)],
  },
  github: { listOpenJobs: async () => [openJob(["self-hosted", "linux", "gpu-a100-80gb"])] },
};

describe("a sound configuration", () => {
  it.each([80, 120])("is shown as it was understood and found, at %i columns", async (columns) => {
    const io = openScreen({ columns });
    const path = write(soundConfig());
    expect(await runCheck(path, {}, io, partsWith())).toBe(0);
    const folder = path.slice(0, path.lastIndexOf("/"));
    await expect(io.out().replaceAll(folder, "FOLDER")).toMatchFileSnapshot(`golden/check-${columns}.txt`);
  });

  it("shows no secret, neither when all is well nor in trouble", async () => {
    const io = openScreen();
    await runCheck(write(soundConfig()), {}, io, partsWith());
    await runCheck(write(soundConfig()), {}, io, partsWith(TROUBLED));
    await runCheck(write(soundConfig()), { json: true }, io, partsWith(TROUBLED));
    for (const secret of Object.values(SECRETS)) expect(io.out()).not.toContain(secret.trim());
  });

  it("is told as JSON", async () => {
    const io = openScreen();
    const path = write(soundConfig());
    expect(await runCheck(path, { json: true }, io, partsWith())).toBe(0);
    const told = JSON.parse(io.out());
    expect(told).toMatchObject({ file: path, problems: [] });
    const finding = { severity: "ok", area: "pool linux", path: "pools[0].provider", code: null, mend: "" };
    expect(told.findings).toContainEqual({ ...finding, finding: "its provider, process, could launch here" });
  });

  it("is not asked about at GitHub with --offline", async () => {
    const io = openScreen();
    const connect = () => Promise.reject(new Error("asked all the same"));
    expect(await runCheck(write(soundConfig()), { offline: true }, io, { ...partsWith(), connect })).toBe(0);
    expect(io.out()).toMatch(/GitHub was not asked/);
    expect(io.out()).toMatch(/✓ runner \d/);
  });

  it("asks GitHub once for what several looks want to know", async () => {
    const asked: (string | null)[] = [];
    const listRepositories = async (owner: string | null) => {
      asked.push(owner);
      return ["acme/widgets"];
    };
    const { pools, ...rest } = soundConfig();
    const path = write({ ...rest, pools: [{ ...pools[0], scope: { repositories: ["acme/*"] } }] });
    expect(await runCheck(path, {}, openScreen(), partsWith({ github: { listRepositories } }))).toBe(0);
    expect(asked).toEqual(["acme"]);
  });

  it("is told the same refusal once for each area", async () => {
    const listRepositories = async () => {
      throw new GitHubError("github-unavailable", "listing the repositories of acme");
    };
    const { pools, ...rest } = soundConfig();
    const path = write({ ...rest, pools: [{ ...pools[0], scope: { repositories: ["acme/*"] } }] });
    const io = openScreen();
    await runCheck(path, { json: true }, io, partsWith({ github: { listRepositories } }));
    const warned = JSON.parse(io.out()).findings.filter(({ severity }: { severity: string }) => severity === "warning");
    expect(warned.map(({ area }: { area: string }) => area)).toEqual(["jobs main", "pool linux"]);
  });

  it("warns of a connection that no pool uses", async () => {
    const io = openScreen();
    const { github } = soundConfig();
    const spare = { token: { file: "alice-token" }, webhookSecretFiles: ["old-webhook-secret"] };
    const path = write({ ...soundConfig(), github: { ...github, spare } });
    expect(await runCheck(path, {}, io, partsWith())).toBe(0);
    expect(io.out()).toMatch(/connection spare\n(.*\n)*? {2}! no pool uses this connection/);
  });
});

describe("the IAM policy", () => {
  const ec2 = {
    kind: "ec2",
    region: "eu-central-1",
    subnets: ["subnet-0123456789abcdef0"],
    securityGroups: ["sg-0123456789abcdef0"],
    instanceTypes: ["m7i.large"],
    image: "ami-0123456789abcdef0",
    identityCertificateFile: "cert.pem",
  };

  it("is printed alone, so that it can be given to IAM as it is", async () => {
    const { pools, ...rest } = soundConfig();
    const path = join(makeFolder(), "holdfast.yaml");
    const urls = "https://holdfast.acme.com";
    const both = [
      { ...pools[0], provider: ec2 },
      { ...pools[0], name: "other" },
    ];
    writeFileSync(path, stringify({ ...rest, urls, pools: both }));
    const io = openScreen();
    expect(await runCheck(path, { iam: true }, io, partsWith())).toBe(0);
    expect(Object.keys(JSON.parse(io.out()))).toEqual(["Version", "Statement"]);
    expect(io.out()).toContain(ec2.subnets[0]);
  });

  it("is of groups too, and of nothing else where there are only groups", async () => {
    const { pools, ...rest } = soundConfig();
    const path = join(makeFolder(), "holdfast.yaml");
    const asg = { kind: "asg", region: "eu-central-1", group: "ci-runners", identityCertificateFile: "cert.pem" };
    const printed = async (providers: readonly object[]) => {
      const named = providers.map((provider, index) => ({ ...pools[0], name: `pool-${index}`, provider }));
      writeFileSync(path, stringify({ ...rest, urls: "https://holdfast.acme.com", pools: named }));
      const io = openScreen();
      expect(await runCheck(path, { iam: true }, io, partsWith())).toBe(0);
      return io.out();
    };
    const alone = await printed([asg]);
    expect(alone).toContain("autoScalingGroupName/ci-runners");
    expect(alone).not.toContain("ec2:RunInstances");
    const both: { readonly Statement: readonly { readonly Sid: string }[] } = JSON.parse(await printed([asg, ec2]));
    const sids = both.Statement.map(({ Sid }) => Sid);
    expect(new Set(sids).size).toBe(sids.length);
    expect(sids).toEqual(expect.arrayContaining(["HoldAndEndMembers", "StartWithOurTag"]));
  });

  it("is not there where no pool needs one", async () => {
    const io = openScreen();
    expect(await runCheck(write(soundConfig()), { iam: true }, io, partsWith())).toBe(2);
    expect(io.out()).toBe("");
    expect(io.err()).toMatch(/is of kind ec2/);
  });
});

describe("the roles of pools of pods", () => {
  it("are printed alone, so that they can be applied as they are", async () => {
    const { pools, ...rest } = soundConfig();
    const path = join(makeFolder(), "holdfast.yaml");
    const provider = { kind: "kubernetes", namespace: "runners", image: "ghcr.io/actions/actions-runner:2.336.0" };
    const pods = { ...pools[0], runner: { directory: "/home/runner" }, provider };
    writeFileSync(path, stringify({ ...rest, urls: "https://holdfast.acme.com", pools: [pods] }));
    const io = openScreen();
    expect(await runCheck(path, { rbac: true }, io, partsWith())).toBe(0);
    const roles = parseAllDocuments(io.out()).map((role) => role.toJS() as { readonly kind: string });
    expect(roles.map(({ kind }) => kind)).toEqual(["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]);
  });

  it("are not there where no pool needs any", async () => {
    const io = openScreen();
    expect(await runCheck(write(soundConfig()), { rbac: true }, io, partsWith())).toBe(2);
    expect(io.err()).toMatch(/is of kind kubernetes/);
  });
});

describe("trouble at GitHub", () => {
  it.each([80, 120])("is told by area, each with what to do, at %i columns", async (columns) => {
    const io = openScreen({ columns });
    const path = write(soundConfig());
    expect(await runCheck(path, {}, io, partsWith(TROUBLED))).toBe(1);
    const folder = path.slice(0, path.lastIndexOf("/"));
    await expect(io.out().replaceAll(folder, "FOLDER")).toMatchFileSnapshot(`golden/check-trouble-${columns}.txt`);
    for (const line of io.out().replaceAll(folder, "FOLDER").split("\n"))
      expect(line.length).toBeLessThanOrEqual(columns);
  });

  it("is told in words, a line for each, where nobody looks", async () => {
    const io = openScreen({ isTTY: false });
    await runCheck(write(soundConfig()), {}, io, partsWith(TROUBLED));
    expect(io.out()).toMatch(/^ {2}error {3}the App holdfast-ci lacks the permission .*$/m);
    expect(io.out()).toMatch(/^ {2}warning this computer's clock is 1m 35s behind GitHub's$/m);
    expect(io.out()).not.toMatch(/[✓✗]/);
  });

  it("is an error where the credentials cannot be any", async () => {
    const io = openScreen();
    const connect = async () => {
      throw new GitHubError("github-unauthorized", "using the token of a connection: it holds more than a token");
    };
    expect(await runCheck(write(soundConfig()), {}, io, { ...partsWith(), connect })).toBe(1);
    expect(io.out()).toMatch(/✗ GitHub refused the token/);
    expect(io.out()).toMatch(/✓ its provider, process, could launch here/);
  });
});

describe("a pool that could not launch here", () => {
  it("is a problem that keeps the controller from starting, and hides nothing of GitHub", async () => {
    const io = openScreen();
    const path = write(soundConfig());
    rmSync(join(path, "..", "runner", "bin"), { recursive: true });
    expect(await runCheck(path, { json: true }, io, partsWith())).toBe(2);
    const { findings, problems } = JSON.parse(io.out());
    expect(problems).toMatchObject([{ path: "pools[0].runner.directory", problem: expect.any(String) }]);
    const place = {
      severity: "error",
      area: "pool linux",
      path: "pools[0].runner.directory",
      code: "provider-invalid",
    };
    expect(findings).toContainEqual(expect.objectContaining(place));
    expect(findings).toContainEqual(expect.objectContaining({ severity: "ok", area: "webhook main" }));
  });
});

describe("a broken configuration", () => {
  it("is told problem by problem, with exit code 2", async () => {
    const io = openScreen();
    expect(await runCheck(write(broken()), {}, io)).toBe(2);
    expect(io.out()).toMatch(/holdfast\.yaml: 2 problems/);
    expect(io.out()).toMatch(/controllerId/);
    expect(io.out()).toMatch(/-> did you mean `pools`\?/);
  });

  it("is told as JSON", async () => {
    const io = openScreen();
    expect(await runCheck(write(broken()), { json: true }, io)).toBe(2);
    const { problems, findings } = JSON.parse(io.out());
    expect(problems).toHaveLength(2);
    expect(problems[0]).toEqual({ path: expect.any(String), problem: expect.any(String), mend: expect.any(String) });
    expect(findings).toEqual([]);
  });

  it("may not be there at all", async () => {
    const io = openScreen();
    expect(await runCheck("nowhere.yaml", {}, io)).toBe(2);
    expect(io.out()).toMatch(/cannot be read/);
  });
});

describe("a collector of traces", () => {
  const traced = () => write({ ...soundConfig(), telemetry: { traces: { endpoint: "http://127.0.0.1:4318" } } });

  it("is tried, and said to take spans", async () => {
    const io = openScreen();
    const parts = { ...partsWith(), tryCollector: async () => null };
    expect(await runCheck(traced(), {}, io, parts)).toBe(0);
    expect(io.out()).toContain("the collector at http://127.0.0.1:4318/v1/traces takes spans");
  });

  it("is a warning where it takes none: jobs need no traces", async () => {
    const io = openScreen();
    const parts = { ...partsWith(), tryCollector: async () => "it answered 401" };
    expect(await runCheck(traced(), { json: true }, io, parts)).toBe(0);
    expect(JSON.parse(io.out()).findings).toContainEqual(
      expect.objectContaining({
        severity: "warning",
        area: "traces",
        path: "telemetry.traces",
        finding: "the collector at http://127.0.0.1:4318/v1/traces took no spans: it answered 401",
      }),
    );
  });
});
