// What breaks while a fence is closed, with real processes from the launcher to the Worker. Each shows the same: the job that
// GitHub has for this runner ends well, no listener is left suspended, and no process is left in the end.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MARK_VARIABLE } from "../../src/domain/host/settings.ts";
import type { HostReport } from "../../src/domain/protocol.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import type { Trouble } from "./agent-trouble.ts";
import type { Machine } from "./agent-yard.ts";
import { FaultScene, NO_ROOM } from "./fault-scene.ts";
import { isOfSlowness } from "./slow-refusals.ts";

/** Twice what the watchdog waits: the product's own time, which is what is tried here. */
const PAUSED_MS = 10_000;
const TEST_MS = 240_000;
const PYTHON = "/usr/bin/env";

let github: SimulatedGitHub;
const machines: Machine[] = [];

beforeAll(async () => {
  github = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 1_000 });
});

afterAll(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.clear()));
  await github.close();
}, 60_000);

/** The trouble has come: the listener is suspended, the look was clean, nothing is decided. */
async function struck(trouble: Trouble): Promise<FaultScene> {
  const scene = await FaultScene.begin(github, machines, trouble);
  await scene.struck();
  return scene;
}

function script(scene: FaultScene, text: string): string {
  const path = join(scene.machine.settings.directory, "roots", scene.ticket.id, "Runner.Worker");
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}

/** A signal to pid 0 would be one to all that this test runs in. */
function pidOf({ pid, spawnfile }: ChildProcess): number {
  if (pid === undefined) throw new Error(`${spawnfile} could not be started`);
  return pid;
}

function start(scene: FaultScene, command: string, args: readonly string[]): number {
  const env = { PATH: process.env.PATH, [MARK_VARIABLE]: scene.machine.mark };
  return pidOf(spawn(command, args, { env, stdio: "ignore" }));
}

/** Node cannot end its first thread and live on: this one test has a peer in Python, where there is one. */
const HAS_PYTHON = spawnSync(PYTHON, ["python3", "--version"]).status === 0;

/** A program in Python whose first thread ends at once, and whose second does not. */
const HALF_DEAD = `#!/usr/bin/env python3
import ctypes, platform, threading, time
libc = ctypes.CDLL(None)
libc.prctl(15, b"Runner.Worker", 0, 0, 0)
threading.Thread(target=lambda: time.sleep(300)).start()
libc.syscall(93 if platform.machine() == "aarch64" else 60, 0)
`;

