import { describe, expect, it } from "vitest";
import type { Host } from "../../../src/simulator/world/host.ts";
import { HostScene, type SceneOptions } from "./host-scene.ts";

const BLIND_STEPS = ["assignment is on the wire", "message received", "acquire is sent", "acquire: acquired"];

/** A machine whose listener waits for a job, and whose controller asks for the ticket back at its next heartbeat. */
async function idleListener(options: SceneOptions = {}): Promise<{ readonly scene: HostScene; readonly host: Host }> {
  const scene = new HostScene(options);
  const host = scene.agentHost();
  await scene.run(15_000);
  scene.controller.offer(scene.mint().ticket);
  await scene.runTo("session of");
  await scene.run(5_000);
  return { scene, host };
}

function order(scene: HostScene, attempt = 1): void {
  const { ticket } = scene.controller.reports.at(-1) ?? {};
  if (ticket) scene.controller.order(ticket.id, attempt);
}

describe("the fence", () => {
  it("hands an idle listener back", async () => {
    const { scene, host } = await idleListener();
    order(scene);
    await scene.run(30_000);
    expect(scene.controller.ended).toEqual(["handed-back"]);
    expect(scene.witnessed).toContain("killed by agent with job none");
    expect(host.truth().runner).toBeNull();
  });

  it("never ends a job that comes while it closes, whatever step it is at", async () => {
    const stepsMet = new Set<string>();
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 80; seed += 1) {
      const { scene } = await idleListener({ seed });
      order(scene);
      await scene.runTo("watchdog starts");
      // Inside the fence it goes on: the listener is stopped some tenths of a second from now.
      await scene.run((seed % 8) * 25);
      const job = scene.queue();
      let last = "nothing";
      scene.onEvent = ({ text }) => {
        if (BLIND_STEPS.includes(text)) last = text;
        if (text === "the fence stops the listener") stepsMet.add(last);
      };
      await scene.run(60_000);
      expect(scene.witnessed.filter((text) => text.startsWith("killed"))).not.toContain(
        `killed by agent with job ${job.id}`,
      );
      const isAcquired = scene.witnessed.includes(`job ${job.id} acquired`);
      const isKilled = scene.witnessed.includes("killed by agent with job none");
      expect(isAcquired && isKilled).toBe(false);
      if (isKilled) expect(scene.witnessed).toContain(`dispatch ${job.id} lost`);
      outcomes.add(isKilled ? "killed" : "resumed");
    }
    expect([...outcomes].sort()).toEqual(["killed", "resumed"]);
    expect([...stepsMet]).toEqual(expect.arrayContaining(BLIND_STEPS));
  });

  it.each(["runner is busy", "Worker"])("refuses where the order comes at: %s", async (step) => {
    const { scene } = await idleListener();
    const job = scene.queue();
    await scene.runTo(step);
    order(scene);
    await scene.run(30_000);
    expect(scene.controller.reports.at(-1)?.fence?.attempt).toBe(1);
    expect(scene.texts()).not.toContain("the fence stops the listener");
    await scene.run(60_000);
    expect(job.phase).toMatchObject({ conclusion: "success" });
  });

  it("tells the world of the listener that it stops, which may send a job right then", async () => {
    const { scene } = await idleListener({ onFenceClosing: (closing) => void closing.queue() });
    order(scene);
    await scene.run(40_000);
    const jobs = [...scene.state.jobs.values()];
    expect(jobs).toHaveLength(1);
    expect(scene.witnessed.filter((text) => text.startsWith("killed"))).toEqual(["killed by agent with job none"]);
    expect(scene.witnessed).toContain(`dispatch ${jobs[0]?.id} lost`);
  });

  it.each([
    "a fence's watchdog starts",
    "the fence stops the listener",
    'the journal has {"kind":"fencing"',
    "the agent claims the kill",
    "is killed by agent",
    "the fence is open",
  ])("leaves no listener stopped when the agent dies at: %s", async (step) => {
    const { scene, host } = await idleListener();
    order(scene);
    scene.onEvent = ({ text }) => {
      if (!text.includes(step)) return;
      scene.onEvent = () => {};
      scene.scheduler.after(0, () => host.crashAgent());
    };
    await scene.runTo("the agent is killed");
    await scene.run(7_000);
    expect(host.truth().runner?.isListenerStopped ?? false).toBe(false);
    await scene.run(60_000);
    expect(scene.controller.ended).toEqual(["handed-back"]);
  });

  it("is opened by its watchdog while the agent stands still", async () => {
    const { scene, host } = await idleListener();
    order(scene);
    await scene.runTo("the fence stops the listener");
    host.pauseAgent(10_000);
    await scene.run(400);
    expect(host.truth().runner?.isListenerStopped).toBe(true);
    await scene.runTo("the watchdog claims the resume", 6_000);
    await scene.run(100);
    expect(host.truth().runner?.isListenerStopped).toBe(false);
    const job = scene.queue();
    await scene.run(80_000);
    expect(job.phase).toMatchObject({ conclusion: "success" });
    expect(scene.controller.ended).toEqual(["spent"]);
  });

  it("holds its listener while the whole machine stands still, and decides afterwards", async () => {
    const { scene, host } = await idleListener();
    order(scene);
    await scene.runTo("the fence stops the listener");
    host.pauseMachine(30_000);
    const job = scene.queue();
    await scene.run(120_000);
    const isKilled = scene.witnessed.includes("killed by agent with job none");
    expect(scene.witnessed.includes(`job ${job.id} acquired`) && isKilled).toBe(false);
    expect(scene.witnessed).not.toContain(`killed by agent with job ${job.id}`);
    expect(host.truth().runner?.isListenerStopped ?? false).toBe(false);
  });
});
