/** The one schema of the scenario file. The entries of `world.faults` have schemas of their own, by their kind. */
import * as z from "zod";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { ALGORITHMS, PROVIDERS } from "../../simulator/scenario/scenario.ts";
import { durationText, key, pathText } from "../config/key.ts";
import { PoolSchema } from "../config/schema-pools.ts";
import { SEED_MAX } from "./bounds.ts";
import { jobMomentText, rangeText, repositoryText, SPAN_MS_MAX, startText } from "./fields.ts";
import { GroupSchema } from "./schema-group.ts";

export const JOB_COUNT_MAX = 100_000;
export const JOB_DURATION_MS_MAX = 5 * DAY_MS;
export const NAME_LENGTH_MAX = 100;
const POOL_COUNT_MAX = 100;
const FAULT_COUNT_MAX = 200;
const SETTING_COUNT_MAX = 20;
const LABEL_COUNT_MAX = 100;
const PER_HOUR_MAX = 10_000;
const BURST_JOBS_MAX = 10_000;
const PACE_MAX = 100;

function jobDurationText() {
  return durationText(SECOND_MS, JOB_DURATION_MS_MAX, "from 1s to 5d");
}

function nameOf(what: string, example: string) {
  return key(z.string().trim().min(1).max(NAME_LENGTH_MAX), { says: `What ${what} is called in reports.`, example });
}

function labels() {
  return z.array(z.string().trim().min(1)).min(1).max(LABEL_COUNT_MAX);
}

const JobSchema = z.strictObject({
  name: key(z.string().trim().min(1).max(NAME_LENGTH_MAX).optional(), {
    says: "By which faults and timelines name it: used once.",
    example: "name: build",
    defaultText: "`job-1`, `job-2`, in order",
  }),
  at: key(jobMomentText(), {
    says: "When it is queued: a duration since the start, a time of day (UTC, the first that is not before the start), or an instant.",
    example: "at: 2m",
  }),
  labels: key(labels().optional(), {
    says: "Its `runs-on`.",
    example: "labels: [self-hosted, linux, x64]",
    defaultText: "those of the first pool",
  }),
  duration: key(jobDurationText(), { says: "How long it works. A duration, 1s to 5d.", example: "duration: 10m" }),
  repository: key(repositoryText().optional(), {
    says: "Whose job it is: `owner/name`.",
    example: "repository: acme/widgets",
    defaultText: "one in the scope of the first pool that offers the labels",
  }),
});

const BurstSchema = z.strictObject({
  every: key(durationText(SECOND_MS, SPAN_MS_MAX, "from 1s to 31d"), {
    says: "The time between two bursts.",
    example: "every: 60m",
  }),
  jobs: key(z.int().min(1).max(BURST_JOBS_MAX), { says: "Jobs that are queued at once.", example: "jobs: 40" }),
});

const JobDurationsSchema = z.strictObject({
  p50: key(jobDurationText(), { says: "Half of the jobs are shorter.", example: "p50: 4m" }),
  p95: key(jobDurationText(), { says: "Nineteen of twenty are shorter: `p50` or more.", example: "p95: 30m" }),
});

const ArrivalsSchema = z.strictObject({
  perHour: key(z.number().min(0).max(PER_HOUR_MAX), {
    says: "Jobs in an hour on average, besides those of bursts; they come independently of one another.",
    example: "perHour: 240",
  }),
  burst: key(BurstSchema.optional(), {
    says: "Many at once, again and again.",
    example: "burst: { every: 60m, jobs: 40 }",
  }),
  duration: key(JobDurationsSchema, {
    says: "How long they work: drawn log-normally.",
    example: "duration: { p50: 4m, p95: 30m }",
  }),
  labels: key(z.array(labels()).min(1).max(LABEL_COUNT_MAX).optional(), {
    says: "Each job asks for one of these lists.",
    example: "labels: [[self-hosted, linux], [self-hosted, gpu]]",
    defaultText: "the labels of each pool that takes jobs of the repositories",
  }),
  repositories: key(z.array(repositoryText()).min(1).max(LABEL_COUNT_MAX).optional(), {
    says: "Each job is of one of these.",
    example: "repositories: [acme/widgets, acme/gadgets]",
    defaultText: "one in the scope of the first pool",
  }),
});

