// What moves of a job, read from real processes and files.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readLogSizes } from "../../src/agent/log-sizes.ts";
import { Lookout } from "../../src/agent/lookout.ts";
import { makePlaces, outputOf, type Places, perfOf, rootOf } from "../../src/agent/places.ts";
import { startTimeOf } from "../../src/agent/process-table.ts";
import { NO_FENCE } from "../../src/domain/host/fence-state.ts";
import { MARK_VARIABLE } from "../../src/domain/host/settings.ts";
import type { HeldTicket } from "../../src/domain/host/state.ts";
import { NOT_STILL } from "../../src/domain/host/stillness-track.ts";
import { parseTicketId } from "../../src/domain/ids.ts";
import { eventually } from "./agent-yard.ts";

const T1 = parseTicketId("t-00000001");
const MARK = `test-${process.pid}/m-motion`;

let base: string;
let places: Places;
const children: ChildProcess[] = [];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "holdfast-motion-"));
  places = makePlaces({ directory: join(base, "agent"), volatileDirectory: join(base, "volatile") });
  mkdirSync(join(rootOf(places, T1), "_diag", "pages"), { recursive: true });
  mkdirSync(perfOf(places, T1));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
  rmSync(base, { recursive: true, force: true });
});

/** Says a line when told to, and turns for a while before it does. */
function startWorker(): ChildProcess {
  const program = join(rootOf(places, T1), "Runner.Worker");
  const turn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
  writeFileSync(program, `#!/bin/sh\necho up\nwhile read line; do ${turn}; echo done; done\n`, { mode: 0o755 });
  const env = { PATH: "/usr/bin:/bin", [MARK_VARIABLE]: MARK };
  const child = spawn(program, ["spawnclient"], { env, stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  return child;
}

function held(worker: ChildProcess): HeldTicket {
  const { pid = 0 } = worker;
  return {
    id: T1,
    offer: null,
    // Whoever is older than it is none of the job's.
    run: { kind: "taken-over", process: { pid, startTime: startTimeOf(pid) ?? "" } },
    step: "running",
    isWorkerSeen: true,
    updateRestartCount: 0,
    retryRestartCount: 0,
    fence: NO_FENCE,
    stillness: NOT_STILL,
  };
}

describe("what moves of a job", () => {
  it("is the CPU time of its Worker, and what it starts", async () => {
    const worker = startWorker();
    await once(worker.stdout ?? worker, "data");
    const ticket = held(worker);
    const look = () => new Lookout(places, MARK).look(ticket, { withMotion: true }).motion;
    const trace = () => {
      const motion = look();
      return motion?.kind === "seen"
        ? motion.trace.split("\n").filter((line) => line.startsWith(`${worker.pid} `))
        : [];
    };
    const before = trace();
    expect(before).toHaveLength(1);
    expect(trace()).toEqual(before);
    worker.stdin?.write("go\n");
    await once(worker.stdout ?? worker, "data");
    expect(trace()).not.toEqual(before);
    expect(new Lookout(places, MARK).look(ticket, { withMotion: false }).motion).toBeNull();
    const child = spawn("/bin/sleep", ["300"], { env: { [MARK_VARIABLE]: MARK }, stdio: "ignore" });
    children.push(child);
    await eventually("what it left", () => {
      const motion = look();
      return motion?.kind === "seen" && motion.trace.includes(`${child.pid} `);
    });
  });
});

describe("the sizes of the logs", () => {
  const log = () => join(rootOf(places, T1), "_diag", "Worker_20260819-160855-utc.log");

  it.each<[string, () => void]>([
    ["the Worker's log", () => appendFileSync(log(), "x")],
    ["a page of a step's output", () => writeFileSync(join(rootOf(places, T1), "_diag", "pages", "1_1.log"), "x")],
    ["the perf file", () => writeFileSync(join(perfOf(places, T1), "Worker.perf"), "x")],
    ["what the runner prints", () => writeFileSync(outputOf(places, T1), "x")],
    ["a log that was replaced", () => [rmSync(log()), writeFileSync(`${log()}.2`, "y")]],
  ])("tell of %s", (_name, write) => {
    writeFileSync(log(), "y");
    const before = readLogSizes(places, T1);
    expect(readLogSizes(places, T1)).toEqual(before);
    write();
    expect(readLogSizes(places, T1)).not.toEqual(before);
  });

  it("are none where there is nothing, and unreadable behind a link", () => {
    rmSync(rootOf(places, T1), { recursive: true });
    expect(readLogSizes(places, T1)).toEqual([]);
    mkdirSync(rootOf(places, T1));
    symlinkSync("/etc", join(rootOf(places, T1), "_diag"));
    expect(readLogSizes(places, T1)).toMatch(/not in folders/);
  });

  it("are unreadable in a root that is none", () => {
    rmSync(rootOf(places, T1), { recursive: true });
    symlinkSync("t-00000001", rootOf(places, T1));
    expect(readLogSizes(places, T1)).toBe("the logs: ELOOP");
    rmSync(rootOf(places, T1));
    writeFileSync(rootOf(places, T1), "");
    expect(typeof readLogSizes(places, T1)).toBe("string");
  });
});
