import { describe, expect, it } from "vitest";
import { type MotionSight, sightMotion } from "../../../src/domain/host/motion.ts";
import type { Belongings, SeenProcess } from "../../../src/domain/host/sight.ts";

const MARK = "main/m-12345678";
const MARKED = { kind: "marked", mark: MARK } as const;
const OURS: Belongings = { mark: MARK, rootsDirectory: "/m/roots", started: { pid: 20, startTime: "500" } };
const AGENT = 10;

function process(pid: number, more: Partial<SeenProcess> = {}): SeenProcess {
  return {
    pid,
    parentPid: 1,
    name: "bash",
    state: "S",
    isZombie: false,
    startTime: "600",
    cpuTicks: 5,
    isKernelThread: false,
    arguments: ["bash"],
    executable: null,
    workingDirectory: null,
    mark: MARKED,
    ...more,
  };
}

const AGENT_PROCESS = process(AGENT, { name: "node" });
const LISTENER = process(20, { parentPid: AGENT, name: "Runner.Listener", startTime: "500" });
const WORKER = process(30, { parentPid: 20, name: "Runner.Worker" });
const STEP = process(40, { parentPid: 30 });
const ALL = [AGENT_PROCESS, LISTENER, WORKER, STEP];
const LOG = { path: "/m/roots/t-00000001/_diag/Worker_1.log", size: "7 100 1" };

function see(processes: readonly SeenProcess[], logs: Parameters<typeof sightMotion>[3] = [LOG]): MotionSight {
  return sightMotion(processes, OURS, new Set([AGENT, 1]), logs);
}

const without = (pid: number) => ALL.filter((one) => one.pid !== pid);
const changed = (pid: number, more: Partial<SeenProcess>) => [
  ...without(pid),
  process(pid, { ...byPid(pid), ...more }),
];
const byPid = (pid: number) => ALL.find((one) => one.pid === pid) ?? {};

describe("what moves of a job", () => {
  it.each<[string, readonly SeenProcess[]]>([
    ["the Worker", changed(30, { cpuTicks: 6 })],
    ["a step", changed(40, { cpuTicks: 6 })],
    ["a step that ended", without(40)],
    ["a step that began", [...ALL, process(41, { parentPid: 40 })]],
    ["another process under a number that was there", changed(40, { startTime: "601" })],
    ["what left the Worker and keeps our mark", [...ALL, process(42)]],
    ["a step that dropped our mark", [...ALL, process(43, { parentPid: 40, mark: { kind: "unmarked" } })]],
    ["a listener that a job started", [...ALL, process(44, { parentPid: 40, name: "Runner.Listener" })]],
    ["a younger one of nobody knows whom", [...ALL, process(45, { mark: { kind: "unreadable" } })]],
  ])("shows by %s", (_name, processes) => {
    expect(see(processes)).toMatchObject({ kind: "seen" });
    expect(see(processes)).not.toEqual(see(ALL));
  });

  it.each<[string, readonly SeenProcess[]]>([
    ["the order of the table", ALL.toReversed()],
    ["the listener", changed(20, { cpuTicks: 6 })],
    ["the agent", changed(AGENT, { cpuTicks: 6 })],
    ["a zombie", [...ALL, process(46, { isZombie: true })]],
    ["a part of the kernel", [...ALL, process(47, { isKernelThread: true, mark: { kind: "unreadable" } })]],
    ["somebody else's", [...ALL, process(48, { mark: { kind: "unmarked" } })]],
    ["another machine's", [...ALL, process(49, { mark: { kind: "marked", mark: "main/m-87654321" } })]],
    [
      "one of nobody knows whom that is older than the runner",
      [...ALL, process(50, { mark: { kind: "unreadable" }, startTime: "499" })],
    ],
  ])("does not show by %s", (_name, processes) => {
    expect(see(processes)).toEqual(see(ALL));
  });

  it("counts whom it cannot tell, so that they can be looked at again", () => {
    const stranger = process(45, { mark: { kind: "unreadable" } });
    expect(see([...ALL, stranger])).toMatchObject({ strangerCount: 1 });
    expect(see([...ALL, { ...stranger, parentPid: 30 }])).toMatchObject({ strangerCount: 0 });
    const unknown = { ...OURS, started: null };
    expect(sightMotion([{ ...stranger, startTime: "1" }], unknown, new Set(), [])).toMatchObject({ strangerCount: 1 });
  });

  it("compares dates as macOS writes them", () => {
    const ours = { ...OURS, started: { pid: 20, startTime: "Fri Nov 21 03:54:09 2025" } };
    const at = (startTime: string) =>
      sightMotion([process(45, { mark: { kind: "unreadable" }, startTime })], ours, new Set(), []);
    expect(at("Mon Nov 17 08:12:01 2025")).toMatchObject({ strangerCount: 0 });
    expect(at("Fri Nov 21 03:54:10 2025")).toMatchObject({ strangerCount: 1 });
    expect(at("some day")).toMatchObject({ strangerCount: 1 });
  });

  it("shows by a log that grew, that is another file, that is new", () => {
    const sizes = ["7 101 1", "8 100 1"].map((size) => [{ ...LOG, size }]);
    for (const logs of [...sizes, [], [LOG, { ...LOG, path: "/m/other" }]])
      expect(see(ALL, logs)).not.toEqual(see(ALL));
  });

  it("is unknown where the logs cannot be read, or there is more than anybody follows", () => {
    expect(see(ALL, "the logs: EACCES")).toEqual({ kind: "unknown", why: "the logs: EACCES" });
    const many = Array.from({ length: 20_001 }, (_, index) => process(1_000 + index));
    expect(see(many).kind).toBe("unknown");
  });
});
