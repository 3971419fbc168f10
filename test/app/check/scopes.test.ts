import { describe, expect, it } from "vitest";
import { judgeInstallations, tellOnce } from "../../../src/app/check/installations.ts";
import { lookAtReach } from "../../../src/app/check/reach.ts";
import { judgeRunnerGroup, lookAtRunnerGroup } from "../../../src/app/check/runner-groups.ts";
import { GitHubError, type GitHubErrorCode } from "../../../src/domain/errors.ts";
import type { PoolScope, RegistrationScope } from "../../../src/domain/pool.ts";
import { scopeKey } from "../../../src/domain/pool.ts";
import { app, connectionConfig, installation, NOW_MS, pool, subject, token } from "./subject-builder.ts";

const NOTHING_TOLD = tellOnce(token(null), []);

function repositories(...names: readonly string[]): PoolScope {
  return { kind: "repositories", repositories: names };
}

/** A GitHub that refuses to show the runners of some scopes. */
function refusing(code: GitHubErrorCode, ...keys: readonly string[]) {
  const tried: string[] = [];
  const findRunner = async (scope: RegistrationScope) => {
    tried.push(scopeKey(scope));
    return keys.includes(scopeKey(scope))
      ? ({ kind: "unknown", code, observedAtMs: NOW_MS } as const)
      : ({ kind: "absent", observedAtMs: NOW_MS } as const);
  };
  return { tried, github: { findRunner } };
}

describe("where the App is installed", () => {
  it.each([
    [
      "in the pool's organization, whatever its capitals",
      app({ installations: [installation({ account: "ACME" })] }),
      [],
    ],
    [
      "elsewhere",
      app({ installations: [installation({ account: "other" })] }),
      [/not installed in acme: it is installed in other/],
    ],
    ["nowhere", app({ installations: [] }), [/not installed in acme: it is installed nowhere/]],
    [
      "suspended",
      app({ installations: [installation({ isSuspended: true })] }),
      [/installation .* in acme is suspended/],
    ],
    ["a token, which is nowhere installed", token([]), []],
  ])("%s", (_name, access, want) => {
    const findings = judgeInstallations(access, connectionConfig(), [pool()]);
    expect(findings).toHaveLength(want.length);
    for (const [index, text] of want.entries()) {
      expect(findings[index]).toMatchObject({
        severity: "error",
        area: "pool linux",
        path: "pools[0].scope.organization",
      });
      expect(findings[index]?.finding).toMatch(text);
      expect(findings[index]?.mend).not.toBe("");
    }
  });

  it("is told once for each owner of a pool of repositories", () => {
    const scope = repositories("acme/a", "acme/b", "other/c");
    const findings = judgeInstallations(app(), connectionConfig(), [pool({ scope })]);
    expect(findings.map(({ path }) => path)).toEqual(["pools[0].scope.repositories[2]"]);
  });
});

