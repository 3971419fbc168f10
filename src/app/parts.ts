/** The real world's side of the ports: this machine's clock, its randomness, its logs and figures. */
import { systemClock } from "../adapters/system/clock.ts";
import { systemRandom } from "../adapters/system/random.ts";
import { createTelemetry } from "../adapters/system/telemetry.ts";
import { readEnvironment } from "./config/environment.ts";
import type { SystemParts } from "./wire.ts";

/** @param logFile null for standard output. */
export function createParts(logFile: string | null, level = "info"): SystemParts {
  const { telemetry, renderMetrics } = createTelemetry({
    level,
    ...(logFile === null ? {} : { destination: logFile }),
  });
  return { environment: readEnvironment(), clock: systemClock(), random: systemRandom(), telemetry, renderMetrics };
}
