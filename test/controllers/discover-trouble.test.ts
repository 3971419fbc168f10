// One owner, repository or job of which GitHub says nothing useful holds up no other, and no clock stops the looking.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { discover } from "../../src/controllers/connection/discover.ts";
import { GitHubError, type GitHubErrorCode } from "../../src/domain/errors.ts";
import { type JobId, parseJobId } from "../../src/domain/ids.ts";
import type { JobEvent } from "../../src/domain/job.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { GitHub } from "../../src/ports/github.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { connectionName, job as jobOf } from "../domain/builders.ts";
import { type ConnectionYard, connectionYard } from "./connection-yard.ts";
import { Yard } from "./yard.ts";

const PERIOD_MS = 5 * SECOND_MS;

let yard: Yard;
let town: ConnectionYard;
let looks: string[];
let asked: JobId[];
/** How far the time of day was set. */
let stepMs: number;
let lookFailures: Map<string, GitHubError>;
let ownerFailures: Map<string | null, GitHubError>;
let repositories: readonly string[];

beforeEach(async () => {
  yard = await Yard.open();
  [looks, asked, stepMs, repositories] = [[], [], 0, ["acme/widgets"]];
  [lookFailures, ownerFailures] = [new Map(), new Map()];
  serve([yard.context.pool]);
  yard.clock.advance(10 * MINUTE_MS);
});
afterEach(() => yard.close());

function serve(ownPools: readonly PoolPolicy[]): void {
  const clock: Clock = {
    nowMs: () => yard.clock.nowMs() + stepMs,
    monotonicMs: () => yard.clock.monotonicMs(),
    sleep: (durationMs, signal) => yard.clock.sleep(durationMs, signal),
  };
  town = connectionYard(yard, { github: failingGitHub(), ownPools, pools: ownPools, clock });
}

function failingGitHub(): GitHub {
  const { github } = yard;
  return {
    mintTicket: (request) => github.mintTicket(request),
    findRunner: (scope, name) => github.findRunner(scope, name),
    listRunners: () => github.listRunners(),
    deleteRunner: (permit) => github.deleteRunner(permit),
    readDeprecation: () => github.readDeprecation(),
    getRun: (repository, id) => github.getRun(repository, id),
    rerunJob: (repository, id) => github.rerunJob(repository, id),
    getJob: async (repository, id) => {
      asked.push(id);
      const answer = await github.getJob(repository, id);
      const isThere = answer.kind === "present" && answer.value.repository === repository;
      return isThere ? answer : { kind: "absent", observedAtMs: yard.clock.nowMs() };
    },
    listRepositories: async (owner) => {
      const error = ownerFailures.get(owner);
      if (error !== undefined) throw error;
      return repositories.filter((name) => owner === null || name.startsWith(`${owner}/`));
    },
    listOpenJobs: async (repository) => {
      looks.push(repository);
      const error = lookFailures.get(repository);
      if (error !== undefined) throw error;
      return github.listOpenJobs(repository);
    },
  };
}

/** A job that GitHub has and that nobody told us of. */
function hidden(id: number, overrides: Partial<JobEvent> = {}): JobId {
  const nowMs = yard.clock.nowMs() + stepMs;
  const job = jobOf({ id: parseJobId(id), createdAtMs: nowMs, queuedSeenAtMs: nowMs, ...overrides });
  yard.github.jobs.set(job.id, job);
  return job.id;
}

async function passFor(durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += PERIOD_MS) {
    yard.clock.advance(PERIOD_MS);
    await discover(town.context);
  }
}

const known = async (id: JobId) => (await loadJob(yard.store.db, connectionName(), id))?.job ?? null;
const refusal = (code: GitHubErrorCode, retryAfterMs?: number) =>
  new GitHubError(code, "asking", retryAfterMs === undefined ? {} : { retryAfterMs });
const named = (count: number) => Array.from({ length: count }, (_, index) => `acme/repository-${index}`);

