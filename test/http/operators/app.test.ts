import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import {
  ExplainAnswer,
  JobsAnswer,
  MachinesAnswer,
  ProblemAnswer,
  StatusAnswer,
} from "../../../src/http/operators/answers.ts";
import { createOperatorApp } from "../../../src/http/operators/app.ts";
import { createPagesApp } from "../../../src/http/pages/app.ts";
import type { Store } from "../../../src/store/store.ts";
import { jobId } from "../../domain/builders.ts";
import { addJob, EVIL_NAME, openSampleStore, sampleSources } from "../sample-fleet.ts";
import { recordTelemetry, recordWakes } from "../stand-ins.ts";

const READER = { name: "bob", role: "reader", token: "bob-token-0123456789" } as const;

let store: Store;
let app: Hono;
beforeEach(async () => {
  store = await openSampleStore();
  app = createOperatorApp({
    operators: [READER],
    sources: sampleSources(store),
    telemetry: recordTelemetry(),
    wake: recordWakes(),
  });
});
afterEach(() => store.close());

async function ask<Schema extends z.ZodType>(path: string, schema: Schema, status = 200): Promise<z.infer<Schema>> {
  const response = await app.request(`/api/v1${path}`, { headers: { authorization: `Bearer ${READER.token}` } });
  expect(response.status).toBe(status);
  return schema.parse(await response.json());
}

it("tells nobody anything without a token, not even which paths there are", async () => {
  for (const path of ["/status", "/jobs", "/machines", "/explain/7", "/nothing"])
    expect((await app.request(`/api/v1${path}`)).status).toBe(401);
});

it("leaves the paths outside of /api/v1 to others", async () => {
  const options = { operators: [READER], sources: sampleSources(store), telemetry: recordTelemetry() };
  const both = createPagesApp(options);
  both.route("/", app);
  expect((await both.request("/assets/style.css")).status).toBe(200);
  expect((await both.request("/api/v1/nothing", { headers: { authorization: `Bearer ${READER.token}` } })).status).toBe(
    404,
  );
});

describe("GET /status", () => {
  it("counts the fleet", async () => {
    const status = await ask("/status", StatusAnswer);
    expect(status).toMatchObject({
      controllerId: "ci-eu",
      since: "2026-08-18T14:10:00.000Z",
      jobs: { waiting: 1, queued: 2, unmatched: 1, running: 1, completedLastHour: 2 },
      deliveries: { pending: 0, applied: 0, ignored: 0, quarantined: 1 },
      health: { isReady: true },
    });
    const [linux, gpu, mac] = status.pools;
    expect(linux).toMatchObject({
      name: "linux",
      max: 10,
      machines: { planned: 1, provisioning: 0, parked: 1, stopping: 0, stopped: 0, engaged: 3, retiring: 1 },
      verdicts: { busy: 2, idle: 3, unknown: 1 },
      waitingJobs: 1,
      liveTickets: 3,
      standing: { registered: 0, ready: 0 },
      lastErrors: [],
    });
    expect(gpu?.lastErrors).toEqual([
      "execute: launching 1 machine for pool gpu",
      expect.stringMatching(/^launch l-00000009 failed/),
    ]);
    expect(mac).toMatchObject({ mode: "observe", waitingJobs: 0 });
  });

  it("shows a pool that left the configuration while it has machines", async () => {
    const sources = { ...sampleSources(store), pools: [] };
    app = createOperatorApp({ operators: [READER], sources, telemetry: recordTelemetry(), wake: recordWakes() });
    const { pools } = await ask("/status", StatusAnswer);
    expect(pools.map(({ name, mode, max }) => [name, mode, max])).toEqual([
      ["gpu", "removed", null],
      ["linux", "removed", null],
    ]);
  });
});

