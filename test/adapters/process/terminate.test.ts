import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { linuxProcesses } from "../../../src/adapters/process/linux-processes.ts";
import { MARK_VARIABLE } from "../../../src/domain/host/settings.ts";
import type { MachineId } from "../../../src/domain/ids.ts";
import { MachinePermit, PERMIT_LIFE_MS } from "../../../src/domain/permit.ts";
import { AGENTS, isAlive, waitUntil, Yard } from "./yard.ts";

/** Starts a child that says its pid in the yard, ignores SIGTERM and lives on. */
const CHILD = `
  const body = "process.on('SIGTERM', () => {}); require('fs').writeFileSync(process.argv[1], process.pid + '\\\\n'); setTimeout(() => process.exit(), 300_000);";
  const start = (options, name = "child") =>
    spawn(process.execPath, ["-e", body, join(yard, name)], { stdio: "ignore", ...options });
`;

let yard: Yard;
const bystanders: ChildProcess[] = [];
beforeEach(() => {
  yard = new Yard();
});
afterEach(async () => {
  for (const bystander of bystanders.splice(0)) bystander.kill("SIGKILL");
  await yard.close();
});

async function launchRunning(agent: string): Promise<MachineId> {
  const machineId = yard.newMachine();
  const provider = yard.provider(agent);
  await provider.launch(yard.request(machineId));
  await yard.waitForState(provider, machineId, "running");
  return machineId;
}

const stale = expect.objectContaining({ name: "HoldfastError", code: "permit-stale" });

describe("terminate ends", () => {
  it.each([
    ["a child that ignores SIGTERM", `start({}); ${AGENTS.idle}`],
    ["a child in a session of its own", `start({ detached: true }).unref(); ${AGENTS.idle}`],
    ["a child without our mark, by its parent", `start({ env: {} }); ${AGENTS.idle}`],
    [
      "a daemon that left group, session and parents (setsid, two forks)",
      `const between = "const [, body, file] = process.argv; require('child_process').spawn(process.execPath, ['-e', body, file], { detached: true, stdio: 'ignore' }).unref();";
       spawn(process.execPath, ["-e", between, body, join(yard, "child")], { detached: true, stdio: "ignore" });
       ${AGENTS.idle}`,
    ],
  ])("%s", async (_name, agent) => {
    const machineId = await launchRunning(CHILD + agent);
    const childPid = await yard.pidIn("child");
    const provider = yard.provider(AGENTS.idle);
    await provider.terminate(yard.permit(machineId));
    expect(isAlive(childPid)).toBe(false);
    expect(await yard.livingPids()).toEqual([]);
    expect(await yard.stateOf(provider, machineId)).toBe("gone");
    expect(existsSync(join(yard.directory, "shared-memory", "holdfast"))).toBe(false);
    expect(readdirSync(join(yard.folder(machineId), "..", "ending"))).toEqual([]);
  });

  it("what keeps starting more of itself", async () => {
    const machineId = await launchRunning(
      `${CHILD} let count = 0; setInterval(() => { if (count < 40) start({ detached: true, env: {} }, "c" + count++).unref(); }, 5);`,
    );
    await yard.pidIn("c0");
    expect(yard.pidsByCommand().length).toBeGreaterThan(2);
    await yard.provider(AGENTS.idle).terminate(yard.permit(machineId));
    expect(yard.pidsByCommand()).toEqual([]);
  });

  it("nothing else: neither another machine nor a process without our mark", async () => {
    const [ended, kept] = [await launchRunning(AGENTS.idle), await launchRunning(AGENTS.idle)];
    const otherController = { ...process.env, [MARK_VARIABLE]: `other-controller/${ended}` };
    for (const env of [process.env, otherController]) {
      const bystander = spawn(
        process.execPath,
        ["-e", "setInterval(() => {}, 60_000)", `${yard.controllerId}/${ended}`],
        {
          env,
          stdio: "ignore",
        },
      );
      bystanders.push(bystander);
    }
    await waitUntil("both agents run", () => yard.startCount(ended) + yard.startCount(kept) === 2);
    const keptPids = await yard.livingPids(kept);
    expect(keptPids).toHaveLength(2);
    const provider = yard.provider(AGENTS.idle);
    await provider.terminate(yard.permit(ended));
    expect(await yard.stateOf(provider, kept)).toBe("running");
    expect(await yard.livingPids()).toEqual(keptPids);
    for (const { pid } of bystanders) expect(isAlive(pid ?? 0)).toBe(true);
  });

  it("a machine whose folder was removed by hand", async () => {
    const machineId = await launchRunning(AGENTS.idle);
    // What runs there may be writing a file: a folder that is not empty then is tried again.
    rmSync(yard.folder(machineId), { recursive: true, maxRetries: 20, retryDelay: 10 });
    const provider = yard.provider(AGENTS.idle);
    await provider.terminate(yard.permit(machineId));
    expect(await yard.stateOf(provider, machineId)).toBe("gone");
  });
});

