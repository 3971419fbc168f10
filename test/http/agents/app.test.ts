import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseControllerId, parseProviderId } from "../../../src/domain/ids.ts";
import { PROTOCOL_VERSION } from "../../../src/domain/protocol.ts";
import { createAgentApp } from "../../../src/http/agents/app.ts";
import { OpenPolls } from "../../../src/http/agents/polls.ts";
import { AgentTokens } from "../../../src/http/agents/token.ts";
import { listEvidence } from "../../../src/store/evidence/evidence.ts";
import { listLogs } from "../../../src/store/logs/logs.ts";
import { loadMachine } from "../../../src/store/machines/load.ts";
import { machineSubject } from "../../../src/store/subjects.ts";
import { type Agent, NOTHING_SEEN, Yard } from "../../controllers/yard.ts";
import { machineId, ticketId } from "../../domain/builders.ts";
import { recordWakes } from "../stand-ins.ts";

const LIMIT_BYTES = 4 * 1024 * 1024;
const KEY = new Uint8Array(32);
const UNKNOWN = machineId(99);

let yard: Yard;
let wake: ReturnType<typeof recordWakes>;
let app: Hono;
/** Two machines that were launched and that nobody has heard of. */
let first: Agent;
let second: Agent;

beforeEach(async () => {
  yard = await Yard.open({ warmParkedCount: 2, machineCountMax: 2 });
  await yard.pass();
  const [one, two] = await yard.machines();
  if (one === undefined || two === undefined) throw new Error("two machines were launched");
  first = yard.agent(one.id);
  second = yard.agent(two.id);
  wake = recordWakes();
  app = createAgentApp({ ...yard.context, tokens: yard.tokens, polls: new OpenPolls(), wake });
});
afterEach(() => yard.close());

const machineOf = async (agent: Agent) => {
  const machine = await loadMachine(yard.store.db, agent.machineId);
  if (machine === null) throw new Error(`no machine ${agent.machineId}`);
  return machine;
};

/** What agents are noted to have said of the machine, newest first. */
async function factsOf(agent: Agent): Promise<readonly string[]> {
  const evidence = await listEvidence(yard.store.db, machineSubject(agent.machineId), 100);
  return evidence.filter(({ source }) => source === "agent").map(({ fact }) => fact);
}

function checkInOf(agent: Agent, changes: object = {}): object {
  return {
    machineId: agent.machineId,
    incarnation: agent.incarnation,
    protocolVersion: PROTOCOL_VERSION,
    providerId: agent.machineId,
    identity: { kind: "process", secret: yard.tokens.identitySecret(agent.machineId) },
    bootId: "boot",
    agentVersion: "0",
    ...changes,
  };
}

function reportOf(agent: Agent, sequence: number, phase = "parked"): object {
  const report = { phase, ticket: null, ended: [], sighting: NOTHING_SEEN };
  return { machineId: agent.machineId, incarnation: agent.incarnation, sequence, storeGeneration: 1, report };
}

interface Answer {
  readonly status: number;
  readonly answer: Readonly<Record<string, unknown>>;
}

