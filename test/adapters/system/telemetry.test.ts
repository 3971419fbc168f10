import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createTelemetry } from "../../../src/adapters/system/telemetry.ts";
import { HoldfastError, ProviderError } from "../../../src/domain/errors.ts";
import { COUNTERS, GAUGES, HISTOGRAMS } from "../../../src/ports/telemetry.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-telemetry-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function start(level = "info") {
  const destination = join(directory, "log");
  const lines = (): readonly Record<string, unknown>[] =>
    readFileSync(destination, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  return { ...createTelemetry({ level, destination }), lines };
}

it("logs a line per call, with its fields and level", () => {
  const { telemetry, lines } = start();
  telemetry.info("a machine is parked", { machineId: "m-1" });
  telemetry.warn("a launch took long");
  expect(lines()).toMatchObject([
    { level: 30, msg: "a machine is parked", machineId: "m-1" },
    { level: 40, msg: "a launch took long" },
  ]);
});

it("leaves out what is below its level", () => {
  const { telemetry, lines } = start("warn");
  telemetry.info("nothing");
  telemetry.warn("something");
  expect(lines()).toHaveLength(1);
});

it("logs an error with its code and the whole chain of causes, and ends on a loop", () => {
  const { telemetry, lines } = start();
  const disk = new Error("EIO: reading /proc");
  const cause = new ProviderError("provider-unavailable", "reading the process table", { cause: disk });
  telemetry.error("a pass failed", new HoldfastError("store-unavailable", "listing machines", { cause }), {
    pool: "p",
  });
  const loop = new Error("turns");
  loop.cause = loop;
  telemetry.error("a pass failed", loop);
  const [first, second] = lines();
  expect(first).toMatchObject({ level: 50, pool: "p", code: "store-unavailable" });
  expect(JSON.stringify(first)).toMatch(/listing machines.*reading the process table.*EIO: reading/);
  expect(JSON.stringify(second)).toContain("turns");
});

it.each(["jitConfig", "token", "secret", "privateKeyPem", "authorization"])("never logs the value of %s", (key) => {
  const { telemetry } = start();
  telemetry.info("a call", { [key]: "hunter2", other: "kept" });
  telemetry.error("a call", new Error("failed"), { [key]: "hunter2" });
  const text = readFileSync(join(directory, "log"), "utf8");
  expect(text).not.toContain("hunter2");
  expect(text).toContain("kept");
});

it("renders every figure of the catalogue, counted for itself only", async () => {
  const [one, other] = [start(), start()];
  one.telemetry.count("holdfast_launches_total", { pool: "linux", outcome: "started" });
  one.telemetry.count("holdfast_launches_total", { pool: "linux", outcome: "started" });
  one.telemetry.gauge("holdfast_machines", 3, { pool: "linux", state: "parked" });
  const text = await one.renderMetrics();
  expect(text).toContain('holdfast_launches_total{pool="linux",outcome="started"} 2');
  expect(text).toContain('holdfast_machines{pool="linux",state="parked"} 3');
  for (const name of [COUNTERS, GAUGES, HISTOGRAMS].flatMap((catalogue) => Object.keys(catalogue)))
    expect(text).toContain(`# HELP ${name} `);
  expect(await other.renderMetrics()).not.toContain('outcome="started"');
});

it("shows durations in seconds, in the buckets of the catalogue", async () => {
  const { telemetry, renderMetrics } = start();
  telemetry.measure("holdfast_queue_wait_part_seconds", 1_500, { pool: "linux", part: "boot" });
  const text = await renderMetrics();
  const labels = 'pool="linux",part="boot"';
  expect(text).toContain(`holdfast_queue_wait_part_seconds_bucket{le="1",${labels}} 0`);
  expect(text).toContain(`holdfast_queue_wait_part_seconds_bucket{le="2",${labels}} 1`);
  expect(text).toContain(`holdfast_queue_wait_part_seconds_sum{${labels}} 1.5`);
});

it("forgets the gauges of a pool until they are set again, and nothing that happened", async () => {
  const { telemetry, renderMetrics } = start();
  for (const pool of ["gone", "here"]) {
    telemetry.gauge("holdfast_machines", 1, { pool, state: "parked" });
    telemetry.gauge("holdfast_machines", 2, { pool, state: "engaged" });
    telemetry.gauge("holdfast_jobs_waiting", 3, { pool });
    telemetry.count("holdfast_launches_total", { pool, outcome: "started" });
  }
  telemetry.gauge("holdfast_deliveries_quarantined", 4, {});
  telemetry.forgetPool("gone");
  telemetry.forgetPool("never there");
  const shown = (await renderMetrics()).split("\n").filter((line) => line.startsWith("holdfast_"));
  expect(shown.filter((line) => line.includes('"gone"'))).toEqual([
    'holdfast_launches_total{pool="gone",outcome="started"} 1',
  ]);
  expect(shown.filter((line) => line.includes('"here"'))).toHaveLength(4);
  expect(shown).toContain("holdfast_deliveries_quarantined 4");
  telemetry.gauge("holdfast_jobs_waiting", 5, { pool: "gone" });
  expect(await renderMetrics()).toContain('holdfast_jobs_waiting{pool="gone"} 5');
});
