// A run and its jobs, and the wish that one of them runs again: against the simulated GitHub over real HTTP, which is held
// against GitHub's own description, and against answers that it does not give.
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { type JobId, parseJobId } from "../../../src/domain/ids.ts";
import { SECOND_MS } from "../../../src/domain/units.ts";
import type { GitHub } from "../../../src/ports/github.ts";
import type { AppOption } from "../../../src/simulator/github/options.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../../src/simulator/server/simulated-github.ts";
import { APP_KEYS, appAuth, connectTo, type SeenExchange } from "../../contracts/github/connecting.ts";
import { describeCall } from "../../contracts/github/contract.ts";
import { ok, startReading } from "./reading-stand-in.ts";

const WIDGETS = "acme/widgets";

interface House {
  readonly simulated: SimulatedGitHub;
  readonly github: GitHub;
  readonly seen: readonly SeenExchange[];
}

async function startHouse(apps: readonly AppOption[] = []): Promise<House> {
  const simulated = await startSimulatedGitHub({
    repositories: [WIDGETS],
    appPublicKey: APP_KEYS.publicKey,
    seed: 1,
    ...(apps.length === 0 ? {} : { github: { apps } }),
  });
  onTestFinished(() => simulated.close());
  const appId = apps[0]?.id;
  const { connection, seen } = connectTo(({ url }, init) => fetch(url, init), {
    apiUrl: simulated.apiUrl,
    auth: appId === undefined ? { kind: "token", token: simulated.token } : appAuth(appId),
    clock: systemClock(),
  });
  onTestFinished(() => {
    const wrong = seen.flatMap(({ method, path, query, body, status, answer }) => {
      const call = describeCall("dotcom", method, path);
      return call === null ? [path] : [...call.checkRequest(query, body), ...call.checkAnswer(status, answer)];
    });
    expect(wrong).toEqual([]);
  });
  return { simulated, github: connection.github, seen };
}

/** A run of which every job was waited for in vain: GitHub fails them. */
function failedRun(simulated: SimulatedGitHub, names: readonly string[]) {
  const runId = 77;
  const ids = names.map((name) =>
    parseJobId(simulated.queueJob({ repository: WIDGETS, labels: ["linux"], steps: ["make"], name, runId })),
  );
  simulated.advanceClock(25 * 3_600 * SECOND_MS);
  return { runId, ids };
}

async function read(github: GitHub, runId: number) {
  const seen = await github.getRun(WIDGETS, runId);
  if (seen.kind !== "present") throw new Error(seen.kind);
  return seen.value;
}

function idOf(run: { readonly jobs: readonly { readonly id: JobId; readonly name: string }[] }, name: string): JobId {
  const job = run.jobs.find((one) => one.name === name);
  if (job === undefined) throw new Error(`no job ${name}`);
  return job.id;
}

