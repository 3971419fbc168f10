// One budget for each installation: what it holds back is not sent, and says when to come again.
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { issuePermit } from "../../../src/domain/permit.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { epoch, heard, jobId, runnerId, START_MS, ticket } from "../../domain/builders.ts";
import { type Answers, connect, startStandIn } from "./stand-in.ts";

const ACME = { kind: "organization", organization: "acme" } as const;
const OTHER = { kind: "organization", organization: "other" } as const;
const MINT = { scope: ACME, runnerName: "x", labels: ["linux"], runnerGroup: "Default" };
const EMPTY = { total_count: 0, runners: [] };

function limits(remaining: number, resetsInMs = HOUR_MS): Readonly<Record<string, string>> {
  return {
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": String((START_MS + resetsInMs) / SECOND_MS),
    "x-ratelimit-resource": "core",
  };
}

function permit() {
  const over = ticket({ state: "spent", runnerId: runnerId(42) });
  const decision = issuePermit({ kind: "delete-registration", ticket: over, epoch: epoch(), time: heard() });
  if (decision.kind === "refused") throw new Error(decision.missing.join());
  return decision.permit;
}

const MINTED = { status: 201, body: { runner: { id: 7 }, encoded_jit_config: "e30=" } };

/** Answers well, with these headers. */
async function start(headersOf: (count: number) => Readonly<Record<string, string>>) {
  const standIn = await startStandIn(({ method }, count) => {
    const headers = headersOf(count);
    if (method === "DELETE") return { status: 204, headers };
    return method === "POST" ? { ...MINTED, headers } : { status: 200, headers, body: EMPTY };
  });
  return { ...connect(standIn.apiUrl), asked: standIn.asked };
}

describe("the primary limit", () => {
  type Row = readonly [string, number, { sweep: boolean; question: boolean; ticket: boolean; safety: boolean }];
  it.each<Row>([
    ["much is left", 4_000, { sweep: true, question: true, ticket: true, safety: true }],
    ["less than half", 2_000, { sweep: false, question: true, ticket: true, safety: true }],
    ["less than a quarter", 1_000, { sweep: false, question: false, ticket: true, safety: true }],
    ["less than a twentieth", 200, { sweep: false, question: false, ticket: false, safety: true }],
    ["nothing", 0, { sweep: false, question: false, ticket: false, safety: false }],
  ])("%s", async (_name, remaining, want) => {
    const { github, asked } = await start(() => limits(remaining));
    await github.findRunner(ACME, "x");
    const isSent = async (call: () => Promise<unknown>) => {
      const before = asked.length;
      const outcome = await call().catch((error: unknown) => error);
      if (asked.length === before) expect(outcome).toMatchObject({ code: "github-budget" });
      return asked.length > before;
    };
    expect({
      sweep: await isSent(() => github.listRunners(ACME)),
      question: await isSent(() => github.getJob("acme/widgets", jobId())),
      ticket: await isSent(() => github.mintTicket(MINT)),
      safety: await isSent(() => github.deleteRunner(permit())),
    }).toEqual(want);
  });

  it("looking one registration up is for safety", async () => {
    const { github, asked } = await start(() => limits(100));
    await github.findRunner(ACME, "x");
    await expect(github.findRunner(ACME, "x")).resolves.toMatchObject({ kind: "absent" });
    expect(asked).toHaveLength(2);
  });

  it("what is held back says when it goes, and goes then", async () => {
    const { github, clock, asked } = await start(() => limits(0, 10 * MINUTE_MS));
    await github.listRunners(ACME);
    await expect(github.listRunners(ACME)).rejects.toMatchObject({
      code: "github-budget",
      message: "listing the runners of /orgs/acme",
      retryAfterMs: 10 * MINUTE_MS,
    });
    expect(asked).toHaveLength(1);
    clock.ms += 10 * MINUTE_MS;
    await expect(github.listRunners(ACME)).resolves.toEqual([]);
  });

  it("a limit of something else, as of searches, is not ours", async () => {
    const { github } = await start(() => ({ ...limits(0), "x-ratelimit-resource": "search" }));
    await github.listRunners(ACME);
    await expect(github.listRunners(ACME)).resolves.toEqual([]);
  });

  it("of registering runners, where it is used up, keeps no registration from being deleted", async () => {
    const headers = { ...limits(0), "x-ratelimit-resource": "actions_runner_registration" };
    const body = { message: "API rate limit exceeded" };
    const standIn = await startStandIn(({ method }) =>
      method === "POST" ? { status: 403, headers, body } : { status: 204 },
    );
    const { github } = connect(standIn.apiUrl);
    const refusal = { code: "github-rate-limited", retryAfterMs: HOUR_MS };
    await expect(github.mintTicket(MINT)).rejects.toMatchObject(refusal);
    await expect(github.deleteRunner(permit())).resolves.toBe("deleted");
  });

  it("is read in GitHub's own time: a clock of ours that is an hour off changes nothing", async () => {
    const github = { ...limits(0, 61 * MINUTE_MS), date: new Date(START_MS + HOUR_MS).toUTCString() };
    const { github: acme } = await start(() => github);
    await acme.listRunners(ACME);
    await expect(acme.listRunners(ACME)).rejects.toMatchObject({ retryAfterMs: MINUTE_MS });
  });
});

