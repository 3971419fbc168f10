/** What an ending left frozen that was cut off between its freeze and its kill: it goes on, so that it can be ended again. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { linuxProcesses } from "../../../src/adapters/process/linux-processes.ts";
import type { MachineSignal, ProcessTable } from "../../../src/adapters/process/process-table.ts";
import { MARK_VARIABLE } from "../../../src/domain/host/settings.ts";
import { type MachineId, parsePoolName } from "../../../src/domain/ids.ts";
import { AGENTS, waitUntil, Yard } from "./yard.ts";

let yard: Yard;
beforeEach(() => {
  yard = new Yard();
});
afterEach(() => yard.close());

async function launchRunning(): Promise<MachineId> {
  const machineId = yard.newMachine();
  const provider = yard.provider(AGENTS.idle);
  await provider.launch(yard.request(machineId));
  // The launcher and its agent: one that is frozen before it has started its agent has nothing to hang.
  await waitUntil("the agent runs", () => yard.startCount(machineId) === 1);
  return machineId;
}

async function statesOf(machineId: MachineId): Promise<readonly string[]> {
  const stats = (await yard.livingPids(machineId)).map((pid) => readFileSync(`/proc/${pid}/stat`, "utf8"));
  return stats.map((stat) => (/\) T /.test(stat) ? "frozen" : "running"));
}

function untilAll(machineId: MachineId, wanted: string): Promise<void> {
  return waitUntil(`all of ${machineId} is ${wanted}`, async () =>
    (await statesOf(machineId)).every((state) => state === wanted),
  );
}

/** @param onFrozen called instead of the look that follows the freeze. */
function tableThat(onFrozen: () => Promise<never>, sent: MachineSignal[] = []): ProcessTable {
  const real = linuxProcesses(MARK_VARIABLE);
  const isFrozen = () => sent.includes("SIGSTOP");
  let isCut = false;
  return {
    read: () => {
      if (isCut || !isFrozen()) return real.read();
      isCut = true;
      return onFrozen();
    },
    signal: (entry, signal) => {
      sent.push(signal);
      return real.signal(entry, signal);
    },
  };
}

/** As a crash leaves it. */
async function freeze(machineId: MachineId): Promise<void> {
  const cutOff = () => Promise.reject(new Error("cut off"));
  const provider = yard.provider(AGENTS.idle, { processes: tableThat(cutOff) });
  await expect(provider.terminate(yard.permit(machineId))).rejects.toMatchObject({ code: "provider-unavailable" });
  await untilAll(machineId, "frozen");
}

describe("a machine whose ending was cut off", () => {
  it("goes on at the next listing, is no less there, and ends by the next permit", async () => {
    const machineId = await launchRunning();
    await freeze(machineId);
    const next = yard.provider(AGENTS.idle);
    expect(await next.list("all")).toMatchObject([{ machineId, state: "running" }]);
    await untilAll(machineId, "running");
    await next.terminate(yard.permit(machineId));
    expect(await yard.stateOf(next, machineId)).toBe("gone");
  });

  it("is left alone by the provider of another pool, which cannot know whether it is being ended", async () => {
    const machineId = await launchRunning();
    await freeze(machineId);
    const other = yard.provider(AGENTS.idle, { pool: parsePoolName("other") });
    expect(await yard.stateOf(other, machineId)).toBe("running");
    expect(new Set(await statesOf(machineId))).toEqual(new Set(["frozen"]));
  });
});

describe("a machine whose ending was cut off, and whose job spoiled its marks", () => {
  it("goes on by whatever provider sees it", async () => {
    const machineId = await launchRunning();
    writeFileSync(join(yard.folder(machineId), "machine.json"), "spoiled");
    await freeze(machineId);
    await yard.provider(AGENTS.idle, { pool: parsePoolName("other") }).list("all");
    await untilAll(machineId, "running");
  });
});

describe("a listing lets nothing go on", () => {
  it("of a machine that is being ended", async () => {
    const machineId = await launchRunning();
    const sent: MachineSignal[] = [];
    const frozen = Promise.withResolvers<void>();
    const listed = Promise.withResolvers<never>();
    const onFrozen = () => {
      frozen.resolve();
      return listed.promise;
    };
    const provider = yard.provider(AGENTS.idle, { processes: tableThat(onFrozen, sent) });
    const ended = provider.terminate(yard.permit(machineId)).catch((error: unknown) => error);
    await frozen.promise;
    await provider.list("all");
    expect(sent).not.toContain("SIGCONT");
    listed.reject(new Error("cut off"));
    await ended;
    await provider.list("all");
    expect(sent).toContain("SIGCONT");
  });

  it("of a machine that nobody ever began to end", async () => {
    const machineId = await launchRunning();
    for (const pid of await yard.livingPids(machineId)) process.kill(pid, "SIGSTOP");
    await untilAll(machineId, "frozen");
    await yard.provider(AGENTS.idle).list("all");
    expect(new Set(await statesOf(machineId))).toEqual(new Set(["frozen"]));
  });
});