describe("with the simulated GitHub", () => {
  it("a job runs again as a new attempt, in which the others keep their ends under new ids", async () => {
    const { simulated, github } = await startHouse();
    const { runId, ids } = failedRun(simulated, ["one", "two"]);
    const before = await read(github, runId);
    expect(before).toMatchObject({ attempt: 1, isCompleted: true });
    expect(before.jobs.map(({ id, conclusion, runAttempt }) => [id, conclusion, runAttempt])).toEqual(
      ids.map((id) => [id, "failure", 1]),
    );
    expect(await github.rerunJob(WIDGETS, idOf(before, "one"))).toBe("asked");
    const after = await read(github, runId);
    expect(after).toMatchObject({ attempt: 2, isCompleted: false });
    expect(after.attemptStartedAtMs).toBeGreaterThan(before.attemptStartedAtMs);
    const [one, two] = after.jobs;
    expect(one).toMatchObject({ name: "one", runAttempt: 2, conclusion: null, completedAtMs: null });
    expect(two).toMatchObject({ name: "two", runAttempt: 2, conclusion: "failure" });
    expect(two?.completedAtMs ?? Number.NaN).toBeLessThanOrEqual(after.attemptStartedAtMs);
    expect(after.jobs.some(({ id }) => ids.includes(id))).toBe(false);
  });

  it("a job runs again once, however often it is asked for, and also where the answer was lost", async () => {
    const { simulated, github } = await startHouse();
    const { runId, ids } = failedRun(simulated, ["one"]);
    const [id = parseJobId(1)] = ids;
    simulated.faults.inject("rerun-job", { kind: "answer-lost", effect: "done" });
    await expect(github.rerunJob(WIDGETS, id)).rejects.toMatchObject({ code: "github-unavailable" });
    expect(await github.rerunJob(WIDGETS, id)).toBe("refused");
    expect((await read(github, runId)).attempt).toBe(2);
    simulated.advanceClock(25 * 3_600 * SECOND_MS);
    expect(await read(github, runId)).toMatchObject({ attempt: 2, isCompleted: true });
    expect(await github.rerunJob(WIDGETS, id)).toBe("refused");
    expect(simulated.jobs()).toHaveLength(2);
  });

  it("two who ask at once make one attempt", async () => {
    const { simulated, github } = await startHouse();
    const { ids } = failedRun(simulated, ["one"]);
    const [id = parseJobId(1)] = ids;
    const said = await Promise.all([github.rerunJob(WIDGETS, id), github.rerunJob(WIDGETS, id)]);
    expect(said.sort()).toEqual(["asked", "refused"]);
  });

  it("without the permission it is forbidden, and what is not there is not found", async () => {
    const reader: AppOption = {
      id: 5,
      slug: "reader",
      publicKey: APP_KEYS.publicKey,
      permissions: { actions: "read", metadata: "read" },
      installations: [{ id: 6, account: "acme" }],
    };
    const { simulated, github } = await startHouse([reader]);
    const { runId, ids } = failedRun(simulated, ["one"]);
    expect((await read(github, runId)).isCompleted).toBe(true);
    await expect(github.rerunJob(WIDGETS, ids[0] ?? parseJobId(1))).rejects.toMatchObject({ code: "github-forbidden" });
    expect(await github.getRun(WIDGETS, 99)).toMatchObject({ kind: "absent" });
    const writer = await startHouse();
    await expect(writer.github.rerunJob(WIDGETS, parseJobId(12_345))).rejects.toMatchObject({
      code: "github-not-found",
    });
  });
});

describe("of a run's jobs", () => {
  const RUN = "/repos/acme/widgets/actions/runs/7";
  const run = (overrides: object) => ({ id: 7, status: "completed", created_at: "2026-01-01T00:00:00Z", ...overrides });
  const job = (steps: unknown) => ({ id: 1, name: "build", conclusion: "failure", steps });
  const readJob = async (steps: unknown) => {
    const jobs = ok({ total_count: 1, jobs: [job(steps)] });
    const { github } = await startReading({ [RUN]: ok(run({})), [`${RUN}/jobs`]: jobs });
    return await github.getRun("acme/widgets", 7);
  };

  it.each<readonly [string, unknown, boolean]>([
    ["a step that failed", [{ conclusion: "success" }, { conclusion: "failure" }, { conclusion: "skipped" }], true],
    ["a step that still runs, and others that never ran", [{ status: "in_progress", conclusion: null }, {}], false],
    ["a step that was cancelled", [{ conclusion: "success" }, { conclusion: "cancelled" }], false],
    ["no steps", undefined, false],
  ])("%s", async (_name, steps, hasFailedStep) => {
    expect(await readJob(steps)).toMatchObject({
      kind: "present",
      value: {
        attempt: 1,
        createdAtMs: Date.UTC(2026, 0, 1),
        attemptStartedAtMs: Date.UTC(2026, 0, 1),
        isCompleted: true,
        jobs: [{ hasFailedStep }],
      },
    });
  });

  it("an answer about another run is none", async () => {
    const { github } = await startReading({ [RUN]: ok(run({ id: 8 })) });
    expect(await github.getRun("acme/widgets", 7)).toMatchObject({ kind: "unknown", code: "github-invalid" });
  });
});

describe("a 403", () => {
  const AGAIN = "/repos/acme/widgets/actions/jobs/1/rerun";
  it.each<readonly [string, Readonly<Record<string, string>>, string]>([
    ["You have exceeded a secondary rate limit. Please retry later.", { "retry-after": "60" }, "github-rate-limited"],
    ["You do not have the permission to re-run this workflow", {}, "github-forbidden"],
    ["Must have admin rights to Repository.", {}, "github-forbidden"],
  ])("that says %s is no answer about the run", async (message, headers, code) => {
    const { github } = await startReading({ [AGAIN]: { status: 403, headers, body: { message } } });
    await expect(github.rerunJob("acme/widgets", parseJobId(1))).rejects.toMatchObject({ code });
  });

  it("that says that it was created over a month ago is one", async () => {
    const message = "Unable to retry this workflow run because it was created over a month ago";
    const { github } = await startReading({ [AGAIN]: { status: 403, headers: {}, body: { message } } });
    expect(await github.rerunJob("acme/widgets", parseJobId(1))).toBe("refused");
  });
});
