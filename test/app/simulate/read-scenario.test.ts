import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { PLAIN_GROUP } from "../../../src/simulator/scenario/group-plan.ts";
import { problemsIn, read } from "./scenario-folder.ts";

const EXAMPLE = `
name: stale-flag-storm
seed: 7
duration: 8h
pools: []                      # the configuration's own schema
world:
  workload:
    jobs: [ { at: 0s, labels: [self-hosted, linux, x64], duration: 10m } ]
    arrivals: { perHour: 240, burst: { every: 60m, jobs: 40 }, duration: { p50: 4m, p95: 30m } }
    traceFile: jobs.csv        # queued_at,labels,duration_seconds
  faults:
    - { kind: github.busy-flag-lag, lag: [25s, 180s], probability: 1 }
    - { kind: github.busy-flag-drops, perJob: 0.2, after: [30s, 15m] }
    - { kind: controller.crash, every: 7m }
algorithm: holdfast            # or a baseline's name
`;
const TRACE = "queued_at,labels,duration_seconds\n90,self-hosted;linux,61.5\n";

describe("a scenario file", () => {
  it("says what groups its pools have, where they have any", async () => {
    const group =
      "{ min: 1, beyondMax: 4, protected: false, heartbeat: 30m, retain: false, warmPool: { prepared: 4, reuse: true } }";
    const { scenario } = await read(`provider: asg\ngroup: ${group}\n`);
    expect(scenario.group).toEqual({
      scaling: "holdfast",
      minCount: 1,
      beyondMaxCount: 4,
      isProtected: false,
      market: "on-demand",
      heartbeatTimeoutMs: 30 * MINUTE_MS,
      hasLaunchHook: false,
      retention: "terminate",
      warmPool: { state: "Stopped", isReusedOnScaleIn: true, preparedCount: 4 },
      lifetimeMs: null,
    });
    const { scenario: plain } = await read("provider: asg\n");
    expect(plain.group).toEqual(PLAIN_GROUP);
    const { scenario: hookless } = await read("provider: asg\ngroup: { heartbeat: false }\n");
    expect(hookless.group?.heartbeatTimeoutMs).toBeNull();
    expect((await read("provider: cloud\n")).scenario.group).toBeUndefined();
  });

  it("is read with all that it says", async () => {
    const { scenario, seed, settings } = await read(EXAMPLE, { "jobs.csv": TRACE });
    expect([seed, settings]).toEqual([7, []]);
    expect(scenario).toMatchObject({
      name: "stale-flag-storm",
      startMs: Date.parse("2026-01-05T08:00:00Z"),
      durationMs: 8 * HOUR_MS,
      algorithm: "holdfast",
      provider: "cloud",
      faultsEndMs: null,
      bootMs: [20 * SECOND_MS, MINUTE_MS],
      fleet: {
        isPersistent: false,
        passEveryMs: 5 * MINUTE_MS,
        firstPassMs: 5 * MINUTE_MS,
        minimumAgeMs: 5 * MINUTE_MS,
      },
      pace: 1,
    });
    expect(scenario.pools).toMatchObject([{ name: "linux", connection: "main", machineCountMax: 80 }]);
    const labels = ["self-hosted", "linux", "x64"];
    expect(scenario.workload.jobs).toEqual([
      { name: "job-1", atMs: 0, repository: "acme/app", labels, durationMs: 10 * MINUTE_MS },
      { name: "line-2", atMs: 90_000, repository: "acme/app", labels: ["self-hosted", "linux"], durationMs: 61_500 },
    ]);
    expect(scenario.workload.arrivals).toEqual({
      perHour: 240,
      burst: { everyMs: HOUR_MS, jobs: 40 },
      duration: { p50Ms: 4 * MINUTE_MS, p95Ms: 30 * MINUTE_MS },
      labels: [labels],
      repositories: ["acme/app"],
    });
    expect(scenario.faults).toEqual([
      { kind: "github.busy-flag-lag", lagMs: [25_000, 180_000], perJob: 1 },
      { kind: "github.busy-flag-drops", afterMs: [30_000, 15 * MINUTE_MS], perJob: 0.2 },
      { kind: "controller.crash", everyMs: 7 * MINUTE_MS },
    ]);
  });

  it("takes a pool as the configuration has it, and one without what no world needs", async () => {
    const pasted = {
      name: "linux",
      github: "main",
      scope: { repositories: ["acme/widgets"] },
      labels: ["self-hosted", "linux"],
      machines: { max: 4, jobsPerMachine: 3 },
      runner: { directory: "/opt/runner" },
      provider: { kind: "process", workDirectory: "./machines" },
    };
    const { runner: _runner, provider: _provider, github: _github, ...bare } = pasted;
    for (const pool of [pasted, bare]) {
      const { scenario } = await read({ pools: [pool], world: { workload: { jobs: [{ at: "0s", duration: "1m" }] } } });
      expect(scenario.pools).toMatchObject([{ connection: "main", jobsPerMachine: 3, machineCountMax: 4 }]);
      expect(scenario.workload.jobs).toMatchObject([{ repository: "acme/widgets", labels: ["self-hosted", "linux"] }]);
    }
  });

  it("is called as its file unless it has a name, and lasts an hour longer than its last job", async () => {
    const { scenario } = await read({ world: { workload: { jobs: [{ at: "10m", duration: "20m" }] } } });
    expect(scenario).toMatchObject({ name: "scenario", durationMs: 90 * MINUTE_MS });
  });

  it("takes times of day for a replay, also past midnight", async () => {
    const jobs = [
      { name: "before", at: "23:45:00", duration: "1m" },
      { name: "after", at: "00:10:30", duration: "1m" },
    ];
    const { scenario } = await read({ start: "23:44:18", world: { workload: { jobs } } });
    expect(scenario.startMs).toBe(Date.parse("2026-01-05T23:44:18Z"));
    expect(scenario.workload.jobs.map(({ atMs }) => atMs)).toEqual([42_000, 26 * MINUTE_MS + 12_000]);
  });

  it("begins with the hour of its trace's first job where it has no start", async () => {
    const trace = `${TRACE.split("\n")[0]}\n2025-11-03T09:20:00Z,linux,5\n2025-11-03T10:05:00+01:00,linux,5\n`;
    const { scenario } = await read({ world: { workload: { traceFile: "jobs.csv" } } }, { "jobs.csv": trace });
    expect(scenario.startMs).toBe(Date.parse("2025-11-03T09:00:00Z"));
    expect(scenario.workload.jobs.map(({ atMs }) => atMs)).toEqual([20 * MINUTE_MS, 5 * MINUTE_MS]);
  });

  it("is the same for the same text, wherever the file is", async () => {
    const [one, other] = [await read({ duration: "1h" }), await read({ duration: "1h" })];
    expect(one.scenario).toEqual(other.scenario);
  });
});

