import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ownLauncher } from "../../../src/adapters/process/options.ts";
import type { ProcessEntry, ProcessTable } from "../../../src/adapters/process/process-table.ts";
import { type MachineId, parsePoolName, parseProviderId } from "../../../src/domain/ids.ts";
import { AGENTS, waitUntil, Yard } from "./yard.ts";

let yard: Yard;
beforeEach(() => {
  yard = new Yard();
});
afterEach(() => yard.close());

const unavailable = expect.objectContaining({ name: "ProviderError", code: "provider-unavailable" });

async function launchRunning(agent: string = AGENTS.idle): Promise<MachineId> {
  const machineId = yard.newMachine();
  const provider = yard.provider(agent);
  await provider.launch(yard.request(machineId));
  // Its launcher alone is "running" too, and would end where its folder goes before it has claimed it.
  await waitUntil("the agent starts", () => yard.startCount(machineId) > 0);
  return machineId;
}

/** A table that shows these processes at each of its reads, the last one from then on. */
function scriptedTable(...reads: readonly (readonly ProcessEntry[] | Error)[]): ProcessTable & { readCount: number } {
  return {
    readCount: 0,
    async read() {
      const shown = reads[Math.min(this.readCount, reads.length - 1)] ?? [];
      this.readCount += 1;
      if (shown instanceof Error) throw shown;
      return shown;
    },
    signal: () => "ended",
  };
}

function processOf(machineId: MachineId): ProcessEntry {
  return { pid: 5000, parentPid: 1, sessionId: 5000, startedAt: 1, mark: `${yard.controllerId}/${machineId}` };
}

/** A machine whose launcher and agent came and went. */
async function launchAndEnd(): Promise<MachineId> {
  const machineId = yard.newMachine();
  const provider = yard.provider(AGENTS.over);
  await provider.launch(yard.request(machineId));
  await yard.waitForState(provider, machineId, "dead");
  return machineId;
}

describe("a machine is listed", () => {
  it("as starting until its launcher claims it, with the marks of its launch", async () => {
    const machineId = yard.newMachine();
    const provider = yard.provider(AGENTS.idle, { launcherFile: yard.noLauncher });
    await provider.launch(yard.request(machineId));
    await yard.waitForState(provider, machineId, "starting");
    expect(await provider.list("all")).toEqual([
      {
        providerId: machineId,
        machineId,
        launchId: yard.launchId,
        pool: yard.pool,
        state: "starting",
        observedAtMs: expect.any(Number),
      },
    ]);
  });

  it("as running, then as dead once its agent said that all is over, then as gone once ended", async () => {
    const machineId = yard.newMachine();
    const provider = yard.provider(
      `import { existsSync } from "node:fs"; setInterval(() => { if (existsSync(join(yard, "over"))) process.exit(0); }, 10);`,
    );
    await provider.launch(yard.request(machineId));
    await yard.waitForState(provider, machineId, "running");
    writeFileSync(join(yard.directory, "over"), "");
    await yard.waitForState(provider, machineId, "dead");
    expect(await provider.list("all")).toMatchObject([{ machineId, state: "dead" }]);
    await provider.terminate(yard.permit(machineId));
    expect(await yard.stateOf(provider, machineId)).toBe("gone");
    expect(await provider.list("all")).toEqual([]);
  });

  it("as running while only a process is left that left its group, session and parents", async () => {
    const machineId = yard.newMachine();
    const provider = yard.provider(`
      const daemon = "require('fs').writeFileSync(process.argv[1], process.pid + '\\\\n'); setTimeout(() => process.exit(), 300_000);";
      const between = "require('child_process').spawn(process.execPath, ['-e', process.argv[1], process.argv[2]], { detached: true, stdio: 'ignore' }).unref();";
      const child = spawn(process.execPath, ["-e", between, daemon, join(yard, "daemon")], { detached: true, stdio: "ignore" });
      child.on("exit", () => process.exit(0));
    `);
    await provider.launch(yard.request(machineId));
    const daemonPid = await yard.pidIn("daemon");
    await expect.poll(() => yard.livingPids(), { timeout: 10_000 }).toEqual([daemonPid]);
    expect(await yard.stateOf(provider, machineId)).toBe("running");
  });

  it("as running where its folder was removed by hand, by the provider of every pool", async () => {
    const machineId = await launchRunning();
    rmSync(yard.folder(machineId), { recursive: true, maxRetries: 20, retryDelay: 10 });
    const other = yard.provider(AGENTS.idle, { pool: parsePoolName("other") });
    for (const provider of [yard.provider(AGENTS.idle), other]) {
      expect(await provider.list("all")).toMatchObject([{ machineId, launchId: null, pool: null, state: "running" }]);
      expect(await yard.stateOf(provider, machineId)).toBe("running");
    }
  });

  it("no more where its folder was removed before its launcher claimed it: that launcher ends", async () => {
    const machineId = yard.newMachine();
    const held = join(yard.directory, "held-launcher.mjs");
    const launcher = JSON.stringify(ownLauncher());
    writeFileSync(
      held,
      `import { existsSync } from "node:fs";
       const timer = setInterval(() => { if (existsSync(${JSON.stringify(join(yard.directory, "go"))})) { clearInterval(timer); void import(${launcher}); } }, 5);`,
    );
    const provider = yard.provider(AGENTS.idle, { launcherFile: held });
    await provider.launch(yard.request(machineId));
    await yard.waitForState(provider, machineId, "running");
    rmSync(yard.folder(machineId), { recursive: true, maxRetries: 20, retryDelay: 10 });
    writeFileSync(join(yard.directory, "go"), "");
    await yard.waitForState(provider, machineId, "gone");
    expect(yard.startCount(machineId)).toBe(0);
  });

  it("only by the provider of its pool, but by its id by every one", async () => {
    const machineId = await launchRunning();
    const other = yard.provider(AGENTS.idle, { pool: parsePoolName("other") });
    expect(await other.list("all")).toEqual([]);
    expect(await yard.stateOf(other, machineId)).toBe("running");
  });

  it.each([
    ["text that is no JSON", (path: string) => writeFileSync(path, "{")],
    ["another machine's marks", (path: string) => writeFileSync(path, '{"controllerId":"x","machineId":"m-00000001"}')],
    ["a pipe that nobody writes to", (path: string) => void execFileSync("mkfifo", [path])],
    ["a folder", (path: string) => mkdirSync(path)],
  ])("without marks where a job made machine.json %s", async (_name, spoil) => {
    const machineId = await launchRunning();
    const path = join(yard.folder(machineId), "machine.json");
    rmSync(path);
    spoil(path);
    expect(await yard.provider(AGENTS.idle).list("all")).toMatchObject([{ machineId, pool: null, state: "running" }]);
  });
});

