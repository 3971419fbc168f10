import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askAboutMissing } from "../../src/controllers/connection/ask-missing.ts";
import { discover } from "../../src/controllers/connection/discover.ts";
import { GitHubError } from "../../src/domain/errors.ts";
import type { JobId } from "../../src/domain/ids.ts";
import { parseJobId } from "../../src/domain/ids.ts";
import type { JobEvent } from "../../src/domain/job.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { GitHub } from "../../src/ports/github.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { connectionName, job as jobOf } from "../domain/builders.ts";
import { type ConnectionYard, connectionYard } from "./connection-yard.ts";
import { Yard } from "./yard.ts";

const PERIOD_MS = 5 * SECOND_MS;

let yard: Yard;
let town: ConnectionYard;
let looks: string[];
let failure: ((repository: string) => GitHubError | null) | null;
let repositories: readonly string[] | null;

beforeEach(async () => {
  yard = await Yard.open();
  [looks, failure, repositories] = [[], null, null];
  town = connectionYard(yard, { github: lookingGitHub() });
  yard.clock.advance(10 * MINUTE_MS);
});
afterEach(() => yard.close());

/** The yard's GitHub; notes which repositories are looked at. */
function lookingGitHub(): GitHub {
  const { github } = yard;
  return {
    mintTicket: (request) => github.mintTicket(request),
    findRunner: (scope, name) => github.findRunner(scope, name),
    listRunners: () => github.listRunners(),
    deleteRunner: (permit) => github.deleteRunner(permit),
    getJob: (repository, id) => github.getJob(repository, id),
    readDeprecation: () => github.readDeprecation(),
    getRun: (repository, id) => github.getRun(repository, id),
    rerunJob: (repository, id) => github.rerunJob(repository, id),
    listRepositories: async () => repositories ?? github.listRepositories(),
    listOpenJobs: async (repository) => {
      looks.push(repository);
      const error = failure?.(repository) ?? null;
      if (error !== null) throw error;
      return github.listOpenJobs(repository);
    },
  };
}

/** A job that GitHub has and that nobody told us of. */
function hidden(id = 1, overrides: Partial<JobEvent> = {}): JobId {
  const nowMs = yard.clock.nowMs();
  const job = jobOf({ id: parseJobId(id), createdAtMs: nowMs, queuedSeenAtMs: nowMs, ...overrides });
  yard.github.jobs.set(job.id, job);
  return job.id;
}

const pass = (afterMs = 0): Promise<void> => {
  yard.clock.advance(afterMs);
  return discover(town.context);
};
/** For so long as nothing happens but its own passes. */
async function passFor(durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += PERIOD_MS) await pass(PERIOD_MS);
}
const known = async (id: JobId) => (await loadJob(yard.store.db, connectionName(), id))?.job ?? null;
const missed = () => yard.telemetry.counts.filter((name) => name.startsWith("holdfast_recovered_jobs_total"));

describe("a job that nothing told of", () => {
  it("is found and routed, and counts as asked about", async () => {
    const id = hidden();
    await pass();
    const row = await loadJob(yard.store.db, connectionName(), id);
    expect([row?.job.status, row?.pool, row?.askedAtMs]).toEqual(["queued", "linux", yard.clock.nowMs()]);
  });

  it("is found within 5 minutes of being queued, however many repositories there are", async () => {
    repositories = Array.from({ length: 300 }, (_, index) => `acme/repository-${index}`);
    await passFor(5 * MINUTE_MS);
    const id = hidden(1, { repository: "acme/repository-299" });
    await passFor(4 * MINUTE_MS);
    expect(await known(id)).not.toBeNull();
  });

  it.each([
    ["counts as missed", 2 * MINUTE_MS, 1],
    ["is not missed yet", 30_000, 0],
  ])("that ended, and of whose end nothing told, %s after %s ms", async (_name, agoMs, count) => {
    const id = await yard.queue();
    const row = await loadJob(yard.store.db, connectionName(), id);
    const ended = { status: "completed", conclusion: "success", completedAtMs: yard.clock.nowMs() } as const;
    yard.github.jobs.set(id, { ...row!.job, ...ended });
    yard.clock.advance(agoMs);
    await askAboutMissing(town.context, row!.job.repository, [row!]);
    expect((await known(id))?.status).toBe("completed");
    expect(missed()).toHaveLength(count);
  });

  it("counts as missed only where its webhook had time to come", async () => {
    hidden();
    await pass();
    expect(missed()).toEqual([]);
    hidden(2);
    await passFor(4 * MINUTE_MS);
    expect(missed()).toEqual(["holdfast_recovered_jobs_total connection=main by=sweep"]);
  });

  it("of labels that no pool has is kept only where it asks for a self-hosted runner", async () => {
    const [hosted, gpu] = [hidden(1, { labels: ["ubuntu-latest"] }), hidden(2, { labels: ["self-hosted", "gpu"] })];
    await pass();
    expect([await known(hosted), (await known(gpu))?.status]).toEqual([null, "queued"]);
  });

  it("is not looked for by a process that holds no pool of the connection", async () => {
    town.isHolding = false;
    hidden();
    await pass();
    expect(looks).toEqual([]);
  });
});

