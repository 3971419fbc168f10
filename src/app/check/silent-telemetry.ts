import type { Telemetry } from "../../ports/telemetry.ts";
import { NO_TRACES } from "../../ports/traces.ts";

/** For a command that says all it has to say itself. */
export const silentTelemetry: Telemetry = {
  ...NO_TRACES,
  info: () => {},
  warn: () => {},
  error: () => {},
  count: () => {},
  gauge: () => {},
  measure: () => {},
  forgetPool: () => {},
};
