import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { handBack } from "../../src/controllers/hand-back.ts";
import { GitHubError } from "../../src/domain/errors.ts";
import { parseRunnerId, parseTicketId, type TicketId } from "../../src/domain/ids.ts";
import type { HandBackOrder, HostReport } from "../../src/domain/protocol.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { findOrder, type ServedPool } from "../../src/http/agents/order.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { saveJob } from "../../src/store/jobs/save.ts";
import { saveMachine } from "../../src/store/machines/save.ts";
import { machineSubject } from "../../src/store/subjects.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { insertTicket } from "../../src/store/tickets/save.ts";
import { connectionName, poolName } from "../domain/builders.ts";
import { type Agent, Yard } from "./yard.ts";

const BOUND_MS = 2 * MINUTE_MS;
const LISTENER = { kind: "seen", hasListener: true, workerCount: 0 } as const;

let yard: Yard;
let agent: Agent;
let ticketId: TicketId;

beforeEach(async () => {
  yard = await Yard.open();
  ({ agent, ticketId } = await yard.withTicket());
});
afterEach(() => yard.close());

const holding = (step: "delivered" | "online" | "running", fence: HostReport["fence"] = null) =>
  agent.report({ phase: "engaged", ticket: { id: ticketId, step }, sighting: LISTENER, fence });
const state = async () => (await loadTicket(yard.store.db, ticketId))?.state.kind;
const counts = (name: string) => yard.telemetry.counts.filter((one) => one.startsWith(name));

/** Its runner is online, and its job was cancelled long ago. */
async function idle(): Promise<HandBackOrder> {
  await holding("online");
  await yard.pass();
  await cancelJobs();
  yard.clock.advance(BOUND_MS);
  await holding("online");
  await yard.pass();
  const { handBack } = await holding("online");
  if (handBack === null) throw new Error("no order");
  return handBack;
}

async function cancelJobs(): Promise<void> {
  for (const id of yard.github.jobs.keys()) await yard.tell(id, { status: "completed", conclusion: "cancelled" });
}

