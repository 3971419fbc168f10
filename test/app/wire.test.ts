import { expect, it } from "vitest";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import { startHoldfast } from "../../src/app/wire.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { startStandIn } from "../adapters/github/stand-in.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { connectionConfig, makePlace, wholeConfig } from "./whole-config.ts";

const RESET_SECONDS = 100;

/** Tells when somebody sleeps about as long as GitHub's rate limit asks for: no controller has a period like it. */
function watchedClock(): Clock & { readonly waiting: Promise<void> } {
  const clock = systemClock();
  const waiting = Promise.withResolvers<void>();
  return {
    ...clock,
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    waiting: waiting.promise,
    sleep: (durationMs, signal) => {
      if (durationMs > (RESET_SECONDS - 20) * 1_000 && durationMs < (RESET_SECONDS + 20) * 1_000) waiting.resolve();
      return clock.sleep(durationMs, signal);
    },
  };
}

it("a stop waits for no look at GitHub that waits for its rate limit", async () => {
  const clock = watchedClock();
  const standIn = await startStandIn(() => ({
    status: 200,
    headers: {
      "x-ratelimit-limit": "5000",
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": String(Math.ceil(clock.nowMs() / 1_000) + RESET_SECONDS),
    },
    body: { total_count: 0, workflow_runs: [], runners: [] },
  }));
  const config = wholeConfig(makePlace(), { connections: [connectionConfig("main", standIn.apiUrl)] });
  const telemetry = recordTelemetry();
  const parts = { environment: {}, clock, random: systemRandom(), telemetry, renderMetrics: async () => "" };
  const holdfast = await startHoldfast(config, parts);
  await clock.waiting;
  // Else it would last until GitHub allows the next call, which is longer than this test may take.
  await expect(holdfast.close()).resolves.toBeUndefined();
}, 60_000);
