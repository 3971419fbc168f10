/** Holdfast's figures in the world, and what its log called an error. */
import { InvariantError } from "../../domain/invariant.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import { NO_TRACES } from "../../ports/traces.ts";

export interface WorldTelemetry extends Telemetry {
  /** Of a counter, over all its labels, or those with this one. */
  total(metric: string, label?: string): number;
  /** Of a counter, by one of its labels. */
  by(metric: string, label: string): Readonly<Record<string, number>>;
  /** What a gauge says now, over all its labels together; 0 where it never said anything. */
  gaugeTotal(metric: string): number;
}

/** Where the figures of a world go besides, as `/metrics` would show them; what it does with them changes nothing. */
export type WorldFigures = Pick<Telemetry, "count" | "gauge" | "measure" | "forgetPool">;

/** @param onBroken an invariant of the product itself was broken. */
export function createWorldTelemetry(
  onBroken: (message: string) => void,
  figures: WorldFigures | null = null,
): WorldTelemetry {
  const counts = new Map<string, Map<string, { labels: Readonly<Record<string, string>>; count: number }>>();
  const gauges = new Map<string, Map<string, number>>();
  const rowsOf = (metric: string) => [...(counts.get(metric)?.values() ?? [])];
  return {
    ...NO_TRACES,
    info: () => {},
    warn: () => {},
    error: (message, error) => {
      const broken = findBroken(error);
      if (broken !== null) onBroken(`${message}: ${broken.message}`);
    },
    count: (metric, labels) => {
      figures?.count(metric, labels);
      const key = JSON.stringify(labels);
      const ofMetric = counts.get(metric) ?? new Map();
      const row = ofMetric.get(key) ?? { labels, count: 0 };
      row.count += 1;
      ofMetric.set(key, row);
      counts.set(metric, ofMetric);
    },
    gauge: (metric, value, labels) => {
      figures?.gauge(metric, value, labels);
      const ofMetric = gauges.get(metric) ?? new Map<string, number>();
      ofMetric.set(JSON.stringify(labels), value);
      gauges.set(metric, ofMetric);
    },
    gaugeTotal: (metric) => [...(gauges.get(metric)?.values() ?? [])].reduce((sum, value) => sum + value, 0),
    measure: (metric, durationMs, labels) => figures?.measure(metric, durationMs, labels),
    forgetPool: (pool) => figures?.forgetPool(pool),
    total: (metric, label) =>
      rowsOf(metric)
        .filter(({ labels }) => label === undefined || Object.values(labels).includes(label))
        .reduce((sum, { count }) => sum + count, 0),
    by: (metric, label) => {
      const sums: Record<string, number> = {};
      for (const { labels, count } of rowsOf(metric)) {
        const value = labels[label] ?? "";
        sums[value] = (sums[value] ?? 0) + count;
      }
      return Object.fromEntries(Object.entries(sums).sort(([one], [other]) => (one < other ? -1 : 1)));
    },
  };
}

const CAUSES_MAX = 8;

function findBroken(error: unknown): InvariantError | null {
  let at: unknown = error;
  for (let depth = 0; depth < CAUSES_MAX && at instanceof Error; depth += 1) {
    if (at instanceof InvariantError) return at;
    at = at.cause;
  }
  return null;
}
