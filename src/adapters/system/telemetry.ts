/** Log lines by pino, figures by prom-client. Each start has a registry of its own. */
import { pino } from "pino";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { HoldfastError } from "../../domain/errors.ts";
import {
  COUNTERS,
  type CounterName,
  GAUGES,
  type GaugeName,
  type LogFields,
  type Telemetry,
} from "../../ports/telemetry.ts";

export interface TelemetryOptions {
  /** pino's: trace, debug, info, warn, error, silent. */
  readonly level: string;
  /** A file; standard output unless given. */
  readonly destination?: string;
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
  const logger = pino(
    { level: options.level, base: null, redact: [...SECRETS, ...SECRETS.map((key) => `*.${key}`)] },
    pino.destination({ dest: options.destination ?? 1, sync: true }),
  );
  const telemetry: Telemetry = {
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, error, fields = {}) => logger.error(withError(error, fields), message),
    count: (metric, labels = {}) => counters.get(metric)?.inc({ ...labels }),
    gauge: (metric, value, labels = {}) => gauges.get(metric)?.set({ ...labels }, value),
  };
  return { telemetry, renderMetrics: () => registry.metrics() };
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
