import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type ExportEvent, QUEUED_SPANS_MAX } from "../../../src/adapters/opentelemetry/queue.ts";
import { type OpenTracer, openTracer, type TracerOptions } from "../../../src/adapters/opentelemetry/tracer.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { createTelemetry } from "../../../src/adapters/system/telemetry.ts";
import { ProviderError } from "../../../src/domain/errors.ts";
import { ATTRIBUTES, NO_TRACES, SPANS } from "../../../src/ports/traces.ts";
import { type CollectedSpan, startCollector } from "./collector.ts";

function open(url: string, options: Partial<TracerOptions> = {}): OpenTracer & { readonly told: ExportEvent[] } {
  const plain = { url, ratio: 1, headers: {}, caPem: null, version: "1.2.3", clock: systemClock() };
  const tracer = openTracer({ ...plain, ...options });
  const told: ExportEvent[] = [];
  tracer.onExport((event) => told.push(event));
  return { ...tracer, told };
}

function find(spans: readonly CollectedSpan[], name: string): CollectedSpan {
  const [span, ...others] = spans.filter((one) => one.name === name);
  if (span === undefined || others.length > 0) throw new Error(`${others.length} more than one of ${name}`);
  return span;
}

const yieldOnce = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("what a collector gets", () => {
  it("spans with their kinds and attributes, inside of those that they were called in", async () => {
    const collector = await startCollector();
    const tracer = open(collector.url);
    const answer = await tracer.trace("pass", "mint", { pool: "linux", connection: null }, () =>
      tracer.trace("ticket", "mint", { job: 77, machine: "m-1" }, async (span) => {
        await yieldOnce();
        span.note({ ticket: "t-1" });
        return await tracer.trace("exchange", "generate-jitconfig", { method: "POST" }, async () => 201);
      }),
    );
    await tracer.close();
    const [pass, ticket, exchange] = ["pass mint", "ticket mint", "exchange generate-jitconfig"].map((name) =>
      find(collector.spans, name),
    );
    expect(answer).toBe(201);
    expect(pass).toMatchObject({ parentSpanId: "", kind: 1, attributes: { "holdfast.pool": "linux" } });
    expect(pass?.attributes).not.toHaveProperty("holdfast.connection");
    expect(ticket).toMatchObject({ traceId: pass?.traceId, parentSpanId: pass?.spanId, isFailed: false });
    expect(ticket?.attributes).toEqual({ "holdfast.job": 77, "holdfast.machine": "m-1", "holdfast.ticket": "t-1" });
    expect(exchange).toMatchObject({ traceId: pass?.traceId, parentSpanId: ticket?.spanId, kind: 3 });
    expect(collector.resource).toMatchObject({ "service.name": "holdfast", "service.version": "1.2.3" });
  });

  it("what goes on side by side, apart", async () => {
    const collector = await startCollector();
    const tracer = open(collector.url);
    const names = ["assign", "mint", "sweep"];
    await Promise.all(
      names.map((name) =>
        tracer.trace("pass", name, {}, async () => {
          await yieldOnce();
          await tracer.trace("github", `of-${name}`, {}, yieldOnce);
        }),
      ),
    );
    await tracer.close();
    for (const name of names)
      expect(find(collector.spans, `github of-${name}`).parentSpanId).toBe(
        find(collector.spans, `pass ${name}`).spanId,
      );
  });

  it("what begins a trace as such, wherever it is called", async () => {
    const collector = await startCollector();
    const tracer = open(collector.url);
    await tracer.trace("pass", "assign", {}, () => tracer.trace("agent", "report", {}, yieldOnce));
    await tracer.close();
    const report = find(collector.spans, "agent report");
    expect(report.parentSpanId).toBe("");
    expect(report.traceId).not.toBe(find(collector.spans, "pass assign").traceId);
  });

  it("an error by its code, and not a word of its message", async () => {
    const collector = await startCollector();
    const tracer = open(collector.url);
    const known = new ProviderError("provider-quota", "launching with SECRET", { cause: new Error("SECRET") });
    const fail = (error: unknown) => tracer.trace("provider", "launch", {}, () => Promise.reject(error));
    await expect(fail(known)).rejects.toBe(known);
    await expect(fail(new TypeError("SECRET"))).rejects.toThrow(TypeError);
    await tracer.trace("webhook", "receive", {}, async (span) => span.note({ errorCode: "unauthorized" }));
    await tracer.close();
    expect(collector.spans.map(({ isFailed, attributes }) => [isFailed, attributes["error.type"]])).toEqual([
      [true, "provider-quota"],
      [true, "TypeError"],
      [true, "unauthorized"],
    ]);
    expect(collector.requests.some(({ body }) => body.includes("SECRET"))).toBe(false);
  });

  it("its headers, at its path, and values that are cut", async () => {
    const collector = await startCollector();
    const tracer = open(collector.url, { headers: { "x-api-key": "hunter2" } });
    await tracer.trace("webhook", "receive", { event: "x".repeat(10_000) }, yieldOnce);
    await tracer.close();
    expect(collector.requests).toMatchObject([{ path: "/v1/traces", headers: { "x-api-key": "hunter2" } }]);
    expect(String(collector.spans[0]?.attributes["holdfast.event"])).toHaveLength(200);
  });

  it("nothing of traces that are not kept", async () => {
    const collector = await startCollector();
    const tracer = open(collector.url, { ratio: 0 });
    const ids = await tracer.trace("pass", "assign", {}, async () => tracer.current());
    await tracer.close();
    expect([ids, collector.requests]).toEqual([null, []]);
  });
});

