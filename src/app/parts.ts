/** The real world's side of the ports: this machine's clock, its randomness, its logs, figures and traces. */
import type { OpenTracer } from "../adapters/opentelemetry/tracer.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { systemRandom } from "../adapters/system/random.ts";
import { createTelemetry } from "../adapters/system/telemetry.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import { readEnvironment } from "./config/environment.ts";
import type { SystemParts } from "./wire.ts";

export interface PartsOptions {
  /** Null for standard output. */
  readonly logFile: string | null;
  readonly level?: string;
  /** Null where traces are off. */
  readonly tracer?: OpenTracer | null;
}

export function createParts({ logFile, level = "info", tracer = null }: PartsOptions): SystemParts {
  const { telemetry, renderMetrics } = createTelemetry({
    level,
    ...(logFile === null ? {} : { destination: logFile }),
    tracer,
  });
  if (tracer !== null) tellExports(tracer, telemetry);
  return { environment: readEnvironment(), clock: systemClock(), random: systemRandom(), telemetry, renderMetrics };
}

/** A collector that does not take them is told of once, and once when it does again; the figures have each batch. */
function tellExports(tracer: OpenTracer, telemetry: Telemetry): void {
  let isFailing = false;
  tracer.onExport((event) => {
    const { kind } = event;
    if (kind === "dropped") {
      telemetry.count("holdfast_spans_dropped_total", {});
      return;
    }
    telemetry.count("holdfast_trace_batches_total", { outcome: kind });
    if (kind === "failed" && !isFailing)
      telemetry.error("the collector did not take traces; they are lost until it does", event.error);
    if (kind === "sent" && isFailing) telemetry.info("the collector takes traces again");
    isFailing = kind === "failed";
  });
}