async function post(path: string, body: string | object, token?: string): Promise<Answer> {
  const response = await app.request(`/agent/v1/${path}`, {
    method: "POST",
    headers: token === undefined ? {} : { authorization: token },
    body: typeof body === "string" || body instanceof Blob ? body : JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as Answer["answer"] };
}

const bearerOf = (tokens: AgentTokens, agent: Agent) =>
  `Bearer ${tokens.issue({ machineId: agent.machineId, providerId: parseProviderId(agent.machineId) })}`;

describe("a check-in", () => {
  it("gives a token that is worth this machine, and is noted", async () => {
    const { status, answer } = await post("check-in", checkInOf(first));
    expect([status, answer.protocolVersion]).toEqual([200, PROTOCOL_VERSION]);
    expect(yard.tokens.verify(String(answer.token))?.machineId).toBe(first.machineId);
    expect(await machineOf(first)).toMatchObject({ incarnation: first.incarnation, isAgentSeen: true, sequence: 0 });
    expect(await factsOf(first)).toEqual([`agent ${first.incarnation} checked in`]);
    expect(wake.woken).toEqual(["retire/linux"]);
    expect((await post("report", reportOf(first, 1), `Bearer ${answer.token}`)).status).toBe(200);
  });

  it.each([
    ["no secret", ""],
    ["a guess", "a guess"],
    ["the secret of a shared key", Buffer.from(KEY).toString("base64url")],
  ])("is refused with %s, and is evidence that somebody is there", async (_name, secret) => {
    const { status, answer } = await post("check-in", checkInOf(first, { identity: { kind: "process", secret } }));
    expect([status, answer.code]).toEqual([401, "unauthorized"]);
    expect(answer).not.toHaveProperty("token");
    expect(await machineOf(first)).toMatchObject({ isAgentSeen: true, incarnation: null });
    expect(await factsOf(first)).toEqual(["a check-in with a wrong identity was refused"]);
    expect(await machineOf(second)).toMatchObject({ isAgentSeen: false });
    expect(yard.telemetry.counts).toContain("holdfast_agent_refused_total code=unauthorized");
  });

  it("is refused with the secret of another machine", async () => {
    const identity = { kind: "process", secret: yard.tokens.identitySecret(second.machineId) };
    expect((await post("check-in", checkInOf(first, { identity }))).status).toBe(401);
    expect([(await machineOf(first)).isAgentSeen, (await machineOf(second)).isAgentSeen]).toEqual([true, false]);
  });

  it("moves no version by a second refusal, so that nobody can keep a machine's row from being written", async () => {
    await first.checkIn("a guess");
    const { version } = await machineOf(first);
    await first.checkIn("a guess");
    expect((await machineOf(first)).version).toBe(version);
    expect(await factsOf(first)).toHaveLength(1);
  });

  it("gives a token to a machine whose row was lost, and makes it no row", async () => {
    const lost = yard.agent(UNKNOWN);
    expect((await lost.checkIn("a guess")).status).toBe(401);
    const { status, answer } = await post("check-in", checkInOf(lost));
    expect([status, yard.tokens.verify(String(answer.token))?.machineId]).toEqual([200, UNKNOWN]);
    expect(await loadMachine(yard.store.db, UNKNOWN)).toBeNull();
    expect(await factsOf(lost)).toEqual([]);
    const heard = await post("report", reportOf(lost, 1), `Bearer ${answer.token}`);
    expect(heard).toMatchObject({ status: 200, answer: { ticketOut: null, isRetiring: true, confirmedEnds: [] } });
    const poll = { machineId: UNKNOWN, incarnation: lost.incarnation, sequence: 2 };
    expect((await post("poll", poll, `Bearer ${answer.token}`)).answer).toEqual({ kind: "report" });
  });

  it.each([0, 2, -1])("with protocol %i is refused by its code, and is evidence", async (protocolVersion) => {
    const { status, answer } = await post("check-in", checkInOf(first, { protocolVersion }));
    expect([status, answer.code]).toEqual([400, "protocol-unsupported"]);
    expect(await machineOf(first)).toMatchObject({ isAgentSeen: true, incarnation: null });
    expect(await factsOf(first)).toEqual([`a check-in with protocol ${protocolVersion} was refused`]);
  });

  it("asks for the identity before the protocol", async () => {
    const identity = { kind: "process", secret: "a guess" };
    expect((await post("check-in", checkInOf(first, { protocolVersion: 0, identity }))).status).toBe(401);
  });
});

describe("a token", () => {
  const paths = ["report", "poll", "logs"] as const;
  const bodyOf = (path: (typeof paths)[number], agent: Agent) =>
    path === "report"
      ? reportOf(agent, 1)
      : { machineId: agent.machineId, incarnation: agent.incarnation, sequence: 1, ticketId: null, logs: [] };

  it.each(paths)("of another machine is refused by /%s, and is evidence on the one spoken for alone", async (path) => {
    await first.checkIn();
    const { status, answer } = await post(path, bodyOf(path, second), `Bearer ${first.token}`);
    expect([status, answer.code]).toEqual([403, "forbidden"]);
    expect(await machineOf(second)).toMatchObject({ isAgentSeen: true, incarnation: null, sequence: 0 });
    expect(await factsOf(second)).toEqual([`a message under the token of ${first.machineId} was refused`]);
    expect(await factsOf(first)).toEqual([`agent ${first.incarnation} checked in`]);
  });

  it.each<[string, (token: string) => string | undefined]>([
    ["missing", () => undefined],
    ["empty", () => "Bearer "],
    ["garbage", () => "Bearer garbage"],
    ["truncated", (token) => `Bearer ${token.slice(0, -1)}`],
    ["of another scheme", (token) => `Basic ${token}`],
    ["of another key", () => bearerOf(new AgentTokens(KEY.with(0, 1), parseControllerId("yard")), first)],
    ["of another controller", () => bearerOf(new AgentTokens(KEY, parseControllerId("yard-2")), first)],
    ["the identity's secret", () => `Bearer ${yard.tokens.identitySecret(first.machineId)}`],
  ])("that is %s is refused, changes nothing and is evidence", async (_name, wrong) => {
    const good = bearerOf(yard.tokens, first).slice("Bearer ".length);
    for (const path of paths) {
      const { status, answer } = await post(path, bodyOf(path, first), wrong(good));
      expect([path, status, answer.code]).toEqual([path, 401, "unauthorized"]);
    }
    expect(await machineOf(first)).toMatchObject({ isAgentSeen: true, incarnation: null, sequence: 0, report: null });
    expect(await factsOf(first)).toEqual(["a message with a wrong token was refused"]);
    expect(yard.context.hearing.heardAtMs(first.machineId)).toBeNull();
    expect(await listLogs(yard.store.db, first.machineId)).toEqual([]);
    expect(wake.woken).toEqual([]);
  });
});

describe("a message that is none", () => {
  const checkIn = (changes: object) => () => checkInOf(first, changes);
  it.each<[string, () => string | object, string]>([
    ["no JSON", () => "{", "its top"],
    ["nothing", () => "", "its top"],
    ["bytes that are no text", () => new Blob([new Uint8Array([0xff, 0xfe, 0x00])]), "its top"],
    ["a list", () => "[]", "its top"],
    ["brackets without end", () => "[".repeat(1_000_000), "its top"],
    ["no machine", checkIn({ machineId: undefined }), "machineId"],
    ["a machine id that is none", checkIn({ machineId: "../../etc" }), "machineId"],
    ["a number for an id", checkIn({ machineId: 7 }), "machineId"],
    ["an incarnation of 129 letters", checkIn({ incarnation: "a".repeat(129) }), "incarnation"],
    ["a provider id with a separator", checkIn({ providerId: "a~b" }), "providerId"],
    ["half a protocol version", checkIn({ protocolVersion: 1.5 }), "protocolVersion"],
    ["an identity of another kind", checkIn({ identity: { kind: "none" } }), "identity.kind"],
    ["no secret", checkIn({ identity: { kind: "process" } }), "identity.secret"],
    ["an endless secret", checkIn({ identity: { kind: "process", secret: "s".repeat(501) } }), "identity.secret"],
  ])("%s is refused by the field, and the next one is heard", async (_name, body, field) => {
    const { status, answer } = await post("check-in", body());
    expect([status, answer.code]).toEqual([400, "payload-invalid"]);
    expect(answer.message).toContain(`reading an agent's message at ${field}: `);
    expect((await post("check-in", checkInOf(first))).status).toBe(200);
  });

  it.each<[string, object, string]>([
    ["sequence 0", { sequence: 0 }, "sequence"],
    ["half a sequence", { sequence: 1.5 }, "sequence"],
    ["a sequence beyond what counts exactly", { sequence: 2 ** 60 }, "sequence"],
    ["a phase that is none", { report: { phase: "asleep" } }, "report.phase"],
    ["a ticket id that is none", { report: { ticket: { id: "7", step: "online" } } }, "report.ticket.id"],
    ["a step that is none", { report: { ticket: { id: ticketId(), step: "spent" } } }, "report.ticket.step"],
    [
      "an end that is none",
      { report: { ended: [{ id: ticketId(), end: { kind: "lost" } }] } },
      "report.ended.0.end.kind",
    ],
    [
      "fewer than no Workers",
      { report: { sighting: { ...NOTHING_SEEN, workerCount: -1 } } },
      "report.sighting.workerCount",
    ],
  ])("a report with %s is refused by the field", async (_name, changes, field) => {
    await first.checkIn();
    const whole = reportOf(first, 1) as { report: object };
    const report = { ...whole.report, ...("report" in changes ? (changes.report as object) : {}) };
    const { status, answer } = await post("report", { ...whole, ...changes, report }, `Bearer ${first.token}`);
    expect([status, answer.message]).toEqual([400, expect.stringContaining(` at ${field}: `)]);
    expect((await machineOf(first)).report).toBeNull();
  });

  it("over 4 MB is not read, with and without its length told, and the next one is heard", async () => {
    expect(await post("check-in", "x".repeat(LIMIT_BYTES + 1))).toMatchObject({
      status: 413,
      answer: { code: "payload-too-large" },
    });
    let pulledBytes = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulledBytes += 1024 * 1024;
        controller.enqueue(new Uint8Array(1024 * 1024));
      },
    });
    const init = { method: "POST", body: endless, duplex: "half" } as const;
    expect((await app.request(new Request("http://localhost/agent/v1/check-in", init))).status).toBe(413);
    expect(pulledBytes).toBeLessThanOrEqual(LIMIT_BYTES + 4 * 1024 * 1024);
    expect((await post("check-in", checkInOf(first))).status).toBe(200);
  });

  it("has a path that is none, or another method", async () => {
    expect(await post("nothing", {})).toMatchObject({ status: 404, answer: { code: "not-found" } });
    expect((await app.request("/agent/v1/report")).status).toBe(404);
  });
});

