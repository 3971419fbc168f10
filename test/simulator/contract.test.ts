import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import {
  checkAnswer,
  checkPayload,
  checkRequest,
  pingExamples,
  restContract,
  webhookContract,
  workflowJobExamples,
} from "../contracts/github/contract.ts";
import { appJwt, connectRunner } from "./scripted-runner.ts";

let github: SimulatedGitHub;
let groupedGitHub: SimulatedGitHub;
const JIT_BODY = { name: "contract-1", runner_group_id: 1, labels: ["self-hosted", "linux"], work_folder: "_work" };

beforeAll(async () => {
  github = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 200 });
  groupedGitHub = await startSimulatedGitHub({
    repositories: ["acme/widgets"],
    github: {
      runnerGroups: [
        { id: 1, name: "Default", repositories: "all" },
        { id: 2, name: "few", repositories: ["acme/widgets"] },
      ],
    },
  });
});

afterAll(async () => {
  await github.close();
  await groupedGitHub.close();
});

interface Sent {
  readonly status: number;
  readonly body: unknown;
  readonly problems: readonly string[];
}

const called = new Set<string>();

/** Calls the simulator, and checks what was asked and what was answered. */
async function send(
  call: string,
  path: string,
  options: { readonly body?: unknown; readonly token?: string; readonly to?: SimulatedGitHub } = {},
): Promise<Sent> {
  const target = options.to ?? github;
  called.add(call);
  const url = new URL(`${target.apiUrl}${path}`);
  const response = await fetch(url, {
    method: call.split(" ")[0] ?? "GET",
    headers: { authorization: `Bearer ${options.token ?? target.token}` },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const body = text === "" ? undefined : (JSON.parse(text) as unknown);
  const asked = response.status < 400 ? checkRequest(call, options.body, url.searchParams) : [];
  return { status: response.status, body, problems: [...asked, ...checkAnswer(call, response.status, body)] };
}

describe("REST answers are as GitHub describes them", () => {
  it("answers every extracted call", async () => {
    const runId = 16_999_999_999;
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["self-hosted"], steps: ["make"], runId });
    const runner = await connectRunner(github, { name: "contract-busy", labels: ["self-hosted"] });
    await runner.takeJob();
    const jwt = appJwt(github.appId);
    const org = "/orgs/acme/actions/runners";
    const repository = "/repos/acme/widgets/actions/runners";
    const minted = await send("POST /orgs/{org}/actions/runners/generate-jitconfig", `${org}/generate-jitconfig`, {
      body: JIT_BODY,
    });
    const mintedHere = await send(
      "POST /repos/{owner}/{repo}/actions/runners/generate-jitconfig",
      `${repository}/generate-jitconfig`,
      { body: JIT_BODY },
    );
    const idOf = (sent: Sent) => (sent.body as { runner: { id: number } }).runner.id;
    const rows: readonly (readonly [call: string, status: number, sent: Sent])[] = [
      ["POST org jit", 201, minted],
      ["POST repo jit", 201, mintedHere],
      ["GET /app", 200, await send("GET /app", "/app", { token: jwt })],
      [
        "GET org installation",
        200,
        await send("GET /orgs/{org}/installation", "/orgs/acme/installation", { token: jwt }),
      ],
      [
        "GET repo installation",
        200,
        await send("GET /repos/{owner}/{repo}/installation", "/repos/acme/widgets/installation", { token: jwt }),
      ],
      [
        "POST token",
        201,
        await send(
          "POST /app/installations/{installation_id}/access_tokens",
          `/app/installations/${github.installationId}/access_tokens`,
          { token: jwt },
        ),
      ],
      ["list org", 200, await send("GET /orgs/{org}/actions/runners", `${org}?per_page=1&page=2`)],
      ["list org by name", 200, await send("GET /orgs/{org}/actions/runners", `${org}?name=contract-busy`)],
      ["get org", 200, await send("GET /orgs/{org}/actions/runners/{runner_id}", `${org}/${runner.id}`)],
      ["list repo", 200, await send("GET /repos/{owner}/{repo}/actions/runners", repository)],
      [
        "get repo",
        200,
        await send("GET /repos/{owner}/{repo}/actions/runners/{runner_id}", `${repository}/${idOf(mintedHere)}`),
      ],
      ["busy", 422, await send("DELETE /orgs/{org}/actions/runners/{runner_id}", `${org}/${runner.id}`)],
      [
        "taken",
        409,
        await send("POST /orgs/{org}/actions/runners/generate-jitconfig", `${org}/generate-jitconfig`, {
          body: JIT_BODY,
        }),
      ],
      [
        "bad body",
        422,
        await send("POST /orgs/{org}/actions/runners/generate-jitconfig", `${org}/generate-jitconfig`, { body: {} }),
      ],
      ["delete org", 204, await send("DELETE /orgs/{org}/actions/runners/{runner_id}", `${org}/${idOf(minted)}`)],
      ["delete again", 404, await send("DELETE /orgs/{org}/actions/runners/{runner_id}", `${org}/${idOf(minted)}`)],
      [
        "delete repo",
        204,
        await send("DELETE /repos/{owner}/{repo}/actions/runners/{runner_id}", `${repository}/${idOf(mintedHere)}`),
      ],
      [
        "groups",
        200,
        await send("GET /orgs/{org}/actions/runner-groups", "/orgs/acme/actions/runner-groups", { to: groupedGitHub }),
      ],
      [
        "job",
        200,
        await send("GET /repos/{owner}/{repo}/actions/jobs/{job_id}", `/repos/acme/widgets/actions/jobs/${jobId}`),
      ],
      [
        "jobs of run",
        200,
        await send(
          "GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs",
          `/repos/acme/widgets/actions/runs/${runId}/jobs?filter=all`,
        ),
      ],
      ["bad token", 401, await send("GET /orgs/{org}/actions/runners", org, { token: "wrong" })],
      ["no such org", 404, await send("GET /orgs/{org}/actions/runners", "/orgs/nobody/actions/runners")],
    ];
    for (const [name, status, sent] of rows)
      expect({ name, status: sent.status, problems: sent.problems }).toEqual({ name, status, problems: [] });
    expect([...called].sort()).toEqual(Object.keys(restContract.calls).sort());
  });

  it("describes a job in every phase of its life", async () => {
    const own = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 200 });
    const call = "GET /repos/{owner}/{repo}/actions/jobs/{job_id}";
    const look = async (jobId: number) => {
      const { status, body, problems } = await send(call, `/repos/acme/widgets/actions/jobs/${jobId}`, { to: own });
      expect({ status, problems }).toEqual({ status: 200, problems: [] });
      return (body as { status: string }).status;
    };
    const jobId = own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["one", "two"], approval: true });
    expect(await look(jobId)).toBe("waiting");
    own.approveJob(jobId);
    expect(await look(jobId)).toBe("queued");
    const runner = await connectRunner(own, { name: "phases", labels: ["x"] });
    const taken = await runner.takeJob();
    expect(await look(jobId)).toBe("queued");
    await runner.start(taken);
    expect(await look(jobId)).toBe("in_progress");
    await runner.complete(taken, "Failed", 1);
    expect(await look(jobId)).toBe("completed");
    await own.close();
  });
});

