/** How an EC2 instance says who it is: by its signed document, under whatever name its row has. */
import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type MachineId, parseProviderId } from "../../../src/domain/ids.ts";
import { PROTOCOL_VERSION } from "../../../src/domain/protocol.ts";
import { createAgentApp } from "../../../src/http/agents/app.ts";
import { OpenPolls } from "../../../src/http/agents/polls.ts";
import { loadMachine } from "../../../src/store/machines/load.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import { NOTHING_SEEN, Yard } from "../../controllers/yard.ts";
import { machineId, machine as machineOf } from "../../domain/builders.ts";
import { BY_ANOTHER, CERTIFICATE, SIGNED } from "./signed-documents.ts";

/** The instance that the signed document speaks of. */
const INSTANCE = parseProviderId("i-0123456789abcdef0");
const OWN_NAME = "m-i0123456789abcdef0";
const ROW = machineId(7);

let yard: Yard;
let app: Hono;

beforeEach(async () => {
  yard = await Yard.open();
  const authorities = [{ region: "eu-central-1", certificates: [CERTIFICATE] }];
  app = createAgentApp({ ...yard.context, tokens: yard.tokens, polls: new OpenPolls(), authorities });
});
afterEach(() => yard.close());

function startMachine(id: MachineId = ROW): Promise<void> {
  const nowMs = yard.clock.nowMs();
  const state = { kind: "provisioning", providerId: INSTANCE, sinceMs: nowMs } as const;
  return insertMachine(yard.store.db, machineOf({ id, state, createdAtMs: nowMs }));
}

interface Answer {
  readonly status: number;
  readonly answer: Readonly<Record<string, unknown>>;
}

async function post(path: string, body: object, token?: unknown): Promise<Answer> {
  const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` };
  const response = await app.request(`/agent/v1/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    ...(headers === undefined ? {} : { headers }),
  });
  return { status: response.status, answer: (await response.json()) as Answer["answer"] };
}

const checkIn = (changes: object = {}) =>
  post("check-in", {
    machineId: OWN_NAME,
    incarnation: "incarnation-1",
    protocolVersion: PROTOCOL_VERSION,
    providerId: INSTANCE,
    identity: { kind: "ec2", document: SIGNED },
    bootId: "boot",
    agentVersion: "0",
    ...changes,
  });

const report = (id: unknown, token: unknown) =>
  post(
    "report",
    {
      machineId: id,
      incarnation: "incarnation-1",
      sequence: 1,
      storeGeneration: 1,
      report: { phase: "parked", ticket: null, ended: [], sighting: NOTHING_SEEN },
    },
    token,
  );

describe("an instance that checks in", () => {
  it("learns which machine it is, and speaks as that from then on", async () => {
    await startMachine();
    const { status, answer } = await checkIn();
    expect([status, answer.machineId]).toEqual([200, ROW]);
    expect((await report(ROW, answer.token)).status).toBe(200);
    expect((await loadMachine(yard.store.db, ROW))?.report?.phase).toBe("parked");
  });

  it.each<readonly [string, object]>([
    ["somebody else signed its document", { identity: { kind: "ec2", document: BY_ANOTHER } }],
    ["its document is another instance's", { providerId: "i-0fedcba9876543210" }],
    ["it has no document", { identity: { kind: "ec2", document: "" } }],
    ["it has a guessed secret", { identity: { kind: "process", secret: "guess" } }],
  ])("is refused where %s, and its machine is known to have been tried", async (_name, changes) => {
    await startMachine();
    expect((await checkIn({ machineId: ROW, ...changes })).status).toBe(401);
    const isOther = "providerId" in changes;
    expect((await loadMachine(yard.store.db, ROW))?.isAgentSeen).toBe(!isOther);
  });

  it("is refused where nobody vouches for instances", async () => {
    await startMachine();
    app = createAgentApp({ ...yard.context, tokens: yard.tokens, polls: new OpenPolls() });
    expect((await checkIn()).status).toBe(401);
  });

  it("has the name that it would be adopted under while no row knows it, and its row's once one does", async () => {
    const early = await checkIn();
    expect([early.status, early.answer.machineId]).toEqual([200, OWN_NAME]);
    expect((await report(OWN_NAME, early.answer.token)).status).toBe(200);
    await startMachine();
    expect((await report(OWN_NAME, early.answer.token)).status).toBe(401);
    const late = await checkIn();
    expect(late.answer.machineId).toBe(ROW);
    expect((await report(ROW, late.answer.token)).status).toBe(200);
  });

  it("is not told another name while the row of its own is there", async () => {
    await startMachine(OWN_NAME as MachineId);
    const { answer } = await checkIn();
    expect(answer.machineId).toBe(OWN_NAME);
    expect((await report(OWN_NAME, answer.token)).status).toBe(200);
  });
});
