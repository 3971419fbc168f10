import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseConnectionName, parseDeliveryId } from "../../../src/domain/ids.ts";
import {
  CommandAnswer,
  DeliveriesAnswer,
  MachinesAnswer,
  ProblemAnswer,
  StatusAnswer,
} from "../../../src/http/operators/answers.ts";
import { createOperatorApp } from "../../../src/http/operators/app.ts";
import type { Operator } from "../../../src/http/operators/auth.ts";
import { recordQuarantined } from "../../../src/store/deliveries/record.ts";
import { listEvidence } from "../../../src/store/evidence/evidence.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import type { Store } from "../../../src/store/store.ts";
import { machineSubject, poolSubject } from "../../../src/store/subjects.ts";
import { connectionName, jobId, machine, machineId, poolName } from "../../domain/builders.ts";
import { addJob, openSampleStore, sampleSources } from "../sample-fleet.ts";
import { recordTelemetry, recordWakes } from "../stand-ins.ts";

const ALICE: Operator = { name: "alice", role: "operator", token: "alice-token-0123456789" };
const CAROL: Operator = { name: "carol", role: "operator", token: "carol-token-0123456789" };
const BOB: Operator = { name: "bob", role: "reader", token: "bob-token-0123456789" };

const BUSY = machineId(1);
const PARKED = machineId(3);
const RETIRING = machineId(8);
const GONE = machineId(2);

let store: Store;
let app: Hono;
let wake: ReturnType<typeof recordWakes>;
beforeEach(async () => {
  store = await openSampleStore();
  open([ALICE, BOB, CAROL]);
});
afterEach(() => store.close());

function open(operators: readonly Operator[]): void {
  wake = recordWakes();
  app = createOperatorApp({ operators, sources: sampleSources(store), telemetry: recordTelemetry(), wake });
}

interface Sent {
  readonly as?: Operator | null;
  readonly headers?: Record<string, string>;
  readonly raw?: string;
}

