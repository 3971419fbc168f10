/** The commands that ask a server, and `check`: their words and options on the command line. */
import { type Command, InvalidArgumentError } from "commander";
import { CONFIG_DEFAULT, type ServerOptions } from "./client.ts";
import type { CheckOptions } from "./commands/check.ts";
import { readEnvironment } from "./config/environment.ts";
import type { CommandIo } from "./terminal/io.ts";

type Done = (exitCode: number) => void;
type Reading = ServerOptions & { readonly json?: boolean };

const COLUMNS_DEFAULT = 100;
const LIMIT_MAX = 1_000;
const SUBJECT = "a job's page address or id, a machine id, a provider id or a runner's name";

export function addReadingCommands(program: Command, done: Done): void {
  asking(program.command("status").description("the fleet now: pools, machines, jobs, and what is wrong")).action(
    async (options: Reading) => {
      const { runStatus } = await import("./commands/status.ts");
      done(await runStatus(options, openIo()));
    },
  );
  asking(program.command("jobs").description("the newest jobs, and what each waits for"))
    .option("--status <list>", "only these: waiting, queued, in_progress, completed, separated by commas")
    .option("--limit <count>", "so many at most", parseLimit)
    .action(async (options: Reading & { readonly status?: string; readonly limit?: number }) => {
      const { runJobs } = await import("./commands/jobs.ts");
      done(await runJobs(options, openIo()));
    });
  asking(program.command("machines").description("the machines, what each is believed to do, and why it is kept"))
    .option("--all", "those that are gone, too")
    .option("--limit <count>", "so many at most", parseLimit)
    .action(async (options: Reading & { readonly all?: boolean; readonly limit?: number }) => {
      const { runMachines } = await import("./commands/machines.ts");
      done(await runMachines(options, openIo()));
    });
  addExplain(program, done);
  addPlan(program, done);
  addLogs(program, done);
  addExport(program, done);
  addCheck(program, done);
}

function addExplain(program: Command, done: Done): void {
  asking(
    program
      .command("explain")
      .description("one timeline: what was seen, what was decided, under which rule, and what is waited for")
      .argument("[subject]", `${SUBJECT}, or a pool; without it: why nothing starts`),
  ).action(async (subject: string | undefined, options: Reading) => {
    const { runExplain } = await import("./commands/explain.ts");
    done(await runExplain(subject ?? null, options, openIo()));
  });
}

function addPlan(program: Command, done: Done): void {
  asking(
    program
      .command("plan")
      .description("what the next pass would do and what it would leave, each with its reason; does nothing of it")
      .argument("[pool]", "a pool's name; all pools without one"),
  )
    .option("--limit <count>", "so many steps of each pool at most", parseLimit)
    .action(async (pool: string | undefined, options: Reading & { readonly limit?: number }) => {
      const { runPlan } = await import("./commands/plan.ts");
      done(await runPlan(pool ?? null, options, openIo()));
    });
}

function addLogs(program: Command, done: Done): void {
  asking(
    program
      .command("logs")
      .description("the last lines of agent, runner and Worker, or of the console of a machine that never came up")
      .argument("<subject>", SUBJECT),
  )
    .option("--lines <count>", "so many lines of each at most, the last ones", parseLimit)
    .option("--name <text>", "only logs with this in their name, as in Worker")
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
    .option("--iam", "print the IAM policy that the EC2 pools of this configuration need, and nothing else")
    .option("--json", "for programs")
    .action(async (options: CheckOptions & { readonly config: string }) => {
      const { runCheck } = await import("./commands/check.ts");
      done(await runCheck(options.config, options, openIo()));
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
