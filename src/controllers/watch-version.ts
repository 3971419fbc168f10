/** Asks GitHub until when it takes the runner that a pool's machines get. An old one is told of a week ahead. */

import { formatInstant } from "../domain/instant.ts";
import { type RegistrationScope, registrationScopesOf } from "../domain/pool.ts";
import { judgeRunnerVersion, type RunnerVersionFacts } from "../domain/runner-version.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/units.ts";
import type { RunnerDeprecation } from "../ports/github.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { poolSubject } from "../store/subjects.ts";
import type { PoolContext } from "./context.ts";
import { gaugePool } from "./pool-gauge.ts";

export const WATCH_VERSION_PERIOD_MS = MINUTE_MS;
/** GitHub's dates change seldom; a runner that was replaced is seen at once. */
const ANSWER_KEPT_MS = 10 * MINUTE_MS;

export async function watchVersion(context: PoolContext): Promise<void> {
  // A pool that left the configuration launches nothing.
  if (context.lease() === null || context.pool.mode === "departed") return;
  const { memory, clock, provider } = context;
  const version = await provider.readRunnerVersion();
  if (version === null) return;
  // What was said of the runner that lay there before says nothing of this one.
  if (memory.runnerVersion?.facts.version !== version) memory.runnerVersion = null;
  const known = memory.runnerVersion;
  const isFresh = known !== null && clock.nowMs() - known.askedAtMs < ANSWER_KEPT_MS;
  if (!isFresh) await ask(context, version);
  await tell(context);
}

/** GitHub's silence changes nothing that it said before; an older server has no such call. */
async function ask(context: PoolContext, version: string): Promise<void> {
  const { memory, clock, github } = context;
  const scope = scopeToAsk(context);
  if (scope === null) return;
  const answer = await github.readDeprecation(scope, version);
  if (answer.kind === "unknown") return;
  const endsAtMs = answer.kind === "present" ? earliestEnd(answer.value) : null;
  const before = judgeRunnerVersion(memory.runnerVersion?.facts ?? null, clock.nowMs());
  memory.runnerVersion = { facts: { version, endsAtMs }, askedAtMs: clock.nowMs() };
  const after = judgeRunnerVersion(memory.runnerVersion.facts, clock.nowMs());
  if (before !== after) context.wake.controller("assign", context.pool.name);
}

/** Any place of the pool: the dates are the same everywhere at one server. */
function scopeToAsk({ pool, memory }: PoolContext): RegistrationScope | null {
  return registrationScopesOf(pool)[0] ?? memory.lastScope ?? null;
}

function earliestEnd({ registrationEndsAtMs, runtimeEndsAtMs }: RunnerDeprecation): number | null {
  if (registrationEndsAtMs === null) return runtimeEndsAtMs;
  return runtimeEndsAtMs === null ? registrationEndsAtMs : Math.min(registrationEndsAtMs, runtimeEndsAtMs);
}

async function tell(context: PoolContext): Promise<void> {
  const { memory, clock, telemetry, store, pool } = context;
  const facts = memory.runnerVersion?.facts ?? null;
  if (facts === null || facts.endsAtMs === null) return;
  const nowMs = clock.nowMs();
  gaugePool(context, "holdfast_runner_deprecation_seconds", (facts.endsAtMs - nowMs) / SECOND_MS, { pool: pool.name });
  const verdict = judgeRunnerVersion(facts, nowMs);
  if (verdict === "fine") return;
  const fact = describe(facts, facts.endsAtMs, verdict);
  telemetry.warn(fact, { pool: pool.name });
  await recordEvidence(store.db, {
    subject: poolSubject(pool.name),
    source: "github-api",
    fact,
    observedAtMs: nowMs,
  });
}

function describe({ version }: RunnerVersionFacts, endsAtMs: number, verdict: "ending" | "ended"): string {
  const when = formatInstant(endsAtMs).slice(0, 16).replace("T", " ");
  return verdict === "ended"
    ? `GitHub takes no jobs with runner ${version} since ${when} UTC: launches are stopped until runner.directory holds a newer one`
    : `GitHub takes no jobs with runner ${version} from ${when} UTC on: put a newer one into runner.directory`;
}
