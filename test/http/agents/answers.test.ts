import type { Hono } from "hono";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { z } from "zod";
import { PROTOCOL_VERSION } from "../../../src/domain/protocol.ts";
import * as answers from "../../../src/http/agents/answers.ts";
import { createAgentApp } from "../../../src/http/agents/app.ts";
import { OpenPolls } from "../../../src/http/agents/polls.ts";
import { type Agent, NOTHING_SEEN, Yard } from "../../controllers/yard.ts";

let yard: Yard;
let app: Hono;
let agent: Agent;

beforeEach(async () => {
  yard = await Yard.open({ warmParkedCount: 1, machineCountMax: 1 });
  await yard.pass();
  const [machine] = await yard.machines();
  if (machine === undefined) throw new Error("a warm machine was launched");
  agent = yard.agent(machine.id);
  app = createAgentApp({ ...yard.context, tokens: yard.tokens, polls: new OpenPolls() });
});
afterEach(() => yard.close());

/** As it is told in the reference: with these fields and no others. */
async function answerOf(path: string, body: object, shape: z.ZodType, token = ""): Promise<unknown> {
  const { machineId, incarnation } = agent;
  const headers = { authorization: `Bearer ${token}` };
  const init = { method: "POST", headers, body: JSON.stringify({ machineId, incarnation, ...body }) };
  const response = await app.request(`/agent/v1/${path}`, init);
  const answer: unknown = await response.json();
  expect(shape.parse(answer)).toEqual(answer);
  return answer;
}

it("agents are answered as the reference says", async () => {
  const identity = { kind: "process", secret: yard.tokens.identitySecret(agent.machineId) };
  const checkIn = {
    protocolVersion: PROTOCOL_VERSION,
    providerId: agent.machineId,
    identity,
    bootId: "",
    agentVersion: "0",
  };
  const { token } = answers.CheckInAnswer.parse(await answerOf("check-in", checkIn, answers.CheckInAnswer));
  const report = { phase: "parked", ticket: null, ended: [], sighting: NOTHING_SEEN };
  await answerOf("report", { sequence: 1, storeGeneration: 1, report }, answers.ReportAnswer, token);
  await answerOf("logs", { ticketId: null, logs: [{ name: "agent", lines: ["up"] }] }, answers.LogsAnswer, token);
  await yard.pass();
  await yard.queue();
  await yard.pass();
  const polled = await answerOf("poll", { sequence: 2 }, answers.PollAnswer, token);
  expect(polled).toMatchObject({ kind: "ticket" });
});
