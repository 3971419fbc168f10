import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { clearLeftovers } from "../../src/agent/clean.ts";
import { AGENT_VERSION } from "../../src/agent/client.ts";
import { drawIncarnation } from "../../src/agent/incarnation.ts";
import { openJournal } from "../../src/agent/journal.ts";
import { takeLock } from "../../src/agent/lock.ts";
import { collectLogs, LOG_BYTES_MAX, LOG_LINE_LENGTH_MAX, LOG_LINES_MAX } from "../../src/agent/logs.ts";
import { Lookout } from "../../src/agent/lookout.ts";
import { fencesOf, makePlaces, outputOf, type Places, perfOf, rootOf } from "../../src/agent/places.ts";
import { readProcessTable } from "../../src/agent/process-table.ts";
import { claimRoot, prepareRoot, removeRoots } from "../../src/agent/root.ts";
import { RunnerFiles } from "../../src/agent/runner-files.ts";
import { parseSettings, readSettings } from "../../src/agent/settings.ts";
import { system } from "../../src/agent/system.ts";
import { NO_FENCE } from "../../src/domain/host/fence-state.ts";
import { MARK_VARIABLE } from "../../src/domain/host/settings.ts";
import { NOT_STILL } from "../../src/domain/host/stillness-track.ts";
import { parseTicketId } from "../../src/domain/ids.ts";
import { eventually } from "./agent-yard.ts";

const T1 = parseTicketId("t-00000001");
let base: string;
let places: Places;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "holdfast-agent-files-"));
  places = makePlaces({ directory: join(base, "agent"), volatileDirectory: join(base, "volatile") });
});

afterEach(() => {
  rmSync(base, { recursive: true, force: true });
});

