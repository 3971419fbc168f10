import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BrokerSession, type ListenerContext, ShutdownError, VersionDeprecatedError } from "./broker-session.ts";
import { deleteConfiguration, isConfigured, loadConfiguration, saveJitConfiguration } from "./configuration.ts";
import { createDiagnostics, type Diagnostics } from "./diagnostics.ts";
import { runMessageLoop } from "./message-loop.ts";
import { passStep, type ResolvedSettings, readStandInSettings, takeExitCode } from "./stand-in-settings.ts";
import { type Environment, findRoot, formatUniversal, hang, readEnvironment, takeEnvironment } from "./system.ts";

/**
 * `Runner.Listener` of the stand-in: one process that connects a registration, takes jobs and starts a Worker for each.
 * Runner.cs and Program.cs of the real runner, in the same order and with the same lines.
 */

/** Listener exit codes (Constants.cs:150). */
const CODE = { success: 0, terminated: 1, retryable: 2, sessionConflict: 5, versionDeprecated: 7 } as const;
const DEPRECATED_CODE_VARIABLE = "ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE";
const UPDATE_CODES = [3, 4];
const INPUT_PREFIX = "ACTIONS_RUNNER_INPUT_";

/** Runs to the end of the process. */
export async function runListener(): Promise<never> {
  const root = findRoot();
  // Like the real one it says its version without leaving a trace.
  if (process.argv[2] === "--version") {
    process.stdout.write(`${readStandInSettings(root).version}\n`);
    process.exit(CODE.success);
  }
  const inputs = takeEnvironment((name) => name.startsWith(INPUT_PREFIX));
  const diagnostics = createDiagnostics(root, "Runner");
  const settings = readStandInSettings(root);
  // Whoever has read that it started may signal it.
  const stopping = listenForSignals(diagnostics);
  diagnostics.trace("Listener", `Runner is built for a simulation (${process.platform}) - stand-in.`);
  diagnostics.count("RunnerProcessStarted");
  diagnostics.trace("Listener", `Version: ${settings.version}`);
  diagnostics.trace("Listener", "Arguments parsed");
  process.exit(await execute(root, inputs, diagnostics, settings, stopping));
}

async function execute(
  root: string,
  inputs: Environment,
  diagnostics: Diagnostics,
  settings: ResolvedSettings,
  stopping: AbortController,
): Promise<number> {
  try {
    const code = await runCommand(root, inputs, diagnostics, settings, stopping.signal);
    diagnostics.trace("Listener", `Runner execution has finished with return code ${code}`);
    return code;
  } catch (error) {
    if (error instanceof ShutdownError) {
      diagnostics.trace("Listener", "Runner execution been cancelled.");
      return CODE.success;
    }
    diagnostics.writeError(`An error occurred: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof VersionDeprecatedError) return deprecatedCode();
    return CODE.retryable;
  }
}

function deprecatedCode(): number {
  const wanted = readEnvironment(DEPRECATED_CODE_VARIABLE)?.toLowerCase();
  return wanted === "1" || wanted === "true" ? CODE.versionDeprecated : CODE.terminated;
}

function listenForSignals(diagnostics: Diagnostics): AbortController {
  const stopping = new AbortController();
  const shutDown = (): void => {
    if (stopping.signal.aborted) return;
    diagnostics.trace("HostContext", "Runner will be shutdown for UserCancelled");
    stopping.abort();
  };
  process.on("SIGINT", () => {
    diagnostics.writeLine("Exiting...");
    shutDown();
  });
  process.on("SIGTERM", shutDown);
  return stopping;
}

async function runCommand(
  root: string,
  inputs: Environment,
  diagnostics: Diagnostics,
  settings: ResolvedSettings,
  shutdown: AbortSignal,
): Promise<number> {
  const [command, ...flags] = process.argv.slice(2);
  if (command !== "run") {
    diagnostics.writeError(`The stand-in knows only "run" and "--version", not ${JSON.stringify(command ?? "")}.`);
    return CODE.terminated;
  }
  const encoded = readFlag(flags, "--jitconfig") ?? inputs[`${INPUT_PREFIX}JITCONFIG`];
  if (encoded !== undefined && encoded !== "") {
    try {
      saveJitConfiguration(root, encoded, diagnostics);
    } catch (error) {
      diagnostics.writeError(error instanceof Error ? error.message : String(error));
      return CODE.terminated;
    }
  }
  diagnostics.trace("ConfigurationManager", `Is configured: ${isConfigured(root) ? "True" : "False"}`);
  if (!isConfigured(root)) {
    diagnostics.writeError("Not configured. Run config.(sh/cmd) to configure the runner.");
    return CODE.terminated;
  }
  const configuration = loadConfiguration(root);
  return connectAndRun({ root, configuration, settings, diagnostics, shutdown });
}

function readFlag(flags: readonly string[], name: string): string | undefined {
  const index = flags.indexOf(name);
  return index < 0 ? undefined : flags[index + 1];
}

async function connectAndRun(context: ListenerContext): Promise<number> {
  const { root, diagnostics, settings, shutdown } = context;
  await passStep(settings, "starting", shutdown);
  if (settings.neverRegisters === true) await hangUntilShutdown(shutdown);
  const wanted = takeExitCode(root, settings);
  if (wanted !== null) {
    exitAsUpdate(context, wanted);
    return wanted;
  }
  diagnostics.trace("Runner", "Using BrokerMessageListener");
  const session = new BrokerSession(context);
  const created = await session.create();
  if (created !== "success") return created === "conflict" ? CODE.sessionConflict : CODE.terminated;
  diagnostics.count("SessionCreated");
  diagnostics.writeLine(`Current runner version: '${settings.version}'`);
  diagnostics.writeLine(`${formatUniversal()}: Listening for Jobs`);
  await passStep(settings, "session-created", shutdown);
  const end = await runMessageLoop(context, session);
  if (end.isSessionLeft) {
    diagnostics.trace("Runner", "Deleting Runner Session...");
    await session.delete();
  }
  if (end.isConfigurationDeleted) deleteConfiguration(root, diagnostics);
  if (end.error !== null) throw end.error;
  return CODE.success;
}

/** The real updater writes `update.finished` when the new version is in place, after the listener's end. */
function exitAsUpdate(context: ListenerContext, code: number): void {
  if (!UPDATE_CODES.includes(code)) return;
  const { root, diagnostics, settings } = context;
  diagnostics.writeLine("Runner update in progress, do not shutdown runner.");
  diagnostics.trace(
    "Runner",
    "Auto update task finished at backend, an runner update is ready to apply exit the current runner instance.",
  );
  if (settings.updateNeverFinishes !== true) writeFileSync(join(root, "update.finished"), `${randomInt(1e9)}\n`);
}

async function hangUntilShutdown(shutdown: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<void>();
  shutdown.addEventListener("abort", () => reject(new ShutdownError("shutting down a runner that never connected")));
  await Promise.race([promise, hang()]);
}
