/** The world's EC2 by what it adds to a cloud: calls of its own, errors by their codes, and hosts that follow instances. */
import { describe, expect, it } from "vitest";
import { parseProviderId } from "../../../src/domain/ids.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Ec2ErrorCode } from "../../../src/simulator/ec2/errors.ts";
import { makeEc2Port } from "../../../src/simulator/provider/ec2-port.ts";
import type { Fault } from "../../../src/simulator/scenario/fault.ts";
import { machineId, poolName } from "../../domain/builders.ts";
import { end, IdleHost, launchOne, listing, makeScene, OURS, type ProviderScene, request } from "./provider-scene.ts";

const code = (name: string) => expect.objectContaining({ code: name });

function error(on: "launch" | "list" | "terminate", name: Ec2ErrorCode, effect: "none" | "done" = "none"): Fault {
  return { kind: "ec2.error", on, code: name, effect, probability: 1 };
}

/** Every call by its name, in order. */
function withLine(scene: ProviderScene): { readonly calls: string[]; readonly provider: ProviderScene["provider"] } {
  const calls: string[] = [];
  const provider = scene.model.forPool(OURS, poolName(), undefined, async (operation, effect) => {
    calls.push(operation);
    return effect();
  });
  return { calls, provider };
}

describe("a launch", () => {
  it("is one call with one token, by its id as a fleet or as one type, and is repeated as it was", async () => {
    const scene = makeScene("ec2");
    const { calls, provider } = withLine(scene);
    for (const launch of [1, 2, 1, 2]) await provider.launch(request(launch, 3));
    expect(calls).toEqual(["CreateFleet", "RunInstances", "CreateFleet", "RunInstances"]);
    expect(scene.model.startedCount).toBe(6);
  });

  it("binds instances to machines in the same order every time, and each host to its machine's identity", async () => {
    const scene = makeScene("ec2");
    const launched = await scene.provider.launch(request(1, 3));
    expect(launched.map((one) => one.machineId)).toEqual([100, 101, 102].map(machineId));
    for (const { machineId: id, providerId } of launched)
      expect(scene.born.find((birth) => birth.providerId === providerId)).toMatchObject({
        machineId: id,
        identitySecret: `secret of ${id}`,
      });
    await scene.pass(MINUTE_MS);
    // A call gives the same tags to all that it starts: which is which the store knows.
    expect(await listing(scene)).toEqual(Array.from({ length: 3 }, () => "null l-00000001 linux running"));
  });

  it("reads by its tag what was started under a token that another request has", async () => {
    const scene = makeScene("ec2");
    const launched = await scene.provider.launch(request(1, 3));
    const again = await scene.provider.launch(request(1, 2));
    expect(again.map(({ providerId }) => providerId)).toEqual(launched.slice(0, 2).map(({ providerId }) => providerId));
    await expect(scene.provider.launch(request(1, 4))).rejects.toEqual(code("provider-unavailable"));
    expect(scene.model.startedCount).toBe(3);
  });

  it.each<[Ec2ErrorCode, string]>([
    ["InsufficientInstanceCapacity", "provider-capacity"],
    ["VcpuLimitExceeded", "provider-capacity"],
    ["RequestLimitExceeded", "provider-unavailable"],
    ["InternalError", "provider-unavailable"],
    ["InvalidAMIID.NotFound", "provider-invalid"],
    ["UnauthorizedOperation", "provider-invalid"],
    ["IdempotentParameterMismatch", "provider-unavailable"],
  ])("that ends with %s is %s", async (name, as) => {
    for (const launch of [1, 2]) {
      const scene = makeScene("ec2", [error("launch", name)]);
      await expect(scene.provider.launch(request(launch, 1))).rejects.toEqual(code(as));
      expect(scene.model.startedCount).toBe(0);
      expect(scene.faults.get("ec2.error")).toBe(1);
      scene.stopFaults();
      await launchOne(scene, launch);
    }
  });

  it("that took effect before its error starts once", async () => {
    const scene = makeScene("ec2", [error("launch", "InternalError", "done")]);
    await expect(scene.provider.launch(request(1, 2))).rejects.toEqual(code("provider-unavailable"));
    await expect(scene.provider.launch(request(1, 2))).rejects.toEqual(code("provider-unavailable"));
    scene.stopFaults();
    expect(await scene.provider.launch(request(1, 2))).toHaveLength(2);
    expect(scene.model.startedCount).toBe(2);
  });

  it("finds half of a quota in each market", async () => {
    const scene = makeScene("ec2", [{ kind: "provider.quota", machines: 4 }]);
    await scene.provider.launch(request(1, 2));
    await expect(scene.provider.launch(request(3, 1))).rejects.toThrow("MaxSpotInstanceCountExceeded");
    await scene.provider.launch(request(2, 2));
    await expect(scene.provider.launch(request(4, 1))).rejects.toThrow("VcpuLimitExceeded");
    expect(scene.model.hosts.size).toBe(4);
  });
});

