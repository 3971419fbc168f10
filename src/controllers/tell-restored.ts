import type { Telemetry } from "../ports/telemetry.ts";

/** @param sign what showed it. */
export function tellRestored(telemetry: Telemetry, sign: string): void {
  telemetry.count("holdfast_stores_restored_total", {});
  telemetry.warn("the store was restored from a backup: every machine counts as busy until its host has spoken", {
    sign,
  });
}
