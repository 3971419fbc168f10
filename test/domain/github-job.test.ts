import { describe, expect, it } from "vitest";
import { parseJob, parseWorkflowJobEvent } from "../../src/domain/github-job.ts";
import { restContract, workflowJobExamples } from "../contracts/github/contract.ts";
import { connectionName, START_MS } from "./builders.ts";

const MAIN = connectionName();

function written(overrides: Readonly<Record<string, unknown>> = {}) {
  return {
    id: 29_679_449_526,
    run_id: 100,
    run_attempt: 2,
    name: "build",
    workflow_name: "ci",
    html_url: "https://github.com/acme/widgets/actions/runs/100/job/1",
    labels: ["self-hosted", "Linux"],
    status: "queued",
    conclusion: null,
    runner_id: null,
    runner_name: null,
    created_at: "2026-01-05T09:00:00Z",
    started_at: "2026-01-05T09:00:00Z",
    completed_at: null,
    ...overrides,
  };
}

function parse(overrides: Readonly<Record<string, unknown>> = {}, action: string | null = null) {
  return parseJob(written(overrides), { connection: MAIN, repository: "acme/widgets", action, nowMs: START_MS });
}

describe("a job of GitHub", () => {
  it("queued", () => {
    expect(parse()).toEqual({
      kind: "job",
      job: {
        id: 29_679_449_526,
        connection: "main",
        repository: "acme/widgets",
        runId: 100,
        runAttempt: 2,
        name: "build",
        workflowName: "ci",
        htmlUrl: "https://github.com/acme/widgets/actions/runs/100/job/1",
        labels: ["self-hosted", "Linux"],
        status: "queued",
        conclusion: null,
        runnerId: null,
        runnerName: null,
        createdAtMs: Date.parse("2026-01-05T09:00:00Z"),
        startedAtMs: null,
        completedAtMs: null,
        queuedSeenAtMs: START_MS,
      },
    });
  });

  it.each([
    ["no runner is null", { runner_id: null, runner_name: null }, { runnerId: null, runnerName: null }],
    ["no runner is 0 and nothing", { runner_id: 0, runner_name: "" }, { runnerId: null, runnerName: null }],
    ["no runner is an empty text", { runner_id: "", runner_name: "" }, { runnerId: null, runnerName: null }],
    ["no runner is not there", { runner_id: undefined, runner_name: undefined }, { runnerId: null, runnerName: null }],
    ["a runner", { runner_id: 7, runner_name: "r7" }, { runnerId: 7, runnerName: "r7" }],
    ["no workflow's name", { workflow_name: null }, { workflowName: "" }],
    ["no attempt, which GitHub may leave out", { run_attempt: undefined }, { runAttempt: 1 }],
    ["no labels, as when cancelled while queued", { labels: [] }, { labels: [] }],
    [
      "in progress",
      { status: "in_progress" },
      { status: "in_progress", startedAtMs: Date.parse("2026-01-05T09:00:00Z"), queuedSeenAtMs: null },
    ],
    [
      "completed",
      { status: "completed", conclusion: "success", completed_at: "2026-01-05T10:00:00+01:00" },
      {
        status: "completed",
        conclusion: "success",
        completedAtMs: Date.parse("2026-01-05T09:00:00Z"),
        queuedSeenAtMs: null,
      },
    ],
    [
      "no created_at, as in GitHub's older examples",
      { created_at: undefined, started_at: "2026-01-05T08:00:00Z" },
      { createdAtMs: Date.parse("2026-01-05T08:00:00Z") },
    ],
    ["pending is waiting", { status: "pending" }, { status: "waiting", queuedSeenAtMs: null }],
  ])("%s", (_name, overrides, want) => {
    expect(parse(overrides)).toMatchObject({ kind: "job", job: want });
  });

  it("action queued with status waiting waits", () => {
    expect(parse({ status: "waiting" }, "queued")).toMatchObject({ job: { status: "waiting", queuedSeenAtMs: null } });
  });

  it.each([
    ["no id", { id: undefined }, "id is not a positive whole number"],
    ["an id as text", { id: "12" }, "id is not a positive whole number"],
    ["an id beyond what numbers hold", { id: 2 ** 53 }, "id is not a positive whole number"],
    ["a negative run", { run_id: -1 }, "run_id is not a positive whole number"],
    ["a runner's id as text", { runner_id: "x" }, "runner_id is not a positive whole number"],
    ["no name", { name: null }, "name is not a text"],
    ["a status that is new", { status: "paused" }, "status is not a status that we know"],
    ["labels that are none", { labels: "linux" }, "labels is not a list of texts"],
    ["a label that is none", { labels: ["linux", 1] }, "labels is not a list of texts"],
    ["no instant at all", { created_at: null, started_at: null }, "created_at is missing"],
    ["an instant that is none", { completed_at: "SECRET" }, "completed_at is not an instant"],
  ])("is refused: %s", (_name, overrides, problem) => {
    expect(parse(overrides)).toEqual({ kind: "invalid", problem });
  });

  it.each(["", "acme", "acme/", "acme/a/b", "acme/a b"])("is refused in the repository %o", (repository) => {
    const origin = { connection: MAIN, repository, action: null, nowMs: START_MS };
    expect(parseJob(written(), origin)).toEqual({ kind: "invalid", problem: "its repository is not owner/name" });
  });

  it("is read from GitHub's own example of the answer", () => {
    const { examples } = restContract.calls["GET /repos/{owner}/{repo}/actions/jobs/{job_id}"]!;
    const origin = { connection: MAIN, repository: "octo-org/octo-repo", action: null, nowMs: START_MS };
    expect(parseJob(examples["200"], origin)).toMatchObject({
      kind: "job",
      job: { id: 399444496, status: "completed", conclusion: "success", runnerId: 1, runnerName: "my runner" },
    });
  });
});

describe("a webhook's body", () => {
  it.each(workflowJobExamples.map((example) => [String(example.action), example] as const))(
    "GitHub's own example: %s",
    (action, example) => {
      const parsed = parseWorkflowJobEvent(example, MAIN, START_MS);
      const job = example.workflow_job as Readonly<Record<string, unknown>>;
      expect(parsed).toMatchObject({ kind: "job", job: { id: job.id, labels: job.labels, connection: "main" } });
      if (parsed.kind !== "job") throw new Error(parsed.problem);
      const isWaiting = action === "queued" && job.status === "waiting";
      expect(parsed.job.status).toBe(isWaiting ? "waiting" : action);
      expect(parsed.job.repository).toBe((example.repository as { readonly full_name: string }).full_name);
    },
  );

  it.each([
    ["not an object", [], "the body is not an object"],
    ["nothing", null, "the body is not an object"],
    ["without action", { workflow_job: written(), repository: { full_name: "a/b" } }, "action is not a text"],
    ["without repository", { action: "queued", workflow_job: written() }, "repository.full_name is not a text"],
    ["without job", { action: "queued", repository: { full_name: "a/b" } }, "workflow_job: it is not an object"],
    [
      "with a bad job",
      { action: "queued", workflow_job: written({ id: 0 }), repository: { full_name: "a/b" } },
      "workflow_job: id is not a positive whole number",
    ],
  ])("is refused: %s", (_name, body, problem) => {
    expect(parseWorkflowJobEvent(body, MAIN, START_MS)).toEqual({ kind: "invalid", problem });
  });
});