describe("the scopes of a pool", () => {
  it("are sound where their runners can be read", async () => {
    const findings = await lookAtReach(subject(), app(), pool(), NOTHING_TOLD);
    expect(findings).toMatchObject([{ severity: "ok", finding: "its runners can be read: the organization acme" }]);
  });

  it.each([
    ["github-not-found", "error", /the organization acme cannot be found: it is misspelt/],
    ["github-forbidden", "error", /reading the runners of the organization acme is not permitted/],
    ["github-unavailable", "warning", /could not be looked at/],
    ["github-budget", "warning", /held back/],
  ] as const)("are told where GitHub refuses: %s", async (code, severity, text) => {
    const { github } = refusing(code, "acme");
    const [finding] = await lookAtReach(subject({ github }), token(null), pool(), NOTHING_TOLD);
    expect(finding).toMatchObject({ severity, code, path: "pools[0].scope.organization" });
    expect(finding?.finding).toMatch(text);
  });

  it("are not told twice where the permission is known to be missing", async () => {
    const { github } = refusing("github-forbidden", "acme");
    const told = tellOnce(app(), [{ account: "acme", permission: "organization_self_hosted_runners" }]);
    expect(await lookAtReach(subject({ github }), app(), pool(), told)).toEqual([]);
    const another = tellOnce(app(), [{ account: "acme", permission: "actions" }]);
    expect(await lookAtReach(subject({ github }), app(), pool(), another)).toHaveLength(1);
  });

  it("name each repository that cannot be found beside those that can", async () => {
    const { github } = refusing("github-not-found", "acme/b");
    const scope = repositories("acme/a", "acme/b");
    const findings = await lookAtReach(subject({ github }), token(null), pool({ scope }), NOTHING_TOLD);
    expect(findings).toMatchObject([
      { severity: "ok", finding: expect.stringMatching(/acme\/a$/) },
      { severity: "error", path: "pools[0].scope.repositories[1]" },
    ]);
  });

  it("name a repository that the App's owner did not select, and ask no more about it", async () => {
    const { github, tried } = refusing("github-not-found", "acme/gears");
    const access = app({ installations: [installation({ repositorySelection: "selected" })] });
    const scope = repositories("acme/widgets", "acme/gears");
    const findings = await lookAtReach(subject({ github }), access, pool({ scope }), tellOnce(access, []));
    expect(findings).toMatchObject([
      { severity: "ok" },
      {
        severity: "error",
        path: "pools[0].scope.repositories[1]",
        finding: expect.stringMatching(/acme\/gears is not among them/),
      },
    ]);
    expect(tried).toEqual(["acme/widgets"]);
  });

  it("stand for all repositories of an owner by one of them", async () => {
    const { github, tried } = refusing("github-not-found");
    const listed = { ...github, listRepositories: async () => ["acme/widgets", "acme/gears"] };
    await lookAtReach(subject({ github: listed }), app(), pool({ scope: repositories("acme/*") }), NOTHING_TOLD);
    expect(tried).toEqual(["acme/widgets"]);
  });

  it("are left out where the App is not installed", async () => {
    const { github, tried } = refusing("github-not-installed");
    const scope = repositories("acme/widgets", "other/gears", "other/*");
    await lookAtReach(subject({ github }), app(), pool({ scope }), tellOnce(app(), []));
    expect(tried).toEqual(["acme/widgets"]);
  });
});

describe("the runner group", () => {
  const groups = [
    { name: "Default", allowsPublicRepositories: false },
    { name: "gpu", allowsPublicRepositories: true },
  ];

  it.each([
    ["is there", "GPU", "ok", /^runner group "gpu"$/],
    ["keeps public repositories out", "default", "ok", /takes no jobs of public repositories/],
    ["is not there", "gpus", "error", /no runner group "gpus" in the organization acme; there are: "Default", "gpu"/],
  ])("%s", (_name, runnerGroup, severity, text) => {
    const finding = judgeRunnerGroup(groups, pool({ runnerGroup }), "the organization acme");
    expect(finding).toMatchObject({ severity, path: "pools[0].runnerGroup" });
    expect(finding.finding).toMatch(text);
  });

  const forbidden = {
    listRunnerGroups: async () => {
      throw new GitHubError("github-forbidden", "listing the runner groups of /orgs/acme");
    },
  };

  it("named Default needs no list", async () => {
    expect(await lookAtRunnerGroup(subject({ access: forbidden }), pool(), NOTHING_TOLD)).toEqual([]);
  });

  it("of another name does", async () => {
    const looked = lookAtRunnerGroup(subject({ access: forbidden }), pool({ runnerGroup: "gpu" }), NOTHING_TOLD);
    await expect(looked).rejects.toThrow(/listing the runner groups/);
  });

  it("is no matter of repositories", async () => {
    expect(await lookAtRunnerGroup(subject(), pool({ scope: repositories("acme/a") }), NOTHING_TOLD)).toEqual([]);
  });
});
