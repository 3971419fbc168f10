import { createPublicKey, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { HOUR_MS } from "../../src/domain/units.ts";
import { handleRest } from "../../src/simulator/github/rest.ts";
import { acceptManifest } from "../../src/simulator/github/rest-manifest.ts";
import { RUNNERS, useGitHub, WAIT_MS } from "./github-house.ts";
import { appJwt } from "./scripted-runner.ts";
import { createWorld, START_MS } from "./world.ts";

const MANIFEST = {
  name: "Our Runners",
  url: "https://example.test/",
  redirect_url: "http://127.0.0.1:9/callback?step=2",
  default_permissions: { actions: "read", organization_self_hosted_runners: "write" },
  default_events: ["workflow_job"],
};

describe("an App from a manifest", () => {
  const house = useGitHub();

  function press(path: string, manifest: unknown): Promise<Response> {
    const body = new URLSearchParams({ manifest: typeof manifest === "string" ? manifest : JSON.stringify(manifest) });
    return fetch(`${house.github.webUrl}${path}`, { method: "POST", body, redirect: "manual" });
  }

  async function convert(path = "/settings/apps/new") {
    const manifest = { ...MANIFEST, hook_attributes: { url: house.receiver.url } };
    const { headers } = await press(path, manifest);
    const code = new URL(headers.get("location") ?? "").searchParams.get("code");
    return { code, ...(await house.call("POST", `/app-manifests/${code}/conversions`, undefined, "none")) };
  }

  it("leads back with a code and the state that was sent along", async () => {
    const response = await press("/organizations/acme/settings/apps/new?state=abc", MANIFEST);
    const { origin, pathname, searchParams } = new URL(response.headers.get("location") ?? "");
    expect([response.status, origin + pathname]).toEqual([302, "http://127.0.0.1:9/callback"]);
    expect(Object.fromEntries(searchParams)).toEqual({ step: "2", code: expect.any(String), state: "abc" });
  });

  it.each<[name: string, manifest: unknown]>([
    ["not JSON", "{"],
    ["a text", JSON.stringify("x")],
    ["no name", { ...MANIFEST, name: undefined }],
    ["no way back", { ...MANIFEST, redirect_url: "callback" }],
  ])("is not made of %s", async (_name, manifest) => {
    expect((await press("/settings/apps/new", manifest)).status).toBe(422);
    expect((await fetch(`${house.github.webUrl}/settings/apps/new`)).status).toBe(200);
  });

  it("is made once of its code, with a key and a secret that work", async () => {
    const { code, status, body } = await convert();
    expect([status, body]).toMatchObject([
      201,
      {
        slug: "our-runners",
        name: "Our Runners",
        html_url: `${house.github.webUrl}/apps/our-runners`,
        owner: { login: "octocat" },
        permissions: { ...MANIFEST.default_permissions, metadata: "read" },
        events: ["workflow_job"],
      },
    ]);
    expect(body.pem).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
    expect(createPublicKey(body.pem).asymmetricKeyDetails?.modulusLength).toBe(2_048);
    expect((await house.call("POST", `/app-manifests/${code}/conversions`, undefined, "none")).status).toBe(404);

    const signed = (text: string) => sign("RSA-SHA256", Buffer.from(text), body.pem).toString("base64url");
    const jwt = () => appJwt(body.id, signed);
    expect((await house.call("GET", "/app", undefined, jwt())).body).toMatchObject({
      id: body.id,
      installations_count: 0,
    });
    expect((await house.call("GET", "/app", undefined, appJwt(body.id))).status).toBe(401);
    expect((await house.call("GET", "/orgs/acme/installation", undefined, jwt())).status).toBe(404);
    const installationId = house.github.installApp(body.id, "acme");
    const token = await house.call("POST", `/app/installations/${installationId}/access_tokens`, undefined, jwt());
    expect((await house.call("GET", RUNNERS, undefined, token.body.token)).status).toBe(200);
    expect(house.github.apps().map(({ slug }) => slug)).toEqual(["holdfast-simulated", "our-runners"]);
  });

  it("has the hook of the manifest, with the secret that the conversion told", async () => {
    const { body } = await convert("/organizations/acme/settings/apps/new");
    expect(body.owner.login).toBe("acme");
    const ping = () => house.receiver.received.find(({ event }) => event === "ping");
    await house.github.waitFor("the ping", () => house.github.deliveries()[0]?.status === "delivered", WAIT_MS);
    expect(ping()?.headers["x-github-hook-installation-target-id"]).toBe(String(body.id));
    expect(body.webhook_secret).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("the code", () => {
  it("is good for an hour", () => {
    const convertAt = (nowMs: number) => {
      const state = createWorld({ createKeyPair: () => ({ publicKey: "public", privateKey: "private" }) });
      const path = `/app-manifests/${acceptManifest(state, MANIFEST, "acme", START_MS)}/conversions`;
      const call = { method: "POST", path, query: new URLSearchParams(), body: { kind: "none" } } as const;
      return handleRest(state, { ...call, caller: { kind: "anonymous" }, bearer: "", ifNoneMatch: null }, nowMs).answer
        .status;
    };
    expect(convertAt(START_MS + HOUR_MS)).toBe(201);
    expect(convertAt(START_MS + HOUR_MS + 1)).toBe(404);
  });
});