describe("GET /jobs", () => {
  it("lists the newest first, each with why it waits or where it ran", async () => {
    const { jobs } = await ask("/jobs", JobsAnswer);
    expect(
      jobs.map(({ id, status, waitingFor, machineId, queueMs }) => [
        id,
        status,
        waitingFor?.reason ?? null,
        machineId,
        queueMs,
      ]),
    ).toEqual([
      [43, "queued", "runner-starting", "m-00000005", 20_000],
      [45, "waiting", "waits-for-approval", null, 180_000],
      [44, "queued", "no-pool", null, 180_000],
      [42, "queued", "launch-backoff", null, 180_000],
      [7, "in_progress", null, "m-00000001", 9_000],
      [3, "completed", null, "m-00000002", 60_000],
      [2, "completed", null, null, 600_000],
    ]);
  });

  it.each([
    ["?limit=1", [43]],
    ["?status=completed", [3, 2]],
    ["?status=queued,waiting&limit=2", [43, 45]],
  ])("%s", async (query, ids) => {
    expect((await ask(`/jobs${query}`, JobsAnswer)).jobs.map(({ id }) => id)).toEqual(ids);
  });

  it.each(["?limit=0", "?limit=1001", "?limit=x", "?status=done", "?statuses=queued"])(
    "refuses %s and names the field",
    async (query) => {
      const { code, message } = await ask(`/jobs${query}`, ProblemAnswer, 400);
      expect(code).toBe("payload-invalid");
      expect(message).toMatch(/field (limit|status)/);
    },
  );

  it("gives names as they are: escaping is for whoever shows them", async () => {
    const { jobs } = await ask("/jobs", JobsAnswer);
    expect(jobs[0]?.name).toBe(EVIL_NAME);
  });
});

describe("GET /machines", () => {
  it("lists those that may exist, with verdict, ticket and job", async () => {
    const { machines } = await ask("/machines", MachinesAnswer);
    expect(machines.map(({ id, state, verdict }) => [id.slice(-1), state, verdict.kind])).toEqual([
      ["9", "planned", "idle"],
      ["6", "provisioning", "idle"],
      ["5", "engaged", "busy"],
      ["1", "engaged", "busy"],
      ["3", "parked", "idle"],
      ["4", "engaged", "unknown"],
      ["8", "retiring", "idle"],
    ]);
    expect(machines[3]).toMatchObject({
      ticket: { state: "running", runnerName: "hf-ci-eu-t-00000001" },
      jobs: [{ id: 7, status: "in_progress" }],
      heardAt: "2026-08-19T16:09:56.000Z",
      waitingFor: { reason: "runs-job" },
    });
    expect(machines[6]).toMatchObject({
      stage: "proving",
      retireReason: "surplus",
      waitingFor: { reason: "awaits-report" },
    });
  });

  it.each(["?all", "?all=true", "?all=1"])("%s: those that are gone too, with reason and proof", async (query) => {
    const { machines } = await ask(`/machines${query}`, MachinesAnswer);
    expect(machines.find(({ state }) => state === "gone")).toMatchObject({
      id: "m-00000002",
      verdict: { kind: "gone" },
      retireReason: "used-up",
      proof: "parked",
      heardAt: null,
    });
  });
});

