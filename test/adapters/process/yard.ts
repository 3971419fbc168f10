/** A place for real machines: temp folders, fake agents, permits, bounded waits; it ends whatever was started in it. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { linuxProcesses } from "../../../src/adapters/process/linux-processes.ts";
import type { ProcessProviderOptions } from "../../../src/adapters/process/options.ts";
import { attributeProcesses } from "../../../src/adapters/process/ownership.ts";
import { createProcessProvider } from "../../../src/adapters/process/provider.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { systemRandom } from "../../../src/adapters/system/random.ts";
import { MARK_VARIABLE } from "../../../src/domain/host/settings.ts";
import {
  type MachineId,
  parseControllerId,
  parseLaunchId,
  parseMachineId,
  parsePoolName,
  parseProviderId,
} from "../../../src/domain/ids.ts";
import { issuePermit, type MachinePermit } from "../../../src/domain/permit.ts";
import type { LaunchRequest, Provider } from "../../../src/ports/provider.ts";
import { epoch, machine } from "../../domain/builders.ts";

const WAIT_MAX_MS = 15_000;
const POLL_MS = 10;

/** What every fake agent does first: a line per start, in a file that outlives the machine's folder. */
const TELL_START = `
  import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
  import { spawn } from "node:child_process";
  import { basename, join } from "node:path";
  const yard = process.env.HOLDFAST_TEST_YARD;
  const machine = basename(process.cwd());
  appendFileSync(join(yard, machine + ".starts"), process.pid + "\\n");
`;

export const AGENTS = {
  /** Says that all is over long after every test: nothing of a broken run stays for good. */
  idle: "setTimeout(() => process.exit(0), 300_000);",
  over: "process.exit(0);",
} as const;

export class Yard {
  readonly directory = mkdtempSync(join(tmpdir(), "holdfast-yard-"));
  readonly controllerId = parseControllerId(`yard-${systemRandom().token(12)}`);
  readonly pool = parsePoolName("linux");
  readonly launchId = parseLaunchId(`l-${systemRandom().token(12)}`);
  readonly clock = systemClock();

  constructor() {
    mkdirSync(join(this.directory, "runner", "bin"), { recursive: true });
    writeFileSync(join(this.directory, "runner", "bin", "Runner.Listener"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(join(this.directory, "no-launcher.mjs"), "");
  }

  /** A launcher that dies before its first act. */
  get noLauncher(): string {
    return join(this.directory, "no-launcher.mjs");
  }

  provider(agent: string, options: Partial<ProcessProviderOptions> = {}): Provider {
    const agentFile = join(this.directory, `agent-${systemRandom().token(8)}.mjs`);
    writeFileSync(agentFile, `${TELL_START}\n${agent}\n`);
    return createProcessProvider({
      controllerId: this.controllerId,
      pool: this.pool,
      workDirectory: join(this.directory, "machines"),
      runnerDirectory: join(this.directory, "runner"),
      runnerEnvironment: { GREETING: "hello" },
      controllerUrl: "http://127.0.0.1:1",
      clock: this.clock,
      agentFile,
      baseEnvironment: { PATH: "/usr/bin:/bin", HOME: this.directory, HOLDFAST_TEST_YARD: this.directory },
      sharedMemory: join(this.directory, "shared-memory"),
      ...options,
    });
  }

  newMachine(): MachineId {
    return parseMachineId(`m-${systemRandom().token(12)}`);
  }

  request(...machineIds: readonly MachineId[]): LaunchRequest {
    return {
      launchId: this.launchId,
      pool: this.pool,
      settingsHash: "hash-1",
      machines: machineIds.map((machineId) => ({ machineId, identitySecret: `secret of ${machineId}` })),
    };
  }

  folder(machineId: MachineId): string {
    return join(this.directory, "machines", this.controllerId, machineId);
  }

  /** How often the machine's agent was started. */
  startCount(machineId: MachineId): number {
    const path = join(this.directory, `${machineId}.starts`);
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").length : 0;
  }

  /** The line that a fake agent's process wrote, once it is there to its end. */
  async lineIn(name: string): Promise<string> {
    const path = join(this.directory, name);
    await waitUntil(`${name} is written`, () => existsSync(path) && readFileSync(path, "utf8").endsWith("\n"));
    return readFileSync(path, "utf8");
  }

  async pidIn(name: string): Promise<number> {
    return Number(await this.lineIn(name));
  }

  async stateOf(provider: Provider, machineId: MachineId): Promise<string | undefined> {
    const [observed] = await provider.list([parseProviderId(machineId)]);
    return observed?.state;
  }

  async waitForState(provider: Provider, machineId: MachineId, state: string): Promise<void> {
    await waitUntil(`${machineId} is ${state}`, async () => (await this.stateOf(provider, machineId)) === state);
  }

  permit(machineId: MachineId, nowMs = this.clock.nowMs()): MachinePermit {
    const providerId = parseProviderId(machineId);
    const decision = issuePermit({
      kind: "end-machine",
      machine: {
        ...machine(),
        id: machineId,
        state: {
          kind: "retiring",
          providerId,
          stage: "terminating",
          reason: "operator-forced",
          heardSequence: 0,
          sinceMs: nowMs,
        },
      },
      tickets: [],
      proof: { kind: "forced", operator: "test", reason: "test" },
      epoch: epoch(),
      time: { heardSinceMs: nowMs, nowMs },
    });
    if (decision.kind === "refused") throw new Error(decision.missing.join());
    return decision.permit;
  }

  /** The pids that live of this machine, or of all of this yard. */
  async livingPids(machineId?: MachineId): Promise<readonly number[]> {
    const entries = await linuxProcesses(MARK_VARIABLE).read();
    const scope = { controllerId: this.controllerId, ownPid: process.pid, known: new Map() };
    const members = attributeProcesses(entries, scope);
    const shown = machineId === undefined ? [...members.values()].flat() : (members.get(machineId) ?? []);
    return shown.map(({ pid }) => pid);
  }

  /** The pids whose command line names this yard, whatever mark they carry. */
  pidsByCommand(): readonly number[] {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids.filter((pid) => readIfThere(`/proc/${pid}/cmdline`).includes(this.directory)).map(Number);
  }

  /** Ends every machine of this yard, by the provider itself and its permit. Throws where something is left. */
  async close(): Promise<void> {
    const provider = this.provider(AGENTS.over);
    try {
      for (const { machineId } of await provider.list("all"))
        if (machineId !== null) await provider.terminate(this.permit(machineId));
      const left = [...(await this.livingPids()), ...this.pidsByCommand()];
      // A failed test must not leave what it proves to be left: these name this yard, so this test started them.
      for (const pid of this.pidsByCommand()) process.kill(pid, "SIGKILL");
      if (left.length > 0) throw new Error(`processes were left: ${left.join(", ")}`);
    } finally {
      rmSync(this.directory, { recursive: true, force: true });
    }
  }
}

/** Polls a condition, bounded. */
export async function waitUntil(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const untilMs = Date.now() + WAIT_MAX_MS;
  while (!(await condition())) {
    if (Date.now() > untilMs) throw new Error(`not within ${WAIT_MAX_MS} ms: ${what}`);
    await pause(POLL_MS);
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Whether a process of this pid runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat !== "" && !/\) [ZX] /.test(stat);
}
