/** What the random worlds are, over so many seeds that every part of the draw shows. */
import { describe, expect, it } from "vitest";
import { checkPools } from "../../../src/app/config/cross-checks.ts";
import { ProblemList } from "../../../src/app/config/problems.ts";
import { readFaults } from "../../../src/app/simulate/read-faults.ts";
import { FAULT_KINDS } from "../../../src/app/simulate/schema-faults.ts";
import { parseJobId } from "../../../src/domain/ids.ts";
import { isServedBy, type PoolPolicy } from "../../../src/domain/pool.ts";
import { HOUR_MS } from "../../../src/domain/units.ts";
import { EC2_ERRORS } from "../../../src/simulator/ec2/errors.ts";
import {
  EC2_ERROR_PLACES,
  type Fault,
  GROUP_ERROR_CODES,
  GROUP_ERROR_PLACES,
  KUBERNETES_ERROR_PLACES,
  KUBERNETES_ERROR_REASONS,
} from "../../../src/simulator/scenario/fault.ts";
import { randomScenario } from "../../../src/simulator/scenario/random.ts";
import type { Scenario } from "../../../src/simulator/scenario/scenario.ts";

const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1);
const SCENARIOS = SEEDS.map((seed) => randomScenario(seed));
const EC2_SCENARIOS = SEEDS.map((seed) => randomScenario(seed, "ec2"));
const KUBERNETES_SCENARIOS = SEEDS.map((seed) => randomScenario(seed, "kubernetes"));
const GROUP_SCENARIOS = SEEDS.map((seed) => randomScenario(seed, "asg"));

/** Kinds that are of one provider alone, and those that only scenarios from life have. */
const isOf = (family: string) => (kind: string) => kind.startsWith(`${family}.`);
const SCRIPTED: ReadonlySet<string> = new Set(["controller.row-lost", "controller.down", "asg.ends-one"]);
const isScripted = (kind: string) => SCRIPTED.has(kind);
const FAMILIES = ["ec2", "kubernetes", "asg"] as const;
const PLAIN_KINDS = FAULT_KINDS.filter((kind) => !FAMILIES.some((family) => isOf(family)(kind)) && !isScripted(kind));

/** A world without faults, of which there is one in so many or more. */
const QUIET_ONE_IN = 40;

function shareOf<Value>(values: readonly Value[], isIn: (value: Value) => boolean): number {
  return values.filter(isIn).length / values.length;
}

/** As a scenario file would have it. */
function write(fault: Fault): unknown {
  const time = (value: unknown): unknown => (Array.isArray(value) ? value.map(time) : `${String(value)}ms`);
  return Object.fromEntries(
    Object.entries(fault).map(([name, value]) =>
      name.endsWith("Ms") ? [name.slice(0, -2), time(value)] : [name, value],
    ),
  );
}

function writePool({ name, scope, labels, machineCountMax: max, ...pool }: PoolPolicy) {
  return {
    name,
    scope: scope.kind === "repositories" ? { repositories: [...scope.repositories] } : { organization: "acme" },
    labels: [...labels],
    machines: { max },
    warm: { parked: pool.warmParkedCount, registered: pool.warmRegisteredCount },
    tickets: { ready: pool.readyTicketCount },
  };
}

function problemsOf(check: (problems: ProblemList) => void): string | null {
  const problems = new ProblemList();
  check(problems);
  try {
    problems.throwIfAny("a random world");
    return null;
  } catch (error) {
    return JSON.stringify((error as { readonly problems?: unknown }).problems);
  }
}

it("is the same for the same seed, and another for another", () => {
  expect(randomScenario(7)).toEqual(randomScenario(7));
  const bodies = SCENARIOS.map(({ name: _name, ...rest }) => JSON.stringify(rest));
  expect(new Set(bodies).size).toBe(SEEDS.length);
});

it("is otherwise the same world where its provider is given", () => {
  const { provider: _drawn, ...drawn } = randomScenario(7);
  for (const provider of ["cloud", "process"] as const) {
    const { provider: given, ...rest } = randomScenario(7, provider);
    expect(given).toBe(provider);
    expect(rest.pools).toEqual(drawn.pools);
    expect(rest.workload).toEqual(drawn.workload);
  }
});

it("lasts eight hours, faults and all", () => {
  for (const { durationMs, faultsEndMs, pace, algorithm } of SCENARIOS)
    expect([durationMs, faultsEndMs, algorithm, pace >= 1]).toEqual([8 * HOUR_MS, 8 * HOUR_MS, "holdfast", true]);
});