describe("dead and gone", () => {
  it("take two looks that agree", async () => {
    const machineId = await launchAndEnd();
    const seenLate = scriptedTable([], [processOf(machineId)]);
    const providerSeeingLate = yard.provider(AGENTS.idle, { processes: seenLate });
    expect(await yard.stateOf(providerSeeingLate, machineId)).toBe("running");
    expect(seenLate.readCount).toBe(2);
    const never = scriptedTable([]);
    expect(await yard.stateOf(yard.provider(AGENTS.idle, { processes: never }), machineId)).toBe("dead");
    expect(never.readCount).toBe(2);
    const absent = yard.newMachine();
    const appearing = scriptedTable([], [processOf(absent)]);
    expect(await yard.stateOf(yard.provider(AGENTS.idle, { processes: appearing }), absent)).toBe("running");
  });

  it("are not said of a machine that was launched while the processes were read", async () => {
    const machineId = yard.newMachine();
    const table = scriptedTable([]);
    const launching: ProcessTable = {
      ...table,
      async read() {
        await yard.provider(AGENTS.over).launch(yard.request(machineId));
        return [];
      },
    };
    expect(await yard.stateOf(yard.provider(AGENTS.idle, { processes: launching }), machineId)).toBe("starting");
  });

  it("are not said where the second look fails", async () => {
    const machineId = await launchAndEnd();
    const provider = yard.provider(AGENTS.idle, { processes: scriptedTable([], new Error("EIO")) });
    await expect(provider.list([parseProviderId(machineId)])).rejects.toEqual(unavailable);
  });
});

describe("a listing", () => {
  it("is empty where the work directory does not exist", async () => {
    expect(await yard.provider(AGENTS.idle).list("all")).toEqual([]);
    expect(await yard.stateOf(yard.provider(AGENTS.idle), yard.newMachine())).toBe("gone");
  });

  it("is an error where the work directory cannot be read", async () => {
    mkdirSync(join(yard.directory, "odd"));
    writeFileSync(join(yard.directory, "odd", yard.controllerId), "not a folder");
    const provider = yard.provider(AGENTS.idle, { workDirectory: join(yard.directory, "odd") });
    await expect(provider.list("all")).rejects.toEqual(unavailable);
    await expect(provider.list([parseProviderId(yard.newMachine())])).rejects.toEqual(unavailable);
  });

  it("is an error where what was written of the vantage makes no sense", async () => {
    const machineId = await launchAndEnd();
    writeFileSync(join(yard.folder(machineId), "..", "vantage.json"), "{");
    const provider = yard.provider(AGENTS.idle);
    await expect(provider.list("all")).rejects.toEqual(unavailable);
    await expect(provider.terminate(yard.permit(machineId))).rejects.toEqual(unavailable);
    rmSync(join(yard.folder(machineId), "..", "vantage.json"));
  });

  it("is an error where the process table cannot be read", async () => {
    const provider = yard.provider(AGENTS.idle, { processes: scriptedTable(new Error("EACCES")) });
    await expect(provider.list("all")).rejects.toEqual(unavailable);
  });

  it("says nothing of another provider's id, least of all that it is gone", async () => {
    const provider = yard.provider(AGENTS.idle);
    await expect(provider.list([parseProviderId("i-0abc1234")])).rejects.toEqual(unavailable);
    await expect(provider.list([parseProviderId("ending")])).rejects.toEqual(unavailable);
  });
});
