import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ingest } from "../../src/controllers/ingest.ts";
import { parseDeliveryId, parseJobId } from "../../src/domain/ids.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import { listDeliveries, loadDelivery } from "../../src/store/deliveries/list.ts";
import { DeliveryLog } from "../../src/store/deliveries/log.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { listQueuedJobs } from "../../src/store/jobs/list.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { jobSubject } from "../../src/store/subjects.ts";
import { connectionName, poolName, pool as poolOf } from "../domain/builders.ts";
import { recordWakes } from "../http/stand-ins.ts";
import { Yard } from "./yard.ts";

const MAIN = connectionName();
const CREATED = "2026-01-05T09:00:00Z";
const STARTED = "2026-01-05T09:01:00Z";
const COMPLETED = "2026-01-05T09:02:00Z";

let yard: Yard;
let wake: ReturnType<typeof recordWakes>;
let deliveryCount: number;
beforeEach(async () => {
  yard = await Yard.open();
  wake = recordWakes();
  deliveryCount = 0;
});
afterEach(() => yard.close());

type Fields = Readonly<Record<string, unknown>>;

function eventOf(action: string, job: Fields = {}, around: Fields = {}): string {
  const isStarted = action === "in_progress" || action === "completed";
  const isCompleted = action === "completed";
  const written = {
    id: 7,
    run_id: 100,
    run_attempt: 1,
    name: "build",
    workflow_name: "ci",
    html_url: "https://github.com/acme/widgets/actions/runs/100/job/7",
    labels: ["self-hosted", "linux"],
    status: action,
    conclusion: isCompleted ? "success" : null,
    runner_id: isStarted ? 21 : null,
    runner_name: isStarted ? "holdfast-t-1" : null,
    created_at: CREATED,
    started_at: isStarted ? STARTED : CREATED,
    completed_at: isCompleted ? COMPLETED : null,
    ...job,
  };
  return JSON.stringify({ action, workflow_job: written, repository: { full_name: "acme/widgets" }, ...around });
}

/** Stores them as the webhooks' door does. @returns their ids, in the order given. */
async function deliver(...bodies: readonly (string | Uint8Array)[]) {
  const log = new DeliveryLog(yard.store, yard.clock, { batchMs: 0 });
  const deliveries = bodies.map((body) => {
    deliveryCount += 1;
    return {
      id: parseDeliveryId(`delivery-${String(deliveryCount).padStart(6, "0")}`),
      connection: MAIN,
      event: "workflow_job",
      body: typeof body === "string" ? new TextEncoder().encode(body) : body,
      receivedAtMs: yard.clock.nowMs() + deliveryCount,
    };
  });
  const recorded = deliveries.map((delivery) => log.record(delivery));
  await log.close();
  await Promise.all(recorded);
  return deliveries.map(({ id }) => id);
}

const pass = (pools: readonly PoolPolicy[] = yard.context.pools) => ingest({ ...yard.context, pools, wake });
const jobRow = (id = 7) => loadJob(yard.store.db, MAIN, parseJobId(id));
const deliveryOf = (id: Awaited<ReturnType<typeof deliver>>[number]) => loadDelivery(yard.store.db, MAIN, id);

async function reasonsOf(id = 7): Promise<readonly string[]> {
  const decisions = await listDecisions(yard.store.db, jobSubject(MAIN, parseJobId(id)), 10);
  return decisions.map(({ reason }) => reason);
}

