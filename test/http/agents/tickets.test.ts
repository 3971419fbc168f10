import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attend } from "../../../src/controllers/attend.ts";
import { retire } from "../../../src/controllers/retire.ts";
import type { MachineId } from "../../../src/domain/ids.ts";
import type { PollAnswer } from "../../../src/domain/protocol.ts";
import type { Ticket } from "../../../src/domain/ticket.ts";
import { SECOND_MS } from "../../../src/domain/units.ts";
import { createAgentApp } from "../../../src/http/agents/app.ts";
import { OpenPolls } from "../../../src/http/agents/polls.ts";
import { loadMachine } from "../../../src/store/machines/load.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import { listTicketsOfMachine } from "../../../src/store/tickets/list.ts";
import { loadTicket } from "../../../src/store/tickets/load.ts";
import { insertTicket } from "../../../src/store/tickets/save.ts";
import { loadTicketSecret } from "../../../src/store/tickets/secret.ts";
import { type Agent, Yard } from "../../controllers/yard.ts";
import { machine, machineId, ticket, ticketId } from "../../domain/builders.ts";

const POLL_HOLD_MS = 25 * SECOND_MS;
const TURNS_MAX = 1_000;

let yard: Yard;
let agent: Agent;

/** One machine whose agent is parked, and no job. */
async function openParked(): Promise<void> {
  yard = await Yard.open({ warmParkedCount: 1, machineCountMax: 1 });
  await yard.pass();
  const [machine] = await yard.machines();
  if (machine === undefined) throw new Error("a warm machine was launched");
  agent = yard.agent(machine.id);
  await agent.checkIn();
  await agent.report();
  await yard.pass();
}

beforeEach(openParked);
afterEach(() => yard.close());

const machineOf = () => loadMachine(yard.store.db, agent.machineId);

async function onlyTicket(): Promise<Ticket> {
  const [ticket, ...others] = await listTicketsOfMachine(yard.store.db, agent.machineId);
  if (ticket === undefined || others.length > 0) throw new Error("not one ticket");
  return ticket;
}

async function issue(): Promise<Ticket> {
  await yard.queue();
  await yard.pass();
  return onlyTicket();
}

/** Polls through an app with open polls of its own, until its answer or until the request is given up. */
function openPoll(polls: OpenPolls, incarnation: string = agent.incarnation, signal?: AbortSignal) {
  const app = createAgentApp({ ...yard.context, tokens: yard.tokens, polls });
  const poll = { machineId: agent.machineId, incarnation, sequence: 9 };
  const headers = { authorization: `Bearer ${agent.token}` };
  const init = { method: "POST", headers, body: JSON.stringify(poll), ...(signal === undefined ? {} : { signal }) };
  const state = { isAnswered: false };
  const answer = (async () => {
    const response = await app.request(new Request("http://localhost/agent/v1/poll", init));
    state.isAnswered = true;
    return (await response.json()) as PollAnswer;
  })();
  return { answer, state };
}

async function untilAsleep(): Promise<void> {
  for (let count = 0; yard.clock.sleeperCount === 0; count += 1) {
    if (count > TURNS_MAX) throw new Error("the poll does not wait");
    await turn();
  }
}

/** So many turns that whatever could follow has followed. */
async function settle(): Promise<void> {
  for (let count = 0; count < 20; count += 1) await turn();
}

