/** Listeners that wait online, and tickets held ready, under a GitHub that tells lies. */
import { afterEach, expect, it } from "vitest";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { WebhookLies } from "../../src/simulator/github/delivery.ts";
import { cancelJob } from "../../src/simulator/github/jobs.ts";
import type { Job } from "../../src/simulator/github/state.ts";
import { listLiveTicketsOfPool } from "../../src/store/tickets/list.ts";
import { fault, openTown, queue } from "./failure-scene.ts";
import type { Town } from "./town.ts";

let town: Town;
afterEach(() => town.close());

const POOL = { machineCountMax: 9, warmRegisteredCount: 2, warmParkedCount: 1, readyTicketCount: 1 };
const JOB_MS = 40 * SECOND_MS;

async function live() {
  const tickets = await Promise.all(town.pools.map(({ pool }) => listLiveTicketsOfPool(town.store.db, pool.name)));
  return tickets.flat().map(({ purpose, jobId, state }) => [purpose, jobId === null, state.kind].join(" "));
}

const AT_REST = ["ready true issued", "registered true online", "registered true online"];

it("jobs start at once on listeners that wait, and the pool fills up again", async () => {
  town = await openTown("token", { pools: [POOL], jobMs: JOB_MS });
  town.github.setHook();
  await town.run(MINUTE_MS);
  expect((await live()).toSorted()).toEqual(AT_REST);
  expect(town.hosts.size).toBe(3);
  const jobs = [queue(town), queue(town)];
  await town.run(2 * SECOND_MS);
  expect(jobs.map(({ phase }) => phase.kind)).toEqual(["acquired", "acquired"]);
  await town.run(4 * MINUTE_MS);
  expect(jobs.map(({ phase }) => phase.kind)).toEqual(["completed", "completed"]);
  expect((await live()).toSorted()).toEqual(AT_REST);
  expect(town.hosts.size).toBe(3);
  expect(town.launches.flatMap(({ machines }) => machines)).toHaveLength(5);
});

/** Jobs that are taken back when the tickets made for them have just left us: their listeners wait in vain. */
async function cancelOnTheWay(): Promise<readonly Job[]> {
  await town.run(3 * MINUTE_MS);
  const jobs = Array.from({ length: 6 }, () => queue(town));
  for (let second = 0; second < 30; second += 1) {
    await town.run(SECOND_MS);
    if ((await live()).filter((one) => one === "job false delivered").length >= 2) break;
  }
  const taken = jobs.filter(({ phase }) => phase.kind === "queued");
  for (const job of taken) cancelJob(town.github.state, job.id, town.clock.nowMs());
  return taken;
}

const LIES: readonly WebhookLies[] = [
  {},
  { drop: ["queued"] },
  { drop: ["in_progress", "completed"] },
  { delayMs: { queued: 30 * SECOND_MS, in_progress: 90 * SECOND_MS } },
  { isCompletedWhileRunning: true },
  { duplicate: ["queued", "completed"] },
];

it("under lies no job runs twice, none is killed, all are done, and what is too many goes by its hosts' word", async () => {
  town = await openTown("token", { pools: [POOL], jobMs: JOB_MS });
  town.github.setHook();
  const kept: Job[] = [];
  const cancelled: Job[] = [];
  for (let round = 0; round < 12; round += 1) {
    const webhooks = LIES[round % LIES.length] ?? {};
    for (let count = 0; count < 1 + (round % 4); count += 1) kept.push(queue(town, { webhooks }));
    // A burst that is taken back before it runs leaves listeners behind that no job comes to.
    const burst = round % 3 === 0 ? Array.from({ length: 6 }, () => queue(town)) : [];
    if (round % 2 === 1) fault(town, "generate-jitconfig", { kind: "answer-lost", effect: "done" });
    if (round % 4 === 2) fault(town, "delete-runner", { kind: "status", effect: "none", status: 502 });
    await town.run((5 + (round % 4)) * SECOND_MS);
    for (const job of burst) if (job.phase.kind === "queued") cancelJob(town.github.state, job.id, town.clock.nowMs());
    for (const job of burst) (job.phase.kind === "completed" ? cancelled : kept).push(job);
    await town.run(50 * SECOND_MS);
  }
  cancelled.push(...(await cancelOnTheWay()));
  await town.runUntil(() => kept.every(({ phase }) => phase.kind === "completed"), 20 * MINUTE_MS);
  expect(kept.map(({ phase }) => phase)).toEqual(
    kept.map(() => expect.objectContaining({ kind: "completed", conclusion: "success" })),
  );
  expect(cancelled.length).toBeGreaterThan(0);
  await town.run(8 * MINUTE_MS);
  const ran = [...town.github.state.requests.values()].map(({ jobId }) => jobId);
  expect(ran.length, "jobs that a runner was given").toBe(new Set(ran).size);
  expect((await live()).toSorted()).toEqual(AT_REST);
  expect(town.hosts.size).toBe(3);
  expect(town.github.state.registrations.size).toBe(3);
  const asked = town.telemetry.counts.filter((one) => one.startsWith("holdfast_hand_backs_total"));
  expect(new Set(asked)).toEqual(new Set(["holdfast_hand_backs_total pool=linux reason=idle-ticket"]));
  expect(town.telemetry.counts.filter((one) => /plan_notes|contradictions/.test(one))).toEqual([]);
  expect(town.failures).toEqual([]);
});