describe("a reading", () => {
  it("takes ids that EC2 does not know out, and asks for the others again", async () => {
    const scene = makeScene("ec2");
    const { providerId } = await launchOne(scene);
    const unknown = ["i-0123456789abcdef0", "i-0123456789abcdef1"].map(parseProviderId);
    const { calls, provider } = withLine(scene);
    const states = (await provider.list([...unknown, providerId])).map(({ state }) => state);
    expect(states).toEqual(["not-found", "not-found", "starting"]);
    expect(calls).toEqual(["DescribeInstances", "DescribeInstances"]);
  });

  it("that fails is no empty one, neither ours nor a baseline's", async () => {
    const scene = makeScene("ec2", [error("list", "Unavailable")]);
    await expect(scene.provider.list("all")).rejects.toEqual(code("provider-unavailable"));
    expect(() => scene.model.listTagged("fleet", "other")).toThrow(code("provider-unavailable"));
  });

  it("takes no id out for another refusal that names it", async () => {
    const id = parseProviderId("i-0123456789abcdef0");
    const message = `You are not authorized to perform this operation on instance/${id}`;
    const port = makeEc2Port({
      controllerId: OURS,
      pool: poolName(),
      nowMs: () => 0,
      call: async () => ({ kind: "refused", code: "UnauthorizedOperation", message }),
      announce: () => {},
    });
    await expect(port.list([id])).rejects.toEqual(code("provider-unavailable"));
  });

  it("shows the last state for a while where states lag", async () => {
    const scene = makeScene("ec2", [{ kind: "ec2.state-lag", lagMs: [HOUR_MS, HOUR_MS] }]);
    await launchOne(scene);
    await scene.pass(MINUTE_MS);
    expect((await listing(scene)).map((line) => line.split(" ").at(-1))).toEqual(["starting"]);
    scene.stopFaults();
    expect((await listing(scene)).map((line) => line.split(" ").at(-1))).toEqual(["running"]);
  });
});

describe("an ending", () => {
  it("is dead first, then gone, and after an hour not found", async () => {
    const scene = makeScene("ec2");
    const launched = await launchOne(scene);
    await end(scene, launched);
    expect(await scene.stateOf(launched.providerId)).toBe("dead");
    await scene.pass(2 * MINUTE_MS);
    expect(await scene.stateOf(launched.providerId)).toBe("gone");
    await scene.pass(HOUR_MS);
    expect(await scene.stateOf(launched.providerId)).toBe("not-found");
    await end(scene, launched);
  });

  it("that failed ended nothing, or did", async () => {
    for (const effect of ["none", "done"] as const) {
      const scene = makeScene("ec2", [error("terminate", "InternalError", effect)]);
      const launched = await launchOne(scene);
      await expect(end(scene, launched)).rejects.toEqual(code("provider-unavailable"));
      expect(scene.model.hosts.size).toBe(effect === "done" ? 0 : 1);
    }
  });

  it("has its own cause, whatever was asked for before in vain", async () => {
    const scene = makeScene("ec2", [{ kind: "provider.terminate-does-not-take", probability: 1 }]);
    const { providerId } = await launchOne(scene, 1);
    await end(scene, { providerId });
    expect(scene.model.hosts.size).toBe(1);
    scene.model.reclaim(providerId, "provider.reclaim");
    await scene.pass(3 * MINUTE_MS);
    expect(scene.hostOf(providerId).endedBy).toEqual({ by: "fault", kind: "provider.reclaim" });
  });
});

describe("an instance", () => {
  it("whose host powers itself off shuts down and is paid for no more", async () => {
    const scene = makeScene("ec2");
    const { providerId } = await launchOne(scene);
    await scene.pass(MINUTE_MS);
    scene.hostOf(providerId).birth.onGone();
    expect(await scene.stateOf(providerId)).toBe("dead");
    await scene.pass(HOUR_MS);
    expect(scene.model.hosts.size).toBe(0);
    expect(scene.model.paidMs()).toBe(MINUTE_MS);
  });

  it("that fails out of pending takes its host with it", async () => {
    const scene = makeScene("ec2", [{ kind: "ec2.pending-fails", perMachine: 1 }]);
    const { providerId } = await launchOne(scene);
    await scene.pass(10 * SECOND_MS);
    expect(scene.hostOf(providerId).endedBy).toEqual({ by: "fault", kind: "ec2.pending-fails" });
    expect(await scene.stateOf(providerId)).toBe("gone");
    expect(scene.faults.get("ec2.pending-fails")).toBe(1);
  });
});

it("refuses every call while it throttles, and none between", async () => {
  const scene = makeScene("ec2", [{ kind: "ec2.throttled", everyMs: HOUR_MS, forMs: [MINUTE_MS, MINUTE_MS] }]);
  let refusedCount = 0;
  for (let minute = 0; minute < 400; minute += 1) {
    await scene.pass(MINUTE_MS);
    await scene.provider.list("all").catch(() => {
      refusedCount += 1;
    });
  }
  expect(scene.faults.get("ec2.throttled")).toBeGreaterThan(2);
  expect(refusedCount).toBeGreaterThan(1);
  expect(refusedCount).toBeLessThan(40);
});

it("starts a baseline's machine on spot first, and on demand behind it", () => {
  const scene = makeScene("ec2", [{ kind: "provider.quota", machines: 2 }]);
  const start = () =>
    scene.model.start({ fleet: "other" }, (providerId, onGone, bootMs) => new IdleHost({ providerId, onGone, bootMs }));
  const ids = [start(), start(), start()];
  expect(ids[2]).toBeNull();
  expect(scene.model.hosts.size).toBe(2);
  expect(scene.model.listTagged("fleet", "other").map(({ providerId }) => providerId)).toEqual(ids.slice(0, 2));
});
