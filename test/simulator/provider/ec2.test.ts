/** The world's EC2 by what it adds to a cloud: calls of its own, errors by their codes, and hosts that follow instances. */
import { describe, expect, it } from "vitest";
import { ProviderError } from "../../../src/domain/errors.ts";
import { type LeaseEpoch, parseProviderId } from "../../../src/domain/ids.ts";
import { invariant } from "../../../src/domain/invariant.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Ec2ErrorCode } from "../../../src/simulator/ec2/errors.ts";
import { makeEc2Port } from "../../../src/simulator/provider/ec2-port.ts";
import type { Ec2ErrorPlace, Fault } from "../../../src/simulator/scenario/fault.ts";
import { machineId, poolName } from "../../domain/builders.ts";
import {
  end,
  IdleHost,
  launchOne,
  listing,
  makeScene,
  OURS,
  type ProviderScene,
  permit,
  request,
} from "./provider-scene.ts";

const code = (name: string) => expect.objectContaining({ code: name });

function error(on: Ec2ErrorPlace, name: Ec2ErrorCode, effect: "none" | "done" = "none"): Fault {
  return { kind: "ec2.error", on, code: name, effect, probability: 1 };
}

/** Every call by its name, in order. */
function withLine(scene: ProviderScene): { readonly calls: string[]; readonly provider: ProviderScene["provider"] } {
  const calls: string[] = [];
  const provider = scene.portOf(OURS, poolName(), {
    line: async (operation, effect) => {
      calls.push(operation);
      return effect();
    },
  });
  return { calls, provider };
}

