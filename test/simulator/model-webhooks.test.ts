import { describe, expect, it } from "vitest";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { createSeededIds } from "../../src/simulator/github/ids.ts";
import { formatInstant } from "../../src/simulator/github/instant.ts";
import { approveJob, cancelJob } from "../../src/simulator/github/jobs.ts";
import { nextDueMs } from "../../src/simulator/github/lease.ts";
import { recordAttempt, redeliver, takeDueSends } from "../../src/simulator/github/outbox.ts";
import type { Job, JobPhase } from "../../src/simulator/github/state.ts";
import { announced, begin, connect, createWorld, finish, queue, register, START_MS } from "./world.ts";

function kindOf(job: Job): JobPhase["kind"] {
  return job.phase.kind;
}

describe("webhooks", () => {
  it("are sent in order, and those with a delay when it has passed", () => {
    const state = createWorld();
    takeDueSends(state, START_MS);
    const late = queue(state, { webhooks: { delayMs: { queued: MINUTE_MS } } });
    const soon = queue(state);
    const jobsOf = (nowMs: number) =>
      takeDueSends(state, nowMs).map(({ deliveryId }) => state.deliveries.get(deliveryId)?.jobId);
    expect(jobsOf(START_MS)).toEqual([soon.id]);
    expect(nextDueMs(state)).toBe(START_MS + MINUTE_MS);
    expect(jobsOf(START_MS + MINUTE_MS)).toEqual([late.id]);
  });

  it("are dropped, or sent twice under one GUID, when the job says so", () => {
    const state = createWorld();
    takeDueSends(state, START_MS);
    const dropped = queue(state, { webhooks: { drop: ["queued"] } });
    const twice = queue(state, { webhooks: { duplicate: ["queued"] } });
    const sends = takeDueSends(state, START_MS);
    expect(sends.map(({ deliveryId }) => state.deliveries.get(deliveryId)?.jobId)).toEqual([twice.id, twice.id]);
    expect(new Set(sends.map(({ deliveryId }) => state.deliveries.get(deliveryId)?.guid)).size).toBe(1);
    const [lost] = [...state.deliveries.values()].filter(({ jobId }) => jobId === dropped.id);
    expect(lost?.status).toBe("dropped");
    expect(redeliver(state, lost?.id ?? 0, START_MS)).toBe("never-attempted");
  });

  it("say completed while the Worker runs, and nothing at its end, when the job says so", () => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    connect(state, runner);
    const job = queue(state, { webhooks: { isCompletedWhileRunning: true } });
    const requestId = begin(state, runner);
    expect(announced(state, job).slice(1)).toEqual([
      'in_progress in_progress  r ["linux"]',
      'completed completed success r ["linux"]',
    ]);
    expect(kindOf(job)).toBe("acquired");
    finish(state, requestId, "Failed");
    expect(announced(state, job)).toHaveLength(3);
  });

  it.each<[name: string, approval: "waiting" | "queued", first: string]>([
    ["action waiting", "waiting", 'waiting waiting   ["linux"]'],
    ["action queued with status waiting", "queued", 'queued waiting   ["linux"]'],
  ])("announce a job that waits for approval by %s", (_name, approval, first) => {
    const state = createWorld();
    const job = queue(state, { approval });
    approveJob(state, job.id, START_MS);
    expect(announced(state, job)).toEqual([first, 'queued queued   ["linux"]']);
    expect(approveJob(state, job.id, START_MS)).toBe(false);
  });

  it("show the job as it was, however late they are rendered", () => {
    const state = createWorld();
    const job = queue(state);
    cancelJob(state, job.id, START_MS + SECOND_MS);
    expect(announced(state, job)[0]).toBe('queued queued   ["linux"]');
  });

  it("are not retried by GitHub, and can be redelivered for three days", () => {
    const state = createWorld();
    const job = queue(state);
    takeDueSends(state, START_MS);
    const [delivery] = [...state.deliveries.values()].filter(({ jobId }) => jobId === job.id);
    const id = delivery?.id ?? 0;
    const made = { atMs: START_MS, durationMs: 3, failure: null, response: null };
    recordAttempt(state, id, { ...made, statusCode: 503, isRedelivery: false });
    expect(delivery?.status).toBe("failed");
    expect(takeDueSends(state, START_MS + DAY_MS)).toEqual([]);
    expect(redeliver(state, id, START_MS + 3 * DAY_MS)).toBe("accepted");
    expect(takeDueSends(state, START_MS + 3 * DAY_MS)).toMatchObject([{ deliveryId: id, isRedelivery: true }]);
    recordAttempt(state, id, { ...made, statusCode: 202, isRedelivery: true });
    expect(delivery?.status).toBe("delivered");
    expect(redeliver(state, id, START_MS + 3 * DAY_MS + 1)).toBe("too-old");
    expect(redeliver(state, 0, START_MS)).toBe("unknown");
  });
});

describe("determinism", () => {
  it("gives the same ids for the same seed, and others for another", () => {
    const draw = (seed: number) => {
      const ids = createSeededIds(seed);
      return [ids.uuid(), ids.uuid(), ids.number("job"), ids.number("job"), ids.number("runner")];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it.each([0, 951_782_399_000, 951_782_400_000, START_MS, 1_709_164_800_000, 4_102_444_799_999])(
    "writes %i as ISO 8601",
    (epochMs) => {
      expect(formatInstant(epochMs)).toBe(new Date(epochMs).toISOString().replace(/\.\d+Z$/, "Z"));
    },
  );
});
