import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { useGitHub, WAIT_MS } from "./github-house.ts";
import { eventually } from "./runner-process.ts";
import { connectRunner } from "./scripted-runner.ts";

const house = useGitHub();

describe("webhooks", () => {
  const settled = (count: number) =>
    house.github.waitFor(
      `${count} deliveries to be settled`,
      () => house.github.deliveries().filter(({ attempts }) => attempts.length > 0).length >= count,
      WAIT_MS,
    );

  it("are signed over the bytes that are sent", async () => {
    house.github.setWebhook({ url: house.receiver.url, secret: "tell-nobody" });
    house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await settled(2);
    expect(house.receiver.received.map(({ event }) => event).sort()).toEqual(["ping", "workflow_job"]);
    for (const { headers, body } of house.receiver.received) {
      expect(headers["x-hub-signature-256"]).toBe(
        `sha256=${createHmac("sha256", "tell-nobody").update(body).digest("hex")}`,
      );
      expect(headers["user-agent"]).toMatch(/^GitHub-Hookshot\//);
      expect(headers["x-github-hook-id"]).toMatch(/^\d+$/);
    }
  });

  it("are recorded as failed and not retried; redelivery has the same GUID", async () => {
    house.receiver.answerWith(503);
    house.github.setWebhook({ url: house.receiver.url, secret: "s" });
    house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await settled(2);
    const failed = house.github.deliveries().find(({ event }) => event === "workflow_job");
    expect(failed).toMatchObject({ status: "failed", attempts: [{ statusCode: 503, isRedelivery: false }] });
    house.receiver.answerWith(202);
    const guid = failed?.guid ?? "";
    expect(house.github.redeliver(guid)).toBe("accepted");
    const again = () => house.github.deliveries().find((delivery) => delivery.guid === guid);
    await house.github.waitFor("the redelivery", () => again()?.status === "delivered", WAIT_MS);
    expect(again()?.attempts.map(({ isRedelivery }) => isRedelivery)).toEqual([false, true]);
    expect(house.receiver.received.filter((delivery) => delivery.guid === guid)).toHaveLength(2);
  });

  it("fail while nobody is there, and arrive by redeliverFailedEveryMs when somebody is", async () => {
    const own = await house.startOther({ redeliverFailedEveryMs: 40 });
    const { url } = house.receiver;
    await house.receiver.close();
    own.setWebhook({ url, secret: "s" });
    const jobId = own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const ofJob = () => own.deliveries().find((delivery) => delivery.jobId === jobId);
    await own.waitFor("a failed attempt", () => ofJob()?.status === "failed", WAIT_MS);
    expect(ofJob()?.attempts[0]).toMatchObject({ statusCode: null });
    await house.replaceReceiver();
    own.setWebhook({ url: house.receiver.url, secret: "s" });
    await own.waitFor("the delivery", () => ofJob()?.status === "delivered", WAIT_MS);
    expect(house.receiver.received.map(({ guid }) => guid)).toContain(ofJob()?.guid);
  });

  it("tell the lies that the job was queued with", async () => {
    house.github.setWebhook({ url: house.receiver.url, secret: "s" });
    const webhooks = { drop: ["queued"], duplicate: ["in_progress"], isCompletedWhileRunning: true } as const;
    const jobId = house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"], webhooks });
    const runner = await connectRunner(house.github, { name: "r", labels: ["x"] });
    const job = await runner.takeJob();
    await runner.start(job);
    const actions = () =>
      house.receiver.received.flatMap(({ payload }) => (payload.workflow_job?.id === jobId ? [payload.action] : []));
    await eventually("the lies", () => actions().length === 3);
    expect(actions().sort()).toEqual(["completed", "in_progress", "in_progress"]);
    expect(house.github.jobs()).toMatchObject([{ status: "in_progress" }]);
  });
});
