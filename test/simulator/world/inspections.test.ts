/** What no single event shows: each finding in a world where it is so, and in the nearest one where it is not. */
import { describe, expect, it, vi } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Runner } from "../../../src/simulator/github/state.ts";
import { findLeftovers, isNothingLeft, judgeEnd, type Leftovers } from "../../../src/simulator/world/inspections.ts";
import type { WorldTelemetry } from "../../../src/simulator/world/telemetry.ts";
import { startTroubles } from "../../../src/simulator/world/troubles.ts";
import { pool } from "../../domain/builders.ts";
import { LOOK_EVERY_MS, Scene } from "./inspections-scene.ts";
import { type RunnerTruth, host as truthOf } from "./judge-scene.ts";
import { plannedJob } from "./tiny-scenario.ts";

/** Some take seconds, on a machine that may be busy. */
vi.setConfig({ testTimeout: 120_000 });

const NOTHING: Leftovers = { openJobs: [], machines: [], registrations: [], ticketCount: 0 };

const WARM = { pools: [pool({ machineCountMax: 3, warmParkedCount: 1, warmRegisteredCount: 1 })] };

it("counts the machines that no row knows, and no other", async () => {
  const scene = await new Scene(WARM).begin();
  await scene.pass(LOOK_EVERY_MS);
  expect(scene.world.provider.hosts.size).toBe(2);
  expect(scene.inspections.strayMax).toBe(0);
  scene.standStill();
  scene.sql("update machines set state = 'gone' where state = 'parked'");
  scene.addMachine();
  await scene.pass(LOOK_EVERY_MS);
  expect(scene.inspections.strayMax).toBe(2);
  expect(scene.said).toEqual([]);
});

it.each(["online", "minting", "unknown"])("I3: a machine has a second live ticket, %s", async (state) => {
  const scene = await new Scene(WARM).begin();
  await scene.pass(LOOK_EVERY_MS);
  const [ticket] = scene.sql("select * from tickets where state = 'online'");
  if (ticket === undefined) throw new Error("no listener waits");
  scene.standStill();
  scene.sql("drop index tickets_live_machine");
  const add = (other: object) => {
    const row = { ...ticket, ...other };
    const places = Object.keys(row).map(() => "?");
    scene.sql(`insert into tickets (${Object.keys(row)}) values (${places})`, ...Object.values(row));
  };
  add({ id: "t-over", runner_name: "over", state: "spent" });
  await scene.pass(LOOK_EVERY_MS);
  expect(scene.said).toEqual([]);
  add({ id: "t-second", runner_name: "second", state });
  await scene.pass(LOOK_EVERY_MS);
  expect(scene.said).toEqual([`I3 machine ${String(ticket.machine_id)} has 2 live tickets`]);
});

it("looks at no store that is being written", async () => {
  const scene = await new Scene(WARM).begin();
  await scene.pass(LOOK_EVERY_MS - MINUTE_MS);
  const running = scene.world.installation?.current;
  running?.process.deliver(() => {
    void running.sources.store.db.transaction().execute(async (tx) => {
      await tx.updateTable("machines").set({ state: "gone" }).execute();
      await running.process.clock.sleep(2 * MINUTE_MS);
    });
  });
  await scene.pass(MINUTE_MS);
  expect(scene.world.database?.isBeingWritten).toBe(true);
  expect(scene.inspections.strayMax).toBe(0);
});

it("GitHub is back when the faults stop: what must be found after them could not be found before", async () => {
  const outage = { kind: "github.outage", everyMs: MINUTE_MS, forMs: [10 * HOUR_MS, 10 * HOUR_MS] } as const;
  const scene = await new Scene({ faults: [outage], faultsEndMs: 20 * MINUTE_MS }).begin();
  startTroubles(scene.world);
  await scene.pass(19 * MINUTE_MS);
  expect(scene.world.githubRemote.isOut).toBe(true);
  await scene.pass(MINUTE_MS);
  expect(scene.world.githubRemote.isOut).toBe(false);
});

it("I6: a job waits and nobody knows of it, long after the faults", async () => {
  const scene = await new Scene().begin(true);
  scene.queue();
  await scene.pass(2 * LOOK_EVERY_MS - SECOND_MS);
  expect(scene.said).toEqual([expect.stringMatching(/^I6 job \d+ waits and nobody knows of it$/)]);
});

