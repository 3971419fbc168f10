import { expect, it } from "vitest";
import { makeBareHost } from "../../../src/simulator/host/bare-host.ts";
import type { BareHost } from "../../../src/simulator/world/host.ts";
import { HostScene, PROVIDER_ID, SCOPE, type SceneOptions } from "./host-scene.ts";

function boot(
  isEphemeral: boolean,
  options: SceneOptions = {},
): { readonly scene: HostScene; readonly host: BareHost } {
  const scene = new HostScene(options);
  const onGone = () => scene.witnessed.push("the provider is told that the machine is gone");
  const birth = { providerId: PROVIDER_ID, bootMs: 5_000, onGone, runnerName: "bare-1", labels: ["linux"] };
  const host = makeBareHost({ ...birth, scope: SCOPE, isEphemeral, onRegistered: () => {} }, scene.world);
  return { scene, host };
}

it("a persistent runner takes job after job", async () => {
  const { scene, host } = boot(false);
  const jobs = [scene.queue(), scene.queue()];
  await scene.run(200_000);
  for (const job of jobs) expect(job.phase).toMatchObject({ conclusion: "success" });
  expect(host.truth().runner).toMatchObject({ canAcquire: true, acquiredJobId: null });
});

it("an ephemeral one takes one, and its machine shuts down after it", async () => {
  const { scene, host } = boot(true);
  const jobs = [scene.queue(), scene.queue()];
  await scene.run(200_000);
  expect(jobs.map(({ phase }) => phase.kind)).toEqual(["completed", "queued"]);
  expect(host.truth()).toMatchObject({ isUp: false, runner: null });
  expect(scene.witnessed).toContain("the provider is told that the machine is gone");
});

it("the stop of its service cancels its job", async () => {
  const { scene, host } = boot(false, { jobMs: 600_000 });
  const job = scene.queue();
  await scene.runTo("Worker");
  await scene.run(10_000);
  host.stopRunner();
  await scene.run(30_000);
  expect(scene.witnessed).toContain(`job ${job.id} cancelled: signal`);
  expect(job.phase).toMatchObject({ kind: "completed", conclusion: "failure" });
  expect(host.truth().runner).toBeNull();
  expect(scene.state.registrations.size).toBe(1);
});

it("a machine that never boots is never up", async () => {
  const scene = new HostScene();
  const birth = { providerId: PROVIDER_ID, bootMs: null, onGone: () => {}, runnerName: "bare-1", labels: ["linux"] };
  const host = makeBareHost({ ...birth, scope: SCOPE, isEphemeral: true, onRegistered: () => {} }, scene.world);
  await scene.run(600_000);
  expect(host.truth()).toMatchObject({ isUp: false, runner: null });
  expect(scene.state.registrations.size).toBe(0);
});
