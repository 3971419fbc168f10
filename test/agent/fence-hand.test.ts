// The hand of the fence and its watchdog, around a real stand-in listener: what becomes of it if one of them fails midway.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Closing, FenceHand } from "../../src/agent/fence.ts";
import { readClaim, takeClaim } from "../../src/agent/fence-claim.ts";
import { Lookout } from "../../src/agent/lookout.ts";
import { makePlaces, type Places, perfOf, rootOf } from "../../src/agent/places.ts";
import { isAlive, readProcessTable, startTimeOf, taskStatesOf } from "../../src/agent/process-table.ts";
import * as room from "../../src/agent/room.ts";
import { system } from "../../src/agent/system.ts";
import { areStopped, whyNotClean } from "../../src/domain/host/clean-look.ts";
import type { StartedProcess } from "../../src/domain/host/journal.ts";
import { MARK_VARIABLE } from "../../src/domain/host/settings.ts";
import { parseTicketId } from "../../src/domain/ids.ts";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { eventually } from "./agent-yard.ts";

vi.mock(import("../../src/agent/room.ts"), { spy: true });

const T1 = parseTicketId("t-00000001");
const MARK = `test-${process.pid}/m-fence`;
const CLOSE_TRIES_MAX = 20;
const CLOSE_PAUSE_MS = 200;
/** Many times what the watchdog waits for an agent that stands still. */
const HANG_MS = 60_000;
const HOLDER = join(import.meta.dirname, "fence-holder.ts");

let base: string;
let places: Places;
const children: ChildProcess[] = [];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "holdfast-fence-"));
  places = makePlaces({ directory: join(base, "agent"), volatileDirectory: join(base, "volatile") });
});

afterEach(async () => {
  vi.mocked(room.hasRoom).mockReset();
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
  await eventually("the watchdogs' ends", () => watchdogs().length === 0);
  rmSync(base, { recursive: true, force: true });
});