describe("terminate", () => {
  it("may be repeated, also for a machine that never was", async () => {
    const machineId = await launchRunning(AGENTS.idle);
    const provider = yard.provider(AGENTS.idle);
    await provider.terminate(yard.permit(machineId));
    await provider.terminate(yard.permit(machineId));
    await provider.terminate(yard.permit(yard.newMachine()));
    expect(await provider.list("all")).toEqual([]);
  });

  it("goes on where a crash left a closed folder, which is listed as dead", async () => {
    const machineId = yard.newMachine();
    const provider = yard.provider(AGENTS.idle);
    mkdirSync(join(yard.folder(machineId), "..", "ending", machineId, "roots"), { recursive: true });
    expect(await provider.list("all")).toMatchObject([{ machineId, state: "dead" }]);
    await provider.terminate(yard.permit(machineId));
    expect(await yard.stateOf(provider, machineId)).toBe("gone");
  });

  it("says so where a process does not end, keeps its folder and touches no other", async () => {
    const machineId = await launchRunning(AGENTS.idle);
    const real = linuxProcesses(MARK_VARIABLE);
    let passedMs = 0;
    const provider = yard.provider(AGENTS.idle, {
      processes: { read: () => real.read(), signal: () => "refused" },
      clock: {
        ...yard.clock,
        monotonicMs: () => passedMs,
        sleep: async (durationMs) => {
          passedMs += durationMs;
        },
      },
    });
    await expect(provider.terminate(yard.permit(machineId))).rejects.toMatchObject({
      code: "provider-unavailable",
      message: expect.stringContaining("still run"),
    });
    expect(existsSync(yard.folder(machineId))).toBe(true);
    expect(await yard.stateOf(yard.provider(AGENTS.idle), machineId)).toBe("running");
  });

  it("removes folders that a job made unwritable, and follows no link out of the machine", async () => {
    const machineId = await launchRunning(AGENTS.idle);
    const outside = join(yard.directory, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "kept"), "");
    mkdirSync(join(yard.folder(machineId), "roots", "module", "cache"), { recursive: true });
    chmodSync(join(yard.folder(machineId), "roots", "module"), 0o555);
    symlinkSync(outside, join(yard.folder(machineId), "roots", "link"));
    await yard.provider(AGENTS.idle).terminate(yard.permit(machineId));
    expect(existsSync(yard.folder(machineId))).toBe(false);
    expect(existsSync(join(outside, "kept"))).toBe(true);
  });
});

describe("terminate takes a permit", () => {
  it("that has not expired", async () => {
    const machineId = await launchRunning(AGENTS.idle);
    const old = yard.permit(machineId, yard.clock.nowMs() - PERMIT_LIFE_MS);
    await expect(yard.provider(AGENTS.idle).terminate(old)).rejects.toEqual(stale);
    expect(await yard.stateOf(yard.provider(AGENTS.idle), machineId)).toBe("running");
  });

  it.each<readonly [string, (real: MachinePermit) => object]>([
    ["a copy", (real) => ({ ...real })],
    ["an object of its prototype", (real) => Object.assign(Object.create(MachinePermit.prototype), { ...real })],
    ["a proxy of one", (real) => new Proxy(real, {})],
  ])("and not %s", async (_name, forge) => {
    const machineId = await launchRunning(AGENTS.idle);
    const forged = forge(yard.permit(machineId)) as MachinePermit;
    await expect(yard.provider(AGENTS.idle).terminate(forged)).rejects.toEqual(stale);
    expect(await yard.stateOf(yard.provider(AGENTS.idle), machineId)).toBe("running");
  });
});
