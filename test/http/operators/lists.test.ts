import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import { formatInstant } from "../../../src/domain/instant.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import {
  FleetAnswer,
  JobsAnswer,
  MachinesAnswer,
  PoolsAnswer,
  ProblemAnswer,
} from "../../../src/http/operators/answers.ts";
import { createOperatorApp } from "../../../src/http/operators/app.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import type { Store } from "../../../src/store/store.ts";
import { jobId, machineId, poolName, START_MS, unheardMachine } from "../../domain/builders.ts";
import { addJob, openSampleStore, sampleSources } from "../sample-fleet.ts";
import { recordTelemetry, recordWakes } from "../stand-ins.ts";

const READER = { name: "bob", role: "reader", token: "bob-token-0123456789" } as const;

let store: Store;
let app: Hono;
beforeEach(async () => {
  store = await openSampleStore();
  const sources = sampleSources(store);
  app = createOperatorApp({ operators: [READER], sources, telemetry: recordTelemetry(), wake: recordWakes() });
});
afterEach(() => store.close());

async function ask<Schema extends z.ZodType>(path: string, schema: Schema, status = 200): Promise<z.infer<Schema>> {
  const response = await app.request(`/api/v1${path}`, { headers: { authorization: `Bearer ${READER.token}` } });
  expect(response.status, path).toBe(status);
  return schema.parse(await response.json());
}

describe("GET /jobs", () => {
  it.each<[string, readonly number[], boolean]>([
    ["?pool=linux", [43, 45, 7, 3, 2], false],
    ["?pool=linux&status=completed,queued", [43, 3, 2], false],
    ["?pool=linux&limit=2", [43, 45], true],
    ["?pool=nothing", [], false],
    ["?pool=No%20Name", [], false],
    ["?since=60000", [43], false],
    ["?since=180000", [43, 45, 44, 42], false],
    ["?since=2026-08-19T15:30:00Z&status=completed", [3], false],
    ["?before=44&limit=2", [42, 7], true],
    ["?before=https://github.com/acme/widgets/actions/runs/100/job/7", [3, 2], false],
    ["?before=7&pool=linux", [3, 2], false],
    ["?before=2026-08-19T15:54:00Z", [2], false],
    ["?before=2", [], false],
    ["?limit=7", [43, 45, 44, 42, 7, 3, 2], false],
    ["?limit=6", [43, 45, 44, 42, 7, 3], true],
  ])("%s", async (query, ids, isMore) => {
    const answer = await ask(`/jobs${query}`, JobsAnswer);
    expect([answer.jobs.map(({ id }) => id), answer.isMore ?? false]).toEqual([ids, isMore]);
  });

  it("goes through all jobs page by page, also where many came in one second", async () => {
    for (let number = 100; number < 117; number += 1) await addJob(store, { id: jobId(number) }, "linux");
    const seen: number[] = [];
    let before = "";
    for (let pageCount = 0; pageCount < 10; pageCount += 1) {
      const { jobs, isMore } = await ask(`/jobs?limit=5${before}`, JobsAnswer);
      seen.push(...jobs.map(({ id }) => id));
      if (isMore !== true) break;
      before = `&before=${jobs.at(-1)?.id}`;
    }
    expect(seen).toEqual((await ask("/jobs?limit=1000", JobsAnswer)).jobs.map(({ id }) => id));
    expect(seen).toHaveLength(24);
  });

  it.each(["999", "m-00000001", "yesterday", "9".repeat(40)])("knows no place before %s", async (before) => {
    const { code, message } = await ask(`/jobs?before=${before}`, ProblemAnswer, 404);
    expect([code, message]).toEqual(["not-found", expect.stringContaining(`before ${before}`)]);
  });

  it.each([
    "since=yesterday",
    "since=-5",
    "since=1.5",
    "before=",
    `before=${"9".repeat(501)}`,
    "status=",
    "state=queued",
  ])("refuses %s and names the field", async (query) => {
    const { code, message } = await ask(`/jobs?${query}`, ProblemAnswer, 400);
    expect([code, message]).toEqual(["payload-invalid", expect.stringMatching(/field (since|before|status|state)/)]);
  });
});