it("has faults that a scenario file may have, and that mean the same there", () => {
  for (const { name, faults } of SCENARIOS) {
    let read: readonly Fault[] = [];
    const problems = problemsOf((list) => {
      read = readFaults(faults.map(write), list);
    });
    expect([name, problems]).toEqual([name, null]);
    expect(read).toEqual(faults);
  }
});

it("has pools that a configuration may have", () => {
  for (const { name, pools } of SCENARIOS) {
    const problems = problemsOf((list) => checkPools("pools", { pools: pools.map(writePool), github: {} }, list));
    expect([name, problems]).toEqual([name, null]);
    expect(new Set(pools.map((pool) => pool.name)).size).toBe(pools.length);
  }
});

it("asks for jobs that one of its pools serves, in every place and with all labels that it draws from", () => {
  for (const { name, pools, workload } of SCENARIOS) {
    const { arrivals } = workload;
    expect(arrivals?.perHour).toBeGreaterThan(0);
    expect((arrivals?.duration.p95Ms ?? 0) >= (arrivals?.duration.p50Ms ?? 1)).toBe(true);
    for (const repository of arrivals?.repositories ?? [])
      for (const labels of arrivals?.labels ?? []) {
        const job = { id: parseJobId(1), connection: pools[0]?.connection ?? ("" as never), repository, labels };
        expect([name, pools.some((pool) => isServedBy(pool, job))]).toEqual([name, true]);
      }
  }
});

it("restores no store from before the world began", () => {
  for (const fault of SCENARIOS.flatMap(({ faults }) => faults))
    if (fault.kind === "controller.restore") expect(fault.ageMs).toBeLessThanOrEqual(fault.atMs);
});

it("has every kind of fault somewhere, and none twice in one world", () => {
  const kindsOf = (scenarios: readonly Scenario[]) =>
    [...new Set(scenarios.flatMap(({ faults }) => faults.map(({ kind }) => kind)))].toSorted();
  expect(kindsOf(SCENARIOS)).toEqual(PLAIN_KINDS.toSorted());
  for (const { faults } of SCENARIOS) expect(new Set(faults.map(({ kind }) => kind)).size).toBe(faults.length);
  for (const [family, scenarios] of [
    ["ec2", EC2_SCENARIOS],
    ["kubernetes", KUBERNETES_SCENARIOS],
    ["asg", GROUP_SCENARIOS],
  ] as const) {
    const own = FAULT_KINDS.filter((kind) => isOf(family)(kind) && !isScripted(kind));
    expect(kindsOf(scenarios)).toEqual([...PLAIN_KINDS, ...own].toSorted());
  }
});

it("puts each of EC2's errors on each of its calls, before its effect and after it, within three hundred worlds", () => {
  const worlds = Array.from({ length: 300 }, (_, index) => randomScenario(index + 1, "ec2"));
  const errors = worlds.flatMap(({ faults }) => faults).filter((fault) => fault.kind === "ec2.error");
  const drawn = new Set(errors.map(({ code, on, effect }) => `${code} ${on} ${effect}`));
  const all = EC2_ERROR_PLACES.flatMap((on) =>
    Object.keys(EC2_ERRORS).flatMap((code) => [`${code} ${on} none`, `${code} ${on} done`]),
  );
  expect(all.filter((one) => !drawn.has(one))).toEqual([]);
});

it("puts each refusal on each call about pods, before its effect and after it, within three hundred worlds", () => {
  const worlds = Array.from({ length: 300 }, (_, index) => randomScenario(index + 1, "kubernetes"));
  const refusals = worlds.flatMap(({ faults }) => faults).filter((fault) => fault.kind === "kubernetes.error");
  const drawn = new Set(refusals.map(({ reason, on, effect }) => `${reason} ${on} ${effect}`));
  const all = KUBERNETES_ERROR_PLACES.flatMap((on) =>
    KUBERNETES_ERROR_REASONS.flatMap((reason) => [`${reason} ${on} none`, `${reason} ${on} done`]),
  );
  expect(all.filter((one) => !drawn.has(one))).toEqual([]);
});

it("puts each of Auto Scaling's errors on each of its calls, before its effect and after it, within three hundred worlds", () => {
  const worlds = Array.from({ length: 300 }, (_, index) => randomScenario(index + 1, "asg"));
  const errors = worlds.flatMap(({ faults }) => faults).filter((fault) => fault.kind === "asg.error");
  const drawn = new Set(errors.map(({ code, on, effect }) => `${code} ${on} ${effect}`));
  const all = GROUP_ERROR_PLACES.flatMap((on) =>
    GROUP_ERROR_CODES.flatMap((code) => [`${code} ${on} none`, `${code} ${on} done`]),
  );
  expect(all.filter((one) => !drawn.has(one))).toEqual([]);
});

