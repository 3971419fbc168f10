import { describe, expect, it } from "vitest";
import { tryCollector } from "../../../src/adapters/opentelemetry/exporter.ts";
import { startCollector } from "./collector.ts";

const tried = (url: string) => tryCollector({ url, headers: { "x-tenant": "ci" }, caPem: null });

describe("whether a collector would take spans", () => {
  it("it takes a request without any, with the headers that all have", async () => {
    const collector = await startCollector();
    expect(await tried(collector.url)).toBe(null);
    expect(collector.spans).toEqual([]);
    expect(collector.requests).toMatchObject([
      { path: "/v1/traces", headers: { "x-tenant": "ci", "content-type": "application/x-protobuf" } },
    ]);
  });

  it.each([401, 404])("it answers %i", async (status) => {
    const { url } = await startCollector((response) => response.writeHead(status).end());
    expect(await tried(url)).toBe(`it answered ${status}`);
  });

  it("nobody is there", async () => {
    expect(await tried("http://127.0.0.1:1/v1/traces")).toMatch(/ECONNREFUSED/);
  });
});
