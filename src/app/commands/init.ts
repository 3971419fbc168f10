/** `holdfast init`: a configuration, its secrets and, where wanted, a GitHub App; with questions or by flags alone. */
import { existsSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { CONFIG_DEFAULT } from "../client.ts";
import type { Fetch } from "../init/conversion.ts";
import { decideSettings, type InitOptions } from "../init/decide-settings.ts";
import type { Prompts } from "../init/prompts.ts";
import type { Computer } from "../init/questions.ts";
import { renderReport, reportAsJson } from "../init/report.ts";
import { setUp } from "../init/set-up.ts";
import type { InitSettings } from "../init/settings.ts";
import { refuseExisting } from "../init/staging.ts";
import type { CommandIo } from "../terminal/io.ts";
import { EXIT, type ExitCode, telling } from "./failure.ts";

export interface InitCommand extends InitOptions {
  readonly config: string;
  readonly force?: boolean | undefined;
  readonly json?: boolean | undefined;
}

export interface InitMeans {
  /** Null where nobody is asked. */
  readonly prompts: Prompts | null;
  readonly createFetch: (caPem: string | null) => Fetch;
  readonly clock: Clock;
  readonly random: Random;
  readonly computer: Computer;
  readonly openBrowser: (address: string) => void;
  readonly stop: AbortSignal;
}

export function runInit(command: InitCommand, io: CommandIo, means: InitMeans): Promise<ExitCode> {
  return telling(io, command, async () => {
    const configFile = resolve(command.config);
    const folder = dirname(configFile);
    const configName = basename(configFile);
    const isForced = command.force === true;
    // Nobody answers a dozen questions to learn this at the end.
    if (!isForced) refuseExisting(folder, [configName]);
    means.prompts?.begin("holdfast init");
    const settings = await decideSettings(command, means.prompts, means.computer);
    const announce = (address: string, over: AbortSignal) => announceTo(means, io, address, over);
    const done = await setUp(
      settings,
      { folder, configName, isForced },
      { ...means, environment: io.environment, announce },
    );
    const told = {
      settings,
      done,
      configPath: command.config,
      pathOf: (name: string) => join(dirname(command.config), name),
      isConfigDefault: command.config === CONFIG_DEFAULT,
      hasRunner: hasRunner(settings, folder),
    };
    if (means.prompts !== null) io.stdout.write("\n");
    io.stdout.write(command.json === true ? reportAsJson(told) : renderReport(told, io));
    return EXIT.ok;
  });
}

/** On `stderr` where `stdout` is for a program. */
async function announceTo(
  { prompts, openBrowser }: InitMeans,
  io: CommandIo,
  address: string,
  over: AbortSignal,
): Promise<void> {
  const port = new URL(address).port;
  const lines = [
    "Open this page in a browser that is signed in at GitHub:",
    `  ${address}`,
    "Is the browser on another computer? Then run there first:",
    `  ssh -L ${port}:127.0.0.1:${port} THIS-COMPUTER`,
    "This waits for 10 minutes; Ctrl-C stops it, and nothing is written.",
  ];
  if (prompts === null) {
    io.stderr.write(`${lines.join("\n")}\n`);
    return;
  }
  prompts.say(lines.join("\n"));
  if (await prompts.confirm("Open it here?", over)) openBrowser(address);
}

const LISTENER = "bin/Runner.Listener";

function hasRunner({ runnerDirectory }: InitSettings, folder: string): boolean {
  const directory = isAbsolute(runnerDirectory) ? runnerDirectory : join(folder, runnerDirectory);
  return existsSync(join(directory, LISTENER));
}
