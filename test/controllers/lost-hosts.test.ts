/** Hosts that do not say by themselves that they are idle: what ends them, and what keeps them. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { watchHosts } from "../../src/controllers/watch-hosts.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { type MachineId, parseJobId, type TicketId } from "../../src/domain/ids.ts";
import { RUN_DELETED } from "../../src/domain/job.ts";
import type { Stillness } from "../../src/domain/protocol.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import type { GitHub } from "../../src/ports/github.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { saveHeard } from "../../src/store/hearings.ts";
import { jobSubject, machineSubject } from "../../src/store/subjects.ts";
import { connectionName } from "../domain/builders.ts";
import { type Agent, NOTHING_SEEN, Yard } from "./yard.ts";

let yard: Yard;
let agent: Agent;
let ticketId: TicketId;
const JOB = parseJobId(1);

beforeEach(async () => {
  yard = await Yard.open({ machineCountMax: 1 });
  ({ agent, ticketId } = await yard.withTicket());
});
afterEach(() => yard.close());

/** Time in which every controller has its turn. */
async function pass(forMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += 4 * MINUTE_MS) {
    yard.clock.advance(Math.min(4 * MINUTE_MS, forMs - passedMs));
    await watchHosts(yard.context);
    await yard.pass();
  }
}

async function heardByAnother(machineId: MachineId): Promise<void> {
  const heard = [{ machineId, heardForMs: 0, stirredForMs: 0 }];
  await saveHeard(yard.store, heard, { listener: "another", pools: [yard.context.pool.name] });
}

async function runJob(stillness: Stillness | null = null): Promise<void> {
  const ticket = await yard.onlyTicket();
  await agent.report({
    phase: "engaged",
    ticket: { id: ticketId, step: "running" },
    sighting: { ...NOTHING_SEEN, hasListener: true, workerCount: 1 },
    stillness,
  });
  await yard.tell(JOB, { status: "in_progress", runnerName: ticket.runnerName });
  await yard.pass();
}

/** As GitHub sees its runner from now on. */
async function runnerIs(changes: { readonly isOnline?: boolean; readonly version?: string | null }): Promise<void> {
  for (const [id, runner] of yard.github.runners) yard.github.runners.set(id, { ...runner, ...changes });
}

const endJob = (conclusion = "failure") => yard.tell(JOB, { status: "completed", conclusion });
/** Of the permits for this machine; another may be launched after it for the job that waits. */
const proofs = () =>
  yard.provider.terminated.filter(({ machineId }) => machineId === agent.machineId).map(({ proof }) => proof);

