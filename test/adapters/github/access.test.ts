import { describe, expect, it } from "vitest";
import { restContract } from "../../contracts/github/contract.ts";
import { START_MS } from "../../domain/builders.ts";
import { ok, page, type Routes, refusal, startReading, upTo } from "./reading-stand-in.ts";

const ACME = { kind: "organization", organization: "acme" } as const;
const WIDGETS = { kind: "repository", owner: "acme", repository: "widgets" } as const;
const BIG = { kind: "enterprise", enterprise: "big" } as const;
const APP = {
  slug: "holdfast-acme",
  name: "Holdfast acme",
  permissions: { actions: "read" },
  events: ["workflow_job"],
};
const GROUPS = "/orgs/acme/actions/runner-groups";

function installation(overrides: Readonly<Record<string, unknown>> = {}) {
  return {
    account: { login: "acme" },
    permissions: { actions: "read", metadata: "read" },
    repository_selection: "all",
    suspended_at: null,
    ...overrides,
  };
}

describe("who we are, as an App", () => {
  it("its name, what it asks for, and what each owner granted", async () => {
    const { access } = await startReading(
      {
        "/app": ok(APP),
        "/app/installations": ok([
          installation(),
          installation({
            account: { login: "me" },
            repository_selection: "selected",
            suspended_at: "2026-01-01T00:00:00Z",
          }),
          installation({ account: { slug: "big" } }),
          installation({ account: null }),
        ]),
      },
      "app",
    );
    const permissions = { actions: "read", metadata: "read" };
    await expect(access.describe()).resolves.toEqual({
      kind: "app",
      slug: "holdfast-acme",
      permissions: { actions: "read" },
      events: ["workflow_job"],
      installations: [
        { account: "acme", permissions, isSuspended: false, repositorySelection: "all" },
        { account: "me", permissions, isSuspended: true, repositorySelection: "selected" },
        { account: "big", permissions, isSuspended: false, repositorySelection: "all" },
      ],
    });
  });

  it("GitHub's own examples", async () => {
    const { "200": app } = restContract.calls["GET /app"]!.examples;
    const { "200": installations } = restContract.calls["GET /app/installations"]!.examples;
    const { access } = await startReading({ "/app": ok(app), "/app/installations": ok(installations) }, "app");
    await expect(access.describe()).resolves.toMatchObject({
      slug: "octoapp",
      installations: [{ account: "octocat" }],
    });
  });

  it("all pages of the installations", async () => {
    const logins = upTo(101).map((number) => installation({ account: { login: `owner-${number}` } }));
    const { access } = await startReading(
      { "/app": ok(APP), "/app/installations": (asked) => page(asked, logins, (shown) => shown) },
      "app",
    );
    const described = await access.describe();
    expect(described.kind === "app" ? described.installations : []).toHaveLength(101);
  });

  it("is asked with the App's own signature, not an installation's token", async () => {
    const reading = await startReading({ "/app": ok(APP), "/app/installations": ok([]) }, "app");
    await reading.access.describe();
    expect(reading.asked.every(({ headers }) => headers.authorization?.split(".").length === 3)).toBe(true);
  });
});

describe("who we are, with a token", () => {
  it.each<readonly [string, Readonly<Record<string, string>>, readonly string[] | null]>([
    ["a classic one", { "x-oauth-scopes": "admin:org, repo" }, ["admin:org", "repo"]],
    ["a classic one without scopes", { "x-oauth-scopes": "" }, []],
    ["a fine-grained one", {}, null],
  ])("%s", async (_name, headers, scopes) => {
    const { access } = await startReading({ "/user": ok({ login: "octocat", id: 1 }, headers) });
    await expect(access.describe()).resolves.toEqual({ kind: "token", login: "octocat", scopes });
  });
});

describe("the runner groups", () => {
  const group = (name: string, overrides: Readonly<Record<string, unknown>> = {}) => ({
    id: name.length * 1_000 + Number(name.replace(/\D/g, "")),
    name,
    allows_public_repositories: false,
    ...overrides,
  });

  it("of an organization, all pages, and which take public repositories", async () => {
    const all = [
      group("Default"),
      group("open", { allows_public_repositories: true }),
      group("shared", { allows_public_repositories: true, inherited_allows_public_repositories: true }),
      group("shut above", { allows_public_repositories: true, inherited_allows_public_repositories: false }),
      ...upTo(100).map((number) => group(`g${number}`)),
    ];
    const { access } = await startReading({
      [GROUPS]: (asked) => page(asked, all, (shown) => ({ total_count: all.length, runner_groups: shown })),
    });
    const found = await access.listRunnerGroups(ACME);
    expect(found).toHaveLength(104);
    expect(found.slice(0, 4)).toEqual([
      { name: "Default", allowsPublicRepositories: false },
      { name: "open", allowsPublicRepositories: true },
      { name: "shared", allowsPublicRepositories: true },
      { name: "shut above", allowsPublicRepositories: false },
    ]);
  });

  it("of an enterprise", async () => {
    const { access } = await startReading({
      "/enterprises/big/actions/runner-groups": ok({ total_count: 1, runner_groups: [group("Default")] }),
    });
    await expect(access.listRunnerGroups(BIG)).resolves.toHaveLength(1);
  });

  it("of a repository there are none, and nobody is asked", async () => {
    const { access, asked } = await startReading({});
    await expect(access.listRunnerGroups(WIDGETS)).resolves.toEqual([]);
    expect(asked).toEqual([]);
  });
});

describe("refused", () => {
  it.each<readonly [string, Routes, "app" | "token", string]>([
    ["a wrong token", { "/user": refusal(401, "Bad credentials") }, "token", "github-unauthorized"],
    ["an installation's token where a user's should be", { "/user": refusal(403) }, "token", "github-forbidden"],
    ["a wrong key", { "/app": refusal(401, "A JSON web token could not be decoded") }, "app", "github-unauthorized"],
    ["half of it", { "/app": ok(APP), "/app/installations": refusal(500) }, "app", "github-unavailable"],
    ["another shape", { "/app": ok({ slug: "x" }), "/app/installations": ok([]) }, "app", "github-invalid"],
    ["a cut answer", { "/user": "cut" }, "token", "github-unavailable"],
  ])("%s", async (_name, routes, kind, code) => {
    const { access } = await startReading(routes, kind);
    await expect(access.describe()).rejects.toMatchObject({ name: "GitHubError", code });
  });
});

it("GitHub's clock is compared with ours at each answer", async () => {
  const date = new Date(START_MS + 90_000).toUTCString();
  const { access } = await startReading({ "/user": ok({ login: "octocat" }, { date }) });
  expect(access.clockDifferenceMs()).toBeNull();
  await access.describe();
  expect(access.clockDifferenceMs()).toBeGreaterThan(89_000);
});
