/** Pools over Auto Scaling groups as they are configured, at a simulated AWS over HTTP by the official clients. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../../src/adapters/system/clock.ts";
import type { PoolConfig } from "../../src/app/config/config.ts";
import { createPoolProvider } from "../../src/app/providers.ts";
import { parseProviderId } from "../../src/domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { newLaunch, permitFor } from "../adapters/ec2/stage.ts";
import { DRAIN, TEMPLATE } from "../simulator/asg/asg-scene.ts";
import { useAsg } from "../simulator/asg/simulated-asg-house.ts";
import { makeFolder, readIn, soundConfig } from "./config/config-folder.ts";

const house = useAsg();
beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIASIMULATED");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "simulated");
});
afterEach(() => vi.unstubAllEnvs());

const AGENTS = "http://127.0.0.1:9";

async function configured(group: string, changes: object = {}) {
  const { aws } = house;
  const provider = {
    kind: "asg",
    region: aws.ec2.options.region,
    group,
    endpoint: aws.endpoint,
    autoScalingEndpoint: aws.endpoint,
    identityCertificateFile: "cert.pem",
    ...changes,
  };
  const written = soundConfig();
  written.pools[0].provider = provider;
  const config = await readIn(makeFolder(), written);
  const [pool] = config.pools;
  if (pool === undefined) throw new Error("the configuration has a pool");
  return { config, pool };
}

function createGroup(name: string): void {
  house.aws.createGroup({ name, launchTemplate: TEMPLATE, maxSize: 4, desired: 1, hooks: [DRAIN] });
}

async function opened(group: string, formers: readonly PoolConfig[] = [], changes: object = {}) {
  const { config, pool } = await configured(group, changes);
  const settled = { config: pool, formers, isDeparted: false, isUnconnected: false };
  const made = await createPoolProvider(settled, config, systemClock(), AGENTS);
  return { ...made, config, pool };
}

describe("a pool over a group", () => {
  it("lists, holds and ends the group's members by the configured addresses", async () => {
    createGroup("runners");
    house.aws.advanceClock(5 * MINUTE_MS);
    const { provider, abilities } = await opened("runners");
    const [member] = await provider.list("all");
    if (member === undefined) throw new Error("the group has a member");
    expect(member).toMatchObject({ state: "running", membership: { place: "serving", departure: "none" } });
    expect(abilities.standby).toBeNull();
    expect(abilities.orders).not.toBeNull();
    await provider.terminate(permitFor(member.providerId, systemClock()));
    house.aws.advanceClock(5 * SECOND_MS);
    expect(await provider.list("all")).toMatchObject([{ membership: { departure: "waits" } }]);
    expect(await abilities.group?.hold(member.providerId)).toMatchObject({ isRetained: false });
  });

  it("drafts no launch where others size the group", async () => {
    createGroup("runners");
    expect((await opened("runners", [], { scaling: "external" })).abilities.orders).toBeNull();
  });

  it("is kept from launching by a group that is not there, and by nothing that may pass", async () => {
    const { provider } = await opened("elsewhere");
    expect(await provider.check()).toEqual([
      {
        severity: "error",
        path: "pools[].provider.group",
        finding: `${house.aws.ec2.options.region} has no Auto Scaling group elsewhere.`,
        mend: "Correct `group` or `region`.",
      },
    ]);
    createGroup("runners");
    const findings = await (await opened("runners")).provider.check();
    expect(findings.filter(({ severity, isOpenQuestion }) => severity === "error" || isOpenQuestion)).toEqual([]);
  });
});

describe("a pool that had another group before", () => {
  it("has the members of both, each where its group says that it is, and holds and ends them there", async () => {
    createGroup("old");
    createGroup("new");
    house.aws.advanceClock(5 * MINUTE_MS);
    const before = await opened("old");
    const [former] = await before.provider.list("all");
    if (former === undefined) throw new Error("the group has a member");
    const { provider, abilities } = await opened("new", [before.pool]);
    const both = await provider.list("all");
    expect(both.map(({ membership }) => membership?.place)).toEqual(["serving", "serving"]);
    await provider.terminate(permitFor(former.providerId, systemClock()));
    house.aws.advanceClock(5 * SECOND_MS);
    const [read] = await provider.list([former.providerId]);
    expect(read).toMatchObject({ state: "running", membership: { departure: "waits" } });
    expect(await abilities.group?.hold(former.providerId)).toMatchObject({ isRetained: false });
    await provider.terminate(permitFor(former.providerId, systemClock()));
    house.aws.advanceClock(5 * MINUTE_MS);
    expect((await provider.list([former.providerId]))[0]?.state).toBe("gone");
    expect(house.aws.group("new").members.size).toBe(1);
  });

  it("has nobody who came to the former one since, but by a row of before", async () => {
    createGroup("old");
    createGroup("new");
    house.aws.advanceClock(5 * MINUTE_MS);
    const [came] = house.aws.group("old").members.keys();
    const { provider } = await opened("new", [(await configured("old")).pool]);
    const listing = await provider.list("all");
    expect(listing.map(({ providerId }) => providerId)).toEqual([...house.aws.group("new").members.keys()]);
    expect(await provider.list([parseProviderId(came ?? "")])).toMatchObject([{ state: "running", needsRow: true }]);
    const [own] = await provider.list(listing.map(({ providerId }) => providerId));
    expect(own?.needsRow).toBeUndefined();
  });

  it("ends nobody whom a person has put into a group of neither, says so, and ends it once it is detached", async () => {
    for (const name of ["old", "new", "others"]) createGroup(name);
    house.aws.advanceClock(5 * MINUTE_MS);
    const before = await opened("old");
    const { provider } = await opened("new", [before.pool]);
    const [member] = await (await opened("others")).provider.list("all");
    if (member === undefined) throw new Error("the group has a member");
    const InstanceIds = [member.providerId];
    const decrement = { InstanceIds, ShouldDecrementDesiredCapacity: true };
    expect(await provider.list(InstanceIds)).toMatchObject([{ state: "running", membership: null }]);
    const end = () => provider.terminate(permitFor(member.providerId, systemClock()));
    await expect(end()).rejects.toThrow("to group others, which no setting of the pool names");
    house.aws.advanceClock(5 * MINUTE_MS);
    expect(await provider.list(InstanceIds)).toMatchObject([{ state: "running" }]);
    house.aws.call("DetachInstances", { AutoScalingGroupName: "others", ...decrement });
    house.aws.advanceClock(5 * MINUTE_MS);
    await end();
    house.aws.advanceClock(5 * MINUTE_MS);
    expect(await provider.list(InstanceIds)).toMatchObject([{ state: "gone" }]);
  });
});

it("settings of before that name the same group share what is known of its launches", async () => {
  createGroup("runners");
  const { pool } = await configured("runners");
  const former: PoolConfig = { ...pool, policy: { ...pool.policy, settingsHash: "of before" } };
  const { abilities } = await opened("runners", [former]);
  await abilities.orders?.draft({ ...newLaunch(1), settingsHash: "of before" });
  const { settingsHash } = pool.policy;
  await expect(abilities.orders?.draft({ ...newLaunch(1), settingsHash })).rejects.toThrow("is still about launch");
});
