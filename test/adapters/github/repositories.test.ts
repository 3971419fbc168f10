import { describe, expect, it } from "vitest";
import { type Answering, ok, page, type Routes, refusal, startReading, upTo } from "./reading-stand-in.ts";
import type { Answers } from "./stand-in.ts";

const INSTALLED = "/installation/repositories";
const USER = "/user/repos";
const ACME = "/orgs/acme/repos";

const repositoryJson = (name: string, overrides: Readonly<Record<string, unknown>> = {}) => ({
  full_name: name,
  archived: false,
  disabled: false,
  ...overrides,
});

function list(...names: readonly string[]): Answering {
  return (asked) =>
    page(
      asked,
      names.map((name) => repositoryJson(name)),
      (shown) => shown,
    );
}

function counted(...names: readonly string[]): Answering {
  return (asked) => {
    const all = names.map((name) => repositoryJson(name));
    return page(asked, all, (shown) => ({ total_count: all.length, repositories: shown }));
  };
}

function installation(login: string, overrides: Readonly<Record<string, unknown>> = {}) {
  const common = { permissions: { actions: "read" }, suspended_at: null, repository_selection: "all" };
  return { account: { login }, target_type: "Organization", ...common, ...overrides };
}

const many = upTo(250).map((number) => `acme/r${number}`);

describe("with a token", () => {
  it.each<readonly [string, Routes, string | null, readonly string[]]>([
    ["of an organization, all pages", { [ACME]: list(...many) }, "acme", many],
    ["of everything, all pages", { [USER]: list(...many, "me/own") }, null, [...many, "me/own"]],
    ["of a user, who is no organization", { [USER]: list("other/x", "Me/own", "meme/y") }, "me", ["Me/own"]],
    ["of an organization that has none", { [ACME]: ok([]) }, "acme", []],
    ["each once, though a page moved", { [ACME]: list("acme/a", "acme/b", "acme/a") }, "acme", ["acme/a", "acme/b"]],
  ])("%s", async (_name, routes, owner, names) => {
    const { github } = await startReading(routes);
    await expect(github.listRepositories(owner)).resolves.toEqual(names);
  });

  it("asks for all kinds, a hundred at a time", async () => {
    const reading = await startReading({ [ACME]: list(...many), [USER]: list("me/own") });
    await reading.github.listRepositories("acme");
    await reading.github.listRepositories("me");
    expect(reading.paths()).toEqual([
      `${ACME}?type=all&per_page=100`,
      `${ACME}?type=all&per_page=100&page=2`,
      `${ACME}?type=all&per_page=100&page=3`,
      "/orgs/me/repos?type=all&per_page=100",
      `${USER}?affiliation=owner%2Ccollaborator%2Corganization_member&per_page=100`,
    ]);
  });

  it("leaves out archived and disabled ones, and keeps those that do not say", async () => {
    const all = [
      repositoryJson("acme/old", { archived: true }),
      repositoryJson("acme/off", { disabled: true }),
      { full_name: "acme/plain" },
      repositoryJson("acme/null", { archived: null }),
    ];
    const { github } = await startReading({ [ACME]: ok(all) });
    await expect(github.listRepositories("acme")).resolves.toEqual(["acme/plain", "acme/null"]);
  });

  it("an unchanged list is answered with 304", async () => {
    const reading = await startReading({ [ACME]: list(...many) });
    const first = await reading.github.listRepositories("acme");
    await expect(reading.github.listRepositories("acme")).resolves.toEqual(first);
    expect(reading.asked.map(({ headers }) => headers["if-none-match"] !== undefined)).toEqual([
      ...[false, false, false],
      ...[true, true, true],
    ]);
  });
});