function start(command: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(command, args, { env: { PATH: "/usr/bin:/bin", ...env }, stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  return child;
}

/** A listener that runs and never gets a session; its log and perf file say that it has one. */
async function startListener(): Promise<StartedProcess> {
  const root = rootOf(places, T1);
  createRunnerFolder(root, { neverRegisters: true });
  mkdirSync(perfOf(places, T1));
  const env = { [MARK_VARIABLE]: MARK, RUNNER_PERFLOG: perfOf(places, T1), ACTIONS_RUNNER_INPUT_JITCONFIG: JIT };
  const { pid } = start(join(root, "bin", "Runner.Listener"), ["run"], env);
  if (pid === undefined) throw new Error("the listener could not be started");
  await eventually("its start", () => readdirSync(perfOf(places, T1)).length > 0 && logs().length > 0);
  await eventually("its configuration", () => readFileSync(logs()[0] ?? "", "utf8").includes("Is configured: True"));
  return { pid, startTime: startTimeOf(pid) ?? "" };
}

const encode = (text: string) => Buffer.from(text).toString("base64");
const JIT = encode(
  JSON.stringify({
    ".runner": encode(
      JSON.stringify({ AgentId: 1, AgentName: "r", ServerUrlV2: "http://127.0.0.1:1", Ephemeral: true }),
    ),
    ".credentials_rsaparams": encode(JSON.stringify({ d: encode("1") })),
  }),
);

function logs(): readonly string[] {
  const folder = join(rootOf(places, T1), "_diag");
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function hand(): FenceHand {
  const lookout = new Lookout(places, MARK);
  return new FenceHand({
    places,
    system,
    log: { path: "", write: () => {} },
    look: lookout.lookBehindFence.bind(lookout),
  });
}

/**
 * On a machine that stands still for seconds the watchdog is first, and a process of another machine that is just starting
 * belongs to nobody for a moment: then once more.
 */
async function closeInTime(fence: FenceHand, listener: StartedProcess): Promise<Closing & { kind: "closed" }> {
  for (let tryCount = 1; ; tryCount += 1) {
    const closing = await fence.close(T1, listener);
    const look = closing.kind === "closed" ? closing.look : null;
    const isSeen = look?.processes.kind === "seen" && areStopped(look.listenerTasks);
    if (closing.kind === "closed" && isSeen) return closing;
    if (tryCount === CLOSE_TRIES_MAX) throw new Error(`closing a fence: ${JSON.stringify(closing)}`);
    fence.open("resume");
    // The hand closes no other fence before it has heard of its watchdog's end.
    await system.sleep(CLOSE_PAUSE_MS);
  }
}

interface Held {
  readonly holder: ChildProcess;
  readonly folder: string;
  opened(): Promise<object>;
}

/** Waits until the fence is closed and its look clean, its agent a process of its own. */
async function hold(listener: StartedProcess): Promise<Held> {
  for (let tryCount = 1; ; tryCount += 1) {
    const { held, why } = await holdOnce(listener);
    if (why === null) return held;
    // A process of another machine that is just starting belongs to nobody for a moment.
    if (tryCount === CLOSE_TRIES_MAX) throw new Error(`holding a fence: ${why}`);
    held.holder.kill("SIGKILL");
    await eventually("the watchdog's end", () => watchdogs().length === 0);
  }
}

async function holdOnce(listener: StartedProcess): Promise<{ readonly held: Held; readonly why: string | null }> {
  const { pid, startTime } = listener;
  const { directory, volatileDirectory } = places;
  const script = [HOLDER, directory, volatileDirectory, T1, String(pid), startTime, MARK];
  const holder = start(process.execPath, ["--disable-warning=ExperimentalWarning", ...script]);
  let said = "";
  holder.stdout?.on("data", (text) => {
    said += String(text);
  });
  const line = (index: number) =>
    eventually(`line ${index} of the holder`, () => said.split("\n").length > index + 1 && said.split("\n")[index]);
  const closed = JSON.parse(await line(0)) as { name?: string; why: string | null };
  const folder = join(volatileDirectory, "fences", closed.name ?? "none");
  const opened = async () => JSON.parse(await line(1)) as object;
  return { held: { holder, folder, opened }, why: closed.why };
}

function watchdogs(): readonly number[] {
  const table = readProcessTable("all");
  if (table.kind === "unknown") throw new Error(table.why);
  return table.processes
    .filter(
      ({ isZombie, arguments: args }) =>
        !isZombie && args?.some((text) => text.startsWith(join(base, "volatile", "fences"))),
    )
    .map(({ pid }) => pid);
}

/** Thrown for where there is none: a signal to pid 0 is one to all that this test runs in. */
function theWatchdog(): StartedProcess {
  const [pid] = watchdogs();
  if (pid === undefined) throw new Error("there is no watchdog");
  return { pid, startTime: startTimeOf(pid) ?? "" };
}

const isStopped = (listener: StartedProcess) => taskStatesOf(listener)?.includes("T") === true;
const runs = (listener: StartedProcess) => isAlive(listener) && taskStatesOf(listener)?.includes("T") === false;

describe("the hand", () => {
  it("stops every task, sees a clean look, and kills", async () => {
    const listener = await startListener();
    const fence = hand();
    const closing = await closeInTime(fence, listener);
    expect(whyNotClean(closing.look)).toBeNull();
    expect(closing.look.listenerTasks?.length).toBeGreaterThan(2);
    expect(watchdogs()).toHaveLength(1);
    expect(fence.open("kill")).toBe("killed");
    await eventually("its end", () => !isAlive(listener));
    await eventually("the watchdog's end", () => watchdogs().length === 0);
    expect(readClaim(join(places.volatileDirectory, "fences", closing.name))).toBe("kill");
  });

  it("resumes, and leaves nothing of the fence", async () => {
    const listener = await startListener();
    const fence = hand();
    await closeInTime(fence, listener);
    expect(isStopped(listener)).toBe(true);
    expect(fence.open("resume")).toBe("resumed");
    await eventually("a listener that runs", () => runs(listener));
    await eventually("the watchdog's end", () => readdirSync(join(places.volatileDirectory, "fences")).length === 0);
    await closeInTime(fence, listener);
    expect(fence.open("resume")).toBe("resumed");
  });

  it("touches no process that only has the listener's number", async () => {
    const listener = await startListener();
    const other = { pid: listener.pid, startTime: `${Number(listener.startTime) - 1}` };
    expect(await hand().close(T1, other)).toMatchObject({ kind: "failed", why: "the listener could not be stopped" });
    expect(runs(listener)).toBe(true);
  });

  it.each([
    ["there is no program to run it", () => "/nowhere/node"],
    ["it ends before it is ready", () => "/bin/false"],
  ])("stops nothing where the watchdog cannot be started: %s", async (_name, program) => {
    const listener = await startListener();
    const execPath = vi.spyOn(process, "execPath", "get").mockReturnValue(program());
    try {
      const closing = await hand().close(T1, listener);
      expect(closing).toEqual({ kind: "failed", why: "the watchdog could not be started" });
    } finally {
      execPath.mockRestore();
    }
    expect(runs(listener)).toBe(true);
  });

  it("stops nothing where the fence has no room", async () => {
    const listener = await startListener();
    writeFileSync(join(places.volatileDirectory, "fences"), "not a folder");
    expect(await hand().close(T1, listener)).toMatchObject({
      kind: "failed",
      why: expect.stringMatching(/failed with/),
    });
    expect(runs(listener)).toBe(true);
    rmSync(join(places.volatileDirectory, "fences"));
  });

  it.each<[string, (listener: StartedProcess) => void, RegExp]>([
    ["on a full disk", () => vi.mocked(room.hasRoom).mockReturnValue(false), /no room/],
    ["with a log that is not readable", () => replaceLog(), /could not be read/],
    ["with a log of another shape", () => writeFileSync(logs()[0] ?? "", "something else\n"), /not of a shape/],
    ["with half a line", () => appendFileSync(perfFile(), "MessageReceived_Runner"), /writing a line/],
    ["with an assignment", () => appendFileSync(perfFile(), `MessageReceived_RunnerJobRequest:${AT}\n`), /assignment/],
    ["without a perf file", () => rmSync(perfFile()), /perf file/],
    ["in an update", () => appendFileSync(logs()[0] ?? "", UPDATE), /updates itself/],
  ])("does not see a clean look %s", async (_name, spoil, why) => {
    const listener = await startListener();
    spoil(listener);
    const fence = hand();
    const closing = await closeInTime(fence, listener);
    expect(whyNotClean(closing.look)).toMatch(why);
    fence.open("resume");
    await eventually("a listener that runs", () => runs(listener));
  });

  it("counts a Worker, and does not count a dead one that nobody reaps", async () => {
    const listener = await startListener();
    const worker = join(base, "Runner.Worker");
    writeFileSync(worker, "#!/bin/sh\nread line\n");
    chmodSync(worker, 0o755);
    start("/bin/sh", ["-c", `"${worker}" < /dev/null & exec sleep 300`], { [MARK_VARIABLE]: MARK });
    const seen = async () => {
      const fence = hand();
      const { look } = await closeInTime(fence, listener);
      fence.open("resume");
      await eventually("the watchdog's end", () => watchdogs().length === 0);
      return whyNotClean(look);
    };
    await eventually("a dead Worker", () => zombies("Runner.Worker") > 0);
    expect(await seen()).toBeNull();
    start(worker, [], { [MARK_VARIABLE]: MARK });
    expect(await seen()).toBe("a Worker runs");
  });
});

const AT = "2026-08-19T16:08:55.1230000Z";
const UPDATE = "[2026-08-19 16:08:55Z INFO Terminal] WRITE LINE: Runner update in progress, do not shutdown runner.\n";
const perfFile = () => join(perfOf(places, T1), "Runner.perf");

function replaceLog(): void {
  const path = logs()[0] ?? "";
  rmSync(path);
  mkdirSync(path);
}

function zombies(name: string): number {
  const table = readProcessTable("all");
  if (table.kind === "unknown") throw new Error(table.why);
  return table.processes.filter((one) => one.isZombie && one.name === name).length;
}

describe("where one of them fails midway", () => {
  it("an agent that stands still between look and kill loses the claim, and kills nothing", async () => {
    const listener = await startListener();
    const { holder, folder, opened } = await hold(listener);
    holder.kill("SIGSTOP");
    expect(isStopped(listener)).toBe(true);
    holder.stdin?.write("kill\n");
    await eventually("a listener that runs", () => runs(listener));
    expect(readClaim(folder)).toBe("resume");
    holder.kill("SIGCONT");
    expect(await opened()).toEqual({ kind: "opened", outcome: "resumed" });
    expect(runs(listener)).toBe(true);
  });

  it("an agent that dies leaves a listener that runs", async () => {
    const listener = await startListener();
    const { holder, folder } = await hold(listener);
    holder.kill("SIGKILL");
    await eventually("a listener that runs", () => runs(listener), 2_000);
    expect(readClaim(folder)).toBe("resume");
  });

  it("an agent that dies holding the kill has it finished", async () => {
    const listener = await startListener();
    const { holder, folder } = await hold(listener);
    expect(takeClaim(folder, "kill")).toBe(true);
    holder.kill("SIGKILL");
    await eventually("its end", () => !isAlive(listener), 2_000);
  });

  it("an agent that stands still holding the kill has it finished, too", async () => {
    const listener = await startListener();
    const { holder, folder } = await hold(listener);
    holder.kill("SIGSTOP");
    takeClaim(folder, "kill");
    await eventually("its end", () => !isAlive(listener), HANG_MS);
    expect(watchdogs().length).toBeLessThanOrEqual(1);
  });

  it("a kill that was claimed is given up where somebody resumed the listener", async () => {
    const listener = await startListener();
    const { holder, folder } = await hold(listener);
    takeClaim(folder, "kill");
    process.kill(listener.pid, "SIGCONT");
    await eventually("a listener that runs", () => runs(listener));
    holder.kill("SIGKILL");
    await eventually("the watchdog's end", () => watchdogs().length === 0);
    expect(runs(listener)).toBe(true);
    expect(readClaim(folder)).toBe("resume");
  });

  it("without its watchdog nothing is killed any more", async () => {
    const listener = await startListener();
    const { holder, opened } = await hold(listener);
    const watchdog = theWatchdog();
    process.kill(watchdog.pid, "SIGKILL");
    await eventually("the watchdog's end", () => !isAlive(watchdog));
    holder.stdin?.write("kill\n");
    expect(await opened()).toEqual({ kind: "opened", outcome: "resumed" });
    await eventually("a listener that runs", () => runs(listener));
  });

  it("of two that claim only one has it", async () => {
    const listener = await startListener();
    const { folder, holder } = await hold(listener);
    expect([takeClaim(folder, "resume"), takeClaim(folder, "kill")]).toEqual([true, false]);
    holder.stdin?.write("kill\n");
    await eventually("a listener that runs", () => runs(listener));
  });
});
