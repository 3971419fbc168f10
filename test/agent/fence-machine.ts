import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FENCES } from "../../src/agent/places.ts";
import { AGENT_SETTINGS_VARIABLE, type AgentSettings, MARK_VARIABLE, markOf } from "../../src/domain/host/settings.ts";
import { parseControllerId, parseMachineId, parseProviderId } from "../../src/domain/ids.ts";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { SETTINGS_FILE, type StandInSettings } from "../../src/simulator/runner/stand-in-settings.ts";
import type { FenceController, Link } from "./fence-controller.ts";

const AGENT = fileURLToPath(new URL("../../src/agent/main.ts", import.meta.url));
const LOG_LINES_SHOWN = 60;

/** One machine of the trials: a real agent in folders of its own. */
export interface FenceMachine {
  readonly name: string;
  readonly link: Link;
  /** Called when the agent begins to close the first fence of a ticket: its folder is there, the watchdog is not yet. */
  onFence: () => void;
  /** How the runner after the next one tarries: the next one's folder may be made already. */
  tarry(settings: StandInSettings): void;
  isAlive(): boolean;
  /** Resolves when the agent ended although nobody wanted it to. */
  readonly died: Promise<null>;
  /** The agent is killed and started again, as its launcher does. */
  restart(): Promise<void>;
  /** The agent stands still for so long. */
  freeze(durationMs: number): Promise<void>;
  /** Processes that the agent started which are no runner. */
  killWatchdogs(): void;
  /** The agent is asked to end; its exit code. */
  end(): Promise<number | null>;
  /** What the agent said last, for whoever has to find out why. */
  lastWords(): string;
}

export function startFenceMachine(base: string, index: number, controller: FenceController): FenceMachine {
  const name = `m-${String(index).padStart(8, "0")}`;
  const directory = join(base, name);
  const link = controller.link(name);
  const settings = makeFolders(directory, name, link.url);
  const { promise: died, resolve: noteDeath } = Promise.withResolvers<null>();
  const start = (): ChildProcess => {
    const started = startAgent(directory, markOf(settings.controllerId, settings.machineId));
    started.once("exit", () => {
      if (wanted !== started) noteDeath(null);
    });
    return started;
  };
  /** The agent that is to end. */
  let wanted: ChildProcess | null = null;
  let agent = start();
  // It goes with the ticket, so the first fence of each makes it anew.
  const fences = join(settings.volatileDirectory, FENCES);
  const watcher = watch(settings.volatileDirectory, (_event, changed) => {
    if (changed === FENCES && existsSync(fences)) machine.onFence();
  });
  const machine: FenceMachine = {
    name,
    link,
    onFence: () => {},
    tarry: (standIn) => {
      const path = join(settings.runnerDirectory, SETTINGS_FILE);
      writeFileSync(`${path}.new`, JSON.stringify(standIn));
      renameSync(`${path}.new`, path);
    },
    died,
    isAlive: () => isRunning(agent),
    restart: async () => {
      wanted = agent;
      agent.kill("SIGKILL");
      await exitOf(agent);
      agent = start();
    },
    freeze: async (durationMs) => {
      agent.kill("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, durationMs));
      agent.kill("SIGCONT");
    },
    killWatchdogs: () => {
      for (const pid of listPids()) {
        if (parentOf(pid) === agent.pid && readProc(pid, "cmdline").includes("watchdog")) killQuietly(pid);
      }
    },
    end: () => {
      wanted = agent;
      watcher.close();
      agent.kill("SIGTERM");
      return exitOf(agent);
    },
    lastWords: () => {
      const runner = link.savedLogs?.logs.flatMap(({ name: log, lines }) => [log, ...lines]) ?? [];
      const agentLines = readFileSync(join(settings.directory, "agent.log"), "utf8").split("\n");
      return [...agentLines.slice(-LOG_LINES_SHOWN), ...runner].join("\n");
    },
  };
  return machine;
}

function makeFolders(directory: string, name: string, controllerUrl: string): AgentSettings {
  mkdirSync(join(directory, "volatile"), { recursive: true });
  createRunnerFolder(join(directory, "runner"), {});
  writeFileSync(join(directory, "identity"), "secret");
  const settings: AgentSettings = {
    controllerUrl,
    controllerId: parseControllerId(`fence-${process.pid}`),
    machineId: parseMachineId(name),
    providerId: parseProviderId(name),
    identityFile: join(directory, "identity"),
    directory: join(directory, "agent"),
    volatileDirectory: join(directory, "volatile"),
    runnerDirectory: join(directory, "runner"),
    runnerEnvironment: {},
  };
  writeFileSync(join(directory, "settings.json"), JSON.stringify(settings));
  return settings;
}

function startAgent(directory: string, mark: string): ChildProcess {
  return spawn(process.execPath, [AGENT], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      [AGENT_SETTINGS_VARIABLE]: join(directory, "settings.json"),
      [MARK_VARIABLE]: mark,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function exitOf(agent: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (isRunning(agent)) agent.once("exit", resolve);
    else resolve(agent.exitCode);
  });
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

export interface Seen {
  readonly pid: number;
  readonly state: string;
  readonly command: string;
}

/** Every process, but zombies, of which arguments or environment name the folder. A process that was stopped is in state T. */
export function findBelow(base: string): readonly Seen[] {
  return listPids().flatMap((pid) => {
    const state = stateOf(pid);
    if (state === null || state === "Z" || pid === process.pid) return [];
    const command = readProc(pid, "cmdline").replaceAll("\0", " ");
    const isBelow = command.includes(base) || readProc(pid, "environ").includes(base);
    return isBelow ? [{ pid, state, command }] : [];
  });
}

/** The stopped ones alone: what each pass over the whole table can afford. */
export function findStopped(base: string): readonly number[] {
  return listPids().filter((pid) => stateOf(pid) === "T" && readProc(pid, "environ").includes(base));
}

function listPids(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function parentOf(pid: number): number {
  const stat = readProc(pid, "stat");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** Signals a process that may have ended meanwhile. */
export function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ESRCH") throw error;
  }
}

function stateOf(pid: number): string | null {
  const stat = readProc(pid, "stat");
  return stat === "" ? null : (stat.slice(stat.lastIndexOf(")") + 2)[0] ?? null);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
