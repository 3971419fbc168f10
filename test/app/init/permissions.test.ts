import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  asGrants,
  classicScopesFor,
  describePermission,
  needsClassicToken,
  permissionsFor,
} from "../../../src/app/init/permissions.ts";
import type { PoolScope } from "../../../src/domain/pool.ts";

const organization: PoolScope = { kind: "organization", organization: "acme" };
const repositories: PoolScope = { kind: "repositories", repositories: ["acme/widgets"] };
const enterprise: PoolScope = { kind: "enterprise", enterprise: "acme" };
const READING = { actions: "read", metadata: "read" };

describe("what an App needs", () => {
  it.each([
    ["an organization", [organization], { organization_self_hosted_runners: "write", ...READING }],
    ["repositories", [repositories], { administration: "write", ...READING }],
    [
      "both",
      [repositories, organization],
      { organization_self_hosted_runners: "write", administration: "write", ...READING },
    ],
    ["an enterprise, whose runners no App gets", [enterprise], READING],
  ])("for %s", (_, scopes, grants) => {
    expect(asGrants(permissionsFor(scopes))).toEqual(grants);
  });

  it("and to write Actions only where lost jobs run again", () => {
    expect(asGrants(permissionsFor([organization], { runsJobsAgain: true }))).toMatchObject({ actions: "write" });
    const guide = readFileSync(new URL("../../../docs/guide/github.md", import.meta.url), "utf8");
    expect(guide).toMatch(/`rerun\.lostJobs`.*\*Repository: Actions\*, read and write/s);
  });

  it("stands in the guide, each with its level, and nothing else does", () => {
    const guide = readFileSync(new URL("../../../docs/guide/github.md", import.meta.url), "utf8");
    const table = guide.slice(guide.indexOf("| permission |"), guide.indexOf("Subscribe it"));
    const rows = [...table.matchAll(/\| ((?:Organization|Repository): [^|]+) \| ([^|]+) \|/g)];
    const shown = rows.map(([, title, level]) => `${title}, ${level}`);
    expect(shown.toSorted()).toEqual(permissionsFor([organization, repositories]).map(describePermission).toSorted());
  });
});

describe("what a classic token needs", () => {
  it.each([
    ["an organization", organization, ["admin:org", "repo"], false],
    ["repositories", repositories, ["repo"], false],
    ["an enterprise", enterprise, ["manage_runners:enterprise", "repo"], true],
  ])("for %s", (_, scope, scopes, isOnlyWay) => {
    expect(classicScopesFor([scope])).toEqual(scopes);
    expect(needsClassicToken([scope])).toBe(isOnlyWay);
  });
});
