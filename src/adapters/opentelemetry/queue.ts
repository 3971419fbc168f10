/**
 * Between the spans that end and the collector that takes them: a queue with an end. What finds it full is thrown away and
 * counted, so that a collector that is slow, hangs or is not there costs no more than its own picture.
 */
import { type Context, TraceFlags } from "@opentelemetry/api";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type Span,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace";
import { SECOND_MS } from "../../domain/units.ts";

/** Some two megabytes. */
export const QUEUED_SPANS_MAX = 2_048;
const BATCH_SPANS_MAX = 512;
const BATCH_PERIOD_MS = 5 * SECOND_MS;
/** With what is tried again; after that the batch is lost. */
export const EXPORT_TIMEOUT_MS = 5 * SECOND_MS;

export type ExportEvent =
  | { readonly kind: "sent" }
  | { readonly kind: "failed"; readonly error: unknown }
  /** One span found the queue full. */
  | { readonly kind: "dropped" };

export class SpanQueue implements SpanProcessor {
  readonly #batches: BatchSpanProcessor;
  readonly #tell: (event: ExportEvent) => void;
  /** Waiting, or on their way. */
  #pendingCount = 0;

  constructor(exporter: SpanExporter, tell: (event: ExportEvent) => void) {
    this.#tell = tell;
    this.#batches = new BatchSpanProcessor({
      exporter: this.#counted(exporter),
      maxQueueSize: QUEUED_SPANS_MAX,
      maxExportBatchSize: BATCH_SPANS_MAX,
      scheduledDelayMillis: BATCH_PERIOD_MS,
      exportTimeoutMillis: EXPORT_TIMEOUT_MS,
    });
  }

  onStart(span: Span, context: Context): void {
    this.#batches.onStart(span, context);
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#pendingCount >= QUEUED_SPANS_MAX) {
      this.#tell({ kind: "dropped" });
      return;
    }
    this.#pendingCount += 1;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  #counted(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, done) =>
        exporter.export(spans, (result) => {
          this.#pendingCount -= spans.length;
          const isSent = result.error === undefined && result.code === 0;
          this.#tell(isSent ? { kind: "sent" } : { kind: "failed", error: result.error });
          done(result);
        }),
      shutdown: () => exporter.shutdown(),
    };
  }
}