it("finds nothing in a job that nobody has heard of while faults last, or that has only just come", async () => {
  const faulty = await new Scene({ faultsEndMs: HOUR_MS }).begin(true);
  faulty.queue();
  const young = await new Scene().begin(true);
  await young.pass(LOOK_EVERY_MS);
  young.queue();
  for (const scene of [faulty, young]) {
    await scene.pass(LOOK_EVERY_MS + MINUTE_MS);
    expect(scene.said).toEqual([]);
  }
  // To the hour, and twenty minutes more: before that GitHub may have been out until the faults stopped.
  await faulty.pass(4 * LOOK_EVERY_MS);
  expect(faulty.said).toEqual([]);
  await faulty.pass(LOOK_EVERY_MS);
  expect(faulty.said).toContainEqual(expect.stringMatching(/^I6 job \d+ waits and nobody knows of it$/));
});

/** There is no room, so that jobs wait; machines are kept, for they are to wait. */
const WAITING = {
  pools: [pool({ machineCountMax: 2, warmParkedCount: 2 })],
  workload: { jobs: [plannedJob("a", { labels: ["linux"] })], arrivals: null },
};

it("finds a reason for whatever waits", async () => {
  const scene = await new Scene({ ...WAITING, pools: [pool({ machineCountMax: 0 })] }).begin();
  scene.world.workload.start(0);
  const warm = await new Scene(WAITING).begin();
  for (const each of [scene, warm]) await each.pass(2 * LOOK_EVERY_MS);
  expect([...scene.said, ...warm.said]).toEqual([]);
});

it("I6: a job waits, or a machine is kept, and nobody says why at two looks", async () => {
  const jobs = await new Scene({ ...WAITING, pools: [pool({ machineCountMax: 0 })] }).begin();
  const warm = await new Scene(WAITING).begin();
  for (const scene of [jobs, warm])
    scene.sql("create trigger silent after insert on decisions begin delete from decisions where id = new.id; end");
  jobs.world.workload.start(0);
  for (const scene of [jobs, warm]) {
    await scene.pass(LOOK_EVERY_MS);
    expect(scene.said).toEqual([]);
    await scene.pass(LOOK_EVERY_MS);
  }
  expect(jobs.said).toEqual(["I6 job a waits or is kept, and nobody says why"]);
  expect(new Set(warm.said)).toEqual(
    new Set(warm.said.filter((what) => /^I6 machine m-\S+ waits or is kept/.test(what))),
  );
  expect(warm.said).toHaveLength(2);
});

it("I6: what waits cannot be explained", async () => {
  const scene = await new Scene(WARM).begin();
  await scene.pass(LOOK_EVERY_MS - MINUTE_MS);
  scene.sql("drop table evidence");
  await scene.pass(2 * MINUTE_MS);
  expect(scene.said.length).toBeGreaterThan(0);
  for (const what of scene.said) expect(what).toMatch(/^I6 machine m-\S+ cannot be explained: .*evidence/);
});

it("I4: a machine that is not ours is to be ended, told once", async () => {
  const scene = await new Scene().begin();
  scene.standStill();
  const [first, second] = scene.world.provider.listTagged("owner", "somebody-else");
  const end = (id = "") => scene.world.provider.terminate(id, { by: "controller", proof: "idle" });
  await scene.pass(LOOK_EVERY_MS);
  expect(scene.said).toEqual([]);
  end(first?.providerId);
  await scene.pass(2 * LOOK_EVERY_MS);
  expect(scene.said).toEqual(["I4 1 machines that are not ours were to be ended"]);
  end(second?.providerId);
  scene.inspections.checkForeign();
  expect(scene.said).toHaveLength(2);
});

it("adds up for how long machines were of no use, beyond half an hour and those that are to wait", async () => {
  const scene = await new Scene().begin(true);
  const warm = await new Scene({ pools: [pool({ warmParkedCount: 1 })] }).begin(true);
  for (const each of [scene, warm]) each.standStill();
  scene.addMachine();
  warm.addMachine();
  for (const each of [scene, warm]) await each.pass(30 * MINUTE_MS);
  expect([scene.inspections.leakedMs, warm.inspections.leakedMs]).toEqual([0, 0]);
  for (const each of [scene, warm]) await each.pass(30 * MINUTE_MS);
  expect([scene.inspections.leakedMs, warm.inspections.leakedMs]).toEqual([30 * MINUTE_MS, 0]);
});

it("finds nothing left where nothing was", async () => {
  const scene = await new Scene().begin();
  await scene.pass(MINUTE_MS);
  expect(findLeftovers(scene.world)).toEqual(NOTHING);
  expect(isNothingLeft(findLeftovers(scene.world))).toBe(true);
});