describe("a launch", () => {
  it("is one call with one token, for spot while it has room and for on-demand behind it, and is repeated as it was", async () => {
    const scene = makeScene("ec2", [{ kind: "provider.quota", machines: 6 }]);
    const { calls, provider } = withLine(scene);
    await provider.launch(request(1, 3));
    const refused = expect.objectContaining({ code: "provider-quota", retryAfterMs: 0 });
    await expect(provider.launch(request(2, 3))).rejects.toEqual(refused);
    await provider.launch(request(3, 3));
    for (const launch of [1, 3]) expect(await provider.launch(request(launch, 3))).toHaveLength(3);
    expect(calls).toEqual(["CreateFleet", "CreateFleet", "RunInstances", "CreateFleet", "RunInstances"]);
    expect(scene.model.startedCount).toBe(6);
  });

  it("of which a part has room starts that part, on either market, and says no more of the rest", async () => {
    const scene = makeScene("ec2", [{ kind: "provider.quota", machines: 4 }]);
    expect(await scene.provider.launch(request(1, 3))).toHaveLength(2);
    expect(await scene.provider.launch(request(2, 3))).toHaveLength(2);
    expect(await scene.provider.launch(request(1, 3))).toHaveLength(2);
    expect(scene.model.startedCount).toBe(4);
    expect(scene.born.map(({ machineId: id }) => id).sort()).toEqual([100, 101, 200, 201].map(machineId));
  });

  it("is not asked for in what rests, until the rest is over", async () => {
    const scene = makeScene("ec2", [{ kind: "provider.quota", machines: 2 }]);
    const { calls, provider } = withLine(scene);
    await provider.launch(request(1, 2));
    await provider.launch(request(2, 2));
    for (const launch of [3, 4])
      await expect(provider.launch(request(launch, 1))).rejects.toEqual(code("provider-quota"));
    expect(calls).toEqual(["CreateFleet", "RunInstances", "RunInstances"]);
    expect(provider.orders?.readObstacles()).toEqual([
      "spot rests: MaxSpotInstanceCountExceeded",
      "on-demand rests: VcpuLimitExceeded",
    ]);
    await scene.pass(2 * MINUTE_MS);
    expect(provider.orders?.readObstacles()).toEqual([]);
    await expect(provider.launch(request(5, 1))).rejects.toEqual(code("provider-quota"));
    expect(calls.slice(3)).toEqual(["CreateFleet"]);
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

  it("reads by its tag what was started under a token that another request has, once no listing can lag", async () => {
    const scene = makeScene("ec2");
    const launched = await scene.provider.launch(request(1, 3));
    const again = await scene.provider.launch(request(1, 2));
    expect(again.map(({ providerId }) => providerId)).toEqual(launched.slice(0, 2).map(({ providerId }) => providerId));
    await expect(scene.provider.launch(request(1, 4))).rejects.toEqual(code("provider-unavailable"));
    await scene.pass(5 * MINUTE_MS);
    expect(await scene.provider.launch(request(1, 4))).toHaveLength(3);
    expect(scene.model.startedCount).toBe(3);
  });

  it.each<[Ec2ErrorCode, string]>([
    ["InsufficientInstanceCapacity", "provider-capacity"],
    ["VcpuLimitExceeded", "provider-quota"],
    ["RequestLimitExceeded", "provider-unavailable"],
    ["InternalError", "provider-unavailable"],
    ["InvalidAMIID.NotFound", "provider-invalid"],
    ["UnauthorizedOperation", "provider-invalid"],
    ["IdempotentParameterMismatch", "provider-unavailable"],
  ])("that ends with %s is %s", async (name, as) => {
    const scene = makeScene("ec2", [error("launch", name)]);
    await expect(scene.provider.launch(request(1, 1))).rejects.toEqual(code(as));
    expect(scene.model.startedCount).toBe(0);
    expect(scene.faults.get("ec2.error")).toBe(1);
    scene.stopFaults();
    await scene.pass(5 * MINUTE_MS);
    // What was read by its tag, and is not there, was never started.
    expect(await scene.provider.launch(request(1, 1))).toHaveLength(name === "IdempotentParameterMismatch" ? 0 : 1);
  });

  it("that is refused is read by its tag where an earlier call may have taken, and is refused at once where none may", async () => {
    const calls: string[] = [];
    const portAfter = (isHeard: boolean) =>
      makeEc2Port({
        controllerId: OURS,
        pool: poolName(),
        nowMs: () => 0,
        call: async (action) => {
          calls.push(action);
          if (action === "DescribeInstances") return { kind: "answered", answer: { Reservations: [] } };
          if (!isHeard && calls.length === 1) throw new ProviderError("provider-unavailable", "nobody heard of it");
          return { kind: "refused", code: "InvalidParameter", message: "" };
        },
        monotonicMs: () => 0,
        markets: ["on-demand"],
        announce: () => {},
      });
    const launchTwice = async (isHeard: boolean, epochs: readonly [number, number]) => {
      calls.length = 0;
      const port = portAfter(isHeard);
      const tenures = epochs.map((epoch) => ({ epoch: epoch as LeaseEpoch, others: [], leftMs: () => MINUTE_MS }));
      const order = (await port.orders?.draft(request(1, 1), tenures[0])) ?? null;
      const codes: string[] = [];
      for (const tenure of isHeard ? tenures.slice(1) : tenures)
        await port.launch({ ...request(1, 1), order }, tenure).catch((error: ProviderError) => codes.push(error.code));
      return [...codes, ...calls];
    };
    const read = ["provider-unavailable", "RunInstances", "DescribeInstances"];
    expect(await launchTwice(false, [1, 1])).toEqual(["provider-unavailable", ...read.toSpliced(1, 0, "RunInstances")]);
    expect(await launchTwice(true, [1, 2])).toEqual(read);
    expect(await launchTwice(true, [1, 1])).toEqual(["provider-invalid", "RunInstances"]);
  });

  it("that took effect before its error starts once", async () => {
    const scene = makeScene("ec2", [error("launch", "InternalError", "done")]);
    await expect(scene.provider.launch(request(1, 2))).rejects.toEqual(code("provider-unavailable"));
    await expect(scene.provider.launch(request(1, 2))).rejects.toEqual(code("provider-unavailable"));
    scene.stopFaults();
    expect(await scene.provider.launch(request(1, 2))).toHaveLength(2);
    expect(scene.model.startedCount).toBe(2);
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
      monotonicMs: () => 0,
      markets: ["spot"],
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

describe("a machine that waits stopped", () => {
  async function stopped(faults: readonly Fault[] = []) {
    const scene = makeScene("ec2", faults);
    const provider = scene.portOf(OURS, poolName("standby"));
    const [launched] = await provider.launch(request(1, 1, { pool: poolName("standby") }));
    invariant(launched !== undefined, "a launch of one gives one");
    await scene.pass(MINUTE_MS);
    await provider.standby?.stop(permit(scene, launched));
    return { scene, provider, launched };
  }

  it("is on demand, runs nothing, is there and is not paid for", async () => {
    const { scene, launched } = await stopped();
    expect(scene.hostOf(launched.providerId).endedBy).toEqual({ by: "controller", proof: "forced" });
    expect(await scene.stateOf(launched.providerId)).toBe("running");
    await scene.pass(MINUTE_MS);
    expect(await scene.stateOf(launched.providerId)).toBe("stopped");
    expect(scene.model.hosts.size).toBe(0);
    expect(scene.model.stoppedIds).toEqual([launched.providerId]);
    expect(scene.model.paidMs()).toBe(MINUTE_MS);
  });

  it("boots again where it is started, as the machine that it was", async () => {
    const { scene, provider, launched } = await stopped();
    await scene.pass(MINUTE_MS);
    await provider.standby?.start(launched.providerId);
    expect(scene.born.map(({ machineId: id }) => id)).toEqual([launched.machineId, launched.machineId]);
    expect(scene.model.startedCount).toBe(1);
    expect(scene.model.hosts.size).toBe(1);
    expect(scene.model.stoppedIds).toEqual([]);
    await end(scene, launched);
    expect(scene.model.hosts.size).toBe(0);
  });

  it("stays stopped where there is no room, and ends all the same", async () => {
    const { scene, provider, launched } = await stopped([error("start", "InsufficientInstanceCapacity")]);
    await scene.pass(MINUTE_MS);
    await expect(provider.standby?.start(launched.providerId)).rejects.toEqual(code("provider-capacity"));
    expect(await scene.stateOf(launched.providerId)).toBe("stopped");
    await end(scene, launched);
    expect(await scene.stateOf(launched.providerId)).toBe("dead");
    expect(scene.model.stoppedIds).toEqual([]);
  });

  it("cannot be one on spot", async () => {
    const scene = makeScene("ec2");
    const launched = await launchOne(scene);
    await scene.pass(MINUTE_MS);
    await expect(scene.provider.standby?.stop(permit(scene, launched))).rejects.toEqual(code("provider-invalid"));
    expect(scene.model.hosts.size).toBe(1);
  });
});

describe("spot", () => {
  it("takes its instances back now and then, after its notice or without one, and no others", async () => {
    const scene = makeScene("ec2", [{ kind: "provider.reclaim", everyMs: 10 * MINUTE_MS }]);
    const onDemand = scene.portOf(OURS, poolName("standby"));
    await onDemand.launch(request(1, 2, { pool: poolName("standby") }));
    await scene.provider.launch(request(2, 40));
    await scene.pass(6 * HOUR_MS);
    const ended = scene.born
      .map(({ providerId }) => scene.hostOf(providerId))
      .filter(({ endedBy }) => endedBy !== null);
    expect(ended.length).toBeGreaterThan(10);
    for (const { endedBy } of ended) expect(endedBy).toEqual({ by: "fault", kind: "provider.reclaim" });
    expect(new Set(ended.map(({ isWantedBack }) => isWantedBack))).toEqual(new Set([true, false]));
    for (const { providerId } of scene.born.slice(0, 2)) expect(scene.hostOf(providerId).endedBy).toBeNull();
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

it("has a quota for each pool: of the markets that it is started in", () => {
  const quotasOf = (faults: readonly Fault[]) => {
    const { model } = makeScene("ec2", faults);
    return [poolName(), poolName("standby")].map((name) => model.quotaOf?.(name));
  };
  expect(quotasOf([{ kind: "provider.quota", machines: 5 }])).toEqual([5, 2]);
  expect(quotasOf([])).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
});