describe("the secondary limit", () => {
  it("not more than 900 points a minute leave, and the last are for safety", async () => {
    const { github, asked, connection, clock } = await start(() => ({}));
    for (let count = 0; count < 180; count += 1) await github.mintTicket(MINT).catch(() => null);
    const tickets = asked.length;
    // Of 855 points one is for the look-up of the runner group.
    expect(tickets).toBe(Math.floor(854 / 5));
    await expect(github.mintTicket(MINT)).rejects.toMatchObject({
      code: "github-budget",
      retryAfterMs: MINUTE_MS + SECOND_MS,
    });
    for (let count = 0; count < 20; count += 1) await github.deleteRunner(permit()).catch(() => null);
    expect(asked.length - tickets).toBe(9);
    expect(connection.readBudgets()).toMatchObject([{ pointCount: 896, ticketCount: tickets }]);
    clock.ms += MINUTE_MS + SECOND_MS;
    await expect(github.mintTicket(MINT)).resolves.toMatchObject({ runnerId: 7 });
  });

  it("nor do they when many leave at the same time", async () => {
    const { github, connection } = await start(() => ({}));
    for (let count = 0; count < 12; count += 1)
      await Promise.allSettled(Array.from({ length: 16 }, () => github.mintTicket(MINT)));
    expect(connection.readBudgets()).toMatchObject([{ ticketCount: 170 }]);
  });

  it.each<readonly [string, Answers, number]>([
    [
      "a time of the day by GitHub's own clock, which is an hour ahead of ours",
      {
        status: 403,
        headers: { ...limits(0, HOUR_MS + MINUTE_MS), date: new Date(START_MS + HOUR_MS).toUTCString() },
        body: {},
      },
      MINUTE_MS,
    ],
    ["429 with a time", { status: 429, headers: { "retry-after": "17" }, body: {} }, 17 * SECOND_MS],
    [
      "403 by its words, without a time",
      { status: 403, body: { message: "You have exceeded a secondary rate limit. Please wait a few minutes." } },
      MINUTE_MS,
    ],
  ])("%s: no call leaves until then, whatever it is for", async (_name, answer, waitMs) => {
    const standIn = await startStandIn((_asked, count) => (count === 1 ? answer : { status: 200, body: EMPTY }));
    const { github, clock, connection } = connect(standIn.apiUrl);
    await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-rate-limited", retryAfterMs: waitMs });
    clock.ms += waitMs - 1;
    await expect(github.findRunner(ACME, "x")).resolves.toMatchObject({ kind: "unknown", code: "github-budget" });
    await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-budget", retryAfterMs: SECOND_MS });
    expect(connection.readBudgets()).toMatchObject([{ blockedUntilMs: START_MS + waitMs }]);
    expect(standIn.asked).toHaveLength(1);
    clock.ms += 1;
    await expect(github.findRunner(ACME, "x")).resolves.toMatchObject({ kind: "absent" });
    expect(connection.readBudgets()).toMatchObject([{ blockedUntilMs: null }]);
  });
});