describe("webhooks are as GitHub describes them", () => {
  it("sends payloads and headers of GitHub's shape for every action, and a ping", async () => {
    const received: { readonly event: string; readonly headers: ReadonlySet<string>; readonly payload: unknown }[] = [];
    const receiver = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const payload: unknown = JSON.parse(Buffer.concat(chunks).toString());
      received.push({
        event: String(request.headers["x-github-event"]),
        headers: new Set(Object.keys(request.headers)),
        payload,
      });
      response.end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const { port } = receiver.address() as AddressInfo;
    const own = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 200 });
    own.setWebhook({ url: `http://127.0.0.1:${port}/`, secret: "s" });
    const jobId = own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["make"], approval: "waiting" });
    const otherId = own.queueJob({ repository: "acme/widgets", labels: ["y"], steps: ["make"], approval: "queued" });
    own.cancelJob(otherId);
    own.approveJob(jobId);
    const runner = await connectRunner(own, { name: "hooked", labels: ["x"] });
    const taken = await runner.takeJob();
    await runner.start(taken);
    await runner.complete(taken, "Succeeded");
    await own.waitFor("all deliveries", () => own.deliveries().every(({ status }) => status === "delivered"), 10_000);
    const seen = received.map(({ event, payload }) => {
      const { action, workflow_job: job } = payload as { action?: string; workflow_job?: { status: string } };
      return [event, action, job?.status].join(" ").trim();
    });
    expect(seen.sort()).toEqual([
      "ping",
      "workflow_job completed completed",
      "workflow_job completed completed",
      "workflow_job in_progress in_progress",
      "workflow_job queued queued",
      "workflow_job queued waiting",
      "workflow_job waiting waiting",
    ]);
    const described = webhookContract.events["workflow-job-queued"]?.headers ?? [];
    for (const { event, headers, payload } of received) {
      expect(checkPayload(event, payload)).toEqual([]);
      for (const name of described) expect(headers).toContain(name.toLowerCase());
    }
    const sizes = received
      .filter(({ event }) => event === "workflow_job")
      .map(({ payload }) => JSON.stringify(payload).length);
    expect(Math.min(...sizes)).toBeGreaterThan(6_000);
    await own.close();
    receiver.close();
  });
});

