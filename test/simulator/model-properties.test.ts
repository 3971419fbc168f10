import fc from "fast-check";
import { expect, it } from "vitest";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { acknowledge, acquire } from "../../src/simulator/github/assignment.ts";
import { approveJob, cancelJob } from "../../src/simulator/github/jobs.ts";
import { advance, renew, startJob } from "../../src/simulator/github/lease.ts";
import { deleteRunner } from "../../src/simulator/github/runners.ts";
import { takeMessage } from "../../src/simulator/github/sessions.ts";
import type { GitHubState, Runner } from "../../src/simulator/github/state.ts";
import { always } from "../domain/property.ts";
import { connect, createWorld, disconnect, finish, queue, register, START_MS } from "./world.ts";

/** What may happen to GitHub, in any order and to anything. Numbers choose among what there is at that moment. */
type Operation =
  | { readonly kind: "register"; readonly isEphemeral: boolean; readonly label: string }
  | { readonly kind: "queue"; readonly label: string; readonly isWaiting: boolean }
  | { readonly kind: "connect" | "disconnect" | "receive" | "take" | "delete"; readonly runner: number }
  | { readonly kind: "acknowledge" | "acquire"; readonly runner: number; readonly request: number }
  | { readonly kind: "renew" | "start" | "finish"; readonly request: number }
  | { readonly kind: "cancel" | "approve"; readonly job: number }
  | { readonly kind: "wait"; readonly forMs: number };

const index = fc.nat({ max: 7 });
const label = fc.constantFrom("linux", "linux", "linux", "gpu");
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant("register" as const), isEphemeral: fc.boolean(), label }),
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("queue" as const),
      label,
      isWaiting: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("connect" as const), runner: index }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom("receive" as const, "take" as const), runner: index }) },
  fc.record({ kind: fc.constantFrom("disconnect" as const, "delete" as const), runner: index }),
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("acknowledge" as const, "acquire" as const, "acquire" as const),
      runner: index,
      request: index,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("renew" as const, "start" as const, "finish" as const),
      request: index,
    }),
  },
  fc.record({ kind: fc.constantFrom("cancel" as const, "approve" as const), job: index }),
  fc.record({ kind: fc.constant("wait" as const), forMs: fc.constantFrom(1_000, MINUTE_MS, 11 * MINUTE_MS) }),
);

/** GitHub, and everything that was ever on a wire: an acquire may come from anybody, at any time, any number of times. */
interface World {
  readonly state: GitHubState;
  readonly runners: Runner[];
  readonly requests: string[];
  readonly acquisitions: { readonly jobId: number; readonly runnerId: number }[];
  nowMs: number;
}

function pick<Item>(items: readonly Item[], choice: number): Item | undefined {
  return items[choice % Math.max(items.length, 1)];
}

function apply(world: World, operation: Operation): void {
  const { state, nowMs } = world;
  switch (operation.kind) {
    case "register": {
      const { isEphemeral, label } = operation;
      world.runners.push(register(state, { name: `r-${world.runners.length}`, isEphemeral, labels: [label] }));
      return;
    }
    case "queue":
      queue(state, { labels: [operation.label], approval: operation.isWaiting }, nowMs);
      return;
    case "wait":
      world.nowMs += operation.forMs;
      advance(state, world.nowMs);
      return;
    case "cancel":
    case "approve": {
      const job = pick([...state.jobs.values()], operation.job);
      if (job !== undefined) (operation.kind === "cancel" ? cancelJob : approveJob)(state, job.id, nowMs);
      return;
    }
    case "renew":
    case "start":
    case "finish":
      applyToRequest(world, operation.kind, pick(world.requests, operation.request) ?? "");
      return;
    default:
      applyToRunner(world, operation);
  }
}

function applyToRequest(world: World, kind: "renew" | "start" | "finish", requestId: string): void {
  const { state, nowMs } = world;
  if (kind === "renew") renew(state, requestId, nowMs);
  else if (kind === "start") startJob(state, requestId, nowMs);
  else finish(state, requestId, "Succeeded", nowMs);
}

