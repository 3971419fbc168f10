/** The adapter by the official clients, against the simulator's own Auto Scaling over HTTP: what the group then does. */
import { describe, expect, it, vi } from "vitest";
import { type AsgProvider, createAsgProvider } from "../../../src/adapters/asg/provider.ts";
import type { AsgSettings } from "../../../src/adapters/asg/settings.ts";
import type { ProviderId } from "../../../src/domain/ids.ts";
import type { ObservedMachine } from "../../../src/domain/observed.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Hold, LaunchRequest } from "../../../src/ports/provider.ts";
import type { GroupSetup } from "../../../src/simulator/asg/create.ts";
import { DRAIN, GROUP, TEMPLATE } from "../../simulator/asg/asg-scene.ts";
import { useAsg } from "../../simulator/asg/simulated-asg-house.ts";
import { newLaunch, permitFor } from "../ec2/stage.ts";
import { OWNER, settingsOf } from "./stage.ts";

/** What is waited for comes sooner, however slow the machine; past it something hangs. */
const HANG_MS = 20_000;

const house = useAsg();

interface Yard {
  readonly provider: AsgProvider;
  readonly clock: Clock;
  pass(durationMs: number): void;
  /** Sets our wall clock, and nobody else's. */
  setClock(byMs: number): void;
  restarted(): AsgProvider;
}

/** Its members are in service, and time passes only where it is told to, or slept. */
function yard(setup: Partial<GroupSetup> = {}, changes: Partial<AsgSettings> = {}): Yard {
  const { aws } = house;
  const group = { name: GROUP, launchTemplate: TEMPLATE, maxSize: 5, hooks: [DRAIN], isNewProtected: true } as const;
  aws.createGroup({ ...group, suspended: ["AZRebalance"], ...setup });
  let passedMs = 0;
  let wrongByMs = 0;
  const pass = (durationMs: number) => {
    passedMs += durationMs;
    aws.advanceClock(durationMs);
  };
  const clock: Clock = {
    nowMs: () => Date.now() + passedMs + wrongByMs,
    monotonicMs: () => passedMs,
    sleep: async (durationMs) => pass(durationMs),
  };
  const { endpoint } = aws;
  const settings = settingsOf({
    group: GROUP,
    region: aws.ec2.options.region,
    endpoint,
    autoScalingEndpoint: endpoint,
    ...changes,
  });
  const credentials = { accessKeyId: "AKIASIMULATED", secretAccessKey: "simulated" };
  const open = () =>
    createAsgProvider({ ...OWNER, settings, clock, machineCountMax: 5, isObserving: false, credentials });
  pass(5 * MINUTE_MS);
  const setClock = (byMs: number) => {
    wrongByMs += byMs;
  };
  return { provider: open(), clock, pass, setClock, restarted: open };
}

async function launched(provider: AsgProvider, request: LaunchRequest): Promise<readonly ProviderId[]> {
  const order = (await provider.orders?.draft(request)) ?? null;
  return (await provider.launch({ ...request, order })).map(({ providerId }) => providerId);
}

const places = (listing: readonly ObservedMachine[]) =>
  listing.map(({ state, membership }) => `${state} ${membership?.place} ${membership?.departure}`);

async function firstOf({ provider }: Yard): Promise<ProviderId> {
  const [first] = await provider.list("all");
  if (first === undefined) throw new Error("the group has a member");
  return first.providerId;
}

const stateOf = (id: string) => house.aws.member(id)?.state ?? null;