it("finds what is left: jobs, machines, our registrations and tickets", async () => {
  const scene = await new Scene(WARM).begin();
  await scene.pass(5 * MINUTE_MS);
  // One is parked and one has a listener that waits, as they are to.
  expect(findLeftovers(scene.world)).toEqual(NOTHING);
  scene.standStill();
  scene.queue();
  scene.addMachine();
  scene.register("whatever-we-registered");
  const [ticket] = scene.sql("select * from tickets where state = 'online'");
  scene.sql("drop index tickets_live_machine");
  const row = { ...ticket, id: "t-second", runner_name: "second" };
  const places = Object.keys(row).map(() => "?");
  scene.sql(`insert into tickets (${Object.keys(row)}) values (${places})`, ...Object.values(row));
  const left = findLeftovers(scene.world);
  expect(left.openJobs).toHaveLength(1);
  expect(left.machines).toHaveLength(1);
  expect(left.registrations).toEqual(["whatever-we-registered"]);
  expect(left.ticketCount).toBe(1);
  expect(isNothingLeft(left)).toBe(false);
});

describe("an idle listener whose log was lost on a full disk", () => {
  function withListener(changes: Partial<RunnerTruth> = {}, toldCount = 1): Leftovers {
    const scene = new Scene({ algorithm: "age-cap" });
    const host = scene.addMachine();
    scene.register("ours");
    const runner = { id: 1, name: "ours" } as Runner;
    host.truth = () => truthOf(runner, { hasLostLines: true, ...changes }, host.providerId);
    scene.world.telemetry.gauge("holdfast_machines_unknown", toldCount, { pool: "linux" });
    return findLeftovers(scene.world);
  }

  it("is kept, because nobody can tell it from one that was just given a job", () => {
    expect(withListener()).toEqual(NOTHING);
  });

  it.each([
    ["nobody is told of it", {}, 0],
    ["its log is there", { hasLostLines: false }, 1],
    ["its listener has ended", { isListenerAlive: false }, 1],
    ["it has a Worker", { workerCount: 1 }, 1],
  ])("is left over where %s", (_why, changes, toldCount) => {
    const { machines, registrations } = withListener(changes, toldCount);
    expect([machines.length, registrations]).toEqual([1, ["ours"]]);
  });
});

it("calls a machine left over that does not work, however many are to wait", () => {
  const scene = new Scene({ algorithm: "age-cap", pools: [pool({ warmParkedCount: 1 })] });
  scene.addMachine();
  expect(findLeftovers(scene.world).machines).toEqual([]);
  const broken = scene.addMachine();
  broken.end({ by: "fault", kind: "host.dies" });
  expect(findLeftovers(scene.world).machines).toEqual([broken.providerId]);
});

it("judges what is left at the end: I5 for jobs, I2 for all the rest", () => {
  const scene = new Scene();
  judgeEnd(scene.world, NOTHING);
  expect(scene.said).toEqual([]);
  scene.queue();
  const openJobs = [...scene.world.github.state.openJobs.values()];
  judgeEnd(scene.world, { openJobs, machines: ["i-1"], registrations: ["hf-world-1"], ticketCount: 2 });
  expect(scene.said).toEqual([
    `I5 job ${openJobs[0]?.id} is queued at the end`,
    "I2 machine i-1 is there at the end, and nobody needs it",
    "I2 registration hf-world-1 is there at the end, and nobody needs it",
    "I2 2 tickets are not over at the end",
  ]);
});

const IN_POOL = { pool: "linux" };

it.each<[string, (telemetry: WorldTelemetry) => void]>([
  ["a stray was adopted", (telemetry) => telemetry.count("holdfast_strays_adopted_total", IN_POOL)],
  [
    "an unknown registration went",
    (telemetry) => telemetry.count("holdfast_unknown_registrations_deleted_total", IN_POOL),
  ],
  [
    "a machine was ended by force",
    (telemetry) => telemetry.count("holdfast_forced_endings_total", { ...IN_POOL, cause: "operator" }),
  ],
  [
    "a ticket was barren",
    (telemetry) => telemetry.count("holdfast_tickets_ended_total", { ...IN_POOL, end: "barren" }),
  ],
  ["a ticket was lost", (telemetry) => telemetry.count("holdfast_tickets_ended_total", { ...IN_POOL, end: "lost" })],
])("I7: %s in a world without faults; where there are some, it may be", (_what, move) => {
  const quiet = new Scene();
  const faulty = new Scene({ faults: [{ kind: "github.webhook-lost", probability: 0.1 }] });
  const baseline = new Scene({ algorithm: "age-cap" });
  const scenes = [quiet, faulty, baseline];
  for (const { world } of scenes) {
    world.telemetry.count("holdfast_tickets_ended_total", { ...IN_POOL, end: "spent" });
    judgeEnd(world, NOTHING);
  }
  expect(quiet.said).toEqual([]);
  for (const { world } of scenes) {
    move(world.telemetry);
    judgeEnd(world, NOTHING);
  }
  expect(quiet.said).toEqual([expect.stringMatching(/^I7 .+ in a world without faults$/)]);
  expect([...faulty.said, ...baseline.said]).toEqual([]);
});
