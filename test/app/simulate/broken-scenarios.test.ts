import { describe, expect, it } from "vitest";
import { renderProblems } from "../../../src/app/config/problems.ts";
import { readScenario } from "../../../src/app/simulate/read-scenario.ts";
import { makeFolder, problemsIn } from "./scenario-folder.ts";

const JOB = { at: "1m", duration: "5m" };
const SERVED = "let a pool offer its labels in its repository, or leave it out";
const POOL = { name: "linux", scope: { organization: "acme" }, labels: ["linux"], machines: { max: 4 } };

function withFault(fault: unknown) {
  return { duration: "1h", world: { faults: [fault] } };
}

function withJobs(...jobs: readonly object[]) {
  return { world: { workload: { jobs } } };
}

const ROWS: readonly (readonly [name: string, scenario: unknown, path: string, problem: string, mend: string])[] = [
  ["an unknown key", { sed: 1 }, "sed", "unknown key", "did you mean `seed`?"],
  ["an empty file", "# nothing\n", "(the file)", "is empty", "start from an example of docs/guide/simulate.md"],
  [
    "a text instead of keys",
    "seed",
    "(the file)",
    "must be a block of keys",
    "write the keys that docs/reference/scenario.md lists",
  ],
  ["a seed below zero", { seed: -1 }, "seed", "must be at least 0", "as in `seed: 1`"],
  [
    "a duration without its unit",
    { duration: "90" },
    "duration",
    "must be a duration with its unit, from 1m to 31d",
    "as in `duration: 8h`",
  ],
  [
    "a start without a zone",
    { start: "2026-01-05T08:00:00" },
    "start",
    "must be a time of day in UTC, or an instant with its zone",
    'as in `start: "23:40:00"`',
  ],
  [
    "a time of day that there is not",
    { start: "25:00" },
    "start",
    "must be a time of day in UTC, or an instant with its zone",
    'as in `start: "23:40:00"`',
  ],
  [
    "another algorithm",
    { algorithm: "magic" },
    "algorithm",
    "must be one of holdfast, flag-then-deregister, deregister-then-recheck, idle-confirmation-window, age-cap, ledger-reaper, asg-stop-on-terminating",
    "as in `algorithm: flag-then-deregister`",
  ],
  [
    "another provider",
    { provider: "lambda" },
    "provider",
    "must be one of cloud, process, ec2, kubernetes, asg",
    "as in `provider: cloud`",
  ],
  [
    "a boot that ends before it begins",
    { boot: ["60s", "20s"] },
    "boot",
    "must be a duration, or `[from, to]`, from 0s to 31d",
    "as in `boot: [20s, 60s]`",
  ],
  ["a pace below one", { pace: 0.5 }, "pace", "must be at least 1", "as in `pace: 1`"],
  [
    "faults that end after the world",
    { duration: "1h", faultsEnd: "61m" },
    "faultsEnd",
    "is after the world's end",
    "let it be at most `duration`, or remove it",
  ],
  ["a fleet's key", { fleet: { persistant: true } }, "fleet.persistant", "unknown key", "did you mean `persistent`?"],
  ["a pool's key", { pools: [{ ...POOL, lables: [] }] }, "pools[0].lables", "unknown key", "did you mean `labels`?"],
  [
    "a pool's wrong scope",
    { pools: [{ ...POOL, scope: {} }] },
    "pools[0].scope",
    "names no organization, repositories or enterprise",
    "write one of `scope: { organization: acme }`, `scope: { repositories: [acme/widgets] }` and `scope: { enterprise: acme }`",
  ],
  [
    "two connections",
    { pools: [POOL, { ...POOL, name: "other", github: "second" }] },
    "pools[1].github",
    "is another connection than that of pools[0]",
    "a world has one: name the same",
  ],
  [
    "a job without its duration",
    withJobs({ at: "0s" }),
    "world.workload.jobs[0].duration",
    "is missing",
    "as in `duration: 10m`",
  ],
  [
    "a job at no time",
    withJobs({ ...JOB, at: "soon" }),
    "world.workload.jobs[0].at",
    "must be a duration since the start, a time of day in UTC, or an instant with its zone",
    "as in `at: 2m`",
  ],
  [
    "a job of no repository",
    withJobs({ ...JOB, repository: "acme" }),
    "world.workload.jobs[0].repository",
    "must be `owner/name`",
    "as in `repository: acme/widgets`",
  ],
  [
    "a job of another place",
    withJobs({ ...JOB, repository: "other/app" }),
    "world.workload.jobs[0]",
    "fits no pool of the scenario",
    SERVED,
  ],
  [
    "a job of other labels",
    withJobs({ ...JOB, labels: ["gpu"] }),
    "world.workload.jobs[0]",
    "fits no pool of the scenario",
    SERVED,
  ],
  [
    "two jobs of one name",
    withJobs({ ...JOB, name: "build" }, { ...JOB, name: "build" }),
    "world.workload.jobs[1]",
    "has the name of world.workload.jobs[0] too",
    "give each its own name",
  ],
  [
    "a job after the end",
    { duration: "1m", ...withJobs(JOB) },
    "world.workload.jobs[0]",
    "is queued when the world is over",
    "raise `duration`",
  ],
  [
    "a job before the start",
    withJobs({ ...JOB, at: "2026-01-05T07:00:00Z" }),
    "world.workload.jobs[0]",
    "is queued before the world's start",
    "set `start` to an earlier instant",
  ],
  [
    "arrivals whose longest are short",
    { world: { workload: { arrivals: { perHour: 1, duration: { p50: "4m", p95: "3m" } } } } },
    "world.workload.arrivals.duration.p95",
    "is less than `p50`",
    "raise it, or lower `p50`",
  ],
  [
    "arrivals that nobody takes",
    { world: { workload: { arrivals: { perHour: 1, duration: { p50: "4m", p95: "4m" }, labels: [["gpu"]] } } } },
    "world.workload.arrivals",
    "has jobs of acme/app with gpu, which fit no pool of the scenario",
    SERVED,
  ],
  [
    "a trace that is not there",
    { world: { workload: { traceFile: "none.csv" } } },
    "world.workload.traceFile",
    "cannot be read: there is none",
    "check the path and its permissions; it counts from the scenario's own folder",
  ],
  [
    "a fault that is a text",
    withFault("crash"),
    "world.faults[0]",
    "must be a block of keys",
    "as in `{ kind: controller.crash, every: 7m }`",
  ],
  [
    "a fault without its kind",
    withFault({ every: "7m" }),
    "world.faults[0].kind",
    "is missing",
    "the kinds are in docs/reference/scenario.md",
  ],
  [
    "a fault misspelt",
    withFault({ kind: "controller.crush", every: "7m" }),
    "world.faults[0].kind",
    "is not a kind of fault",
    "did you mean `controller.crash`?",
  ],
  [
    "a fault out of nowhere",
    withFault({ kind: "meteor" }),
    "world.faults[0].kind",
    "is not a kind of fault",
    "the kinds are in docs/reference/scenario.md",
  ],
  [
    "a fault's key",
    withFault({ kind: "controller.crash", evry: "7m", every: "7m" }),
    "world.faults[0].evry",
    "unknown key",
    "did you mean `every`?",
  ],
  [
    "a fault without a field",
    withFault({ kind: "controller.crash" }),
    "world.faults[0].every",
    "is missing",
    "as in `every: 30m`",
  ],
  [
    "a fault without its range",
    withFault({ kind: "github.busy-flag-lag", perJob: 1 }),
    "world.faults[0].lag",
    "is missing",
    "as in `lag: [25s, 180s]`",
  ],
  [
    "a fault of three durations",
    withFault({ kind: "github.busy-flag-lag", perJob: 1, lag: ["1s", "2s", "3s"] }),
    "world.faults[0].lag",
    "must be a duration, or `[from, to]`, from 0s to 31d",
    "as in `lag: [25s, 180s]`",
  ],
  [
    "a fault back in time",
    withFault({ kind: "github.busy-flag-lag", perJob: 1, lag: "-5m" }),
    "world.faults[0].lag",
    "must be a duration, or `[from, to]`, from 0s to 31d",
    "as in `lag: [25s, 180s]`",
  ],
  [
    "a fault of no share",
    withFault({ kind: "host.runner-dies" }),
    "world.faults[0].perJob",
    "is missing",
    "as in `{ kind: host.runner-dies, perJob: 0.01 }`",
  ],
  [
    "a fault of two shares",
    withFault({ kind: "host.runner-dies", perJob: 0.1, probability: 0.1 }),
    "world.faults[0].probability",
    "says the same as `perJob`",
    "remove one of them",
  ],
  [
    "a share above one",
    withFault({ kind: "host.runner-dies", perJob: 2 }),
    "world.faults[0].perJob",
    "must be at most 1",
    "as in `perJob: 0.2`",
  ],
  [
    "a fault of a job that there is not",
    {
      world: {
        workload: { jobs: [{ ...JOB, name: "build" }] },
        faults: [{ kind: "github.busy-flag-never", job: "biuld" }],
      },
    },
    "world.faults[0].job",
    "is the name of no job",
    "did you mean `build`?",
  ],
];

describe("a broken scenario", () => {
  it.each(ROWS)("%s", async (_name, scenario, path, problem, mend) => {
    expect(await problemsIn(scenario)).toEqual([{ path, problem, mend }]);
  });

  it("tells everything at once, each in its place", async () => {
    const scenario = {
      seed: "one",
      pools: [{ ...POOL, labels: [] }],
      world: { workload: { traceFile: "jobs.csv" }, faults: [{ kind: "host.dies" }, { kind: "nothing" }] },
    };
    const problems = await problemsIn(scenario, { "jobs.csv": "queued_at,labels\n" });
    expect(problems.map(({ path }) => path)).toEqual([
      "seed",
      "pools[0].labels",
      "world.faults[0].every",
      "world.faults[1].kind",
      "jobs.csv, line 1",
    ]);
  });

  it("that is not there says where to start from", async () => {
    const error = await readScenario(`${makeFolder()}/none.yaml`).catch((reason: unknown) => reason);
    expect(renderProblems(error as never)).toMatch(/cannot be read: there is none[\s\S]*docs\/guide\/simulate\.md/);
  });
});
