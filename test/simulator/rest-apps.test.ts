import { describe, expect, it } from "vitest";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { SimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import { type Answer, JIT, RUNNERS, useGitHub } from "./github-house.ts";
import { appJwt } from "./scripted-runner.ts";

const house = useGitHub();

const ALL = {
  actions: "read",
  metadata: "read",
  administration: "write",
  organization_self_hosted_runners: "write",
} as const;

function startTwoApps(): Promise<SimulatedGitHub> {
  return house.startOther({
    repositories: ["acme/widgets", "acme/gears", "other/things"],
    github: {
      apps: [
        { id: 1, slug: "one", installations: [{ id: 11, account: "acme" }] },
        {
          id: 2,
          slug: "two",
          installations: [
            { id: 21, account: "other" },
            { id: 22, account: "acme", repositorySelection: "selected", repositories: ["acme/gears"] },
          ],
        },
      ],
    },
  });
}

async function tokenOf(own: SimulatedGitHub, appId: number, installationId: number): Promise<string> {
  const path = `/app/installations/${installationId}/access_tokens`;
  const { status, body } = await house.call("POST", path, undefined, appJwt(appId), own);
  if (status !== 201) throw new Error(`a token of installation ${installationId}: ${status} ${body.message}`);
  return body.token;
}

function said({ status, body }: Answer): readonly [number, string] {
  return [status, body?.message];
}

describe("several Apps", () => {
  it("know themselves and their own installations alone", async () => {
    const own = await startTwoApps();
    const as = (appId: number, path: string) => house.call("GET", path, undefined, appJwt(appId), own);
    expect((await as(1, "/app")).body).toMatchObject({ id: 1, slug: "one", installations_count: 1 });
    const listed = await as(2, "/app/installations");
    expect(
      listed.body.map(({ id, account }: { id: number; account: { login: string } }) => [id, account.login]),
    ).toEqual([
      [21, "other"],
      [22, "acme"],
    ]);
    expect((await as(1, "/orgs/acme/installation")).body).toMatchObject({
      id: 11,
      app_id: 1,
      target_type: "Organization",
    });
    expect(said(await as(1, "/orgs/other/installation"))).toEqual([404, "Not Found"]);
    const foreign = await house.call("POST", "/app/installations/21/access_tokens", undefined, appJwt(1), own);
    expect(said(foreign)).toEqual([404, "Not Found"]);
    expect(own.appId).toBe(1);
    expect(own.installationId).toBe(11);
  });

  it("reach with a token what its installation is on, and nothing else", async () => {
    const own = await startTwoApps();
    const [one, two] = [await tokenOf(own, 1, 11), await tokenOf(own, 2, 22)];
    const status = async (token: string, path: string) => (await house.call("GET", path, undefined, token, own)).status;
    expect(await status(one, RUNNERS)).toBe(200);
    expect(await status(one, "/orgs/other/actions/runners")).toBe(404);
    expect(await status(one, "/repos/other/things/actions/runners")).toBe(404);
    expect(await status(two, "/repos/acme/gears/actions/runners")).toBe(200);
    expect(await status(two, "/repos/acme/widgets/actions/runners")).toBe(404);
    const reached = await house.call("GET", "/installation/repositories", undefined, two, own);
    expect(reached.body).toMatchObject({
      total_count: 1,
      repository_selection: "selected",
      repositories: [{ full_name: "acme/gears" }],
    });
  });

  it("tell their own hooks of their own repositories", async () => {
    const own = await startTwoApps();
    own.setWebhook({ url: house.receiver.url, secret: "one" });
    own.setWebhook({ url: house.receiver.url, secret: "two" }, 2);
    own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    own.queueJob({ repository: "acme/gears", labels: ["x"], steps: ["true"] });
    const jobs = () => own.deliveries().filter(({ event }) => event === "workflow_job");
    await own.waitFor(
      "three deliveries",
      () => jobs().filter(({ status }) => status === "delivered").length === 3,
      10_000,
    );
    const installations = house.receiver.received.flatMap(({ payload }) => {
      const { repository, installation } = payload as { repository?: { name: string }; installation?: { id: number } };
      return repository === undefined ? [] : [`${repository.name} ${installation?.id}`];
    });
    expect(installations.sort()).toEqual(["gears 11", "gears 22", "widgets 11"]);
    expect(new Set(jobs().map(({ guid }) => guid)).size).toBe(2);
  });
});

describe("an App that does not want to know of jobs", () => {
  it("is told of none", async () => {
    const installations = [{ id: 11, account: "acme" }];
    const own = await house.startOther({ github: { apps: [{ id: 1, slug: "deaf", events: [], installations }] } });
    own.setWebhook({ url: house.receiver.url, secret: "s" });
    own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    expect(own.deliveries().map(({ event }) => event)).toEqual(["ping"]);
    expect((await house.call("GET", "/app", undefined, appJwt(1), own)).body.events).toEqual([]);
  });
});

describe("permissions", () => {
  it.each<[name: string, permission: string, method: string, path: string, body: unknown]>([
    ["org runners", "organization_self_hosted_runners", "GET", RUNNERS, undefined],
    ["org mint", "organization_self_hosted_runners", "POST", `${RUNNERS}/generate-jitconfig`, JIT],
    ["repo runners", "administration", "GET", "/repos/acme/widgets/actions/runners", undefined],
    ["runs", "actions", "GET", "/repos/acme/widgets/actions/runs", undefined],
    ["repositories", "metadata", "GET", "/orgs/acme/repos", undefined],
    ["hooks", "organization_hooks", "GET", "/orgs/acme/hooks", undefined],
  ])("without one: %s", async (_name, permission, method, path, body) => {
    const granted = Object.fromEntries(
      Object.entries({ ...ALL, organization_hooks: "read" }).filter(([name]) => name !== permission),
    );
    const own = await house.startOther({ github: { appPermissions: granted } });
    const refused = await house.call(method, path, body, await tokenOf(own, own.appId, own.installationId), own);
    expect(said(refused)).toEqual([403, "Resource not accessible by integration"]);
    expect(refused.headers.get("x-accepted-github-permissions")).toContain(permission);
    expect(own.runners()).toEqual([]);
  });

  it("to read do not let write", async () => {
    const own = await house.startOther({ github: { appPermissions: { organization_self_hosted_runners: "read" } } });
    const token = await tokenOf(own, own.appId, own.installationId);
    expect((await house.call("GET", RUNNERS, undefined, token, own)).status).toBe(200);
    expect((await house.call("POST", `${RUNNERS}/generate-jitconfig`, JIT, token, own)).status).toBe(403);
  });

  it("may be fewer than the App asks for", async () => {
    const own = await startTwoApps();
    const token = await tokenOf(own, 1, 11);
    own.setInstallation(1, "acme", { permissions: { metadata: "read" } });
    expect((await house.call("GET", RUNNERS, undefined, token, own)).status).toBe(403);
    const { body } = await house.call("GET", "/orgs/acme/installation", undefined, appJwt(1), own);
    expect(body.permissions).toEqual({ metadata: "read" });
  });

  it("of a classic token are its scopes", async () => {
    const own = await house.startOther({ tokens: [{ token: "few", login: "mona", scopes: ["repo"] }] });
    const user = await house.call("GET", "/user", undefined, "few", own);
    expect([user.body.login, user.headers.get("x-oauth-scopes")]).toEqual(["mona", "repo"]);
    const refused = await house.call("GET", RUNNERS, undefined, "few", own);
    expect([refused.status, refused.headers.get("x-accepted-oauth-scopes")]).toEqual([403, "admin:org"]);
    expect((await house.call("GET", "/repos/acme/widgets/actions/runners", undefined, "few", own)).status).toBe(200);
    const fine = await house.startOther({ tokens: [{ token: "fine", login: "mona", scopes: null }] });
    expect((await house.call("GET", "/user", undefined, "fine", fine)).headers.get("x-oauth-scopes")).toBeNull();
    expect((await house.call("GET", RUNNERS, undefined, "fine", fine)).status).toBe(200);
  });
});

describe("an installation's token", () => {
  it("is good for an hour", async () => {
    const token = await tokenOf(house.github, house.github.appId, house.github.installationId);
    house.github.advanceClock(59 * MINUTE_MS);
    expect((await house.call("GET", RUNNERS, undefined, token)).status).toBe(200);
    house.github.advanceClock(MINUTE_MS);
    expect(said(await house.call("GET", RUNNERS, undefined, token))).toEqual([401, "Bad credentials"]);
  });
});

describe("what an owner does to an installation", () => {
  it("suspends it: no token, no call, no event, until it is resumed", async () => {
    const own = await startTwoApps();
    own.setWebhook({ url: house.receiver.url, secret: "s" });
    const token = await tokenOf(own, 1, 11);
    own.setInstallation(1, "acme", { isSuspended: true });
    const message = "This installation has been suspended";
    expect(said(await house.call("GET", RUNNERS, undefined, token, own))).toEqual([403, message]);
    const refused = await house.call("POST", "/app/installations/11/access_tokens", undefined, appJwt(1), own);
    expect(said(refused)).toEqual([403, message]);
    const seen = await house.call("GET", "/orgs/acme/installation", undefined, appJwt(1), own);
    expect(seen.body.suspended_at).not.toBeNull();
    own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    expect(own.deliveries().filter(({ event }) => event === "workflow_job")).toEqual([]);
    own.setInstallation(1, "acme", { isSuspended: false });
    expect((await house.call("GET", RUNNERS, undefined, token, own)).status).toBe(200);
  });

  it("removes it: its tokens are worth nothing, and it is not found", async () => {
    const own = await startTwoApps();
    const token = await tokenOf(own, 1, 11);
    own.setInstallation(1, "acme", { isRemoved: true });
    expect(said(await house.call("GET", RUNNERS, undefined, token, own))).toEqual([401, "Bad credentials"]);
    expect((await house.call("GET", "/orgs/acme/installation", undefined, appJwt(1), own)).status).toBe(404);
    const refused = await house.call("POST", "/app/installations/11/access_tokens", undefined, appJwt(1), own);
    expect(refused.status).toBe(404);
    const again = own.installApp(1, "acme", ["acme/gears"]);
    const { body } = await house.call("GET", "/orgs/acme/installation", undefined, appJwt(1), own);
    expect(body).toMatchObject({ id: again, repository_selection: "selected" });
  });
});

describe("an App's clock", () => {
  const jwtAt = (appId: number, offsetMs: number) => shift(appJwt(appId), offsetMs / SECOND_MS);

  /** The same JWT as if it had been made at another time. */
  function shift(jwt: string, seconds: number): string {
    const [header = "", payload = ""] = jwt.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as { iat: number; exp: number };
    const moved = { ...claims, iat: claims.iat + seconds, exp: claims.exp + seconds };
    return `${header}.${Buffer.from(JSON.stringify(moved)).toString("base64url")}.unsigned`;
  }

  it.each<[name: string, offsetMs: number, message: string]>([
    ["a minute ahead", MINUTE_MS, "'Issued at' claim ('iat') must be an Integer representing the time"],
    ["ten minutes ahead", 10 * MINUTE_MS, "'Expiration time' claim ('exp') is too far in the future"],
    ["eleven minutes behind", -11 * MINUTE_MS, "'Expiration time' claim ('exp') must be a numeric value"],
  ])("%s is refused", async (_name, offsetMs, message) => {
    const refused = await house.call("GET", "/app", undefined, jwtAt(house.github.appId, offsetMs));
    expect(said(refused)).toEqual([401, expect.stringContaining(message)]);
  });

  it("is compared with GitHub's, which every answer tells", async () => {
    const own = await house.startOther({ clockOffsetMs: -20 * MINUTE_MS });
    const refused = await house.call("GET", "/app", undefined, appJwt(own.appId), own);
    const behindMs = Date.now() - Date.parse(refused.headers.get("date") ?? "");
    expect(refused.status).toBe(401);
    expect(behindMs).toBeGreaterThan(19 * MINUTE_MS);
    expect((await house.call("GET", "/app", undefined, jwtAt(own.appId, -behindMs), own)).status).toBe(200);
  });
});
