import { expect, it } from "vitest";
import { HostScene } from "./host-scene.ts";

it("parks, takes a ticket, runs its job and is parked again", async () => {
  const scene = new HostScene();
  const host = scene.agentHost();
  await scene.run(20_000);
  expect(scene.controller.reports.at(-1)?.phase).toBe("parked");
  const { ticket, runner } = scene.mint();
  const job = scene.queue();
  scene.controller.offer(ticket);
  await scene.runTo("Worker");
  await scene.run(5_000);
  expect(scene.controller.reports.at(-1)?.ticket?.step).toBe("running");
  expect(host.truth().runner).toMatchObject({ acquiredJobId: job.id, workerCount: 1, isListenerAlive: true });
  await scene.run(90_000);
  expect(job.phase).toMatchObject({ kind: "completed", conclusion: "success" });
  expect(runner.registration).toMatchObject({ kind: "ended", cause: "job-done" });
  expect(scene.controller.ended).toEqual(["spent"]);
  expect(scene.controller.reports.at(-1)?.phase).toBe("parked");
  expect(host.truth().runner).toBeNull();
});
