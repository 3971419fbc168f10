/** The version of a pool's runner, against GitHub's dates: a runner that is too old registers, waits and gets no job. */
import type { Observation } from "../../domain/observed.ts";
import { DAY_MS } from "../../domain/units.ts";
import { formatDuration } from "../../http/text/durations.ts";
import type { RunnerDeprecation } from "../../ports/github.ts";
import { type Finding, failure, ok, warning } from "./finding.ts";
import { findAnyScope } from "./reach.ts";
import { type ConnectionSubject, type PoolSubject, poolPlace, type Told } from "./subject.ts";

/** GitHub refuses versions 30 days after a newer one: a week is left to renew images and folders. */
const WARNING_MS = 7 * DAY_MS;

/** @throws {GitHubError} where the pool's repositories cannot be listed. */
export async function lookAtRunnerVersion(
  subject: ConnectionSubject,
  pool: PoolSubject,
  told: Told,
): Promise<readonly Finding[]> {
  const version = await pool.readRunnerVersion();
  if (version === null) return [describeUnreadable(pool)];
  const scope = await findAnyScope(subject, pool, told);
  if (scope === null) return [];
  const observed = await subject.connection.github.readDeprecation(scope, version);
  if (observed.kind === "unknown" && told.isTold(observed.code, scope, "runners")) return [];
  return [judgeRunnerVersion(pool, version, observed, subject.clock.nowMs())];
}

/** Without GitHub: only whether the version can be read. */
export async function lookAtRunnerOnly(pool: PoolSubject): Promise<readonly Finding[]> {
  const version = await pool.readRunnerVersion();
  return [version === null ? describeUnreadable(pool) : ok(poolPlace(pool, "runner"), `runner ${version}`)];
}

function describeUnreadable(pool: PoolSubject): Finding {
  const mend = "Run `bin/Runner.Listener --version` in the runner's directory: it has to print its version.";
  return warning(poolPlace(pool, "runner"), "the runner's version could not be read", mend);
}

/** Pure. */
export function judgeRunnerVersion(
  pool: Pick<PoolSubject, "policy" | "path">,
  version: string,
  observed: Observation<RunnerDeprecation>,
  nowMs: number,
): Finding {
  const place = poolPlace(pool, "runner");
  if (observed.kind === "absent") return ok(place, `runner ${version}; this GitHub names no dates for it`);
  if (observed.kind === "unknown") {
    const text = `runner ${version}; GitHub could not be asked until when it takes it (${observed.code})`;
    return warning(place, text, "Check again later.", observed.code);
  }
  const ends = [observed.value.registrationEndsAtMs, observed.value.runtimeEndsAtMs].filter((atMs) => atMs !== null);
  if (ends.length === 0) return ok(place, `runner ${version}; GitHub has named no end for it`);
  const endMs = Math.min(...ends);
  const mend = "Put the newest release of actions/runner into the pool's runner directory.";
  if (endMs <= nowMs) {
    const text = `GitHub has not taken runner ${version} for ${formatDuration(nowMs - endMs)}: no job would come`;
    return failure(place, text, mend);
  }
  const text = `GitHub takes runner ${version} for another ${formatDuration(endMs - nowMs)}`;
  return endMs - nowMs <= WARNING_MS ? warning(place, text, mend) : ok(place, text);
}
