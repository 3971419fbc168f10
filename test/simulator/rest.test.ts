import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { JIT, RUNNERS, useGitHub } from "./github-house.ts";
import { appJwt, connectRunner, readSecret } from "./scripted-runner.ts";

const house = useGitHub();

describe("REST", () => {
  it("registers by generate-jitconfig, offline and without a version, with the files that a runner needs", async () => {
    const { status, body } = await house.call("POST", `${RUNNERS}/generate-jitconfig`, { ...JIT, work_folder: "_w" });
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
      ServerUrlV2: house.github.apiUrl,
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
    const answer = await house.call("POST", `${RUNNERS}/generate-jitconfig`, body);
    expect(answer.status).toBe(status);
    expect(Object.keys(answer.body)).toEqual(["message", "documentation_url"]);
    expect(house.github.runners()).toEqual([]);
  });

  it("says 409 for a name that is taken, and finds who took it by name", async () => {
    const first = await house.call("POST", `${RUNNERS}/generate-jitconfig`, JIT);
    const second = await house.call("POST", `${RUNNERS}/generate-jitconfig`, JIT);
    expect(second.status).toBe(409);
    expect(second.body.message).toContain("Already exists - A runner with the name *** already exists");
    const found = await house.call("GET", `${RUNNERS}?name=r-1`);
    expect(found.body).toMatchObject({ total_count: 1, runners: [{ id: first.body.runner.id }] });
    expect((await house.call("GET", `${RUNNERS}?name=r-2`)).body).toEqual({ total_count: 0, runners: [] });
    expect((await house.call("POST", "/repos/acme/widgets/actions/runners/generate-jitconfig", JIT)).status).toBe(201);
  });

  it("pages, with a Link header to follow", async () => {
    for (let count = 0; count < 5; count += 1)
      await house.call("POST", `${RUNNERS}/generate-jitconfig`, { ...JIT, name: `r-${count}` });
    const names: string[] = [];
    let next: string | undefined = `${RUNNERS}?per_page=2`;
    let pageCount = 0;
    while (next !== undefined && pageCount < 10) {
      const { body, headers } = await house.call("GET", next);
      names.push(...body.runners.map(({ name }: { name: string }) => name));
      next = /<([^>]+)>; rel="next"/.exec(headers.get("link") ?? "")?.[1]?.replace(house.github.apiUrl, "");
      pageCount += 1;
    }
    expect(pageCount).toBe(3);
    expect(names).toEqual(["r-0", "r-1", "r-2", "r-3", "r-4"]);
    expect((await house.call("GET", `${RUNNERS}?per_page=2&page=99`)).body).toEqual({ total_count: 5, runners: [] });
    expect((await house.call("GET", `${RUNNERS}?per_page=x&page=-1`)).body.runners).toHaveLength(5);
  });

  it("DELETE: 204, then 404; 422 from acquire on", async () => {
    const idle = await house.call("POST", `${RUNNERS}/generate-jitconfig`, JIT);
    const path = `${RUNNERS}/${idle.body.runner.id}`;
    expect((await house.call("DELETE", path)).status).toBe(204);
    expect((await house.call("DELETE", path)).status).toBe(404);
    expect((await house.call("GET", path)).status).toBe(404);
    const runner = await connectRunner(house.github, { name: "busy-one", labels: ["x"] });
    house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await runner.takeJob();
    const refused = await house.call("DELETE", `${RUNNERS}/${runner.id}`);
    expect(refused.status).toBe(422);
    expect(refused.body.message).toBe(
      'Bad request - Runner "busy-one" is currently running a job and cannot be deleted.',
    );
  });

  it("tells a job by id and by run", async () => {
    const jobId = house.github.queueJob({
      repository: "acme/widgets",
      labels: ["x"],
      steps: ["a"],
      runId: 7,
      runAttempt: 1,
    });
    const again = house.github.queueJob({
      repository: "acme/widgets",
      labels: ["x"],
      steps: ["a"],
      runId: 7,
      runAttempt: 2,
    });
    const { body } = await house.call("GET", `/repos/acme/widgets/actions/jobs/${jobId}`);
    expect(body).toMatchObject({ id: jobId, run_id: 7, status: "queued", runner_id: null, labels: ["x"] });
    expect((await house.call("GET", `/repos/acme/gears/actions/jobs/${jobId}`)).status).toBe(404);
    const ids = async (filter: string) => {
      const listed = await house.call("GET", `/repos/acme/widgets/actions/runs/7/jobs${filter}`);
      return listed.body.jobs.map(({ id }: { id: number }) => id);
    };
    expect(await ids("")).toEqual([again]);
    expect(await ids("?filter=all")).toEqual([jobId, again]);
  });
});

