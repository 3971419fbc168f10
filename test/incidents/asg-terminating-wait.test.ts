/** infrahouse/puppet-code #265 and its variants: whom a group wants to end, and a job that is there or comes meanwhile. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { readScenario } from "../../src/app/simulate/read-scenario.ts";
import { runWorld } from "../../src/app/simulate/run-world.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Fault } from "../../src/simulator/scenario/fault.ts";
import type { GroupPlan } from "../../src/simulator/scenario/group-plan.ts";
import type { WorldResult } from "../../src/simulator/scenario/result.ts";
import type { Baseline } from "../../src/simulator/scenario/scenario.ts";
import type { WorldEvent } from "../../src/simulator/world/event-log.ts";
import type { WorldFigures } from "../../src/simulator/world/telemetry.ts";
import { ROOT } from "../house/temp-tree.ts";

/** Hours of the world, on a machine that may be busy. */
const PATIENCE_MS = 240_000;
const FILE = join(ROOT, "test", "scenarios", "asg-terminating-wait.yaml");
/** The job `landing` has been at work for a minute by then, whoever runs it. */
const AMID_JOB_MS = 33 * MINUTE_MS;
const HEARTBEAT_MS = 30 * MINUTE_MS;
const SETTLED_WITHIN_MS = 3 * HOUR_MS;

interface Variant {
  readonly landingMs?: number;
  /** Hours of holding are long in a world of which each five seconds are looked at. */
  readonly pace?: number;
  readonly group?: Partial<GroupPlan>;
  readonly faults?: readonly Fault[];
  readonly algorithm?: Baseline;
}

interface Played {
  readonly result: WorldResult;
  /** Causes of endings that were counted as forced. */
  readonly forcedCauses: readonly string[];
  /** The most machines at a time whose group was said to go on soon. */
  readonly nearLimitMax: number;
  /** The moments at which the log says so, in milliseconds since the world's start. */
  whenSaid(text: RegExp): readonly number[];
}

async function play({ landingMs, pace, group, faults, algorithm }: Variant): Promise<Played> {
  const { scenario, seed } = await readScenario(FILE);
  const jobs = scenario.workload.jobs.map((job) =>
    job.name === "landing" ? { ...job, durationMs: landingMs ?? job.durationMs } : job,
  );
  const said: { readonly atMs: number; readonly text: string }[] = [];
  if (scenario.group === undefined) throw new Error("the incident has a group");
  const variant = {
    ...scenario,
    algorithm: algorithm ?? scenario.algorithm,
    group: { ...scenario.group, ...group },
    workload: { ...scenario.workload, jobs },
    faults: faults ?? scenario.faults,
    pace: pace ?? scenario.pace,
    settleMaxMs: SETTLED_WITHIN_MS + (landingMs ?? 0),
  };
  const forcedCauses: string[] = [];
  let nearLimitMax = 0;
  const figures: WorldFigures = {
    count: (metric, labels) => {
      if (metric === "holdfast_forced_endings_total" && "cause" in labels) forcedCauses.push(String(labels.cause));
    },
    gauge: (metric, value) => {
      if (metric === "holdfast_members_held_near_limit") nearLimitMax = Math.max(nearLimitMax, value);
    },
    measure: () => {},
    forgetPool: () => {},
  };
  const onEvent = ({ atMs, text }: WorldEvent) => void said.push({ atMs, text });
  const result = await runWorld(variant, { seed, onEvent, figures });
  return {
    result,
    forcedCauses,
    nearLimitMax,
    whenSaid: (pattern) => said.filter(({ text }) => pattern.test(text)).map(({ atMs }) => atMs),
  };
}

function expectNothingLost(played: Played): void {
  const { result } = played;
  expect(result.violations).toEqual([]);
  expect(result.jobs).toMatchObject({ total: 2, succeeded: 2, killedByUs: 0, lostForced: 0 });
  expect(result.machines.leaked).toBe(0);
  expect(played.forcedCauses).toEqual([]);
}

function endsBusy(why: "scale-in" | "unhealthy"): Fault {
  return { kind: "asg.ends-one", atMs: AMID_JOB_MS, why };
}

