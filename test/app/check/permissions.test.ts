import { describe, expect, it } from "vitest";
import { judgePermissions } from "../../../src/app/check/permissions.ts";
import type { PoolScope } from "../../../src/domain/pool.ts";
import type { Access } from "../../../src/ports/github-access.ts";
import { app, connectionConfig, GRANTED, installation, pool, token } from "./subject-builder.ts";

const ORGANIZATION: PoolScope = { kind: "organization", organization: "acme" };
const REPOSITORIES: PoolScope = { kind: "repositories", repositories: ["acme/widgets"] };
const ENTERPRISE: PoolScope = { kind: "enterprise", enterprise: "acme" };

const { organization_self_hosted_runners: _runners, ...WITHOUT_RUNNERS } = GRANTED;
const { administration: _administration, ...WITHOUT_ADMINISTRATION } = GRANTED;

interface Row {
  readonly name: string;
  readonly access: Access;
  readonly scope: PoolScope;
  /** Severity and a part of the text of each finding. */
  readonly want: readonly (readonly [string, RegExp])[];
  readonly mend?: RegExp;
}

const ROWS: readonly Row[] = [
  {
    name: "an App with all of it",
    access: app(),
    scope: ORGANIZATION,
    want: [["ok", /Organization: Self-hosted runners/]],
  },
  {
    name: "an App without the runners of organizations",
    access: app({ permissions: WITHOUT_RUNNERS }),
    scope: ORGANIZATION,
    want: [["error", /lacks the permission Organization: Self-hosted runners, read and write/]],
    mend: /Permissions & events.*accept/,
  },
  {
    name: "an App that may only read the runners",
    access: app({ permissions: { ...GRANTED, organization_self_hosted_runners: "read" } }),
    scope: ORGANIZATION,
    want: [["error", /Organization: Self-hosted runners, read and write/]],
  },
  {
    name: "an App without what only other pools would need",
    access: app({
      permissions: WITHOUT_ADMINISTRATION,
      installations: [installation({ permissions: WITHOUT_ADMINISTRATION })],
    }),
    scope: ORGANIZATION,
    want: [["ok", /it has what its pools need/]],
  },
  {
    name: "an App without Administration, for repositories",
    access: app({ permissions: WITHOUT_ADMINISTRATION }),
    scope: REPOSITORIES,
    want: [["error", /Repository: Administration/]],
  },
  {
    name: "an App that may not read jobs",
    access: app({ permissions: { organization_self_hosted_runners: "write" } }),
    scope: ORGANIZATION,
    want: [["error", /Repository: Actions, read-only/]],
  },
  {
    name: "an owner who granted less than the App asks for",
    access: app({ installations: [installation({ permissions: WITHOUT_RUNNERS })] }),
    scope: ORGANIZATION,
    want: [["error", /^acme has granted the App less than it asks for: Organization: Self-hosted runners/]],
    mend: /owner of acme accept the new permissions/,
  },
  {
    name: "an account that no pool is in",
    access: app({ installations: [installation(), installation({ account: "elsewhere", permissions: {} })] }),
    scope: ORGANIZATION,
    want: [["ok", /./]],
  },
  {
    name: "an App for an enterprise, which no App may have",
    access: app(),
    scope: ENTERPRISE,
    want: [["error", /no App may register runners in an enterprise/]],
    mend: /manage_runners:enterprise/,
  },
  {
    name: "a classic token with all of it",
    access: token(["admin:org", "repo"]),
    scope: ORGANIZATION,
    want: [["ok", /scopes/]],
  },
  {
    name: "a classic token with the narrower scope for runners",
    access: token(["manage_runners:org", "repo"]),
    scope: ORGANIZATION,
    want: [["ok", /scopes/]],
  },
  {
    name: "a classic token that may not register in an organization",
    access: token(["repo"]),
    scope: ORGANIZATION,
    want: [["error", /not the scope admin:org/]],
    mend: /Give the token the scope admin:org/,
  },
  {
    name: "a classic token that reads public repositories only",
    access: token(["admin:org"]),
    scope: ORGANIZATION,
    want: [["warning", /private repositories/]],
  },
  {
    name: "a classic token without repo, for repositories",
    access: token([]),
    scope: REPOSITORIES,
    want: [["error", /scope repo/]],
  },
  {
    name: "a classic token without the enterprise's scope",
    access: token(["repo"]),
    scope: ENTERPRISE,
    want: [["error", /manage_runners:enterprise/]],
  },
  {
    name: "a classic token of the enterprise",
    access: token(["admin:enterprise", "repo"]),
    scope: ENTERPRISE,
    want: [["ok", /./]],
  },
  {
    name: "a fine-grained token",
    access: token(null),
    scope: ORGANIZATION,
    want: [["ok", /reading was tried instead/]],
  },
  {
    name: "a fine-grained token for an enterprise",
    access: token(null),
    scope: ENTERPRISE,
    want: [["warning", /only a classic token/]],
  },
];

describe("permissions", () => {
  it.each(ROWS)("$name", ({ access, scope, want, mend }) => {
    const { findings } = judgePermissions(access, connectionConfig(), [pool({ scope })]);
    expect(findings.map(({ severity }) => severity)).toEqual(want.map(([severity]) => severity));
    for (const [index, [, text]] of want.entries()) expect(findings[index]?.finding).toMatch(text);
    if (mend !== undefined) expect(findings[0]?.mend).toMatch(mend);
    for (const { severity, mend: toDo } of findings) expect(toDo === "").toBe(severity === "ok");
  });

  it("are asked of a suspended installation by nobody: that is told elsewhere", () => {
    const access = app({ installations: [installation({ isSuspended: true, permissions: {} })] });
    expect(judgePermissions(access, connectionConfig(), [pool()]).findings).toMatchObject([{ severity: "ok" }]);
  });

  const RERUNS = { scope: ORGANIZATION, rerun: { exceptLabel: null } };
  const WRITING = { ...GRANTED, actions: "write" };

  it.each<readonly [string, Access, string, RegExp]>([
    ["an App that may only read Actions", app(), "error", /lacks the permission Repository: Actions, read and write/],
    [
      "an owner who granted reading only",
      app({ permissions: WRITING, installations: [installation()] }),
      "error",
      /^acme has granted the App less than it asks for: Repository: Actions, read and write/,
    ],
    [
      "an App with all of it",
      app({ permissions: WRITING, installations: [installation({ permissions: WRITING })] }),
      "ok",
      /Repository: Actions, read and write/,
    ],
    ["a classic token without repo", token(["admin:org"]), "error", /scope repo/],
    ["a fine-grained token", token(null), "ok", /to write it needs: .*Repository: Actions, read and write/],
  ])("for pools that run lost jobs again: %s", (_name, access, severity, text) => {
    const { findings } = judgePermissions(access, connectionConfig(), [pool(RERUNS)]);
    expect(findings).toMatchObject([{ severity, finding: expect.stringMatching(text) }]);
  });

  it("are asked of no account whose own pools run none again", () => {
    const elsewhere = pool({ scope: { kind: "organization", organization: "elsewhere" } });
    const installations = [
      installation({ permissions: WRITING }),
      installation({ account: "elsewhere", permissions: GRANTED }),
    ];
    const access = app({ permissions: WRITING, installations });
    const { findings } = judgePermissions(access, connectionConfig(), [pool(RERUNS), elsewhere]);
    expect(findings.map(({ severity }) => severity)).toEqual(["ok"]);
  });
});