describe("a group over the wire", () => {
  it("starts what is asked for, shows it on its way, and ends it with its wish", async () => {
    const made = yard();
    await made.provider.list("all");
    const ids = await launched(made.provider, newLaunch(2));
    expect(ids).toHaveLength(2);
    made.pass(5 * MINUTE_MS);
    const listing = await made.provider.list("all");
    expect(places(listing)).toEqual(["running serving none", "running serving none"]);
    expect(listing.every(({ newcomerSinceMs }) => typeof newcomerSinceMs === "number")).toBe(true);
    for (const id of ids) await made.provider.terminate(permitFor(id, made.clock));
    made.pass(10 * SECOND_MS);
    expect(places(await made.provider.list("all"))).toEqual(["running serving waits", "running serving waits"]);
    for (const id of ids) await made.provider.terminate(permitFor(id, made.clock));
    made.pass(10 * MINUTE_MS);
    expect((await made.provider.list(ids)).map(({ state }) => state)).toEqual(["gone", "gone"]);
    expect(house.aws.group(GROUP)).toMatchObject({ desired: 0 });
  });

  it.each([HOUR_MS, -HOUR_MS])(
    "knows who came by AWS's clock, though ours is set by %i ms in between",
    async (byMs) => {
      const made = yard({ desired: 1 });
      await made.provider.list("all");
      made.setClock(byMs);
      made.pass(MINUTE_MS);
      house.aws.call("SetDesiredCapacity", { AutoScalingGroupName: GROUP, DesiredCapacity: 2 });
      made.pass(MINUTE_MS);
      const sinceMs = (await made.provider.list("all")).map(({ newcomerSinceMs = null }) => newcomerSinceMs);
      expect(sinceMs.filter((one) => one === null)).toHaveLength(1);
      expect(made.clock.nowMs() - (sinceMs.find((one) => one !== null) ?? 0)).toBeLessThan(2 * MINUTE_MS);
    },
  );

  it("finds by its marks who was detached, and ends it as an instance", async () => {
    const made = yard({ desired: 1 });
    const id = await firstOf(made);
    house.aws.call("DetachInstances", {
      AutoScalingGroupName: GROUP,
      InstanceIds: [id],
      ShouldDecrementDesiredCapacity: true,
    });
    made.pass(5 * MINUTE_MS);
    const [left] = await made.provider.list("all");
    expect(left).toMatchObject({ providerId: id, state: "running", pool: OWNER.pool });
    expect(left?.membership ?? null).toBeNull();
    await made.provider.terminate(permitFor(id, made.clock));
    made.pass(5 * MINUTE_MS);
    expect((await made.provider.list([id]))[0]?.state).toBe("gone");
  });

  it("is held for a job of 21,000 s by a heartbeat at each quarter of the hook's timeout, and then let go", async () => {
    const made = yard({ desired: 1 });
    const id = await firstOf(made);
    house.aws.call("TerminateInstanceInAutoScalingGroup", { InstanceId: id, ShouldDecrementDesiredCapacity: true });
    made.pass(5 * SECOND_MS);
    const sinceMs = made.clock.nowMs();
    let hold: Hold | null | undefined = null;
    // Since when it waits comes over the wire, and the clock of this test does not wait for that.
    await vi.waitUntil(
      async () => {
        hold = await made.provider.group?.hold(id);
        return hold?.forMs === 30 * MINUTE_MS;
      },
      { timeout: HANG_MS },
    );
    hold = await made.provider.group?.hold(id);
    expect((hold?.untilMs ?? 0) - (hold?.sinceMs ?? 0)).toBe(48 * HOUR_MS);
    expect(Math.abs((hold?.sinceMs ?? 0) - sinceMs)).toBeLessThan(MINUTE_MS);
    for (let passedMs = 0; passedMs < 21_000 * SECOND_MS; passedMs += 7.5 * MINUTE_MS) {
      made.pass(7.5 * MINUTE_MS);
      hold = await made.provider.group?.hold(id);
      expect(hold).not.toBeNull();
    }
    expect(stateOf(id)).toBe("Terminating:Wait");
    await made.provider.terminate(permitFor(id, made.clock));
    made.pass(5 * MINUTE_MS);
    expect(await made.provider.group?.hold(id)).toBeNull();
    expect((await made.provider.list([id]))[0]?.state).toBe("gone");
  });

  it("has a member held by Auto Scaling alone, while EC2 refuses everything", async () => {
    const made = yard({ desired: 1 });
    const id = await firstOf(made);
    house.aws.call("TerminateInstanceInAutoScalingGroup", { InstanceId: id, ShouldDecrementDesiredCapacity: true });
    made.pass(5 * SECOND_MS);
    house.aws.ec2.injectFault("any", { kind: "error", code: "RequestLimitExceeded", effect: "none" }, 1_000);
    await expect(made.provider.list("all")).rejects.toMatchObject({ code: "provider-unavailable" });
    for (let passedMs = 0; passedMs < 2 * HOUR_MS; passedMs += 7.5 * MINUTE_MS) {
      expect(await made.provider.group?.listHeldUp()).toMatchObject([{ providerId: id }]);
      expect(await made.provider.group?.hold(id)).not.toBeNull();
      made.pass(7.5 * MINUTE_MS);
    }
    expect(stateOf(id)).toBe("Terminating:Wait");
  });

  it("keeps a member that nobody held for 45 minutes where it retains, and lets go of it when told", async () => {
    const made = yard({ desired: 1, retention: "retain" });
    const id = await firstOf(made);
    house.aws.call("TerminateInstanceInAutoScalingGroup", { InstanceId: id, ShouldDecrementDesiredCapacity: true });
    made.pass(45 * MINUTE_MS);
    const provider = made.restarted();
    expect(places(await provider.list("all"))).toEqual(["running serving retained"]);
    expect(await provider.group?.hold(id)).toBeNull();
    await provider.terminate(permitFor(id, made.clock));
    made.pass(5 * MINUTE_MS);
    expect((await provider.list([id]))[0]?.state).toBe("gone");
  });

  it("has its reserve shown, drawn by a launch, and trimmed with a word", async () => {
    const made = yard({ warmPool: { minSize: 1, poolState: "Stopped", maxPreparedCount: 2 } });
    made.pass(30 * MINUTE_MS);
    const waiting = await made.provider.list("all");
    expect(waiting.length).toBeGreaterThan(0);
    expect(new Set(places(waiting))).toEqual(new Set(["stopped reserve none"]));
    const [drawn] = await launched(made.provider, newLaunch(1));
    expect(waiting.map(({ providerId }) => providerId)).toContain(drawn);
    house.aws.changeGroup(GROUP, {
      warmPool: { minSize: 0, maxPreparedCount: 0, poolState: "Stopped", isReusedOnScaleIn: false },
    });
    made.pass(10 * SECOND_MS);
    const trimmed = (await made.provider.list("all")).filter(({ membership }) => membership?.departure === "waits");
    for (const { providerId, membership } of trimmed) {
      expect(membership?.place).toBe("reserve");
      await made.provider.terminate(permitFor(providerId, made.clock));
    }
    made.pass(10 * MINUTE_MS);
    for (const { providerId } of trimmed) expect(stateOf(providerId)).toBeNull();
  });

  it("without hooks is asked for nothing, and has nothing held", async () => {
    const made = yard({ desired: 1, hooks: [] });
    const id = await firstOf(made);
    house.aws.call("TerminateInstanceInAutoScalingGroup", { InstanceId: id, ShouldDecrementDesiredCapacity: true });
    expect(await made.provider.group?.hold(id)).toBeNull();
    expect(house.aws.calls()).not.toHaveProperty("RecordLifecycleActionHeartbeat");
  });

  it("at its minimum ends a member and starts another", async () => {
    const made = yard({ desired: 1, minSize: 1 });
    const id = await firstOf(made);
    expect(made.provider.group?.readMinimumCount()).toBe(1);
    await made.provider.terminate(permitFor(id, made.clock));
    expect(house.aws.group(GROUP).desired).toBe(1);
  });

  it.each(["Throttling", "ResourceContention", "InternalFailure", "ScalingActivityInProgress"] as const)(
    "that refuses by %s is asked again, and starts nobody twice",
    async (code) => {
      const made = yard();
      const request = newLaunch(2);
      const order = (await made.provider.orders?.draft(request)) ?? null;
      house.aws.injectFault("SetDesiredCapacity", { kind: "error", code, effect: "none" });
      await expect(made.provider.launch({ ...request, order })).rejects.toMatchObject({ code: "provider-unavailable" });
      expect(await made.provider.launch({ ...request, order })).toHaveLength(2);
      made.pass(5 * MINUTE_MS);
      expect(house.aws.group(GROUP).desired).toBe(2);
    },
  );
});