it("a pause for which GitHub names no time becomes longer each time, and starts anew once a call went through", async () => {
  const refusal: Answers = { status: 403, body: { message: "You have exceeded a secondary rate limit." } };
  const standIn = await startStandIn((_asked, count) =>
    [1, 2, 3, 4, 6].includes(count) ? refusal : { status: 200, body: EMPTY },
  );
  const { github, clock, connection } = connect(standIn.apiUrl);
  const pauses: (number | null)[] = [];
  // Two at the same time are refused for the same reason.
  await Promise.allSettled([github.listRunners(ACME), github.listRunners(OTHER)]);
  for (let count = 0; count < 5; count += 1) {
    const untilMs = connection.readBudgets()[0]?.blockedUntilMs ?? null;
    pauses.push(untilMs === null ? null : untilMs - clock.ms);
    clock.ms = untilMs ?? clock.ms;
    await github.listRunners(ACME).catch(() => null);
  }
  expect(pauses).toEqual([MINUTE_MS, 2 * MINUTE_MS, 4 * MINUTE_MS, null, MINUTE_MS]);
});

describe("whose budget it is", () => {
  it("a token has one for all that it reaches", async () => {
    const { github, connection } = await start(() => limits(4_321));
    await github.listRunners(ACME);
    await github.listRunners(OTHER);
    expect(connection.readBudgets()).toEqual([
      {
        account: "token",
        primary: { limit: 5_000, remaining: 4_321, resetsAtMs: START_MS + HOUR_MS },
        pointCount: 2,
        blockedUntilMs: null,
        ticketCount: 0,
      },
    ]);
  });

  it("an App has one for each installation, and one of its own; a block of one is none of another", async () => {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const standIn = await startStandIn(({ path }) => {
      if (path.endsWith("/installation")) return { status: 200, body: { id: 5 }, headers: limits(4_999) };
      if (path.endsWith("/access_tokens"))
        return { status: 201, body: { token: "ghs_x", expires_at: "2100-01-01T00:00:00Z" } };
      return { status: 200, body: EMPTY, headers: limits(path.includes("/acme/") ? 0 : 3_000) };
    });
    const auth = { kind: "app", appId: 7, privateKeyPem: privateKey } as const;
    const { github, connection, telemetry } = connect(standIn.apiUrl, { auth });
    await github.listRunners(ACME);
    await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-budget" });
    // GitHub tells no names apart by their case.
    await expect(github.listRunners({ ...ACME, organization: "ACME" })).rejects.toMatchObject({
      code: "github-budget",
    });
    await expect(github.listRunners(OTHER)).resolves.toEqual([]);
    expect(connection.readBudgets().map(({ account, primary }) => [account, primary?.remaining])).toEqual([
      ["acme", 0],
      ["the App", 4_999],
      ["other", 3_000],
    ]);
    expect(telemetry.gauges.get("holdfast_github_budget_remaining main other")).toBe(3_000);
    expect(telemetry.gauges.get("holdfast_github_points main the App")).toBe(12);
  });

  it("held back, an App does not even sign in", async () => {
    const standIn = await startStandIn(({ path }) => {
      if (path.endsWith("/installation")) return { status: 429, headers: { "retry-after": "9" }, body: {} };
      return { status: 500 };
    });
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const auth = { kind: "app", appId: 7, privateKeyPem: privateKey } as const;
    const { github } = connect(standIn.apiUrl, { auth });
    await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-rate-limited" });
    await expect(github.listRunners(ACME)).rejects.toMatchObject({
      code: "github-budget",
      retryAfterMs: 9 * SECOND_MS,
    });
    expect(standIn.asked).toHaveLength(1);
  });
});
