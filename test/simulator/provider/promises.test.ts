import { describe, expect, it } from "vitest";
import { parseProviderId } from "../../../src/domain/ids.ts";
import { PERMIT_LIFE_MS } from "../../../src/domain/permit.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { machineId, poolName } from "../../domain/builders.ts";
import {
  brief,
  end,
  launchOne,
  listing,
  MODELLED_PORTS,
  makeScene,
  OURS,
  otherController,
  permit,
  request,
  START_MS,
} from "./provider-scene.ts";

const code = (name: string) => expect.objectContaining({ code: name });

describe.each(MODELLED_PORTS)("a launch at a %s", (kind) => {
  it("starts each machine once, with its marks and its identity, however often it is repeated", async () => {
    const scene = makeScene(kind);
    const launched = await scene.provider.launch(request(1, 3));
    await scene.pass(MINUTE_MS);
    expect(await scene.provider.launch(request(1, 3))).toEqual(launched);
    expect(launched.map((machine) => machine.machineId)).toEqual([100, 101, 102].map(machineId));
    expect(scene.born.map(({ identitySecret }) => identitySecret)).toEqual(
      [100, 101, 102].map((number) => `secret of ${machineId(number)}`),
    );
    expect(await listing(scene)).toEqual(
      // At EC2 a call gives the same tags to all that it starts.
      [100, 101, 102].map((number) => `${kind === "ec2" ? null : machineId(number)} l-00000001 linux running`),
    );
    expect(scene.started).toEqual(launched.map(({ providerId }) => providerId));
    expect(scene.model.startedCount).toBe(3);
  });

  it("returns the same machines after their end, and starts none again", async () => {
    const scene = makeScene(kind);
    const launched = await launchOne(scene);
    await end(scene, launched);
    await scene.pass(2 * HOUR_MS);
    expect(await scene.provider.launch(request(1, 1))).toEqual([launched]);
    expect(scene.model.startedCount).toBe(1);
    expect(scene.model.hosts.size).toBe(0);
  });
});

describe.each(["cloud", "process"] as const)("a launch at a %s", (kind) => {
  it("is repeated by a store that was restored, which says that its machines may have ended", async () => {
    const scene = makeScene(kind);
    const launched = await scene.provider.launch(request(1, 2));
    const { machines, ...launch } = request(1, 2);
    const again = { ...launch, machines: machines.map((machine) => ({ ...machine, mayHaveEnded: true })) };
    expect(await scene.provider.launch(again)).toEqual(launched);
    expect(scene.model.startedCount).toBe(2);
  });

  it("refuses a changed request under a known id", async () => {
    const scene = makeScene(kind);
    await scene.provider.launch(request(1, 2));
    await expect(scene.provider.launch(request(1, 3))).rejects.toEqual(code("provider-invalid"));
    await expect(scene.provider.launch(request(1, 2, { settingsHash: "other" }))).rejects.toEqual(
      code("provider-invalid"),
    );
    expect(scene.model.startedCount).toBe(2);
  });
});

describe.each(MODELLED_PORTS)("a listing at a %s", (kind) => {
  it("shows what carries this controller's id and this pool, and nothing else", async () => {
    const scene = makeScene(kind);
    await launchOne(scene, 1);
    const windows = scene.portOf(OURS, poolName("windows"));
    await windows.launch(request(2, 1, { pool: poolName("windows") }));
    const theirs = scene.portOf(otherController(), poolName());
    await theirs.launch(request(3, 1));
    await scene.pass(MINUTE_MS);
    expect(await listing(scene)).toEqual([`${machineId(100)} l-00000001 linux running`]);
    expect(await listing(scene, windows)).toEqual([`${machineId(200)} l-00000002 windows running`]);
    expect(await listing(scene, theirs)).toEqual([`${machineId(300)} l-00000003 linux running`]);
  });

  it("answers one entry for each id, in their order, and stamps them by the asker's clock", async () => {
    const scene = makeScene(kind);
    const first = await launchOne(scene, 1);
    const second = await launchOne(scene, 2);
    await scene.pass(MINUTE_MS);
    const stepped = scene.portOf(OURS, poolName(), { nowMs: () => 5 });
    const unknown = parseProviderId(kind === "process" ? "m-unknown00" : "i-0123456789abcdef0");
    const answers = await stepped.list([second.providerId, unknown, first.providerId]);
    const unknownState = kind === "process" ? "gone" : "not-found";
    expect(answers.map(({ providerId, state }) => [providerId, state])).toEqual([
      [second.providerId, "running"],
      [unknown, unknownState],
      [first.providerId, "running"],
    ]);
    expect(answers.map(({ observedAtMs }) => observedAtMs)).toEqual([5, 5, 5]);
  });

  it("does not take another provider's id for an absence", async () => {
    const scene = makeScene(kind);
    const other = parseProviderId(kind === "process" ? "i-00000001" : "m-00000001");
    await expect(scene.provider.list([other])).rejects.toEqual(code("provider-unavailable"));
  });

  it("finds another controller's machine by no id", async () => {
    const scene = makeScene(kind);
    const [theirs] = await scene.portOf(otherController(), poolName()).launch(request(3, 1));
    expect(await scene.stateOf(String(theirs?.providerId))).toBe(kind === "process" ? "gone" : "not-found");
  });
});

