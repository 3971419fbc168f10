/** The command line: what is offered, and how a failure is told. The commands themselves are in `commands/`. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { ERRORS, HoldfastError } from "../domain/errors.ts";
import { CONFIG_DEFAULT } from "./client.ts";
import { listExitCodes } from "./commands/exit-codes.ts";
import { EXIT } from "./commands/failure.ts";
import { addCompletion } from "./completion/flags.ts";
import { readEnvironment } from "./config/environment.ts";
import { ConfigError, renderProblems } from "./config/problems.ts";
import { addInit } from "./init/flags.ts";
import { addDeliveries, addOperatorCommands } from "./operating.ts";
import { addReadingCommands, openIo } from "./reading.ts";
import { addSimulate } from "./simulate/flags.ts";
import { stopSignal } from "./stop-signal.ts";
import { version } from "./version.ts";

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error"];

const AFTER_HELP = `
Exit codes: ${listExitCodes()}.
Start here: holdfast demo`;

/** @returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = createProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return tellFailure(error);
  }
}

/** The whole tree of commands; nothing is run. */
export function createProgram(done: (exitCode: number) => void): Command {
  const program = new Command("holdfast")
    .description("Fleets of self-hosted GitHub Actions runners that never lose a running job and leave nothing behind.")
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError("(--help shows how it is used)")
    .addHelpText("after", AFTER_HELP)
    .exitOverride();
  addInit(program, stopSignal, done);
  addServe(program, done);
  addInstallScript(program, done);
  addDemo(program, done);
  addSimulate(program, done);
  addReadingCommands(program, done);
  addOperatorCommands(program, done);
  addDeliveries(program, done);
  addCompletion(program);
  return program;
}

function addServe(program: Command, done: (exitCode: number) => void): void {
  program
    .command("serve")
    .description("run the controller until it is told to stop; machines and their jobs go on without it")
    .option("-c, --config <file>", "the configuration", CONFIG_DEFAULT)
    .addOption(new Option("--log-level <level>", "how much is logged").choices(LOG_LEVELS).default("info"))
    .addHelpText("after", "\nExample: holdfast serve --config /etc/holdfast/holdfast.yaml")
    .action(async (options: { readonly config: string; readonly logLevel: string }) => {
      const { runServe } = await import("./commands/serve.ts");
      const environment = readEnvironment();
      done(await runServe({ configPath: options.config, logLevel: options.logLevel, environment }, stopSignal()));
    });
}

function addInstallScript(program: Command, done: (exitCode: number) => void): void {
  program
    .command("install-script")
    .description("print what installs the agent in the image of an Auto Scaling group's machines, or on one that runs")
    .argument("<pool>", "a pool of kind asg")
    .option("-c, --config <file>", "the configuration", CONFIG_DEFAULT)
    .addHelpText("after", "\nExample: holdfast install-script linux > install.sh")
    .action(async (pool: string, options: { readonly config: string }) => {
      const { runInstallScript } = await import("./commands/install-script.ts");
      done(await runInstallScript(pool, options.config, openIo()));
    });
}

function addDemo(program: Command, done: (exitCode: number) => void): void {
  program
    .command("demo")
    .description("the whole system on this computer: simulated GitHub, controller, machines, jobs that really run")
    .option("--jobs <count>", "queue so many jobs; without it they keep coming", parseCount)
    .option("--exit", "end once the jobs are done; exit 0 only if all succeeded and nothing is left", false)
    .option("--port <port>", "of the status page; any free one unless given", parsePort, 0)
    .addHelpText("after", "\nExample: holdfast demo --jobs 20 --exit")
    .action(async (options: { readonly jobs?: number; readonly exit: boolean; readonly port: number }) => {
      const { runDemo } = await import("./commands/demo.ts");
      if (options.exit && options.jobs === undefined)
        program.error("error: --exit needs --jobs", { exitCode: EXIT.usage });
      const screen = { stream: process.stdout, isTerminal: process.stdout.isTTY === true };
      const demo = { jobCount: options.jobs ?? null, exits: options.exit, port: options.port };
      done(await runDemo(demo, screen, stopSignal()));
    });
}

const COUNT_MAX = 10_000;
const PORT_MAX = 65_535;

function parseCount(text: string): number {
  return parseWhole(text, 1, COUNT_MAX);
}

function parsePort(text: string): number {
  return parseWhole(text, 0, PORT_MAX);
}

function parseWhole(text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It is not a whole number from ${min} to ${max}.`);
}

/** What was attempted, what went wrong, what to do. */
function tellFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  if (error instanceof ConfigError) {
    process.stderr.write(`${renderProblems(error)}\n`);
    return EXIT.usage;
  }
  if (!(error instanceof HoldfastError)) throw error;
  const { sentence, mend } = ERRORS[error.code];
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  process.stderr.write(`Failed: ${error.message}${cause}\n  ${sentence}\n  ${mend}\n  [${error.code}]\n`);
  return error.code === "config-invalid" || error.code === "config-unreadable" ? EXIT.usage : EXIT.failed;
}
