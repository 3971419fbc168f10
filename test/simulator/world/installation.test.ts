/** The real Holdfast, started, killed, stopped and put back; nothing else happens in its world. */
import { expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { WorldDatabase } from "../../../src/simulator/world/database.ts";
import type { Exchange } from "../../../src/simulator/world/host.ts";
import type { Installation } from "../../../src/simulator/world/installation.ts";
import { createWorld, type World } from "../../../src/simulator/world/world.ts";
import { tinyScenario } from "./tiny-scenario.ts";

class Scene {
  readonly said: string[] = [];
  readonly world: World = createWorld(tinyScenario(), 1, ({ atMs, text, subjects }) =>
    this.said.push([`${atMs / SECOND_MS}`, text, ...subjects].join(" ")),
  );
  readonly installation: Installation;
  readonly database: WorldDatabase;

  constructor() {
    const { installation, database } = this.world;
    if (installation === null || database === null) throw new Error("it is Holdfast's world");
    this.installation = installation;
    this.database = database;
    installation.start();
  }

  get name(): string | null {
    return this.installation.current?.process.name ?? null;
  }

  /** @returns how it was answered; undefined until it is. */
  call(): { readonly isTaken: boolean; readonly answer: () => Exchange | undefined; readonly abort: () => void } {
    const answers: Exchange[] = [];
    const broken = new AbortController();
    const isTaken = this.installation.receive("report", "nobody's", {}, broken.signal, (answer) =>
      answers.push(answer),
    );
    return { isTaken, answer: () => answers[0], abort: () => broken.abort() };
  }

  pass(forMs: number): Promise<void> {
    return this.world.scheduler.runUntil(this.world.scheduler.nowMs + forMs);
  }
}

const generationOf = ({ database }: Scene) =>
  Number(database.read("select generation from store_facts")[0]?.generation);

async function begin(): Promise<Scene> {
  const scene = new Scene();
  expect(scene.name).toBeNull();
  await scene.pass(10 * SECOND_MS);
  expect(scene.said).toEqual(["0 a controller starts controller-1"]);
  expect(scene.name).toBe("controller-1");
  scene.said.length = 0;
  return scene;
}

it("answers whoever calls", async () => {
  const scene = await begin();
  const called = scene.call();
  expect(called.isTaken).toBe(true);
  await scene.pass(SECOND_MS);
  expect(called.answer()).toMatchObject({ status: 400 });
});

it("takes no call before it has started, nor once it is dead, and starts again some seconds later", async () => {
  expect(new Scene().call().isTaken).toBe(false);
  const scene = await begin();
  scene.installation.crash(null);
  scene.installation.crash(null);
  expect(scene.name).toBeNull();
  expect(scene.call().isTaken).toBe(false);
  await scene.pass(2_999);
  expect(scene.name).toBeNull();
  await scene.pass(SECOND_MS);
  expect(scene.name).toBe("controller-2");
  expect(scene.said).toEqual(["10 a controller is dead controller-1", "13 a controller starts controller-2"]);
});

it("dies in the midst of its queries, and leaves no transaction open", async () => {
  const scene = await begin();
  scene.installation.crash(40);
  await scene.pass(5 * MINUTE_MS);
  expect(scene.said[0]).toMatch(/ a controller is dead controller-1$/);
  expect(scene.said[1]).toMatch(/ a controller starts controller-2$/);
  expect(scene.said).toHaveLength(2);
  expect(scene.database.isBeingWritten).toBe(false);
});

it("leaves nothing of a transaction in the midst of which it dies", async () => {
  const scene = await begin();
  const running = scene.installation.current;
  running?.process.deliver(() => {
    void running.sources.store.db.transaction().execute(async (tx) => {
      await tx.updateTable("leases").set({ holder: "nobody" }).execute();
      await running.process.clock.sleep(HOUR_MS);
    });
  });
  await scene.pass(SECOND_MS);
  expect(scene.database.isBeingWritten).toBe(true);
  scene.installation.crash(null);
  expect(scene.database.isBeingWritten).toBe(false);
  expect(scene.database.read("select holder from leases")).toEqual([{ holder: "controller-1" }]);
  await scene.pass(5 * SECOND_MS);
  expect(scene.name).toBe("controller-2");
});

it("tells nobody of a death whose call another process has", async () => {
  const scene = await begin();
  const first = scene.installation.current?.process;
  scene.installation.double(HOUR_MS);
  await scene.pass(SECOND_MS);
  scene.installation.pause(MINUTE_MS);
  const called = scene.call();
  first?.kill();
  await scene.pass(SECOND_MS);
  expect(called.answer()).toBeUndefined();
  await scene.pass(MINUTE_MS);
  expect(called.answer()).toMatchObject({ status: 400 });
});

it("tells those whose calls it had not answered that the connection is gone, once", async () => {
  const scene = await begin();
  scene.installation.pause(HOUR_MS);
  const [first, second] = [scene.call(), scene.call()];
  await scene.pass(SECOND_MS);
  expect([first.answer(), second.answer()]).toEqual([undefined, undefined]);
  scene.installation.crash(null);
  await scene.pass(0);
  expect([first.answer(), second.answer()]).toEqual([null, null]);
});

it("takes calls while it stands still, and answers when it goes on", async () => {
  const scene = await begin();
  scene.installation.pause(MINUTE_MS);
  const called = scene.call();
  expect(called.isTaken).toBe(true);
  await scene.pass(MINUTE_MS - 1);
  expect(called.answer()).toBeUndefined();
  await scene.pass(SECOND_MS);
  expect(called.answer()).toMatchObject({ status: 400 });
  expect(scene.name).toBe("controller-1");
});

it("is stopped in order for a new version, which starts when it is gone and has the lease at once", async () => {
  const scene = await begin();
  const lease = () => scene.database.read("select holder, epoch from leases")[0];
  expect(lease()).toEqual({ holder: "controller-1", epoch: 1 });
  scene.installation.deploy();
  await scene.pass(7 * SECOND_MS);
  expect(scene.said.map((line) => line.replace(/^\S+ /, ""))).toEqual([
    "a new version is deployed controller-1",
    "a controller is dead controller-1",
    "a controller starts controller-2",
  ]);
  await scene.pass(SECOND_MS);
  expect(lease()).toEqual({ holder: "controller-2", epoch: 2 });
});

it("is killed ten seconds after it was asked to stop, where it stands still", async () => {
  const scene = await begin();
  scene.installation.pause(HOUR_MS);
  scene.installation.deploy();
  await scene.pass(9_999);
  expect(scene.installation.current?.process.isDead).toBe(false);
  await scene.pass(4 * SECOND_MS);
  expect(scene.name).toBe("controller-2");
});

it("is there twice for a while: the second answers, the first stands still, goes on, and is killed", async () => {
  const scene = await begin();
  const first = scene.installation.current?.process;
  scene.installation.double(MINUTE_MS);
  await scene.pass(SECOND_MS);
  expect(scene.name).toBe("controller-2");
  expect([first?.isRunning, first?.isDead]).toEqual([false, false]);
  await scene.pass(MINUTE_MS);
  expect(first?.isRunning).toBe(true);
  await scene.pass(2 * MINUTE_MS);
  expect(first?.isDead).toBe(true);
  await scene.pass(MINUTE_MS);
  // One of them lives: nobody starts a third.
  expect(scene.name).toBe("controller-2");
  expect(scene.said.filter((line) => line.includes("starts controller"))).toHaveLength(1);
});

it("does not take the lease from one that may only stand still until it has run out", async () => {
  const scene = await begin();
  const holder = () => scene.database.read("select holder from leases")[0]?.holder;
  scene.installation.double(3 * MINUTE_MS);
  await scene.pass(5 * SECOND_MS);
  expect(holder()).toBe("controller-1");
  await scene.pass(2 * MINUTE_MS);
  expect(holder()).toBe("controller-2");
});

it("is put back to a backup: all of it dies, and what starts then finds the old store", async () => {
  const scene = await begin();
  const before = generationOf(scene);
  const backup = scene.database.backUp();
  scene.installation.double(10 * MINUTE_MS);
  await scene.pass(MINUTE_MS);
  const later = generationOf(scene);
  expect(later).toBeGreaterThan(before);
  scene.installation.restore(backup);
  expect(generationOf(scene)).toBe(before);
  expect(scene.name).toBeNull();
  await scene.pass(SECOND_MS);
  expect(generationOf(scene)).toBe(before);
  await scene.pass(MINUTE_MS);
  expect(scene.name).toBe("controller-3");
  expect(scene.said.filter((line) => line.includes("is dead"))).toHaveLength(2);
});

it("starts again where it could not start", async () => {
  const scene = new Scene();
  scene.database.read("create table schema_migrations (nonsense text) strict");
  await scene.pass(SECOND_MS);
  expect(scene.said[1]).toMatch(/could not start: HoldfastError/);
  expect(scene.name).toBeNull();
  scene.database.read("drop table schema_migrations");
  await scene.pass(5 * SECOND_MS);
  expect(scene.name).toBe("controller-2");
});
