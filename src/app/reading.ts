/** The commands that ask a server, and `check`: their words and options on the command line. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { JOB_STATUSES } from "../domain/job.ts";
import { MACHINE_STATES } from "../domain/machine.ts";
import { VERDICTS } from "../domain/verdict.ts";
import { CONFIG_DEFAULT, type ServerOptions } from "./client.ts";
import type { CheckOptions } from "./commands/check.ts";
import type { JobsOptions } from "./commands/jobs.ts";
import type { MachinesOptions } from "./commands/machines.ts";
import { readEnvironment } from "./config/environment.ts";
import type { CommandIo } from "./terminal/io.ts";
import { addWatch, EVERY_SECONDS, openLive, openLiveEvery, parseSeconds, type WatchOptions } from "./watching.ts";

type Done = (exitCode: number) => void;
type Reading = ServerOptions & WatchOptions & { readonly json?: boolean };

const COLUMNS_DEFAULT = 100;
const LIMIT_MAX = 1_000;
const SUBJECT = "a job's or run's page address or id, a machine id, a provider id or a runner's name";

export function addReadingCommands(program: Command, done: Done): void {
  const status = program.command("status").description("the fleet now: pools, machines, jobs, and what is wrong");
  addWatch(asking(status))
    .addHelpText("after", "\nExample: holdfast status --watch")
    .action(async (options: Reading) => {
      const { runStatus } = await import("./commands/status.ts");
      done(await runStatus(options, openIo(), openLive(options)));
    });
  addTop(program, done);
  addPools(program, done);
  addJobs(program, done);
  addMachines(program, done);
  addExplain(program, done);
  addPlan(program, done);
  addLogs(program, done);
  addExport(program, done);
  addCheck(program, done);
  addVersion(program, done);
}

function addTop(program: Command, done: Done): void {
  asking(program.command("top").description("the whole fleet on one screen, live; q ends it"))
    .addOption(new Option("--every <seconds>", "how often it looks").default(EVERY_SECONDS).argParser(parseSeconds))
    .addHelpText("after", "\nExample: holdfast top --every 5")
    .action(async (options: Reading & { readonly every: number }) => {
      const { runTop } = await import("./commands/top.ts");
      done(await runTop(options, openIo(), openLiveEvery(options.every)));
    });
}

function addPools(program: Command, done: Done): void {
  const pools = program
    .command("pools")
    .description("each pool against its maximum, what is stopped in it, and what its jobs wait for")
    .argument("[pool]", "only this one, in full");
  addWatch(asking(pools))
    .addHelpText("after", "\nExample: holdfast pools linux")
    .action(async (name: string | undefined, options: Reading) => {
      const { runPools } = await import("./commands/pools.ts");
      done(await runPools(name ?? null, options, openIo(), openLive(options)));
    });
}

function addJobs(program: Command, done: Done): void {
  const jobs = program.command("jobs").description("the newest jobs, and what each waits for");
  addPage(asking(jobs), "job")
    .option("--status <list>", `only these, separated by commas: ${JOB_STATUSES.join(", ")}`)
    .addHelpText("after", "\nExample: holdfast jobs --pool linux --status queued,in_progress --since 2h")
    .action(async (options: Reading & JobsOptions) => {
      const { runJobs } = await import("./commands/jobs.ts");
      done(await runJobs(options, openIo(), openLive(options)));
    });
}

function addMachines(program: Command, done: Done): void {
  const machines = program
    .command("machines")
    .description("the machines, what each is believed to do, and why it is kept");
  addPage(asking(machines), "machine")
    .option("--all", "those that are gone, too")
    .option("--state <list>", `only these, separated by commas: ${MACHINE_STATES.join(", ")}`)
    .option("--verdict <list>", `only these, separated by commas: ${VERDICTS.join(", ")}`)
    .addHelpText("after", "\nExample: holdfast machines --verdict unknown --watch")
    .action(async (options: Reading & MachinesOptions) => {
      const { runMachines } = await import("./commands/machines.ts");
      done(await runMachines(options, openIo(), openLive(options)));
    });
}

/** The options of a list that may be long. */
function addPage(command: Command, what: "job" | "machine"): Command {
  return addWatch(command)
    .option("--pool <pool>", "only those of this pool")
    .option("--since <time>", "only those made then or later: 2h, 2026-08-19, 2026-08-19T16:00")
    .option(`--before <${what}>`, "only those that stand after this one in the list; or a time")
    .option("--limit <count>", "so many at most", parseLimit);
}

