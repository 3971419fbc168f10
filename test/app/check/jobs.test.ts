import { describe, expect, it } from "vitest";
import { tellOnce } from "../../../src/app/check/installations.ts";
import { judgeJobs, lookAtJobs, REPOSITORY_COUNT_MAX } from "../../../src/app/check/jobs.ts";
import { judgeOverlaps } from "../../../src/app/check/overlaps.ts";
import { GitHubError } from "../../../src/domain/errors.ts";
import type { PoolScope } from "../../../src/domain/pool.ts";
import { app, openJob, policy, pool, subject } from "./subject-builder.ts";

const place = { area: "jobs main", path: "pools" };
const NOTHING_TOLD = tellOnce(app(), []);

function judge(jobs: Parameters<typeof judgeJobs>[0], ...pools: Parameters<typeof policy>[0][]) {
  return judgeJobs(jobs, pools.map(policy), { place, readCount: 2, isCut: false });
}

describe("what open jobs ask for", () => {
  it.each([
    ["nothing", [], "no job waits for a runner, in 2 repositories"],
    [
      "a pool's labels, whatever their capitals",
      [openJob(["Self-Hosted", "LINUX"])],
      "1 job waits for a pool that takes it, in 2 repositories",
    ],
    ["what GitHub itself offers", [openJob(["ubuntu-latest"])], "no job waits for a runner, in 2 repositories"],
    [
      "what nobody has, but runs already",
      [openJob(["self-hosted", "gpu"], { status: "in_progress" })],
      "no job waits for a runner, in 2 repositories",
    ],
  ])("is met: %s", (_name, jobs, finding) => {
    expect(judge(jobs, {})).toMatchObject([{ severity: "ok", finding }]);
  });

  it("is told by the labels and by the pool that is nearest", () => {
    const jobs = [
      openJob(["self-hosted", "linux", "gpu"]),
      openJob(["gpu", "linux", "self-hosted"], { repository: "acme/gears" }),
    ];
    const [finding, ...others] = judge(jobs, {}, { name: "mac", labels: ["self-hosted", "macos"] });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      severity: "warning",
      finding: "2 jobs of acme/widgets, acme/gears ask for [self-hosted, linux, gpu], which no pool takes",
    });
    expect(finding?.mend).toMatch(/^The nearest pool, linux, lacks gpu:/);
  });

  it.each([
    ["no pool has the repository", {}, { repository: "other/gears" }, /^No pool has other\/gears in its scope/],
    [
      "a required label is not named",
      { labels: ["self-hosted", "gpu", "big"], requiredLabels: ["big"] },
      {},
      /takes only jobs that name big too/,
    ],
    [
      "the repository is not accepted",
      { labels: ["self-hosted", "gpu"], acceptRepositories: ["acme/gears"] },
      {},
      /`accept\.repositories`/,
    ],
  ] as const)("is told with its reason: %s", (_name, given, job, mend) => {
    expect(judge([openJob(["self-hosted", "gpu"], job)], given)[0]?.mend).toMatch(mend);
  });

  it("is told for a few sets of labels, and the rest by their number", () => {
    const jobs = Array.from({ length: 12 }, (_, index) => openJob(["self-hosted", `label-${index}`]));
    const findings = judge(jobs, {});
    expect(findings).toHaveLength(9);
    expect(findings.at(-1)?.finding).toBe("4 more sets of labels are offered by no pool");
  });
});

describe("reading the open jobs", () => {
  it("reads named repositories first, and no more than the limit", async () => {
    const read: string[] = [];
    const github = {
      listRepositories: async () => Array.from({ length: 50 }, (_, index) => `acme/r${index}`),
      listOpenJobs: async (repository: string) => {
        read.push(repository);
        return [];
      },
    };
    const scope: PoolScope = { kind: "repositories", repositories: ["acme/*", "acme/widgets"] };
    const findings = await lookAtJobs(subject({ github }), [pool({ scope })], NOTHING_TOLD);
    expect(read).toHaveLength(REPOSITORY_COUNT_MAX);
    expect(read[0]).toBe("acme/widgets");
    expect(findings).toMatchObject([
      { finding: `no job waits for a runner, in the first ${REPOSITORY_COUNT_MAX} repositories` },
    ]);
  });

  const refusing = {
    listRepositories: async () => ["acme/widgets", "acme/gears"],
    listOpenJobs: async (repository: string) => {
      if (repository === "acme/gears") throw new GitHubError("github-forbidden", "listing the runs of acme/gears");
      return [];
    },
  };

  it("goes on past a repository that cannot be read, and tells it", async () => {
    const findings = await lookAtJobs(subject({ github: refusing }), [pool()], NOTHING_TOLD);
    expect(findings.map(({ severity }) => severity)).toEqual(["ok", "warning"]);
    expect(findings[1]?.finding).toMatch(/acme\/gears could not be read \(github-forbidden\)/);
  });

  it("does not tell it again where the permission is known to be missing", async () => {
    const told = tellOnce(app(), [{ account: null, permission: "actions" }]);
    expect(await lookAtJobs(subject({ github: refusing }), [pool()], told)).toHaveLength(1);
  });

  it("asks for everything that is reached, for an enterprise", async () => {
    const owners: (string | null)[] = [];
    const github = {
      listRepositories: async (owner: string | null) => {
        owners.push(owner);
        return ["acme/widgets"];
      },
    };
    const scope: PoolScope = { kind: "enterprise", enterprise: "acme" };
    await lookAtJobs(subject({ github }), [pool({ scope })], NOTHING_TOLD);
    expect(owners).toEqual([null]);
  });
});

describe("pools whose runners GitHub cannot tell apart", () => {
  const narrow = pool({ name: "narrow", labels: ["self-hosted", "linux"] }, 0);
  const wide = (given: Parameters<typeof pool>[0]) =>
    pool({ name: "wide", labels: ["Linux", "self-hosted", "gpu"], ...given }, 1);

  it("are told where one offers all that the other does", () => {
    const findings = judgeOverlaps([narrow, wide({})]);
    expect(findings).toMatchObject([{ severity: "warning", area: "pool wide", path: "pools[1].labels" }]);
    expect(findings[0]?.finding).toMatch(/every label of pool narrow/);
  });

  it("are told once where both offer the same", () => {
    expect(judgeOverlaps([narrow, wide({ labels: ["linux", "self-hosted"] })])).toHaveLength(1);
  });

  it.each([
    ["of another priority", { priority: 1 }],
    ["of another organization", { scope: { kind: "organization", organization: "other" } }],
    ["of repositories", { scope: { kind: "repositories", repositories: ["acme/widgets"] } }],
    ["with a label less", { labels: ["self-hosted", "gpu"] }],
  ] as const)("are not %s", (_name, given) => {
    expect(judgeOverlaps([narrow, wide(given)])).toEqual([]);
  });
});
