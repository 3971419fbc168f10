/** What becomes of single jobs at GitHub while they wait here: lost and refused events, moved repositories, deleted runs. */
import { afterEach, describe, expect, it } from "vitest";
import { parseJobId } from "../../src/domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { installApp, setInstallation } from "../../src/simulator/github/apps.ts";
import { cancelJob } from "../../src/simulator/github/jobs.ts";
import { renameRepository } from "../../src/simulator/github/repositories.ts";
import type { Job } from "../../src/simulator/github/state.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { connectionName } from "../domain/builders.ts";
import {
  APP_ID,
  expectCleared,
  expectRun,
  expectShown,
  expectTold,
  expectWaiting,
  fault,
  launchedCount,
  openTown,
  queue,
  type SignIn,
} from "./failure-scene.ts";
import { HOOK_SECRET } from "./github-wire.ts";
import type { Town } from "./town.ts";

let town: Town;
afterEach(() => town.close());

const ACME = { kind: "organization", organization: "acme" } as const;
const APP_HOOK = { kind: "app", appId: APP_ID } as const;
const SIGN_INS: readonly SignIn[] = ["app", "token"];
const ONE_MACHINE = { pools: [{ machineCountMax: 1 }], jobMs: 5 * MINUTE_MS };

async function readRow(job: Job) {
  return await loadJob(town.store.db, connectionName(), parseJobId(job.id));
}

describe("webhooks", () => {
  it.each<readonly [SignIn, typeof ACME | typeof APP_HOOK]>([
    ["app", APP_HOOK],
    ["token", ACME],
  ])("a wrong secret: the job is taken from the delivery log, by %s", async (signIn, place) => {
    town = await openTown(signIn);
    town.github.setHook(place, "not our secret");
    await town.run(MINUTE_MS);
    const job = queue(town);
    await town.run(20 * SECOND_MS);
    await expectShown(town, /deliveries-failing: 1 webhook delivery did not arrive .* status 401/);
    await expectRun(town, job, 2 * MINUTE_MS);
    expect(((await readRow(job))?.firstSeenAtMs ?? Number.NaN) - job.createdAtMs).toBeLessThanOrEqual(MINUTE_MS);
    expect(town.telemetry.counts).toContain("holdfast_recovered_jobs_total connection=main by=payload");
    town.github.setHook(place, HOOK_SECRET);
    const next = queue(town);
    await expectRun(town, next, MINUTE_MS);
    await expectCleared(town, [job, next]);
  });

  it("no reading of the delivery log: a lost event is found among the jobs, and the log is shown as refused", async () => {
    town = await openTown("token", { tokenScopes: ["repo", "admin:org"] });
    town.github.setHook(ACME);
    await town.run(MINUTE_MS);
    const job = queue(town, { webhooks: { drop: ["queued"] } });
    await expectShown(town, "github-forbidden");
    await expectRun(town, job, 6 * MINUTE_MS);
    expect(((await readRow(job))?.firstSeenAtMs ?? Number.NaN) - job.createdAtMs).toBeLessThanOrEqual(5 * MINUTE_MS);
    await expectCleared(town, [job]);
  });

  it("all events lost: the job runs, and its end is learned", async () => {
    town = await openTown("app");
    town.github.setHook();
    const job = queue(town, { webhooks: { drop: ["queued", "in_progress", "completed"] } });
    await expectRun(town, job, 6 * MINUTE_MS);
    await expectCleared(town, [job]);
    expect((await readRow(job))?.job.status).toBe("completed");
  });
});

describe.each(["revoked", "suspended"] as const)("an installation %s, for which the App's webhook is silent", (how) => {
  const put = (isThere: boolean) => {
    const { state } = town.github;
    if (how === "suspended") setInstallation(state, APP_ID, "acme", { isSuspended: !isThere });
    else if (isThere) installApp(state, APP_ID, "acme");
    else setInstallation(state, APP_ID, "acme", { isRemoved: true });
  };

  it("a job that is queued meanwhile is found afterwards, and runs", async () => {
    town = await openTown("app");
    town.github.setHook();
    await town.run(MINUTE_MS);
    put(false);
    await town.run(5 * MINUTE_MS);
    const job = queue(town);
    await town.run(5 * MINUTE_MS);
    expect(await readRow(job)).toBeNull();
    await expectShown(town, how === "suspended" ? "github-suspended" : "github-not-installed");
    put(true);
    const putAtMs = town.clock.nowMs();
    await expectRun(town, job, 10 * MINUTE_MS);
    expect(((await readRow(job))?.firstSeenAtMs ?? Number.NaN) - putAtMs).toBeLessThanOrEqual(5.5 * MINUTE_MS);
    await expectCleared(town, [job]);
  });
});

