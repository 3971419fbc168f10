import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Standstill } from "../../src/controllers/context.ts";
import { routeWaitingJobs } from "../../src/controllers/route.ts";
import { type JobId, type PoolName, parseJobId } from "../../src/domain/ids.ts";
import type { MachineState } from "../../src/domain/machine.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { deleteDrain, insertDrain } from "../../src/store/drains.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { insertLaunch } from "../../src/store/launches/save.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { jobSubject } from "../../src/store/subjects.ts";
import { insertTicket } from "../../src/store/tickets/save.ts";
import { connectionName, machine, machineId, poolName, pool as poolOf, ticket, ticketId } from "../domain/builders.ts";
import { recordWakes } from "../http/stand-ins.ts";
import { sampleLaunch } from "../store/samples.ts";
import { Yard } from "./yard.ts";

const LINUX = poolName("linux");
const SPARE = poolName("spare");

let yard: Yard;
let wake: ReturnType<typeof recordWakes>;
beforeEach(async () => {
  yard = await Yard.open();
  wake = recordWakes();
});
afterEach(() => yard.close());

const linux = (changes: Partial<PoolPolicy> = {}) =>
  poolOf({ name: LINUX, priority: 10, machineCountMax: 2, ...changes });
const spare = (changes: Partial<PoolPolicy> = {}) => poolOf({ name: SPARE, machineCountMax: 2, ...changes });

const route = (...pools: readonly PoolPolicy[]) => routeWaitingJobs({ ...yard.context, pools, wake });

/** Queues so many jobs, as ingest does: each in the pool that is first by rank. */
async function queue(count: number): Promise<readonly JobId[]> {
  const ids: JobId[] = [];
  for (let id = 1; id <= count; id += 1) ids.push(await yard.queue(id, { createdAtMs: id }));
  return ids;
}

async function poolsOf(ids: readonly JobId[]): Promise<readonly (PoolName | null)[]> {
  const rows = await Promise.all(ids.map((id) => loadJob(yard.store.db, connectionName(), id)));
  return rows.map((row) => row?.pool ?? null);
}

async function addMachine(number: number, pool: PoolName, kind: MachineState["kind"]): Promise<void> {
  const row = machine({ id: machineId(number), pool, state: kind });
  await insertLaunch(yard.store.db, { ...sampleLaunch(number), pool });
  await insertMachine(yard.store.db, row);
}

describe("a waiting job that two pools could take", () => {
  it("goes to the one of higher priority, as long as that has room", async () => {
    const ids = await queue(3);
    await route(spare(), linux());
    expect((await poolsOf(ids)).toSorted()).toEqual([LINUX, LINUX, SPARE]);
    expect(wake.woken).toEqual(["assign/spare"]);
  });

  it("stays with the first where neither has room", async () => {
    const ids = await queue(3);
    await route(linux({ machineCountMax: 1 }), spare({ machineCountMax: 0 }));
    expect(await poolsOf(ids)).toEqual([LINUX, LINUX, LINUX]);
  });

  it.each<[MachineState["kind"], PoolName]>([
    ["planned", LINUX],
    ["provisioning", LINUX],
    ["parked", LINUX],
    ["engaged", SPARE],
    ["retiring", SPARE],
    ["gone", LINUX],
  ])("finds the room of a pool's one machine that is %s in %s", async (kind, wanted) => {
    await addMachine(1, LINUX, kind);
    const ids = await queue(1);
    await route(linux({ machineCountMax: 1 }), spare());
    expect(await poolsOf(ids)).toEqual([wanted]);
  });

  it("does not go to a pool that only observes, while another has room", async () => {
    const ids = await queue(1);
    await route(linux({ mode: "observe" }), spare());
    expect(await poolsOf(ids)).toEqual([SPARE]);
  });

  it("leaves a pool that an operator drained, even for one without room, and comes back after it", async () => {
    const ids = await queue(2);
    const mark = { operator: "alice", reason: "", atMs: 1 };
    await insertDrain(yard.store.db, { kind: "pool", id: LINUX }, mark);
    await route(linux(), spare({ machineCountMax: 0 }));
    expect(await poolsOf(ids)).toEqual([SPARE, SPARE]);
    await deleteDrain(yard.store.db, { kind: "pool", id: LINUX });
    await route(linux(), spare());
    expect(await poolsOf(ids)).toEqual([LINUX, LINUX]);
  });

  it("stays in a drained pool where no other runs it", async () => {
    const ids = await queue(1);
    await insertDrain(yard.store.db, { kind: "pool", id: LINUX }, { operator: "alice", reason: "", atMs: 1 });
    await route(linux(), spare({ mode: "observe" }));
    expect(await poolsOf(ids)).toEqual([LINUX]);
  });

  it("comes back once the first has room again", async () => {
    const ids = await queue(1);
    await route(linux({ machineCountMax: 0 }), spare());
    expect(await poolsOf(ids)).toEqual([SPARE]);
    await route(linux(), spare());
    expect(await poolsOf(ids)).toEqual([LINUX]);
    wake.woken.length = 0;
    await route(linux(), spare());
    expect(wake.woken).toEqual([]);
  });

  it.each(["minting", "issued", "delivered", "online", "unknown"] as const)(
    "stays where its ticket is that is %s",
    async (kind) => {
      const [id = parseJobId(1)] = await queue(1);
      await addMachine(1, LINUX, "parked");
      await insertTicket(yard.store.db, ticket({ id: ticketId(1), machineId: machineId(1), jobId: id, state: kind }));
      await route(linux({ machineCountMax: 0 }), spare());
      expect(await poolsOf([id])).toEqual([LINUX]);
    },
  );

  it.each(["running", "handing-back"] as const)(
    "moves on while its ticket is %s: that brings it no more",
    async (kind) => {
      const [id = parseJobId(1)] = await queue(1);
      await addMachine(1, LINUX, "engaged");
      await insertTicket(yard.store.db, ticket({ id: ticketId(1), machineId: machineId(1), jobId: id, state: kind }));
      await route(spare());
      expect(await poolsOf([id])).toEqual([SPARE]);
    },
  );

  it.each(["void", "barren", "spent", "lost"] as const)("moves on after its ticket was %s", async (kind) => {
    const [id = parseJobId(1)] = await queue(1);
    await addMachine(1, LINUX, "gone");
    await insertTicket(yard.store.db, ticket({ id: ticketId(1), machineId: machineId(1), jobId: id, state: kind }));
    await route(linux({ machineCountMax: 0 }), spare());
    expect(await poolsOf([id])).toEqual([SPARE]);
  });

  it("among equals goes to the one with fewest labels that it did not ask for", async () => {
    const ids = await queue(1);
    const big = linux({ priority: 0, labels: ["self-hosted", "linux", "x64", "gpu"] });
    await route(big, spare());
    expect(await poolsOf(ids)).toEqual([SPARE]);
  });

  it("does not go to a pool whose required label it does not name", async () => {
    const ids = await queue(1);
    await route(linux({ requiredLabels: ["x64"] }), spare());
    expect(await poolsOf(ids)).toEqual([SPARE]);
  });
});

