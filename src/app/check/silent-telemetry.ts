import type { Telemetry } from "../../ports/telemetry.ts";

/** For a command that says all it has to say itself. */
export const silentTelemetry: Telemetry = {
  info: () => {},
  warn: () => {},
  error: () => {},
  count: () => {},
  gauge: () => {},
  measure: () => {},
  forgetPool: () => {},
};
