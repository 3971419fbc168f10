import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const LAUNCHER = join(import.meta.dirname, "..", "..", "src", "agent", "launcher.ts");
const TIMEOUT_MS = 15_000;

/** A line for every start; `starts` is how many there were, this one included. */
const TELL_START = `
  import { appendFileSync, readFileSync } from "node:fs";
  appendFileSync("starts", process.pid + "\\n");
  const starts = readFileSync("starts", "utf8").trim().split("\\n").length;
  const ready = () => { appendFileSync("ready", "x"); setTimeout(() => process.exit(), 300_000); };
`;

let folder: string;
const launchers: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-launcher-"));
});
afterEach(async () => {
  for (const launcher of launchers.splice(0)) {
    if (launcher.exitCode === null && launcher.signalCode === null) {
      launcher.kill("SIGKILL");
      await once(launcher, "exit");
    }
  }
  for (const pid of pids()) killIfAlive(pid);
  rmSync(folder, { recursive: true, force: true });
});

function killIfAlive(pid: number): void {
  try {
    // Only a process that still runs from our folder: the number may be another's by now.
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder)) process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function pids(): readonly number[] {
  const path = join(folder, "starts");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").map(Number) : [];
}

function start(agent: string): ChildProcess {
  const agentFile = join(folder, "agent.mjs");
  writeFileSync(agentFile, TELL_START + agent);
  return startLauncher(folder, agentFile);
}

function startLauncher(machineFolder: string, agentFile: string): ChildProcess {
  const launcher = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", LAUNCHER, machineFolder, agentFile],
    {
      stdio: "ignore",
    },
  );
  launchers.push(launcher);
  return launcher;
}

async function endOf(launcher: ChildProcess): Promise<string> {
  if (launcher.exitCode === null && launcher.signalCode === null)
    await once(launcher, "exit", { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return String(launcher.exitCode ?? launcher.signalCode);
}

async function waitForReady(count = 1): Promise<void> {
  const ready = () => (existsSync(join(folder, "ready")) ? readFileSync(join(folder, "ready"), "utf8").length : 0);
  await expect.poll(ready, { timeout: TIMEOUT_MS, interval: 10 }).toBe(count);
}

describe("the launcher", () => {
  it("claims the machine, and ends with 0 once its agent does", async () => {
    const launcher = start("console.log('printed'); process.exit(0);");
    expect(await endOf(launcher)).toBe("0");
    expect(readFileSync(join(folder, "started"), "utf8")).toBe(`${launcher.pid}\n`);
    expect(readFileSync(join(folder, "agent.log"), "utf8")).toBe("printed\n");
    expect(pids()).toHaveLength(1);
  });

  it.each([
    ["fails", "process.exit(7);"],
    ["is killed", "process.kill(process.pid, 'SIGKILL');"],
    ["throws", "throw new Error('broken');"],
  ])("starts the agent again when it %s", async (_how, crash) => {
    const launcher = start(`if (starts === 1) { ${crash} } else process.exit(0);`);
    expect(await endOf(launcher)).toBe("0");
    expect(pids()).toHaveLength(2);
  });

  it("pauses longer before each start", async () => {
    const launcher = start("appendFileSync('at', Date.now() + '\\n'); process.exit(starts === 3 ? 0 : 1);");
    expect(await endOf(launcher)).toBe("0");
    const [first = 0, second = 0, third = 0] = readFileSync(join(folder, "at"), "utf8").trim().split("\n").map(Number);
    expect(second - first).toBeGreaterThanOrEqual(1_000);
    expect(third - second).toBeGreaterThanOrEqual(2_000);
  });

  it("ends at once with 0 where another one has claimed the machine, dead or alive", async () => {
    const first = start("ready();");
    await waitForReady();
    expect(await endOf(startLauncher(folder, join(folder, "agent.mjs")))).toBe("0");
    first.kill("SIGKILL");
    await endOf(first);
    expect(await endOf(startLauncher(folder, join(folder, "agent.mjs")))).toBe("0");
    expect(pids()).toHaveLength(1);
  });

  it("starts one agent when several launchers start at the same time", async () => {
    writeFileSync(join(folder, "agent.mjs"), `${TELL_START} setTimeout(() => process.exit(0), 500);`);
    const all = Array.from({ length: 5 }, () => startLauncher(folder, join(folder, "agent.mjs")));
    expect(await Promise.all(all.map(endOf))).toEqual(["0", "0", "0", "0", "0"]);
    expect(pids()).toHaveLength(1);
  });

  it("starts nothing where the machine's folder was taken away", async () => {
    writeFileSync(join(folder, "agent.mjs"), TELL_START);
    expect(await endOf(startLauncher(join(folder, "gone"), join(folder, "agent.mjs")))).toBe("1");
    expect(existsSync(join(folder, "gone"))).toBe(false);
    expect(pids()).toHaveLength(0);
  });

  it("starts its agent also where agent.log cannot be written", async () => {
    mkdirSync(join(folder, "agent.log"));
    expect(await endOf(start("console.log('nowhere'); process.exit(0);"))).toBe("0");
    expect(pids()).toHaveLength(1);
  });
});

describe("its end", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "%s reaches the agent as SIGTERM, and the launcher waits for it",
    async (signal) => {
      const launcher = start(
        "process.on('SIGTERM', () => setTimeout(() => { appendFileSync('told', 'x'); process.exit(0); }, 300)); ready();",
      );
      await waitForReady();
      launcher.kill(signal);
      expect(await endOf(launcher)).toBe("0");
      expect(readFileSync(join(folder, "told"), "utf8")).toBe("x");
    },
  );

  it("asked for while the agent is down: it is started to say whether all is over", async () => {
    const launcher = start("if (starts === 1) process.exit(1); process.on('SIGTERM', () => process.exit(0)); ready();");
    await expect.poll(() => pids().length, { timeout: TIMEOUT_MS, interval: 10 }).toBe(1);
    // Between the two starts there is a pause of 1 s; wherever in it the signal comes, the second agent must hear it.
    launcher.kill("SIGTERM");
    expect(await endOf(launcher)).toBe("0");
    expect(pids().length).toBeGreaterThanOrEqual(2);
  });

  it("of a launcher by SIGKILL leaves its agent running", async () => {
    const launcher = start("ready();");
    await waitForReady();
    launcher.kill("SIGKILL");
    expect(await endOf(launcher)).toBe("SIGKILL");
    const [agentPid = 0] = pids();
    expect(readFileSync(`/proc/${agentPid}/cmdline`, "utf8")).toContain("agent.mjs");
  });
});
