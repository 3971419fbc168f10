import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { limitHeaders, readUsage, refund, spend } from "../../src/simulator/github/quota.ts";
import { JIT, RUNNERS, useGitHub } from "./github-house.ts";
import { appJwt } from "./scripted-runner.ts";
import { createWorld, START_MS } from "./world.ts";

const WHO = { name: "installation 7", described: "installation ID 7" };
const READ = { method: "GET", operation: "list-runners" };
const WRITE = { method: "POST", operation: "generate-jitconfig" };

describe("the primary limit", () => {
  it("refuses the call after the last one, and starts anew an hour after the first", () => {
    const state = createWorld({ primaryLimit: 2 });
    expect(spend(state, WHO, READ, START_MS)).toBeNull();
    expect(spend(state, WHO, WRITE, START_MS + MINUTE_MS)).toBeNull();
    expect(spend(state, WHO, READ, START_MS + 2 * MINUTE_MS)).toMatchObject({
      status: 403,
      body: { message: "API rate limit exceeded for installation ID 7." },
    });
    expect(limitHeaders(state, WHO)).toEqual({
      "x-ratelimit-limit": "2",
      "x-ratelimit-remaining": "0",
      "x-ratelimit-used": "2",
      "x-ratelimit-reset": String((START_MS + HOUR_MS) / SECOND_MS),
      "x-ratelimit-resource": "core",
    });
    expect(spend(state, WHO, READ, START_MS + HOUR_MS - 1)).not.toBeNull();
    expect(spend(state, WHO, READ, START_MS + HOUR_MS)).toBeNull();
    expect(limitHeaders(state, WHO)).toMatchObject({ "x-ratelimit-used": "1" });
  });

  it("is not touched by a call that is answered 304", () => {
    const state = createWorld({ primaryLimit: 1 });
    for (let count = 0; count < 5; count += 1) {
      expect(spend(state, WHO, READ, START_MS)).toBeNull();
      refund(state, WHO);
    }
    expect(readUsage(state, START_MS)).toEqual({
      "installation 7": {
        requestCount: 5,
        notModifiedCount: 5,
        primaryUsed: 0,
        pointsLastMinute: 5,
        byOperation: { "list-runners": 5 },
      },
    });
  });

  it("is each credential's own, and may be off", () => {
    const state = createWorld({ primaryLimit: 1 });
    expect(spend(state, WHO, READ, START_MS)).toBeNull();
    expect(spend(state, { ...WHO, name: "installation 8" }, READ, START_MS)).toBeNull();
    const free = createWorld({ primaryLimit: 0 });
    for (let count = 0; count < 10; count += 1) expect(spend(free, WHO, READ, START_MS)).toBeNull();
    expect(limitHeaders(free, WHO)).toEqual({});
  });
});

describe("the secondary limit", () => {
  it("counts reads once and writes five times, over the last minute", () => {
    const state = createWorld({ pointsPerMinute: 11 });
    expect(spend(state, WHO, WRITE, START_MS)).toBeNull();
    expect(spend(state, WHO, WRITE, START_MS + SECOND_MS)).toBeNull();
    expect(spend(state, WHO, WRITE, START_MS + SECOND_MS)).toMatchObject({
      status: 403,
      headers: { "retry-after": "60" },
      body: { message: expect.stringContaining("You have exceeded a secondary rate limit") },
    });
    expect(spend(state, WHO, READ, START_MS + SECOND_MS)).toBeNull();
    expect(spend(state, WHO, READ, START_MS + MINUTE_MS - SECOND_MS)).not.toBeNull();
    expect(spend(state, WHO, WRITE, START_MS + MINUTE_MS)).toBeNull();
    expect(readUsage(state, START_MS + MINUTE_MS)["installation 7"]?.pointsLastMinute).toBe(11);
  });

  it("may be off", () => {
    const state = createWorld({ pointsPerMinute: 0, primaryLimit: 0 });
    for (let count = 0; count < 1_000; count += 1) expect(spend(state, WHO, WRITE, START_MS)).toBeNull();
  });
});

describe("over HTTP", () => {
  const house = useGitHub();

  it("tells the limit with every answer of a token, an App and an installation, and with no other", async () => {
    const remaining = async (path: string, token: string) =>
      (await house.call("GET", path, undefined, token)).headers.get("x-ratelimit-remaining");
    const jwt = appJwt(house.github.appId);
    const path = `/app/installations/${house.github.installationId}/access_tokens`;
    const { body } = await house.call("POST", path, undefined, jwt);
    expect(await remaining(RUNNERS, house.github.token)).toBe("4999");
    expect(await remaining("/nowhere", house.github.token)).toBe("4998");
    expect(await remaining(RUNNERS, body.token)).toBe("4999");
    expect(await remaining("/app", jwt)).toBe("4998");
    expect(await remaining(RUNNERS, "wrong")).toBeNull();
    expect(Object.keys(house.github.usage()).sort()).toEqual([
      `app ${house.github.appId}`,
      `installation ${house.github.installationId}`,
      "token octocat",
    ]);
  });

  it("says what is used up, and serves again whom it concerns not", async () => {
    const own = await house.startOther({ github: { primaryLimit: 1 }, tokens: ["one", "two"] });
    expect((await house.call("GET", RUNNERS, undefined, "one", own)).status).toBe(200);
    const refused = await house.call("POST", `${RUNNERS}/generate-jitconfig`, JIT, "one", own);
    expect(refused.status).toBe(403);
    expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
    expect(Number(refused.headers.get("x-ratelimit-reset"))).toBeGreaterThan(Date.now() / SECOND_MS);
    expect(own.runners()).toEqual([]);
    expect((await house.call("GET", RUNNERS, undefined, "two", own)).status).toBe(200);
  });

  it("answers 304 without a body while nothing changed, and 200 once something did", async () => {
    const ask = (etag: string, token = house.github.token) =>
      house.call("GET", RUNNERS, undefined, token, house.github, { "if-none-match": etag });
    const first = await ask('"none"');
    const etag = first.headers.get("etag") ?? "";
    expect([first.status, etag]).toEqual([200, expect.stringMatching(/^W\/"[0-9a-f]{64}"$/)]);
    const second = await ask(`"other", ${etag}`);
    expect([second.status, second.body, second.headers.get("etag")]).toEqual([304, undefined, etag]);
    expect(second.headers.get("x-ratelimit-used")).toBe(first.headers.get("x-ratelimit-used"));
    await house.call("POST", `${RUNNERS}/generate-jitconfig`, JIT);
    expect((await ask(etag)).status).toBe(200);
    expect(house.github.usage()["token octocat"]).toMatchObject({
      requestCount: 4,
      notModifiedCount: 1,
      primaryUsed: 3,
    });
  });

  it("gives another token another ETag", async () => {
    const path = `/app/installations/${house.github.installationId}/access_tokens`;
    const tag = async () => {
      const { body } = await house.call("POST", path, undefined, appJwt(house.github.appId));
      return (await house.call("GET", RUNNERS, undefined, body.token)).headers.get("etag");
    };
    expect(await tag()).not.toBe(await tag());
  });

  it("has no ETag for what is no reading or no success", async () => {
    const made = await house.call("POST", `${RUNNERS}/generate-jitconfig`, JIT);
    const missing = await house.call("GET", `${RUNNERS}/999999`);
    expect([made, missing].map(({ headers }) => headers.get("etag"))).toEqual([null, null]);
  });
});
