import { describe, expect, it } from "vitest";
import { POINTS_PER_MINUTE_MAX } from "../../../src/domain/budget.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { restContract } from "../../contracts/github/contract.ts";
import { START_MS } from "../../domain/builders.ts";
import {
  type Answering,
  ok,
  page,
  type Reading,
  type Routes,
  refusal,
  startReading,
  upTo,
} from "./reading-stand-in.ts";
import type { Answers, Asked } from "./stand-in.ts";

const RUNS = "/repos/acme/widgets/actions/runs";
const jobsOf = (run: number) => `${RUNS}/${run}/jobs`;

function jobJson(id: number, overrides: Readonly<Record<string, unknown>> = {}) {
  return {
    id,
    run_id: 1,
    run_attempt: 1,
    name: "build",
    status: "queued",
    conclusion: null,
    labels: ["linux"],
    created_at: "2026-01-01T00:00:00Z",
    started_at: "2026-01-01T00:00:00Z",
    completed_at: null,
    runner_id: null,
    ...overrides,
  };
}

const runJson = (id: number) => ({ id, repository: { full_name: "acme/widgets" } });

/** The runs by their status, and of each run its jobs. */
function runs(byStatus: Readonly<Record<string, readonly number[]>>): Answering {
  return (asked) => {
    const all = byStatus[asked.query.get("status") ?? ""] ?? [];
    return page(asked, all.map(runJson), (shown) => ({ total_count: all.length, workflow_runs: shown }));
  };
}

function jobs(...all: readonly unknown[]): Answering {
  return (asked) => page(asked, all, (shown) => ({ total_count: all.length, jobs: shown }));
}

function listed(reading: Reading) {
  return reading.github.listOpenJobs("acme/widgets");
}

async function idsOf(reading: Reading): Promise<readonly number[]> {
  return (await listed(reading)).map(({ id }) => id).sort((a, b) => a - b);
}

describe("the open jobs of a repository", () => {
  it("are those of its queued, running, waiting and pending runs, each asked for once", async () => {
    const reading = await startReading({
      [RUNS]: runs({ queued: [1, 2], in_progress: [2, 3], waiting: [4], pending: [5], requested: [6], completed: [7] }),
      [jobsOf(1)]: jobs(jobJson(10)),
      [jobsOf(2)]: jobs(jobJson(20, { status: "in_progress", runner_id: 9, runner_name: "r" }), jobJson(21)),
      [jobsOf(3)]: jobs(jobJson(30, { status: "completed", conclusion: "success" })),
      [jobsOf(4)]: jobs(jobJson(40), jobJson(41, { status: "waiting" })),
      [jobsOf(5)]: jobs(jobJson(50, { status: "pending" })),
    });
    const found = await listed(reading);
    expect(found.map(({ id, status }) => `${id} ${status}`)).toEqual([
      "10 queued",
      "20 in_progress",
      "21 queued",
      "30 completed",
      "40 queued",
      "41 waiting",
      "50 waiting",
    ]);
    expect(found[0]).toMatchObject({ connection: "main", repository: "acme/widgets", queuedSeenAtMs: START_MS });
    expect(reading.paths().filter((path) => path.startsWith(jobsOf(2)))).toEqual([
      `${jobsOf(2)}?filter=latest&per_page=100`,
    ]);
    expect(reading.asked).toHaveLength(4 + 5);
  });

  it("none", async () => {
    await expect(listed(await startReading({ [RUNS]: runs({}) }))).resolves.toEqual([]);
  });

  it("GitHub's own example of a run and of a job", async () => {
    const { "200": example } = restContract.calls["GET /repos/{owner}/{repo}/actions/runs"]!.examples;
    const { "200": jobsExample } = restContract.calls["GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs"]!.examples;
    const reading = await startReading({
      [RUNS]: (asked) => (asked.query.get("status") === "queued" ? ok(example) : runs({})(asked, 1)),
      [jobsOf(30433642)]: ok(jobsExample),
    });
    await expect(listed(reading)).resolves.toMatchObject([
      { id: 399444496, repository: "octocat/Hello-World", status: "completed" },
    ]);
  });

  it("carry the repository's name of today, as GitHub writes it", async () => {
    const renamed = { id: 1, repository: { full_name: "Acme/Gadgets" } };
    const reading = await startReading({
      [RUNS]: ok({ total_count: 1, workflow_runs: [renamed] }),
      [jobsOf(1)]: jobs(jobJson(10)),
    });
    await expect(listed(reading)).resolves.toMatchObject([{ repository: "Acme/Gadgets" }]);
  });
});

