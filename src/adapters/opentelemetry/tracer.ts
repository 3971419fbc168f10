/**
 * Traces by OpenTelemetry, handed to a collector over OTLP/HTTP. Imported only where traces are on. Each start has a provider
 * and a context of its own: nothing is registered for the whole process.
 *
 * Of the variables of the environment, OpenTelemetry's own packages read `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`,
 * and the exporter those about its compression
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 */
import type { Agent as HttpAgent } from "node:http";
import { type Attributes, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from "@opentelemetry/resources";
import { ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import { HoldfastError } from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { ATTRIBUTES, type AttributeName, type AttributeValue, SPANS, type Tracer } from "../../ports/traces.ts";
import { type CollectorOptions, createExporter } from "./exporter.ts";
import { type ExportEvent, SpanQueue } from "./queue.ts";

export interface TracerOptions extends CollectorOptions {
  /** Of all traces, from 0 to 1; a trace is kept whole or not at all. */
  readonly ratio: number;
  readonly version: string;
  readonly clock: Pick<Clock, "sleep">;
}

export interface OpenTracer extends Tracer {
  /** Who is told what became of batches. One at a time. */
  onExport(listener: (event: ExportEvent) => void): void;
  /** Hands over what is left, as far as the collector takes it in `CLOSE_PATIENCE_MS`. Never rejects. */
  close(): Promise<void>;
}

/** What is left at the end may take so long. */
const CLOSE_PATIENCE_MS = 3 * SECOND_MS;
/** Ids and codes are shorter by far; nothing else is an attribute. */
const VALUE_LENGTH_MAX = 200;

const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;

export function openTracer(options: TracerOptions): OpenTracer {
  let tell: (event: ExportEvent) => void = () => {};
  const agents = new Set<HttpAgent>();
  const queue = new SpanQueue(createExporter(options, agents), (event) => tell(event));
  const provider = new TracerProvider({
    resource: describeProcess(options.version),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.ratio) }),
    spanLimits: { attributeValueLengthLimit: VALUE_LENGTH_MAX },
    spanProcessors: [queue],
  });
  const tracer = provider.getTracer("holdfast", options.version);
  const contexts = new AsyncLocalStorageContextManager().enable();
  return {
    trace: (name, word, attributes, work) => {
      const { kind, isRoot } = SPANS[name];
      const around = isRoot ? ROOT_CONTEXT : contexts.active();
      const settings = { kind: KINDS[kind], attributes: named(attributes) };
      const span = tracer.startSpan(`${name} ${word}`, settings, around);
      const fail = () => span.setStatus({ code: SpanStatusCode.ERROR });
      return contexts.with(trace.setSpan(around, span), async () => {
        try {
          return await work({
            note: (more) => {
              span.setAttributes(named(more));
              if ("errorCode" in more) fail();
            },
          });
        } catch (error) {
          // Its message may hold what came from outside; the log has it, under this span's ids.
          span.setAttributes(named({ errorCode: codeOf(error) }));
          fail();
          throw error;
        } finally {
          span.end();
        }
      });
    },
    current: () => {
      const context = trace.getSpan(contexts.active())?.spanContext();
      if (context === undefined || (context.traceFlags & 1) === 0) return null;
      return { traceId: context.traceId, spanId: context.spanId };
    },
    onExport: (listener) => {
      tell = listener;
    },
    close: () => close(provider, agents, options.clock),
  };
}

function describeProcess(version: string) {
  const own = resourceFromAttributes({ "service.name": "holdfast", "service.version": version });
  const detectors = [serviceInstanceIdDetector, resourceAttributesEnvDetector, serviceNameEnvDetector];
  return defaultResource().merge(own).merge(detectResources({ detectors }));
}

/** The sockets of a collector that does not answer would keep the process from ending. */
async function close(provider: TracerProvider, agents: ReadonlySet<HttpAgent>, clock: TracerOptions["clock"]) {
  const over = new AbortController();
  // A collector that is not there was told of already, and is nothing that the end waits for.
  const flushed = provider.shutdown().catch(() => {});
  await Promise.race([flushed, clock.sleep(CLOSE_PATIENCE_MS, over.signal)]);
  over.abort();
  for (const agent of agents) agent.destroy();
}

function named(attributes: Readonly<Partial<Record<AttributeName, AttributeValue>>>): Attributes {
  const pairs = Object.entries(attributes).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(pairs.map(([name, value]) => [ATTRIBUTES[name as AttributeName].key, value])) as Attributes;
}

function codeOf(error: unknown): string {
  if (error instanceof HoldfastError) return error.code;
  return error instanceof Error ? error.constructor.name : typeof error;
}