const WorkloadSchema = z.strictObject({
  jobs: key(z.array(JobSchema).max(JOB_COUNT_MAX).prefault([]), {
    says: "Jobs one by one.",
    example: "jobs: [{ at: 0s, duration: 10m }]",
    defaultText: "none",
  }),
  arrivals: key(ArrivalsSchema.optional(), {
    says: "Jobs that keep coming until the faults end, or the world.",
    example: "arrivals: { perHour: 240, duration: { p50: 4m, p95: 30m } }",
  }),
  traceFile: key(pathText().optional(), {
    says: "Jobs that once were: a CSV file with the columns `queued_at`, `labels`, `duration_seconds`, and if you like `repository` and `name`.",
    example: "traceFile: jobs.csv",
  }),
});

const WorldSchema = z.strictObject({
  workload: key(WorkloadSchema.prefault({}), {
    says: "The jobs: any of the three together.",
    example: "workload: { jobs: [{ at: 0s, duration: 10m }] }",
  }),
  faults: key(z.array(z.unknown()).max(FAULT_COUNT_MAX).prefault([]), {
    says: "What goes wrong: see the kinds below.",
    example: "faults: [{ kind: controller.crash, every: 7m }]",
    defaultText: "none",
  }),
});

const FleetSchema = z.strictObject({
  persistent: key(z.boolean().prefault(false), {
    says: "A runner takes job after job; else one each.",
    example: "persistent: true",
  }),
  passEvery: key(durationText(SECOND_MS, DAY_MS, "from 1s to 24h").prefault("5m"), {
    says: "Between two passes that look for machines to end.",
    example: "passEvery: 5m",
  }),
  firstPass: key(durationText(0, SPAN_MS_MAX, "from 0s to 31d").optional(), {
    says: "When the first pass begins, since the start.",
    example: "firstPass: 90s",
    defaultText: "`passEvery`",
  }),
  minimumAge: key(durationText(0, DAY_MS, "from 0s to 24h").prefault("5m"), {
    says: "How long a machine must have been up before a pass looks at it.",
    example: "minimumAge: 5m",
  }),
});

/** A pool as the configuration has it, so that a block of it can be pasted; what no world needs may be left out. */
export const ScenarioPoolSchema = PoolSchema.extend({
  github: key(PoolSchema.shape.github.prefault("main"), {
    says: "The connection that it works with: a world has one.",
    example: "github: main",
  }),
  runner: key(PoolSchema.shape.runner.prefault({ directory: "/opt/actions-runner" }), {
    says: "Of no account in a world.",
    example: "runner: { directory: /opt/actions-runner }",
    defaultText: "as the world has it",
  }),
  provider: key(PoolSchema.shape.provider.prefault({ kind: "process", workDirectory: "/machines" }), {
    says: "Of no account in a world: its own `provider` says what starts machines.",
    example: "provider: { kind: process, workDirectory: /machines }",
    defaultText: "as the world has it",
  }),
});

const SettingSchema = z.strictObject({
  name: nameOf("the setting", "name: eight warm"),
  pools: key(z.array(ScenarioPoolSchema).min(1).max(POOL_COUNT_MAX).optional(), {
    says: "Other pools instead of the scenario's; not together with `overrides`.",
    example: "pools: [{ name: linux, … }]",
  }),
  overrides: key(z.record(z.string(), z.record(z.string(), z.unknown())).optional(), {
    says: "What is different, by the pool's name: its keys as above, those that are not named stay. Without `pools` and `overrides`: the scenario's own pools.",
    example: "overrides: { linux: { warm: { parked: 8 } } }",
  }),
});