describe("all pages are read", () => {
  it("of the runs and of a run's jobs", async () => {
    const all = upTo(150).map((number) => jobJson(1_000 + number));
    const reading = await startReading({
      [RUNS]: runs({ queued: upTo(101) }),
      ...Object.fromEntries(upTo(101).map((run) => [jobsOf(run), jobs(jobJson(run))])),
      [jobsOf(101)]: jobs(...all),
    });
    await expect(idsOf(reading)).resolves.toHaveLength(100 + 150);
    expect(reading.paths()).toContain(`${RUNS}?status=queued&per_page=100&page=2`);
  });

  it("up to the 1,000 runs that GitHub gives, were there more", async () => {
    const hundred = upTo(100).map(runJson);
    const tooMany = upTo(5_000);
    const reading = await startReading({
      [RUNS]: (asked) => {
        if (asked.query.get("status") !== "waiting") return runs({})(asked, 1);
        return page(asked, tooMany, () => ({ total_count: 5_000, workflow_runs: hundred }));
      },
      ...Object.fromEntries(upTo(100).map((run) => [jobsOf(run), jobs()])),
    });
    await expect(listed(reading)).resolves.toEqual([]);
    expect(reading.asked).toHaveLength(3 + 10 + 100);
  });

  it("again where the list became shorter on the way: what moved off the second page is found", async () => {
    // At the second request the first run is over, and the 101st is the 100th.
    let count = 0;
    const reading = await startReading({
      [RUNS]: (asked) => {
        if (asked.query.get("status") !== "queued") return runs({})(asked, 1);
        count += 1;
        return runs({ queued: count === 1 ? upTo(102) : upTo(102).slice(1) })(asked, 1);
      },
      ...Object.fromEntries(upTo(102).map((run) => [jobsOf(run), jobs(jobJson(run))])),
    });
    await expect(idsOf(reading)).resolves.toEqual(upTo(102));
  });

  it("a second time for nothing: all is answered with 304", async () => {
    const reading = await startReading({
      [RUNS]: runs({ in_progress: [1, 2] }),
      [jobsOf(1)]: jobs(jobJson(10)),
      [jobsOf(2)]: jobs(jobJson(20)),
    });
    const first = await listed(reading);
    reading.clock.ms += MINUTE_MS;
    const second = await listed(reading);
    expect(second.map(({ id }) => id)).toEqual([10, 20]);
    // It was heard again, though nothing changed.
    expect(second[0]?.queuedSeenAtMs).toBe((first[0]?.queuedSeenAtMs ?? 0) + MINUTE_MS);
    const again = reading.asked.slice(reading.asked.length / 2);
    expect(again.every(({ headers }) => headers["if-none-match"] !== undefined)).toBe(true);
  });
});

