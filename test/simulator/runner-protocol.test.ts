import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { RUNNERS, useGitHub, WAIT_MS } from "./github-house.ts";
import { connectRunner, registerScripted } from "./scripted-runner.ts";

const house = useGitHub();

describe("the runner's protocol", () => {
  it("goes through its moments in order, each before and after", async () => {
    const moments: string[] = [];
    house.github.moments.observe(({ name, side }) => {
      moments.push(`${name} ${side}`);
    });
    const runner = await connectRunner(house.github, { name: "r", labels: ["x"] });
    const jobId = house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const job = await runner.takeJob();
    expect([await runner.renew(job), await runner.start(job), await runner.complete(job, "Succeeded")]).toEqual([
      200, 204, 204,
    ]);
    expect(await runner.closeSession()).toBe(204);
    const names = [
      "session-created",
      "message-delivered",
      "acknowledged",
      "acquired",
      "renewed",
      "worker-started",
      "completed",
      "session-deleted",
    ];
    expect(moments).toEqual(names.flatMap((name) => [`${name} before`, `${name} after`]));
    expect(house.github.jobs()).toMatchObject([{ id: jobId, conclusion: "success", runnerName: "r" }]);
  });

  it.each([
    { name: "message-delivered", side: "before", phase: "assigned", deletion: 204 },
    { name: "message-delivered", side: "after", phase: "assigned", deletion: 204 },
    { name: "acknowledged", side: "before", phase: "assigned", deletion: 204 },
    { name: "acquired", side: "before", phase: "assigned", deletion: 204 },
    { name: "acquired", side: "after", phase: "acquired", deletion: 422 },
    { name: "renewed", side: "before", phase: "acquired", deletion: 422 },
    { name: "worker-started", side: "before", phase: "acquired", deletion: 422 },
  ] as const)("can be held $side $name, where DELETE says $deletion", async ({ name, side, phase, deletion }) => {
    const runner = await connectRunner(house.github, { name: "r", labels: ["x"] });
    const hold = house.github.moments.hold({ name, side, runnerId: runner.id });
    const jobId = house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const whole = runner.takeJob().then(async (job) => {
      await runner.renew(job);
      await runner.start(job);
      return runner.complete(job, "Succeeded");
    });
    expect(await hold.reached).toMatchObject({ jobId, runnerName: "r" });
    expect(house.github.jobs()[0]?.phase).toBe(phase);
    expect((await house.call("GET", `${RUNNERS}/${runner.id}`)).body.busy).toBe(phase === "acquired");
    expect((await house.call("DELETE", `${RUNNERS}/${runner.id}`)).status).toBe(deletion);
    hold.release();
    expect(await whole).toBe(204);
    expect(house.github.jobs()[0]).toMatchObject({ status: "completed", conclusion: "success" });
  });

  it("holds a poll for as long as it says, and answers at once when there is a job", async () => {
    const runner = await connectRunner(house.github, { name: "r", labels: ["x"] });
    expect(await runner.poll()).toBe(202);
    const polled = runner.poll();
    house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    expect(await polled).toMatchObject({ messageType: "RunnerJobRequest" });
  });

  it("gives the job to another runner when the first does not acquire it", async () => {
    const [lazy, eager] = [
      await connectRunner(house.github, { name: "lazy", labels: ["x"] }),
      await connectRunner(house.github, { name: "eager", labels: ["x"] }),
    ];
    const jobId = house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const message = await lazy.poll();
    expect(message).toMatchObject({ messageType: "RunnerJobRequest" });
    house.github.advanceClock(MINUTE_MS);
    const job = await eager.takeJob();
    expect(typeof message === "number" ? message : await lazy.acquire(message)).toBe(409);
    expect(await eager.complete(job, "Succeeded")).toBe(204);
    expect(house.github.jobs()).toMatchObject([{ id: jobId, runnerName: "eager", lostAssignmentCount: 1 }]);
  });

  it("loses the job of a listener that does not renew", async () => {
    const own = await house.startOther({ github: { leaseMs: 80 } });
    const runner = await connectRunner(own, { name: "r", labels: ["x"] });
    const jobId = own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const job = await runner.takeJob();
    const lost = await own.waitForJob(jobId, ({ status }) => status === "completed", WAIT_MS);
    expect(lost).toMatchObject({ conclusion: "failure", cause: "lost-communication", runnerName: "r" });
    expect([await runner.renew(job), await runner.start(job), await runner.complete(job, "Succeeded")]).toEqual([
      404, 404, 404,
    ]);
  });

  it("tells a listener whose registration was deleted, at its next poll", async () => {
    const runner = await connectRunner(house.github, { name: "r", labels: ["x"] });
    const polled = runner.poll();
    expect((await house.call("DELETE", `${RUNNERS}/${runner.id}`)).status).toBe(204);
    expect(await polled).toBe(202);
    expect(await runner.poll()).toBe(404);
    expect(await runner.openSession()).toBe(404);
  });

  it("refuses strangers, sessions of others, nonsense", async () => {
    const runner = await connectRunner(house.github, { name: "r", labels: ["x"] });
    const other = registerScripted(house.github, { name: "other", labels: ["x"] });
    const answers = [
      await runner.call("POST", "/sessions", {}, "1:2"),
      await runner.call("POST", "/sessions", {}, "nonsense"),
      await runner.call("POST", "/sessions", {}),
      await runner.openSession(),
      await runner.call("GET", "/sessions/none/message"),
      await other.call("POST", "/acquire", { runnerRequestId: 7 }),
      await runner.call("POST", "/renew", {}, "none"),
      await runner.call("POST", "/nowhere", {}),
      await runner.call("GET", "/acquire"),
    ];
    const statuses = answers.map((answer) => (typeof answer === "number" ? answer : answer.status));
    expect(statuses).toEqual([401, 401, 400, 409, 404, 404, 401, 404, 404]);
  });
});