describe("a poll that waits", () => {
  it("is a sign of its host when it comes, and none when it is looked for again", async () => {
    const polls = new OpenPolls();
    const comingAtMs = yard.clock.nowMs();
    const { state } = openPoll(polls);
    await untilAsleep();
    yard.clock.advance(SECOND_MS);
    polls.wake(agent.machineId);
    await settle();
    expect([state.isAnswered, yard.context.hearing.heardAtMs(agent.machineId)]).toEqual([false, comingAtMs]);
  });

  it("is answered the moment its ticket is issued, which is delivered then and not before", async () => {
    const polls = new OpenPolls();
    const { answer, state } = openPoll(polls);
    await untilAsleep();
    const ticket = await issue();
    await settle();
    expect([state.isAnswered, (await onlyTicket()).state.kind]).toEqual([false, "issued"]);
    polls.wake(agent.machineId);
    const { id, runnerName } = ticket;
    const offered = { id, runnerName, jitConfig: `secret of ${runnerName}` };
    expect(await answer).toEqual({ kind: "ticket", ticket: offered });
    expect(await onlyTicket()).toMatchObject({ state: { kind: "delivered" }, deliveredTo: agent.incarnation });
    expect((await machineOf())?.state).toMatchObject({ kind: "engaged", ticketId: id });
  });

  it("answers after 25 s that there is nothing, and wakes without a ticket do not make it longer", async () => {
    const polls = new OpenPolls();
    const { answer, state } = openPoll(polls);
    for (let count = 1; count < 5; count += 1) {
      await untilAsleep();
      yard.clock.advance(5 * SECOND_MS);
      polls.wake(agent.machineId);
    }
    await untilAsleep();
    yard.clock.advance(5 * SECOND_MS - 1);
    await settle();
    expect(state.isAnswered).toBe(false);
    yard.clock.advance(1);
    expect(await answer).toEqual({ kind: "nothing" });
    expect(yard.clock.nowMs() % POLL_HOLD_MS).toBe(0);
  });

  it("does not wake for another machine, and all wake where the process stops", async () => {
    const polls = new OpenPolls();
    const { answer, state } = openPoll(polls);
    await untilAsleep();
    await issue();
    polls.wake(machineId(99));
    await settle();
    expect(state.isAnswered).toBe(false);
    polls.wakeAll();
    expect((await answer).kind).toBe("ticket");
  });

  it("takes no ticket after its agent hung up", async () => {
    const polls = new OpenPolls();
    const hangUp = new AbortController();
    const { answer } = openPoll(polls, agent.incarnation, hangUp.signal);
    await untilAsleep();
    hangUp.abort();
    await answer.catch(() => undefined);
    await issue();
    polls.wakeAll();
    await settle();
    expect((await onlyTicket()).state.kind).toBe("issued");
    expect((await agent.poll()).kind).toBe("ticket");
  });

  it("is told to report where its machine begins to retire", async () => {
    const polls = new OpenPolls();
    const { answer } = openPoll(polls);
    await untilAsleep();
    yard.isShuttingDown = true;
    await retire(yard.context);
    polls.wake(agent.machineId);
    expect(await answer).toEqual({ kind: "report" });
  });

  it("gives one ticket to two polls of one incarnation, twice the same", async () => {
    const polls = new OpenPolls();
    const [one, two] = [openPoll(polls), openPoll(polls)];
    await untilAsleep();
    const { id } = await issue();
    polls.wake(agent.machineId);
    const answers = [await one.answer, await two.answer];
    expect(answers.map((answer) => answer.kind === "ticket" && answer.ticket.id)).toEqual([id, id]);
    expect((await machineOf())?.ticketsGiven).toBe(1);
  });
});

