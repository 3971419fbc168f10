// An App's signature names its time. GitHub refuses it where our clock is wrong, and tells its own with the refusal.
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { START_MS } from "../../domain/builders.ts";
import { type Answers, type Asked, connect, startStandIn } from "./stand-in.ts";

const { privateKey: privateKeyPem } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});
const auth = { kind: "app", appId: 77, privateKeyPem } as const;
const ACME = { kind: "organization", organization: "acme" } as const;

function claimsOf({ headers }: Asked): { readonly iat: number; readonly exp: number } {
  const [, claims = ""] = (headers.authorization ?? "").replace("Bearer ", "").split(".");
  return JSON.parse(Buffer.from(claims, "base64url").toString());
}

const EXP_PAST =
  "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
const EXP_FAR = "'Expiration time' claim ('exp') is too far in the future";
const IAT_FUTURE = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";

/** GitHub with a clock, which checks a signature's times as GitHub does: at most ten minutes ahead. */
async function startGitHub(nowMs: number, tellsTime = true) {
  const headers: Record<string, string> = tellsTime ? { date: new Date(nowMs).toUTCString() } : {};
  const refuse = (message: string): Answers => ({ status: 401, headers, body: { message } });
  return await startStandIn((asked) => {
    if (asked.path.endsWith("/actions/runners")) return { status: 200, headers, body: { total_count: 0, runners: [] } };
    const { iat, exp } = claimsOf(asked);
    if (exp * SECOND_MS <= nowMs) return refuse(EXP_PAST);
    if (exp * SECOND_MS > nowMs + 10 * MINUTE_MS) return refuse(EXP_FAR);
    if (iat * SECOND_MS > nowMs) return refuse(IAT_FUTURE);
    if (asked.path.endsWith("/installation")) return { status: 200, headers, body: { id: 5 } };
    const expiresAt = new Date(nowMs + HOUR_MS).toISOString();
    return { status: 201, headers, body: { token: "ghs_x", expires_at: expiresAt } };
  });
}

const paths = (asked: readonly Asked[]) => asked.map(({ path }) => path.split("/").at(-1));

describe("an App whose clock is wrong", () => {
  it.each([
    ["right", 0],
    ["a few seconds slow", 15 * SECOND_MS],
    ["a few seconds fast", -15 * SECOND_MS],
  ])("%s: signs by its own", async (_name, offMs) => {
    const standIn = await startGitHub(START_MS + offMs);
    const { github } = connect(standIn.apiUrl, { auth });
    await expect(github.listRunners(ACME)).resolves.toEqual([]);
    expect(paths(standIn.asked)).toEqual(["installation", "access_tokens", "runners"]);
    expect(standIn.asked.slice(0, 2).map((asked) => claimsOf(asked).iat)).toEqual([
      START_MS / SECOND_MS - 30,
      START_MS / SECOND_MS - 30,
    ]);
  });

  it.each([
    ["an hour slow", HOUR_MS],
    ["an hour fast", -HOUR_MS],
    ["a minute fast", -MINUTE_MS],
  ])("%s: signs again by GitHub's, and from then on at once", async (_name, offMs) => {
    const standIn = await startGitHub(START_MS + offMs);
    const { github, connection } = connect(standIn.apiUrl, { auth });
    await expect(github.listRunners(ACME)).resolves.toEqual([]);
    expect(paths(standIn.asked)).toEqual(["installation", "installation", "access_tokens", "runners"]);
    expect(connection.access.clockDifferenceMs()).toBe(offMs + SECOND_MS / 2);
    await github.listRunners({ kind: "organization", organization: "other" });
    expect(paths(standIn.asked).slice(4)).toEqual(["installation", "access_tokens", "runners"]);
  });

  it("and a token's life is counted by GitHub's clock", async () => {
    const standIn = await startGitHub(START_MS - HOUR_MS);
    const { github, clock } = connect(standIn.apiUrl, { auth });
    await github.listRunners(ACME);
    clock.ms += 50 * MINUTE_MS;
    await github.listRunners(ACME);
    expect(paths(standIn.asked).filter((path) => path === "access_tokens")).toHaveLength(1);
  });

  it("where GitHub does not tell the time, it is an error of its own", async () => {
    const standIn = await startGitHub(START_MS + HOUR_MS, false);
    const { github, connection } = connect(standIn.apiUrl, { auth });
    await expect(github.listRunners(ACME)).rejects.toMatchObject({
      code: "github-clock-skew",
      cause: { message: `GitHub answered 401: ${EXP_PAST}` },
    });
    expect(standIn.asked).toHaveLength(1);
    expect(connection.access.clockDifferenceMs()).toBeNull();
  });

  it("is asked no third time", async () => {
    const headers = { date: new Date(START_MS + HOUR_MS).toUTCString() };
    const standIn = await startStandIn(() => ({ status: 401, headers, body: { message: IAT_FUTURE } }));
    const { github } = connect(standIn.apiUrl, { auth });
    await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-clock-skew" });
    expect(standIn.asked).toHaveLength(2);
  });
});

it("another refusal of the signature is the key's fault, and not repeated", async () => {
  const headers = { date: new Date(START_MS + HOUR_MS).toUTCString() };
  const message = "A JSON web token could not be decoded";
  const standIn = await startStandIn(() => ({ status: 401, headers, body: { message } }));
  const { github } = connect(standIn.apiUrl, { auth });
  await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-unauthorized" });
  expect(standIn.asked).toHaveLength(1);
});