export const ScenarioSchema = z.strictObject({
  name: key(z.string().trim().min(1).max(NAME_LENGTH_MAX).optional(), {
    says: "What the scenario is called in reports.",
    example: "name: stale-flag-storm",
    defaultText: "the file's name",
  }),
  seed: key(z.int().min(0).max(SEED_MAX).prefault(1), {
    says: "What chance is drawn from: the same commit, scenario and seed make the same world. `--seed` and `--seeds` go before it.",
    example: "seed: 1",
  }),
  start: key(startText().optional(), {
    says: "When the world begins: a time of day (UTC, of 2026-01-05), or an instant with its zone.",
    example: 'start: "23:40:00"',
    defaultText: "`2026-01-05T08:00:00Z`; with a trace of instants and nothing here, the hour of the first",
  }),
  duration: key(durationText(MINUTE_MS, SPAN_MS_MAX, "from 1m to 31d").optional(), {
    says: "How long the world lasts. A duration, 1m to 31d.",
    example: "duration: 8h",
    defaultText: "`8h` with `arrivals`; else an hour longer than the last job",
  }),
  algorithm: key(z.enum(ALGORITHMS).prefault("holdfast"), {
    says: "Who runs the fleet: `holdfast`, or the published algorithm of another system. `--algorithm` goes before it.",
    example: "algorithm: flag-then-deregister",
  }),
  provider: key(z.enum(PROVIDERS).prefault("cloud"), {
    says: "What machines are: `cloud` (instances of a cloud in general), `ec2` (those of EC2, with its calls and errors), `kubernetes` (pods of a cluster) and `asg` (members of Auto Scaling groups), both asked through the adapter that users run, or `process` (processes on one computer). `--provider` goes before it.",
    example: "provider: cloud",
  }),
  pools: key(z.array(ScenarioPoolSchema).max(POOL_COUNT_MAX).prefault([]), {
    says: "The fleets, as in the configuration.",
    example: "pools: [{ name: linux, … }]",
    defaultText:
      "one pool `linux` of the organization `acme` with the labels `self-hosted`, `linux`, `x64` and 80 machines",
  }),
  group: key(GroupSchema.prefault({}), {
    says: "The Auto Scaling group that each pool has; with `provider: asg` only. Its greatest size is the pool's `machines.max`.",
    example: "group: { heartbeat: 30m, retain: false }",
    defaultText: "as AWS advises for workers",
  }),
  world: key(WorldSchema.prefault({}), { says: "What happens around the fleet.", example: "world: { faults: [] }" }),
  faultsEnd: key(durationText(0, SPAN_MS_MAX, "from 0s to 31d").optional(), {
    says: "When faults stop, and new jobs of `arrivals` with them; from then on every job must run and everything else must end within its bound, after `duration` if it takes longer.",
    example: "faultsEnd: 6h",
    defaultText: "never: only what must not happen is judged",
  }),
  boot: key(rangeText().prefault(["20s", "60s"]), {
    says: "How long a machine takes to boot. A duration, or `[from, to]`. The `process` provider has its own.",
    example: "boot: [20s, 60s]",
    defaultText: "`[20s, 60s]`",
  }),
  fleet: key(FleetSchema.prefault({}), {
    says: "How the fleet of another algorithm is run. Holdfast takes no notice of it.",
    example: "fleet: { persistent: true, passEvery: 5m }",
  }),
  pace: key(z.number().min(1).max(PACE_MAX).prefault(1), {
    says: "The controllers' periods times this: what wakes them comes at its time, the nets beneath come later. 1 to 100.",
    example: "pace: 1",
  }),
  settings: key(z.array(SettingSchema).max(SETTING_COUNT_MAX).prefault([]), {
    says: "Planning: the same world with each of these settings, side by side.",
    example: "settings: [{ name: as now }, { name: eight warm, overrides: { linux: { warm: { parked: 8 } } } }]",
    defaultText: "none",
  }),
});

export type WrittenScenario = z.output<typeof ScenarioSchema>;
export type WrittenScenarioPool = WrittenScenario["pools"][number];
