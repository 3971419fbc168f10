import { describe, expect, it } from "vitest";
import {
  CLOCK_DIFFERENCE_MS_MAX,
  describeClock,
  describeFailedSignIn,
  signIn,
} from "../../../src/app/check/sign-in.ts";
import type { ConnectionConfig } from "../../../src/app/config/config.ts";
import { GitHubError, type GitHubErrorCode } from "../../../src/domain/errors.ts";
import { app, connectionConfig, hastyClock, subject, token } from "./subject-builder.ts";

const ofToken = () => connectionConfig({ auth: { kind: "token", token: "SECRETOFGITHUB" } });

function refused(code: GitHubErrorCode, ...causes: readonly string[]): GitHubError {
  const [innermost = "", ...outer] = [...causes].reverse();
  const deepest = innermost === "" ? undefined : new Error(innermost);
  const cause = outer.reduce<Error | undefined>((inner, message) => new Error(message, { cause: inner }), deepest);
  return new GitHubError(code, "reading the App's own description", { cause });
}

interface Row {
  readonly name: string;
  readonly error: GitHubError;
  readonly config?: ConnectionConfig;
  readonly path: string;
  readonly finding: RegExp;
  readonly mend: RegExp;
}

const ROWS: readonly Row[] = [
  {
    name: "a key of another App",
    error: refused("github-unauthorized", "GitHub answered 401: A JSON web token could not be decoded"),
    path: "github.main.app.privateKeyFile",
    finding: /not a key of the App 123456 \(GitHub answered 401: A JSON web token could not be decoded\)/,
    mend: /github\.main\.app\.id.*generate a private key/,
  },
  {
    name: "an id that no App has",
    error: refused("github-not-found", "GitHub answered 404: Integration not found"),
    path: "github.main.app.id",
    finding: /knows no App with the id 123456/,
    mend: /"App ID"/,
  },
  {
    name: "an expired token",
    error: refused("github-unauthorized", "GitHub answered 401: Bad credentials"),
    config: ofToken(),
    path: "github.main.token",
    finding: /wrong, expired or was revoked \(GitHub answered 401: Bad credentials\)/,
    mend: /github\.main\.token\.file/,
  },
  {
    name: "a clock that is wrong by minutes",
    error: refused("github-clock-skew", "GitHub answered 401: 'Issued at' claim ('iat')"),
    path: "github.main.app",
    finding: /this computer's clock is wrong/,
    mend: /NTP/,
  },
  {
    name: "a suspended App",
    error: refused("github-suspended", "GitHub answered 403: This installation has been suspended"),
    path: "github.main.app",
    finding: /suspended/,
    mend: /unsuspend/,
  },
  {
    name: "a rate limit that is used up: nothing else could be looked at",
    error: refused("github-rate-limited", "GitHub answered 403: API rate limit exceeded"),
    path: "github.main.app",
    finding: /rate limit/,
    mend: /again/,
  },
  {
    name: "a name that DNS does not know",
    error: refused("github-unavailable", "fetch failed", "getaddrinfo ENOTFOUND api.example.com"),
    path: "github.main.apiUrl",
    finding: /name of the host is not known \(getaddrinfo ENOTFOUND api\.example\.com\)/,
    mend: /github\.main\.apiUrl/,
  },
  {
    name: "an address where nothing listens",
    error: refused("github-unavailable", "fetch failed", "connect ECONNREFUSED 127.0.0.1:1"),
    path: "github.main.apiUrl",
    finding: /nothing can be reached/,
    mend: /github\.main\.apiUrl/,
  },
  {
    name: "a certificate of a private authority",
    error: refused("github-unavailable", "fetch failed", "unable to verify the first certificate"),
    path: "github.main.apiUrl",
    finding: /not trusted \(unable to verify the first certificate\)/,
    mend: /github\.main\.caFile/,
  },
  {
    name: "a certificate of another host",
    error: refused("github-unavailable", "fetch failed", "Hostname/IP does not match certificate's altnames"),
    path: "github.main.apiUrl",
    finding: /of another host/,
    mend: /apiUrl/,
  },
  {
    name: "a certificate that is over",
    error: refused("github-unavailable", "fetch failed", "certificate has expired"),
    path: "github.main.apiUrl",
    finding: /not valid at this time/,
    mend: /Renew/,
  },
  {
    name: "a proxy that refuses",
    error: refused("github-unavailable", "fetch failed", "Proxy response (407) !== 200 when HTTP Tunneling"),
    path: "github.main.apiUrl",
    finding: /the proxy did not let the call through \(Proxy response \(407\)/,
    mend: /github\.main\.proxy/,
  },
  {
    name: "an answer that does not come",
    error: refused("github-unavailable", "The operation was aborted due to timeout"),
    path: "github.main.apiUrl",
    finding: /no answer came in time/,
    mend: /firewall/,
  },
  {
    name: "a server error",
    error: refused("github-unavailable", "GitHub answered 502"),
    path: "github.main.apiUrl",
    finding: /GitHub answered 502/,
    mend: /status page/,
  },
];

describe("a sign-in that failed", () => {
  it.each(ROWS)("$name is an error with its mend", ({ error, config, path, finding, mend }) => {
    const found = describeFailedSignIn(error, config ?? connectionConfig());
    expect(found).toMatchObject({ severity: "error", area: "connection main", path, code: error.code });
    expect(found.finding).toMatch(finding);
    expect(found.mend).toMatch(mend);
    expect(`${found.finding}${found.mend}`).not.toMatch(/SECRET/);
  });

  it("names the cause at the end of the chain, and the system's code where the message lacks it", () => {
    const inner = Object.assign(new AggregateError([new Error("")]), { code: "ECONNREFUSED" });
    const error = new GitHubError("github-unavailable", "reading", {
      cause: new Error("fetch failed", { cause: inner }),
    });
    expect(describeFailedSignIn(error, connectionConfig()).finding).toMatch(/nothing can be reached/);
  });

  it("is a bug where it is no refusal", () => {
    expect(() => describeFailedSignIn(new TypeError("a bug"), connectionConfig())).toThrow("a bug");
  });

  it("ends by its own time where GitHub never answers", async () => {
    const asked = { describe: () => new Promise<never>(() => {}), clockDifferenceMs: () => null };
    const signed = await signIn(subject({ access: asked }, { clock: hastyClock() }));
    expect(signed.kind).toBe("out");
    expect(signed.findings).toMatchObject([{ severity: "error", code: "github-unavailable" }]);
  });
});

describe("a sign-in that worked", () => {
  it.each([
    ["an App", app(), /as the App holdfast-ci, installed in acme$/],
    ["an App that is installed nowhere", app({ installations: [] }), /installed nowhere yet$/],
    ["a classic token", token(["repo"]), /a token of alice, scopes repo$/],
    ["a classic token without scopes", token([]), /without any scope$/],
    ["a fine-grained token", token(null), /a token of alice$/],
  ])("says who we are: %s", async (_name, access, text) => {
    const signed = await signIn(subject({ access: { describe: async () => access } }));
    expect(signed.findings).toMatchObject([{ severity: "ok", finding: expect.stringMatching(text) }]);
  });
});

describe("the clock", () => {
  it.each([
    ["not known", null, 0],
    ["as far off as it may be", CLOCK_DIFFERENCE_MS_MAX, 0],
    ["further ahead", -CLOCK_DIFFERENCE_MS_MAX - 1, 1],
    ["further behind", CLOCK_DIFFERENCE_MS_MAX + 1, 1],
  ])("is a warning only beyond the limit: %s", (_name, differenceMs, count) => {
    expect(describeClock(differenceMs, connectionConfig())).toHaveLength(count);
  });

  it("says which way it is off", () => {
    const [ahead] = describeClock(-90_000, connectionConfig());
    expect(ahead).toMatchObject({ severity: "warning", code: "github-clock-skew" });
    expect(ahead?.finding).toBe("this computer's clock is 1m 30s ahead of GitHub's");
    expect(describeClock(90_000, connectionConfig())[0]?.finding).toMatch(/behind/);
  });
});