describe("a delivery that cannot be understood", () => {
  const job = (fields: Fields) => eventOf("queued", fields);
  const written = (text: string) => eventOf("queued").replace('"id":7', `"id":${text}`);
  it.each<[string, string | Uint8Array, RegExp]>([
    ["no JSON", "{", /^the body is not JSON: /],
    ["nothing", "", /^the body is not JSON: /],
    ["bytes that are no UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), /^the body is not JSON: /],
    ["a list", "[]", /^the body is not an object$/],
    ["a text", '"hello"', /^the body is not an object$/],
    ["null", "null", /^the body is not an object$/],
    ["no action", eventOf("queued", {}, { action: undefined }), /^action is not a text$/],
    ["no repository", eventOf("queued", {}, { repository: null }), /^repository\.full_name is not a text$/],
    ["a repository without owner", eventOf("queued", {}, { repository: { full_name: "widgets" } }), /owner\/name/],
    ["no job", eventOf("queued", {}, { workflow_job: undefined }), /^workflow_job: it is not an object$/],
    ["a job that is a list", eventOf("queued", {}, { workflow_job: [] }), /^workflow_job: it is not an object$/],
    ["no id", job({ id: undefined }), /^workflow_job: id is not a positive whole number$/],
    ["id 0", job({ id: 0 }), /^workflow_job: id is/],
    ["a negative id", job({ id: -7 }), /^workflow_job: id is/],
    ["half an id", job({ id: 1.5 }), /^workflow_job: id is/],
    ["a text for an id", job({ id: "7" }), /^workflow_job: id is/],
    ["an id beyond what counts exactly", written("9007199254740993"), /^workflow_job: id is/],
    ["an id beyond what counts", written("1e400"), /^workflow_job: id is/],
    ["half a run", job({ run_id: 0.5 }), /^workflow_job: run_id is/],
    ["attempt 0", job({ run_attempt: 0 }), /^workflow_job: run_attempt is/],
    ["a runner with a negative id", job({ runner_id: -1 }), /^workflow_job: runner_id is/],
    ["a text for labels", job({ labels: "linux" }), /^workflow_job: labels is not a list of texts$/],
    ["a label that is a number", job({ labels: ["linux", 7] }), /^workflow_job: labels is not a list of texts$/],
    ["a status that is none", eventOf("reticulating"), /^workflow_job: status is not a status that we know$/],
    ["no time", job({ created_at: null, started_at: null }), /^workflow_job: created_at is missing$/],
    ["a time that is none", job({ created_at: "yesterday" }), /^workflow_job: created_at is not an instant$/],
    ["a time after all times", job({ created_at: "+999999-01-01T00:00:00Z" }), /^workflow_job: created_at is not/],
  ])("%s is set aside with what is wrong, and holds up no other", async (_name, poison, error) => {
    const [before, bad, after] = await deliver(eventOf("queued", { id: 1 }), poison, eventOf("queued", { id: 2 }));
    if (before === undefined || bad === undefined || after === undefined) throw new Error("three were delivered");
    await pass();
    expect(await deliveryOf(bad)).toMatchObject({ state: "quarantined", error: expect.stringMatching(error) });
    expect([(await deliveryOf(before))?.state, (await deliveryOf(after))?.state]).toEqual(["applied", "applied"]);
    expect([(await jobRow(1))?.job.status, (await jobRow(2))?.job.status]).toEqual(["queued", "queued"]);
    expect(await listQueuedJobs(yard.store.db, 10)).toHaveLength(2);
    const counted = yard.telemetry.counts.filter((count) => count.startsWith("holdfast_deliveries_total"));
    expect(counted.filter((count) => count.endsWith("outcome=quarantined"))).toHaveLength(1);
    await pass();
    expect((await deliveryOf(bad))?.state).toBe("quarantined");
  });

  it("is one of more than a batch, and all the others are applied", async () => {
    const bodies = Array.from({ length: 450 }, (_, index) =>
      index % 7 === 0 ? "{" : eventOf("queued", { id: index }),
    );
    await deliver(...bodies);
    await pass();
    const states = (await listDeliveries(yard.store.db, { limitCount: 1_000 })).map(({ state }) => state);
    const badCount = Math.ceil(450 / 7);
    expect(states.filter((state) => state === "quarantined")).toHaveLength(badCount);
    expect(states.filter((state) => state === "applied")).toHaveLength(450 - badCount);
  });

  it("says nothing of the values in it", async () => {
    const [bad] = await deliver(job({ id: "ghp_SECRET", name: "ghp_SECRET" }));
    await pass();
    expect((await deliveryOf(bad ?? never()))?.error).not.toContain("SECRET");
  });
});

describe("texts that a job chose", () => {
  it.each([
    ["a NUL", "a\u0000b"],
    ["half a surrogate", "a\ud800b"],
    ["control characters", "\u001b[31mred\u001b[0m\r\n"],
    ["a quote and a comment of SQL", "'; drop table jobs; --"],
    ["a megabyte", "x".repeat(1024 * 1024)],
  ])("with %s are applied, and hold up no other", async (_name, text) => {
    const strange = { name: text, workflow_name: text, runner_name: text, labels: ["self-hosted", "linux", text] };
    await deliver(eventOf("in_progress", strange), eventOf("queued", { id: 8 }), eventOf("completed", strange));
    await pass();
    expect((await listDeliveries(yard.store.db, { limitCount: 10 })).map(({ state }) => state)).toEqual([
      "applied",
      "applied",
      "applied",
    ]);
    expect([(await jobRow(7))?.job.status, (await jobRow(8))?.job.status]).toEqual(["completed", "queued"]);
  });
});

describe("events of one job", () => {
  const waiting = eventOf("waiting");
  const queued = eventOf("queued");
  const started = eventOf("in_progress");
  const completed = eventOf("completed");

  it.each(orders([waiting, queued, started, completed]).map((events, index) => [index + 1, events] as const))(
    "in any order come to the same end (order %i)",
    async (_number, events) => {
      for (const event of events) {
        await deliver(event);
        await pass();
      }
      expect((await jobRow())?.job).toMatchObject({
        status: "completed",
        conclusion: "success",
        runnerId: 21,
        runnerName: "holdfast-t-1",
        createdAtMs: Date.parse(CREATED),
        startedAtMs: Date.parse(STARTED),
        completedAtMs: Date.parse(COMPLETED),
        queuedSeenAtMs: Date.parse(CREATED),
      });
      expect(await listQueuedJobs(yard.store.db, 10)).toEqual([]);
    },
  );

  it("told again change nothing, and are ignored", async () => {
    await deliver(queued, started, queued, started, queued);
    await pass();
    const states = (await listDeliveries(yard.store.db, { limitCount: 10 })).map(({ state }) => state).reverse();
    expect(states).toEqual(["applied", "applied", "ignored", "ignored", "ignored"]);
    expect((await jobRow())?.version).toBe(2);
    const facts = (await listEvidence(yard.store.db, jobSubject(MAIN, parseJobId(7)), 10)).map(({ fact }) => fact);
    expect(facts).toEqual(["job in progress on holdfast-t-1", "job queued"]);
  });

  it("that is told queued while it waits for an approval is no job to run yet", async () => {
    await deliver(eventOf("queued", { status: "waiting" }));
    await pass();
    expect((await jobRow())?.job.status).toBe("waiting");
    expect(await listQueuedJobs(yard.store.db, 10)).toEqual([]);
    await deliver(queued);
    await pass();
    expect(await listQueuedJobs(yard.store.db, 10)).toHaveLength(1);
  });

  it("of a second attempt are another job's", async () => {
    await deliver(completed);
    await deliver(eventOf("queued", { id: 9, run_attempt: 2 }));
    await pass();
    expect((await jobRow(7))?.job).toMatchObject({ runId: 100, runAttempt: 1, status: "completed" });
    expect((await jobRow(9))?.job).toMatchObject({ runId: 100, runAttempt: 2, status: "queued" });
    expect((await listQueuedJobs(yard.store.db, 10)).map(({ job }) => job.id)).toEqual([9]);
  });

  it("say when it was queued by GitHub's clock, however late they come", async () => {
    yard.clock.advance(Date.parse(COMPLETED) + 3_600 * SECOND_MS);
    await deliver(queued);
    await pass();
    expect((await jobRow())?.job.queuedSeenAtMs).toBe(Date.parse(CREATED));
  });

  it("wake the pools that it fits, and only those", async () => {
    const pools = [poolOf(), poolOf({ name: poolName("gpu"), labels: ["self-hosted", "gpu"] })];
    await deliver(queued);
    await pass(pools);
    expect(wake.woken).toEqual(["assign/linux"]);
  });
});

describe("a job cancelled before it was picked up", () => {
  const cancelled = eventOf("completed", {
    labels: [],
    conclusion: "cancelled",
    runner_id: 0,
    runner_name: "",
    started_at: CREATED,
  });

  it("keeps the labels that it was queued with", async () => {
    await deliver(eventOf("queued"), cancelled);
    await pass();
    expect(await jobRow()).toMatchObject({
      pool: "linux",
      job: { status: "completed", conclusion: "cancelled", labels: ["self-hosted", "linux"], runnerId: null },
    });
  });

  it("is nobody's where that is the first we hear, and does not come back", async () => {
    await deliver(cancelled);
    await pass();
    expect(await jobRow()).toMatchObject({ pool: null, job: { status: "completed", labels: [] } });
    await deliver(eventOf("queued"));
    await pass();
    expect((await jobRow())?.job.status).toBe("completed");
    expect(await reasonsOf()).toEqual([]);
    expect(await listQueuedJobs(yard.store.db, 10)).toEqual([]);
  });
});

describe("a job that no pool takes", () => {
  it.each<[string, Fields, Fields]>([
    ["a label that no pool has", { labels: ["self-hosted", "gpu"] }, {}],
    ["no labels", { labels: [] }, {}],
    ["a repository outside of every scope", {}, { repository: { full_name: "other/widgets" } }],
  ])("says so: %s", async (_name, job, around) => {
    await deliver(eventOf("queued", job, around));
    await pass();
    expect((await jobRow())?.pool).toBeNull();
    expect(await reasonsOf()).toEqual(["no-pool"]);
    expect(wake.woken).toEqual([]);
  });

  it("gets the pool that comes to fit it later", async () => {
    await deliver(eventOf("queued", { labels: ["self-hosted", "gpu"] }));
    await pass();
    const gpu = poolOf({ name: poolName("gpu"), labels: ["self-hosted", "gpu"] });
    await pass([...yard.context.pools, gpu]);
    expect((await jobRow())?.pool).toBe("gpu");
    expect(wake.woken).toEqual(["assign/gpu"]);
  });
});

function orders<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  if (items.length <= 1) return [items];
  return items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

function never(): never {
  throw new Error("missing");
}
