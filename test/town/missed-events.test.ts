/** Webhooks that failed and webhooks that were never sent: how long until the jobs are known, and that all of them run. */
import { afterEach, expect, it } from "vitest";
import { parseJobId } from "../../src/domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { queueJob } from "../../src/simulator/github/jobs.ts";
import type { Job } from "../../src/simulator/github/state.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { connectionName, poolName } from "../domain/builders.ts";
import { Town } from "./town.ts";

let town: Town;
afterEach(() => town.close());

const JOB_COUNT = 500;
/** Those that nothing tells of have a pool of their own: another job's runner would take them, and tell of them. */
const RARE = { name: poolName("rare"), labels: ["self-hosted", "linux", "rare"], requiredLabels: ["rare"] };
const REPOSITORIES = Array.from({ length: 20 }, (_, index) => `acme/repository-${index}`);

it("500 jobs run though one `queued` in ten fails and one in a hundred is never sent", async () => {
  town = await Town.open({ repositories: REPOSITORIES, pools: [{ machineCountMax: 60 }, RARE] });
  town.github.setHook();
  town.github.failDeliveries({ fraction: 0.1, seed: 42, actions: ["queued"] });
  const jobs: Job[] = [];
  for (let number = 0; number < JOB_COUNT; number += 1) {
    jobs.push(queue(number));
    await town.run(SECOND_MS);
  }
  const isDone = () => jobs.every(({ phase }) => phase.kind === "completed");
  await town.runUntil(isDone, 15 * MINUTE_MS);
  expect(jobs.filter(({ phase }) => phase.kind === "completed" && phase.conclusion === "success")).toHaveLength(
    JOB_COUNT,
  );
  const delays = await readDelays(jobs);
  for (const [kind, { median, max, count }] of delays)
    console.info(`${kind}: ${count} jobs, known after ${median} s in the median, ${max} s at most`);
  expect(delays.get("failed")?.count).toBeGreaterThan(JOB_COUNT / 20);
  expect(delays.get("never sent")?.count).toBe(JOB_COUNT / 100);
  expect(delays.get("failed")?.max).toBeLessThanOrEqual(60);
  expect(delays.get("never sent")?.max).toBeLessThanOrEqual(300);
  expectOnce(jobs);
}, 300_000);

function queue(number: number): Job {
  const repository = REPOSITORIES[number % REPOSITORIES.length] ?? "";
  const isDropped = number % 100 === 50;
  const webhooks = isDropped ? { drop: ["queued"] as const } : {};
  const labels = ["self-hosted", "linux", ...(isDropped ? ["rare"] : [])];
  const request = { repository, labels, steps: ["make"], webhooks };
  return queueJob(town.github.state, request, town.clock.nowMs());
}

async function readDelays(jobs: readonly Job[]) {
  const seconds = new Map<string, number[]>();
  for (const job of jobs) {
    const row = await loadJob(town.store.db, connectionName(), parseJobId(job.id));
    const delay = ((row?.firstSeenAtMs ?? Number.POSITIVE_INFINITY) - job.createdAtMs) / SECOND_MS;
    const kind = kindOf(job);
    seconds.set(kind, [...(seconds.get(kind) ?? []), delay]);
  }
  return new Map([...seconds].map(([kind, delays]) => [kind, summarize(delays)]));
}

function kindOf(job: Job): string {
  const deliveries = [...town.github.state.deliveries.values()];
  const queued = deliveries.find(({ jobId, action }) => jobId === job.id && action === "queued");
  if (queued?.status === "dropped") return "never sent";
  return queued?.attempts[0]?.statusCode === null ? "failed" : "sent";
}

function summarize(delays: readonly number[]) {
  const sorted = [...delays].sort((a, b) => a - b);
  return { count: sorted.length, median: sorted[Math.floor(sorted.length / 2)], max: sorted.at(-1) };
}

/** Each job was taken up by one runner only. */
function expectOnce(jobs: readonly Job[]): void {
  const taken = [...town.github.state.requests.values()].filter(({ jobId }) => jobs.some(({ id }) => id === jobId));
  expect(new Set(taken.map(({ jobId }) => jobId)).size).toBe(taken.length);
}