describe("GET /explain", () => {
  it.each([
    ["a job's id", "7", "7"],
    ["a job's page", "https://github.com/acme/widgets/actions/runs/100/job/7", "7"],
    ["a job's page with a step", "https://github.com/acme/widgets/actions/runs/100/job/7#step:3:1", "7"],
    ["a part of an address", "runs/100/jobs/7", "7"],
    ["a job of an attempt", "https://github.com/acme/widgets/actions/runs/100/attempts/1/job/7", "7"],
    ["a job, said to be one", "job:7", "7"],
    ["a run with one job", "https://github.com/acme/rockets/actions/runs/200", "70"],
    ["a run's number", "200", "70"],
    ["a console's address", "https://eu.console.aws.amazon.com/ec2/home#Instance:instanceId=i-00000002", "m-00000002"],
    ["our own page", "http://127.0.0.1:8082/explain/m-00000001", "m-00000001"],
    ["a machine, said to be one", "machine:i-00000002", "m-00000002"],
    ["an address of the REST API", "https://api.github.com/repos/acme/widgets/actions/jobs/7", "7"],
    ["a machine's id", "m-00000001", "m-00000001"],
    ["a provider's id", "i-00000002", "m-00000002"],
    ["a runner's name", "hf-ci-eu-t-00000002", "m-00000002"],
    ["white space around it", "  m-00000001 ", "m-00000001"],
    ["a pool", "gpu", "gpu"],
    ["a pool, said to be one", "pool:gpu", "gpu"],
  ])("finds by %s", async (_name, text, id) => {
    await addJob(store, { id: jobId(70), runId: 200, repository: "acme/rockets", status: "completed" }, null);
    expect((await ask(`/explain/${encodeURIComponent(text)}`, ExplainAnswer)).subject.id).toBe(id);
  });

  it("says which jobs a run has, where it has several", async () => {
    const address = encodeURIComponent("https://github.com/acme/widgets/actions/runs/100");
    for (const path of ["explain", "logs"]) {
      const { code, message } = await ask(`/${path}/${address}`, ProblemAnswer, 409);
      expect([code, message]).toEqual([
        "ambiguous",
        expect.stringMatching(/which is one of .*7 \(build \(ubuntu, 22\)\)/),
      ]);
    }
  });

  it.each(["https://github.com/acme/widgets/actions/runs/999/job/7", "machine:7", "job:m-00000001", "pool:7"])(
    "takes nothing else for %s",
    async (text) => {
      expect((await ask(`/explain/${encodeURIComponent(text)}`, ProblemAnswer, 404)).code).toBe("not-found");
    },
  );

  it("takes an address that was not encoded", async () => {
    expect((await ask("/explain/runs/100/job/7", ExplainAnswer)).subject.id).toBe("7");
  });

  it.each(["999", "m-99999999", "nothing like it", "9".repeat(30), "%00", "a".repeat(5_000)])(
    "knows no %s",
    async (text) => {
      expect((await ask(`/explain/${encodeURIComponent(text)}`, ProblemAnswer, 404)).code).toBe("not-found");
    },
  );

  it("tells of all pools where nothing is named", async () => {
    const { subject, verdict, waitingFor } = await ask("/explain", ExplainAnswer);
    expect([subject.kind, subject.id, verdict.kind]).toEqual(["fleet", "ci-eu", "waiting"]);
    expect(verdict.sentences).toContainEqual(expect.stringMatching(/^1 job waits for no pool/));
    expect(waitingFor?.reason).toBe("no-pool");
  });

  it("tells a job's story with that of its ticket and its machine, each fact once", async () => {
    const { timeline, verdict } = await ask("/explain/7", ExplainAnswer);
    expect(verdict.sentences).toEqual(["It runs on machine m-00000001."]);
    const facts = timeline.map(({ fact }) => fact);
    expect(facts.filter((fact) => fact === "ticket online")).toHaveLength(1);
    expect(facts[0]).toBe("machine planned in launch l-00000001");
    expect(facts.at(-1)).toBe("kept");
    expect(timeline.map(({ at }) => at)).toEqual(timeline.map(({ at }) => at).toSorted());
  });

  it("tells why a machine is kept whose agent is silent", async () => {
    const { verdict, waitingFor } = await ask("/explain/m-00000004", ExplainAnswer);
    expect([verdict.kind, waitingFor?.reason]).toEqual(["unknown", "agent-silent"]);
  });
});

it("answers 500 with a code, and logs why, when the store fails", async () => {
  const telemetry = recordTelemetry();
  app = createOperatorApp({ operators: [READER], sources: sampleSources(store), telemetry, wake: recordWakes() });
  await store.close();
  const response = await app.request("/api/v1/status", { headers: { authorization: `Bearer ${READER.token}` } });
  expect(response.status).toBe(500);
  expect(ProblemAnswer.parse(await response.json()).message).not.toMatch(/sqlite|driver/i);
  expect(telemetry.errors).toHaveLength(1);
});
