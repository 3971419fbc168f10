import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import {
  checkAnswer,
  checkPayload,
  checkRequest,
  DESCRIPTION_NAMES,
  describeCall,
  pingExamples,
  readDescription,
  restContract,
  webhookContract,
  workflowJobExamples,
} from "../contracts/github/contract.ts";
import { appJwt, connectRunner, type ScriptedRunner } from "./scripted-runner.ts";

let github: SimulatedGitHub;
const JIT_BODY = { name: "contract-1", runner_group_id: 1, labels: ["self-hosted", "linux"], work_folder: "_work" };
const VERSION = "2.336.0";

beforeAll(async () => {
  github = await startSimulatedGitHub({
    repositories: ["acme/widgets", "mona/home"],
    longPollMs: 200,
    github: {
      users: ["mona"],
      runnerGroups: [
        { id: 1, name: "Default", repositories: "all" },
        { id: 2, name: "few", repositories: ["acme/widgets"] },
      ],
      enterprises: [
        {
          slug: "big",
          organizations: ["acme"],
          runnerGroups: [
            { id: 1, name: "Default", organizations: "all" },
            { id: 2, name: "few", organizations: ["acme"] },
          ],
        },
      ],
      deprecations: { [VERSION]: { runtime_deprecates_at: "2099-01-01T00:00:00Z" } },
    },
  });
});

afterAll(async () => {
  await github.close();
});

interface Sent {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what it is, is checked by GitHub's description
  readonly body: any;
  readonly headers: Headers;
}

const called = new Set<string>();
const problems: string[] = [];

/** Calls the simulator; what was asked and what was answered is held against every description that has the call. */
async function send(
  method: string,
  target: string,
  options: {
    readonly body?: unknown;
    readonly token?: string;
    readonly etag?: string;
    readonly to?: SimulatedGitHub;
  } = {},
): Promise<Sent> {
  const { to = github, body } = options;
  const url = new URL(`${to.apiUrl}${target}`);
  const headers = { authorization: `Bearer ${options.token ?? to.token}`, "if-none-match": options.etag ?? "" };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(url, { method, headers, redirect: "manual", ...sent });
  const text = await response.text();
  const answered = text === "" ? undefined : (JSON.parse(text) as unknown);
  for (const name of DESCRIPTION_NAMES) {
    const call = describeCall(name, method, url.pathname);
    if (call === null) continue;
    called.add(call.name);
    // What GitHub's own example gets wrong in the same way is no mistake of ours.
    const example = call.examples[String(response.status)];
    const excused = example === undefined ? [] : call.checkAnswer(response.status, example);
    const found = [
      ...(response.status < 400 ? call.checkRequest(url.searchParams, body) : []),
      ...call.checkAnswer(response.status, answered).filter((problem) => !excused.includes(problem)),
    ];
    problems.push(...found.map((problem) => `${name}: ${problem}`));
  }
  return { status: response.status, body: answered, headers: response.headers };
}

/** Every call on the runners of one place; the busy runner is the organization's. */
async function useRunners(place: string, busy: ScriptedRunner): Promise<readonly number[]> {
  const runners = `${place}/actions/runners`;
  const mint = () => send("POST", `${runners}/generate-jitconfig`, { body: JIT_BODY });
  const minted = await mint();
  const one = `${runners}/${minted.body.runner.id}`;
  const listed = await send("GET", `${runners}?name=${JIT_BODY.name}`);
  const answers = [
    minted,
    await mint(),
    await send("POST", `${runners}/generate-jitconfig`, { body: {} }),
    listed,
    await send("GET", `${runners}?name=${JIT_BODY.name}`, { etag: listed.headers.get("etag") ?? "" }),
    await send("GET", `${runners}?per_page=1&page=2`),
    await send("GET", one),
    await send("DELETE", `${runners}/${busy.id}`),
    await send("DELETE", one),
    await send("DELETE", one),
    await send("GET", `${runners}/deprecations/${VERSION}`),
    await send("GET", `${runners}/deprecations/1.0.0`),
  ];
  return answers.map(({ status }) => status);
}