describe("the journal's file", () => {
  const TAKEN = { kind: "taken", ticketId: T1, runnerName: "r" } as const;
  const path = () => join(places.directory, "journal.jsonl");

  it("takes off a torn line before it goes on", () => {
    openJournal(places.directory, places.rootsDirectory).append(TAKEN);
    appendFileSync(path(), '{"kind":"worker-se\u00e9');
    const journal = openJournal(places.directory, places.rootsDirectory);
    journal.append({ kind: "worker-seen", ticketId: T1 });
    expect(readFileSync(path(), "utf8").split("\n")).toHaveLength(3);
    expect(openJournal(places.directory, places.rootsDirectory).reading.kind).toBe("read");
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  it.each<[string, () => void]>([
    ["a link", () => symlinkSync("/dev/null", path())],
    ["a folder", () => mkdirSync(path())],
    ["a pipe", () => void spawnSync("/usr/bin/mkfifo", [path()])],
    ["not ours", () => writeFileSync(path(), "hello\n")],
  ])("is unreadable as %s, and takes no entry", (_name, make) => {
    make();
    const journal = openJournal(places.directory, places.rootsDirectory);
    expect(journal.reading.kind).toBe("unreadable");
    expect(() => journal.append(TAKEN)).toThrow(/cannot be read/);
  });
});

describe("a ticket's root", () => {
  it("is a real copy with its links kept, and goes with all that belongs to it", async () => {
    const source = join(base, "runner");
    mkdirSync(join(source, "bin"), { recursive: true });
    writeFileSync(join(source, "bin", "Runner.Listener"), "#!/bin/sh\n", { mode: 0o755 });
    symlinkSync("bin", join(source, "link"));
    linkSync(join(source, "bin", "Runner.Listener"), join(source, "bin", "twin"));
    chmodSync(join(source, "bin"), 0o555);
    mkdirSync(join(places.rootsDirectory, "next.building", "half"), { recursive: true });
    await prepareRoot(places, source);
    const root = await claimRoot(places, T1);
    const listener = statSync(join(root, "bin", "Runner.Listener"));
    expect(listener.mode & 0o777).toBe(0o755);
    expect(listener.ino).not.toBe(statSync(join(source, "bin", "Runner.Listener")).ino);
    expect(listener.nlink).toBe(1);
    expect(readlinkSync(join(root, "link"))).toBe("bin");
    expect(await claimRoot(places, T1)).toBe(root);
    writeFileSync(outputOf(places, T1), "");
    mkdirSync(perfOf(places, T1));
    writeFileSync(join(places.volatileDirectory, "kept"), "");
    symlinkSync(source, join(root, "out"));
    await removeRoots(places);
    for (const gone of [root, outputOf(places, T1), perfOf(places, T1)]) expect(existsSync(gone)).toBe(false);
    expect(existsSync(join(places.volatileDirectory, "kept"))).toBe(true);
    expect(existsSync(join(source, "bin", "Runner.Listener"))).toBe(true);
    chmodSync(join(source, "bin"), 0o755);
  });

  it("is not made of what is not there", async () => {
    await expect(prepareRoot(places, join(base, "nothing"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("the runner's files", () => {
  const diagnostics = () => join(rootOf(places, T1), "_diag");
  const log = () => join(diagnostics(), "Runner_20260819-160855-utc.log");
  const perf = () => join(perfOf(places, T1), "Runner.perf");
  const SESSION = "[2026-08-19 16:08:55Z INFO BrokerMessageListener] Session created.\n";

  /** The old one is kept, so that the new one has another inode. */
  function replace(make: () => unknown): void {
    renameSync(log(), `${log()}.old`);
    make();
  }

  function moveAndLink(folder: string): void {
    renameSync(folder, join(base, "moved"));
    symlinkSync(join(base, "moved"), folder);
  }

  beforeEach(() => {
    mkdirSync(diagnostics(), { recursive: true });
    mkdirSync(perfOf(places, T1));
  });

  it("are followed as they grow, across lines that are half written", () => {
    const files = new RunnerFiles(places, T1);
    expect(files.look()).toMatchObject({ isComplete: true, unreadable: null, facts: { hasLog: false } });
    writeFileSync(log(), SESSION.slice(0, 60));
    expect(files.look().facts).toMatchObject({ hasLog: true, hasSession: false });
    appendFileSync(log(), SESSION.slice(60));
    expect(files.look().facts).toMatchObject({ hasSession: true, lineCount: 1 });
    writeFileSync(perf(), "MessageReceived_RunnerJobRequest:2026-08-19T16:08:56.0000000Z\n");
    expect(files.look().facts.receivedAtMs).toHaveLength(1);
    writeFileSync(join(diagnostics(), "Runner_20260819-170000-utc.log"), SESSION);
    writeFileSync(join(diagnostics(), "Worker_20260819-170000-utc.log"), SESSION);
    expect(files.look().facts.lineCount).toBe(2);
    expect(files.look().isUpdateFinished).toBe(false);
    writeFileSync(join(rootOf(places, T1), "update.finished"), "");
    expect(files.look().isUpdateFinished).toBe(true);
  });

  it("are read in bounded pieces, and say so", () => {
    writeFileSync(log(), SESSION.repeat(100_000));
    const files = new RunnerFiles(places, T1);
    expect(files.look().isComplete).toBe(false);
    files.look();
    expect(files.look()).toMatchObject({ isComplete: true, facts: { lineCount: 100_000 } });
  });

  it.each<[string, () => void]>([
    ["a link", () => replace(() => symlinkSync("/etc/hostname", log()))],
    ["a pipe", () => replace(() => spawnSync("/usr/bin/mkfifo", [log()]))],
    ["a folder", () => replace(() => mkdirSync(log()))],
    ["shorter than it was", () => truncateSync(log(), 3)],
    ["another file than it was", () => replace(() => writeFileSync(log(), SESSION.repeat(3)))],
    ["removed", () => rmSync(log())],
    ["in a folder that is a link", () => moveAndLink(diagnostics())],
  ])("are unreadable as %s, and what was known stays", (_name, spoil) => {
    writeFileSync(log(), SESSION);
    const files = new RunnerFiles(places, T1);
    files.look();
    spoil();
    const sight = files.look();
    expect(sight.unreadable).not.toBeNull();
    expect(sight.facts).toMatchObject({ hasSession: true, lineCount: 1 });
  });
});

describe("a root that is none any more", () => {
  const LOG = "[2026-08-19 16:08:55Z INFO BrokerMessageListener] Session created.\n";
  const root = () => rootOf(places, T1);
  const diagnostics = () => join(root(), "_diag");
  const swap = (path: string, make: () => unknown) => {
    renameSync(path, join(base, "moved"));
    make();
  };
  const held = {
    id: T1,
    offer: null,
    run: { kind: "taken-over", process: null },
    step: "running",
    isWorkerSeen: false,
    updateRestartCount: 0,
    retryRestartCount: 0,
    fence: NO_FENCE,
    stillness: NOT_STILL,
  } as const;

  it.each<[string, () => unknown, RegExp]>([
    ["is a file", () => swap(root(), () => writeFileSync(root(), "")), /ENOTDIR/],
    ["is a link to itself", () => swap(root(), () => symlinkSync(T1, root())), /ELOOP/],
    ["is a link to another folder", () => swap(root(), () => symlinkSync(join(base, "moved"), root())), /not a folder/],
    ["has a file for its logs", () => swap(diagnostics(), () => writeFileSync(diagnostics(), "")), /not a folder/],
    [
      "has a perf folder that is a file",
      () => swap(perfOf(places, T1), () => writeFileSync(perfOf(places, T1), "")),
      /ENOTDIR/,
    ],
    [
      "has a perf folder that is a link",
      () => swap(perfOf(places, T1), () => symlinkSync(join(base, "moved"), perfOf(places, T1))),
      /not a folder/,
    ],
    ["has fences that are a file", () => writeFileSync(fencesOf(places), ""), /the fences: ENOTDIR/],
    ["has fences that are a link to themselves", () => symlinkSync("fences", fencesOf(places)), /the fences: ELOOP/],
  ])("is unreadable where it %s, and no look fails", (_name, spoil, why) => {
    mkdirSync(diagnostics(), { recursive: true });
    mkdirSync(perfOf(places, T1));
    writeFileSync(join(diagnostics(), "Runner_20260819-160855-utc.log"), LOG);
    const lookout = new Lookout(places, "test/m-none");
    expect(lookout.look(held, { withMotion: true })).toMatchObject({
      files: { unreadable: null },
      fence: { unreadable: null },
    });
    spoil();
    for (const one of [lookout, new Lookout(places, "test/m-none")]) {
      const { files, fence } = one.look(held, { withMotion: true });
      expect(files?.unreadable ?? fence?.unreadable).toMatch(why);
      expect(files?.isUpdateFinished).toBe(false);
    }
    expect(lookout.lookBehindFence(T1, { pid: process.pid, startTime: "0" }).listenerTasks).toBeNull();
    expect(() => collectLogs(places, T1, join(base, "none"), null)).not.toThrow();
  });
});

describe("saved logs", () => {
  it("are the last lines, bounded, without the secret and without links", () => {
    mkdirSync(join(rootOf(places, T1), "_diag"), { recursive: true });
    const agentLog = join(places.directory, "agent.log");
    writeFileSync(agentLog, Array.from({ length: 1_000 }, (_, index) => `line ${index}\n`).join(""));
    writeFileSync(outputOf(places, T1), `a s3cret here\n${"x".repeat(LOG_LINE_LENGTH_MAX + 10)}\n`);
    writeFileSync(join(rootOf(places, T1), "_diag", "Runner_1.log"), `${"y".repeat(1_000)}\n`.repeat(200));
    symlinkSync(agentLog, join(rootOf(places, T1), "_diag", "Worker_1.log"));
    const logs = collectLogs(places, T1, agentLog, "s3cret");
    expect(logs.map(({ name }) => name)).toEqual(["agent.log", "runner-output.log", "Runner_1.log"]);
    expect(logs[0]?.lines).toHaveLength(LOG_LINES_MAX);
    expect(logs[0]?.lines.at(-1)).toBe("line 999");
    expect(logs[1]?.lines).toEqual(["a *** here", "x".repeat(LOG_LINE_LENGTH_MAX)]);
    expect((logs[2]?.lines.join("\n") ?? "").length).toBeLessThanOrEqual(LOG_BYTES_MAX);
    expect(logs[2]?.lines[0]).toBe("y".repeat(1_000));
  });
});

describe("what a job left", () => {
  const mark = `test-${process.pid}/m-leftover`;
  const started: number[] = [];

  afterEach(() => {
    for (const pid of started.splice(0)) if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
  });

  function start(command: string, args: readonly string[]): number {
    const child = spawn(command, args, { env: { [MARK_VARIABLE]: mark }, stdio: "ignore" });
    started.push(child.pid ?? 0);
    return child.pid ?? 0;
  }

  const ours = () => ({ mark, rootsDirectory: places.rootsDirectory, started: null });

  it("is killed by its mark", async () => {
    const pid = start("/bin/sleep", ["300"]);
    await eventually("its mark", () => markOfProcess(pid) === mark);
    expect(await clearLeftovers(ours(), system)).toEqual({ kind: "cleared", killedCount: 1 });
    expect(await clearLeftovers(ours(), system)).toEqual({ kind: "cleared", killedCount: 0 });
  });

  it("is told by its user on Linux", () => {
    const table = readProcessTable("all");
    if (table.kind === "unknown") throw new Error(table.why);
    const own = table.processes.find(({ pid }) => pid === process.pid);
    expect(own?.userId).toBe(process.platform === "linux" ? process.getuid?.() : undefined);
  });

  it("is not touched while a Worker is there", async () => {
    const program = join(base, "Runner.Worker");
    writeFileSync(program, "#!/bin/sh\nread line\n", { mode: 0o755 });
    const sleeper = start("/bin/sleep", ["300"]);
    const worker = spawn(program, ["spawnclient"], {
      env: { [MARK_VARIABLE]: mark },
      stdio: ["pipe", "ignore", "ignore"],
    });
    started.push(worker.pid ?? 0);
    await eventually("their marks", () => [sleeper, worker.pid ?? 0].every((pid) => markOfProcess(pid) === mark));
    expect((await clearLeftovers(ours(), system)).kind).toBe("not-cleared");
    expect(markOfProcess(sleeper)).toBe(mark);
    expect(markOfProcess(worker.pid ?? 0)).toBe(mark);
  });

  function markOfProcess(pid: number): string | null {
    const table = readProcessTable(pid);
    if (table.kind === "unknown") throw new Error(table.why);
    const found = table.processes.find((one) => one.pid === pid && !one.isZombie);
    return found?.mark.kind === "marked" ? found.mark.mark : null;
  }
});

describe("the incarnation", () => {
  const path = () => join(places.volatileDirectory, "incarnation.json");
  const draw = (bootId: string) =>
    drawIncarnation(places.volatileDirectory, bootId, system, { path: "", write: () => {} });

  it("is another one at each start, kept with the boot id", () => {
    const [first, second] = [draw("boot-1"), draw("boot-1")];
    expect(first.isSameBoot).toBe(false);
    expect(second.isSameBoot).toBe(true);
    expect(second.id).not.toBe(first.id);
    expect(JSON.parse(readFileSync(path(), "utf8"))).toEqual({ incarnation: second.id, bootId: "boot-1" });
    expect(draw("boot-2").isSameBoot).toBe(false);
  });

  it.each<[string, () => unknown]>([
    ["a folder", () => mkdirSync(path())],
    ["a link", () => symlinkSync("/etc/hostname", path())],
    ["not JSON", () => writeFileSync(path(), "boot-1")],
    ["no object", () => writeFileSync(path(), "null")],
    ["without a boot", () => writeFileSync(path(), "{}")],
  ])("is not of the same boot where what is kept is %s", (_name, spoil) => {
    spoil();
    expect(draw("boot-1").isSameBoot).toBe(false);
  });
});

describe("the lock", () => {
  it("is taken from an agent that ended, and not from one that lives", () => {
    const path = join(places.directory, "agent.lock");
    expect(takeLock(places.directory)).toBe(true);
    expect(takeLock(places.directory)).toBe(true);
    writeFileSync(path, "1 12345");
    expect(takeLock(places.directory)).toBe(true);
    const [pid, startTime] = readFileSync(path, "utf8").split(" ");
    expect(Number(pid)).toBe(process.pid);
    const parent = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
    const parentStart = parent.slice(parent.lastIndexOf(")") + 2).split(" ")[19];
    expect(startTime).toMatch(/^\d+$/);
    writeFileSync(path, `${process.ppid} ${parentStart}`);
    expect(takeLock(places.directory)).toBe(false);
    expect(lstatSync(path).isFile()).toBe(true);
  });
});

describe("settings", () => {
  const SETTINGS = {
    controllerUrl: "http://127.0.0.1:1/",
    controllerId: "main",
    machineId: "m-12345678",
    providerId: "p-1",
    identityFile: "/m/identity",
    directory: "/m/agent",
    volatileDirectory: "/m/volatile",
    runnerDirectory: "/opt/runner",
    runnerEnvironment: { A: "b" },
  };

  it("are read, with what they hold and no more", () => {
    expect(parseSettings({ ...SETTINGS, more: 1 })).toEqual({ ...SETTINGS, controllerUrl: "http://127.0.0.1:1" });
    writeFileSync(join(base, "settings.json"), JSON.stringify(SETTINGS));
    const read = readSettings({ HOLDFAST_AGENT_SETTINGS: join(base, "settings.json") });
    expect(read).toMatchObject({ machineId: "m-12345678" });
  });

  it("of an instance say which pool and user, and leave out which machine", () => {
    const { machineId: _, providerId: __, identityFile: ___, ...common } = SETTINGS;
    const instance = { ...common, provider: "ec2", pool: "linux", runnerUser: "runner" };
    expect(parseSettings({ ...instance, more: 1 })).toEqual({ ...instance, controllerUrl: "http://127.0.0.1:1" });
    expect(() => parseSettings({ ...instance, runnerUser: "" })).toThrow(/`runnerUser` is not a text/);
    expect(() => parseSettings({ ...instance, pool: "a/b" })).toThrow(/`pool` is not a pool name/);
    expect(() => parseSettings({ ...instance, provider: "moon" })).toThrow(/none of `process`, `ec2` and `asg`/);
  });

  it.each<[string, object, RegExp]>([
    ["no machine", { machineId: undefined }, /`machineId` is not a text/],
    ["a machine that is none", { machineId: "../x" }, /`machineId` is not a machine id/],
    ["a relative folder", { directory: "agent" }, /`directory` is not an absolute path/],
    ["an address of another kind", { controllerUrl: "ftp://x" }, /`controllerUrl` is not an http/],
    ["a number in the environment", { runnerEnvironment: { A: 1 } }, /`runnerEnvironment.A` is not a text/],
  ])("are refused with %s", (_name, wrong, message) => {
    expect(() => parseSettings({ ...SETTINGS, ...wrong })).toThrow(message);
  });

  it("are refused where there are none", () => {
    expect(() => readSettings({})).toThrow(/no HOLDFAST_AGENT_SETTINGS/);
    expect(() => readSettings({ HOLDFAST_AGENT_SETTINGS: join(base, "none.json") })).toThrow(/none\.json/);
  });

  it("name the version of the package", () => {
    expect(AGENT_VERSION).toBe(packageJson.version);
  });
});