describe("host-lost", () => {
  it("ends a host that died before its runner came online, and loses its ticket only once it is gone", async () => {
    await pass(50 * MINUTE_MS);
    expect(proofs()).toEqual(["host-lost"]);
    expect((await yard.machines()).find(({ id }) => id === agent.machineId)?.state).toMatchObject({
      kind: "gone",
      reason: "host-lost",
    });
    const deletion = yard.github.deleted.find((permit) => permit.ticketId === ticketId);
    expect(deletion?.proof).toBe("ticket-over");
  });

  it("keeps a host while GitHub says online, whatever the store knows", async () => {
    await runnerIs({ isOnline: true, version: "2.336.0" });
    await pass(5 * HOUR_MS);
    expect(proofs()).toEqual([]);
  });

  it("keeps a host whose runner was online and whose job nobody knows, until the limit", async () => {
    await runnerIs({ version: "2.336.0" });
    await pass(5 * HOUR_MS);
    expect(proofs()).toEqual([]);
    expect((await yard.onlyMachine()).state.kind).toBe("engaged");
    await pass(2 * HOUR_MS);
    expect(proofs()).toEqual(["forced"]);
    const told = await listEvidence(yard.store.db, machineSubject(agent.machineId), 20);
    expect(told.map(({ fact }) => fact)).toContain(
      "asked the provider to end it, by proof forced (limit unknown-host)",
    );
  });

  it("ends a host whose job is long over, and not one whose run is only guessed to be deleted", async () => {
    await runJob();
    await endJob(RUN_DELETED);
    await pass(2 * HOUR_MS);
    expect(proofs()).toEqual([]);
    await endJob();
    await pass(20 * MINUTE_MS);
    expect(proofs()).toEqual(["host-lost"]);
  });

  it("lets a host go on that speaks after it began to retire, and ends it once its ticket is over", async () => {
    await runJob();
    await endJob();
    yard.provider.listError = new ProviderError("provider-unavailable", "listing");
    await pass(50 * MINUTE_MS);
    expect((await yard.onlyMachine()).state).toMatchObject({ kind: "retiring", stage: "proving", reason: "host-lost" });
    await runJob();
    yard.provider.listError = null;
    await yard.pass();
    expect(await yard.onlyMachine()).toMatchObject({ state: { kind: "engaged" }, retireWhenSpent: "host-lost" });
    await agent.report({ phase: "leaving", ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(proofs()).toEqual(["parked"]);
  });

  it("gives no permit to a host that was heard in the moment before the call", async () => {
    await pass(28 * MINUTE_MS);
    const list = yard.provider.list.bind(yard.provider);
    yard.provider.list = async (which) => {
      if (which !== "all") yard.context.hearing.note(agent.machineId);
      return list(which);
    };
    await pass(HOUR_MS);
    expect(proofs()).toEqual([]);
  });

  it("gives no permit to a host that another replica heard in the moment before the call", async () => {
    await pass(28 * MINUTE_MS);
    const list = yard.provider.list.bind(yard.provider);
    yard.provider.list = async (which) => {
      if (which !== "all") await heardByAnother(agent.machineId);
      return list(which);
    };
    await pass(HOUR_MS);
    expect(proofs()).toEqual([]);
  });

  it("reads GitHub again and again, and counts no failed reading", async () => {
    const find = yard.github.findRunner.bind(yard.github);
    let isDown = false;
    const failed: Awaited<ReturnType<GitHub["findRunner"]>> = {
      kind: "unknown",
      code: "github-unavailable",
      observedAtMs: 0,
    };
    Object.assign(yard.github, {
      findRunner: async (...wanted: Parameters<GitHub["findRunner"]>) => (isDown ? failed : find(...wanted)),
    });
    await pass(24 * MINUTE_MS);
    isDown = true;
    await pass(2 * HOUR_MS);
    expect(proofs()).toEqual([]);
    isDown = false;
    await pass(28 * MINUTE_MS);
    expect(proofs()).toEqual([]);
    await pass(8 * MINUTE_MS);
    expect(proofs()).toEqual(["host-lost"]);
  });
});

describe("job-terminal", () => {
  const STILL: Stillness = { isLeaseOld: true, isWorkerStill: true, areLogsSaved: true };

  /** The agent repeats its word each two minutes. */
  async function passHeard(forMs: number, stillness: Stillness | null): Promise<void> {
    for (let passedMs = 0; passedMs < forMs; passedMs += MINUTE_MS / 2) {
      yard.clock.advance(MINUTE_MS / 2);
      await runHeld(stillness);
      await yard.pass();
    }
  }

  async function runHeld(stillness: Stillness | null): Promise<void> {
    const sighting = { ...NOTHING_SEEN, hasListener: true, workerCount: 1 };
    await agent.report({ phase: "engaged", ticket: { id: ticketId, step: "running" }, sighting, stillness });
  }

  it("ends a host that hangs on a job which is long over, and only when it is still and its logs are saved", async () => {
    await runJob();
    await endJob();
    await passHeard(20 * MINUTE_MS, { ...STILL, areLogsSaved: false });
    expect(proofs()).toEqual([]);
    await passHeard(MINUTE_MS, STILL);
    expect(proofs()).toEqual(["job-terminal"]);
  });

  it("keeps a Worker that still works for an hour after its job, then ends it as forced", async () => {
    await runJob();
    await endJob();
    await passHeard(58 * MINUTE_MS, { ...STILL, isWorkerStill: false });
    expect(proofs()).toEqual([]);
    await passHeard(4 * MINUTE_MS, { ...STILL, isWorkerStill: false });
    expect(proofs()).toEqual(["forced"]);
  });

  it("tells each job that is lost with its machine, on the job itself", async () => {
    await runJob();
    yard.provider.machines.delete(agent.machineId);
    await yard.pass();
    const told = await listEvidence(yard.store.db, jobSubject(connectionName(), JOB), 20);
    expect(told.map(({ fact }) => fact)).toContainEqual(
      expect.stringMatching(/^its machine is gone, retired for machine-dead/),
    );
  });

  it("keeps a host that is still while its job is not over", async () => {
    await runJob();
    await passHeard(3 * HOUR_MS, STILL);
    expect(proofs()).toEqual([]);
  });
});

it("a guard holds an ending up while the provider's listing fails, and says so at once", async () => {
  await pass(28 * MINUTE_MS);
  yard.provider.listError = new ProviderError("provider-unavailable", "listing");
  await pass(HOUR_MS);
  expect(proofs()).toEqual([]);
  expect(yard.telemetry.counts).toContain("holdfast_endings_guarded_total pool=linux guard=listing-not-whole");
  yard.provider.listError = null;
  await pass(4 * MINUTE_MS);
  expect(proofs()).toEqual(["host-lost"]);
});
