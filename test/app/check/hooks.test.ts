import { describe, expect, it } from "vitest";
import { judgeDeliveries } from "../../../src/app/check/deliveries.ts";
import { judgeHook, lookAtHooks } from "../../../src/app/check/hooks.ts";
import { GitHubError } from "../../../src/domain/errors.ts";
import type { RegistrationScope } from "../../../src/domain/pool.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import type { Hook, HookDelivery } from "../../../src/ports/github-hooks.ts";
import {
  ADDRESS,
  app,
  connectionConfig,
  delivery,
  hook,
  NOW_MS,
  pool,
  subject,
  token,
  WEBHOOKS_URL,
} from "./subject-builder.ts";

function judge(deliveries: readonly HookDelivery[]) {
  return judgeDeliveries(deliveries, {
    hook: hook(),
    config: connectionConfig(),
    webhooksUrl: WEBHOOKS_URL,
    nowMs: NOW_MS,
  });
}

const failed = (statusCode: number, status: string) => [delivery(statusCode, MINUTE_MS, { status })];

describe("GitHub's delivery log", () => {
  it.each([
    [
      "a wrong secret",
      [delivery(401)],
      /the secret at GitHub is another than ours/,
      /webhookSecretFiles/,
      "github.main.webhookSecretFiles",
    ],
    [
      "a wrong path",
      [delivery(404)],
      /is not Holdfast's webhook address/,
      /\/webhooks\/github has to arrive/,
      "urls.webhooks",
    ],
    ["a redirect", [delivery(301)], /is not Holdfast's webhook address/, /proxy in front/, "urls.webhooks"],
    ["a firewall in front", [delivery(403)], /refuses GitHub/, /GitHub's addresses/, "urls.webhooks"],
    [
      "nobody there",
      failed(0, "failed to connect to host"),
      /GitHub does not reach the address/,
      /demand: poll/,
      "urls.webhooks",
    ],
    [
      "nobody there, under a number",
      failed(502, "failed to connect"),
      /GitHub does not reach/,
      /firewall/,
      "urls.webhooks",
    ],
    ["an answer too late", failed(504, "timed out"), /GitHub does not reach/, /firewall/, "urls.webhooks"],
    [
      "an untrusted certificate",
      failed(0, "Peer certificate cannot be authenticated"),
      /certificate/,
      /whole chain/,
      "urls.webhooks",
    ],
    ["a server that is down behind its proxy", [delivery(503)], /server error/, /holdfast serve/, "urls.webhooks"],
    ["a refusal", [delivery(415)], /refuses what GitHub sends/, /log/, "urls.webhooks"],
  ])("names %s", (_name, deliveries, text, mend, path) => {
    const finding = judge(deliveries);
    expect(finding).toMatchObject({ severity: "error", area: "webhook main", path });
    expect(finding.finding).toMatch(text);
    expect(finding.finding).toMatch(/: the only delivery failed, 1m ago/);
    expect(finding.mend).toMatch(mend);
    expect(finding.mend).toMatch(/Redeliver/);
  });

  it.each([
    ["all arrived", [delivery(202), delivery(200, HOUR_MS)], "ok", /last 2 deliveries arrived, the newest 1m ago/],
    ["none yet", [], "warning", /delivered nothing .* in the last three days/],
    [
      "some failed, later ones arrived",
      [delivery(202), delivery(503, HOUR_MS)],
      "warning",
      /1 of the last 2 deliveries failed, the newest of them 1h ago \(status 503.*later ones arrived$/,
    ],
    [
      "the newest two failed",
      [delivery(401), delivery(401, HOUR_MS), delivery(202, 2 * HOUR_MS)],
      "warning",
      /^the secret at GitHub is another .* 2 of the last 3 deliveries failed.*; earlier ones arrived$/,
    ],
    [
      "the newest three failed: it is so now",
      [delivery(401), delivery(401, HOUR_MS), delivery(401, 2 * HOUR_MS), delivery(202, 3 * HOUR_MS)],
      "error",
      /secret .* 3 of the last 4/,
    ],
    [
      "all failed",
      [delivery(401), delivery(401, HOUR_MS)],
      "error",
      /all of the last 2 deliveries failed, the newest of them 1m ago/,
    ],
  ] as const)("is judged: %s", (_name, deliveries, severity, text) => {
    const finding = judge(deliveries);
    expect(finding.severity).toBe(severity);
    expect(finding.finding).toMatch(text);
    expect(finding.mend === "").toBe(severity === "ok");
  });
});

describe("a webhook that leads here", () => {
  it.each([
    ["with all as it should be", {}, []],
    ["that tells of everything", { events: ["*"] }, []],
    ["switched off", { isActive: false }, [["error", /switched off/]]],
    ["without the event", { events: ["push"] }, [["error", /does not tell of workflow jobs/]]],
    ["in forms", { contentType: "form" }, [["warning", /forms/]]],
    [
      "without a check of the certificate",
      { isCertificateChecked: false },
      [["warning", /does not check the certificate/]],
    ],
    ["without a certificate at all", { isCertificateChecked: false, url: "http://127.0.0.1/webhooks/github" }, []],
  ] as const)("%s", (_name, given, want) => {
    const findings = judgeHook(hook(given as Partial<Hook>), { config: connectionConfig() }, app());
    expect(findings.map(({ severity }) => severity)).toEqual(want.map(([severity]) => severity));
    for (const [index, [, text]] of want.entries()) expect(findings[index]?.finding).toMatch(text);
  });
});

describe("looking for the webhook", () => {
  const finding = (hooks: readonly Hook[]) => ({ hooks: { findHooks: async () => hooks } });

  it.each([`${ADDRESS}`, `${ADDRESS}/main`, "https://HOLDFAST.acme.com:443/webhooks/github"])(
    "takes %s",
    async (url) => {
      const findings = await lookAtHooks(subject(finding([hook({ url })])), app());
      expect(findings).toMatchObject([{ severity: "ok", finding: expect.stringMatching(/arrived/) }]);
    },
  );

  it.each([
    ["another host", "https://old.acme.com/webhooks/github"],
    ["another path", `${WEBHOOKS_URL}/webhook`],
    ["another connection", `${ADDRESS}/other`],
    ["a slash at the end", `${ADDRESS}/`],
  ])("tells that it leads elsewhere: %s", async (_name, url) => {
    const [found, ...others] = await lookAtHooks(subject(finding([hook({ url })])), app());
    expect(others).toEqual([]);
    expect(found).toMatchObject({ severity: "error", finding: `the webhook leads to ${url}, not to ${ADDRESS}` });
    expect(found?.mend).toMatch(/App holdfast-ci.*application\/json.*webhookSecretFiles.*Workflow jobs/);
  });

  it("tells that there is none, and where to make it", async () => {
    const [found] = await lookAtHooks(subject(finding([])), token([]));
    expect(found).toMatchObject({ severity: "error", finding: `there is no webhook to ${ADDRESS}` });
    expect(found?.mend).toMatch(`payload URL ${ADDRESS}`);
  });

  it("only warns where the App is not meant to tell of jobs: the organization's own webhook may", async () => {
    const [found] = await lookAtHooks(subject(finding([])), app({ events: [] }));
    expect(found).toMatchObject({ severity: "warning" });
  });

  it("asks nothing where jobs are polled for", async () => {
    const polling = subject(finding([]), { config: connectionConfig({ demand: "poll" }) });
    expect(await lookAtHooks(polling, app())).toMatchObject([
      { severity: "ok", finding: expect.stringMatching(/demand: poll/) },
    ]);
  });

  it("knows an address that GitHub cannot reach before it looks", async () => {
    const [found] = await lookAtHooks(subject({}, { webhooksUrl: "http://127.0.0.1:8080" }), app());
    expect(found).toMatchObject({ severity: "error", finding: expect.stringMatching(/address of this computer only/) });
  });

  it("warns where a token may not look", async () => {
    const findHooks = async () => {
      throw new GitHubError("github-forbidden", "listing the webhooks of /orgs/acme");
    };
    const [found] = await lookAtHooks(subject({ hooks: { findHooks } }), token(["admin:org"]));
    expect(found).toMatchObject({ severity: "warning", code: "github-forbidden" });
    expect(found?.mend).toMatch(/admin:org_hook/);
  });

  it("finds what a token may see beside what it may not", async () => {
    const asked: string[] = [];
    const findHooks = async ([scope]: readonly RegistrationScope[]) => {
      asked.push(scope?.kind ?? "");
      if (scope?.kind === "organization") throw new GitHubError("github-forbidden", "listing");
      return [hook({ path: "/repos/acme/widgets/hooks/1" })];
    };
    const scope = { kind: "repositories", repositories: ["acme/widgets"] } as const;
    const looked = await lookAtHooks(subject({ hooks: { findHooks } }, { pools: [pool({ scope })] }), token(["repo"]));
    expect(asked.sort()).toEqual(["organization", "repository"]);
    expect(looked).toMatchObject([{ severity: "ok" }]);
  });

  it("reads no log of a webhook that is switched off", async () => {
    const listDeliveries = async () => {
      throw new Error("read all the same");
    };
    const off = { findHooks: async () => [hook({ isActive: false })], listDeliveries };
    expect(await lookAtHooks(subject({ hooks: off }), app())).toMatchObject([
      { finding: expect.stringMatching(/switched off/) },
    ]);
  });
});