describe.each(MODELLED_PORTS)("terminate at a %s", (kind) => {
  it("ends what runs there at once, by the provider's id, and is idempotent", async () => {
    const scene = makeScene(kind);
    const launched = await launchOne(scene);
    await scene.pass(MINUTE_MS);
    await end(scene, launched);
    expect(scene.hostOf(launched.providerId).endedBy).toEqual({ by: "controller", proof: "forced" });
    expect([...scene.model.hosts.keys()]).toEqual([]);
    await end(scene, launched);
    await scene.pass(MINUTE_MS);
    expect(await scene.stateOf(launched.providerId)).toBe("gone");
    await end(scene, launched);
  });

  it("takes only a permit that lives, by the asker's clock", async () => {
    const scene = makeScene(kind);
    const launched = await launchOne(scene);
    const made = permit(scene, launched);
    const late = scene.portOf(OURS, poolName(), { nowMs: () => START_MS + PERMIT_LIFE_MS });
    await expect(late.terminate(made)).rejects.toEqual(code("permit-stale"));
    const copy: typeof made = Object.assign(Object.create(Object.getPrototypeOf(made)), made);
    await expect(scene.provider.terminate(copy)).rejects.toEqual(code("permit-stale"));
    expect(scene.model.hosts.size).toBe(1);
  });

  it("counts what is not ours as touched", async () => {
    const scene = makeScene(kind);
    expect(await listing(scene)).toEqual([]);
    const foreign = scene.model.listTagged("owner", "somebody-else");
    expect(foreign.length).toBeGreaterThan(1);
    expect(scene.model.foreignTouchedCount).toBe(0);
    await end(scene, { providerId: String(foreign[0]?.providerId) });
    await end(scene, { providerId: String(foreign[0]?.providerId) });
    scene.model.terminate(String(foreign[1]?.providerId), { by: "controller", proof: "" });
    expect(scene.model.foreignTouchedCount).toBe(2);
    const [theirs] = await scene.portOf(otherController(), poolName()).launch(request(3, 1));
    await end(scene, { providerId: String(theirs?.providerId) });
    expect(scene.model.foreignTouchedCount).toBe(3);
    const ours = await launchOne(scene);
    await end(scene, ours);
    expect(scene.model.foreignTouchedCount).toBe(3);
  });
});

