/** Traces, where they are on. Where they are off, nothing of them is loaded. */
import type { OpenTracer } from "../adapters/opentelemetry/tracer.ts";
import type { Clock } from "../ports/clock.ts";
import type { TracesConfig } from "./config/traces.ts";
import { version } from "./version.ts";

/** @returns null where they are off. */
export async function openTraces(config: TracesConfig | null, clock: Pick<Clock, "sleep">): Promise<OpenTracer | null> {
  if (config === null) return null;
  const { openTracer } = await import("../adapters/opentelemetry/tracer.ts");
  return openTracer({ ...config, version, clock });
}
