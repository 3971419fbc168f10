import { describe, expect, it } from "vitest";
import {
  parseArguments,
  parseMark,
  parsePs,
  parsePsThreads,
  parseStat,
} from "../../../src/domain/host/process-table.ts";

/** Recorded on Linux 6 of a process whose name was changed. */
const STAT =
  "12948 (MainThread) S 12941 12941 6314 0 -1 4194560 2747 0 28 0 1 1 0 0 20 0 7 0 241276 1372753920 10406 " +
  "18446744073709551615 7626752 52430497 140736264126032 0 0 0 0 16781312 17922 0 0 0 17 1 0 0 0 0 0 112535000 " +
  "112706784 481153024 140736264129077 140736264129165 140736264129165 140736264130516 0\n";

describe("/proc/<pid>/stat", () => {
  it("is read", () => {
    expect(parseStat(STAT)).toEqual({
      pid: 12_948,
      parentPid: 12_941,
      name: "MainThread",
      state: "S",
      isZombie: false,
      startTime: "241276",
      cpuTicks: 2,
      isKernelThread: false,
    });
  });

  it.each<[string, string]>([
    ["spaces", "a b c"],
    ["parentheses", "(sd-pam)"],
    ["what looks like the rest", "x) S 1 (y"],
    ["a line break", "a\nb"],
  ])("with %s in the name", (_name, name) => {
    expect(parseStat(STAT.replace("MainThread", name))).toMatchObject({ name, parentPid: 12_941, startTime: "241276" });
  });

  it.each<[string, string, boolean]>([
    ["a zombie", STAT.replace(") S ", ") Z ").replace(" 20 0 7 0 ", " 20 0 1 0 "), true],
    ["a first thread that ended while others run", STAT.replace(") S ", ") Z "), false],
    ["stopped", STAT.replace(") S ", ") T "), false],
  ])("of %s", (_name, text, isZombie) => {
    expect(parseStat(text)?.isZombie).toBe(isZombie);
  });

  it("knows a part of the kernel", () => {
    expect(parseStat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 4 0 0")?.isKernelThread).toBe(true);
  });

  it.each(["", "12948", "12948 (x", "12948 (x) S 1 2", "x (y) S 1"])("is not understood: %j", (text) => {
    expect(parseStat(text)).toBeNull();
  });
});

describe("the other files", () => {
  it("cmdline: arguments end with a zero, and empty ones count", () => {
    expect(parseArguments("/r/bin/Runner.Worker\0spawnclient\0" + "98\0" + "103\0")).toEqual([
      "/r/bin/Runner.Worker",
      "spawnclient",
      "98",
      "103",
    ]);
    expect(parseArguments("a\0\0b\0")).toEqual(["a", "", "b"]);
  });

  it.each<[string, string, object]>([
    ["the mark", "PATH=/bin\0HOLDFAST_MACHINE=main/m-12345678\0X=1\0", { kind: "marked", mark: "main/m-12345678" }],
    ["no mark", "PATH=/bin\0X_HOLDFAST_MACHINE=main/m-12345678\0", { kind: "unmarked" }],
    ["nothing: it says nothing", "", { kind: "unreadable" }],
  ])("environ with %s", (_name, text, mark) => {
    expect(parseMark(text)).toEqual(mark);
  });
});

/** As `ps -axwwE -o pid=,ppid=,stat=,time=,lstart=,command=` writes it on macOS. */
const PS = [
  "    1     0 Ss     5:12.71 Mon Nov 17 08:12:01 2025     /sbin/launchd",
  "  501     1 S      0:03.50 Fri Nov 21 03:54:09 2025     /tmp/m/roots/t-00000001/bin/Runner.Listener run PATH=/usr/bin HOLDFAST_MACHINE=main/m-12345678 HOME=/Users/ci",
  "  502   501 Z      0:00.00 Fri Nov 21 03:54:10 2025     (Runner.Worker)",
  "",
].join("\n");

describe("ps on macOS", () => {
  it("is read, with the mark out of the environment", () => {
    expect(parsePs(PS)).toMatchObject([
      { pid: 1, parentPid: 0, name: "launchd", isZombie: false, mark: { kind: "unreadable" } },
      {
        pid: 501,
        parentPid: 1,
        name: "Runner.Listener",
        cpuTicks: 350,
        startTime: "Fri Nov 21 03:54:09 2025",
        mark: { kind: "marked", mark: "main/m-12345678" },
      },
      { pid: 502, isZombie: true },
    ]);
  });

  it("is not understood as a whole with one line that is not", () => {
    expect(parsePs(`${PS}what is this\n`)).toBeNull();
  });
});

/** As `ps -M -p <pid>` writes it on macOS: one line for each thread. */
function threadsOf(...states: readonly string[]): string {
  const [first = "S", ...rest] = states;
  return [
    "USER     PID   TT   %CPU STAT PRI     STIME     UTIME COMMAND",
    `ci       501   ??    0.0 ${first}    31T   0:00.30   0:00.77 /tmp/m/roots/t-00000001/bin/Runner.Listener run`,
    ...rest.map((state) => `         501         0.0 ${state}    31T   0:00.00   0:00.02`),
    "",
  ].join("\n");
}

describe("ps -M on macOS", () => {
  it("tells the state of each thread", () => {
    expect(parsePsThreads(threadsOf("T", "T", "T"), 501)).toEqual(["T", "T", "T"]);
    expect(parsePsThreads(threadsOf("T", "S", "R+"), 501)).toEqual(["T", "S", "R"]);
    expect(parsePsThreads(threadsOf("Ts+").replace("??", "s000"), 501)).toEqual(["T"]);
  });

  it.each<[string, string]>([
    ["nothing", ""],
    ["no thread", "USER     PID   TT   %CPU STAT PRI     STIME     UTIME COMMAND\n"],
    ["another process's", threadsOf("T").replaceAll("501", "502")],
    ["a line that is not understood", `${threadsOf("T")}something else\n`],
    ["no header", threadsOf("T").split("\n").slice(1).join("\n")],
  ])("is unknown with %s", (_name, text) => {
    expect(parsePsThreads(text, 501)).toBeNull();
  });
});
