/** A pass that decides what the last one decided still does what it was decided for: only the words are not written again. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { assign } from "../../src/controllers/assign.ts";
import { retire } from "../../src/controllers/retire.ts";
import type { JobId } from "../../src/domain/ids.ts";
import { SURPLUS_GRACE_MS } from "../../src/domain/lifecycle.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { recordDecision } from "../../src/store/evidence/decisions.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { jobSubject, machineSubject } from "../../src/store/subjects.ts";
import { listTicketsOfJob } from "../../src/store/tickets/list.ts";
import { connectionName } from "../domain/builders.ts";
import { Yard } from "./yard.ts";

let yard: Yard;

beforeEach(async () => {
  yard = await Yard.open({ machineCountMax: 1 });
});
afterEach(() => yard.close());

async function decideBefore(id: JobId, action: string, reason: ReasonCode): Promise<void> {
  const subject = jobSubject(connectionName(), id);
  await recordDecision(yard.store.db, { subject, action, reason, decidedAtMs: yard.clock.nowMs() });
}

const ticketsOf = (id: JobId) => listTicketsOfJob(yard.store.db, id, connectionName());

it("launches a machine", async () => {
  await decideBefore(await yard.queue(), "launch", "launch-next");
  await assign(yard.context);
  expect(await yard.machines()).toHaveLength(1);
});

it("makes a ticket", async () => {
  const agent = await yard.parkedAgent();
  const first = (await yard.onlyTicket()).jobId;
  await yard.tell(first!, { status: "completed", conclusion: "cancelled" });
  await yard.pass();
  expect((await yard.onlyMachine()).id).toBe(agent.machineId);
  const second = await yard.queue(2);
  await decideBefore(second, "mint", "mint-next");
  await assign(yard.context);
  expect(await ticketsOf(second)).toHaveLength(1);
});

it("aims a ticket at another job", async () => {
  await yard.parkedAgent();
  const ticket = await yard.onlyTicket();
  const second = await yard.queue(2);
  await yard.tell(ticket.jobId!, { status: "completed", conclusion: "cancelled" });
  await decideBefore(second, "aim", "ticket-aimed");
  await assign(yard.context);
  expect(await yard.onlyTicket()).toMatchObject({ id: ticket.id, jobId: second });
});

it("takes back a ticket that no job needs", async () => {
  await yard.parkedAgent();
  const { id, jobId } = await yard.onlyTicket();
  await yard.tell(jobId!, { status: "completed", conclusion: "cancelled" });
  await assign(yard.context);
  expect(await yard.onlyTicket()).toMatchObject({ id, state: { kind: "void" } });
});

it("retires a machine", async () => {
  const agent = await yard.parkedAgent();
  await yard.tell((await yard.onlyTicket()).jobId!, { status: "completed", conclusion: "cancelled" });
  await yard.pass();
  yard.clock.advance(SURPLUS_GRACE_MS);
  await agent.report();
  const subject = machineSubject(agent.machineId);
  await recordDecision(yard.store.db, {
    subject,
    action: "retire",
    reason: "surplus",
    decidedAtMs: yard.clock.nowMs(),
  });
  await retire(yard.context);
  expect((await loadMachine(yard.store.db, agent.machineId))?.state.kind).toBe("retiring");
});
