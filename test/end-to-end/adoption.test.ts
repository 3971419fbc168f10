/** Rows that are lost, and stores that were restored from a backup, with real processes: no job ends, and nothing is left. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import type { MachinesAnswer } from "../../src/http/operators/answers.ts";
import { type House, openHouse, until } from "./house.ts";

const PATIENCE_MS = 120_000;
const TEST_MS = 360_000;
/** A machine that nobody stops is up within this, also where everything takes several times as long. */
const BOOT_DEADLINE = "12s";
const PAST_BOOT_DEADLINE_SECONDS = 20;

let house: House;
afterEach(() => house.close());

const file = (name: string) => join(house.directory, name);
const ran = () => (existsSync(file("ran")) ? readFileSync(file("ran"), "utf8").trim().split("\n") : []);

/** Runs until it is told to go on, and leaves a line at its begin and at its end. */
function heldJob(name: string): number {
  const wait = `while [ ! -e ${file(`go-${name}`)} ]; do sleep 0.1; done`;
  return house.queue([`echo "begin ${name}" >> ${file("ran")}`, wait, `echo "end ${name}" >> ${file("ran")}`], name);
}

const letGo = (name: string) => writeFileSync(file(`go-${name}`), "");

async function untilRuns(...names: readonly string[]): Promise<void> {
  const isRunning = () => names.every((name) => ran().includes(`begin ${name}`));
  await until(isRunning, PATIENCE_MS, () => `${names} run; so far: ${ran()}`);
}

function inStore<Result>(use: (db: DatabaseSync) => Result): Result {
  const db = new DatabaseSync(file("holdfast.db"), { timeout: 10_000 });
  try {
    return use(db);
  } finally {
    db.close();
  }
}

interface MachineFacts {
  readonly id: string;
  readonly origin: string;
  readonly state: string;
  readonly is_agent_seen: number;
}

const machineRows = () =>
  inStore(
    (db) => db.prepare("select id, origin, state, is_agent_seen from machines").all() as unknown as MachineFacts[],
  );

/** As a person would who clears up by hand. */
function deleteRows(machineId: string): void {
  inStore((db) => {
    db.exec("begin immediate");
    db.prepare("delete from ticket_secrets where ticket_id in (select id from tickets where machine_id = ?)").run(
      machineId,
    );
    for (const table of ["tickets", "machine_logs", "check_ins"])
      db.prepare(`delete from ${table} where machine_id = ?`).run(machineId);
    db.prepare("delete from machines where id = ?").run(machineId);
    db.exec("commit");
  });
}

async function untilAdopted(machineId: string): Promise<void> {
  const isAdopted = () => machineRows().some(({ id, origin }) => id === machineId && origin === "adopted");
  await until(isAdopted, PATIENCE_MS, () => `${machineId} is adopted`);
}

async function untilRowsGone(): Promise<MachinesAnswer["machines"]> {
  const all = async () => (await house.get<MachinesAnswer>("/api/v1/machines?all=true")).machines;
  const isGone = async () => (await all()).every(({ state }) => state === "gone");
  await until(isGone, PATIENCE_MS, () => "a row of a machine that is not there stays open");
  return all();
}

/** The machine of the first job, stopped as a whole before its agent could say a word. */
async function stopBeforeCheckIn(): Promise<{ readonly machineId: string; readonly pids: readonly number[] }> {
  const stopped = new Set<number>();
  const machineId = () => machineRows().find(({ state }) => state === "provisioning")?.id ?? null;
  const stopAll = () => {
    for (const { pid } of house.processes()) {
      if (!stopped.has(pid)) process.kill(pid, "SIGSTOP");
      stopped.add(pid);
    }
  };
  await until(
    () => {
      stopAll();
      return stopped.size > 0 && machineId() !== null;
    },
    PATIENCE_MS,
    () => "a machine starts",
  );
  stopAll();
  const id = machineId() ?? "";
  expect(machineRows()).toMatchObject([{ id, is_agent_seen: 0 }]);
  return { machineId: id, pids: [...stopped] };
}

