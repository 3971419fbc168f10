import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { connect as connectSocket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type SimulatedGitHub,
  type SimulatedGitHubOptions,
  startSimulatedGitHub,
} from "../../src/simulator/server/simulated-github.ts";
import { eventually } from "./runner-process.ts";
import { appJwt, connectRunner, readSecret, registerScripted } from "./scripted-runner.ts";
import { startReceiver, type WebhookReceiver } from "./webhook-receiver.ts";

const WAIT_MS = 10_000;
const JIT = { name: "r-1", runner_group_id: 1, labels: ["self-hosted", "linux"] };

let github: SimulatedGitHub;
let receiver: WebhookReceiver;
const others: SimulatedGitHub[] = [];

beforeEach(async () => {
  github = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 150 });
  receiver = await startReceiver();
});

afterEach(async () => {
  for (const other of others.splice(0)) await other.close();
  await github.close();
  await receiver.close();
});

async function startOther(options: SimulatedGitHubOptions): Promise<SimulatedGitHub> {
  const other = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 150, ...options });
  others.push(other);
  return other;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what GitHub answers is checked by contract.test.ts
  readonly body: any;
}

async function call(method: string, path: string, body?: unknown, token = github.token, to = github): Promise<Answer> {
  const response = await fetch(`${to.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}

const RUNNERS = "/orgs/acme/actions/runners";

describe("REST", () => {
  it("registers by generate-jitconfig, offline and without a version, with the files that a runner needs", async () => {
    const { status, body } = await call("POST", `${RUNNERS}/generate-jitconfig`, { ...JIT, work_folder: "_w" });
    expect(status).toBe(201);
    expect(body.runner).toMatchObject({ name: "r-1", status: "offline", busy: false, version: null, ephemeral: true });
    expect(body.runner.labels.map(({ name }: { name: string }) => name)).toEqual(["self-hosted", "linux"]);
    const decode = (text: string) => Buffer.from(text, "base64").toString("utf8");
    const files = JSON.parse(decode(body.encoded_jit_config));
    expect(Object.keys(files)).toEqual([".runner", ".credentials", ".credentials_rsaparams"]);
    expect(JSON.parse(decode(files[".runner"]))).toMatchObject({
      AgentId: body.runner.id,
      AgentName: "r-1",
      Ephemeral: true,
      DisableUpdate: false,
      ServerUrlV2: github.apiUrl,
      WorkFolder: "_w",
    });
    expect(readSecret(body.encoded_jit_config)).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each<[name: string, body: unknown, status: number]>([
    ["no body", undefined, 422],
    ["not JSON", "{", 400],
    ["an array", [], 422],
    ["no labels", { ...JIT, labels: [] }, 422],
    ["a label that is no text", { ...JIT, labels: [1] }, 422],
    ["101 labels", { ...JIT, labels: Array.from({ length: 101 }, (_, index) => `l${index}`) }, 422],
    ["no name", { ...JIT, name: undefined }, 422],
    ["a name of 65 characters", { ...JIT, name: "x".repeat(65) }, 422],
    ["a group that is a text", { ...JIT, runner_group_id: "1" }, 422],
    ["a group that there is not", { ...JIT, runner_group_id: 9 }, 404],
    ["a folder that is no text", { ...JIT, work_folder: 3 }, 422],
  ])("refuses to register: %s", async (_name, body, status) => {
    const answer = await call("POST", `${RUNNERS}/generate-jitconfig`, body);
    expect(answer.status).toBe(status);
    expect(Object.keys(answer.body)).toEqual(["message", "documentation_url"]);
    expect(github.runners()).toEqual([]);
  });

  it("says 409 for a name that is taken, and finds who took it by name", async () => {
    const first = await call("POST", `${RUNNERS}/generate-jitconfig`, JIT);
    const second = await call("POST", `${RUNNERS}/generate-jitconfig`, JIT);
    expect(second.status).toBe(409);
    expect(second.body.message).toContain("Already exists - A runner with the name *** already exists");
    const found = await call("GET", `${RUNNERS}?name=r-1`);
    expect(found.body).toMatchObject({ total_count: 1, runners: [{ id: first.body.runner.id }] });
    expect((await call("GET", `${RUNNERS}?name=r-2`)).body).toEqual({ total_count: 0, runners: [] });
    expect((await call("POST", "/repos/acme/widgets/actions/runners/generate-jitconfig", JIT)).status).toBe(201);
  });

  it("pages, with a Link header to follow", async () => {
    for (let count = 0; count < 5; count += 1)
      await call("POST", `${RUNNERS}/generate-jitconfig`, { ...JIT, name: `r-${count}` });
    const names: string[] = [];
    let next: string | undefined = `${RUNNERS}?per_page=2`;
    let pageCount = 0;
    while (next !== undefined && pageCount < 10) {
      const { body, headers } = await call("GET", next);
      names.push(...body.runners.map(({ name }: { name: string }) => name));
      next = /<([^>]+)>; rel="next"/.exec(headers.get("link") ?? "")?.[1]?.replace(github.apiUrl, "");
      pageCount += 1;
    }
    expect(pageCount).toBe(3);
    expect(names).toEqual(["r-0", "r-1", "r-2", "r-3", "r-4"]);
    expect((await call("GET", `${RUNNERS}?per_page=2&page=99`)).body).toEqual({ total_count: 5, runners: [] });
    expect((await call("GET", `${RUNNERS}?per_page=x&page=-1`)).body.runners).toHaveLength(5);
  });

  it("DELETE: 204, then 404; 422 from acquire on", async () => {
    const idle = await call("POST", `${RUNNERS}/generate-jitconfig`, JIT);
    const path = `${RUNNERS}/${idle.body.runner.id}`;
    expect((await call("DELETE", path)).status).toBe(204);
    expect((await call("DELETE", path)).status).toBe(404);
    expect((await call("GET", path)).status).toBe(404);
    const runner = await connectRunner(github, { name: "busy-one", labels: ["x"] });
    github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await runner.takeJob();
    const refused = await call("DELETE", `${RUNNERS}/${runner.id}`);
    expect(refused.status).toBe(422);
    expect(refused.body.message).toBe(
      'Bad request - Runner "busy-one" is currently running a job and cannot be deleted.',
    );
  });

  it("tells a job by id and by run", async () => {
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["a"], runId: 7, runAttempt: 1 });
    const again = github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["a"], runId: 7, runAttempt: 2 });
    const { body } = await call("GET", `/repos/acme/widgets/actions/jobs/${jobId}`);
    expect(body).toMatchObject({ id: jobId, run_id: 7, status: "queued", runner_id: null, labels: ["x"] });
    expect((await call("GET", `/repos/acme/gears/actions/jobs/${jobId}`)).status).toBe(404);
    const ids = async (filter: string) => {
      const listed = await call("GET", `/repos/acme/widgets/actions/runs/7/jobs${filter}`);
      return listed.body.jobs.map(({ id }: { id: number }) => id);
    };
    expect(await ids("")).toEqual([again]);
    expect(await ids("?filter=all")).toEqual([jobId, again]);
  });
});

describe("who may call", () => {
  it.each(["Bearer wrong", "", "Basic Zm9v", "Bearer", "token"])("refuses %j", async (authorization) => {
    const response = await fetch(`${github.apiUrl}${RUNNERS}`, { headers: { authorization } });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ message: "Bad credentials" });
  });

  it("takes `token` as well as `Bearer`", async () => {
    const response = await fetch(`${github.apiUrl}${RUNNERS}`, { headers: { authorization: `token ${github.token}` } });
    expect(response.status).toBe(200);
  });

  it("gives an App a token for its installation, by a JWT that it signed", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const own = await startOther({ appPublicKey: publicKey.export({ type: "spki", format: "pem" }).toString() });
    const signed = (text: string) => sign("RSA-SHA256", Buffer.from(text), privateKey).toString("base64url");
    const jwt = appJwt(own.appId, signed);
    const installation = await call("GET", "/repos/acme/widgets/installation", undefined, jwt, own);
    expect(installation.body).toMatchObject({ id: own.installationId, app_id: own.appId });
    const path = `/app/installations/${installation.body.id}/access_tokens`;
    const { status, body } = await call("POST", path, undefined, jwt, own);
    expect(status).toBe(201);
    expect((await call("GET", RUNNERS, undefined, body.token, own)).status).toBe(200);
    const refused = [
      await call("GET", RUNNERS, undefined, jwt, own),
      await call("GET", "/app", undefined, own.token, own),
      await call("GET", "/app", undefined, appJwt(own.appId), own),
      await call("GET", "/app", undefined, appJwt(own.appId + 1, signed), own),
      await call("GET", "/app", undefined, appJwt(own.appId, signed, 3_600), own),
      await call("GET", "/app", undefined, appJwt(own.appId, signed, 0), own),
    ];
    expect(refused.map((answer) => answer.status)).toEqual([401, 401, 401, 401, 401, 401]);
    expect((await call("GET", "/orgs/nobody/installation", undefined, jwt, own)).status).toBe(404);
    expect((await call("POST", "/app/installations/1/access_tokens", undefined, jwt, own)).status).toBe(404);
  });
});

describe("faults", () => {
  it("loses an answer after the effect: the retry finds its own first try", async () => {
    github.faults.inject("generate-jitconfig", { kind: "answer-lost", effect: "done" });
    await expect(call("POST", `${RUNNERS}/generate-jitconfig`, JIT)).rejects.toThrow();
    expect(github.runners()).toMatchObject([{ name: "r-1", version: null }]);
    expect((await call("POST", `${RUNNERS}/generate-jitconfig`, JIT)).status).toBe(409);
  });

  it("fails before or after the effect with a status and headers, so often as told", async () => {
    github.faults.inject("generate-jitconfig", { kind: "status", effect: "none", status: 500 }, 2);
    github.faults.inject("generate-jitconfig", {
      kind: "status",
      effect: "done",
      status: 403,
      headers: { "retry-after": "1" },
    });
    const answers = [1, 2, 3, 4].map(() => () => call("POST", `${RUNNERS}/generate-jitconfig`, JIT));
    const seen: (readonly [number, string | null])[] = [];
    for (const ask of answers) {
      const { status, headers } = await ask();
      seen.push([status, headers.get("retry-after")]);
    }
    expect(seen).toEqual([
      [500, null],
      [500, null],
      [403, "1"],
      [409, null],
    ]);
  });

  it("delays an answer, and can be taken back", async () => {
    const startMs = performance.now();
    github.faults.inject("list-runners", { kind: "delay", delayMs: 120 });
    const takeBack = github.faults.inject("list-runners", { kind: "status", effect: "none", status: 500 }, 99);
    expect((await call("GET", RUNNERS)).status).toBe(200);
    expect(performance.now() - startMs).toBeGreaterThan(100);
    expect((await call("GET", RUNNERS)).status).toBe(500);
    takeBack();
    expect((await call("GET", RUNNERS)).status).toBe(200);
  });
});

describe("webhooks", () => {
  const settled = (count: number) =>
    github.waitFor(
      `${count} deliveries to be settled`,
      () => github.deliveries().filter(({ attempts }) => attempts.length > 0).length >= count,
      WAIT_MS,
    );

  it("are signed over the bytes that are sent", async () => {
    github.setWebhook({ url: receiver.url, secret: "tell-nobody" });
    github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await settled(2);
    expect(receiver.received.map(({ event }) => event).sort()).toEqual(["ping", "workflow_job"]);
    for (const { headers, body } of receiver.received) {
      expect(headers["x-hub-signature-256"]).toBe(
        `sha256=${createHmac("sha256", "tell-nobody").update(body).digest("hex")}`,
      );
      expect(headers["user-agent"]).toMatch(/^GitHub-Hookshot\//);
      expect(headers["x-github-hook-id"]).toMatch(/^\d+$/);
    }
  });

  it("are recorded as failed and not retried; redelivery has the same GUID", async () => {
    receiver.answerWith(503);
    github.setWebhook({ url: receiver.url, secret: "s" });
    github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await settled(2);
    const failed = github.deliveries().find(({ event }) => event === "workflow_job");
    expect(failed).toMatchObject({ status: "failed", attempts: [{ statusCode: 503, isRedelivery: false }] });
    receiver.answerWith(202);
    const guid = failed?.guid ?? "";
    expect(github.redeliver(guid)).toBe("accepted");
    const again = () => github.deliveries().find((delivery) => delivery.guid === guid);
    await github.waitFor("the redelivery", () => again()?.status === "delivered", WAIT_MS);
    expect(again()?.attempts.map(({ isRedelivery }) => isRedelivery)).toEqual([false, true]);
    expect(receiver.received.filter((delivery) => delivery.guid === guid)).toHaveLength(2);
  });

  it("fail while nobody is there, and arrive by redeliverFailedEveryMs when somebody is", async () => {
    const own = await startOther({ redeliverFailedEveryMs: 40 });
    const { url } = receiver;
    await receiver.close();
    own.setWebhook({ url, secret: "s" });
    const jobId = own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const ofJob = () => own.deliveries().find((delivery) => delivery.jobId === jobId);
    await own.waitFor("a failed attempt", () => ofJob()?.status === "failed", WAIT_MS);
    expect(ofJob()?.attempts[0]).toMatchObject({ statusCode: null });
    receiver = await startReceiver();
    own.setWebhook({ url: receiver.url, secret: "s" });
    await own.waitFor("the delivery", () => ofJob()?.status === "delivered", WAIT_MS);
    expect(receiver.received.map(({ guid }) => guid)).toContain(ofJob()?.guid);
  });

  it("tell the lies that the job was queued with", async () => {
    github.setWebhook({ url: receiver.url, secret: "s" });
    const webhooks = { drop: ["queued"], duplicate: ["in_progress"], isCompletedWhileRunning: true } as const;
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"], webhooks });
    const runner = await connectRunner(github, { name: "r", labels: ["x"] });
    const job = await runner.takeJob();
    await runner.start(job);
    const actions = () =>
      receiver.received.flatMap(({ payload }) => (payload.workflow_job?.id === jobId ? [payload.action] : []));
    await eventually("the lies", () => actions().length === 3);
    expect(actions().sort()).toEqual(["completed", "in_progress", "in_progress"]);
    expect(github.jobs()).toMatchObject([{ status: "in_progress" }]);
  });
});

describe("the runner's protocol", () => {
  it("goes through its moments in order, each before and after", async () => {
    const moments: string[] = [];
    github.moments.observe(({ name, side }) => {
      moments.push(`${name} ${side}`);
    });
    const runner = await connectRunner(github, { name: "r", labels: ["x"] });
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
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
    expect(github.jobs()).toMatchObject([{ id: jobId, conclusion: "success", runnerName: "r" }]);
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
    const runner = await connectRunner(github, { name: "r", labels: ["x"] });
    const hold = github.moments.hold({ name, side, runnerId: runner.id });
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const whole = runner.takeJob().then(async (job) => {
      await runner.renew(job);
      await runner.start(job);
      return runner.complete(job, "Succeeded");
    });
    expect(await hold.reached).toMatchObject({ jobId, runnerName: "r" });
    expect(github.jobs()[0]?.phase).toBe(phase);
    expect((await call("GET", `${RUNNERS}/${runner.id}`)).body.busy).toBe(phase === "acquired");
    expect((await call("DELETE", `${RUNNERS}/${runner.id}`)).status).toBe(deletion);
    hold.release();
    expect(await whole).toBe(204);
    expect(github.jobs()[0]).toMatchObject({ status: "completed", conclusion: "success" });
  });

  it("holds a poll for as long as it says, and answers at once when there is a job", async () => {
    const runner = await connectRunner(github, { name: "r", labels: ["x"] });
    expect(await runner.poll()).toBe(202);
    const polled = runner.poll();
    github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    expect(await polled).toMatchObject({ messageType: "RunnerJobRequest" });
  });

  it("gives the job to another runner when the first does not acquire it", async () => {
    const own = await startOther({ github: { assignmentTimeoutMs: 80 } });
    const [lazy, eager] = [
      await connectRunner(own, { name: "lazy", labels: ["x"] }),
      await connectRunner(own, { name: "eager", labels: ["x"] }),
    ];
    const jobId = own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const message = await lazy.poll();
    const job = await eager.takeJob();
    expect(typeof message === "number" ? message : await lazy.acquire(message)).toBe(409);
    expect(await eager.complete(job, "Succeeded")).toBe(204);
    expect(own.jobs()).toMatchObject([{ id: jobId, runnerName: "eager", lostAssignmentCount: 1 }]);
  });

  it("loses the job of a listener that does not renew", async () => {
    const own = await startOther({ github: { leaseMs: 80 } });
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
    const runner = await connectRunner(github, { name: "r", labels: ["x"] });
    const polled = runner.poll();
    expect((await call("DELETE", `${RUNNERS}/${runner.id}`)).status).toBe(204);
    expect(await polled).toBe(202);
    expect(await runner.poll()).toBe(404);
    expect(await runner.openSession()).toBe(404);
  });

  it("refuses strangers, sessions of others, nonsense", async () => {
    const runner = await connectRunner(github, { name: "r", labels: ["x"] });
    const other = registerScripted(github, { name: "other", labels: ["x"] });
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
    const { status, body } = await call(method, path);
    expect(status).toBe(404);
    expect(body).toEqual({ message: "Not Found", documentation_url: "https://docs.github.com/rest" });
  });

  it("stands garbage", async () => {
    const port = Number(new URL(github.apiUrl).port);
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
    expect((await call("POST", `${RUNNERS}/generate-jitconfig`, "x".repeat(2_000_000))).status).toBe(413);
    expect((await call("GET", RUNNERS)).status).toBe(200);
  });

  it("comes back on its port with what it knew, and loses no message to a poll that it reset", async () => {
    const runner = await connectRunner(github, { name: "r", labels: ["x"] });
    const poll = runner.poll();
    await github.goOffline();
    await expect(poll).rejects.toThrow();
    await expect(call("GET", RUNNERS)).rejects.toThrow();
    github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await github.comeBack();
    expect(await runner.poll()).toMatchObject({ messageType: "RunnerJobRequest" });
  });

  it("closes while calls are open, holds are held and jobs are waited for, more than once", async () => {
    const runner = await connectRunner(github, { name: "r", labels: ["x"] });
    github.setWebhook({ url: receiver.url, secret: "s" });
    receiver.answerWith("silence");
    const hold = github.moments.hold({ name: "message-delivered" });
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const poll = runner.poll();
    const waiting = github.waitForJob(jobId, ({ status }) => status === "completed", WAIT_MS);
    await hold.reached;
    await Promise.all([github.close(), github.close()]);
    await expect(poll).rejects.toThrow();
    await expect(waiting).rejects.toThrow("the simulator closed");
    await github.close();
  });

  it("tells who listens of every change of a job", async () => {
    const seen: string[] = [];
    const stop = github.onJobChange(({ phase }) => seen.push(phase));
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"], approval: true });
    github.approveJob(jobId);
    stop();
    github.cancelJob(jobId);
    expect(seen).toEqual(["waiting", "queued"]);
    await expect(github.waitForJob(jobId, () => false, 30)).rejects.toThrow(
      `waiting for job ${jobId}: not so within 30 ms`,
    );
  });
});
