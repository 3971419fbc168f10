/** Real stores on the world's database: what a process leaves there that dies, stands still, or is not alone. */
import { sql } from "kysely";
import { expect, it } from "vitest";
import { HOUR_MS } from "../../../src/domain/units.ts";
import { WorldDatabase } from "../../../src/simulator/world/database.ts";
import { WorldProcess } from "../../../src/simulator/world/process.ts";
import { Scheduler } from "../../../src/simulator/world/scheduler.ts";
import { DATABASE_NOW_MS } from "../../../src/store/database-clock.ts";
import type { Store } from "../../../src/store/store.ts";

const START_MS = 1_000_000;

class Scene {
  readonly scheduler = new Scheduler(START_MS);
  readonly happened: string[] = [];
  delaysMs: number[] = [];
  readonly database = new WorldDatabase(this.scheduler, { delayMs: () => this.delaysMs.shift() ?? 0 });

  async open(name = "controller-1"): Promise<{ readonly process: WorldProcess; readonly store: Store }> {
    const process = new WorldProcess(
      name,
      this.scheduler,
      () => 0,
      () => this.database.abandon(process),
    );
    let store: Store | null = null;
    process.deliver(() => {
      this.database.openStore(process).then(
        (opened) => {
          store = opened;
        },
        (error: unknown) => this.note(`${name}: ${String(error)}`),
      );
    });
    await this.pass(0);
    if (store === null) throw new Error("the store did not open");
    return { process, store };
  }

  note(what: string): void {
    this.happened.push(`${this.scheduler.nowMs - START_MS} ${what}`);
  }

  async pass(forMs: number): Promise<void> {
    this.scheduler.after(0, () => this.scheduler.disturb());
    await this.scheduler.runUntil(this.scheduler.nowMs + forMs);
  }

  /** Adds a row, waits, adds another, and commits; or dies on its way. */
  write(process: WorldProcess, store: Store, waitMs: number): void {
    process.deliver(() => {
      store.db
        .transaction()
        .execute(async (tx) => {
          await sql`insert into notes (text) values (${`${process.name} begins`})`.execute(tx);
          if (waitMs > 0) await process.clock.sleep(waitMs);
          await sql`insert into notes (text) values (${`${process.name} ends`})`.execute(tx);
        })
        .then(
          () => this.note(`${process.name} has committed`),
          (error: unknown) => this.note(`${process.name} failed: ${String(error)}`),
        );
    });
  }

  notes(): readonly string[] {
    return this.database.read("select text from notes order by rowid").map(({ text }) => String(text));
  }
}

async function begin(): Promise<Scene & { readonly first: Awaited<ReturnType<Scene["open"]>> }> {
  const scene = new Scene();
  const first = await scene.open();
  scene.database.read("create table notes (text text not null) strict");
  return Object.assign(scene, { first });
}

it("keeps what a process committed before it died", async () => {
  const scene = await begin();
  const { process, store } = scene.first;
  scene.write(process, store, 0);
  await scene.pass(0);
  process.kill();
  expect(scene.notes()).toEqual(["controller-1 begins", "controller-1 ends"]);
  expect(scene.happened).toEqual(["0 controller-1 has committed"]);
});

it("rolls back what a process had not committed when it died, and nothing of it runs on", async () => {
  const scene = await begin();
  const { process, store } = scene.first;
  scene.write(process, store, 50);
  await scene.pass(10);
  expect(scene.notes()).toEqual(["controller-1 begins"]);
  expect(scene.database.isBeingWritten).toBe(true);
  process.kill();
  expect(scene.notes()).toEqual([]);
  expect(scene.database.isBeingWritten).toBe(false);
  await scene.pass(HOUR_MS);
  expect(scene.notes()).toEqual([]);
  expect(scene.happened).toEqual([]);
});

/** `begin`, two inserts, `commit`. */
it.each<[number, readonly string[]]>([
  [1, []],
  [2, []],
  [3, []],
  [4, []],
  [5, ["controller-1 begins", "controller-1 ends"]],
])(
  "leaves all or nothing of a transaction whose process dies at query %i, and says nothing of it",
  async (count, notes) => {
    const scene = await begin();
    const { process, store } = scene.first;
    process.killAtQuery(count);
    scene.write(process, store, 0);
    scene.write(process, store, 0);
    await scene.pass(HOUR_MS);
    expect(process.isDead).toBe(true);
    expect(scene.notes()).toEqual(notes);
    expect(scene.happened).toEqual(count === 5 ? ["0 controller-1 has committed"] : []);
  },
);

