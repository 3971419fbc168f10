/** One entry of `pools`. */
import * as z from "zod";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { durationText, key, matchedText, pathText, reserved, urlText } from "./key.ts";
import { ASG_SHAPE } from "./schema-asg.ts";
import { enterpriseText, nameText, organizationText, repositoryPatternText } from "./schema-connections.ts";
import { EC2_SHAPE } from "./schema-ec2.ts";
import { KUBERNETES_SHAPE } from "./schema-kubernetes.ts";

const MACHINE_COUNT_MAX = 10_000;
const JOBS_PER_MACHINE_MAX = 1_000;
const LABEL_COUNT_MAX = 100;
const LABEL_LENGTH_MAX = 256;
const PRIORITY_MAX = 1_000;
const REPOSITORY_COUNT_MAX = 1_000;
const GROUP_LENGTH_MAX = 255;
const AGE_MAX_MS = 365 * DAY_MS;
const LOST_HOST_MIN_MS = 5 * MINUTE_MS;
const UNKNOWN_MAX_MS = 30 * DAY_MS;

function deadlineText() {
  return durationText(SECOND_MS, DAY_MS, "from 1s to 24h");
}

const ScopeSchema = z.strictObject({
  organization: key(organizationText().optional(), {
    says: "Runners are registered in this organization. Exactly one of `organization`, `repositories` and `enterprise`.",
    example: "organization: acme",
  }),
  repositories: key(z.array(repositoryPatternText()).min(1).max(REPOSITORY_COUNT_MAX).optional(), {
    says: "Runners are registered in the job's own repository, which is one of these (`owner/name` or `owner/*`).",
    example: "repositories: [acme/widgets]",
  }),
  enterprise: key(enterpriseText().optional(), {
    says: "Runners are registered in this enterprise, by its name in `https://github.com/enterprises/NAME`. Jobs come from every organization whose events reach the connection.",
    example: "enterprise: acme",
  }),
});

const AcceptSchema = z.strictObject({
  repositories: key(z.array(repositoryPatternText()).min(1).max(REPOSITORY_COUNT_MAX), {
    says: "Only jobs of these repositories get a machine here (`owner/name` or `owner/*`).",
    example: "repositories: [acme/widgets]",
  }),
});

const MachinesSchema = z.strictObject({
  max: key(z.int().min(0).max(MACHINE_COUNT_MAX), {
    says: "The most machines of this pool at any moment, those on their way out included: 0 to 10000 machines.",
    example: "max: 80",
  }),
  jobsPerMachine: key(z.int().min(1).max(JOBS_PER_MACHINE_MAX).prefault(1), {
    says: "How many jobs a machine runs, one after the other, before it is ended: 1 to 1000 jobs.",
    example: "jobsPerMachine: 1",
  }),
  maxAge: key(durationText(MINUTE_MS, AGE_MAX_MS, "from 1m to 365d").optional(), {
    says: "The age at which a machine without a ticket is replaced; a job on it is never cut short. A duration, 1m to 365d.",
    example: "maxAge: 7d",
    defaultText: "no limit",
  }),
});

const WarmSchema = z.strictObject({
  parked: key(z.int().min(0).max(MACHINE_COUNT_MAX).prefault(0), {
    says: "How many machines wait, started and without a registration, for the next jobs: 0 to `machines.max` machines.",
    example: "parked: 4",
  }),
  registered: key(z.int().min(0).max(MACHINE_COUNT_MAX).prefault(0), {
    says: "How many machines wait with their runner online at GitHub, besides those that are parked: jobs start at once, and a machine among them ends only after its host has made sure that no job came. 0 to `machines.max` machines.",
    example: "registered: 2",
  }),
  stopped: key(z.int().min(0).max(MACHINE_COUNT_MAX).prefault(0), {
    says: "How many machines wait stopped, besides those that are parked: they cost their disks only, and are started for jobs before new ones are launched. Only for `ec2` with `market: on-demand`. 0 to `machines.max` machines.",
    example: "stopped: 10",
  }),
});

