/** The alert rules over the figures of whole worlds: one in which nothing is wrong, and one in which much is. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { pool } from "../domain/builders.ts";
import { arrivals, plannedJob, tinyScenario } from "../simulator/world/tiny-scenario.ts";
import { promtool, RULES, whyNoPromtool } from "./promtool.ts";
import { type Series, scrapeWorld, sendUnreadable } from "./world-series.ts";

vi.setConfig({ testTimeout: 300_000 });

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-alerts-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Expectation {
  readonly expr: string;
  readonly samples: readonly { readonly labels: string; readonly value: number }[];
}

/** Lets Prometheus' own tool evaluate the rules over the series. */
function evaluate(series: Series, minuteCount: number, { expr, samples }: Expectation): void {
  const named = new Set(readFileSync(RULES, "utf8").match(/\bholdfast_\w+/g));
  const used = [...series].filter(([name]) => named.has(name.split("{")[0] ?? ""));
  const test = {
    interval: "1m",
    input_series: used.map(([name, values]) => ({
      series: name,
      values: values.map((value) => (value === null ? "_" : String(value))).join(" "),
    })),
    promql_expr_test: [{ expr, eval_time: `${minuteCount - 1}m`, exp_samples: samples }],
  };
  const file = join(directory, "world.test.yaml");
  writeFileSync(file, stringify({ rule_files: [RULES], evaluation_interval: "1m", tests: [test] }));
  expect(promtool("test", "rules", file)).toContain("SUCCESS");
}

const missing = whyNoPromtool();

// Skipped: where promtool is not installed; the name of the suite says so.
describe.skipIf(missing !== null)(`the rules over a world${missing === null ? "" : ` (${missing})`}`, () => {
  it("are silent where nothing is wrong", async () => {
    const healthy = tinyScenario({
      pools: [pool({ warmParkedCount: 1 })],
      workload: { jobs: [], arrivals: arrivals({ perHour: 20 }) },
      durationMs: 90 * MINUTE_MS,
      faultsEndMs: null,
      pace: 5,
    });
    const series = await scrapeWorld(healthy);
    const total = series.get('holdfast_queue_wait_seconds_count{pool="linux"}')?.at(-1) ?? 0;
    expect(total).toBeGreaterThan(15);
    const sums = ["github", "decision", "launch", "boot", "ticket", "assignment"].map(
      (part) => series.get(`holdfast_queue_wait_part_seconds_sum{pool="linux",part="${part}"}`)?.at(-1) ?? 0,
    );
    const whole = series.get('holdfast_queue_wait_seconds_sum{pool="linux"}')?.at(-1) ?? 0;
    expect(sums.reduce((sum, one) => sum + one, 0)).toBeCloseTo(whole, 3);
    evaluate(series, 90, { expr: 'count_over_time(ALERTS{alertstate="firing"}[90m])', samples: [] });
  });

  it("fire by what they are for, where much is wrong", async () => {
    const minuteCount = 150;
    const wrong = tinyScenario({
      // A host that is lost is given up by the limit, and not by the proof that comes before it.
      pools: [
        pool({
          warmParkedCount: 2,
          deadlines: { ...pool().deadlines, lostHostMs: 5 * HOUR_MS, unknownMs: 40 * MINUTE_MS },
        }),
      ],
      workload: {
        jobs: ["a", "b", "c", "d", "e", "f"].map((name) =>
          plannedJob(name, { atMs: 40 * MINUTE_MS, durationMs: 6 * HOUR_MS }),
        ),
        arrivals: null,
      },
      durationMs: minuteCount * MINUTE_MS,
      faultsEndMs: null,
      faults: [
        { kind: "provider.quota", machines: 4 },
        { kind: "host.cut-off", from: "both", everyMs: 10 * MINUTE_MS, forMs: [5 * HOUR_MS, 5 * HOUR_MS] },
      ],
      pace: 5,
    });
    const series = await scrapeWorld(wrong, (world, minute) => {
      if (minute === 10) for (let count = 0; count < 6; count += 1) sendUnreadable(world, `unreadable-${count}`);
    });
    const names = [
      "HoldfastDeliveriesQuarantined",
      "HoldfastForcedEnding",
      "HoldfastJobWaitsTooLong",
      "HoldfastMachineUnknown",
      "HoldfastQuotaBlocked",
    ];
    evaluate(series, minuteCount, {
      expr: `count by (alertname) (count_over_time(ALERTS{alertstate="firing",alertname=~"${names.join("|")}"}[${minuteCount}m]))`,
      samples: names.map((name) => ({ labels: `{alertname="${name}"}`, value: 1 })),
    });
  });
});
