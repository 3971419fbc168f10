import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import { jobId, START_MS } from "../../domain/builders.ts";
import { type Answers, type Asked, connect, failureOf, startStandIn, tellWhole } from "./stand-in.ts";

const { privateKey: privateKeyPem } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});
const auth = { kind: "app", appId: 77, privateKeyPem } as const;

const ACME = { kind: "organization", organization: "acme" } as const;
const WIDGETS = { kind: "repository", owner: "acme", repository: "widgets" } as const;
const EMPTY: Answers = { status: 200, body: { total_count: 0, runners: [] } };

interface Behaviour {
  readonly installation?: Answers;
  readonly accessToken?: (count: number) => Answers;
  readonly rest?: (asked: Asked, count: number) => Answers;
}

function accessToken(number: number, lifeMs = HOUR_MS): Answers {
  const expiresAt = new Date(START_MS + lifeMs).toISOString();
  return { status: 201, body: { token: `ghs_SECRET${number}`, expires_at: expiresAt, permissions: {} } };
}

/** An App's GitHub: installations, their tokens, and the rest. */
async function startApp(behaviour: Behaviour = {}) {
  const counts = { tokens: 0, rest: 0 };
  return await startStandIn((asked) => {
    if (asked.path.endsWith("/installation")) return behaviour.installation ?? { status: 200, body: { id: 5 } };
    if (asked.path.endsWith("/access_tokens")) {
      counts.tokens += 1;
      return behaviour.accessToken?.(counts.tokens) ?? accessToken(counts.tokens);
    }
    counts.rest += 1;
    return behaviour.rest?.(asked, counts.rest) ?? EMPTY;
  });
}

const callsOf = (asked: readonly Asked[]) => asked.map(({ method, path }) => `${method} ${path}`);

describe("signing in as an App", () => {
  it("finds the installation, gets a token with a JWT of the App, and uses it", async () => {
    const standIn = await startApp();
    await connect(standIn.apiUrl, { auth }).github.listRunners(ACME);
    expect(callsOf(standIn.asked)).toEqual([
      "GET /orgs/acme/installation",
      "POST /app/installations/5/access_tokens",
      "GET /orgs/acme/actions/runners",
    ]);
    const [first, second, third] = standIn.asked.map(({ headers }) => headers.authorization?.replace("Bearer ", ""));
    for (const jwt of [first, second]) {
      const [header = "", claims = "", signature = ""] = (jwt ?? "").split(".");
      const signed = Buffer.from(`${header}.${claims}`);
      expect(verify("RSA-SHA256", signed, createPublicKey(privateKeyPem), Buffer.from(signature, "base64url"))).toBe(
        true,
      );
      expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({ iss: 77 });
    }
    expect(third).toBe("ghs_SECRET1");
  });

  it("asks for a repository's installation where the scope is one", async () => {
    const standIn = await startApp();
    await connect(standIn.apiUrl, { auth }).github.listRunners(WIDGETS);
    expect(callsOf(standIn.asked)[0]).toBe("GET /repos/acme/widgets/installation");
  });

  it("an enterprise's installation is not that of an organization of the same name", async () => {
    const standIn = await startApp();
    const { github } = connect(standIn.apiUrl, { auth });
    await github.listRunners(ACME);
    await github.listRunners({ kind: "enterprise", enterprise: "acme" });
    expect(callsOf(standIn.asked).slice(3)).toEqual([
      "GET /enterprises/acme/installation",
      "POST /app/installations/5/access_tokens",
      "GET /enterprises/acme/actions/runners",
    ]);
  });

  it("a user's installation is looked up where there is no organization of the name", async () => {
    const gone: Answers = { status: 404, body: { message: "Not Found" } };
    const standIn = await startStandIn(({ path }) => {
      if (path === "/users/octocat/installation") return { status: 200, body: { id: 5 } };
      if (path.endsWith("/access_tokens")) return accessToken(1);
      return path === "/orgs/octocat/installation" ? gone : { status: 200, body: { total_count: 0, repositories: [] } };
    });
    await connect(standIn.apiUrl, { auth }).github.listRepositories("octocat");
    expect(callsOf(standIn.asked).slice(0, 3)).toEqual([
      "GET /orgs/octocat/installation",
      "GET /users/octocat/installation",
      "POST /app/installations/5/access_tokens",
    ]);
  });

  it("keeps installation and token, for all of the owner's things and for many callers at once", async () => {
    const standIn = await startApp();
    const { github } = connect(standIn.apiUrl, { auth });
    await Promise.all([github.listRunners(ACME), github.listRunners(WIDGETS), github.getJob("Acme/gears", jobId())]);
    await github.listRunners(ACME);
    expect(callsOf(standIn.asked).filter((call) => !call.endsWith("/runners") && !call.includes("/jobs/"))).toEqual([
      "GET /orgs/acme/installation",
      "POST /app/installations/5/access_tokens",
    ]);
  });

  it("another owner is another installation", async () => {
    const standIn = await startApp();
    const { github } = connect(standIn.apiUrl, { auth });
    await github.listRunners(ACME);
    await github.listRunners({ kind: "organization", organization: "other" });
    expect(callsOf(standIn.asked)).toContain("GET /orgs/other/installation");
  });

  it.each([
    ["while it has more than five minutes", 54 * MINUTE_MS, 1],
    ["no more when five minutes are left", 55 * MINUTE_MS, 2],
  ])("a token is used %s", async (_name, laterMs, tokenCount) => {
    const standIn = await startApp();
    const { github, clock } = connect(standIn.apiUrl, { auth });
    await github.listRunners(ACME);
    clock.ms += laterMs;
    await github.listRunners(ACME);
    expect(callsOf(standIn.asked).filter((call) => call.endsWith("/access_tokens"))).toHaveLength(tokenCount);
  });

  it("a token that was taken back is replaced, once", async () => {
    const standIn = await startApp({ rest: (_asked, count) => (count === 1 ? { status: 401, body: {} } : EMPTY) });
    await expect(connect(standIn.apiUrl, { auth }).github.listRunners(ACME)).resolves.toEqual([]);
    expect(standIn.asked.at(-1)?.headers.authorization).toBe("Bearer ghs_SECRET2");

    const refused = await startApp({ rest: () => ({ status: 401, body: {} }) });
    const { github } = connect(refused.apiUrl, { auth });
    await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-unauthorized" });
    expect(refused.asked.filter(({ path }) => path.endsWith("/runners"))).toHaveLength(2);
  });

  it("an installation that went is looked up anew at the next call", async () => {
    const gone: Answers = { status: 404, body: { message: "Not Found" } };
    const standIn = await startApp({ accessToken: (count) => (count === 1 ? gone : accessToken(count)) });
    const { github } = connect(standIn.apiUrl, { auth });
    await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-not-installed" });
    await expect(github.listRunners(ACME)).resolves.toEqual([]);
    expect(callsOf(standIn.asked).filter((call) => call.endsWith("/installation"))).toHaveLength(2);
  });

  it("two connections whose installations have the same number never share a token", async () => {
    const one = await startApp({ accessToken: () => accessToken(1) });
    const other = await startApp({ accessToken: () => accessToken(2) });
    await Promise.all([
      connect(one.apiUrl, { auth }).github.listRunners(ACME),
      connect(other.apiUrl, { auth }).github.listRunners(ACME),
    ]);
    expect(one.asked.at(-1)?.headers.authorization).toBe("Bearer ghs_SECRET1");
    expect(other.asked.at(-1)?.headers.authorization).toBe("Bearer ghs_SECRET2");
  });
});

