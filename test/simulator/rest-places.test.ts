import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { formatInstant } from "../../src/simulator/github/instant.ts";
import { handleRest } from "../../src/simulator/github/rest.ts";
import type { SimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import { JIT, RUNNERS, useGitHub } from "./github-house.ts";
import { appJwt, connectRunner, registerScripted } from "./scripted-runner.ts";
import { connect, createWorld, queue, register, START_MS } from "./world.ts";

const house = useGitHub();
const MINT = `${RUNNERS}/generate-jitconfig`;

describe("runs", () => {
  const QUEUED = { repository: "acme/widgets", steps: ["true"] };
  const list = async (query = "") => {
    const { body } = await house.call("GET", `/repos/acme/widgets/actions/runs${query}`);
    return body.workflow_runs.map((run: { id: number; status: string; conclusion: string }) =>
      [run.id, run.status, run.conclusion].filter((part) => part !== null).join(" "),
    );
  };

  it("are what their jobs are, newest first", async () => {
    house.github.queueJob({ ...QUEUED, labels: ["x"], runId: 1 });
    house.github.queueJob({ ...QUEUED, labels: ["nobody"], runId: 1 });
    house.github.queueJob({ ...QUEUED, labels: ["nobody"], runId: 2 });
    house.github.cancelJob(house.github.queueJob({ ...QUEUED, labels: ["nobody"], runId: 3 }));
    house.github.queueJob({ ...QUEUED, labels: ["nobody"], runId: 4, approval: true });
    house.github.queueJob({ ...QUEUED, labels: ["x"], repository: "acme/gears", runId: 5 });
    expect(await list()).toEqual(["4 waiting", "3 completed cancelled", "2 queued", "1 queued"]);
    const runner = await connectRunner(house.github, { name: "r", labels: ["x"], isEphemeral: false });
    const job = await runner.takeJob();
    await runner.start(job);
    expect(await list("?status=in_progress")).toEqual(["1 in_progress"]);
    await runner.complete(job, "Succeeded");
    expect(await list("?status=queued")).toEqual(["2 queued", "1 queued"]);
    expect(await list("?status=cancelled")).toEqual(["3 completed cancelled"]);
    expect((await house.call("GET", "/repos/acme/nothing/actions/runs")).status).toBe(404);
  });

  it("are those of their latest attempt, and are paged", async () => {
    house.github.cancelJob(house.github.queueJob({ ...QUEUED, labels: ["x"], runId: 1, runAttempt: 1 }));
    house.github.queueJob({ ...QUEUED, labels: ["x"], runId: 1, runAttempt: 2 });
    house.github.queueJob({ ...QUEUED, labels: ["x"], runId: 2 });
    expect(await list()).toEqual(["2 queued", "1 queued"]);
    expect(await list("?per_page=1&page=2")).toEqual(["1 queued"]);
  });
});

describe("runs by status", () => {
  it("are told no more than a thousand of", () => {
    const state = createWorld({ pointsPerMinute: 0 });
    for (let runId = 1; runId <= 1_001; runId += 1) queue(state, { runId });
    const caller = { kind: "token", token: { token: "t", login: "mona", scopes: null } } as const;
    const call = { method: "GET", path: "/repos/acme/widgets/actions/runs", body: { kind: "none" }, caller } as const;
    const listed = (query: string) => {
      const request = { ...call, query: new URLSearchParams(query), bearer: "t", ifNoneMatch: null };
      return JSON.parse(handleRest(state, request, START_MS).answer.text ?? "").workflow_runs;
    };
    expect(listed("per_page=100&page=11")).toHaveLength(1);
    expect(listed("per_page=100&page=10&status=queued")).toHaveLength(100);
    expect(listed("per_page=100&page=11&status=queued")).toEqual([]);
  });
});

describe("repositories", () => {
  it("are listed by organization and for a token, with what may not be used marked", async () => {
    const own = await house.startOther({
      repositories: ["acme/widgets", "acme/old", "mona/home"],
      github: { users: ["mona"] },
    });
    own.setRepository("acme/old", { isArchived: true });
    own.setRepository("acme/widgets", { isPublic: true });
    const names = async (path: string) => {
      const { body } = await house.call("GET", path, undefined, own.token, own);
      return body.map((one: { full_name: string; archived: boolean; private: boolean }) =>
        [one.full_name, one.archived ? "archived" : "", one.private ? "" : "public"].join(" ").trim(),
      );
    };
    expect(await names("/orgs/acme/repos")).toEqual(["acme/widgets  public", "acme/old archived"]);
    expect(await names("/user/repos")).toHaveLength(3);
    expect((await house.call("GET", "/orgs/mona/repos", undefined, own.token, own)).status).toBe(404);
    const found = await house.call("GET", "/users/mona/installation", undefined, appJwt(own.appId), own);
    expect(found.body).toMatchObject({ target_type: "User", account: { login: "mona" } });
  });

  it("that are renamed or transferred are found under the old name by way of their id", async () => {
    house.github.setWebhook({ url: house.receiver.url, secret: "s" });
    const jobId = house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const minted = await house.call("POST", "/repos/acme/widgets/actions/runners/generate-jitconfig", JIT);
    house.github.renameRepository("acme/widgets", "acme/gadgets");
    const moved = await house.call("GET", `/repos/acme/widgets/actions/jobs/${jobId}?x=1`);
    const location = moved.headers.get("location") ?? "";
    expect([moved.status, moved.body.message]).toEqual([301, "Moved Permanently"]);
    expect(location).toMatch(new RegExp(`^${house.github.apiUrl}/repositories/\\d+/actions/jobs/${jobId}\\?x=1$`));
    const followed = await house.call("GET", location.replace(house.github.apiUrl, ""));
    expect(followed.body).toMatchObject({ id: jobId, url: expect.stringContaining("acme/gadgets") });
    const deletion = await house.call("DELETE", `/repos/acme/widgets/actions/runners/${minted.body.runner.id}`);
    expect([deletion.status, house.github.runners()]).toMatchObject([307, [{ name: "r-1" }]]);
    const there = (deletion.headers.get("location") ?? "").replace(house.github.apiUrl, "");
    expect((await house.call("DELETE", there)).status).toBe(204);
    const installation = await house.call(
      "GET",
      "/repos/acme/widgets/installation",
      undefined,
      appJwt(house.github.appId),
    );
    expect(installation.status).toBe(301);
    house.github.cancelJob(jobId);
    const told = house.github.deliveries().at(-1)?.payload();
    expect(told).toMatchObject({ action: "completed", repository: { full_name: "acme/gadgets" } });
    expect((await house.call("GET", "/repositories/1/actions/runs")).status).toBe(404);
    expect((await house.call("GET", "/repos/acme/widgets/actions/runs", undefined, "wrong")).status).toBe(401);
  });

  it("keep their runners and groups when they are renamed", async () => {
    const own = await house.startOther({
      github: { runnerGroups: [{ id: 2, name: "few", repositories: ["acme/widgets"] }] },
    });
    const inRepository = await connectRunner(own, { name: "a", labels: ["x"], repository: "acme/widgets" });
    const inGroup = await connectRunner(own, { name: "b", labels: ["y"], groupId: 2 });
    own.renameRepository("acme/widgets", "acme/gadgets");
    own.queueJob({ repository: "acme/gadgets", labels: ["x"], steps: ["true"] });
    own.queueJob({ repository: "acme/gadgets", labels: ["y"], steps: ["true"] });
    expect(await inRepository.poll()).toMatchObject({ messageType: "RunnerJobRequest" });
    expect(await inGroup.poll()).toMatchObject({ messageType: "RunnerJobRequest" });
  });
});

describe("runner groups", () => {
  it("take no more than their maximum", async () => {
    const own = await house.startOther({ github: { runnersPerGroupMax: 2 } });
    const mint = (name: string) => house.call("POST", MINT, { ...JIT, name }, own.token, own);
    const first = await mint("r-1");
    await mint("r-2");
    const refused = await mint("r-3");
    expect([refused.status, refused.body.message]).toEqual([422, "Runner group 1 has reached max limit of 2 runners"]);
    await house.call("DELETE", `${RUNNERS}/${first.body.runner.id}`, undefined, own.token, own);
    expect((await mint("r-3")).status).toBe(201);
  });

  it("keep public repositories out unless they allow them", async () => {
    const runnerGroups = [
      { id: 1, name: "Default", repositories: "all" as const },
      { id: 2, name: "open", repositories: "all" as const, allowsPublicRepositories: true },
    ];
    const own = await house.startOther({ github: { runnerGroups } });
    own.setRepository("acme/widgets", { isPublic: true });
    const closed = await connectRunner(own, { name: "closed", labels: ["x"] });
    own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    expect(await closed.poll()).toBe(202);
    const open = await connectRunner(own, { name: "open", labels: ["x"], groupId: 2 });
    expect(await open.poll()).toMatchObject({ messageType: "RunnerJobRequest" });
    const { body } = await house.call("GET", "/orgs/acme/actions/runner-groups", undefined, own.token, own);
    expect(body.runner_groups).toMatchObject([
      { allows_public_repositories: false },
      { allows_public_repositories: true },
    ]);
  });
});

describe("an enterprise", () => {
  const PATH = "/enterprises/big/actions/runners";
  const start = (): Promise<SimulatedGitHub> =>
    house.startOther({
      repositories: ["acme/widgets", "other/things", "third/party"],
      github: {
        enterprises: [
          {
            slug: "big",
            organizations: ["acme", "other"],
            runnerGroups: [
              { id: 1, name: "Default", organizations: "all" },
              { id: 4, name: "acme only", organizations: ["acme"] },
            ],
          },
        ],
      },
    });

  it("has runners and groups like an organization, for a token", async () => {
    const own = await start();
    const call = (method: string, path: string, body?: unknown) => house.call(method, path, body, own.token, own);
    const minted = await call("POST", `${PATH}/generate-jitconfig`, { ...JIT, runner_group_id: 4 });
    expect([minted.status, minted.body.runner.runner_group_id]).toEqual([201, 4]);
    expect((await call("GET", PATH)).body.total_count).toBe(1);
    expect((await call("GET", RUNNERS)).body.total_count).toBe(0);
    expect((await call("GET", `${PATH}/${minted.body.runner.id}`)).status).toBe(200);
    expect((await call("DELETE", `${PATH}/${minted.body.runner.id}`)).status).toBe(204);
    expect((await call("POST", `${PATH}/generate-jitconfig`, { ...JIT, runner_group_id: 9 })).status).toBe(404);
    expect((await call("GET", "/enterprises/small/actions/runners")).status).toBe(404);
    const groups = await call("GET", "/enterprises/big/actions/runner-groups");
    expect(groups.body.runner_groups).toMatchObject([
      { id: 1, name: "Default", default: true, visibility: "all" },
      { id: 4, name: "acme only", default: false, visibility: "selected" },
    ]);
    const seen = await call("GET", "/enterprises/big/actions/runner-groups?visible_to_organization=other");
    expect(seen.body.total_count).toBe(1);
  });

  it("runs jobs of its organizations that the group is visible to", async () => {
    const own = await start();
    const scope = { kind: "enterprise", enterprise: "big" } as const;
    const runner = await connectRunner(own, { name: "r", labels: ["x"], scope, groupId: 4, isEphemeral: false });
    for (const repository of ["third/party", "other/things"]) {
      own.queueJob({ repository, labels: ["x"], steps: ["true"] });
      expect(await runner.poll()).toBe(202);
    }
    const anybody = await connectRunner(own, { name: "any", labels: ["y"], scope });
    own.queueJob({ repository: "third/party", labels: ["y"], steps: ["true"] });
    expect(await anybody.poll()).toBe(202);
    own.queueJob({ repository: "other/things", labels: ["y"], steps: ["true"] });
    expect(await anybody.poll()).toMatchObject({ messageType: "RunnerJobRequest" });
    const jobId = own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await runner.complete(await runner.takeJob(), "Succeeded");
    expect(own.jobs().find(({ id }) => id === jobId)?.conclusion).toBe("success");
  });

  it("is told of in its organizations' webhooks", async () => {
    const own = await start();
    own.setWebhook({ url: house.receiver.url, secret: "s" });
    own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    own.queueJob({ repository: "third/party", labels: ["x"], steps: ["true"] });
    const told = own.deliveries().flatMap((delivery) => {
      const { enterprise, repository } = delivery.payload() as { enterprise?: { slug: string }; repository?: object };
      return repository === undefined ? [] : [enterprise?.slug];
    });
    expect(told).toEqual(["big", undefined]);
  });
});

describe("runner versions", () => {
  const deprecations = {
    "2.336.0": { runtime_deprecates_at: "2020-01-01T00:00:00Z" },
    "2.340.0": { registration_deprecates_at: "2098-01-01T00:00:00Z", runtime_deprecates_at: "2099-01-01T00:00:00Z" },
  };

  it("have an end that can be asked for", async () => {
    const own = await house.startOther({ github: { deprecations } });
    const ask = (version: string) => house.call("GET", `${RUNNERS}/deprecations/${version}`, undefined, own.token, own);
    expect((await ask("2.340.0")).body).toEqual({ runner_version: "2.340.0", ...deprecations["2.340.0"] });
    expect((await ask("2.1.0")).status).toBe(404);
    expect((await ask("toString")).status).toBe(404);
  });

  it("get no jobs from their end on, though the listener polls", () => {
    const ends = { "2.336.0": { runtime_deprecates_at: formatInstant(START_MS + MINUTE_MS) } };
    const phaseAt = (nowMs: number) => {
      const state = createWorld({ deprecations: ends });
      connect(state, register(state, { name: "r" }), START_MS);
      return queue(state, {}, nowMs).phase.kind;
    };
    expect(phaseAt(START_MS + MINUTE_MS - 1)).toBe("assigned");
    expect(phaseAt(START_MS + MINUTE_MS)).toBe("queued");
  });

  it("past it get no session and no jobs", async () => {
    const own = await house.startOther({ github: { deprecations } });
    const old = registerScripted(own, { name: "old", labels: ["x"] });
    own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    expect(await old.openSession()).toBe(403);
    expect(own.jobs()).toMatchObject([{ phase: "queued" }]);
    const young = registerScripted(own, { name: "young", labels: ["x"], version: "2.340.0" });
    expect(await young.openSession()).toBe(201);
    expect(await young.poll()).toMatchObject({ messageType: "RunnerJobRequest" });
  });
});

describe("a GitHub Enterprise Server", () => {
  it("has REST below its base path and nothing else there", async () => {
    const own = await house.startOther({ basePath: "/api/v3" });
    expect(own.apiUrl).toBe(`${own.webUrl}/api/v3`);
    for (let count = 0; count < 2; count += 1) {
      await house.call("POST", MINT, { ...JIT, name: `r-${count}` }, own.token, own);
    }
    const page = await house.call("GET", `${RUNNERS}?per_page=1`, undefined, own.token, own);
    expect(page.headers.get("link")).toContain(`<${own.apiUrl}/orgs/acme/actions/runners?`);
    const outside = await fetch(`${own.webUrl}${RUNNERS}`, { headers: { authorization: `Bearer ${own.token}` } });
    expect(outside.status).toBe(404);
    const runner = await connectRunner(own, { name: "r", labels: ["x"] });
    own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await runner.complete(await runner.takeJob(), "Succeeded");
  });
});