const DeadlinesSchema = z.strictObject({
  boot: key(deadlineText().prefault("5m"), {
    says: "From the start of a machine to the first word of its agent; who is later and never had a ticket is ended. A duration, 1s to 24h.",
    example: "boot: 5m",
  }),
  online: key(deadlineText().prefault("2m"), {
    says: "From handing a ticket to a machine to its runner being online at GitHub. A duration, 1s to 24h.",
    example: "online: 2m",
  }),
  idleTicket: key(deadlineText().prefault("2m"), {
    says: "How long a runner may be online without a job before its ticket is asked back. A duration, 1s to 24h.",
    example: "idleTicket: 2m",
  }),
  longestJob: reserved("The longest job that is expected.", "longestJob: 6h"),
  lostHost: key(durationText(LOST_HOST_MIN_MS, DAY_MS, "from 5m to 24h").prefault("20m"), {
    says: "How long a host must be silent, besides what GitHub says, before it may count as lost. A duration, 5m to 24h.",
    example: "lostHost: 20m",
  }),
  unknown: key(durationText(0, UNKNOWN_MAX_MS, "0s (never), or up to 30d").prefault("6h"), {
    says: "How long a machine of which nobody can tell whether a job runs is kept before it is ended by force, with an alarm before; `0s`: for ever. A duration, 0s to 30d.",
    example: "unknown: 6h",
  }),
});

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

const RunnerDownloadSchema = z.strictObject({
  url: key(urlText(), {
    says: "The archive (`.tar.gz`) of a release of actions/runner, on a server that machines reach.",
    example: "url: https://mirror.acme.com/actions-runner-linux-x64-2.336.0.tar.gz",
  }),
  sha256: key(matchedText(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits"), {
    says: "Its SHA-256, as the release's page has it.",
    example: "sha256: 0123…",
  }),
  version: key(matchedText(/^\d+(?:\.\d+){1,3}$/, "must be a version, as in `2.336.0`"), {
    says: "Its version, so that Holdfast can warn before GitHub refuses it.",
    example: "version: 2.336.0",
  }),
});

const RunnerSchema = z.strictObject({
  directory: key(pathText().optional(), {
    says: "The folder of GitHub's runner (with `bin/Runner.Listener`) that each machine gets a copy of; for `ec2`, `asg` and `kubernetes` a folder of the image, from `/` on.",
    example: "directory: /opt/runner",
    defaultText: "**required** but for `kubernetes`: `/home/runner`, where GitHub's own image has it",
  }),
  user: key(matchedText(/^[a-z_][a-z0-9_-]{0,31}$/, "must be the name of a user").optional(), {
    says: "`ec2`, `asg`: the user of the image that the runner and its jobs run as. Reserved for `process`.",
    example: "user: runner",
    defaultText: "`runner` for `ec2` and `asg`",
  }),
  download: key(RunnerDownloadSchema.optional(), {
    says: "`ec2`: where the runner is fetched from by machines whose image has none in `directory`.",
    example: "download: { url: https://mirror.acme.com/runner.tar.gz, sha256: …, version: 2.336.0 }",
  }),
  environment: key(
    z.record(z.string().regex(VARIABLE, { error: "is not a name of a variable" }), z.string().max(32_768)).prefault({}),
    {
      says: "Variables that the runner and its jobs get; not for secrets, every job can read them.",
      example: 'environment: { HTTPS_PROXY: "http://proxy:3128" }',
    },
  ),
});

export const PROVIDER_KINDS = ["process", "ec2", "asg", "kubernetes"] as const;

const ProviderSchema = z.strictObject({
  kind: key(
    z.string().superRefine((kind, context) => {
      if (PROVIDER_KINDS.some((known) => known === kind)) return;
      const message = "is not a kind of provider";
      const mend = "use `kind: process`, `kind: ec2`, `kind: asg` or `kind: kubernetes`";
      context.addIssue({ code: "custom", message, params: { mend } });
    }),
    {
      says: "What a machine is. `process`: a tree of processes on this computer; `ec2`: an EC2 instance; `asg`: a member of an Auto Scaling group; `kubernetes`: a pod.",
      example: "kind: process",
    },
  ),
  workDirectory: key(pathText().optional(), {
    says: "`process`: the folder in which each machine gets a folder of its own; pools may share it. Required.",
    example: "workDirectory: ./machines",
    defaultText: "**required** for `process`",
  }),
  ...EC2_SHAPE,
  ...ASG_SHAPE,
  ...KUBERNETES_SHAPE,
});

