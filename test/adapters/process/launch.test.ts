import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseSettings } from "../../../src/agent/settings.ts";
import type { MachineId } from "../../../src/domain/ids.ts";
import { AGENTS, waitUntil, Yard } from "./yard.ts";

let yard: Yard;
beforeEach(() => {
  yard = new Yard();
});
afterEach(() => yard.close());

async function waitForStart(machineId: MachineId): Promise<void> {
  await waitUntil("the agent starts", () => yard.startCount(machineId) > 0);
}

const code = (expected: string) => expect.objectContaining({ name: "ProviderError", code: expected });

describe("a launch", () => {
  it("answers with the machines, and their agents find settings, identity and mark", async () => {
    const [one, other] = [yard.newMachine(), yard.newMachine()];
    const provider = yard.provider(
      `writeFileSync(join(yard, machine + ".env"), JSON.stringify(process.env) + "\\n"); ${AGENTS.idle}`,
    );
    expect(await provider.launch(yard.request(one, other))).toEqual([
      { machineId: one, providerId: one },
      { machineId: other, providerId: other },
    ]);
    await waitForStart(other);
    await waitForStart(one);
    const settings = parseSettings(JSON.parse(readFileSync(join(yard.folder(one), "agent.json"), "utf8")));
    if ("provider" in settings) throw new Error("the settings are not a process machine's");
    expect(settings).toMatchObject({ machineId: one, providerId: one, runnerEnvironment: { GREETING: "hello" } });
    expect(statSync(settings.volatileDirectory).isDirectory()).toBe(true);
    expect(readFileSync(settings.identityFile, "utf8")).toBe(`secret of ${one}`);
    expect(statSync(settings.identityFile).mode & 0o777).toBe(0o600);
    expect(statSync(yard.folder(one)).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await yard.lineIn(`${one}.env`))).toMatchObject({
      HOLDFAST_MACHINE: `${yard.controllerId}/${one}`,
      HOLDFAST_AGENT_SETTINGS: join(yard.folder(one), "agent.json"),
    });
  });

  it("outlives the one that started it: session and output are its own", async () => {
    const machineId = yard.newMachine();
    await yard.provider(AGENTS.idle).launch(yard.request(machineId));
    await waitForStart(machineId);
    const launcherPid = readFileSync(join(yard.folder(machineId), "started"), "utf8").trim();
    const afterName = readFileSync(`/proc/${launcherPid}/stat`, "utf8").split(") ")[1]?.split(" ");
    expect(afterName?.[3]).toBe(launcherPid);
  });
});