describe("a pool that stands still", () => {
  const routeWhile = (still: Standstill) => {
    const standstill = (pool: PoolPolicy): Standstill => (pool.name === LINUX ? still : "none");
    return routeWaitingJobs({ ...yard.context, pools: [linux(), spare({ machineCountMax: 9 })], wake, standstill });
  };

  it.each<readonly [Standstill, MachineState["kind"] | null, readonly PoolName[]]>([
    ["none", null, [LINUX, LINUX, SPARE]],
    ["everything", null, [SPARE, SPARE, SPARE]],
    ["everything", "parked", [SPARE, SPARE, SPARE]],
    ["everything-but-one", null, [LINUX, SPARE, SPARE]],
    ["everything-but-one", "parked", [LINUX, SPARE, SPARE]],
    ["launches", null, [SPARE, SPARE, SPARE]],
    ["launches", "parked", [LINUX, SPARE, SPARE]],
    ["launches-but-one", null, [LINUX, SPARE, SPARE]],
    ["launches-but-one", "parked", [LINUX, LINUX, SPARE]],
  ])("in %s, one machine %s: takes no more jobs than it can do for", async (still, kind, wanted) => {
    const ids = await queue(3);
    if (kind !== null) await addMachine(1, LINUX, kind);
    await routeWhile(still);
    expect(await poolsOf(ids)).toEqual(wanted);
  });

  it("gets no second job to try while one waits there", async () => {
    const ids = await queue(3);
    await routeWhile("everything-but-one");
    await routeWhile("everything-but-one");
    expect(await poolsOf(ids)).toEqual([LINUX, SPARE, SPARE]);
  });
});

describe("the room of a pool", () => {
  it("is what can be started of what waits stopped, also where the pool is full", async () => {
    const ids = await queue(2);
    await addMachine(1, LINUX, "stopped");
    await route(spare(), linux({ machineCountMax: 1 }));
    expect((await poolsOf(ids)).toSorted()).toEqual([LINUX, SPARE]);
  });

  it("is what an engaged machine leaves, while its own job is still called queued", async () => {
    const ids = await queue(2);
    await addMachine(1, LINUX, "engaged");
    await insertTicket(yard.store.db, ticket({ machineId: machineId(1), jobId: parseJobId(1), state: "delivered" }));
    await route(linux({ machineCountMax: 2 }), spare());
    expect(await poolsOf(ids)).toEqual([LINUX, LINUX]);
  });

  it("is the oldest jobs', and the youngest go on to the next pool", async () => {
    const ids = await queue(3);
    await route(linux({ machineCountMax: 2 }), spare());
    expect(await poolsOf(ids)).toEqual([LINUX, LINUX, SPARE]);
  });
});

describe("a waiting job whose pool left the configuration", () => {
  it("goes to the one that takes it now", async () => {
    const ids = await queue(1);
    await route(spare());
    expect(await poolsOf(ids)).toEqual([SPARE]);
    expect(wake.woken).toEqual(["assign/spare"]);
  });

  it("is nobody's, and says so, where no pool takes it", async () => {
    const [id = parseJobId(1)] = await queue(1);
    await route(spare({ labels: ["windows"] }));
    expect(await poolsOf([id])).toEqual([null]);
    const decisions = await listDecisions(yard.store.db, jobSubject(connectionName(), id), 10);
    expect(decisions.map(({ reason }) => reason)).toEqual(["no-pool"]);
  });
});

it("leaves jobs alone that are not queued", async () => {
  const ids = await queue(2);
  for (const id of ids) await yard.tell(id, { status: "completed", conclusion: "cancelled" });
  await route(spare());
  expect(await poolsOf(ids)).toEqual([LINUX, LINUX]);
});