describe("a job that we know as open", () => {
  it("is asked about where GitHub's list no longer has it: its completed event was lost", async () => {
    const id = await yard.queue();
    await pass();
    yard.github.jobs.set(id, { ...jobOf({ id }), status: "completed", conclusion: "success" });
    await passFor(4 * MINUTE_MS);
    expect((await known(id))?.status).toBe("completed");
  });

  it("stays as it is where GitHub does not find it at first", async () => {
    const id = await yard.queue();
    yard.github.jobs.set(parseJobId(9), jobOf({ id: parseJobId(9) }));
    yard.github.jobs.delete(id);
    await passFor(12 * MINUTE_MS);
    expect((await known(id))?.status).toBe("queued");
  });

  it("counts as deleted after a quarter of an hour in which its repository was read and it was not found", async () => {
    const id = await yard.queue();
    yard.github.jobs.set(parseJobId(9), jobOf({ id: parseJobId(9) }));
    yard.github.jobs.delete(id);
    await passFor(25 * MINUTE_MS);
    expect([(await known(id))?.status, (await known(id))?.conclusion]).toEqual(["completed", "run-deleted"]);
  });

  it("is followed under the old name of a repository that GitHub lists under a new one", async () => {
    repositories = ["acme/renamed"];
    await yard.queue();
    await passFor(MINUTE_MS);
    expect(new Set(looks)).toEqual(new Set(["acme/renamed", "acme/widgets"]));
  });
});

describe("its calls", () => {
  it("come evenly: no pass takes more than its share", async () => {
    repositories = Array.from({ length: 360 }, (_, index) => `acme/repository-${index}`);
    await pass();
    expect(looks).toHaveLength(11);
    await passFor(3 * MINUTE_MS);
    expect(new Set(looks).size).toBe(360);
  });

  it("go on past a repository that GitHub does not find", async () => {
    repositories = ["acme/gone", "acme/widgets"];
    failure = (name) => (name === "acme/gone" ? new GitHubError("github-not-found", "listing runs") : null);
    await passFor(MINUTE_MS);
    expect(looks).toContain("acme/widgets");
    expect(town.memory.trouble.discover).toBeNull();
  });

  it("stop for as long as GitHub asks, are told of, and go on", async () => {
    repositories = ["acme/widgets"];
    failure = () => new GitHubError("github-rate-limited", "listing runs", { retryAfterMs: 2 * MINUTE_MS });
    await pass();
    failure = null;
    expect(town.memory.trouble.discover?.code).toBe("github-rate-limited");
    await pass(2 * MINUTE_MS - 1);
    expect(looks).toHaveLength(1);
    await pass(1);
    expect([looks.length, town.memory.trouble.discover]).toEqual([2, null]);
  });

  it("are each 15 seconds where no webhook reaches us", async () => {
    town = connectionYard(yard, { github: lookingGitHub(), demand: "poll" });
    repositories = ["acme/widgets"];
    await pass();
    const id = hidden();
    await passFor(15 * SECOND_MS);
    expect((await known(id))?.status).toBe("queued");
    expect(missed()).toEqual([]);
  });

  it("read named repositories without listing any", async () => {
    const scope = { kind: "repositories", repositories: ["acme/widgets"] } as const;
    repositories = ["acme/other"];
    const ownPools = [{ ...yard.context.pool, scope }];
    town = connectionYard(yard, { github: lookingGitHub(), ownPools });
    await passFor(MINUTE_MS);
    expect(new Set(looks)).toEqual(new Set(["acme/widgets"]));
  });
});