describe("the identical launch again", () => {
  type Row = readonly [crashed: string, arrange: (machineId: MachineId) => Promise<void> | void];

  const write = (machineId: MachineId, name: string, text = "half") =>
    writeFileSync(join(yard.folder(machineId), name), text);
  const rows: readonly Row[] = [
    ["before the folder", () => {}],
    ["between folder and files", (id) => void mkdirSync(yard.folder(id), { recursive: true })],
    [
      "in the middle of a file",
      (id) => {
        mkdirSync(yard.folder(id), { recursive: true });
        write(id, "identity.1-1");
      },
    ],
    [
      "before the last file",
      async (id) => {
        await yard.provider(AGENTS.idle, { launcherFile: yard.noLauncher }).launch(yard.request(id));
        await yard.waitForState(yard.provider(AGENTS.idle), id, "starting");
        rmSync(join(yard.folder(id), "machine.json"));
        write(id, "identity");
      },
    ],
    [
      "before the launcher's first act",
      async (id) => {
        await yard.provider(AGENTS.idle, { launcherFile: yard.noLauncher }).launch(yard.request(id));
      },
    ],
    [
      "before the answer",
      async (id) => {
        await yard.provider(AGENTS.idle).launch(yard.request(id));
        await waitForStart(id);
      },
    ],
  ];

  it.each(rows)("starts the machine once after a crash %s", async (_crashed, arrange) => {
    const machineId = yard.newMachine();
    await arrange(machineId);
    const provider = yard.provider(AGENTS.idle);
    expect(await provider.launch(yard.request(machineId))).toEqual([{ machineId, providerId: machineId }]);
    await waitForStart(machineId);
    await provider.launch(yard.request(machineId));
    // A second launcher has ended by the time that the machine consists of its launcher and its agent alone.
    await waitUntil("launcher and agent are left", async () => (await yard.livingPids()).length === 2);
    expect(yard.startCount(machineId)).toBe(1);
    expect(readFileSync(join(yard.folder(machineId), "identity"), "utf8")).toBe(`secret of ${machineId}`);
  });

  it("starts nothing for a machine that has ended by itself", async () => {
    const machineId = yard.newMachine();
    const provider = yard.provider(AGENTS.over);
    await provider.launch(yard.request(machineId));
    await yard.waitForState(provider, machineId, "dead");
    expect(await provider.launch(yard.request(machineId))).toHaveLength(1);
    expect(await yard.stateOf(provider, machineId)).toBe("dead");
    expect(yard.startCount(machineId)).toBe(1);
  });

  it("starts nothing for a machine that was terminated", async () => {
    const machineId = yard.newMachine();
    const provider = yard.provider(AGENTS.idle);
    await provider.launch(yard.request(machineId));
    await waitForStart(machineId);
    await provider.terminate(yard.permit(machineId));
    expect(await provider.launch(yard.request(machineId))).toHaveLength(1);
    expect(await yard.stateOf(provider, machineId)).toBe("gone");
    expect(yard.startCount(machineId)).toBe(1);
  });

  it("starts each machine once when two calls run at the same time", async () => {
    const machineIds = Array.from({ length: 4 }, () => yard.newMachine());
    const providers = [yard.provider(AGENTS.idle), yard.provider(AGENTS.idle)];
    const answers = await Promise.all(providers.map((provider) => provider.launch(yard.request(...machineIds))));
    expect(answers[0]).toEqual(answers[1]);
    for (const machineId of machineIds) await waitForStart(machineId);
    await waitUntil("the second launchers end", async () => (await yard.livingPids()).length === 2 * 4);
    expect(machineIds.map((machineId) => yard.startCount(machineId))).toEqual([1, 1, 1, 1]);
  });
});

describe("a runner directory that cannot be used", () => {
  it.each([
    ["is absent", () => rmSync(join(yard.directory, "runner"), { recursive: true })],
    ["has no listener", () => rmSync(join(yard.directory, "runner", "bin", "Runner.Listener"))],
    [
      "has one that is not executable",
      () => chmodSync(join(yard.directory, "runner", "bin", "Runner.Listener"), 0o644),
    ],
  ])("%s: refused before anything is there", async (_name, spoil) => {
    spoil();
    const machineId = yard.newMachine();
    const provider = yard.provider(AGENTS.idle);
    await expect(provider.launch(yard.request(machineId))).rejects.toEqual(code("provider-invalid"));
    expect(await provider.list("all")).toEqual([]);
    expect(await yard.stateOf(provider, machineId)).toBe("gone");
    expect(await provider.check()).toMatchObject([{ severity: "error", path: "pools[].runner.directory" }]);
  });

  it("is no positive refusal where an earlier call may have started something", async () => {
    const [one, other] = [yard.newMachine(), yard.newMachine()];
    const provider = yard.provider(AGENTS.idle);
    await provider.launch(yard.request(one));
    rmSync(join(yard.directory, "runner"), { recursive: true });
    await expect(provider.launch(yard.request(one, other))).rejects.toEqual(code("provider-unavailable"));
    await yard.waitForState(provider, one, "running");
  });
});

describe("check", () => {
  it("finds nothing where a launch would work, and makes nothing", async () => {
    expect(await yard.provider(AGENTS.idle).check()).toEqual([]);
    expect(existsSync(join(yard.directory, "machines"))).toBe(false);
  });

  it("finds a work directory that is a file, and a process table that is unreadable", async () => {
    writeFileSync(join(yard.directory, "file"), "");
    const provider = yard.provider(AGENTS.idle, {
      workDirectory: join(yard.directory, "file"),
      processes: { read: () => Promise.reject(new Error("no /proc")), signal: () => "refused" },
    });
    expect((await provider.check()).map(({ path }) => path)).toEqual([
      "pools[].provider.workDirectory",
      "pools[].provider",
    ]);
  });
});
