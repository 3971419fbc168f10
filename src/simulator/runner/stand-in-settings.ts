import { existsSync } from "node:fs";
import { join } from "node:path";
import { hang, readJsonFile, sleep, writeJsonFile } from "./system.ts";

/** Where a listener can be told to stop or to tarry, in the order in which it gets there. */
export type ListenerStep =
  | "starting"
  | "session-created"
  | "message-received"
  | "acknowledged"
  | "acquired"
  | "renewed"
  | "worker-spawned"
  | "job-sent"
  | "job-finished";

/**
 * How this stand-in differs from a runner that works: `standin.json` in the runner's root, read at each start. The real
 * runner has no such file.
 */
export interface StandInSettings {
  /** Exits with it before there is a session. A list is used up start by start, then the runner works. */
  readonly exitCode?: number | readonly number[];
  /** After exit code 3 or 4 the update goes on without this process; it never ends if true. */
  readonly updateNeverFinishes?: boolean;
  /** Stays alive and never connects. */
  readonly neverRegisters?: boolean;
  /** Gets no further than this, for ever. Signals still reach it. */
  readonly hangsAt?: ListenerStep;
  readonly delaysMs?: { readonly [step in ListenerStep]?: number };
  /** The Worker never reads its job. */
  readonly workerHangs?: boolean;
  /** The version that it claims. */
  readonly version?: string;
  readonly renewIntervalMs?: number;
  /** A step that is cancelled gets SIGINT, then SIGTERM after this, then SIGKILL after the next. */
  readonly interruptGraceMs?: number;
  readonly terminateGraceMs?: number;
  /** How long a Worker whose job is cancelled at GitHub may take until the listener kills it. */
  readonly cancelGraceMs?: number;
  /** First pause after a call that failed; doubles up to 5 s. The real runner waits 15 s and more. */
  readonly retryDelayMs?: number;
}

/** The real runner's own values, but for `retryDelayMs`. */
export const RUNNER_VERSION = "2.336.0";
const DEFAULTS = {
  version: RUNNER_VERSION,
  renewIntervalMs: 60_000,
  interruptGraceMs: 7_500,
  terminateGraceMs: 2_500,
  cancelGraceMs: 45_000,
  retryDelayMs: 200,
};

export type ResolvedSettings = StandInSettings & typeof DEFAULTS;

export const SETTINGS_FILE = "standin.json";

export function readStandInSettings(root: string): ResolvedSettings {
  const path = join(root, SETTINGS_FILE);
  const given = existsSync(path) ? (readJsonFile(path) as StandInSettings) : {};
  return { ...DEFAULTS, ...given };
}

/** The exit code that this start is to end with, if any; one of a list counts as used. */
export function takeExitCode(root: string, settings: StandInSettings): number | null {
  const { exitCode } = settings;
  if (exitCode === undefined || typeof exitCode === "number") return exitCode ?? null;
  const [code, ...rest] = exitCode;
  if (code === undefined) return null;
  const { exitCode: _used, ...kept } = readJsonFile(join(root, SETTINGS_FILE)) as StandInSettings;
  writeJsonFile(join(root, SETTINGS_FILE), { ...kept, exitCode: rest });
  return code;
}

/** Passes the step, as late as the settings say, or never. */
export async function passStep(settings: StandInSettings, step: ListenerStep, signal: AbortSignal): Promise<void> {
  if (settings.hangsAt === step) await hang();
  const delayMs = settings.delaysMs?.[step];
  if (delayMs !== undefined) await sleep(delayMs, signal);
}
