import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProcessProvider } from "../../../src/adapters/process/provider.ts";
import type { Vantage } from "../../../src/adapters/process/vantage.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { parseControllerId, parseLaunchId, parseMachineId, parseProviderId } from "../../../src/domain/ids.ts";
import { issuePermit } from "../../../src/domain/permit.ts";
import type { Provider } from "../../../src/ports/provider.ts";
import { createRunnerFolder } from "../../../src/simulator/runner/folder.ts";
import { epoch, machine, poolName } from "../../domain/builders.ts";

const HERE: Vantage = { host: "host-a", boot: "boot-1", processNamespace: "pid:[1]", user: "1000" };
const MACHINE = parseMachineId("m-vantage000001");
const ID = parseProviderId(MACHINE);

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-vantage-"));
  createRunnerFolder(join(directory, "runner"));
  // A launcher that ends before it claims anything: the machine's folder is there, and no process.
  writeFileSync(join(directory, "launcher.mjs"), "");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function providerFrom(vantage: Partial<Vantage>): Provider {
  return createProcessProvider({
    controllerId: parseControllerId("vantage-test"),
    pool: poolName(),
    workDirectory: join(directory, "machines"),
    runnerDirectory: join(directory, "runner"),
    runnerEnvironment: {},
    controllerUrl: "http://127.0.0.1:1",
    clock: systemClock(),
    launcherFile: join(directory, "launcher.mjs"),
    sharedMemory: join(directory, "shared-memory"),
    vantage: async () => ({ ...HERE, ...vantage }),
  });
}

const launch = (provider: Provider) =>
  provider.launch({
    launchId: parseLaunchId("l-vantage0001"),
    pool: poolName(),
    settingsHash: "settings",
    machines: [{ machineId: MACHINE, identitySecret: "secret" }],
  });

/** Its launcher may not have ended yet. */
async function isThere(provider: Provider): Promise<boolean> {
  const [observed] = await provider.list([ID]);
  return observed?.state === "starting" || observed?.state === "running";
}

function permitToEnd() {
  const nowMs = systemClock().nowMs();
  const state = {
    kind: "retiring",
    providerId: ID,
    stage: "terminating",
    reason: "operator-forced",
    heardSequence: 0,
    sinceMs: nowMs,
  } as const;
  const decision = issuePermit({
    kind: "end-machine",
    machine: { ...machine(), id: MACHINE, state },
    tickets: [],
    proof: { kind: "forced", operator: "test", reason: "test" },
    epoch: epoch(),
    time: { heardSinceMs: nowMs, nowMs },
  });
  if (decision.kind === "refused") throw new Error(decision.missing.join());
  return decision.permit;
}

describe("machines that were started from elsewhere", () => {
  const ELSEWHERE: readonly (readonly [name: string, vantage: Partial<Vantage>])[] = [
    ["another process namespace", { processNamespace: "pid:[2]" }],
    ["another user", { user: "0" }],
    ["another host", { host: "host-b" }],
    ["another host after a boot", { host: "host-b", boot: "boot-2" }],
  ];

  it.each(ELSEWHERE)("are not judged, ended or joined by others from %s", async (_name, vantage) => {
    await launch(providerFrom({}));
    const elsewhere = providerFrom(vantage);
    const unavailable = expect.objectContaining({ code: "provider-unavailable" });
    await expect(elsewhere.list("all")).rejects.toEqual(unavailable);
    await expect(elsewhere.list([ID])).rejects.toEqual(unavailable);
    await expect(elsewhere.terminate(permitToEnd())).rejects.toEqual(unavailable);
    await expect(launch(elsewhere)).rejects.toEqual(unavailable);
    expect(await isThere(providerFrom({}))).toBe(true);
  });

  it("are judged from a later boot of the same host, whose processes are new", async () => {
    await launch(providerFrom({}));
    const later = providerFrom({ boot: "boot-2", processNamespace: "pid:[7]" });
    expect(await isThere(later)).toBe(true);
  });

  it("bind nobody once they are gone", async () => {
    await launch(providerFrom({}));
    await providerFrom({}).terminate(permitToEnd());
    const elsewhere = providerFrom({ processNamespace: "pid:[2]" });
    expect((await elsewhere.list([ID])).map((one) => one.state)).toEqual(["gone"]);
    expect(await launch(elsewhere)).toHaveLength(1);
  });
});
