import { describe, expect, it } from "vitest";
import { systemRandom } from "../../../src/adapters/system/random.ts";
import type { Fetch } from "../../../src/app/init/conversion.ts";
import { type CreateAppMeans, createApp } from "../../../src/app/init/create-app.ts";
import { attributeOf, type HeldClock, heldClock } from "./init-means.ts";

const SETTINGS = {
  controllerId: "acme-ci",
  github: { webUrl: "https://github.com", apiUrl: "https://api.github.com" },
  caFile: null,
  scope: { kind: "organization", organization: "acme" },
  webhooksUrl: "https://holdfast.acme.com",
} as const;

const PEM = "-----BEGIN RSA PRIVATE KEY-----\nSECRETKEY\n-----END RSA PRIVATE KEY-----\n";
const APP = { id: 7, slug: "holdfast-acme-ci", html_url: "https://github.com/apps/holdfast-acme-ci", pem: PEM };
const CONVERTED = { ...APP, webhook_secret: "SECRETOFHOOK" };

/** Answers of GitHub's, one a call; the last one again. An error is thrown. */
function answering(...answers: readonly (Response | Error)[]): Fetch & { readonly calls: string[] } {
  const calls: string[] = [];
  const answer: Fetch = async (url, { method }) => {
    const next = answers[Math.min(calls.length, answers.length - 1)];
    calls.push(`${method} ${url}`);
    if (next instanceof Error) throw next;
    return next?.clone() ?? Response.error();
  };
  return Object.assign(answer, { calls });
}

const created = (body: unknown = CONVERTED) => Response.json(body, { status: 201 });

interface Flow {
  readonly address: string;
  readonly state: string;
  readonly manifest: Record<string, unknown>;
  readonly page: Response;
  readonly clock: HeldClock;
  readonly stop: AbortController;
  back(query: Record<string, string>): Promise<Response>;
}

/** Starts a registration, opens its page, and lets `visit` be the browser. @returns how it ended. */
async function register(
  fetchConversion: Fetch,
  visit: (flow: Flow) => Promise<void>,
  settings: Parameters<typeof createApp>[0] = SETTINGS,
  isPersonal = false,
) {
  const clock = heldClock();
  const stop = new AbortController();
  let visited: Promise<void> = Promise.resolve();
  const announce: CreateAppMeans["announce"] = async (address) => {
    const { origin } = new URL(address);
    const page = await fetch(address);
    // Nobody else on this computer comes to the state by the port alone.
    expect((await fetch(origin)).status).toBe(404);
    const html = await page.clone().text();
    const state = new URL(attributeOf(html, "action")).searchParams.get("state") ?? "";
    const manifest = JSON.parse(attributeOf(html, "value"));
    const back = (query: Record<string, string>) => fetch(`${origin}/callback?${new URLSearchParams(query)}`);
    visited = visit({ address: origin, state, manifest, page, clock, stop, back });
    await visited;
  };
  const means = { createFetch: () => fetchConversion, clock, random: systemRandom(), stop: stop.signal, announce };
  try {
    return await createApp(settings, isPersonal, means);
  } finally {
    // An App that is there already would hide what the browser found wrong.
    await visited;
  }
}

const failing = (promise: Promise<unknown>) => promise.then(() => null).catch((error: unknown) => error);

describe("the page that leads to GitHub", () => {
  it("posts the manifest with the permissions, the webhook and the way back, and is kept by nobody", async () => {
    await register(answering(created()), async ({ address, state, manifest, page, back }) => {
      expect(manifest).toEqual({
        name: "holdfast-acme-ci",
        url: "https://holdfast.acme.com",
        hook_attributes: { url: "https://holdfast.acme.com/webhooks/github", active: true },
        redirect_url: `${address}/callback`,
        public: false,
        default_permissions: { organization_self_hosted_runners: "write", actions: "read", metadata: "read" },
        default_events: ["workflow_job"],
      });
      const html = await page.text();
      expect(attributeOf(html, "action")).toBe(
        `https://github.com/organizations/acme/settings/apps/new?state=${state}`,
      );
      expect(page.headers.get("cache-control")).toBe("no-store");
      expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
      await back({ state, code: "c0de" });
    });
  });

  it("asks for no webhook and no events where jobs are asked for", async () => {
    const settings = { ...SETTINGS, webhooksUrl: null };
    await register(
      answering(created({ ...APP, webhook_secret: null })),
      async ({ state, manifest, back }) => {
        expect(manifest).toMatchObject({ hook_attributes: { active: false }, default_events: [] });
        await back({ state, code: "c0de" });
      },
      settings,
    );
  });

  it("is a person's own page for a person's repositories, and the name is one that GitHub takes", async () => {
    const settings = {
      ...SETTINGS,
      controllerId: "a-name-of-thirty-letters-which",
      github: { webUrl: "https://ghe.acme.com", apiUrl: "https://ghe.acme.com/api/v3" },
      scope: { kind: "repositories", repositories: ["alice/widgets"] },
    } as const;
    const github = answering(created());
    await register(
      github,
      async ({ page, state, manifest, back }) => {
        expect(attributeOf(await page.text(), "action")).toMatch(/^https:\/\/ghe\.acme\.com\/settings\/apps\/new\?/);
        expect(manifest.default_permissions).toMatchObject({ administration: "write" });
        expect(String(manifest.name).length).toBeLessThanOrEqual(34);
        expect(manifest.name).not.toMatch(/-$/);
        await back({ state, code: "c0de" });
      },
      settings,
      true,
    );
    expect(github.calls).toEqual(["POST https://ghe.acme.com/api/v3/app-manifests/c0de/conversions"]);
  });

  it("is not shown to a page that came here under another name", async () => {
    await register(answering(created()), async ({ address, state, back }) => {
      const { hostname, port } = new URL(address);
      const { request } = await import("node:http");
      const status = await new Promise((resolve, reject) => {
        const options = { hostname, port, headers: { host: `evil.example:${port}` } };
        request(options, (response) => resolve(response.resume().statusCode))
          .on("error", reject)
          .end();
      });
      expect(status).toBe(421);
      await back({ state, code: "c0de" });
    });
  });
});

