/** Gauges of a pool: shown by the process that holds it, for as long as there is anything of it. */

import type { GaugeLabels, GaugeName } from "../ports/telemetry.ts";
import type { PoolRemains } from "../store/pools/remains.ts";
import type { PoolContext } from "./context.ts";

/** Of a pool that left the configuration, nothing is left. */
export function isDrained(remains: PoolRemains | null): boolean {
  return remains !== null && Object.values(remains).every((count) => count === 0);
}

/** Sets one of this pool's gauges; none where a pass ends after the pool was lost, or of a pool that is no more. */
export function gaugePool<Metric extends GaugeName>(
  { telemetry, lease, memory }: PoolContext,
  metric: Metric,
  value: number,
  labels: GaugeLabels<Metric>,
): void {
  if (lease() === null || isDrained(memory.remains)) return;
  telemetry.gauge(metric, value, labels);
}