it("the published fix cancels the job that landed in the eleven seconds", { timeout: PATIENCE_MS }, async () => {
  const { result } = await play({ algorithm: "asg-stop-on-terminating" });
  expect(result.jobs).toMatchObject({ killedByUs: 1, succeeded: 1 });
  expect(result.violations[0]?.what).toMatch(
    /^job landing was cancelled by its own runner because its runner was signal/,
  );
});

it("an idle member is let go at once, and the job goes elsewhere", { timeout: PATIENCE_MS }, async () => {
  const played = await play({});
  expectNothingLost(played);
  const [chosenAtMs = 0] = played.whenSaid(/chooses it for scale-in/);
  const endedAtMs = played.whenSaid(/^the machine ends/).find((atMs) => atMs > chosenAtMs) ?? Number.POSITIVE_INFINITY;
  expect(endedAtMs - chosenAtMs).toBeLessThan(MINUTE_MS);
});

it.each([
  ["ended", false],
  ["returned to the warm pool", true],
])("a job of 21 000 s on a member that is to be %s runs to its end", { timeout: PATIENCE_MS }, async (_, isReused) => {
  const landingMs = 21_000 * SECOND_MS;
  const warmPool = { state: "Hibernated", isReusedOnScaleIn: isReused, preparedCount: 3 } as const;
  const played = await play({ landingMs, pace: 6, group: { warmPool }, faults: [endsBusy("scale-in")] });
  expectNothingLost(played);
  const { RecordLifecycleActionHeartbeat: count = 0 } = played.result.calls.provider;
  expect(count).toBeGreaterThanOrEqual(Math.floor((4 * (landingMs - 5 * MINUTE_MS)) / HEARTBEAT_MS));
});

it("a trim of the warm pool is completed within 30 s", { timeout: PATIENCE_MS }, async () => {
  const atMs = 20 * MINUTE_MS;
  const played = await play({ faults: [{ kind: "asg.ends-one", atMs, why: "trim" }] });
  expectNothingLost(played);
  const endedAtMs = played.whenSaid(/^the machine ends/).find((at) => at > atMs) ?? Number.POSITIVE_INFINITY;
  expect(endedAtMs - atMs).toBeLessThan(30 * SECOND_MS);
});

it("a health replacement waits for the job until the hook's global limit, and no longer", {
  timeout: PATIENCE_MS,
}, async () => {
  const group = { heartbeatTimeoutMs: MINUTE_MS };
  const played = await play({ landingMs: 3 * HOUR_MS, pace: 2, group, faults: [endsBusy("unhealthy")] });
  expect(played.result.violations).toEqual([]);
  expect(played.result.jobs).toMatchObject({ killedByUs: 0, lostForced: 1 });
  expect(played.nearLimitMax).toBe(1);
  expect(played.forcedCauses).toEqual(["group-limit"]);
  const [endedAtMs = 0] = played.whenSaid(/^the machine ends: by asg\.goes-on/);
  expect(endedAtMs - AMID_JOB_MS).toBeGreaterThan(100 * MINUTE_MS);
  expect(endedAtMs - AMID_JOB_MS).toBeLessThan(103 * MINUTE_MS);
});

it("a controller that is down for 45 minutes finds the machine retained, and ends it after the job", {
  timeout: PATIENCE_MS,
}, async () => {
  const down: Fault = {
    kind: "controller.down",
    atMs: AMID_JOB_MS + MINUTE_MS,
    forMs: [45 * MINUTE_MS, 45 * MINUTE_MS],
  };
  const played = await play({
    landingMs: 70 * MINUTE_MS,
    group: { retention: "retain" },
    faults: [endsBusy("scale-in"), down],
  });
  expectNothingLost(played);
});

it("a group without hooks gets no call and no error", { timeout: PATIENCE_MS }, async () => {
  const played = await play({ group: { heartbeatTimeoutMs: null } });
  expectNothingLost(played);
  expect(Object.keys(played.result.calls.provider)).not.toContain("RecordLifecycleActionHeartbeat");
  expect(Object.keys(played.result.calls.provider)).not.toContain("CompleteLifecycleAction");
});
