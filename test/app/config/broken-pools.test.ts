import { describe } from "vitest";
import { itTellsOf, RESERVED, type Row } from "./broken-row.ts";

const REPOSITORY = "must be `owner/name` or `owner/*`";
const SCOPE_MEND =
  "write one of `scope: { organization: acme }`, `scope: { repositories: [acme/widgets] }` and `scope: { enterprise: acme }`";
const DURATION = "must be a duration with its unit, from 1s to 24h";

const SEVERAL_PLACES = "needs one place to register in before a job tells it, and the pool's scope names several";
const ONE_PLACE = "remove it, or use `scope: { organization: … }` or exactly one `owner/name`";

const POOLS: readonly Row[] = [
  ["no pools", (c) => (c.pools = []), "pools", "needs at least 1 entry", "as in `pools: [{ name: linux, … }]`"],
  [
    "a pool that is a text",
    (c) => c.pools.push("linux"),
    "pools[1]",
    "must be a block of keys",
    "as in `pools: [{ name: linux, … }]`",
  ],
  [
    "two pools of one name",
    (c) => c.pools.push(c.pools[0]),
    "pools[1].name",
    "is the name of pools[0] too",
    "give each its own name",
  ],
  [
    "a connection misspelt",
    (c) => (c.pools[0].github = "mian"),
    "pools[0].github",
    "names no connection of the `github` block",
    "did you mean `main`?",
  ],
  [
    "a connection out of nowhere",
    (c) => (c.pools[0].github = "enterprise"),
    "pools[0].github",
    "names no connection of the `github` block",
    "connections: main",
  ],
  [
    "a scope of two kinds",
    (c) => (c.pools[0].scope.repositories = ["acme/a"]),
    "pools[0].scope",
    "has `organization` and `repositories`, which exclude each other",
    SCOPE_MEND,
  ],
  [
    "a scope of no kind",
    (c) => (c.pools[0].scope = {}),
    "pools[0].scope",
    "names no organization, repositories or enterprise",
    SCOPE_MEND,
  ],
  [
    "a scope of all three kinds",
    (c) => (c.pools[0].scope = { organization: "acme", repositories: ["acme/a"], enterprise: "acme" }),
    "pools[0].scope",
    "has `organization` and `repositories` and `enterprise`, which exclude each other",
    SCOPE_MEND,
  ],
  [
    "an enterprise by its address",
    (c) => (c.pools[0].scope = { enterprise: "https://github.com/enterprises/acme" }),
    "pools[0].scope.enterprise",
    "must be the name of an enterprise as in its address",
    "as in `enterprise: acme`",
  ],
  [
    "a repository without its owner",
    (c) => (c.pools[0].scope = { repositories: ["widgets"] }),
    "pools[0].scope.repositories[0]",
    REPOSITORY,
    "as in `repositories: [acme/widgets]`",
  ],
  [
    "accepting what is out of scope",
    (c) => (c.pools[0].accept = { repositories: ["acme/a", "else/b"] }),
    "pools[0].accept.repositories[1]",
    "is outside of the pool's scope",
    "remove it, or widen the scope",
  ],
  [
    "no labels",
    (c) => (c.pools[0].labels = []),
    "pools[0].labels",
    "needs at least 1 entry",
    "as in `labels: [self-hosted, linux, x64]`",
  ],
  [
    "a label that is empty",
    (c) => (c.pools[0].labels = ["linux", " "]),
    "pools[0].labels[1]",
    "is empty",
    "as in `labels: [self-hosted, linux, x64]`",
  ],
  [
    "a label that is a number",
    (c) => (c.pools[0].labels = [22]),
    "pools[0].labels[0]",
    "must be a text",
    "as in `labels: [self-hosted, linux, x64]`",
  ],
  [
    "a label twice",
    (c) => (c.pools[0].labels = ["linux", "Linux"]),
    "pools[0].labels[1]",
    "is there twice (case does not count)",
    "remove one",
  ],
  [
    "a required label that is not offered",
    (c) => (c.pools[0].requiredLabels = ["gpu"]),
    "pools[0].requiredLabels[0]",
    "is not among `labels`",
    "add it to `labels` too: no job could fit",
  ],
  [
    "a label not to be run again by that is not offered",
    (c) => (c.pools[0].rerun = { lostJobs: true, exceptLabel: "no-rerun" }),
    "pools[0].rerun.exceptLabel",
    "is not among `labels`",
    "add it to `labels` too: no job that names it could fit",
  ],
  [
    "a label not to be run again by that every job has to name",
    (c) => {
      c.pools[0].labels = ["self-hosted", "No-Rerun"];
      c.pools[0].requiredLabels = ["no-rerun"];
      c.pools[0].rerun = { lostJobs: true, exceptLabel: "no-rerun" };
    },
    "pools[0].rerun.exceptLabel",
    "is among `requiredLabels`",
    "name another: every job of the pool would ask not to be run again",
  ],
  [
    "a label not to be run again by where no job is",
    (c) => {
      c.pools[0].labels = ["self-hosted", "no-rerun"];
      c.pools[0].rerun = { exceptLabel: "no-rerun" };
    },
    "pools[0].rerun.exceptLabel",
    "means nothing without `lostJobs`",
    "add `lostJobs: true`, or remove it",
  ],
  ["labels misspelt", (c) => (c.pools[0].lables = []), "pools[0].lables", "unknown key", "did you mean `labels`?"],
  [
    "a runner group without a name",
    (c) => (c.pools[0].runnerGroup = " "),
    "pools[0].runnerGroup",
    "is empty",
    "as in `runnerGroup: gpu-runners`",
  ],
  [
    "a runner group with a name too long",
    (c) => (c.pools[0].runnerGroup = "g".repeat(256)),
    "pools[0].runnerGroup",
    "must have at most 255 characters",
    "as in `runnerGroup: gpu-runners`",
  ],
  [
    "a runner group of repositories",
    (c) => Object.assign(c.pools[0], { scope: { repositories: ["acme/a"] }, runnerGroup: "gpu" }),
    "pools[0].runnerGroup",
    "is a group that no repository has",
    "remove it, or use `scope: { organization: … }`: only organizations and enterprises have groups",
  ],
  [
    "a mode of no kind",
    (c) => (c.pools[0].mode = "dry-run"),
    "pools[0].mode",
    "must be one of run, observe",
    "as in `mode: observe`",
  ],
  ["a key without a value", (c) => (c.pools[0].mode = null), "pools[0].mode", "has no value", "as in `mode: observe`"],
  [
    "fewer machines than none",
    (c) => (c.pools[0].machines.max = -1),
    "pools[0].machines.max",
    "must be at least 0",
    "as in `max: 80`",
  ],
  [
    "more machines than allowed",
    (c) => (c.pools[0].machines.max = 10_001),
    "pools[0].machines.max",
    "must be at most 10000",
    "as in `max: 80`",
  ],
  [
    "half a machine",
    (c) => (c.pools[0].machines.max = 0.5),
    "pools[0].machines.max",
    "must be a whole number",
    "as in `max: 80`",
  ],
  [
    "machines without jobs",
    (c) => (c.pools[0].machines.jobsPerMachine = 0),
    "pools[0].machines.jobsPerMachine",
    "must be at least 1",
    "as in `jobsPerMachine: 1`",
  ],
  [
    "an age of no time",
    (c) => (c.pools[0].machines.maxAge = "10s"),
    "pools[0].machines.maxAge",
    "must be a duration with its unit, from 1m to 365d",
    "as in `maxAge: 7d`",
  ],
  [
    "more parked than there may be",
    (c) => (c.pools[0].warm = { parked: 5 }),
    "pools[0].warm.parked",
    "is more than `machines.max`",
    "at most 4, or raise `machines.max`",
  ],
  [
    "machines stopped, where the provider stops none",
    (c) => (c.pools[0].warm = { stopped: 1 }),
    "pools[0].warm.stopped",
    "needs a provider that can stop a machine and start it again",
    "remove it, or use `kind: ec2`",
  ],
  [
    "more registered and parked than there may be",
    (c) => (c.pools[0].warm = { parked: 2, registered: 3 }),
    "pools[0].warm.registered",
    "is with `warm.parked` more than `machines.max`",
    "at most 2, or raise `machines.max`",
  ],
  [
    "more tickets in advance than parked machines",
    (c) => {
      c.pools[0].warm = { parked: 1 };
      c.pools[0].tickets = { ready: 2 };
    },
    "pools[0].tickets.ready",
    "is more than `warm.parked`, and a ticket is made for a parked machine",
    "at most 1, or raise `warm.parked`",
  ],
  [
    "listeners in advance, in a place that only a job tells",
    (c) => {
      c.pools[0].scope = { repositories: ["acme/*"] };
      c.pools[0].warm = { registered: 1 };
    },
    "pools[0].warm.registered",
    SEVERAL_PLACES,
    ONE_PLACE,
  ],
  [
    "tickets in advance, in one of two places",
    (c) => {
      c.pools[0].scope = { repositories: ["acme/widgets", "acme/gadgets"] };
      c.pools[0].warm = { parked: 1 };
      c.pools[0].tickets = { ready: 1 };
    },
    "pools[0].tickets.ready",
    SEVERAL_PLACES,
    ONE_PLACE,
  ],
  [
    "a deadline without a unit",
    (c) => (c.pools[0].deadlines = { boot: "5" }),
    "pools[0].deadlines.boot",
    DURATION,
    "as in `boot: 5m`",
  ],
  [
    "a deadline as a number",
    (c) => (c.pools[0].deadlines = { boot: 5 }),
    "pools[0].deadlines.boot",
    "must be a text",
    "as in `boot: 5m`",
  ],
  [
    "a deadline of no time",
    (c) => (c.pools[0].deadlines = { online: "0s" }),
    "pools[0].deadlines.online",
    DURATION,
    "as in `online: 2m`",
  ],
  [
    "a host that is lost too soon",
    (c) => (c.pools[0].deadlines = { lostHost: "1m" }),
    "pools[0].deadlines.lostHost",
    "must be a duration with its unit, from 5m to 24h",
    "as in `lostHost: 20m`",
  ],
  [
    "a reserved deadline",
    (c) => (c.pools[0].deadlines = { longestJob: "6h" }),
    "pools[0].deadlines.longestJob",
    RESERVED,
    "remove it",
  ],
  ["a runner's user", (c) => (c.pools[0].runner.user = "runner"), "pools[0].runner.user", RESERVED, "remove it"],
  [
    "no runner's directory",
    (c) => delete c.pools[0].runner.directory,
    "pools[0].runner.directory",
    "is missing",
    "as in `directory: /opt/runner`",
  ],
  [
    "a variable that is a number",
    (c) => (c.pools[0].runner.environment = { A: 1 }),
    "pools[0].runner.environment.A",
    "must be a text",
    'as in `environment: { HTTPS_PROXY: "http://proxy:3128" }`',
  ],
  [
    "a variable with a bad name",
    (c) => (c.pools[0].runner.environment = { "A B": "1" }),
    "pools[0].runner.environment.A B",
    "is not a name of a variable",
    'as in `environment: { HTTPS_PROXY: "http://proxy:3128" }`',
  ],
  [
    "a provider of no kind",
    (c) => (c.pools[0].provider.kind = "docker"),
    "pools[0].provider.kind",
    "is not a kind of provider",
    "use `kind: process`, `kind: ec2`, `kind: asg` or `kind: kubernetes`",
  ],
  [
    "no provider",
    (c) => delete c.pools[0].provider,
    "pools[0].provider",
    "is missing",
    "as in `provider: { kind: process, workDirectory: ./machines }`",
  ],
];

describe("pools", () => itTellsOf(POOLS));