describe("who may call", () => {
  it.each(["Bearer wrong", "", "Basic Zm9v", "Bearer", "token"])("refuses %j", async (authorization) => {
    const response = await fetch(`${house.github.apiUrl}${RUNNERS}`, { headers: { authorization } });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ message: "Bad credentials" });
  });

  it("takes `token` as well as `Bearer`", async () => {
    const response = await fetch(`${house.github.apiUrl}${RUNNERS}`, {
      headers: { authorization: `token ${house.github.token}` },
    });
    expect(response.status).toBe(200);
  });

  it("gives an App a token for its installation, by a JWT that it signed", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const own = await house.startOther({ appPublicKey: publicKey.export({ type: "spki", format: "pem" }).toString() });
    const signed = (text: string) => sign("RSA-SHA256", Buffer.from(text), privateKey).toString("base64url");
    const jwt = appJwt(own.appId, signed);
    const installation = await house.call("GET", "/repos/acme/widgets/installation", undefined, jwt, own);
    expect(installation.body).toMatchObject({ id: own.installationId, app_id: own.appId });
    const path = `/app/installations/${installation.body.id}/access_tokens`;
    const { status, body } = await house.call("POST", path, undefined, jwt, own);
    expect(status).toBe(201);
    expect((await house.call("GET", RUNNERS, undefined, body.token, own)).status).toBe(200);
    const refused = [
      await house.call("GET", RUNNERS, undefined, jwt, own),
      await house.call("GET", "/app", undefined, own.token, own),
      await house.call("GET", "/app", undefined, appJwt(own.appId), own),
      await house.call("GET", "/app", undefined, appJwt(own.appId + 1, signed), own),
      await house.call("GET", "/app", undefined, appJwt(own.appId, signed, 3_600), own),
      await house.call("GET", "/app", undefined, appJwt(own.appId, signed, 0), own),
    ];
    expect(refused.map((answer) => answer.status)).toEqual([401, 401, 401, 404, 401, 401]);
    expect((await house.call("GET", "/orgs/nobody/installation", undefined, jwt, own)).status).toBe(404);
    expect((await house.call("POST", "/app/installations/1/access_tokens", undefined, jwt, own)).status).toBe(404);
  });
});

describe("faults", () => {
  it("loses an answer after the effect: the retry finds its own first try", async () => {
    house.github.faults.inject("generate-jitconfig", { kind: "answer-lost", effect: "done" });
    await expect(house.call("POST", `${RUNNERS}/generate-jitconfig`, JIT)).rejects.toThrow();
    expect(house.github.runners()).toMatchObject([{ name: "r-1", version: null }]);
    expect((await house.call("POST", `${RUNNERS}/generate-jitconfig`, JIT)).status).toBe(409);
  });

  it("fails before or after the effect with a status and headers, so often as told", async () => {
    house.github.faults.inject("generate-jitconfig", { kind: "status", effect: "none", status: 500 }, 2);
    house.github.faults.inject("generate-jitconfig", {
      kind: "status",
      effect: "done",
      status: 403,
      headers: { "retry-after": "1" },
    });
    const answers = [1, 2, 3, 4].map(() => () => house.call("POST", `${RUNNERS}/generate-jitconfig`, JIT));
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
    house.github.faults.inject("list-runners", { kind: "delay", delayMs: 120 });
    const takeBack = house.github.faults.inject("list-runners", { kind: "status", effect: "none", status: 500 }, 99);
    expect((await house.call("GET", RUNNERS)).status).toBe(200);
    expect(performance.now() - startMs).toBeGreaterThan(100);
    expect((await house.call("GET", RUNNERS)).status).toBe(500);
    takeBack();
    expect((await house.call("GET", RUNNERS)).status).toBe(200);
  });
});
