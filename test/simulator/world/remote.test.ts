/** The way there, the effect, the way back: the effect happens once or never, and the answer may stay away. */
import { expect, it } from "vitest";
import type { Fault } from "../../../src/simulator/scenario/fault.ts";
import { Chance } from "../../../src/simulator/world/chance.ts";
import { Faults } from "../../../src/simulator/world/faults.ts";
import { Remote, type RemoteKind } from "../../../src/simulator/world/remote.ts";
import { makeProcessScene, START_MS } from "./process-scene.ts";

const HOUR_MS = 3_600_000;
const GIVE_UP_MS = 10_000;
/** Longer than any way there or back. */
const WAY_MAX_MS = 600;

const FAILURES = {
  refused: (attempted: string) => new Error(`${attempted} was refused`),
  unanswered: (attempted: string) => new Error(`${attempted} was not answered`),
};

function makeScene(faults: readonly Fault[] = [], kind: RemoteKind = "github") {
  const scene = makeProcessScene();
  const drawn = new Faults(faults, new Chance(1), scene.scheduler, HOUR_MS);
  const remote = new Remote(kind, scene.scheduler, drawn, new Chance(2), FAILURES);
  const process = scene.makeProcess();
  const effects: number[] = [];
  const call = (operation = "delete") =>
    scene.watch(
      remote.call(process, operation, () => {
        effects.push(scene.scheduler.nowMs - START_MS);
        return `deleted ${effects.length}`;
      }),
    );
  /** Without their moments. */
  const outcomes = () => scene.happened.map((line) => line.replace(/^\d+ /, ""));
  const momentOf = (index: number) => Number(scene.happened[index]?.split(" ")[0]);
  return { ...scene, remote, process, effects, call, outcomes, momentOf, faults: drawn };
}

it.each<RemoteKind>(["github", "provider"])(
  "takes effect at %s after the way there, and answers after the way back",
  async (kind) => {
    const { call, pass, effects, outcomes, momentOf, remote } = makeScene([], kind);
    call();
    await pass(19);
    expect(effects).toEqual([]);
    await pass(2 * WAY_MAX_MS);
    expect(effects).toHaveLength(1);
    expect(outcomes()).toEqual(["deleted 1"]);
    expect(momentOf(0) - (effects[0] ?? 0)).toBeGreaterThanOrEqual(20);
    expect(remote.counts).toEqual({ delete: 1 });
  },
);

it("hands on what the other side says against it", async () => {
  const { remote, process, pass, outcomes, watch } = makeScene();
  const refuse = () => {
    throw new Error("it has no such name");
  };
  watch(remote.call(process, "mint", refuse));
  watch(remote.call(process, "mint", () => Promise.reject(new Error("nor this"))));
  await pass(2 * WAY_MAX_MS);
  expect(outcomes().toSorted()).toEqual(["failed: it has no such name", "failed: nor this"]);
});

it("has no effect where the call fails", async () => {
  const { call, pass, effects, outcomes, faults } = makeScene([{ kind: "github.call-fails", probability: 1 }]);
  call();
  await pass(HOUR_MS / 2);
  expect(effects).toEqual([]);
  expect(outcomes()).toEqual(["failed: delete was refused"]);
  expect(faults.counts).toEqual({ "github.call-fails": 1 });
});

it.each([
  ["done", () => "deleted"],
  [
    "refused",
    () => {
      throw new Error("it has no such name");
    },
  ],
])("takes effect once where the answer that it is %s is lost, and its caller gives up", async (_what, effect) => {
  const { remote, process, pass, outcomes, watch, momentOf } = makeScene([
    { kind: "github.answer-lost", probability: 1 },
  ]);
  let count = 0;
  watch(
    remote.call(process, "delete", () => {
      count += 1;
      return effect();
    }),
  );
  await pass(HOUR_MS / 2);
  expect(count).toBe(1);
  expect(outcomes()).toEqual(["failed: delete was not answered"]);
  expect(momentOf(0)).toBeGreaterThan(GIVE_UP_MS);
});

it("is not touched by the faults of the other remote side", async () => {
  const faults: readonly Fault[] = [
    { kind: "github.call-fails", probability: 1 },
    { kind: "github.answer-lost", probability: 1 },
  ];
  const { call, pass, outcomes } = makeScene(faults, "provider");
  call();
  await pass(2 * WAY_MAX_MS);
  expect(outcomes()).toEqual(["deleted 1"]);
});

it("neither takes effect nor answers while it is out, and does both again afterwards", async () => {
  const { call, pass, effects, outcomes, remote, momentOf } = makeScene();
  remote.breakDown(60_000);
  call();
  await pass(59_999);
  expect(remote.isOut).toBe(true);
  expect(effects).toEqual([]);
  expect(outcomes()).toEqual(["failed: delete was not answered"]);
  expect(momentOf(0)).toBe(GIVE_UP_MS);
  await pass(1);
  expect(remote.isOut).toBe(false);
  call();
  await pass(2 * WAY_MAX_MS);
  expect(effects).toHaveLength(1);
});

it("is out as long as the longer one of two outages lasts", async () => {
  const { pass, remote } = makeScene();
  remote.breakDown(60_000);
  await pass(10_000);
  remote.breakDown(20_000);
  await pass(30_000);
  expect(remote.isOut).toBe(true);
  await pass(20_000);
  expect(remote.isOut).toBe(false);
});

it("takes effect also where its sender is dead by then, who hears nothing of it", async () => {
  const { call, pass, effects, outcomes, process } = makeScene();
  call();
  process.kill();
  await pass(HOUR_MS);
  expect(effects).toHaveLength(1);
  expect(outcomes()).toEqual(["controller-1 is dead"]);
});

it("is never sent by a dead process", async () => {
  const { call, pass, effects, outcomes, process, remote } = makeScene();
  process.kill();
  call();
  await pass(HOUR_MS);
  expect(effects).toEqual([]);
  expect(outcomes()).toEqual(["controller-1 is dead"]);
  expect(remote.counts).toEqual({});
});

it("keeps its answer for a process that stands still", async () => {
  const { call, pass, effects, outcomes, process, momentOf } = makeScene();
  call();
  process.pause(60_000);
  await pass(59_999);
  expect(effects).toHaveLength(1);
  expect(outcomes()).toEqual([]);
  await pass(1);
  expect(outcomes()).toEqual(["deleted 1"]);
  expect(momentOf(0)).toBe(60_000);
});

it("tells who is no process of the outcome as well, and counts calls by their operations", async () => {
  const { remote, pass, note, outcomes } = makeScene();
  for (const operation of ["list", "delete", "list"])
    remote.send(
      operation,
      () => operation,
      (outcome) => note(outcome.kind),
    );
  await pass(2 * WAY_MAX_MS);
  expect(outcomes()).toEqual(["answered", "answered", "answered"]);
  expect(Object.entries(remote.counts)).toEqual([
    ["delete", 1],
    ["list", 2],
  ]);
});