it("has groups of every setting", () => {
  const groups = GROUP_SCENARIOS.flatMap(({ group }) => group ?? []);
  expect(groups).toHaveLength(SEEDS.length);
  const kinds = groups.map(
    ({ scaling, market, retention, warmPool, heartbeatTimeoutMs, hasLaunchHook, isProtected, beyondMaxCount }) => [
      scaling,
      market,
      retention,
      `pool ${warmPool?.state} ${warmPool?.isReusedOnScaleIn}`,
      `heartbeat ${heartbeatTimeoutMs}`,
      `launch hook ${hasLaunchHook}`,
      `protected ${isProtected}`,
      `${scaling} with room ${beyondMaxCount > 0}`,
    ],
  );
  const pools = ["Stopped", "Running", "Hibernated"].flatMap((state) => [`pool ${state} true`, `pool ${state} false`]);
  const expected = ["holdfast", "external", "spot", "on-demand", "retain", "terminate", "heartbeat null", ...pools];
  const drawn = new Set(kinds.flat());
  expect(
    [...expected, "launch hook true", "protected false", "holdfast with room true"].filter((kind) => !drawn.has(kind)),
  ).toEqual([]);
  expect(drawn.has("external with room true")).toBe(false);
});

it("keeps stopped machines in some pools at EC2, and nowhere else", () => {
  expect(SCENARIOS.flatMap(({ pools }) => pools).some(({ warmStoppedCount }) => warmStoppedCount > 0)).toBe(false);
  const share = shareOf(
    EC2_SCENARIOS.flatMap(({ pools }) => pools),
    ({ warmStoppedCount }) => warmStoppedCount > 0,
  );
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThan(0.5);
  for (const pool of EC2_SCENARIOS.flatMap(({ pools }) => pools))
    expect(pool.warmParkedCount + pool.warmRegisteredCount + pool.warmStoppedCount).toBeLessThanOrEqual(
      pool.machineCountMax,
    );
});

describe("of all worlds", () => {
  it("some are quiet, at the plain pace, and most are not", () => {
    const quiet = SCENARIOS.filter(({ faults }) => faults.length === 0);
    expect(quiet.length / SEEDS.length).toBeGreaterThan(1 / QUIET_ONE_IN);
    expect(quiet.length / SEEDS.length).toBeLessThan(0.15);
    expect(quiet.every(({ pace }) => pace === 1)).toBe(true);
  });

  it("some have few faults and some most of the kinds at once", () => {
    const counts = SCENARIOS.map(({ faults }) => faults.length);
    expect(Math.min(...counts.filter((count) => count > 0))).toBeLessThan(PLAIN_KINDS.length / 8);
    expect(Math.max(...counts)).toBeGreaterThan(PLAIN_KINDS.length / 2);
  });

  it.each<[string, (pool: PoolPolicy) => boolean]>([
    ["keep parked machines", ({ warmParkedCount }) => warmParkedCount > 0],
    ["keep listeners that wait", ({ warmRegisteredCount }) => warmRegisteredCount > 0],
    ["keep tickets", ({ readyTicketCount }) => readyTicketCount > 0],
    ["use a machine for many jobs", ({ jobsPerMachine }) => jobsPerMachine > 1],
    ["end machines by their age", ({ maxAgeMs }) => maxAgeMs !== null],
    ["register at repositories", ({ scope }) => scope.kind === "repositories"],
  ])("some pools %s, and some do not", (_what, isSo) => {
    const share = shareOf(
      SCENARIOS.flatMap(({ pools }) => pools),
      isSo,
    );
    expect(share).toBeGreaterThan(0.05);
    expect(share).toBeLessThan(0.95);
  });

  it("some are in a cloud, have two pools, or have bursts, and some have not", () => {
    const shares = [
      shareOf(SCENARIOS, ({ provider }) => provider === "cloud"),
      shareOf(SCENARIOS, ({ pools }) => pools.length === 2),
      shareOf(SCENARIOS, ({ workload }) => workload.arrivals?.burst !== null),
    ];
    for (const share of shares) {
      expect(share).toBeGreaterThan(0.15);
      expect(share).toBeLessThan(0.85);
    }
  });
});