describe("a report", () => {
  const sequenceAndPhase = async () => {
    const { sequence, report } = await machineOf(first);
    return [sequence, report?.phase];
  };

  it("of an incarnation that did not check in is refused, and so is that of the one before", async () => {
    await first.checkIn();
    await first.report();
    const next = yard.agent(first.machineId, "incarnation-2");
    next.token = first.token;
    const early = await post("report", reportOf(next, 9), `Bearer ${next.token}`);
    expect([early.status, early.answer.code]).toEqual([401, "unauthorized"]);
    expect(await sequenceAndPhase()).toEqual([1, "parked"]);
    await next.checkIn();
    expect(await machineOf(first)).toMatchObject({ incarnation: "incarnation-2", sequence: 0, report: null });
    expect((await post("report", reportOf(first, 9), `Bearer ${first.token}`)).status).toBe(401);
    expect(await machineOf(first)).toMatchObject({ incarnation: "incarnation-2", sequence: 0, report: null });
  });

  it("with a sequence that was passed is answered and ignored", async () => {
    await first.checkIn();
    const told = (sequence: number, phase: string) =>
      post("report", reportOf(first, sequence, phase), `Bearer ${first.token}`);
    await told(5, "preparing");
    const wokenCount = wake.woken.length;
    for (const sequence of [4, 5, 1]) expect((await told(sequence, "parked")).status).toBe(200);
    expect(await sequenceAndPhase()).toEqual([5, "preparing"]);
    expect(wake.woken).toHaveLength(wokenCount);
    await told(6, "parked");
    expect(await sequenceAndPhase()).toEqual([6, "parked"]);
  });

  it("wakes those who attend to it, and only where it tells something", async () => {
    await first.checkIn();
    wake.woken.length = 0;
    await post("report", reportOf(first, 1), `Bearer ${first.token}`);
    expect(wake.woken).toEqual(["attend/linux"]);
    const { version } = await machineOf(first);
    await post("report", reportOf(first, 2), `Bearer ${first.token}`);
    expect([wake.woken.length, (await machineOf(first)).version]).toEqual([1, version]);
  });
});