it("keeps a transaction whose process dies right after its commit, and never hears of it", async () => {
  const scene = await begin();
  const { process, store } = scene.first;
  // `begin`, one insert, `commit`.
  process.killAtQuery(3);
  process.deliver(() => {
    const written = store.db
      .transaction()
      .execute((tx) => sql`insert into notes (text) values ('written')`.execute(tx));
    written.then(
      () => scene.note("heard of"),
      () => scene.note("failed"),
    );
  });
  await scene.pass(HOUR_MS);
  expect(scene.notes()).toEqual(["written"]);
  expect(scene.happened).toEqual([]);
});

it("lets one process write after the other, and the next one at once where the writer dies", async () => {
  const scene = await begin();
  const second = await scene.open("controller-2");
  scene.write(scene.first.process, scene.first.store, 50);
  await scene.pass(10);
  scene.write(second.process, second.store, 50);
  await scene.pass(39);
  expect(scene.notes()).toEqual(["controller-1 begins"]);
  await scene.pass(1);
  expect(scene.notes()).toEqual(["controller-1 begins", "controller-1 ends", "controller-2 begins"]);
  const third = await scene.open("controller-3").catch(() => null);
  expect(third).toBeNull();
  await scene.pass(10);
  second.process.kill();
  await scene.pass(0);
  expect(scene.notes()).toEqual(["controller-1 begins", "controller-1 ends"]);
  await scene.open("controller-4");
});

it("does not let a process write that died while it waited for another's transaction", async () => {
  const scene = await begin();
  const second = await scene.open("controller-2");
  scene.write(scene.first.process, scene.first.store, 50);
  scene.write(second.process, second.store, 0);
  await scene.pass(10);
  second.process.kill();
  await scene.pass(HOUR_MS);
  expect(scene.notes()).toEqual(["controller-1 begins", "controller-1 ends"]);
  expect(scene.happened).toEqual(["50 controller-1 has committed"]);
});

it("asks nothing any more for a process that dies in the same moment", async () => {
  const scene = await begin();
  const { process, store } = scene.first;
  process.deliver(() => {
    void sql`insert into notes (text) values ('after its death')`.execute(store.db);
    process.kill();
  });
  await scene.pass(HOUR_MS);
  expect(scene.notes()).toEqual([]);
});

it("takes its time for a query where it is to", async () => {
  const scene = await begin();
  scene.delaysMs = [0, 300];
  scene.write(scene.first.process, scene.first.store, 0);
  await scene.pass(299);
  expect(scene.notes()).toEqual([]);
  await scene.pass(1);
  expect(scene.happened).toEqual(["300 controller-1 has committed"]);
});

it("has the world's clock, which nobody sets", async () => {
  const scene = await begin();
  await scene.pass(HOUR_MS + 123);
  const { process, store } = scene.first;
  process.deliver(() => {
    sql<{ now_ms: number }>`select ${DATABASE_NOW_MS} as now_ms`.execute(store.db).then(
      ({ rows }) => scene.note(`the clock says ${(rows[0]?.now_ms ?? 0) - START_MS}`),
      (error: unknown) => scene.note(String(error)),
    );
  });
  await scene.pass(0);
  expect(scene.happened).toEqual([`${HOUR_MS + 123} the clock says ${HOUR_MS + 123}`]);
});

it("is put back to a backup: every table, with its keys and its numbers", async () => {
  const scene = await begin();
  const { store, process } = scene.first;
  const facts = () => scene.database.read("select generation from store_facts");
  scene.database.read("create table owners (id integer primary key autoincrement, name text) strict");
  scene.database.read("create table owned (of integer not null references owners (id)) strict");
  scene.database.read("insert into owners (name) values ('one')");
  scene.database.read("insert into owned (of) values (1)");
  const backup = scene.database.backUp();
  const before = facts();
  await scene.open("controller-2");
  scene.database.read("update owners set name = 'changed'");
  scene.database.read("insert into owners (name) values ('two')");
  scene.database.read("insert into owned (of) values (2)");
  scene.write(process, store, 0);
  await scene.pass(0);
  expect(facts()).not.toEqual(before);
  process.kill();
  scene.database.restore(backup);
  expect(facts()).toEqual(before);
  expect(scene.notes()).toEqual([]);
  expect(scene.database.read("select id, name from owners")).toEqual([{ id: 1, name: "one" }]);
  expect(scene.database.read("select of from owned")).toEqual([{ of: 1 }]);
  expect(() => scene.database.read("insert into owned (of) values (9)")).toThrow("FOREIGN KEY");
  scene.database.read("insert into owners (name) values ('three')");
  expect(scene.database.read("select max(id) as id from owners")).toEqual([{ id: 2 }]);
  await scene.open("controller-3");
});