describe("an idle ticket", () => {
  it("is asked back, handed back, off GitHub without a listing, and its machine goes by its host's word", async () => {
    const order = await idle();
    expect(order.ticketId).toBe(ticketId);
    yard.github.listError = new Error("no listing is needed") as never;
    await agent.report({ ended: [{ id: ticketId, end: { kind: "handed-back" } }] });
    await yard.pass();
    expect(await loadTicket(yard.store.db, ticketId)).toMatchObject({
      state: { kind: "handed-back" },
      registration: "gone",
    });
    await agent.report();
    await yard.pass();
    await yard.pass();
    expect((await yard.machines()).map((machine) => machine.state.kind)).toEqual(["gone"]);
    expect(yard.provider.terminated.map(({ proof }) => proof)).toEqual(["parked"]);
  });

  it("is ordered again with every answer, until the host has answered", async () => {
    const order = await idle();
    expect((await holding("online")).handBack).toEqual(order);
    await yard.pass();
    expect(await state()).toBe("handing-back");
    expect(yard.provider.terminated).toEqual([]);
  });

  it("has an order that rests while a job waits that could come to it", async () => {
    const order = await idle();
    await yard.queue(5);
    expect((await holding("online")).handBack).toBeNull();
    await cancelJobs();
    expect((await holding("online")).handBack).toEqual(order);
  });

  it("is asked back whatever waits once its machine is to go", async () => {
    const order = await idle();
    await yard.queue(5);
    const machine = await yard.onlyMachine();
    await saveMachine(
      yard.store.db,
      { ...machine, retireWhenSpent: "drained", version: machine.version + 1 },
      machine.version,
    );
    await handBack(yard.context);
    expect((await holding("online")).handBack).toEqual(order);
    expect(counts("holdfast_hand_backs_total")).toHaveLength(2);
    await handBack(yard.context);
    expect(counts("holdfast_hand_backs_total")).toHaveLength(2);
  });

  it("is asked back though a job waits, once it has waited for ten minutes and did not come to it", async () => {
    const order = await idle();
    await yard.queue(5);
    yard.clock.advance(10 * MINUTE_MS - BOUND_MS);
    expect((await holding("online")).handBack).toBeNull();
    await handBack(yard.context);
    expect((await holding("online")).handBack).toBeNull();
    yard.clock.advance(BOUND_MS);
    expect((await holding("online")).handBack).toBeNull();
    await handBack(yard.context);
    expect((await holding("online")).handBack).toEqual(order);
  });

  it.each<[string, Partial<ServedPool>]>([
    ["only observes", { mode: "observe" }],
    ["has lost its connection", { isUnconnected: true }],
    ["this process does not know", { name: poolName("other") }],
  ])("is asked back no more where its pool %s: nobody would delete its registration", async (_name, changed) => {
    await idle();
    const [ticket] = await listTicketsOfMachine(yard.store.db, agent.machineId);
    if (ticket === undefined) throw new Error("no ticket");
    const pools = [{ ...yard.context.pool, ...changed }];
    expect(await findOrder({ store: yard.store, pools }, [ticket])).toBeNull();
  });

  it("is asked back where what waits is for another pool", async () => {
    const order = await idle();
    await yard.queue(5, { labels: ["gpu"] });
    expect((await holding("online")).handBack).toEqual(order);
  });

  it("goes on where the fence refuses, with the host's reason, and is asked again only after its bound", async () => {
    const order = await idle();
    const refused = { ...order, why: "the log could not be read" };
    await holding("online", refused);
    await yard.pass();
    expect([await state(), (await holding("online", refused)).handBack]).toEqual(["online", null]);
    const facts = await listEvidence(yard.store.db, machineSubject(agent.machineId), 5);
    expect(facts.map(({ fact }) => fact)).toContain(
      "the fence refused to hand the ticket back: the log could not be read",
    );
    yard.clock.advance(BOUND_MS - SECOND_MS);
    await holding("online", refused);
    await yard.pass();
    expect(await state()).toBe("online");
    yard.clock.advance(SECOND_MS);
    await holding("online", refused);
    await yard.pass();
    expect(await state()).toBe("handing-back");
    expect((await holding("online", refused)).handBack?.attempt).not.toBe(order.attempt);
    expect(counts("holdfast_fence_refusals_total")).toHaveLength(1);
  });

  it("does not take the refusal of an earlier order for the answer to this one", async () => {
    const order = await idle();
    await holding("online", { ...order, attempt: order.attempt - 1, why: "a Worker ran" });
    await yard.pass();
    expect(await state()).toBe("handing-back");
  });

  it("runs on where a job came in the meantime", async () => {
    await idle();
    await holding("running");
    await yard.pass();
    expect([await state(), (await holding("running")).handBack]).toEqual(["running", null]);
    await agent.report({ ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.pass();
    expect(await state()).toBe("spent");
  });

  it("that GitHub calls busy after it was handed back is told, counted, and asked for again each minute", async () => {
    await idle();
    yard.github.deleteAnswer = "busy";
    await agent.report({ ended: [{ id: ticketId, end: { kind: "handed-back" } }] });
    await yard.pass();
    expect(counts("holdfast_fence_contradictions_total")).toHaveLength(1);
    await yard.pass();
    expect(yard.github.deleted).toHaveLength(1);
    yard.clock.advance(MINUTE_MS);
    yard.github.deleteAnswer = "deleted";
    await yard.pass();
    expect((await loadTicket(yard.store.db, ticketId))?.registration).toBe("gone");
  });
});

it.each([
  ["is left alone while a job waits that fits it, though another pool has the job", ["linux"], "online"],
  ["is asked back while none waits that fits it", ["windows"], "handing-back"],
] as const)("an idle ticket %s", async (_name, labels, want) => {
  await holding("online");
  await yard.pass();
  await cancelJobs();
  const id = await yard.queue(2, { labels: [...labels] });
  const row = await loadJob(yard.store.db, connectionName(), id);
  if (row === null) throw new Error("no job");
  await saveJob(yard.store.db, { ...row, pool: poolName("other") }, row.version, yard.clock.nowMs());
  yard.clock.advance(BOUND_MS);
  await handBack(yard.context);
  expect(await state()).toBe(want);
});

it("one registration that cannot be deleted holds up no other scope's", async () => {
  await idle();
  const tried: string[] = [];
  const { github } = yard;
  const deleteRunner = github.deleteRunner.bind(github);
  github.deleteRunner = async (permit) => {
    if (permit.ticketId !== null) tried.push(permit.ticketId);
    if (permit.ticketId === ticketId) throw new GitHubError("github-forbidden", "deleting");
    return deleteRunner(permit);
  };
  await agent.report({ ended: [{ id: ticketId, end: { kind: "handed-back" } }] });
  const first = await loadTicket(yard.store.db, ticketId);
  if (first === null) throw new Error("no ticket");
  const scope = { kind: "repository", owner: "acme", repository: "other" } as const;
  const second = {
    ...first,
    id: parseTicketId("t-99999999"),
    scope,
    runnerName: "hf-other",
    runnerId: parseRunnerId(9),
  };
  const handedBack = { kind: "handed-back", sinceMs: yard.clock.nowMs() } as const;
  await insertTicket(yard.store.db, { ...second, state: handedBack, registration: "present" });
  await yard.pass();
  expect(new Set(tried)).toEqual(new Set([ticketId, second.id]));
});

describe("a runner that does not come online", () => {
  it("is asked back, and its machine is not tried again", async () => {
    await holding("delivered");
    await yard.pass();
    yard.clock.advance(BOUND_MS);
    await holding("delivered");
    await yard.pass();
    expect(await state()).toBe("handing-back");
    await agent.report({ ended: [{ id: ticketId, end: { kind: "handed-back" } }] });
    await yard.pass();
    const machine = (await yard.machines()).find(({ id }) => id === agent.machineId);
    expect(machine?.state).toMatchObject({ kind: "retiring", reason: "runner-late" });
  });
});

describe("a runner that was late and came", () => {
  it("is left alone while its job waits, though its machine is not tried again", async () => {
    await holding("delivered");
    await yard.pass();
    yard.clock.advance(BOUND_MS);
    await holding("delivered");
    await yard.pass();
    const { handBack } = await holding("delivered");
    await holding("online", { ticketId, attempt: handBack?.attempt ?? 0, why: "the runner is writing a line" });
    await yard.pass();
    await yard.pass();
    expect(await state()).toBe("online");
    expect(counts("holdfast_hand_backs_total")).toHaveLength(1);
  });
});

it("is asked of every host while all is taken down, busy ones left to their jobs", async () => {
  await holding("online");
  await yard.pass();
  yard.isShuttingDown = true;
  await yard.pass();
  expect(await state()).toBe("handing-back");
});

it("is asked of none by a process that does not hold the pool", async () => {
  await holding("online");
  await yard.pass();
  await cancelJobs();
  yard.clock.advance(BOUND_MS);
  yard.lease = null;
  await yard.pass();
  expect(await state()).toBe("online");
});