describe("logs", () => {
  const log = (name: string, ...lines: readonly string[]) => ({ name, lines });
  const send = (logs: readonly object[], ticket: string | null = null) =>
    post(
      "logs",
      { machineId: first.machineId, incarnation: first.incarnation, ticketId: ticket, logs },
      `Bearer ${first.token}`,
    );

  it("are kept, and take the place of those of the same name", async () => {
    await first.checkIn();
    expect((await send([log("Runner.log", "a"), log("agent.log", "b")], ticketId())).answer).toEqual({ savedCount: 2 });
    await send([log("Runner.log", "a", "c")], ticketId());
    await send([log("Runner.log", "of no ticket")]);
    const kept = await listLogs(yard.store.db, first.machineId);
    expect(kept.map(({ ticketId: id, name, lines }) => [id, name, lines])).toEqual([
      [null, "Runner.log", ["of no ticket"]],
      [ticketId(), "Runner.log", ["a", "c"]],
      [ticketId(), "agent.log", ["b"]],
    ]);
  });

  it("of a machine that is not known are answered and not kept", async () => {
    const lost = yard.agent(UNKNOWN);
    await lost.checkIn();
    const body = { machineId: UNKNOWN, incarnation: lost.incarnation, ticketId: null, logs: [log("a", "b")] };
    expect(await post("logs", body, `Bearer ${lost.token}`)).toEqual({ status: 200, answer: { savedCount: 0 } });
    expect(await listLogs(yard.store.db, UNKNOWN)).toEqual([]);
  });

  it.each<[string, readonly object[], string]>([
    ["21 of them", Array.from({ length: 21 }, (_, index) => log(`log-${index}`)), "logs"],
    ["one of 501 lines", [log("long", ...Array.from({ length: 501 }, () => "x"))], "logs.0.lines"],
    ["one with a line of 4001 letters", [log("wide", "x".repeat(4_001))], "logs.0.lines.0"],
    ["one with a name of 201 letters", [log("n".repeat(201))], "logs.0.name"],
  ])("are bounded: %s are refused whole", async (_name, logs, field) => {
    await first.checkIn();
    const { status, answer } = await send(logs);
    expect([status, answer.message]).toEqual([400, expect.stringContaining(` at ${field}: `)]);
    expect(await listLogs(yard.store.db, first.machineId)).toEqual([]);
  });

  it("at their bounds are kept", async () => {
    await first.checkIn();
    const lines = Array.from({ length: 500 }, () => "x".repeat(400));
    const logs = Array.from({ length: 20 }, (_, index) => log(String(index).padStart(200, "n"), ...lines));
    expect((await send(logs)).answer).toEqual({ savedCount: 20 });
  });
});