function applyToRunner(world: World, operation: Extract<Operation, { readonly runner: number }>): void {
  const { state, nowMs } = world;
  const runner = pick(world.runners, operation.runner);
  if (runner === undefined) return;
  switch (operation.kind) {
    case "connect":
      if (runner.sessionId === null && runner.registration.kind === "registered") connect(state, runner, nowMs);
      return;
    case "disconnect":
      disconnect(state, runner, nowMs);
      return;
    case "delete":
      deleteRunner(state, runner.scope, runner.id, nowMs);
      return;
    case "receive":
    case "take": {
      const session = state.sessions.get(runner.sessionId ?? "");
      const message = session === undefined ? null : takeMessage(state, session);
      if (message?.kind !== "job-request") return;
      world.requests.push(message.requestId);
      if (operation.kind === "take") tryAcquire(world, runner, message.requestId);
      return;
    }
    case "acknowledge":
      acknowledge(state, runner, pick(world.requests, operation.request) ?? "");
      return;
    case "acquire":
      tryAcquire(world, runner, pick(world.requests, operation.request) ?? "");
  }
}

function tryAcquire(world: World, runner: Runner, requestId: string): void {
  const acquisition = acquire(world.state, runner, requestId, world.nowMs);
  if (acquisition.kind === "acquired") world.acquisitions.push({ jobId: acquisition.job.id, runnerId: runner.id });
}

function checkWorld({ state, runners, acquisitions }: World): void {
  const acquiredJobs = acquisitions.map(({ jobId }) => jobId);
  expect(new Set(acquiredJobs).size, "no job is acquired twice").toBe(acquiredJobs.length);
  const holding = [...state.jobs.values()].flatMap((job) =>
    job.phase.kind === "acquired" ? [job.phase.runnerId] : [],
  );
  expect(new Set(holding).size, "a runner holds one job at a time").toBe(holding.length);
  const promised = [...state.jobs.values()].flatMap((job) =>
    job.phase.kind === "assigned" ? [job.phase.runnerId] : [],
  );
  expect(new Set(promised).size, "a runner has one assignment at a time").toBe(promised.length);
  for (const runner of runners) {
    const count = acquisitions.filter(({ runnerId }) => runnerId === runner.id).length;
    if (runner.isEphemeral) expect(count, "an ephemeral runner gets one job").toBeLessThanOrEqual(1);
    const job = state.jobs.get(runner.acquiredJobId ?? 0);
    if (runner.acquiredJobId !== null) expect(job?.phase).toMatchObject({ kind: "acquired", runnerId: runner.id });
  }
  for (const runnerId of holding) expect(state.runners.get(runnerId)?.acquiredJobId).not.toBeNull();
  const open = [...state.jobs.values()].filter(({ phase }) => phase.kind !== "completed").map(({ id }) => id);
  expect([...state.openJobs.keys()]).toEqual(open);
}

function checkAnnouncements({ state }: World): void {
  for (const job of state.jobs.values()) {
    const actions = [...state.deliveries.values()].filter(({ jobId }) => jobId === job.id).map(({ action }) => action);
    const completedCount = actions.filter((action) => action === "completed").length;
    expect(completedCount).toBe(job.phase.kind === "completed" ? 1 : 0);
  }
}

function run(operations: readonly Operation[]): World {
  const world: World = { state: createWorld(), runners: [], requests: [], acquisitions: [], nowMs: START_MS };
  for (const name of ["first", "second"]) {
    const runner = register(world.state, { name, isEphemeral: name === "first" });
    world.runners.push(runner);
    connect(world.state, runner);
  }
  for (const operation of operations) {
    apply(world, operation);
    checkWorld(world);
  }
  checkAnnouncements(world);
  return world;
}

it("whatever happens: one job per runner, never two runners for one job, each end announced once", () => {
  let acquisitionCount = 0;
  const property = fc.property(fc.array(operation, { minLength: 20, maxLength: 80, size: "max" }), (operations) => {
    acquisitionCount += run(operations).acquisitions.length;
  });
  always(property, 400);
  // Otherwise the sequences were too tame to mean anything.
  expect(acquisitionCount).toBeGreaterThan(400);
});

it("is a function of the operations alone", () => {
  const trace = (world: World) =>
    JSON.stringify([[...world.state.deliveries.values()].map(({ guid, render }) => [guid, render()])]);
  const property = fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
    expect(trace(run(operations))).toBe(trace(run(operations)));
  });
  always(property, 30);
});