describe("settings", () => {
  const base = {
    pools: [
      { name: "linux", scope: { organization: "acme" }, labels: ["linux"], machines: { max: 8 }, warm: { parked: 1 } },
    ],
    duration: "1h",
  };

  it("are the scenario's pools with what each says otherwise", async () => {
    const other = { name: "big", scope: { organization: "acme" }, labels: ["linux"], machines: { max: 99 } };
    const { settings } = await read({
      ...base,
      settings: [
        { name: "as now" },
        { name: "warm", overrides: { linux: { warm: { parked: 4 } } } },
        { name: "others", pools: [other] },
      ],
    });
    expect(settings.map(({ name, pools }) => [name, pools[0]?.warmParkedCount, pools[0]?.machineCountMax])).toEqual([
      ["as now", 1, 8],
      ["warm", 4, 8],
      ["others", 0, 99],
    ]);
  });

  it.each([
    [{ name: "a", overrides: { linx: {} } }, "settings[0].overrides.linx", "names no pool", "did you mean `linux`?"],
    [
      { name: "a", overrides: { linux: { warm: { parkd: 4 } } } },
      "settings[0].overrides.linux.warm.parkd",
      "unknown key",
      "did you mean `parked`?",
    ],
    [
      { name: "a", overrides: { linux: { warm: { parked: 9 } } } },
      "settings[0].overrides.linux.warm.parked",
      "is more than `machines.max`",
      "at most 8, or raise `machines.max`",
    ],
    [
      { name: "a", overrides: {}, pools: base.pools },
      "settings[0]",
      "has `pools` and `overrides`, which exclude each other",
      "remove one of them",
    ],
  ])("%j is refused", async (setting, path, problem, mend) => {
    expect(await problemsIn({ ...base, settings: [setting] })).toEqual([{ path, problem, mend }]);
  });

  it("have names of their own, and pools that take the jobs", async () => {
    const pool = { ...base.pools[0], labels: ["gpu"] };
    const world = { workload: { jobs: [{ at: "0s", duration: "1m" }] } };
    expect(await problemsIn({ ...base, settings: [{ name: "a" }, { name: "a" }] })).toEqual([
      { path: "settings[1].name", problem: "is the name of settings[0] too", mend: "give each its own name" },
    ]);
    expect(await problemsIn({ ...base, world, settings: [{ name: "a", pools: [pool] }] })).toEqual([
      {
        path: "world.workload.jobs[0]",
        problem: "fits no pool of setting `a`",
        mend: "let a pool offer its labels in its repository, or leave it out",
      },
    ]);
  });
});