describe("GET /machines", () => {
  it.each<[string, string, boolean]>([
    ["?pool=gpu", "6", false],
    ["?pool=linux&state=engaged", "514", false],
    ["?state=gone", "2", false],
    ["?state=gone,planned", "92", false],
    ["?verdict=unknown", "4", false],
    ["?verdict=busy,unknown&limit=2", "51", true],
    ["?verdict=busy&pool=gpu", "", false],
    ["?verdict=busy&all", "51", false],
    ["?all&limit=3", "965", true],
    ["?all&limit=3&before=m-00000005", "132", true],
    ["?since=60000", "96", false],
    ["?since=2026-08-19T16:09:59Z", "", false],
    ["?before=2026-08-19T16:00:00Z", "48", false],
    ["?pool=nothing", "", false],
  ])("%s", async (query, numbers, isMore) => {
    const answer = await ask(`/machines${query}`, MachinesAnswer);
    const last = answer.machines.map(({ id }) => id.slice(-1)).join("");
    expect([last, answer.isMore ?? false]).toEqual([numbers, isMore]);
  });

  it.each(["state=busy", "verdict=gone", "verdict=", "since=x", "pools=linux"])("refuses %s", async (query) => {
    expect((await ask(`/machines?${query}`, ProblemAnswer, 400)).code).toBe("payload-invalid");
  });

  it.each(["m-99999999", "7", "nothing"])("knows no place before %s", async (before) => {
    expect((await ask(`/machines?before=${before}`, ProblemAnswer, 404)).code).toBe("not-found");
  });
});

describe("GET /pools", () => {
  it("has each with what its jobs wait for and its last launch", async () => {
    const { pools } = await ask("/pools", PoolsAnswer);
    expect(pools.map(({ name }) => name)).toEqual(["linux", "gpu", "mac"]);
    expect(pools[1]).toMatchObject({
      waiting: [{ reason: "launch-backoff", jobs: 1 }],
      oldestWaitingAt: "2026-08-19T16:07:00.000Z",
      breakers: [],
      lastLaunch: {
        id: "l-00000009",
        state: "open",
        machines: 1,
        tries: 2,
        nextTryAt: "2026-08-19T16:10:30.000Z",
        error: "provider-capacity: starting 1 machine",
      },
    });
    expect(pools[2]).toMatchObject({ mode: "observe", waiting: [], oldestWaitingAt: null, lastLaunch: null });
  });

  it.each(["gpu", "pool:gpu", "%20gpu%20"])("has one alone: %s", async (name) => {
    expect((await ask(`/pools/${name}`, PoolsAnswer)).pools.map((pool) => pool.name)).toEqual(["gpu"]);
  });

  it.each(["nothing", "m-00000001", "%00", "a".repeat(3_000)])("knows no %s", async (name) => {
    const { code, mend } = await ask(`/pools/${name}`, ProblemAnswer, 404);
    expect([code, mend]).toEqual(["not-found", "`holdfast pools` lists them."]);
  });

  it("says what is stopped, since when, and when it is tried again", async () => {
    const unheard = { origin: "launched", pool: poolName("gpu"), createdAtMs: START_MS } as const;
    for (let number = 20; number < 25; number += 1) {
      const state = { kind: "gone", providerId: null, reason: "boot-deadline", sinceMs: START_MS + MINUTE_MS } as const;
      await insertMachine(store.db, unheardMachine({ id: machineId(number), ...unheard, state: state as never }));
    }
    const [gpu] = (await ask("/pools/gpu", PoolsAnswer)).pools;
    const since = formatInstant(START_MS + MINUTE_MS);
    const nextProbeAt = formatInstant(START_MS + 2 * MINUTE_MS);
    expect(gpu?.breakers).toEqual([{ stops: "launches", since, failures: 5, nextProbeAt }]);
  });
});

describe("GET /fleet", () => {
  it("has everything of one moment", async () => {
    const { status, waiting, moving, unknown, ended } = await ask("/fleet", FleetAnswer);
    expect(status.controllerId).toBe("ci-eu");
    expect(waiting.jobs.map(({ id }) => id)).toEqual([42, 43]);
    const numbers = ({ machines }: MachinesAnswer) => machines.map(({ id }) => id.slice(-1)).join("");
    expect([numbers(moving), numbers(unknown), numbers(ended)]).toEqual(["968", "4", "2"]);
    expect(new Set([waiting.now, moving.now, unknown.now, ended.now])).toEqual(new Set([status.now]));
  });

  it("tells that there are more than were asked for", async () => {
    const { waiting, moving } = await ask("/fleet?limit=1", FleetAnswer);
    expect([waiting.jobs.length, waiting.isMore, moving.machines.length, moving.isMore]).toEqual([1, true, 1, true]);
  });

  it("has those first that ended last", async () => {
    const gone = { kind: "gone", providerId: null, reason: "surplus", sinceMs: START_MS } as const;
    await insertMachine(store.db, unheardMachine({ id: machineId(30), state: gone as never, createdAtMs: START_MS }));
    const later = { ...gone, sinceMs: Date.parse("2026-08-19T16:10:00Z") - SECOND_MS };
    await insertMachine(store.db, unheardMachine({ id: machineId(31), state: later as never, createdAtMs: START_MS }));
    const { ended } = await ask("/fleet", FleetAnswer);
    expect(ended.machines.map(({ id }) => Number(id.slice(2)))).toEqual([31, 2, 30]);
  });

  it.each(["limit=0", "limit=201", "limit=x", "pool=linux"])("refuses %s", async (query) => {
    expect((await ask(`/fleet?${query}`, ProblemAnswer, 400)).code).toBe("payload-invalid");
  });
});