function addExplain(program: Command, done: Done): void {
  const explain = program
    .command("explain")
    .description("one timeline: what was seen, what was decided, under which rule, and what is waited for")
    .argument("[job|machine|pool]", `${SUBJECT}, or a pool; without it: why nothing starts`);
  addWatch(asking(explain))
    .addHelpText("after", "\nExample: holdfast explain https://github.com/acme/widgets/actions/runs/1/job/2")
    .action(async (subject: string | undefined, options: Reading) => {
      const { runExplain } = await import("./commands/explain.ts");
      done(await runExplain(subject ?? null, options, openIo(), openLive(options)));
    });
}

function addPlan(program: Command, done: Done): void {
  const plan = program
    .command("plan")
    .description("what the next pass would do and what it would leave, each with its reason; does nothing of it")
    .argument("[pool]", "a pool's name; all pools without one");
  addWatch(asking(plan))
    .option("--limit <count>", "so many steps of each pool at most", parseLimit)
    .addHelpText("after", "\nExample: holdfast plan linux")
    .action(async (pool: string | undefined, options: Reading & { readonly limit?: number }) => {
      const { runPlan } = await import("./commands/plan.ts");
      done(await runPlan(pool ?? null, options, openIo(), openLive(options)));
    });
}

function addLogs(program: Command, done: Done): void {
  asking(
    program
      .command("logs")
      .description("the last lines of agent, runner and Worker, or of the console of a machine that never came up")
      .argument("<job|machine>", SUBJECT),
  )
    .option("--lines <count>", "so many lines of each at most, the last ones", parseLimit)
    .option("--name <text>", "only logs with this in their name, as in Worker")
    .addHelpText("after", "\nExample: holdfast logs m-4fz8k2q1w9x0 --name Worker --lines 20")
    .action(async (subject: string, options: Reading & { readonly lines?: number; readonly name?: string }) => {
      const { runLogs } = await import("./commands/logs.ts");
      done(await runLogs(subject, options, openIo()));
    });
}

function addExport(program: Command, done: Done): void {
  asking(
    program
      .command("export")
      .description("a support bundle in one file: configuration, status, decisions, logs; every secret masked")
      .argument("[subjects...]", `what is explained in it: ${SUBJECT}, or a pool; without any: all that waits`),
  )
    .option("--output <file>", "where it is written; in this folder, by controller and time, unless given")
    .addHelpText("after", "\nExample: holdfast export m-4fz8k2q1w9x0 --output bundle.tar.gz")
    .action(async (subjects: readonly string[], options: Reading & { readonly output?: string }) => {
      const { runExport } = await import("./commands/export.ts");
      done(await runExport(subjects, options, openIo()));
    });
}

function addCheck(program: Command, done: Done): void {
  program
    .command("check")
    .description(
      "what is wrong with a configuration, here and at GitHub, each with its mend; starts and changes nothing",
    )
    .option("-c, --config <file>", "the configuration", CONFIG_DEFAULT)
    .option("--offline", "without asking GitHub")
    .option(
      "--iam",
      "print the IAM policy that the pools at AWS (`ec2`, `asg`) of this configuration need, and nothing else",
    )
    .option("--rbac", "print the roles that the Kubernetes pools of this configuration need, and nothing else")
    .option("--json", "for programs")
    .addHelpText("after", "\nExample: holdfast check --config holdfast.yaml --offline")
    .action(async (options: CheckOptions & { readonly config: string }) => {
      const { runCheck } = await import("./commands/check.ts");
      done(await runCheck(options.config, options, openIo()));
    });
}

function addVersion(program: Command, done: Done): void {
  asking(program.command("version").description("of this command, its Node and its store; and of the server"))
    .addHelpText("after", "\nExample: holdfast version --json")
    .action(async (options: Reading) => {
      const { runVersion } = await import("./commands/version.ts");
      done(await runVersion(options, openIo(), process.versions.node));
    });
}

/** The options of every command that asks a server. */
export function asking(command: Command): Command {
  return command
    .option("--server <address>", "of the server; else HOLDFAST_SERVER, else that of the local configuration")
    .option("-c, --config <file>", "a configuration whose operators' address is asked")
    .option("--token-file <file>", "the operator's token; else HOLDFAST_TOKEN")
    .option("--json", "for programs");
}

/** The process as a command sees it. */
export function openIo(): CommandIo {
  const { stdout, stderr } = process;
  const columns = stdout.columns ?? COLUMNS_DEFAULT;
  return { stdout, stderr, columns, isTTY: stdout.isTTY === true, environment: readEnvironment() };
}

export function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new InvalidArgumentError(`It is not a whole number from 1 to ${LIMIT_MAX}.`);
}