describe("a list that is not whole is an error", () => {
  const two = { [RUNS]: runs({ queued: [1, 2] }), [jobsOf(1)]: jobs(jobJson(10)) };
  const firstOnly: Answering = (asked) => {
    const answer = jobs(...upTo(150).map((id) => jobJson(id)))(asked, 1);
    return typeof answer === "string" ? answer : { ...answer, headers: {} };
  };
  const secondFails =
    (answer: Answers): Answering =>
    (asked: Asked) =>
      asked.query.get("page") === "2" ? answer : jobs(...upTo(150).map((id) => jobJson(id)))(asked, 1);
  const tooMany = upTo(10_001);
  const hundred = upTo(100).map((id) => jobJson(id));
  const endless: Answering = (asked) => page(asked, tooMany, () => ({ total_count: 10_001, jobs: hundred }));

  it.each<readonly [string, Routes, string]>([
    ["the repository is gone", { [RUNS]: refusal(404) }, "github-not-found"],
    ["we may not read runs", { [RUNS]: refusal(403, "Resource not accessible by integration") }, "github-forbidden"],
    ["the jobs of one run fail", { ...two, [jobsOf(2)]: refusal(500) }, "github-unavailable"],
    ["the jobs of one run are cut", { ...two, [jobsOf(2)]: "cut" }, "github-unavailable"],
    ["the second page of the jobs fails", { ...two, [jobsOf(2)]: secondFails(refusal(502)) }, "github-unavailable"],
    ["the second page of the jobs is cut", { ...two, [jobsOf(2)]: secondFails("cut") }, "github-unavailable"],
    ["half the pages: no link where the total says more", { ...two, [jobsOf(2)]: firstOnly }, "github-unavailable"],
    ["pages without end", { ...two, [jobsOf(2)]: endless }, "github-unavailable"],
    ["runs in another shape", { [RUNS]: ok({ total_count: 1, workflow_runs: [{ id: "x" }] }) }, "github-invalid"],
    ["jobs in another shape", { ...two, [jobsOf(2)]: ok({ total_count: 1 }) }, "github-invalid"],
    ["a list where an object should be", { [RUNS]: ok([]) }, "github-invalid"],
  ])("%s", async (_name, routes, code) => {
    const reading = await startReading(routes);
    await expect(listed(reading)).rejects.toMatchObject({ name: "GitHubError", code });
  });

  it("and asks for no more once it failed", async () => {
    const reading = await startReading({
      [RUNS]: runs({ queued: upTo(50) }),
      ...Object.fromEntries(upTo(50).map((run) => [jobsOf(run), run === 1 ? refusal(500) : jobs(jobJson(run))])),
    });
    await expect(listed(reading)).rejects.toMatchObject({ code: "github-unavailable" });
    expect(reading.asked.length).toBeLessThan(4 + 50);
  });
});

describe("what is left out", () => {
  it.each<readonly [string, Answering | Answers]>([
    ["a run that is gone when its jobs are asked for", refusal(404)],
    [
      "a run that is gone after its first page",
      (asked) =>
        asked.query.get("page") === "2" ? refusal(404) : jobs(...upTo(150).map((id) => jobJson(id + 500)))(asked, 1),
    ],
  ])("%s", async (_name, answer) => {
    const reading = await startReading({
      [RUNS]: runs({ queued: [1, 2] }),
      [jobsOf(1)]: answer,
      [jobsOf(2)]: jobs(jobJson(20)),
    });
    await expect(idsOf(reading)).resolves.toEqual([20]);
  });

  it("a job that cannot be parsed, while others can", async () => {
    const reading = await startReading({
      [RUNS]: runs({ queued: [1] }),
      [jobsOf(1)]: jobs(jobJson(10, { status: "paused" }), jobJson(11)),
    });
    await expect(idsOf(reading)).resolves.toEqual([11]);
  });

  it("but if none can, that is an error which names the field and not what is in it", async () => {
    const reading = await startReading({
      [RUNS]: runs({ queued: [1] }),
      [jobsOf(1)]: jobs(jobJson(10, { labels: "SECRET" }), jobJson(11, { labels: "SECRET" })),
    });
    await expect(listed(reading)).rejects.toMatchObject({
      code: "github-invalid",
      message: "reading the open jobs of /repos/acme/widgets",
      cause: new Error("labels is not a list of texts"),
    });
  });
});

describe("what is held back for the rate limit's sake", () => {
  it("waits until a minute has points for it, and goes on to the end", async () => {
    const count = POINTS_PER_MINUTE_MAX / 2;
    const reading = await startReading({
      [RUNS]: runs({ queued: upTo(count) }),
      ...Object.fromEntries(upTo(count).map((run) => [jobsOf(run), jobs(jobJson(run))])),
    });
    await expect(listed(reading)).resolves.toHaveLength(count);
    expect(reading.clock.ms).toBeGreaterThan(START_MS);
    expect(reading.clock.ms).toBeLessThan(START_MS + 3 * MINUTE_MS);
  });

  it("fails at once where room comes later than it has patience for", async () => {
    const headers = {
      "x-ratelimit-limit": "5000",
      "x-ratelimit-remaining": "10",
      "x-ratelimit-reset": String((START_MS + 30 * MINUTE_MS) / 1_000),
    };
    const reading = await startReading({
      [RUNS]: (asked) => {
        const answer = runs({ queued: [1] })(asked, 1);
        return typeof answer === "string" ? answer : { ...answer, headers };
      },
      [jobsOf(1)]: jobs(jobJson(1)),
    });
    await expect(listed(reading)).rejects.toMatchObject({ code: "github-budget" });
    expect(reading.clock.ms).toBe(START_MS);
  });
});
