import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readProcessTable } from "../../src/agent/process-table.ts";
import { AGENT_SETTINGS_VARIABLE, type AgentSettings, MARK_VARIABLE, markOf } from "../../src/domain/host/settings.ts";
import { type RunnerRole, roleOf } from "../../src/domain/host/sight.ts";
import { parseControllerId, parseMachineId, parseProviderId } from "../../src/domain/ids.ts";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import type { StandInSettings } from "../../src/simulator/runner/stand-in-settings.ts";
import { DEADLINE_MS, FakeController } from "./fake-controller.ts";

const AGENT = fileURLToPath(new URL("../../src/agent/main.ts", import.meta.url));
/** Real times are for real runners. */
const QUICK: StandInSettings = { interruptGraceMs: 150, terminateGraceMs: 150, retryDelayMs: 50 };

export interface AgentProcess {
  readonly pid: number;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  signal(name: NodeJS.Signals): void;
}

/** One machine: its folders, its controller, and every process that carries its mark. */
export interface Machine {
  readonly settings: AgentSettings;
  readonly mark: string;
  readonly controller: FakeController;
  startAgent(): AgentProcess;
  /** Processes with this machine's mark that are neither zombies nor agents. */
  marked(role?: RunnerRole): readonly number[];
  journal(): readonly { readonly kind: string }[];
  /** All that the agent's own folder holds as text but the runner's roots. */
  written(): string;
  /** Kills what is left and removes the folders. */
  clear(): Promise<void>;
}

let machineCount = 0;

export async function createMachine(settings: StandInSettings = {}): Promise<Machine> {
  machineCount += 1;
  // Machines are also made side by side.
  const number = machineCount;
  const base = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-agent-")));
  const secret = `identity-${number}-${process.pid}`;
  const controller = new FakeController(secret);
  await controller.start();
  createRunnerFolder(join(base, "runner"), { ...QUICK, ...settings });
  mkdirSync(join(base, "volatile"));
  writeFileSync(join(base, "identity"), secret);
  const agentSettings: AgentSettings = {
    controllerUrl: controller.url,
    controllerId: parseControllerId(`test-${process.pid}`),
    machineId: parseMachineId(`m-${String(number).padStart(8, "0")}`),
    providerId: parseProviderId(`p-${number}`),
    identityFile: join(base, "identity"),
    directory: join(base, "agent"),
    volatileDirectory: join(base, "volatile"),
    runnerDirectory: join(base, "runner"),
    runnerEnvironment: { STAND_IN: "yes" },
  };
  writeFileSync(join(base, "settings.json"), JSON.stringify(agentSettings));
  return machineAt(base, agentSettings, controller);
}

function machineAt(base: string, settings: AgentSettings, controller: FakeController): Machine {
  const mark = markOf(settings.controllerId, settings.machineId);
  const agents: { readonly child: ChildProcess; readonly agent: AgentProcess }[] = [];
  const marked = (role?: RunnerRole) => findMarked(mark, new Set(agents.map(({ agent }) => agent.pid)), role);
  return {
    settings,
    mark,
    controller,
    marked,
    startAgent: () => {
      const started = startAgent(join(base, "settings.json"), mark);
      agents.push(started);
      return started.agent;
    },
    journal: () =>
      readFileSync(join(settings.directory, "journal.jsonl"), "utf8")
        .trimEnd()
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as { kind: string }),
    written: () =>
      readdirSync(settings.directory, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(join(settings.directory, entry.name), "utf8"))
        .join("\n"),
    clear: async () => {
      for (const { child, agent } of agents) {
        if (child.exitCode === null && child.signalCode === null) agent.signal("SIGKILL");
        await agent.exited;
      }
      await eventually("the end of every process of the machine", () => {
        for (const pid of marked()) killQuietly(pid);
        return marked().length === 0;
      });
      await controller.stop();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

function startAgent(
  settingsFile: string,
  mark: string,
): { readonly child: ChildProcess; readonly agent: AgentProcess } {
  const child = spawn(process.execPath, [AGENT], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      AGENT_ONLY: "not for runners",
      [AGENT_SETTINGS_VARIABLE]: settingsFile,
      [MARK_VARIABLE]: mark,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on("exit", (code, signal) => resolve({ code, signal }));
  });
  return { child, agent: { pid: child.pid ?? 0, exited, signal: (name) => child.kill(name) } };
}

function findMarked(mark: string, agents: ReadonlySet<number>, role?: RunnerRole): readonly number[] {
  const table = readProcessTable("all");
  if (table.kind === "unknown") throw new Error(table.why);
  return table.processes
    .filter((one) => !one.isZombie && !agents.has(one.pid) && one.mark.kind === "marked" && one.mark.mark === mark)
    .filter((one) => role === undefined || roleOf(one.name, one.arguments) === role)
    .map(({ pid }) => pid);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ESRCH") throw error;
  }
}

/** Resolves with the first value that is neither undefined, null nor false; for what no message tells of. */
export async function eventually<Found>(
  what: string,
  look: () => Found | undefined | null | false,
  timeoutMs = DEADLINE_MS,
): Promise<Found> {
  const endMs = Date.now() + timeoutMs;
  while (true) {
    const found = look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > endMs) throw new Error(`waiting for ${what}: not so within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