describe("an owner", () => {
  const of = (organization: string): PoolPolicy => ({
    ...yard.context.pool,
    scope: { kind: "organization", organization },
  });

  it.each<GitHubErrorCode>(["github-not-installed", "github-suspended", "github-unauthorized", "github-unavailable"])(
    "that GitHub does not list (%s) holds up no other, and is told of",
    async (code) => {
      serve([of("closed"), of("acme")]);
      ownerFailures.set("closed", refusal(code));
      await passFor(MINUTE_MS);
      const id = hidden(1);
      await passFor(4 * MINUTE_MS);
      expect((await known(id))?.status).toBe("queued");
      expect(town.memory.trouble.discover?.code).toBe(code);
    },
  );

  it("keeps the repositories that were known while it cannot be listed", async () => {
    await passFor(MINUTE_MS);
    ownerFailures.set("acme", refusal("github-unavailable"));
    await passFor(15 * MINUTE_MS);
    const id = hidden(1);
    await passFor(4 * MINUTE_MS);
    expect(await known(id)).not.toBeNull();
  });

  it.each<GitHubErrorCode>(["github-rate-limited", "github-budget", "github-suspended"])(
    "that is held back for an hour (%s) holds back no other",
    async (code) => {
      serve([of("closed"), of("acme")]);
      repositories = ["closed/one", "closed/two", "acme/widgets"];
      for (const name of ["closed/one", "closed/two"]) lookFailures.set(name, refusal(code, HOUR_MS));
      await passFor(MINUTE_MS);
      const id = hidden(1);
      await passFor(4 * MINUTE_MS);
      expect(await known(id)).not.toBeNull();
      expect(looks.filter((name) => name.startsWith("closed/")).length).toBeLessThanOrEqual(2);
      expect(town.memory.trouble.discover?.code).toBe(code);
    },
  );
});

describe("repositories that can never be read", () => {
  it.each<GitHubErrorCode>(["github-unavailable", "github-invalid", "github-forbidden", "github-not-installed"])(
    "(%s) hold up none that can",
    async (code) => {
      repositories = named(60);
      const bad = repositories.slice(0, 8);
      for (const name of bad) lookFailures.set(name, refusal(code));
      await passFor(4 * MINUTE_MS);
      looks = [];
      await passFor(5 * MINUTE_MS);
      expect(new Set(looks.filter((name) => !bad.includes(name))).size).toBe(52);
    },
  );

  it("all of them are an outage, in which few calls are made", async () => {
    repositories = named(300);
    for (const name of repositories) lookFailures.set(name, refusal("github-unavailable"));
    await passFor(5 * MINUTE_MS);
    expect(looks.length).toBeLessThanOrEqual(80);
    lookFailures.clear();
    looks = [];
    await passFor(5 * MINUTE_MS);
    expect(new Set(looks).size).toBe(300);
    expect(town.memory.trouble.discover).toBeNull();
  });
});

describe("a time of day that is set", () => {
  it("back by a day keeps nobody from looking", async () => {
    await passFor(MINUTE_MS);
    lookFailures.set("acme/widgets", refusal("github-unavailable"));
    await passFor(5 * MINUTE_MS);
    stepMs = -DAY_MS;
    lookFailures.clear();
    const id = hidden(1);
    await passFor(4 * MINUTE_MS);
    expect((await known(id))?.status).toBe("queued");
  });

  it("ahead by an hour makes no short absence a long one", async () => {
    const id = hidden(1);
    await passFor(MINUTE_MS);
    yard.github.jobs.delete(id);
    await passFor(7 * MINUTE_MS);
    stepMs = HOUR_MS;
    await passFor(3 * MINUTE_MS);
    expect((await known(id))?.status).toBe("queued");
  });
});

describe("a job that is not found", () => {
  it("under a name that is another repository's by now does not count as deleted while it is queued elsewhere", async () => {
    const id = hidden(1, { repository: "acme/widgets" });
    await passFor(MINUTE_MS);
    // Renamed, and a new one made under the old name; of two names the job keeps the one that is later in the alphabet.
    const before = yard.github.jobs.get(id);
    if (before !== undefined) yard.github.jobs.set(id, { ...before, repository: "acme/gadgets" });
    repositories = ["acme/widgets", "acme/gadgets"];
    const { listOpenJobs } = town.context.github;
    Object.assign(town.context.github, {
      listOpenJobs: async (repository: string) =>
        (await listOpenJobs(repository)).map((job) => ({ ...job, queuedSeenAtMs: yard.clock.nowMs() })),
    });
    await passFor(HOUR_MS);
    expect((await known(id))?.status).toBe("queued");
  });

  it("is asked about in turn with all others, however many of them have no answer", async () => {
    const ids = Array.from({ length: 50 }, (_, index) => hidden(index + 1));
    await passFor(MINUTE_MS);
    for (const id of ids) yard.github.jobs.delete(id);
    asked = [];
    await passFor(10 * MINUTE_MS);
    expect(new Set(asked).size).toBe(50);
  });
});
