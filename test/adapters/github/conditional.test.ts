import { createHash, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { HOUR_MS } from "../../../src/domain/units.ts";
import { START_MS } from "../../domain/builders.ts";
import { type Answers, type Asked, connect, runnerJson, startStandIn } from "./stand-in.ts";

const ACME = { kind: "organization", organization: "acme" } as const;
const LIMIT = 5_000;

interface Runners {
  readonly ids: number[];
  /** Points of the primary limit that were taken. */
  pointCount: number;
}

/** A list that is answered as GitHub does: an ETag for what it is and who asks, and no point for what did not change. */
function answerList(state: Runners, asked: Asked): Answers {
  const page = Number(asked.query.get("page"));
  const shown = state.ids.slice((page - 1) * 100, page * 100);
  const body = { total_count: state.ids.length, runners: shown.map((id) => runnerJson(id)) };
  const hash = createHash("sha256")
    .update(JSON.stringify(body))
    .update(asked.headers.authorization ?? "");
  const etag = `W/"${hash.digest("hex")}"`;
  const isSame = asked.headers["if-none-match"] === etag;
  if (!isSame) state.pointCount += 1;
  const headers = {
    etag,
    "x-ratelimit-limit": String(LIMIT),
    "x-ratelimit-remaining": String(LIMIT - state.pointCount),
    "x-ratelimit-reset": String((START_MS + HOUR_MS) / 1_000),
  };
  return isSame ? { status: 304, headers } : { status: 200, headers, body };
}

async function startList(runnerCount: number) {
  const state: Runners = { ids: Array.from({ length: runnerCount }, (_, index) => index + 1), pointCount: 0 };
  const standIn = await startStandIn((asked) => answerList(state, asked));
  return { ...connect(standIn.apiUrl), state, asked: standIn.asked };
}

describe("a listing that did not change", () => {
  it("of 1,000 runners costs 10 requests, all answered 304, and no point of the primary limit", async () => {
    const { connection, github, telemetry, state } = await startList(1_000);
    const first = await github.listRunners(ACME);
    const [before] = connection.readBudgets();
    telemetry.counts.length = 0;
    await expect(github.listRunners(ACME)).resolves.toEqual(first);
    expect(telemetry.counts).toEqual(Array.from({ length: 10 }, () => "list-runners 304"));
    const [after] = connection.readBudgets();
    expect(after?.primary?.remaining).toBe(before?.primary?.remaining);
    // The secondary limit counts them all.
    expect(after?.pointCount).toBe(20);
    expect(state.pointCount).toBe(10);
  });

  it("and then changed on one page: that page comes whole, the others are remembered", async () => {
    const { github, telemetry, state } = await startList(250);
    await github.listRunners(ACME);
    telemetry.counts.length = 0;
    state.ids.splice(120, 1, 1_000);
    const ids = (await github.listRunners(ACME)).map(({ id }) => id);
    expect(ids).toEqual(state.ids);
    expect(telemetry.counts).toEqual(["list-runners 304", "list-runners 200", "list-runners 304"]);
  });

  it("and then became shorter: no page is mixed up with an old one", async () => {
    const { github, state } = await startList(201);
    await github.listRunners(ACME);
    state.ids.length = 150;
    await expect(github.listRunners(ACME)).resolves.toHaveLength(150);
  });

  it("by another account or in another scope is another one", async () => {
    const { github, asked } = await startList(1);
    await github.listRunners(ACME);
    await github.listRunners({ kind: "organization", organization: "other" });
    expect(asked.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, undefined]);
  });
});

it("an ETag of a token that was renewed is answered whole, and remembered anew", async () => {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const state: Runners = { ids: [1], pointCount: 0 };
  let tokenCount = 0;
  const standIn = await startStandIn((asked) => {
    if (asked.path.endsWith("/installation")) return { status: 200, body: { id: 5 } };
    if (!asked.path.endsWith("/access_tokens")) return answerList(state, asked);
    tokenCount += 1;
    return { status: 201, body: { token: `ghs_${tokenCount}`, expires_at: "2100-01-01T00:00:00Z" } };
  });
  const auth = { kind: "app", appId: 7, privateKeyPem: privateKey } as const;
  const { github, clock, telemetry } = connect(standIn.apiUrl, { auth });
  await github.listRunners(ACME);
  clock.ms += HOUR_MS;
  await github.listRunners(ACME);
  await github.listRunners(ACME);
  const listed = telemetry.counts.filter((line) => line.startsWith("list-runners"));
  expect(listed).toEqual(["list-runners 200", "list-runners 200", "list-runners 304"]);
});

describe("what is remembered", () => {
  it("is no refusal, and a refusal is not overridden by it", async () => {
    const state: Runners = { ids: [1], pointCount: 0 };
    const standIn = await startStandIn((asked, count) =>
      count === 2 ? { status: 500, headers: { etag: '"x"' }, body: {} } : answerList(state, asked),
    );
    const { github } = connect(standIn.apiUrl);
    await github.listRunners(ACME);
    await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-unavailable" });
    await expect(github.listRunners(ACME)).resolves.toHaveLength(1);
    expect(standIn.asked.at(-1)?.headers["if-none-match"]).not.toBe('"x"');
  });

  it("304 to a call that asked for no such thing is no answer", async () => {
    const { apiUrl } = await startStandIn(() => ({ status: 304 }));
    await expect(connect(apiUrl).github.listRunners(ACME)).rejects.toMatchObject({ code: "github-invalid" });
  });

  it("a runner looked up by its name is never remembered: each is asked for a few times only", async () => {
    const state: Runners = { ids: [1], pointCount: 0 };
    const standIn = await startStandIn((asked) => answerList(state, asked));
    const { github } = connect(standIn.apiUrl);
    await github.findRunner(ACME, "runner-1");
    await github.findRunner(ACME, "runner-1");
    expect(standIn.asked.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, undefined]);
  });
});