describe("whoever comes back from GitHub", () => {
  it("gets the App, and the browser is shown where to install it", async () => {
    const app = await register(answering(created()), async ({ state, back }) => {
      const page = await (await back({ state, code: "c0de" })).text();
      expect(page).toContain("https://github.com/apps/holdfast-acme-ci/installations/new");
      expect(page).not.toMatch(/SECRET/);
    });
    expect(app).toEqual({
      appId: 7,
      slug: "holdfast-acme-ci",
      htmlUrl: "https://github.com/apps/holdfast-acme-ci",
      privateKeyPem: PEM,
      webhookSecret: "SECRETOFHOOK",
    });
  });

  it.each([
    ["another state", { state: "x".repeat(32), code: "c0de" }],
    ["no state", { code: "c0de" }],
    ["no code", "no code"],
    ["a code that is none", "bad code"],
  ])("is refused with %s, and the right one is still waited for", async (_, query) => {
    const github = answering(created());
    await register(github, async ({ state, back }) => {
      const given = query === "no code" ? { state } : query === "bad code" ? { state, code: "../user" } : query;
      expect((await back(given as Record<string, string>)).status).toBe(400);
      expect(github.calls).toEqual([]);
      expect((await back({ state, code: "c0de" })).status).toBe(200);
    });
  });

  it("comes once: a second code is not exchanged", async () => {
    const reached = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<Response>();
    const github: Fetch = async () => {
      reached.resolve();
      return await answered.promise;
    };
    const app = await register(github, async ({ state, back }) => {
      const first = back({ state, code: "c0de" });
      await reached.promise;
      expect((await back({ state, code: "0ther" })).status).toBe(409);
      answered.resolve(created());
      expect((await first).status).toBe(200);
    });
    expect(app.appId).toBe(7);
  });
});

describe("GitHub's answer to the code", () => {
  it.each([
    ["a code that was used or is too old", [new Response(null, { status: 404 })], "github-not-found", /used already/],
    ["a manifest that it does not take", [new Response(null, { status: 422 })], "github-invalid", /status 422/],
    ["too many calls", [new Response(null, { status: 403 })], "github-rate-limited", /no more calls/],
    ["a redirect", [new Response(null, { status: 302 })], "github-invalid", /status 302/],
    ["something that is no App", [created({ message: "hello" })], "github-invalid", /not with an App/],
    ["no JSON", [new Response("<html>", { status: 201 })], "github-invalid", /not with an App/],
    [
      "nothing",
      [new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") })],
      "github-unavailable",
      /ECONNREFUSED/,
    ],
    ["failures of its own", [new Response(null, { status: 502 })], "github-unavailable", /status 502/],
  ])("may be %s: told with what to do", async (_, answers, code, wrong) => {
    const run = register(answering(...answers), async ({ state, back }) => {
      expect((await back({ state, code: "c0de" })).status).toBe(502);
    });
    const error = await failing(run);
    expect(error).toMatchObject({ code, wrong: expect.stringMatching(wrong), mend: expect.stringMatching(/--app-id/) });
    expect(JSON.stringify(error)).not.toContain("c0de");
  });

  it("is asked for again when it failed for a moment, three times at most", async () => {
    const stumbling = answering(new Response(null, { status: 503 }), new TypeError("fetch failed"), created());
    const visit = async ({ state, back }: Flow) => void (await back({ state, code: "c0de" }));
    expect(await register(stumbling, visit)).toMatchObject({ appId: 7 });
    const down = answering(new Response(null, { status: 503 }));
    await failing(register(down, visit));
    expect(down.calls).toHaveLength(3);
  });
});

describe("waiting for GitHub", () => {
  it("ends after ten minutes", async () => {
    const error = await failing(register(answering(created()), async ({ clock }) => clock.release()));
    expect(error).toMatchObject({ code: "init-failed", wrong: expect.stringContaining("within 10 minutes") });
  });

  it("ends when it is stopped, and nothing listens any more", async () => {
    let left = "";
    const run = register(answering(created()), async ({ address, stop }) => {
      left = address;
      stop.abort();
    });
    expect(await failing(run)).toMatchObject({ code: "init-failed", wrong: expect.stringContaining("stopped") });
    await expect(fetch(left)).rejects.toThrow();
  });

  it("ends when whoever was to open the page cannot be asked", async () => {
    const run = register(answering(created()), () => Promise.reject(new Error("no terminal")));
    expect(await failing(run)).toMatchObject({ message: "no terminal" });
  });
});
