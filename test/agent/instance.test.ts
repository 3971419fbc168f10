/** The agent's ground on an instance: which one it is, what it proves it by, and what its jobs may see of it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { AccountError, runnerUserOf } from "../../src/agent/ground.ts";
import { instanceGround } from "../../src/agent/instance.ts";
import { InstanceMetadata, MetadataError } from "../../src/agent/instance-metadata.ts";
import { system } from "../../src/agent/system.ts";
import type { InstanceSettings } from "../../src/domain/host/settings.ts";
import { parseControllerId, parsePoolName, parseTicketId } from "../../src/domain/ids.ts";
import { readInstanceIdentity } from "../../src/http/agents/instance-identity.ts";
import { useEc2 } from "../simulator/ec2/simulated-ec2-house.ts";
import { openInstance } from "./instance-stage.ts";
import { startMetadataStandIn } from "./metadata-stand-in.ts";

const house = useEc2();
const TICKET = parseTicketId("t-00000001");
/** Nobody is there. */
const NOWHERE = "http://127.0.0.1:9";
let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "holdfast-instance-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(base, { recursive: true, force: true });
});

function settings(changes: Partial<InstanceSettings> = {}): InstanceSettings {
  return {
    controllerUrl: "http://127.0.0.1:9",
    controllerId: parseControllerId("main"),
    provider: "ec2",
    pool: parsePoolName("linux"),
    directory: join(base, "state"),
    volatileDirectory: join(base, "run"),
    runnerDirectory: "/opt/runner",
    runnerUser: userInfo().username,
    runnerEnvironment: {},
    ...changes,
  };
}

/** Its pauses take no time. */
const quick = { ...system, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };

function groundAt(
  url: string,
  { bootId = "boot-1", ...changes }: Partial<InstanceSettings> & { bootId?: string } = {},
) {
  const metadata = new InstanceMetadata({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url }, quick);
  return instanceGround(settings(changes), { metadata, bootId, system: quick });
}

describe("the ground of an instance", () => {
  it("is the instance that the metadata names, under the name that it would be adopted under", async () => {
    const { id, url } = await openInstance(house);
    const ground = await groundAt(url);
    expect(ground.settings).toMatchObject({
      providerId: id,
      machineId: `m-${id.replace("-", "")}`,
      directory: join(base, "state", id),
      volatileDirectory: join(base, "run"),
    });
  });

  it("does not wait for the metadata a second time in the same boot, and asks again in the next", async () => {
    const { id, url } = await openInstance(house);
    await groundAt(url);
    expect((await groundAt(NOWHERE)).settings.providerId).toBe(id);
    await expect(groundAt(NOWHERE, { bootId: "boot-2" })).rejects.toThrow(MetadataError);
    const other = await openInstance(house);
    expect((await groundAt(other.url, { bootId: "boot-2" })).settings.providerId).toBe(other.id);
  });

  it.each<[string, () => void]>([
    ["a torn file", () => writeFileSync(join(base, "run", "instance.json"), '{"instanceId": "i-0')],
    ["nothing that we wrote", () => writeFileSync(join(base, "run", "instance.json"), "null")],
    ["a folder", () => mkdirSync(join(base, "run", "instance.json"))],
  ])("asks the metadata where the kept answer is %s", async (_name, make) => {
    mkdirSync(join(base, "run"));
    make();
    const { id, url } = await openInstance(house);
    expect((await groundAt(url)).settings.providerId).toBe(id);
  });

  it.each(["../../etc", "i-0123456789abcdef0/x", "", "m-0123456789"])(
    "is none where the metadata says %j",
    async (said) => {
      const metadata = { read: async () => said } as unknown as InstanceMetadata;
      const parts = { metadata, bootId: "boot-1", system: quick };
      await expect(instanceGround(settings(), parts)).rejects.toThrow(/names no instance/);
    },
  );

  it("proves itself by the document that the metadata signs, and by the last one while there is none", async () => {
    const { id, url } = await openInstance(house);
    const { readIdentity } = await groundAt(url);
    const identity = await readIdentity();
    if (identity.kind !== "ec2") throw new Error("an instance proves itself by its document");
    const { region } = house.ec2.options;
    const certificates = [house.ec2.identity.rsaCertificate];
    expect(readInstanceIdentity(identity.document, [{ region, certificates }])).toMatchObject({
      instanceId: id,
      region,
    });
    const away = await groundAt(NOWHERE);
    await expect(away.readIdentity()).rejects.toThrow(MetadataError);
    await house.ec2.close();
    expect(await readIdentity()).toEqual(identity);
  });

  it("closes the metadata to jobs where the instance has no profile, and leaves it open where it has one", async () => {
    const isClosed = async (url: string, bootId: string) => {
      const { runnerHost } = await groundAt(url, { bootId });
      return (await runnerHost.wrap(TICKET)).some((part) => part.startsWith("--property=IPAddressDeny="));
    };
    expect(await isClosed((await openInstance(house)).url, "boot-1")).toBe(true);
    expect(await isClosed((await openInstance(house, { profile: "ci-jobs" })).url, "boot-2")).toBe(false);
  });

  it("powers the machine off where the switch says so, and says where that failed", async () => {
    const { powerOff } = await groundAt((await openInstance(house)).url);
    const told = join(base, "told");
    const systemctl = (code: number) =>
      writeFileSync(join(base, "systemctl"), `#!/bin/sh\necho "$@" > ${told}\nexit ${code}\n`, { mode: 0o755 });
    vi.stubEnv("PATH", `${base}:${process.env.PATH}`);
    systemctl(0);
    powerOff();
    expect(readFileSync(told, "utf8")).toBe("poweroff\n");
    systemctl(1);
    expect(powerOff).toThrow(/powering off ended with 1/);
  });

  it("asks its group only where the settings say that it has one", async () => {
    const metadata = await startMetadataStandIn();
    onTestFinished(() => metadata.close());
    metadata.target = "Standby";
    const groundOf = (provider: "ec2" | "asg") => {
      const of = new InstanceMetadata({ AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url }, quick);
      return instanceGround(settings({ provider }), { metadata: of, bootId: "boot-1", system: quick });
    };
    const member = await groundOf("asg");
    const alone = await groundOf("ec2");
    expect([member.isMember, alone.isMember]).toEqual([true, false]);
    const log = { path: "", write: () => {} };
    const over = new AbortController();
    const untold = alone.watchService(log, () => expect.unreachable(), over.signal);
    const told = await new Promise((resolve) => void member.watchService(log, resolve, over.signal));
    over.abort();
    await untold;
    expect(told).toBe("aside");
  });

  it("runs runners as the user that the settings name, and as nobody where there is no such user", async () => {
    const { url } = await openInstance(house);
    const { runnerHost } = await groundAt(url);
    expect(runnerHost.findOwner()).toMatchObject({ name: userInfo().username, userId: userInfo().uid });
    expect(await runnerHost.wrap(TICKET)).toContain(`--reuid=${userInfo().uid}`);
    const other = await groundAt(url, { runnerUser: "holdfast-nobody-knows" });
    expect(() => other.runnerHost.findOwner()).toThrow(AccountError);
    // What the agent's own user runs is not all a job's.
    for (const host of [runnerHost, other.runnerHost]) expect(runnerUserOf(host)).toEqual({});
    const nobody = (await groundAt(url, { runnerUser: "nobody" })).runnerHost;
    expect(runnerUserOf(nobody)).toEqual({ runnerUserId: nobody.findOwner()?.userId });
    await expect(other.runnerHost.wrap(TICKET)).rejects.toThrow(AccountError);
  });
});
