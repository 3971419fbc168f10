import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { answerBundle, BUNDLE_ROUTE, bundlePath, type ServedBundle } from "../../../src/http/agents/bundle.ts";

const BUNDLE: ServedBundle = { bytes: new Uint8Array([1, 2, 3]), sha256: "ab".repeat(32) };

async function get(path: string, bundle: ServedBundle | null): Promise<Response> {
  const app = new Hono();
  app.get(BUNDLE_ROUTE, (context) => answerBundle(context, bundle));
  return app.request(path);
}

describe("the agent's bundle", () => {
  it("is served under its hash", async () => {
    const answer = await get(bundlePath(BUNDLE.sha256), BUNDLE);
    expect(answer.status).toBe(200);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(BUNDLE.bytes);
  });

  it("is not there under another hash, nor where no pool needs one", async () => {
    expect((await get(bundlePath("cd".repeat(32)), BUNDLE)).status).toBe(404);
    expect((await get(bundlePath(BUNDLE.sha256), null)).status).toBe(404);
  });
});
