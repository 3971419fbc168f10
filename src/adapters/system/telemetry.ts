/** Log lines by pino, figures by prom-client. Each start has a registry of its own. */
import { type LoggerOptions, pino } from "pino";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { HoldfastError } from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/units.ts";
import {
  COUNTERS,
  type CounterName,
  GAUGES,
  type GaugeName,
  HISTOGRAMS,
  type HistogramName,
  type LogFields,
  type Telemetry,
} from "../../ports/telemetry.ts";
import { NO_TRACES, type Tracer } from "../../ports/traces.ts";

export interface TelemetryOptions {
  /** pino's: trace, debug, info, warn, error, silent. */
  readonly level: string;
  /** A file; standard output unless given. */
  readonly destination?: string;
  /** Where traces are on: each line names the span that it was written in. */
  readonly tracer?: Tracer | null;
}

export interface SystemTelemetry {
  readonly telemetry: Telemetry;
  /** All figures in Prometheus' text format. */
  renderMetrics(): Promise<string>;
}

/** Never in a log line, whatever object it is found in. */
const SECRETS = ["jitConfig", "token", "secret", "privateKeyPem", "authorization"];

/** Causes of causes are followed so far; a longer chain is a loop. */
const CAUSES_MAX = 8;

export function createTelemetry(options: TelemetryOptions): SystemTelemetry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map(names(COUNTERS).map((name) => [name, createCounter(name, registry)]));
  const gauges = new Map(names(GAUGES).map((name) => [name, createGauge(name, registry)]));
  const histograms = new Map(names(HISTOGRAMS).map((name) => [name, createHistogram(name, registry)]));
  const ofPools = new PoolGauges();
  const logger = pino(
    {
      level: options.level,
      base: null,
      ...mixinOf(options.tracer ?? null),
      redact: [...SECRETS, ...SECRETS.map((key) => `*.${key}`)],
    },
    pino.destination({ dest: options.destination ?? 1, sync: true }),
  );
  const telemetry: Telemetry = {
    trace: (options.tracer ?? NO_TRACES).trace,
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, error, fields = {}) => logger.error(withError(error, fields), message),
    count: (metric, labels = {}) => counters.get(metric)?.inc({ ...labels }),
    gauge: (metric, value, labels = {}) => {
      const gauge = gauges.get(metric);
      gauge?.set({ ...labels }, value);
      if (gauge !== undefined) ofPools.note(metric, gauge, labels);
    },
    measure: (metric, durationMs, labels) => histograms.get(metric)?.observe({ ...labels }, durationMs / SECOND_MS),
    forgetPool: (pool) => ofPools.forget(pool),
  };
  return { telemetry, renderMetrics: () => registry.metrics() };
}

/** The names are those of https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/. */
function mixinOf(tracer: Tracer | null): LoggerOptions {
  if (tracer === null) return {};
  return {
    mixin: () => {
      const ids = tracer.current();
      return ids === null ? {} : { trace_id: ids.traceId, span_id: ids.spanId };
    },
  };
}

function names<Name extends string>(catalogue: Readonly<Record<Name, unknown>>): readonly Name[] {
  return Object.keys(catalogue) as Name[];
}

function createCounter(name: CounterName, registry: Registry): Counter {
  const { sentence, labels } = COUNTERS[name];
  return new Counter({ name, help: sentence, labelNames: [...labels], registers: [registry] });
}

function createGauge(name: GaugeName, registry: Registry): Gauge {
  const { sentence, labels } = GAUGES[name];
  return new Gauge({ name, help: sentence, labelNames: [...labels], registers: [registry] });
}

function createHistogram(name: HistogramName, registry: Registry): Histogram {
  const { sentence, labels, buckets } = HISTOGRAMS[name];
  return new Histogram({ name, help: sentence, labelNames: [...labels], buckets: [...buckets], registers: [registry] });
}

type Labels = Readonly<Record<string, string>>;

/** Which gauges were set for a pool, and with which labels: the registry removes what is named in full only. */
class PoolGauges {
  readonly #byPool = new Map<string, Map<string, { readonly gauge: Gauge; readonly labels: Labels }>>();

  note(name: GaugeName, gauge: Gauge, labels: Labels): void {
    const { pool } = labels;
    if (pool === undefined) return;
    const ofPool = this.#byPool.get(pool) ?? new Map();
    this.#byPool.set(pool, ofPool);
    ofPool.set(JSON.stringify([name, labels]), { gauge, labels });
  }

  forget(pool: string): void {
    for (const { gauge, labels } of this.#byPool.get(pool)?.values() ?? []) gauge.remove({ ...labels });
    this.#byPool.delete(pool);
  }
}

function withError(error: unknown, fields: LogFields): LogFields {
  const code = error instanceof HoldfastError ? error.code : null;
  return { ...fields, ...(code === null ? {} : { code }), error: describeChain(error) };
}

function describeChain(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at !== undefined && at !== null && parts.length < CAUSES_MAX; ) {
    parts.push(at instanceof Error ? at.message : String(at));
    at = at instanceof Error ? at.cause : null;
  }
  const stack = error instanceof Error && !(error instanceof HoldfastError) ? `\n${error.stack ?? ""}` : "";
  return parts.join(", because: ") + stack;
}