describe("a machine whose rows are deleted by hand", () => {
  it(
    "runs its job to the end, is adopted, and goes",
    async () => {
      house = await openHouse({ machines: { max: 2 } });
      await house.start();
      const id = heldJob("one");
      await untilRuns("one");
      const [machine] = machineRows();
      deleteRows(machine?.id ?? "");
      await untilAdopted(machine?.id ?? "");
      const isNamed = () =>
        inStore((db) => db.prepare("select state from tickets where state = 'running'").all()).length === 1;
      await until(isNamed, PATIENCE_MS, () => "its host named the ticket that it holds");
      letGo("one");
      expect(await house.untilCompleted([id], PATIENCE_MS)).toEqual(["success"]);
      await house.untilEmpty(PATIENCE_MS);
      expect(ran()).toEqual(["begin one", "end one"]);
      const [row, ...others] = await untilRowsGone();
      expect([row?.id, row?.proof, row?.retireReason, others]).toEqual([machine?.id, "parked", "adopted", []]);
    },
    TEST_MS,
  );

  it(
    "before its agent checks in: it is not ended past its boot deadline, and goes by its agent's word",
    async () => {
      house = await openHouse({ machines: { max: 3 }, warm: { parked: 1 }, deadlines: { boot: BOOT_DEADLINE } });
      await house.start();
      const { machineId, pids } = await stopBeforeCheckIn();
      deleteRows(machineId);
      await untilAdopted(machineId);
      const first = house.queue([`sleep ${PAST_BOOT_DEADLINE_SECONDS}`], "longer than the boot deadline");
      expect(await house.untilCompleted([first], PATIENCE_MS)).toEqual(["success"]);
      expect(house.processes().filter((one) => one.machineId === machineId)).not.toEqual([]);
      for (const pid of pids) process.kill(pid, "SIGCONT");
      await untilOnlyWarmLeft();
      const { machines } = await house.get<MachinesAnswer>("/api/v1/machines?all=true");
      expect(machines.find(({ id }) => id === machineId)).toMatchObject({ proof: "parked", retireReason: "adopted" });
    },
    TEST_MS,
  );
});

describe("a machine of our own launch whose agent is late", () => {
  it(
    "is ended past its boot deadline by the proof never-engaged, and its job runs elsewhere",
    async () => {
      house = await openHouse({ machines: { max: 2 }, deadlines: { boot: BOOT_DEADLINE } });
      await house.start();
      const id = house.queue(["true"]);
      const { machineId } = await stopBeforeCheckIn();
      expect(await house.untilCompleted([id], PATIENCE_MS)).toEqual(["success"]);
      await house.untilEmpty(PATIENCE_MS);
      const rows = await untilRowsGone();
      expect(rows.find((row) => row.id === machineId)).toMatchObject({ proof: "never-engaged" });
    },
    TEST_MS,
  );
});

describe("a store restored from a backup", () => {
  it(
    "loses no job that runs, runs none twice, and leaves nothing",
    async () => {
      house = await openHouse({ machines: { max: 6 }, warm: { parked: 1 } });
      await house.start();
      const before = heldJob("before");
      await untilRuns("before");
      const isWarm = () => machineRows().some(({ state }) => state === "parked");
      await until(isWarm, PATIENCE_MS, () => "a machine is parked");
      inStore((db) => db.exec(`vacuum into '${file("backup.db")}'`));
      // The machine that is parked in the backup takes one of these, and machines that it does not know take the others.
      const since = ["second", "third", "fourth"].map((name) => heldJob(name));
      await untilRuns("second", "third", "fourth");
      letGo("second");
      await house.untilCompleted(since.slice(0, 1), PATIENCE_MS);
      await house.kill();
      for (const end of ["", "-wal", "-shm"]) rmSync(file(`holdfast.db${end}`), { force: true });
      renameSync(file("backup.db"), file("holdfast.db"));
      await house.start();
      const restoredAt = () => inStore((db) => db.prepare("select restored_ms from store_facts").get()?.restored_ms);
      await until(
        () => restoredAt() !== null,
        PATIENCE_MS,
        () => "the store is known to be a backup",
      );
      for (const name of ["before", "third", "fourth"]) letGo(name);
      const ids = [before, ...since];
      expect(await house.untilCompleted(ids, PATIENCE_MS)).toEqual(ids.map(() => "success"));
      await untilOnlyWarmLeft();
      const names = ["before", "second", "third", "fourth"];
      expect(ran().sort()).toEqual(names.flatMap((name) => [`begin ${name}`, `end ${name}`]).sort());
      const open = machineRows().filter(({ state }) => state !== "gone");
      expect(open).toMatchObject([{ origin: "launched", state: "parked" }]);
    },
    TEST_MS,
  );
});

async function untilOnlyWarmLeft(): Promise<void> {
  const machineIds = () => new Set(house.processes().map((one) => one.machineId));
  const isOver = () => {
    const open = machineRows().filter(({ state }) => state !== "gone");
    const isOneParked = open.length === 1 && open[0]?.state === "parked" && open[0].origin === "launched";
    const isRest = machineIds().size === 1 && house.machineFolders().length === 1;
    return isOneParked && isRest && house.github.runners().length === 0;
  };
  const describeRest = () => JSON.stringify([machineRows(), [...machineIds()], house.github.runners()]);
  await until(isOver, PATIENCE_MS, describeRest);
}
