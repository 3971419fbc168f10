/** A clock, a wake and a telemetry that tests of the HTTP surface drive and look into. */
import type { Clock } from "../../src/ports/clock.ts";
import type { LogFields, Telemetry } from "../../src/ports/telemetry.ts";
import { NO_TRACES } from "../../src/ports/traces.ts";
import type { Wake } from "../../src/ports/wake.ts";

/** Stands still at `nowMs`, but sleeps for real: what sleeps here waits for sockets. */
export function clockAt(nowMs: number): Clock & { moveTo(nowMs: number): void } {
  let presentMs = nowMs;
  return {
    nowMs: () => presentMs,
    monotonicMs: () => presentMs,
    moveTo: (ms) => {
      presentMs = ms;
    },
    sleep: (durationMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const timer = setTimeout(resolve, durationMs);
        signal?.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

export interface RecordedTelemetry extends Telemetry {
  /** As in `holdfast_deliveries_total outcome=stored`. */
  readonly counts: string[];
  /** The last value of each gauge, under a name as those of `counts`. */
  readonly gauges: Map<string, number>;
  /** Every duration of each histogram, in milliseconds, under a name as those of `counts`. */
  readonly durationsMs: Map<string, number[]>;
  readonly warnings: { readonly message: string; readonly fields: LogFields | undefined }[];
  readonly errors: { readonly message: string; readonly error: unknown; readonly fields: LogFields | undefined }[];
}

export function recordTelemetry(): RecordedTelemetry {
  const counts: string[] = [];
  const gauges = new Map<string, number>();
  const durationsMs = new Map<string, number[]>();
  const warnings: RecordedTelemetry["warnings"] = [];
  const errors: RecordedTelemetry["errors"] = [];
  return {
    counts,
    gauges,
    durationsMs,
    warnings,
    errors,
    ...NO_TRACES,
    info: () => {},
    warn: (message, fields) => warnings.push({ message, fields }),
    error: (message, error, fields) => errors.push({ message, error, fields }),
    count: (metric, labels = {}) => counts.push(nameOf(metric, labels)),
    gauge: (metric, value, labels) => gauges.set(nameOf(metric, labels), value),
    measure: (metric, durationMs, labels) => {
      const name = nameOf(metric, labels);
      durationsMs.set(name, [...(durationsMs.get(name) ?? []), durationMs]);
    },
    forgetPool: (pool) => {
      for (const name of gauges.keys()) if (name.split(" ").includes(`pool=${pool}`)) gauges.delete(name);
    },
  };
}

function nameOf(metric: string, labels: Readonly<Record<string, string>>): string {
  return [metric, ...Object.entries(labels).map(([name, value]) => `${name}=${value}`)].join(" ");
}

export function recordWakes(): Wake & { readonly woken: string[] } {
  const woken: string[] = [];
  return {
    woken,
    controller: (name, pool) => woken.push(`${name}/${pool ?? ""}`),
    machine: (id) => woken.push(id),
  };
}