describe.each(SIGN_INS)("phantom demand, by %s", (signIn) => {
  it("a job that was cancelled while the pool was full, its end lost: nothing is launched for it", async () => {
    town = await openTown(signIn, ONE_MACHINE);
    town.github.setHook(ACME);
    const running = queue(town);
    await town.run(30 * SECOND_MS);
    const phantom = queue(town, { webhooks: { drop: ["completed"] } });
    await town.run(SECOND_MS);
    await expectWaiting(town, phantom, "at-max");
    cancelJob(town.github.state, phantom.id, town.clock.nowMs());
    await expectRun(town, running, 6 * MINUTE_MS);
    await expectCleared(town, [running, phantom], 1);
    expect((await readRow(phantom))?.job.status).toBe("completed");
  });

  it.each<readonly [string, "told" | "lost", number]>([
    ["its end told", "told", 5 * MINUTE_MS],
    ["its end lost", "lost", 5 * MINUTE_MS],
    ["right after it was queued", "told", 10 * SECOND_MS],
  ])(
    "a job that was cancelled while GitHub gave no tickets, %s: no runner waits for it",
    async (_name, end, afterMs) => {
      town = await openTown(signIn);
      town.github.setHook(ACME);
      const back = fault(town, "generate-jitconfig", { kind: "reset", effect: "none" }, Number.POSITIVE_INFINITY);
      const job = queue(town, { webhooks: end === "lost" ? { drop: ["completed"] } : {} });
      await town.run(afterMs);
      cancelJob(town.github.state, job.id, town.clock.nowMs());
      await town.run(SECOND_MS);
      back();
      await expectCleared(town, [job]);
    },
  );

  it("a job whose run was deleted: nothing is launched for it, and it counts as over at last", async () => {
    town = await openTown(signIn, ONE_MACHINE);
    town.github.setHook(ACME);
    const running = queue(town);
    await town.run(30 * SECOND_MS);
    const deleted = queue(town);
    await town.run(SECOND_MS);
    await expectWaiting(town, deleted, "at-max");
    town.github.state.jobs.delete(deleted.id);
    town.github.state.openJobs.delete(deleted.id);
    await expectRun(town, running, 6 * MINUTE_MS);
    await town.run(MINUTE_MS);
    await expectTold(town, deleted, "github-job-not-found", 5 * MINUTE_MS);
    await town.run(20 * MINUTE_MS);
    await expectCleared(town, [running, deleted], 1);
    expect((await readRow(deleted))?.job).toMatchObject({ status: "completed", conclusion: "run-deleted" });
  });
});

describe.each(SIGN_INS)("a repository changes its name while its job waits, by %s", (signIn) => {
  const options = {
    repositories: ["acme/widgets", "acme/gadgets", "other/parts"],
    pools: [{ scope: { kind: "repositories", repositories: ["acme/*"] }, machineCountMax: 1 }],
    jobMs: 5 * MINUTE_MS,
  } as const;

  it.each(["acme/aardvark", "acme/zebra"])("to %s: the job runs", async (name) => {
    town = await openTown(signIn, options);
    town.github.setHook(ACME);
    const first = queue(town, { repository: "acme/gadgets" });
    const job = queue(town);
    await town.run(30 * SECOND_MS);
    await expectWaiting(town, job, "at-max");
    renameRepository(town.github.state, "acme/widgets", name);
    await expectRun(town, first, 6 * MINUTE_MS);
    await expectRun(town, job, 7 * MINUTE_MS);
    await expectCleared(town, [first, job]);
  });
});

it("a repository is transferred to where the App is not: nothing is launched for its job, and it is told why", async () => {
  town = await openTown("app", {
    repositories: ["acme/widgets", "acme/gadgets", "other/parts"],
    pools: [{ scope: { kind: "repositories", repositories: ["acme/*"] }, machineCountMax: 1 }],
    jobMs: 5 * MINUTE_MS,
  });
  town.github.setHook(ACME);
  const first = queue(town, { repository: "acme/gadgets" });
  const job = queue(town);
  await town.run(30 * SECOND_MS);
  await expectWaiting(town, job, "at-max");
  renameRepository(town.github.state, "acme/widgets", "other/widgets");
  await expectRun(town, first, 6 * MINUTE_MS);
  await town.run(MINUTE_MS);
  await expectTold(town, job, "github-job-not-found", 30 * MINUTE_MS);
  expect(launchedCount(town)).toBe(1);
  await expectCleared(town, [first, job], 1);
});