describe("a machine of the cloud", () => {
  it("is starting, running, shown as running for a moment after its end, gone for an hour, then unknown", async () => {
    const scene = makeScene("cloud");
    const { providerId } = await launchOne(scene);
    expect(await scene.stateOf(providerId)).toBe("starting");
    await scene.pass(30 * SECOND_MS);
    expect(await scene.stateOf(providerId)).toBe("running");
    await end(scene, { providerId });
    expect(await scene.stateOf(providerId)).toBe("running");
    await scene.pass(10 * SECOND_MS);
    expect(await scene.stateOf(providerId)).toBe("gone");
    expect(await listing(scene)).toEqual([`${machineId(100)} l-00000001 linux gone`]);
    await scene.pass(HOUR_MS);
    expect(await scene.stateOf(providerId)).toBe("not-found");
    expect(await listing(scene)).toEqual([]);
  });

  it("is gone as well when it powered itself off", async () => {
    const scene = makeScene("cloud");
    const { providerId } = await launchOne(scene);
    await scene.pass(MINUTE_MS);
    scene.hostOf(providerId).birth.onGone();
    expect(scene.model.hosts.size).toBe(0);
    await scene.pass(10 * SECOND_MS);
    expect(await scene.stateOf(providerId)).toBe("gone");
  });

  it("boots as long as the scenario says, and its runner's version cannot be read in advance", async () => {
    const scene = makeScene("cloud");
    await launchOne(scene);
    expect(scene.born[0]?.bootMs).toBe(40 * SECOND_MS);
    expect(await scene.provider.readRunnerVersion()).toBeNull();
    expect(await scene.provider.check()).toEqual([]);
  });
});

describe("a process machine", () => {
  it("bears its id as its folder's name, is starting until its agent runs, and is gone at once when ended", async () => {
    const scene = makeScene("process");
    const { providerId } = await launchOne(scene);
    expect(providerId).toBe(machineId(100));
    expect(scene.born[0]?.bootMs).toBeGreaterThanOrEqual(SECOND_MS);
    expect(scene.born[0]?.bootMs).toBeLessThanOrEqual(3 * SECOND_MS);
    expect(await scene.stateOf(providerId)).toBe("starting");
    await scene.pass(3 * SECOND_MS);
    expect(await scene.stateOf(providerId)).toBe("running");
    await end(scene, { providerId });
    expect(await scene.stateOf(providerId)).toBe("gone");
    expect(await listing(scene)).toEqual([]);
    expect(await scene.provider.readRunnerVersion()).toBe("2.336.0");
  });

  it("that ended by itself is dead, with its folder, until it is cleared away", async () => {
    const scene = makeScene("process");
    const launched = await launchOne(scene);
    await scene.pass(MINUTE_MS);
    scene.hostOf(launched.providerId).birth.onGone();
    await scene.pass(HOUR_MS);
    expect(await listing(scene)).toEqual([`${machineId(100)} l-00000001 linux dead`]);
    await end(scene, launched);
    expect(await scene.stateOf(launched.providerId)).toBe("gone");
    expect(scene.hostOf(launched.providerId).endedBy).toBeNull();
  });

  it("that was cleared away is not started by a launch that comes after", async () => {
    const scene = makeScene("process");
    await end(scene, { providerId: machineId(100) });
    expect(await scene.provider.launch(request(1, 1))).toEqual([
      { machineId: machineId(100), providerId: machineId(100) },
    ]);
    expect(scene.model.startedCount).toBe(0);
    expect(await scene.stateOf(machineId(100))).toBe("gone");
  });

  it("is started once, also by two launches", async () => {
    const scene = makeScene("process");
    const { machines } = request(1, 1);
    await scene.provider.launch(request(1, 1));
    await scene.provider.launch(request(2, 1, { machines }));
    expect(scene.model.startedCount).toBe(1);
  });
});

describe("what a world costs", () => {
  it("is the time of each machine, ended or not", async () => {
    const scene = makeScene("cloud");
    const first = await launchOne(scene, 1);
    await scene.pass(10 * MINUTE_MS);
    await launchOne(scene, 2);
    await end(scene, first);
    await scene.pass(5 * MINUTE_MS);
    expect(scene.model.paidMs()).toBe(15 * MINUTE_MS);
    expect((await scene.provider.list("all")).map(brief)).toHaveLength(2);
  });

  it("and what happens there, the same for the same seed and another for another", async () => {
    const births = async (seed: number) => {
      const scene = makeScene(
        "cloud",
        [{ kind: "host.slow-boot", perMachine: 0.5, bootMs: [MINUTE_MS, HOUR_MS] }],
        seed,
      );
      await scene.provider.launch(request(1, 10));
      return scene.born.map(({ providerId, bootMs }) => `${providerId} ${bootMs}`);
    };
    expect(await births(7)).toEqual(await births(7));
    expect(await births(7)).not.toEqual(await births(8));
  });
});
