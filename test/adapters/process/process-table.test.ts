import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { linuxProcesses } from "../../../src/adapters/process/linux-processes.ts";
import { parseProcesses } from "../../../src/adapters/process/mac-processes.ts";
import {
  findVariable,
  isSameProcess,
  type ProcessEntry,
  parseStat,
} from "../../../src/adapters/process/process-table.ts";
import { isAlive, waitUntil } from "./yard.ts";

const AFTER_STATE = "1 4242 4242 0 -1 4194304 1000 0 0 0 5 3 0 0 20 0";

describe("parseStat", () => {
  it.each([
    ["a plain process", `77 (node) S ${AFTER_STATE} 11 0 123456 0`, { pid: 77, isZombie: false }],
    [
      "a name with blanks, brackets and a line feed",
      `77 (a) S 9 (\n b) R ${AFTER_STATE} 1 0 123456 0`,
      { isZombie: false },
    ],
    ["a zombie", `77 (sh) Z ${AFTER_STATE} 1 0 123456 0`, { isZombie: true }],
    ["a process whose first thread ended alone", `77 (srv) Z ${AFTER_STATE} 4 0 123456 0`, { isZombie: false }],
    ["a stopped one", `77 (sh) T ${AFTER_STATE} 1 0 123456 0`, { isZombie: false }],
  ])("%s", (_name, text, want) => {
    expect(parseStat(text)).toMatchObject({ parentPid: 1, sessionId: 4242, startedAt: 123_456, ...want });
  });

  it.each(["", "77", "77 (node) S 1", "77 node S 1 2 3", "x (node) S 1 2 3"])("refuses %j", (text) => {
    expect(parseStat(text)).toBeNull();
  });
});

describe("findVariable", () => {
  it.each<readonly [block: string, value: string | null]>([
    ["A=1\0MARK=main/m-1\0B=2\0", "main/m-1"],
    ["MARK=a=b\0", "a=b"],
    ["NOT_MARK=x\0MARKER=y\0A=MARK=z\0", null],
    ["MARK=\0", ""],
    ["", null],
  ])("%j", (block, value) => {
    expect(findVariable(block, "MARK")).toBe(value);
  });
});

describe("the process that is signalled is the one that was seen", () => {
  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const child of started.splice(0)) child.kill("SIGKILL");
  });

  async function startAndRead(): Promise<{ readonly child: ChildProcess; readonly seen: ProcessEntry }> {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 60_000)"], {
      env: { ...process.env, HOLDFAST_TEST_MARK: "here" },
      stdio: "ignore",
    });
    started.push(child);
    await once(child, "spawn");
    let seen: ProcessEntry | undefined;
    await waitUntil("the child shows its mark", async () => {
      seen = (await linuxProcesses("HOLDFAST_TEST_MARK").read()).find((entry) => entry.mark === "here");
      return seen !== undefined;
    });
    if (seen === undefined) throw new Error("unreachable");
    return { child, seen };
  }

  it.each([
    ["the same", { pid: 5, startedAt: 7 }, true],
    ["a later owner of the pid", { pid: 5, startedAt: 8 }, false],
    ["another pid of the same moment", { pid: 6, startedAt: 7 }, false],
  ])("%s", (_name, now, isSame) => {
    expect(isSameProcess({ pid: 5, startedAt: 7 }, now)).toBe(isSame);
  });

  it("a pid with another start is not signalled", async () => {
    const { child, seen } = await startAndRead();
    expect(seen.pid).toBe(child.pid);
    const earlier = { ...seen, startedAt: seen.startedAt - 1 };
    expect(linuxProcesses("HOLDFAST_TEST_MARK").signal(earlier, "SIGKILL")).toBe("ended");
    expect(isAlive(seen.pid)).toBe(true);
    const exited = once(child, "exit");
    expect(linuxProcesses("HOLDFAST_TEST_MARK").signal(seen, "SIGKILL")).toBe("sent");
    expect(await exited).toEqual([null, "SIGKILL"]);
    expect(linuxProcesses("HOLDFAST_TEST_MARK").signal(seen, "SIGKILL")).toBe("ended");
  });

  it("neither the first process nor this one is ever signalled", async () => {
    const entries = await linuxProcesses("HOLDFAST_TEST_MARK").read();
    for (const pid of [1, process.pid]) {
      const entry = entries.find((one) => one.pid === pid);
      if (entry === undefined) throw new Error(`process ${pid} is not in the table`);
      expect(linuxProcesses("HOLDFAST_TEST_MARK").signal(entry, "SIGSTOP")).toBe("refused");
    }
  });

  it("a table that does not show every process is no table", async () => {
    await expect(linuxProcesses("HOLDFAST_TEST_MARK", "/nowhere").read()).rejects.toThrow("ENOENT");
    await expect(linuxProcesses("HOLDFAST_TEST_MARK", import.meta.dirname).read()).rejects.toThrow("every process");
  });
});

// Written by hand after ps(1) of macOS; nobody has run this there.
const COMMANDS = `
    1     0 Ss   Thu Nov 21 04:09:00 2026     /sbin/launchd
  501     1 S    Thu Nov  5 14:09:01 2026     /usr/local/bin/node launcher.js /tmp/m
  502   501 S+   Thu Nov 21 04:09:02 2026     grep HOLDFAST_MACHINE=main/m-00000009 x
  503   501 Z    Thu Nov 21 04:09:03 2026     (sh)
  504   501 S    Thu Nov 21 04:09:04 2026     sh
`;
const WITH_ENVIRONMENT = `
    1     0 Ss   Thu Nov 21 04:09:00 2026     /sbin/launchd
  501     1 S    Thu Nov  5 14:09:01 2026     /usr/local/bin/node launcher.js /tmp/m PATH=/bin HOLDFAST_MACHINE=main/m-00000001 HOME=/x
  502   501 S+   Thu Nov 21 04:09:02 2026     grep HOLDFAST_MACHINE=main/m-00000009 x PATH=/bin
  503   501 Z    Thu Nov 21 04:09:03 2026     (sh)
  504   501 S    Thu Nov 21 04:09:04 2026     node HOLDFAST_MACHINE=main/m-00000009
`;

it("reads ps of macOS: the mark from the environment only, no zombies", () => {
  const processes = parseProcesses(COMMANDS, WITH_ENVIRONMENT, "HOLDFAST_MACHINE");
  expect(processes.map(({ pid, parentPid, mark }) => [pid, parentPid, mark])).toEqual([
    [1, 0, null],
    [501, 1, "main/m-00000001"],
    [502, 501, null],
    [504, 501, null],
  ]);
  expect(processes[1]?.startedAt).toBe(Date.parse("2026-11-05T14:09:01"));
});
