/** Whether a pool could do anything for a job now: a pool that stands still does not keep jobs that another could run. */
import { type PoolPolicy, registrationScope, scopeKey } from "../domain/pool.ts";
import { judgeRunnerVersion } from "../domain/runner-version.ts";
import type { Clock } from "../ports/clock.ts";
import type { PoolMemory, Standstill } from "./context.ts";

export function standstillOf(
  pool: PoolPolicy,
  repository: string,
  memory: Pick<PoolMemory, "launch" | "mintPauses" | "runnerVersion" | "stops">,
  clock: Pick<Clock, "nowMs" | "monotonicMs">,
): Standstill {
  if (judgeRunnerVersion(memory.runnerVersion?.facts ?? null, clock.nowMs()) === "ended") return "everything";
  const mintPause = memory.mintPauses.get(scopeKey(registrationScope(pool, repository)));
  if (mintPause !== undefined && clock.monotonicMs() < mintPause.untilMonotonicMs) return "everything";
  const { stops } = memory;
  if (stops.tickets !== "none") return stops.tickets === "probe" ? "everything-but-one" : "everything";
  if (clock.monotonicMs() < memory.launch.untilMonotonicMs) return "launches";
  if (stops.launches === "none") return "none";
  return stops.launches === "probe" ? "launches-but-one" : "launches";
}
