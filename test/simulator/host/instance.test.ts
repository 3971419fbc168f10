/** What is different where the machine is an instance: who it is, its notice, and that it may be stopped and boot again. */
import { describe, expect, it } from "vitest";
import { parseMachineId } from "../../../src/domain/ids.ts";
import { Disk } from "../../../src/simulator/host/disk.ts";
import { HostScene } from "./host-scene.ts";

const INSTANCE = { signedIdentity: "signed" };

describe("an instance's agent", () => {
  it("checks in by its platform's word under the platform's name, and speaks as it is told", async () => {
    const scene = new HostScene();
    const told = parseMachineId("m-00000007");
    scene.controller.machineId = told;
    const host = scene.agentHost(undefined, INSTANCE);
    await scene.run(15_000);
    const [checkIn] = scene.controller.checkIns;
    expect(checkIn?.identity).toEqual({ kind: "ec2", document: "signed" });
    expect(checkIn?.machineId).not.toBe(told);
    expect(new Set(scene.controller.speakers)).toEqual(new Set([told]));
    // The one after it asks again: it knows no more than its own name.
    host.crashAgent();
    await scene.run(15_000);
    expect(scene.controller.checkIns.map(({ machineId }) => machineId)).toEqual([
      checkIn?.machineId,
      checkIn?.machineId,
    ]);
  });
});

describe("a notice", () => {
  it("makes an idle agent hand its ticket back and take no more, within seconds", async () => {
    const scene = new HostScene();
    const host = scene.agentHost();
    await scene.run(15_000);
    const { ticket } = scene.mint();
    scene.controller.offer(ticket);
    await scene.run(20_000);
    host.wantBack();
    await scene.run(20_000);
    expect(scene.controller.ended).toEqual(["handed-back"]);
    expect(scene.controller.reports.at(-1)?.phase).toBe("leaving");
    expect(scene.isGone).toBe(false);
  });

  it("lets a job run, whichever agent reads it", async () => {
    const scene = new HostScene({ jobMs: 60_000 });
    const host = scene.agentHost();
    await scene.run(15_000);
    const job = scene.queue();
    scene.controller.offer(scene.mint().ticket);
    await scene.runTo("Worker");
    host.wantBack();
    host.crashAgent();
    await scene.run(90_000);
    expect(job.phase).toMatchObject({ conclusion: "success" });
    expect(scene.controller.ended).toEqual(["spent"]);
    expect(scene.controller.reports.at(-1)?.phase).toBe("leaving");
  });
});

describe("a member of a group", () => {
  const MEMBER = { ...INSTANCE, isMember: true };

  async function serve(scene: HostScene) {
    const host = scene.agentHost(undefined, MEMBER);
    host.leadTo("InService");
    await scene.run(15_000);
    return host;
  }

  it("takes no ticket while its group rests it, and one within seconds of being called", async () => {
    const scene = new HostScene();
    const host = scene.agentHost(undefined, MEMBER);
    host.leadTo("Warmed:Running");
    await scene.run(60_000);
    expect(scene.controller.calls).not.toContain("poll");
    expect(scene.controller.reports.at(-1)?.phase).toBe("preparing");
    host.leadTo("InService");
    await scene.run(10_000);
    expect(scene.controller.reports.at(-1)?.phase).toBe("parked");
    scene.controller.offer(scene.mint().ticket);
    await scene.runTo("session of runner-1 opened");
  });

  it("hands an idle ticket back when its group wants to end it, within seconds", async () => {
    const scene = new HostScene();
    const host = await serve(scene);
    scene.controller.offer(scene.mint().ticket);
    await scene.run(20_000);
    host.leadTo("Terminated");
    await scene.run(20_000);
    expect(scene.controller.ended).toEqual(["handed-back"]);
    expect(scene.controller.reports.at(-1)?.phase).toBe("leaving");
    expect(scene.isGone).toBe(false);
  });

  it("runs a job to its end while its group wants to end it, whichever agent reads that", async () => {
    const scene = new HostScene({ jobMs: 21_000_000 });
    const host = await serve(scene);
    const job = scene.queue();
    scene.controller.offer(scene.mint().ticket);
    await scene.runTo("Worker");
    host.leadTo("Terminated");
    host.crashAgent();
    await scene.run(21_060_000);
    expect(job.phase).toMatchObject({ conclusion: "success" });
    expect(scene.controller.ended).toEqual(["spent"]);
  });

  it("asks again after it slept, and until then takes nothing that it is offered", async () => {
    const scene = new HostScene();
    const host = await serve(scene);
    host.pauseMachine(3_600_000);
    host.leadTo("Warmed:Hibernated");
    await scene.run(1_000);
    // Given out while it sleeps, to the poll that is open.
    scene.controller.offer(scene.mint().ticket);
    await scene.run(3_600_000);
    await scene.run(30_000);
    expect(scene.controller.ended).toEqual(["barren: refused"]);
    expect(scene.controller.reports.at(-1)?.phase).toBe("preparing");
    host.leadTo("InService");
    await scene.run(10_000);
    expect(scene.controller.reports.at(-1)?.phase).toBe("parked");
  });

  it("stays on while nobody can be reached: no switch of its own ends it", async () => {
    const scene = new HostScene();
    await serve(scene);
    scene.controller.isReachable = false;
    await scene.run(3 * 3_600_000);
    expect(scene.isGone).toBe(false);
  });
});

describe("a machine that was stopped and boots again", () => {
  it("has its journal, nothing of tmpfs, and nobody's word for what ran before", async () => {
    const disk = new Disk();
    const scene = new HostScene();
    const first = scene.agentHost(undefined, {}, disk);
    await scene.run(15_000);
    scene.controller.offer(scene.mint().ticket);
    await scene.run(20_000);
    expect(disk.isBootKept).toBe(true);
    first.end({ by: "controller", proof: "parked" });
    const before = disk.openJournal();
    expect(disk.reboot()).toBe(disk);
    expect(disk.isBootKept).toBe(false);
    expect(disk.openJournal()).toEqual(before);
    scene.agentHost(undefined, {}, disk);
    await scene.run(30_000);
    // Its runner died with the first boot, without a job.
    expect(scene.controller.ended).toEqual([expect.stringMatching(/^barren/)]);
  });
});
