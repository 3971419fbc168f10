import { describe, expect, it } from "vitest";
import type { RegistrationScope } from "../../../src/domain/pool.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { checkRequest } from "../../contracts/github/contract.ts";
import { type Answers, type Asked, connect, startStandIn } from "./stand-in.ts";

const ACME: RegistrationScope = { kind: "organization", organization: "acme" };
const WIDGETS: RegistrationScope = { kind: "repository", owner: "acme", repository: "widgets" };
const CORP: RegistrationScope = { kind: "enterprise", enterprise: "corp" };
const MINTED: Answers = { status: 201, body: { runner: { id: 7 }, encoded_jit_config: "e30=" } };

function groupsAnswer(groups: readonly (readonly [number, string])[], total = groups.length): Answers {
  const all = groups.map(([id, name]) => ({ id, name, visibility: "all", default: id === 1 }));
  return { status: 200, body: { total_count: total, runner_groups: all } };
}

/** @param groups for each listing, by how many there were. */
async function start(
  groups: (count: number, asked: Asked) => Answers,
  mint: (count: number) => Answers = () => MINTED,
) {
  const counts = { groups: 0, mints: 0 };
  const standIn = await startStandIn(
    (asked) => {
      if (asked.method === "POST") {
        counts.mints += 1;
        return mint(counts.mints);
      }
      counts.groups += 1;
      return groups(counts.groups, asked);
    },
    { recordsGroups: true },
  );
  const connected = connect(standIn.apiUrl);
  const mintIn = (runnerGroup: string, scope = ACME) =>
    connected.github.mintTicket({ scope, runnerName: "x", labels: ["linux"], runnerGroup });
  return { ...connected, counts, asked: standIn.asked, mintIn };
}

function groupIds(asked: readonly Asked[]): readonly unknown[] {
  return asked
    .map(({ body }) => body)
    .filter((body) => typeof body === "object" && body !== null && "runner_group_id" in body)
    .map((body) => body.runner_group_id);
}

describe("the runner group of a ticket", () => {
  it.each([
    ["of an organization", "Big machines", ACME, "/orgs/acme/actions/runner-groups", 4],
    ["whatever the case", "big MACHINES", ACME, "/orgs/acme/actions/runner-groups", 4],
    ["of an enterprise", "Big machines", CORP, "/enterprises/corp/actions/runner-groups", 4],
    ["that is always there", "Default", ACME, "/orgs/acme/actions/runner-groups", 1],
  ])("%s", async (_name, runnerGroup, scope, path, id) => {
    const groups = groupsAnswer([
      [1, "Default"],
      [4, "Big machines"],
    ]);
    const { mintIn, asked } = await start(() => groups);
    await mintIn(runnerGroup, scope);
    expect(asked[0]).toMatchObject({ method: "GET", path });
    expect(groupIds(asked)).toEqual([id]);
  });

  it("is looked for by GitHub's own description", async () => {
    const { mintIn, asked } = await start(() => groupsAnswer([[1, "Default"]]));
    await mintIn("Default");
    expect(checkRequest("GET /orgs/{org}/actions/runner-groups", asked[0]?.body, asked[0]?.query)).toEqual([]);
  });

  it("on a later page", async () => {
    const link = { link: '<https://elsewhere.example/?per_page=100&page=2>; rel="next"' };
    const first = groupsAnswer(
      Array.from({ length: 100 }, (_, index) => [index + 1, `g${index}`] as const),
      101,
    );
    const { mintIn, asked } = await start((_count, { query }) => {
      if (query.get("page") === "2") return groupsAnswer([[500, "last"]], 101);
      return typeof first === "string" ? first : { ...first, headers: link };
    });
    await mintIn("last");
    expect(groupIds(asked)).toEqual([500]);
  });

  it("of a repository is 1, and not asked for; there is no other", async () => {
    const { mintIn, asked } = await start(() => ({ status: 500 }));
    await mintIn("default", WIDGETS);
    expect(groupIds(asked)).toEqual([1]);
    await expect(mintIn("other", WIDGETS)).rejects.toMatchObject({ code: "github-group-unknown" });
    expect(asked).toHaveLength(1);
  });

  it("that is not there is an error, mints nothing, and is found once it is there", async () => {
    const { mintIn, asked, counts } = await start((count) =>
      groupsAnswer(
        count === 1
          ? [[1, "Default"]]
          : [
              [1, "Default"],
              [9, "new"],
            ],
      ),
    );
    await expect(mintIn("new")).rejects.toMatchObject({
      code: "github-group-unknown",
      message: "finding the runner group new of /orgs/acme",
    });
    expect(counts.mints).toBe(0);
    await mintIn("new");
    expect(groupIds(asked)).toEqual([9]);
  });
});

describe("its number is kept", () => {
  it.each([
    ["one ms less than ten minutes", 10 * MINUTE_MS - 1, 1],
    ["ten minutes", 10 * MINUTE_MS, 2],
  ])("%s", async (_name, laterMs, listingCount) => {
    const { mintIn, clock, counts } = await start(() => groupsAnswer([[4, "big"]]));
    await mintIn("big");
    clock.ms += laterMs;
    await mintIn("big");
    expect(counts.groups).toBe(listingCount);
  });

  it("and looked up once for many at the same time", async () => {
    const { mintIn, counts } = await start(() => groupsAnswer([[4, "big"]]));
    await Promise.all([mintIn("big"), mintIn("big"), mintIn("big")]);
    expect(counts).toEqual({ groups: 1, mints: 3 });
  });

  it.each([
    [404, "Not Found", "github-not-found"],
    [422, "Invalid Argument - Runner group 4 does not exist.", "github-group-unknown"],
  ])("until GitHub does not know it: %i", async (status, message, code) => {
    const { mintIn, asked } = await start(
      (count) => groupsAnswer([[count === 1 ? 4 : 5, "big"]]),
      (count) => (count === 1 ? { status, body: { message } } : MINTED),
    );
    await expect(mintIn("big")).rejects.toMatchObject({ code });
    await mintIn("big");
    expect(groupIds(asked)).toEqual([4, 5]);
  });
});

describe("groups that cannot be listed", () => {
  it.each([
    ["a token without the permission", 403],
    ["a server without the call", 404],
  ])("%s: the default group is taken all the same, another not", async (_name, status) => {
    const { mintIn, asked, counts } = await start(() => ({ status, body: { message: "no" } }));
    await mintIn("Default");
    await mintIn("Default");
    expect(groupIds(asked)).toEqual([1, 1]);
    expect(counts.groups).toBe(1);
    await expect(mintIn("big")).rejects.toMatchObject({
      code: status === 403 ? "github-forbidden" : "github-not-found",
      message: "listing the runner groups of /orgs/acme",
    });
    expect(counts.mints).toBe(2);
  });

  it.each([
    ["an outage", { status: 503 }, "github-unavailable"],
    ["wrong credentials", { status: 401, body: {} }, "github-unauthorized"],
    ["a rate limit", { status: 429, body: {} }, "github-rate-limited"],
  ] as const)("%s: nothing is minted", async (_name, answer, code) => {
    const { mintIn, counts } = await start(() => answer);
    await expect(mintIn("Default")).rejects.toMatchObject({ code });
    expect(counts.mints).toBe(0);
  });
});