describe("signing in that fails is the call's failure", () => {
  it.each<readonly [string, Behaviour, string, string]>([
    [
      "not installed",
      { installation: { status: 404, body: {} } },
      "github-not-installed",
      "finding the App's installation for acme",
    ],
    [
      "a wrong key",
      { installation: { status: 401, body: {} } },
      "github-unauthorized",
      "finding the App's installation for acme",
    ],
    [
      "an installation of another shape",
      { installation: { status: 200, body: {} } },
      "github-invalid",
      "finding the App's installation for acme",
    ],
    ["no token", { accessToken: () => ({ status: 503 }) }, "github-unavailable", "signing in as the App for acme"],
    [
      "a suspended installation",
      { accessToken: () => ({ status: 403, body: { message: "This installation has been suspended" } }) },
      "github-suspended",
      "signing in as the App for acme",
    ],
    [
      "an installation that was revoked after it was found",
      { accessToken: () => ({ status: 404, body: { message: "Not Found" } }) },
      "github-not-installed",
      "signing in as the App for acme",
    ],
    [
      "no permission",
      { accessToken: () => ({ status: 403, body: {} }) },
      "github-forbidden",
      "signing in as the App for acme",
    ],
    [
      "a token of another shape",
      { accessToken: () => ({ status: 201, body: { token: "ghs_SECRET\n" } }) },
      "github-invalid",
      "signing in as the App for acme",
    ],
  ])("%s", async (_name, behaviour, code, message) => {
    const { apiUrl } = await startApp(behaviour);
    const { github, telemetry } = connect(apiUrl, { auth });
    const error = await failureOf(
      github.mintTicket({ scope: ACME, runnerName: "x", labels: ["linux"], runnerGroup: "Default" }),
    );
    expect(error).toMatchObject({ name: "GitHubError", code, message });
    // A registration of which we cannot ask is not absent.
    await expect(github.findRunner(ACME, "x")).resolves.toMatchObject({ kind: "unknown", code });
    await expect(github.getJob("acme/widgets", jobId())).resolves.toMatchObject({ kind: "unknown", code });
    expect(tellWhole(error) + telemetry.lines.join()).not.toMatch(/SECRET|PRIVATE KEY|Bearer ey/);
  });

  it("a key that cannot be used is refused without being shown", async () => {
    const broken = "-----BEGIN RSA PRIVATE KEY-----\nSECRET\n-----END RSA PRIVATE KEY-----";
    const { github } = connect("http://127.0.0.1:1", { auth: { ...auth, privateKeyPem: broken } });
    const error = await failureOf(github.listRunners(ACME));
    expect(error).toMatchObject({ code: "github-unauthorized" });
    expect(tellWhole(error)).not.toMatch(/SECRET|BEGIN/);
  });
});