describe("as an App", () => {
  it("of one owner: with that owner's installation", async () => {
    const reading = await startReading({ [INSTALLED]: counted(...many) }, "app");
    await expect(reading.github.listRepositories("acme")).resolves.toEqual(many);
    expect(reading.asked.slice(0, 2).map(({ path }) => path)).toEqual([
      "/orgs/acme/installation",
      "/app/installations/4/access_tokens",
    ]);
    expect(reading.paths()).toHaveLength(3);
  });

  it("of everything: of each installation that can be read", async () => {
    const all = [
      installation("acme"),
      installation("gone", { account: null }),
      installation("suspended", { suspended_at: "2026-01-01T00:00:00Z" }),
      installation("x", { account: { slug: "big" }, target_type: "Enterprise" }),
      installation("me", { target_type: "User" }),
    ];
    const reading = await startReading(
      {
        "/app/installations": ok(all),
        [INSTALLED]: (_asked, count) => ok({ total_count: 1, repositories: [repositoryJson(`owner/r${count}`)] }),
      },
      "app",
    );
    const found = await reading.github.listRepositories(null);
    expect([...found].sort()).toEqual(["owner/r1", "owner/r2"]);
    const signedIn = reading.asked.filter(({ path }) => path.endsWith("/access_tokens")).map(({ path }) => path);
    expect(signedIn.sort()).toEqual(["/app/installations/2/access_tokens", "/app/installations/4/access_tokens"]);
  });

  it("all pages of the installations", async () => {
    const logins = upTo(101).map((number) => `owner-${number}`);
    const reading = await startReading(
      {
        "/app/installations": (asked) =>
          page(
            asked,
            logins.map((login) => installation(login)),
            (shown) => shown,
          ),
        [INSTALLED]: (asked, count) => counted(`owner/r${count}`)(asked, count),
      },
      "app",
    );
    await expect(reading.github.listRepositories(null)).resolves.toHaveLength(101);
  });
});

describe("a list that is not whole is an error", () => {
  const secondIs =
    (answer: Answers): Answering =>
    (asked) =>
      asked.query.get("page") === "2" ? answer : counted(...many)(asked, 1);

  const linkless: Answering = (asked) => {
    const answer = counted(...many)(asked, 1);
    return typeof answer === "string" ? answer : { ...answer, headers: {} };
  };

  it.each<readonly [string, Routes, "app" | "token", string]>([
    ["the second page fails", { [INSTALLED]: secondIs(refusal(500)) }, "app", "github-unavailable"],
    ["the second page is cut", { [INSTALLED]: secondIs("cut") }, "app", "github-unavailable"],
    ["half the pages: no link where the total says more", { [INSTALLED]: linkless }, "app", "github-unavailable"],
    ["another shape", { [INSTALLED]: ok({ repositories: [] }) }, "app", "github-invalid"],
    ["a repository without an owner", { [ACME]: ok([repositoryJson("widgets")]) }, "token", "github-invalid"],
    ["refused", { [ACME]: refusal(403) }, "token", "github-forbidden"],
    ["neither an organization nor ourselves", {}, "token", "github-not-found"],
    [
      "one installation fails",
      { "/app/installations": ok([installation("acme")]), [INSTALLED]: refusal(502) },
      "app",
      "github-unavailable",
    ],
  ])("%s", async (_name, routes, kind, code) => {
    const { github } = await startReading(routes, kind);
    const owner = "/app/installations" in routes ? null : "acme";
    await expect(github.listRepositories(owner)).rejects.toMatchObject({ name: "GitHubError", code });
  });
});

it("the way to the next page never leaves the server, and loses nothing of the question", async () => {
  const away = { link: `<https://elsewhere.example/user/repos?page=2>; rel="next"` };
  const reading = await startReading({
    [USER]: (asked) => ok([repositoryJson("a/b")], asked.query.get("page") === "2" ? {} : away),
  });
  await reading.github.listRepositories(null);
  const first = `${USER}?affiliation=owner%2Ccollaborator%2Corganization_member&per_page=100`;
  expect(reading.paths()).toEqual([first, `${first}&page=2`]);
});