describe.concurrent("while a fence is closed", () => {
  it(
    "the agent is paused for 10 s between look and kill: it wakes up, has lost the claim, and does nothing",
    async () => {
      const scene = await struck("agent-stopped");
      const [agent, listener] = [await scene.agent(), await scene.listener()];
      const jobId = scene.queue("true");
      await scene.eventually("an agent that stands still", () => scene.isStopped(agent));
      await sleep(PAUSED_MS);
      // The watchdog resumed it: its job is run while the agent still stands.
      expect(scene.isStopped(agent)).toBe(true);
      expect(scene.isStopped(listener)).toBe(false);
      process.kill(agent, "SIGCONT");
      await scene.succeeds(jobId);
      expect(await scene.end()).toEqual({ kind: "spent" });
      expect(scene.machine.written()).toMatch(/"the fence is open","claim":"kill","outcome":"resumed"/);
      await scene.leave();
    },
    TEST_MS,
  );

  it(
    "the agent is killed: its watchdog resumes the listener, and the next agent takes it over",
    async () => {
      const scene = await struck("agent-killed");
      const jobId = scene.queue("true");
      await scene.succeeds(jobId);
      expect(await scene.end()).toEqual({ kind: "spent" });
      expect(scene.machine.journal().map(({ kind }) => kind)).not.toContain("fencing");
      await scene.leave();
    },
    TEST_MS,
  );

  it(
    "the watchdog is killed: nothing is killed without it, and the listener goes on",
    async () => {
      const scene = await struck("watchdog-killed");
      expect((await scene.refusal()).why).toMatch(/opened again before the kill/);
      const jobId = scene.queue("true");
      await scene.succeeds(jobId);
      expect(await scene.end()).toEqual({ kind: "spent" });
      await scene.leave();
    },
    TEST_MS,
  );

  it(
    "the disk is full: what cannot be journalled is not done, and the listener goes on",
    async () => {
      const scene = await struck("disk-full");
      const jobId = scene.queue("true");
      await scene.succeeds(jobId);
      expect(await scene.end()).toEqual({ kind: "spent" });
      expect(scene.machine.journal().map(({ kind }) => kind)).not.toContain("fencing");
      expect(scene.machine.written().split('"agent starts"')).toHaveLength(3);
      await scene.leave();
    },
    TEST_MS,
  );

  it(
    "the disk is full where the runner writes: an assignment would not show, so nothing is killed",
    async () => {
      const scene = await FaultScene.begin(github, machines, "no-room");
      expect((await scene.refusal()).why).toBe(NO_ROOM);
      const jobId = scene.queue("true");
      await scene.succeeds(jobId);
      expect(await scene.end()).toEqual({ kind: "spent" });
      await scene.leave();
    },
    TEST_MS,
  );

  it(
    "the machine as a whole is paused for 10 s",
    async () => {
      // Its watchdog stands still before the agent does: on a slow machine it would be gone before anybody could look for it.
      const scene = await struck("agent-and-watchdog-stopped");
      const agent = await scene.agent();
      const watchdog = await scene.eventually("a watchdog", () => scene.watchdog());
      const listener = await scene.listener();
      const everybody = [pidOf(scene.launcher), watchdog, listener, agent];
      for (const pid of everybody) process.kill(pid, "SIGSTOP");
      const jobId = scene.queue("true");
      await sleep(PAUSED_MS);
      for (const pid of everybody) process.kill(pid, "SIGCONT");
      const done = scene.succeeds(jobId);
      const end = await scene.end();
      // Whoever wakes first wins; a job that was not acquired goes to the next ticket.
      expect(["spent", "handed-back"]).toContain(end.kind);
      if (end.kind === "handed-back") await scene.offerAnother();
      await done;
      await scene.leave();
    },
    TEST_MS,
  );

  it(
    "the log cannot be read: the order is refused, and its job runs to the end",
    async () => {
      const scene = await FaultScene.begin(github, machines, null);
      const folder = join(scene.machine.settings.directory, "roots", scene.ticket.id, "_diag");
      const log = join(folder, readdirSync(folder).find((name) => name.startsWith("Runner_")) ?? "");
      renameSync(log, `${log}.moved`);
      mkdirSync(log);
      scene.order((refusal) => !isOfSlowness(refusal));
      expect((await scene.refusal()).why).toMatch(/could not be read: Runner_.*not a regular file/);
      expect(
        (await scene.until("an unknown host", ({ sighting }) => sighting.kind === "unknown")).ticket,
      ).not.toBeNull();
      const jobId = scene.queue("sleep 2");
      await scene.succeeds(jobId);
      expect(await scene.end()).toEqual({ kind: "spent" });
      await scene.leave();
    },
    TEST_MS,
  );

  it(
    "a Worker is a zombie: it does not count, and the ticket is handed back",
    async () => {
      const scene = await FaultScene.begin(github, machines, null);
      const worker = script(scene, "#!/bin/sh\nexit 0\n");
      start(scene, "/bin/sh", ["-c", `"${worker}" & exec sleep 300`]);
      await scene.eventually("its end", () => github && scene.machine.marked("worker").length === 0);
      scene.order(() => false);
      expect(await scene.end()).toEqual({ kind: "handed-back" });
      await scene.offerAnother();
      const jobId = scene.queue("true");
      await scene.succeeds(jobId);
      await scene.leave();
    },
    TEST_MS,
  );

  // Skipped: without Python on the machine there is no process to look at.
  it.skipIf(!HAS_PYTHON)(
    "a Worker's first thread is a zombie while another lives: it counts, and nothing is stopped",
    async () => {
      const scene = await FaultScene.begin(github, machines, null);
      const worker = start(scene, PYTHON, ["python3", script(scene, HALF_DEAD)]);
      await scene.until("a Worker", ({ sighting }) => sighting.kind === "seen" && sighting.workerCount === 1);
      scene.order((refusal) => !isOfSlowness(refusal));
      expect((await scene.refusal()).why).toBe("a Worker runs");
      expect(scene.machine.written()).not.toContain("the fence is closed");
      const jobId = scene.queue("true");
      await scene.succeeds(jobId);
      process.kill(worker, "SIGKILL");
      expect(await scene.end()).toEqual({ kind: "spent" });
      await scene.leave();
    },
    TEST_MS,
  );
});

describe.concurrent("a job that stands still", () => {
  it(
    "is told of after a quarter of an hour of the agent's time, with its logs saved",
    async () => {
      const scene = await FaultScene.begin(github, machines, "clock-quick", { renewIntervalMs: 3_600_000 });
      const gate = join(scene.base, "gate");
      spawnSync("/usr/bin/mkfifo", [gate]);
      const jobId = scene.queue(`read line < ${gate}`);
      const moving = await scene.until("a running ticket", ({ ticket }) => ticket?.step === "running");
      expect(moving.stillness).toMatchObject({ areLogsSaved: false });
      const still = { isLeaseOld: true, isWorkerStill: true, areLogsSaved: true };
      const isStill = ({ stillness }: HostReport) => JSON.stringify(stillness) === JSON.stringify(still);
      await scene.until("stillness", isStill);
      const saved = scene.machine.controller.logs.at(-1);
      expect(saved?.ticketId).toBe(scene.ticket.id);
      expect(saved?.logs.map(({ name }) => name.replace(/_.*/, ""))).toContain("Worker");
      writeFileSync(gate, "go\n");
      await scene.succeeds(jobId);
      expect(await scene.end()).toEqual({ kind: "spent" });
      await scene.leave();
    },
    TEST_MS,
  );
});