/** Every call on hooks and their deliveries. */
async function useHook(hook: string, token: string): Promise<readonly number[]> {
  const listed = await send("GET", `${hook}/deliveries?per_page=1`, { token });
  const one = `${hook}/deliveries/${listed.body[0].id}`;
  const answers = [
    listed,
    await send("GET", one, { token }),
    await send("POST", `${one}/attempts`, { token }),
    await send("GET", `${hook}/deliveries/1`, { token }),
    await send("GET", `${hook}/deliveries?cursor=x`, { token }),
  ];
  return answers.map(({ status }) => status);
}

describe("REST answers are as GitHub describes them", () => {
  it("on runners, in every scope", async () => {
    github.queueJob({ repository: "acme/widgets", labels: ["self-hosted"], steps: ["make"] });
    const busy = await connectRunner(github, { name: "contract-busy", labels: ["self-hosted"] });
    await busy.takeJob();
    const elsewhere = [201, 409, 422, 200, 304, 200, 200, 404, 204, 404, 200, 404];
    expect(await useRunners("/orgs/acme", busy)).toEqual(elsewhere.with(7, 422));
    expect(await useRunners("/repos/acme/widgets", busy)).toEqual(elsewhere);
    expect(await useRunners("/enterprises/big", busy)).toEqual(elsewhere);
    expect((await send("GET", "/orgs/acme/actions/runner-groups")).body.total_count).toBe(2);
    expect((await send("GET", "/enterprises/big/actions/runner-groups")).body.total_count).toBe(2);
    expect((await send("GET", "/orgs/acme/actions/runners", { token: "wrong" })).status).toBe(401);
    expect((await send("GET", "/orgs/nobody/actions/runners")).status).toBe(404);
    expect(problems).toEqual([]);
  });

  it("on jobs, runs and repositories", async () => {
    const runId = 16_999_999_999;
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["z"], steps: ["make"], runId });
    const token = await installationToken();
    const actions = "/repos/acme/widgets/actions";
    const answers = [
      await send("GET", `${actions}/jobs/${jobId}`),
      await send("GET", `${actions}/runs?status=queued&per_page=100`),
      await send("GET", `${actions}/runs/${runId}`),
      await send("GET", `${actions}/runs/${runId}/jobs?filter=all`),
      await send("GET", "/orgs/acme/repos?type=all"),
      await send("GET", "/user/repos"),
      await send("GET", "/user"),
      await send("GET", "/installation/repositories", { token }),
      await send("GET", "/user", { token }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 200, 200, 403]);
    const again = async () => (await send("POST", `${actions}/jobs/${jobId}/rerun`)).status;
    expect(await again()).toBe(403);
    github.cancelJob(jobId);
    expect([await again(), await again()]).toEqual([201, 403]);
    expect((await send("GET", `${actions}/runs/${runId}`)).body).toMatchObject({ run_attempt: 2, status: "queued" });
    expect(problems).toEqual([]);
  });

  async function installationToken(): Promise<string> {
    const path = `/app/installations/${github.installationId}/access_tokens`;
    return (await send("POST", path, { token: appJwt(github.appId) })).body.token;
  }

  it("on Apps and their making", async () => {
    const token = appJwt(github.appId);
    const paths = ["/app", "/app/installations", "/orgs/acme/installation", "/repos/acme/widgets/installation"];
    for (const path of [...paths, "/users/mona/installation", "/enterprises/big/installation"]) {
      expect((await send("GET", path, { token })).status).toBe(200);
    }
    github.setInstallation(github.appId, "acme", { isSuspended: true });
    expect((await send("GET", "/orgs/acme/installation", { token })).body.suspended_at).not.toBeNull();
    expect((await send("POST", `/app/installations/${github.installationId}/access_tokens`, { token })).status).toBe(
      403,
    );
    github.setInstallation(github.appId, "acme", { isSuspended: false });
    const manifest = JSON.stringify({ name: "made", url: "https://x.test", redirect_url: "https://x.test/back" });
    const page = await fetch(`${github.webUrl}/settings/apps/new`, {
      method: "POST",
      body: new URLSearchParams({ manifest }),
      redirect: "manual",
    });
    const code = new URL(page.headers.get("location") ?? "").searchParams.get("code");
    expect((await send("POST", `/app-manifests/${code}/conversions`)).status).toBe(201);
    expect((await send("POST", `/app-manifests/${code}/conversions`)).status).toBe(404);
    expect(problems).toEqual([]);
  });

  it("on hooks and their deliveries", async () => {
    const own = await startSimulatedGitHub({ repositories: ["acme/widgets"] });
    await own.close();
    // Nobody listens there any more.
    const target = { url: own.webUrl, secret: "s" };
    github.setWebhook(target);
    const inOrganization = github.addHook({ kind: "organization", organization: "acme" }, target);
    const inRepository = github.addHook({ kind: "repository", fullName: "acme/widgets" }, target);
    github.queueJob({ repository: "acme/widgets", labels: ["z"], steps: ["make"] });
    const areTried = () => github.deliveries().every(({ attempts }) => attempts.length > 0);
    await github.waitFor("every delivery to be tried", areTried, 10_000);
    const token = appJwt(github.appId);
    const each = [200, 200, 202, 404, 400];
    expect(await useHook("/app/hook", token)).toEqual(each);
    expect(await useHook(`/orgs/acme/hooks/${inOrganization}`, github.token)).toEqual(each);
    expect(await useHook(`/repos/acme/widgets/hooks/${inRepository}`, github.token)).toEqual(each);
    expect((await send("GET", "/app/hook/config", { token })).status).toBe(200);
    expect((await send("GET", "/orgs/acme/hooks")).status).toBe(200);
    expect((await send("GET", "/repos/acme/widgets/hooks")).status).toBe(200);
    expect(problems).toEqual([]);
  });

  it("on every call that is described", () => {
    const described = DESCRIPTION_NAMES.flatMap((name) => Object.keys(readDescription(name).calls));
    expect([...called].sort()).toEqual([...new Set(described)].sort());
  });

  it("describes a job in every phase of its life", async () => {
    const own = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 200 });
    const look = async (jobId: number) => {
      const { status, body } = await send("GET", `/repos/acme/widgets/actions/jobs/${jobId}`, { to: own });
      const runs = await send("GET", "/repos/acme/widgets/actions/runs", { to: own });
      expect([status, runs.status, problems]).toEqual([200, 200, []]);
      return [body.status, runs.body.workflow_runs[0].status];
    };
    const jobId = own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["one", "two"], approval: true });
    expect(await look(jobId)).toEqual(["waiting", "waiting"]);
    own.approveJob(jobId);
    expect(await look(jobId)).toEqual(["queued", "queued"]);
    const runner = await connectRunner(own, { name: "phases", labels: ["x"] });
    const taken = await runner.takeJob();
    expect(await look(jobId)).toEqual(["queued", "queued"]);
    await runner.start(taken);
    expect(await look(jobId)).toEqual(["in_progress", "in_progress"]);
    await runner.complete(taken, "Failed", 1);
    expect(await look(jobId)).toEqual(["completed", "completed"]);
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
    const enterprises = [{ slug: "big", organizations: ["acme"] }];
    const own = await startSimulatedGitHub({
      repositories: ["acme/widgets"],
      longPollMs: 200,
      github: { enterprises },
    });
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
      "POST /app-manifests/{code}/conversions 201: 3",
      "GET /installation/repositories 200: 4",
      "GET /user/repos 200: 3",
      "GET /repos/{owner}/{repo}/actions/jobs/{job_id} 200: 1",
      "GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs 200: 1",
    ]);
  });
});
