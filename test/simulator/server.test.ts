import { connect as connectSocket } from "node:net";
import { describe, expect, it } from "vitest";
import { RUNNERS, useGitHub, WAIT_MS } from "./github-house.ts";
import { connectRunner } from "./scripted-runner.ts";

const house = useGitHub();

describe("the server", () => {
  it.each([
    "GET /nowhere",
    "GET /",
    "POST /orgs/acme/actions/runners",
    "GET /orgs/acme/actions/runners/notanumber",
    "GET /orgs/%E0%A4%A/actions/runners",
    "GET //orgs//acme",
    "DELETE /repos/acme/widgets/actions/runners/0",
    "GET /repos/acme/widgets/actions/jobs/99999999999999999999",
  ])("answers %s as GitHub does: 404 with a message", async (line) => {
    const [method = "", path = ""] = line.split(" ");
    const { status, body } = await house.call(method, path);
    expect(status).toBe(404);
    expect(body).toEqual({ message: "Not Found", documentation_url: "https://docs.github.com/rest" });
  });

  it("stands garbage", async () => {
    const port = Number(new URL(house.github.apiUrl).port);
    const garbage = [
      "\0\0\0\0\r\n\r\n",
      "GET\r\n\r\n",
      "GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n{",
    ];
    for (const text of garbage) {
      await new Promise<void>((resolve) => {
        const socket = connectSocket(port, "127.0.0.1", () => socket.end(text));
        socket.on("error", () => {});
        socket.on("close", () => resolve());
        socket.resume();
      });
    }
    expect((await house.call("POST", `${RUNNERS}/generate-jitconfig`, "x".repeat(2_000_000))).status).toBe(413);
    expect((await house.call("GET", RUNNERS)).status).toBe(200);
  });

  it("comes back on its port with what it knew, and loses no message to a poll that it reset", async () => {
    const runner = await connectRunner(house.github, { name: "r", labels: ["x"] });
    const poll = runner.poll();
    await house.github.goOffline();
    await expect(poll).rejects.toThrow();
    await expect(house.call("GET", RUNNERS)).rejects.toThrow();
    house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await house.github.comeBack();
    expect(await runner.poll()).toMatchObject({ messageType: "RunnerJobRequest" });
  });

  it("closes while calls are open, holds are held and jobs are waited for, more than once", async () => {
    const runner = await connectRunner(house.github, { name: "r", labels: ["x"] });
    house.github.setWebhook({ url: house.receiver.url, secret: "s" });
    house.receiver.answerWith("silence");
    const hold = house.github.moments.hold({ name: "message-delivered" });
    const jobId = house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const poll = runner.poll();
    const waiting = house.github.waitForJob(jobId, ({ status }) => status === "completed", WAIT_MS);
    await hold.reached;
    await Promise.all([house.github.close(), house.github.close()]);
    await expect(poll).rejects.toThrow();
    await expect(waiting).rejects.toThrow("the simulator closed");
    await house.github.close();
  });

  it("tells who listens of every change of a job", async () => {
    const seen: string[] = [];
    const stop = house.github.onJobChange(({ phase }) => seen.push(phase));
    const jobId = house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"], approval: true });
    house.github.approveJob(jobId);
    stop();
    house.github.cancelJob(jobId);
    expect(seen).toEqual(["waiting", "queued"]);
    await expect(house.github.waitForJob(jobId, () => false, 30)).rejects.toThrow(
      `waiting for job ${jobId}: not so within 30 ms`,
    );
  });
});