describe("the contract can fail", () => {
  const call = "GET /orgs/{org}/actions/runners/{runner_id}";
  const good = restContract.calls[call]?.examples["200"] as { readonly [key: string]: unknown };

  it.each<[name: string, spoil: (answer: Record<string, unknown>) => void]>([
    ["a property that is missing", (answer) => delete answer.busy],
    ["a property of another type", (answer) => Object.assign(answer, { id: "5" })],
    ["a property that GitHub does not have", (answer) => Object.assign(answer, { idle: true })],
    ["null where GitHub has none", (answer) => Object.assign(answer, { os: null })],
    ["a label without a name", (answer) => Object.assign(answer, { labels: [{ id: 1, type: "custom" }] })],
  ])("catches %s", (_name, spoil) => {
    expect(checkAnswer(call, 200, good)).toEqual([]);
    const bad = structuredClone(good) as Record<string, unknown>;
    spoil(bad);
    expect(checkAnswer(call, 200, bad)).toHaveLength(1);
  });

  it("catches a status that GitHub does not answer, and a body where there is none", () => {
    expect(checkAnswer(call, 202, good)).toEqual([`${call} never answers 202`]);
    expect(checkAnswer("DELETE /orgs/{org}/actions/runners/{runner_id}", 204, {})).toHaveLength(1);
  });

  it("catches a wrong request: a missing label list, an unknown query", () => {
    const { labels: _labels, ...bad } = JIT_BODY;
    expect(checkRequest("POST /orgs/{org}/actions/runners/generate-jitconfig", bad)).toHaveLength(1);
    expect(checkRequest("GET /orgs/{org}/actions/runners", undefined, new URLSearchParams("label=x"))).toHaveLength(1);
  });

  it("catches a wrong payload", () => {
    const example = workflowJobExamples[5] as { readonly workflow_job: object };
    const bad = { ...example, workflow_job: { ...example.workflow_job, status: "sleeping" } };
    expect(checkPayload("workflow_job", example)).toEqual([]);
    expect(checkPayload("workflow_job", bad)).not.toEqual([]);
    expect(checkPayload("workflow_job", { ...example, action: "revoked" })).toEqual([
      "GitHub sends no workflow-job-revoked",
    ]);
  });

  it("knows which of GitHub's own examples break GitHub's own schemas", () => {
    const actions = workflowJobExamples.map(
      (example) => `${example.action}: ${checkPayload("workflow_job", example).length}`,
    );
    expect(actions).toEqual([
      "in_progress: 4",
      "completed: 0",
      "completed: 0",
      "in_progress: 0",
      "in_progress: 0",
      "queued: 0",
      "queued: 0",
      "waiting: 0",
    ]);
    expect(pingExamples.flatMap((example) => checkPayload("ping", example))).toEqual([]);
    const broken = Object.entries(restContract.calls).flatMap(([name, { examples }]) =>
      Object.entries(examples).flatMap(([status, example]) => {
        const { length } = checkAnswer(name, Number(status), example);
        return length === 0 ? [] : [`${name} ${status}: ${length}`];
      }),
    );
    expect(broken).toEqual([
      "POST /app/installations/{installation_id}/access_tokens 201: 3",
      "GET /repos/{owner}/{repo}/actions/jobs/{job_id} 200: 1",
      "GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs 200: 1",
    ]);
  });
});