describe("a collector that does not take them", () => {
  it("that never answers holds up neither the work nor the end", async () => {
    const collector = await startCollector(() => {});
    let sleptMs = 0;
    const clock = {
      sleep: async (durationMs: number) => {
        sleptMs = durationMs;
        await collector.next();
      },
    };
    const tracer = open(collector.url, { clock });
    for (let count = 0; count < 10; count += 1) await tracer.trace("pass", "assign", {}, async () => {});
    await tracer.close();
    expect([sleptMs, collector.requests.length]).toEqual([3_000, 1]);
  });

  it("gets no more than the queue holds; the rest is thrown away and counted", async () => {
    const collector = await startCollector(() => {});
    const tracer = open(collector.url, { clock: { sleep: async () => {} } });
    const work = Array.from({ length: QUEUED_SPANS_MAX + 30 }, () =>
      tracer.trace("pass", "assign", {}, async () => {}),
    );
    await Promise.all(work);
    expect(tracer.told.filter(({ kind }) => kind === "dropped")).toHaveLength(30);
    await tracer.close();
  });

  it.each([
    ["refuses", (url: string) => url, 400],
    ["is not there", () => "http://127.0.0.1:9/v1/traces", null],
  ])("that %s is told of", async (_name, urlOf, status) => {
    const collector = await startCollector((response) => response.writeHead(status ?? 200).end());
    const tracer = open(urlOf(collector.url));
    await tracer.trace("pass", "assign", {}, async () => {});
    await expect(tracer.close()).resolves.toBeUndefined();
    if (status !== null) expect(tracer.told).toMatchObject([{ kind: "failed" }]);
  });

  it("that takes them is told of as well", async () => {
    const collector = await startCollector();
    const tracer = open(collector.url);
    await tracer.trace("pass", "assign", {}, async () => {});
    await tracer.close();
    expect(tracer.told).toEqual([{ kind: "sent" }]);
  });
});

it("log lines name the span that they were written in, and none outside of it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-traces-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const collector = await startCollector();
  const tracer = open(collector.url);
  const destination = join(directory, "log");
  const { telemetry } = createTelemetry({ level: "info", destination, tracer });
  await telemetry.trace("pass", "assign", {}, async () => {
    await yieldOnce();
    telemetry.info("inside", { pool: "linux" });
  });
  telemetry.info("outside");
  await tracer.close();
  const [inside, outside] = readFileSync(destination, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { traceId, spanId } = find(collector.spans, "pass assign");
  expect(inside).toMatchObject({ msg: "inside", pool: "linux", trace_id: traceId, span_id: spanId });
  expect(Object.keys(outside)).not.toContain("trace_id");
});

describe("traces that are off", () => {
  it("do the work and nothing else", async () => {
    const done = Promise.resolve(1);
    expect(NO_TRACES.trace("pass", "assign", {}, () => done)).toBe(done);
  });

  // The figures' package brings OpenTelemetry's API in any case; what costs is the SDK and its exporter.
  it("load nothing that makes or sends them", () => {
    const root = join(import.meta.dirname, "../../..");
    const tellLoads = `import { registerHooks } from "node:module";
      registerHooks({ load: (url, context, next) => { if (/@opentelemetry\\/(?!api\\/)/.test(url)) console.log(url); return next(url, context); } });`;
    const loadedBy = (module: string): string =>
      execFileSync(
        process.execPath,
        [
          "--disable-warning=ExperimentalWarning",
          ...["--import", `data:text/javascript,${encodeURIComponent(tellLoads)}`],
          ...["--input-type=module", "--eval", `await import(${JSON.stringify(join(root, module))})`],
        ],
        { encoding: "utf8", env: { PATH: process.env.PATH } },
      );
    expect(loadedBy("src/app/commands/serve.ts")).toBe("");
    expect(loadedBy("src/adapters/opentelemetry/tracer.ts")).toContain("@opentelemetry/sdk-trace");
  });
});

describe("the catalogue", () => {
  it("names every attribute that a span may have, and no other", () => {
    const used = new Set(Object.values(SPANS).flatMap(({ attributes }) => attributes as readonly string[]));
    expect([...used].sort()).toEqual(Object.keys(ATTRIBUTES).sort());
  });

  it("has keys of one kind, each once", () => {
    const keys = Object.values(ATTRIBUTES).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(/^(holdfast\.[a-z_]+|http\.[a-z_.]+|error\.type)$/);
  });
});