function send(command: string, body: object, { as = ALICE, headers = {}, raw }: Sent = {}) {
  const authorization: Record<string, string> = as === null ? {} : { authorization: `Bearer ${as.token}` };
  return app.request(`/api/v1/${command}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...authorization, ...headers },
    body: raw ?? JSON.stringify(body),
  });
}

async function taken(command: string, body: object, sent: Sent = {}): Promise<CommandAnswer> {
  const response = await send(command, body, sent);
  expect(response.status, await response.clone().text()).toBe(200);
  return CommandAnswer.parse(await response.json());
}

async function refused(command: string, body: object, status: number, sent: Sent = {}) {
  const response = await send(command, body, sent);
  expect(response.status).toBe(status);
  return ProblemAnswer.parse(await response.json());
}

async function read<Answer>(path: string, schema: { parse(value: unknown): Answer }): Promise<Answer> {
  const response = await app.request(`/api/v1${path}`, { headers: { authorization: `Bearer ${BOB.token}` } });
  return schema.parse(await response.json());
}

/** Every command, in a shape that would be taken. */
const COMMANDS: readonly (readonly [string, object])[] = [
  ["drain", { subject: PARKED }],
  ["hold", { subject: PARKED, reason: "odd" }],
  ["release", { subject: PARKED }],
  ["replay", { delivery: "d-1" }],
  ["discard", { delivery: "d-1" }],
  ["freeze", {}],
  ["thaw", {}],
  ["terminate", { subject: PARKED, force: true, reason: "odd" }],
];

const basic = ({ name, token }: Operator) => `Basic ${Buffer.from(`${name}:${token}`).toString("base64")}`;

async function tables() {
  const machines = await store.db.selectFrom("machines").selectAll().execute();
  const freezes = await store.db.selectFrom("freezes").selectAll().execute();
  return { machines, freezes, drains: await store.db.selectFrom("drains").selectAll().execute() };
}

describe.each(COMMANDS)("%s", (command, body) => {
  it("is for operators", async () => {
    const before = await tables();
    expect((await refused(command, body, 403, { as: BOB })).code).toBe("forbidden");
    expect((await refused(command, body, 401, { as: null })).code).toBe("unauthorized");
    expect(await tables()).toEqual(before);
    expect(wake.woken).toEqual([]);
  });

  it("is not taken from what a page of another origin can make a browser send", async () => {
    const before = await tables();
    const typedOnce = { as: null, headers: { authorization: basic(ALICE) } };
    expect((await refused(command, body, 403, typedOnce)).mend).toContain("x-holdfast-command");
    open([{ name: "everyone", role: "operator", token: null }]);
    expect((await refused(command, body, 403, { as: null })).mend).toContain("x-holdfast-command");
    const form = { as: null, headers: { "content-type": "text/plain", "x-holdfast-command": "1" } };
    await refused(command, body, 415, form);
    expect(await tables()).toEqual(before);
  });

  it("is taken with our own header from a nameless operator, under the name that the configuration gives", async () => {
    open([{ name: "everyone", role: "operator", token: null }]);
    await taken(command, body, { as: null, headers: { "x-holdfast-command": "1" } });
    const { machines, freezes, drains } = await tables();
    const deliveries = await listEvidence(store.db, { kind: "delivery", id: "main/d-1" }, 5);
    const names = JSON.stringify([machines.map(({ hold, forced }) => [hold, forced]), freezes, drains, deliveries]);
    if (command !== "release" && command !== "thaw") expect(names).toContain("everyone");
  });

  it.each([
    ["no JSON", "{", "(all of it)"],
    ["an unknown field", JSON.stringify({ ...body, colour: "red" }), "colour"],
    ["a number for a reason", JSON.stringify({ ...body, reason: 7 }), "reason"],
    ["a reason that is a book", JSON.stringify({ ...body, reason: "x".repeat(501) }), "reason"],
  ])("is refused with %s, naming the field", async (_name, raw, field) => {
    const { code, message } = await refused(command, body, 400, { raw });
    expect([code, message]).toEqual(["payload-invalid", expect.stringContaining(`field ${field}`)]);
  });

  it("is refused with a body over the limit", async () => {
    const raw = JSON.stringify({ ...body, reason: "x".repeat(20_000) });
    expect((await refused(command, body, 413, { raw })).code).toBe("payload-too-large");
  });

  it("is not a page to read", async () => {
    const headers = { authorization: `Bearer ${ALICE.token}` };
    expect((await app.request(`/api/v1/${command}`, { headers })).status).toBe(404);
  });
});

describe("what a person has at hand", () => {
  it.each([
    ["its id", BUSY],
    ["its id with its kind", `machine:${BUSY}`],
    ["its provider's id", "i-00000001"],
    ["its runner's name", "hf-ci-eu-t-00000001"],
    ["the id of the job that runs there", "7"],
    ["the address of the job that runs there", "https://github.com/acme/widgets/actions/runs/100/job/7?pr=1"],
    ["what was copied with a blank", ` ${BUSY} `],
  ])("names a machine: %s", async (_name, subject) => {
    const answer = await taken("hold", { subject, reason: "odd" });
    expect(answer.subject).toEqual({ kind: "machine", id: BUSY, pool: "linux" });
  });

  it.each(["gpu", "pool:gpu"])("names a pool: %s", async (subject) => {
    expect((await taken("drain", { subject })).subject).toEqual({ kind: "pool", id: "gpu", pool: "gpu" });
  });

  it("is no guess where two things have the name", async () => {
    const twin = machine({ id: machineId(40), state: { kind: "parked", providerId: "linux" as never, sinceMs: 1 } });
    await insertMachine(store.db, twin);
    const { code, mend } = await refused("drain", { subject: "linux" }, 409);
    expect([code, mend]).toEqual(["ambiguous", `Name one of them: pool:linux, ${twin.id}.`]);
    expect((await taken("drain", { subject: "pool:linux" })).subject.kind).toBe("pool");
    expect((await taken("drain", { subject: "machine:linux" })).subject.id).toBe(twin.id);
  });

  it("is no guess where two providers gave the same id", async () => {
    await insertMachine(store.db, machine({ id: machineId(40), pool: poolName("gpu") }));
    expect((await refused("hold", { subject: "i-00000001", reason: "odd" }, 409)).code).toBe("ambiguous");
  });

  it("is no guess where a run has several jobs", async () => {
    const subject = "https://github.com/acme/widgets/actions/runs/100";
    const { code, mend } = await refused("terminate", { subject, force: true, reason: "odd" }, 409);
    expect([code, mend]).toEqual(["ambiguous", expect.stringMatching(/^Name one of them: .*\b7 \(build/)]);
  });

  it("is no guess where two connections have a job of the number", async () => {
    const runnerName = "hf-ci-eu-t-00000004";
    await addJob(store, { id: jobId(7), connection: connectionName("ghes"), runId: 5, runnerName }, "linux");
    expect((await refused("drain", { subject: "7" }, 409)).code).toBe("ambiguous");
    const other = await taken("drain", { subject: "https://ghes.acme.com/acme/widgets/actions/runs/5/job/7" });
    expect(other.subject.id).toBe("m-00000004");
    const elsewhere = "https://ghes.acme.com/acme/widgets/actions/runs/6/job/7";
    expect((await refused("drain", { subject: elsewhere }, 404)).code).toBe("not-found");
  });

  it.each([
    ["drain", { subject: "nothing" }, /draining nothing: /],
    ["drain", { subject: "job:m-00000003" }, /draining job:m-00000003: /],
    ["drain", { subject: "machine:gpu" }, /draining machine:gpu: /],
    ["hold", { subject: "42", reason: "odd" }, /holding 42 \(job 42 is queued, and on no machine of ours\): /],
    ["hold", { subject: "linux", reason: "odd" }, /holding a machine called linux: /],
    ["terminate", { subject: "linux", force: true, reason: "odd" }, /terminating a machine called linux: /],
    ["freeze", { pool: "nothing" }, /freezing a pool called nothing: /],
    ["thaw", { pool: PARKED }, /thawing a pool called m-00000003: /],
  ])("%s %j is not found", async (command, body, message) => {
    const problem = await refused(command, body, 404);
    expect([problem.code, problem.message]).toEqual(["not-found", expect.stringMatching(message)]);
  });
});

describe("what is written and told", () => {
  it("wakes everybody who heeds it", async () => {
    await taken("drain", { subject: PARKED });
    const heeding = ["assign/linux", "hand-back/linux", "retire/linux", "sweep/linux", "ingest/"];
    expect(wake.woken).toEqual([...heeding, PARKED]);
  });

  it("is said once: the second of the same writes nothing, and names the first", async () => {
    await taken("hold", { subject: PARKED, reason: "disk looks odd" });
    const before = await tables();
    wake.woken.length = 0;
    const again = await taken("hold", { subject: PARKED, reason: "mine" }, { as: CAROL });
    expect(again).toMatchObject({
      outcome: "already",
      result: "Machine m-00000003 of pool linux is held by alice: disk looks odd.",
    });
    expect(await tables()).toEqual(before);
    expect(wake.woken).toEqual([]);
  });

  it.each([
    ["drain", { subject: "gpu" }, "Pool gpu is drained by alice."],
    ["freeze", { pool: "gpu" }, "Pool gpu is frozen by alice."],
    ["freeze", {}, "All pools are frozen by alice."],
    ["drain", { subject: PARKED }, "Machine m-00000003 of pool linux is drained."],
    [
      "terminate",
      { subject: PARKED, force: true, reason: "stuck" },
      "The end of machine m-00000003 of pool linux is forced by alice: stuck.",
    ],
  ])("%s %j is said once", async (command, body, result) => {
    expect(await taken(command, body)).toMatchObject({ outcome: "written", result });
    expect(await taken(command, body, { as: CAROL })).toMatchObject({ outcome: "already", result });
  });

  it.each([
    ["release", { subject: PARKED }, "Machine m-00000003 of pool linux is neither held nor drained."],
    ["release", { subject: "gpu" }, "Pool gpu is not drained."],
    ["thaw", { pool: "gpu" }, "Pool gpu is not frozen."],
    ["thaw", {}, "There is no freeze of all pools."],
    ["drain", { subject: RETIRING }, "Machine m-00000008 of pool linux retires already (surplus, proving)."],
    ["drain", { subject: GONE }, "Machine m-00000002 of pool linux is gone already."],
  ])("%s %j is so already", async (command, body, result) => {
    expect(await taken(command, body)).toMatchObject({ outcome: "already", result });
  });

  it("stands as evidence of the machine or the pool, with name and reason", async () => {
    await taken("hold", { subject: PARKED, reason: "odd" });
    await taken("release", { subject: PARKED });
    await taken("freeze", { pool: null, reason: "incident" });
    const facts = async (subject: ReturnType<typeof machineSubject>) =>
      (await listEvidence(store.db, subject, 9)).filter(({ source }) => source === "operator").map(({ fact }) => fact);
    expect(await facts(machineSubject(PARKED))).toEqual(["released by alice", "held by alice: odd"]);
    expect(await facts(poolSubject(poolName("gpu")))).toEqual(["frozen by alice: incident (all pools)"]);
  });

  it("is no trouble of the pool", async () => {
    const errors = async () => (await read("/status", StatusAnswer)).pools.map(({ lastErrors }) => lastErrors);
    const before = await errors();
    for (const command of ["freeze", "thaw", "freeze", "thaw", "freeze"]) await taken(command, {});
    expect(await errors()).toEqual(before);
  });

  it("is shown with the fleet, until it is taken back", async () => {
    await taken("hold", { subject: BUSY, reason: "disk looks odd" });
    await taken("drain", { subject: "gpu", reason: "new image" });
    await taken("freeze", { reason: "incident" });
    const since = "2026-08-19T16:10:00.000Z";
    const frozen = { word: "frozen", about: "all pools", operator: "alice", reason: "incident", since };
    const drained = { word: "drained", about: "pool gpu", operator: "alice", reason: "new image", since };
    const held = { word: "held", about: `machine ${BUSY}`, operator: "alice", reason: "disk looks odd", since };
    const status = await read("/status", StatusAnswer);
    expect(status.words).toEqual([frozen, drained, held]);
    expect(status.pools.map(({ words }) => words)).toEqual([[frozen], [frozen, drained], [frozen]]);
    const { machines } = await read("/machines?all=true", MachinesAnswer);
    const wordsOf = (id: string) => machines.find((one) => one.id === id)?.words;
    expect([wordsOf(BUSY), wordsOf(PARKED), wordsOf(GONE)]).toEqual([[held, frozen], [frozen], []]);
    for (const [command, body] of [
      ["release", { subject: BUSY }],
      ["release", { subject: "gpu" }],
      ["thaw", {}],
    ] as const)
      await taken(command, body);
    expect((await read("/status", StatusAnswer)).words).toEqual([]);
  });
});

describe("thaw", () => {
  it("of all pools leaves those frozen that were frozen by name, and says which", async () => {
    await taken("freeze", { pool: "gpu", reason: "mine" });
    await taken("freeze", {}, { as: CAROL });
    expect((await taken("thaw", {})).next).toEqual([
      "Pool gpu is still frozen by alice: mine: `holdfast thaw gpu` thaws it.",
    ]);
    expect((await read("/status", StatusAnswer)).pools.map(({ words }) => words.length)).toEqual([0, 1, 0]);
  });

  it("of one pool does not undo the freeze of all, and says so", async () => {
    await taken("freeze", {});
    const { code, mend } = await refused("thaw", { pool: "gpu" }, 409);
    expect([code, mend]).toEqual(["pool-frozen", "`holdfast thaw` without a name thaws them."]);
    expect((await read("/status", StatusAnswer)).pools.map(({ words }) => words.length)).toEqual([1, 1, 1]);
  });

  it("finds a pool that nothing has any more but its freeze", async () => {
    await store.db
      .insertInto("freezes")
      .values({ scope: "left", operator: "alice", reason: "", since_ms: 1 })
      .execute();
    expect((await taken("thaw", { pool: "left" })).outcome).toBe("written");
  });
});

describe("terminate", () => {
  it.each([
    ["without force", { reason: "stuck" }],
    ["without a reason", { force: true }],
    ["with an empty reason", { force: true, reason: "  " }],
    ["with neither", {}],
  ])("%s says what a drain would do, what force would cost, and writes nothing", async (_name, flags) => {
    const before = await tables();
    const { code, mend } = await refused("terminate", { subject: BUSY, ...flags }, 400);
    expect(code).toBe("force-needed");
    expect(mend).toContain(
      '`holdfast drain m-00000001` takes it out without harm: It gets no more tickets, and retires when this is over: job 7 of acme/widgets, "build (ubuntu, 22)".',
    );
    expect(mend).toContain('ends it at once. What it costs: job 7 of acme/widgets, "build (ubuntu, 22)".');
    expect(await tables()).toEqual(before);
  });

  it.each([
    [
      machineId(5),
      "no job that is known; but its ticket t-00000005 is out (delivered), and GitHub may have given it one.",
    ],
    [PARKED, "no job, since no ticket is out."],
  ])("%s: tells the cost as far as it is known", async (subject, cost) => {
    const { next, jobs } = await taken("terminate", { subject, force: true, reason: "stuck" });
    expect([next[1], jobs]).toEqual([`What it costs: ${cost}`, []]);
  });

  it("is not taken back by a release", async () => {
    await taken("terminate", { subject: PARKED, force: true, reason: "stuck" });
    expect((await taken("release", { subject: PARKED })).outcome).toBe("already");
    expect((await read("/machines", MachinesAnswer)).machines.find(({ id }) => id === PARKED)?.words).toHaveLength(1);
  });
});

describe("a delivery that could not be handled", () => {
  const stateOf = async () => (await read("/deliveries/d-1", DeliveriesAnswer)).deliveries[0]?.state;

  it.each([
    ["replay", "pending", "replayed", /is handled once more/],
    ["discard", "ignored", "discarded", /set aside for good/],
  ] as const)("%s makes it %s, once", async (command, state, fact, result) => {
    const first = await taken(command, { delivery: "d-1", reason: "looked at" });
    expect(first).toMatchObject({ outcome: "written", subject: { kind: "delivery", id: "d-1" } });
    expect(first.result).toMatch(result);
    expect(await stateOf()).toBe(state);
    expect(wake.woken).toContain("ingest/");
    const subject = { kind: "delivery", id: "main/d-1" } as const;
    const facts = (await listEvidence(store.db, subject, 5)).map((one) => one.fact);
    expect(facts).toEqual([`${fact} by alice: looked at`]);
    expect(await taken(command, { delivery: "d-1" })).toMatchObject({ outcome: "already", next: [] });
  });

  it("that nobody knows is not found, also under another connection's name", async () => {
    expect((await refused("replay", { delivery: "d-9" }, 404)).code).toBe("not-found");
    expect((await refused("replay", { delivery: "d-1", connection: "ghes" }, 404)).code).toBe("not-found");
    expect(await stateOf()).toBe("quarantined");
  });

  it("of an event that two connections were told of needs the connection's name", async () => {
    const delivery = { id: parseDeliveryId("d-1"), connection: parseConnectionName("ghes"), event: "workflow_job" };
    await recordQuarantined(store.db, { ...delivery, body: Buffer.from("{"), receivedAtMs: 1 }, "not JSON");
    const { code, mend } = await refused("discard", { delivery: "d-1" }, 409);
    expect([code, mend]).toEqual(["ambiguous", "Say whose by `--connection`: ghes, main."]);
    await taken("discard", { delivery: "d-1", connection: "ghes" });
    const left = await read("/deliveries", DeliveriesAnswer);
    expect(left.deliveries.map(({ connection }) => connection)).toEqual(["main"]);
  });
});
