import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Config } from "../../src/app/config/config.ts";
import { type FrontApps, openFront } from "../../src/app/front.ts";
import { callerOf } from "../../src/http/caller.ts";
import type { LogFields, Telemetry } from "../../src/ports/telemetry.ts";
import { issueCertificate } from "../http/issue-certificate.ts";
import { clockAt, recordTelemetry } from "../http/stand-ins.ts";

const ANYWHERE = { host: "127.0.0.1", port: 0 };
const clock = clockAt(Date.UTC(2026, 0, 1));
const CERTIFICATE = issueCertificate();

/** An app that says its name and who called it; under `/…/refused/401` it refuses. */
function named(name: string): Hono {
  const app = new Hono();
  app.all("*", (context) => {
    const status = /\/refused\/(\d+)$/.exec(context.req.path)?.[1];
    if (status !== undefined) return Response.json({}, { status: Number(status) });
    return context.text(`${name} ${callerOf(context)}`);
  });
  return app;
}

const APPS: FrontApps = {
  webhooks: named("webhooks"),
  agents: named("agents"),
  operators: named("operators"),
  pages: named("pages"),
  health: named("health"),
};

interface Given {
  readonly listen?: Partial<Config["listen"]>;
  readonly operatorsUrl?: string;
}

async function open({ listen = {}, operatorsUrl }: Given = {}) {
  const warnings: LogFields[] = [];
  const warn = (_message: string, fields: LogFields = {}) => void warnings.push(fields);
  const telemetry: Telemetry = { ...recordTelemetry(), warn };
  // The front reads nothing else of it.
  const config = {
    listen: { webhooks: ANYWHERE, agents: ANYWHERE, operators: ANYWHERE, tls: null, trustedProxies: [], ...listen },
    urls: { webhooks: "https://hooks.acme.com", agents: "https://agents.internal", operators: operatorsUrl ?? null },
  } as unknown as Config;
  const front = await openFront(config, clock, APPS, telemetry);
  onTestFinished(() => front.close());
  return { front, warnings };
}

/** As `fetch`, which does not let anybody choose the `Host` header. */
function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { headers, agent: false, ca: CERTIFICATE.certificatePem };
    const asked = (url.startsWith("https:") ? requestHttps : requestHttp)(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    asked.once("error", reject);
    asked.end();
  });
}

describe("three addresses", () => {
  it("each serves its own surface and health, and nothing of the others", async () => {
    const { webhooks, agents, operators } = (await open({ listen: { agents: { host: "localhost", port: 0 } } })).front
      .addresses;
    expect((await ask(`${agents}/agent/v1/poll`)).text).toMatch(/^agents /);
    expect((await ask(`${agents}/webhooks/github`)).status).toBe(404);
    expect((await ask(`${agents}/api/v1/status`)).status).toBe(404);
    expect((await ask(`${agents}/`)).status).toBe(404);
    expect((await ask(`${agents}/healthz`)).text).toMatch(/^health /);
    // These two share an address.
    expect(webhooks).toBe(operators);
    expect((await ask(`${webhooks}/webhooks/github`)).text).toMatch(/^webhooks /);
    expect((await ask(`${operators}/api/v1/status`)).text).toMatch(/^operators /);
    expect((await ask(`${operators}/`)).text).toMatch(/^pages /);
    expect((await ask(`${operators}/agent/v1/poll`)).text).toMatch(/^pages /);
  });

  it("all speak HTTPS where there is a certificate", async () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-front-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const tls = { certificateFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
    writeFileSync(tls.certificateFile, CERTIFICATE.certificatePem);
    writeFileSync(tls.keyFile, CERTIFICATE.keyPem);
    const { front } = await open({ listen: { tls, agents: { host: "localhost", port: 0 } } });
    expect(Object.values(front.addresses)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^https:/)));
    expect((await ask(`${front.addresses.webhooks}/webhooks/github`)).text).toMatch(/^webhooks /);
    expect((await ask(`${front.addresses.agents}/agent/v1/poll`)).text).toMatch(/^agents /);
    expect((await ask(`${front.addresses.operators}/`)).text).toMatch(/^pages /);
    await expect(ask(front.addresses.agents.replace("https:", "http:"))).rejects.toThrow();
  });
});

describe("who calls", () => {
  it("is the peer, whatever it claims", async () => {
    const { operators } = (await open()).front.addresses;
    expect((await ask(`${operators}/`, { "x-forwarded-for": "203.0.113.7" })).text).toBe("pages 127.0.0.1");
  });

  it("is whom a trusted proxy names", async () => {
    const { webhooks } = (await open({ listen: { trustedProxies: ["127.0.0.0/8"] } })).front.addresses;
    const headers = { "x-forwarded-for": "10.0.0.1, 203.0.113.7" };
    expect((await ask(`${webhooks}/webhooks/github`, headers)).text).toBe("webhooks 203.0.113.7");
  });

  it("is told with each refusal, but not with a browser's first call", async () => {
    const { front, warnings } = await open({ listen: { trustedProxies: ["127.0.0.1"] } });
    const { operators } = front.addresses;
    const headers = { "x-forwarded-for": "203.0.113.7" };
    await ask(`${operators}/webhooks/refused/401`, headers);
    await ask(`${operators}/api/refused/401`, headers);
    await ask(`${operators}/api/refused/401`, { ...headers, authorization: "Bearer wrong" });
    await ask(`${operators}/api/refused/403`, headers);
    await ask(`${operators}/api/refused/404`, headers);
    // The agents' app tells of its own, with the machine.
    await ask(`${operators}/agent/refused/401`, headers);
    const call = { caller: "203.0.113.7", method: "GET" };
    expect(warnings).toEqual([
      { ...call, surface: "webhooks", status: 401, path: "/webhooks/refused/401" },
      { ...call, surface: "operators", status: 401, path: "/api/refused/401" },
      { ...call, surface: "operators", status: 403, path: "/api/refused/403" },
    ]);
  });
});

describe("a page that was led to our address under a name of its own", () => {
  const stranger = { host: "evil.example:8082" };

  it.each(["/", "/api/v1/status", "/explain/1", "/assets/style.css"])("reads nothing of %s", async (path) => {
    const { front, warnings } = await open();
    const { status, text } = await ask(`${front.addresses.operators}${path}`, stranger);
    expect(status).toBe(403);
    expect(JSON.parse(text)).toMatchObject({ code: "forbidden", mend: expect.stringContaining("`urls.operators`") });
    expect(warnings).toMatchObject([{ surface: "operators", status: 403, path }]);
  });

  it.each(["/webhooks/github", "/agent/v1/poll", "/healthz", "/metrics"])(
    "is no matter for %s, which has its own proofs or nothing to hide",
    async (path) => {
      const { operators } = (await open()).front.addresses;
      expect((await ask(`${operators}${path}`, stranger)).status).toBe(200);
    },
  );

  it.each([
    "ops.acme.com",
    "OPS.acme.com:8443",
    "hooks.acme.com",
    "agents.internal",
    "localhost:8082",
    "127.0.0.1",
    "[::1]",
  ])("is not meant by %s", async (host) => {
    const { operators } = (await open({ operatorsUrl: "https://ops.acme.com" })).front.addresses;
    expect((await ask(`${operators}/`, { host })).status).toBe(200);
  });
});