describe("the ticket", () => {
  it("is answered again to the incarnation that has it, and to no other", async () => {
    const { id } = await issue();
    expect(await agent.poll()).toMatchObject({ kind: "ticket", ticket: { id } });
    expect(await agent.poll()).toMatchObject({ kind: "ticket", ticket: { id } });
    expect(await openPoll(new OpenPolls(), "incarnation-2").answer).toEqual({ kind: "report" });
    const next = yard.agent(agent.machineId, "incarnation-2");
    await next.checkIn();
    const { answer, state } = openPoll(new OpenPolls(), "incarnation-2");
    await untilAsleep();
    await settle();
    expect(state.isAnswered).toBe(false);
    yard.clock.advance(POLL_HOLD_MS);
    expect(await answer).toEqual({ kind: "nothing" });
    expect((await onlyTicket()).deliveredTo).toBe(agent.incarnation);
    expect((await next.report({ phase: "preparing" })).ticketOut).toBe(id);
  });

  it("that was issued is delivered to the incarnation that came after", async () => {
    const { id } = await issue();
    const next = yard.agent(agent.machineId, "incarnation-2");
    await next.checkIn();
    expect(await openPoll(new OpenPolls()).answer).toEqual({ kind: "report" });
    expect(await next.poll()).toMatchObject({ kind: "ticket", ticket: { id } });
    expect((await onlyTicket()).deliveredTo).toBe("incarnation-2");
  });

  it("is not given without a token, whoever asks", async () => {
    await issue();
    const { token } = agent;
    agent.token = `${token.slice(0, -1)}`;
    expect(await agent.poll()).toMatchObject({ code: "unauthorized" });
    expect((await onlyTicket()).state.kind).toBe("issued");
  });

  it("leaves no secret in the store once a report names it", async () => {
    const { id } = await issue();
    expect(await loadTicketSecret(yard.store.db, id)).not.toBeNull();
    await agent.poll();
    await agent.report({ phase: "parked" });
    await attend(yard.context);
    expect(await loadTicketSecret(yard.store.db, id)).not.toBeNull();
    await agent.report({ phase: "engaged", ticket: { id, step: "delivered" } });
    await attend(yard.context);
    expect(await loadTicketSecret(yard.store.db, id)).toBeNull();
    expect((await openPollToItsEnd()).kind).toBe("nothing");
  });

  it("has its end confirmed only after the end was stored by a pass that attended to it", async () => {
    const { id } = await issue();
    await agent.poll();
    await agent.report({ phase: "engaged", ticket: { id, step: "running" } });
    await attend(yard.context);
    const ended = [{ id, end: { kind: "spent" } as const }];
    expect(await agent.report({ phase: "preparing", ended })).toMatchObject({ confirmedEnds: [], ticketOut: id });
    expect(await agent.report({ phase: "preparing", ended })).toMatchObject({ confirmedEnds: [], ticketOut: id });
    await attend(yard.context);
    expect(await agent.report({ phase: "preparing", ended })).toMatchObject({ confirmedEnds: [id], ticketOut: null });
    expect(await agent.report({ phase: "preparing" })).toMatchObject({ confirmedEnds: [] });
  });

  it("of another machine has no end by this one's word, and who names it is quarantined", async () => {
    const { id } = await issue();
    await agent.poll();
    const another = machine({ id: machineId(7), state: "engaged" });
    await insertMachine(yard.store.db, another);
    await insertTicket(yard.store.db, ticket({ id: ticketId(7), machineId: another.id, state: "delivered" }));
    const ended = [{ id: ticketId(7), end: { kind: "spent" } as const }];
    await agent.report({ phase: "preparing", ended });
    await attend(yard.context);
    expect(await agent.report({ phase: "preparing", ended })).toMatchObject({ confirmedEnds: [], ticketOut: id });
    expect(await loadTicket(yard.store.db, ticketId(7))).toMatchObject({ state: { kind: "delivered" } });
    expect(await machineOf()).toMatchObject({ retireWhenSpent: "quarantined", origin: "launched" });
  });
});

describe("a retirement and a poll of the same machine", () => {
  it("the poll first: the machine is engaged, and does not retire", async () => {
    await issue();
    expect((await agent.poll()).kind).toBe("ticket");
    await agent.report({ phase: "leaving" });
    yard.isShuttingDown = true;
    await retire(yard.context);
    expect((await machineOf())?.state.kind).toBe("engaged");
  });

  it("the retirement first: the poll gets no ticket, and the ticket never leaves us", async () => {
    await issue();
    await agent.report({ phase: "leaving" });
    await retire(yard.context);
    expect((await machineOf())?.state.kind).toBe("retiring");
    expect(await agent.poll()).toEqual({ kind: "report" });
    expect(["issued", "void"]).toContain((await onlyTicket()).state.kind);
  });

  it("at once, the one so many steps after the other: one of them wins, never both", async () => {
    const winners = new Set<string>();
    for (let lead = -60; lead <= 60; lead += 4) {
      await yard.close();
      await openParked();
      await issue();
      await agent.report({ phase: "leaving" });
      const polls = new OpenPolls();
      const wake = { controller: () => undefined, machine: (id: MachineId) => polls.wake(id) };
      const retiring = stepsLater(Math.max(0, lead), () => retire({ ...yard.context, wake }));
      const polling = stepsLater(Math.max(0, -lead), () => openPoll(polls).answer);
      const [, answer] = await Promise.all([retiring, polling]);
      const machine = await machineOf();
      const ticket = await onlyTicket();
      winners.add(answer.kind);
      if (answer.kind === "ticket") expect([ticket.state.kind, machine?.ticketsGiven]).toEqual(["delivered", 1]);
      else expect([ticket.state.kind === "delivered", machine?.ticketsGiven]).toEqual([false, 0]);
      expect(machine?.state.kind).toBe(answer.kind === "ticket" ? "engaged" : "retiring");
    }
    expect(winners).toEqual(new Set(["ticket", "report"]));
  });
});

/** Runs it after so many steps of the event loop's queue of promises. */
async function stepsLater<Value>(stepCount: number, run: () => Promise<Value>): Promise<Value> {
  for (let count = 0; count < stepCount; count += 1) await Promise.resolve();
  return run();
}

async function openPollToItsEnd(): Promise<PollAnswer> {
  const { answer } = openPoll(new OpenPolls());
  await untilAsleep();
  yard.clock.advance(POLL_HOLD_MS);
  return answer;
}
