import type { CompiledQuery } from "kysely";
import { parseJobId, type TicketId } from "../../src/domain/ids.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { latestDecisions, listDecisions } from "../../src/store/evidence/decisions.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { jobSubject, machineSubject } from "../../src/store/subjects.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { connectionName } from "../domain/builders.ts";
import { OperatorAtYard } from "./operator.ts";
import { type Agent, Yard } from "./yard.ts";

const LISTENER = { kind: "seen", hasListener: true, workerCount: 0 } as const;
const WORKER = { ...LISTENER, workerCount: 1 };
export const WHY = { reason: "disk looks odd" };

export let yard: Yard;
export let alice: OperatorAtYard;
export async function open(pool: Partial<PoolPolicy> = {}): Promise<void> {
  yard = await Yard.open(pool);
  alice = new OperatorAtYard(yard);
}

/** A warm pool's one machine, parked, with no job. */
export async function warmAgent(): Promise<Agent> {
  await open({ warmParkedCount: 1, machineCountMax: 1 });
  await yard.pass();
  const agent = yard.agent((await yard.onlyMachine()).id);
  await agent.checkIn();
  await agent.report();
  await yard.pass();
  return agent;
}

export const online = (agent: Agent, id: TicketId) =>
  agent.report({ phase: "engaged", ticket: { id, step: "online" }, sighting: LISTENER });
const running = (agent: Agent, id: TicketId) =>
  agent.report({ phase: "engaged", ticket: { id, step: "running" }, sighting: WORKER });

/** The job of the ticket runs, and GitHub has said so. */
export async function atWork(): Promise<{ readonly agent: Agent; readonly ticketId: TicketId }> {
  const { agent, ticketId } = await yard.withTicket();
  await running(agent, ticketId);
  const { runnerName } = await yard.onlyTicket();
  await yard.tell(parseJobId(1), { status: "in_progress", runnerName, startedAtMs: yard.clock.nowMs() });
  await yard.pass();
  return { agent, ticketId };
}

/** The runner is online, and no job comes. */
export async function idleRunner(): Promise<{ readonly agent: Agent; readonly ticketId: TicketId }> {
  const { agent, ticketId } = await yard.withTicket();
  await online(agent, ticketId);
  await yard.tell(parseJobId(1), { status: "completed", conclusion: "cancelled" });
  await yard.pass();
  return { agent, ticketId };
}

export const kinds = async () => (await yard.machines()).map(({ state }) => state.kind);
export const ticketState = async (id: TicketId) => (await loadTicket(yard.store.db, id))?.state.kind;
export const reasonOf = async (agent: Agent) => {
  const [latest] = await listDecisions(yard.store.db, machineSubject(agent.machineId), 1);
  return latest?.reason;
};
export const factsOf = async (agent: Agent) =>
  (await listEvidence(yard.store.db, machineSubject(agent.machineId), 20)).map(({ fact }) => fact);
export const jobReason = async (id: number) => {
  const subject = jobSubject(connectionName(), parseJobId(id));
  const decisions = await latestDecisions(yard.store.db, [subject]);
  return [...decisions.values()][0]?.reason;
};

/** Lets the machine's agent say that it holds nothing, so often that a machine that may go is gone. */
export async function letGo(agent: Agent): Promise<void> {
  for (let count = 0; count < 3; count += 1) {
    await agent.report();
    await yard.pass();
  }
}

type Db = Yard["store"]["db"];

/**
 * Runs `meanwhile` after a row of the table was read outside of transactions. Of the leases only the executor does that,
 * right before its call; of the drains only the planner.
 */
export function afterRead(db: Db, table: string, meanwhile: () => Promise<void>): Db {
  const execute = async (query: CompiledQuery) => {
    const result = await db.executeQuery(query);
    if (query.sql.includes(`from "${table}"`)) await meanwhile();
    return result;
  };
  return new Proxy(db, {
    get: (_target, key) => {
      if (key === "executeQuery") return execute;
      const value: unknown = Reflect.get(db, key);
      return typeof value === "function" ? value.bind(db) : value;
    },
  });
}