const TicketsSchema = z.strictObject({
  ready: key(z.int().min(0).max(MACHINE_COUNT_MAX).prefault(0), {
    says: "How many tickets are made in advance for parked machines, so that a burst of jobs does not wait for GitHub's rate limit: 0 to `machines.max` tickets. They do not leave Holdfast before a job needs them.",
    example: "ready: 4",
  }),
});

function labelText() {
  return z.string().trim().min(1).max(LABEL_LENGTH_MAX);
}

function labelList() {
  return z.array(labelText()).max(LABEL_COUNT_MAX);
}

const RerunSchema = z.strictObject({
  lostJobs: key(z.boolean().prefault(false), {
    says: "Whether a job that went down with its machine (taken back by spot, or its host lost) is run again through GitHub, once, when its run is over. Takes the permission Actions, read and write.",
    example: "lostJobs: true",
  }),
  exceptLabel: key(labelText().optional(), {
    says: "A job that names this label in `runs-on` is not run again. It has to be among `labels`, for GitHub gives the job to no runner without it.",
    example: "exceptLabel: no-rerun",
    defaultText: "every lost job is run again",
  }),
});

export const PoolSchema = z.strictObject({
  name: key(nameText(), {
    says: "What the pool is called in records, folders and figures: lower-case letters, digits and inner hyphens, at most 30.",
    example: "name: linux",
  }),
  github: key(z.string().min(1), {
    says: "The connection that it works with: a key of `github`.",
    example: "github: main",
  }),
  scope: key(ScopeSchema, {
    says: "Where runners are registered at GitHub, and so whose jobs can reach them.",
    example: "scope: { organization: acme }",
  }),
  accept: key(AcceptSchema.optional(), {
    says: "Narrows down whose jobs get a machine.",
    example: "accept: { repositories: [acme/widgets] }",
    defaultText: "all in the scope",
  }),
  labels: key(labelList().min(1), {
    says: "What its runners offer: a job fits if all of its `runs-on` labels are among these, upper and lower case alike. 1 to 100 labels.",
    example: "labels: [self-hosted, linux, x64]",
  }),
  requiredLabels: key(labelList().prefault([]), {
    says: "A job must name each of these; keeps `runs-on: self-hosted` off a GPU pool.",
    example: "requiredLabels: [gpu]",
  }),
  priority: key(z.int().min(-PRIORITY_MAX).max(PRIORITY_MAX).prefault(0), {
    says: "Of the pools that fit a job, the one with the highest number comes first: -1000 to 1000.",
    example: "priority: 10",
  }),
  runnerGroup: key(z.string().trim().min(1).max(GROUP_LENGTH_MAX).prefault("Default"), {
    says: "The runner group, by its name on GitHub's settings page: 1 to 255 characters. The group decides which repositories reach these runners. A repository has only `Default`.",
    example: "runnerGroup: gpu-runners",
  }),
  mode: key(z.enum(["run", "observe"]).prefault("run"), {
    says: "`run`; or `observe`: receive, decide and record, but start and end nothing.",
    example: "mode: observe",
  }),
  machines: key(MachinesSchema, { says: "How many machines, and for how long.", example: "machines: { max: 80 }" }),
  warm: key(WarmSchema.prefault({}), { says: "Machines that wait for jobs.", example: "warm: { parked: 4 }" }),
  tickets: key(TicketsSchema.prefault({}), { says: "Tickets made in advance.", example: "tickets: { ready: 0 }" }),
  rerun: key(RerunSchema.prefault({}), {
    says: "Jobs that went down with their machine.",
    example: "rerun: { lostJobs: true, exceptLabel: no-rerun }",
  }),
  deadlines: key(DeadlinesSchema.prefault({}), {
    says: "How long things may take.",
    example: "deadlines: { boot: 5m }",
  }),
  runner: key(RunnerSchema.prefault({}), { says: "GitHub's runner.", example: "runner: { directory: /opt/runner }" }),
  provider: key(ProviderSchema, {
    says: "What starts and ends the machines.",
    example: "provider: { kind: process, workDirectory: ./machines }",
  }),
});
