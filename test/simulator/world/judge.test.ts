/** For each of the judge's findings: what must be reported, and its nearest harmless neighbour, which must not. */
import { expect, it } from "vitest";
import { finishJob } from "../../../src/simulator/github/lease.ts";
import type { JobDeath } from "../../../src/simulator/world/judge.ts";
import { type Cause, GROUP_GOES_ON } from "../../../src/simulator/world/witness.ts";
import { FORCED_AFTER_MS, host, JudgeScene, MACHINE, MACHINES_MAX, START_MS, working } from "./judge-scene.ts";

const OURS: readonly (readonly [string, Cause])[] = [
  ["the controller, by its proof", { by: "controller", proof: "parked" }],
  ["the controller, by a baseline's decision", { by: "controller", proof: "idle" }],
  ["its agent's fence", { by: "agent", what: "fence" }],
  ["its agent's cleaning", { by: "agent", what: "clean" }],
  ["its agent, which powers off", { by: "agent", what: "power-off" }],
  ["the controller by a word of death that is not true", { by: "controller", proof: "provider-dead" }],
];

const NOT_OURS: readonly (readonly [string, Cause, JobDeath])[] = [
  ["an operator by force", { by: "controller", proof: "forced" }, "forced"],
  ["its provider", { by: "fault", kind: "provider.reclaim" }, "forced"],
  ["a fault of the machine", { by: "fault", kind: "host.dies" }, "world"],
  ["itself", { by: "itself" }, "world"],
];

it.each(OURS)("I1: a machine with a job is ended by %s", (_who, cause) => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  scene.judge.machineEnds(working(employed), cause);
  const { invariant, machine, job, what } = scene.oneViolation;
  expect({ invariant, machine, job }).toEqual({ invariant: "I1", machine: MACHINE, job: `job-${employed.job.id}` });
  expect(what).toMatch(/^the machine was ended \(by .+\) while job job-\d+ ran there$/);
  expect(scene.judge.deathOf(employed.job.id)).toBe("us");
});

it.each(OURS)("I1: a runner with a job is killed by %s", (_who, cause) => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  scene.judge.runnerKilled(working(employed), cause);
  expect(scene.said).toEqual([
    expect.stringMatching(/^I1 the runner was killed \(by .+\) while job job-\d+ ran there$/),
  ]);
  expect(scene.judge.deathOf(employed.job.id)).toBe("us");
});

it.each(NOT_OURS)(
  "is told of a job that dies because its machine is ended by %s, which is no violation",
  (_who, cause, death) => {
    const scene = new JudgeScene();
    const employed = scene.employ();
    scene.judge.machineEnds(working(employed), cause);
    expect(scene.said).toEqual([]);
    expect(scene.judge.deathOf(employed.job.id)).toBe(death);
  },
);

it.each(OURS)("I1: a machine with a job is put to sleep by %s", (_who, cause) => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  scene.judge.machineSleeps(working(employed), cause);
  expect(scene.said).toEqual([
    expect.stringMatching(/^I1 the machine was put to sleep \(by .+\) while job job-\d+ ran there$/),
  ]);
  expect(scene.judge.deathOf(employed.job.id)).toBe("us");
});

it("is told of a job that dies because its group could be held no longer, which is forced and no violation", () => {
  for (const end of ["machineEnds", "machineSleeps"] as const) {
    const scene = new JudgeScene();
    const employed = scene.employ();
    scene.judge[end](working(employed), { by: "fault", kind: GROUP_GOES_ON });
    expect(scene.said).toEqual([]);
    expect(scene.judge.deathOf(employed.job.id)).toBe("forced");
  }
});

it("I1: an acquire that was on its way reaches GitHub after the agent killed its listener", () => {
  const scene = new JudgeScene();
  const { runner, job } = scene.employ();
  scene.judge.runnerKilled(host(runner), { by: "agent", what: "fence" });
  expect(scene.said).toEqual([]);
  scene.judge.jobAcquired(host(null), job.id);
  expect(scene.said).toEqual([`I1 job job-${job.id} is acquired for a listener that its agent had killed`]);
  expect(scene.judge.deathOf(job.id)).toBe("us");
});

it("finds nothing where the job is acquired by the next runner of that machine, or its runner died by a fault", () => {
  const scene = new JudgeScene();
  scene.judge.runnerKilled(host(scene.register("ours-before")), { by: "agent", what: "fence" });
  const next = scene.employ("ours-next");
  scene.judge.jobAcquired(working(next), next.job.id);
  const broken = scene.employ("ours-broken");
  scene.judge.runnerKilled(host(broken.runner, {}, "i-2"), { by: "fault", kind: "host.runner-dies" });
  scene.judge.jobAcquired(host(broken.runner, {}, "i-2"), broken.job.id);
  expect(scene.said).toEqual([]);
});

it("keeps to who had the first hand in a job's death", () => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  scene.judge.runnerKilled(working(employed), { by: "fault", kind: "host.runner-dies" });
  scene.judge.machineEnds(working(employed), { by: "controller", proof: "forced" });
  expect(scene.judge.deathOf(employed.job.id)).toBe("world");
});

it("finds nothing in the end of a machine whose job is over, or without a runner", () => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  finishJob(scene.github, employed.requestId, "Succeeded", null, START_MS);
  for (const [, cause] of OURS) {
    scene.judge.machineEnds(working(employed), cause);
    scene.judge.runnerKilled(working(employed), cause);
    scene.judge.machineEnds(host(null), cause);
  }
  expect(scene.said).toEqual([]);
  expect(scene.judge.deathOf(employed.job.id)).toBeNull();
});

it("I1: a machine is ended by us while its listener could still take a job", () => {
  const scene = new JudgeScene();
  scene.judge.machineEnds(host(scene.register()), { by: "controller", proof: "parked" });
  expect(scene.oneViolation).toMatchObject({
    invariant: "I1",
    machine: MACHINE,
    job: null,
    what: "the machine was ended (by the controller, parked) while its listener could still take a job",
  });
});

it("I1: so is one that lives and that its provider called dead: nothing lives where that is true", () => {
  const scene = new JudgeScene();
  scene.judge.machineEnds(host(scene.register()), { by: "controller", proof: "provider-dead" });
  expect(scene.oneViolation).toMatchObject({ invariant: "I1", machine: MACHINE });
});

it.each<[string, Cause, boolean]>([
  ["that can take none", { by: "controller", proof: "parked" }, false],
  ["by force", { by: "controller", proof: "forced" }, true],
  ["whose machine dies", { by: "fault", kind: "host.dies" }, true],
  ["by itself", { by: "itself" }, true],
])("finds nothing in the end of a waiting listener %s", (_what, cause, canAcquire) => {
  const scene = new JudgeScene();
  scene.judge.machineEnds(host(scene.register(), { canAcquire }), cause);
  expect(scene.said).toEqual([]);
});

it("finds nothing in the kill of a listener that waits: that is what a fence is for", () => {
  const scene = new JudgeScene();
  const waiting = host(scene.register());
  scene.judge.runnerKilled(waiting, { by: "agent", what: "fence" });
  scene.judge.runnerKilled(waiting, { by: "controller", proof: "a baseline stops it" });
  expect(scene.said).toEqual([]);
});

it("counts a dispatch that our kill lost as a delay; I1: the second of the same job", () => {
  const scene = new JudgeScene();
  scene.judge.dispatchLost(7, "ours-1");
  scene.judge.dispatchLost(8, "ours-2");
  expect(scene.said).toEqual([]);
  expect(scene.judge.delayCount).toBe(2);
  scene.judge.dispatchLost(7, "ours-3");
  expect(scene.judge.delayCount).toBe(3);
  expect(scene.said).toEqual(["I1 job job-7 was taken back from a runner before it was acquired, for the 2. time"]);
  expect(scene.oneViolation).toMatchObject({ job: "job-7", machine: null });
});

it("does not count a dispatch to a listener that the world killed", () => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  const another = scene.employ("ours-2");
  scene.judge.machineEnds(working(employed), { by: "fault", kind: "host.dies" });
  scene.judge.runnerKilled(working(another), { by: "fault", kind: "host.runner-exits" });
  for (const name of ["ours-1", "ours-2"]) for (let count = 0; count < 2; count += 1) scene.judge.dispatchLost(7, name);
  expect(scene.judge.delayCount).toBe(0);
  expect(scene.said).toEqual([]);
});

it("does not count dispatches that others lost", () => {
  const scene = new JudgeScene();
  for (let count = 0; count < 3; count += 1) scene.judge.dispatchLost(7, "theirs");
  expect(scene.said).toEqual([]);
  expect(scene.judge.delayCount).toBe(0);
});

it.each([
  ["registration-gone", "its registration was deleted"],
  ["signal", "its runner was signalled"],
] as const)("I1: a job is cancelled by its own runner for %s", (why, reason) => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  scene.judge.jobCancelledByRunner(working(employed), employed.job.id, why);
  expect(scene.oneViolation).toMatchObject({
    invariant: "I1",
    machine: MACHINE,
    job: `job-${employed.job.id}`,
    what: `job job-${employed.job.id} was cancelled by its own runner because ${reason}`,
  });
  expect(scene.judge.deathOf(employed.job.id)).toBe("us");
});

it("finds nothing in a job that its runner cancels because somebody asked GitHub to", () => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  scene.judge.jobCancelledByRunner(working(employed), employed.job.id, "requested");
  expect(scene.said).toEqual([]);
  expect(scene.judge.deathOf(employed.job.id)).toBeNull();
});

it("I4: a registration that is not ours is deleted, whatever it does", () => {
  const scene = new JudgeScene();
  scene.judge.registrationDeleted(scene.register("theirs"), "unknown-registration");
  expect(scene.said).toEqual(["I4 registration theirs, which is not ours, was deleted"]);
});

it("I1: a registration is deleted while its job runs", () => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  scene.hosts = [host(null, {}, "i-0"), working(employed)];
  scene.judge.registrationDeleted(employed.runner, "ticket-over");
  expect(scene.oneViolation).toMatchObject({ invariant: "I1", machine: MACHINE, job: `job-${employed.job.id}` });
  expect(scene.oneViolation.what).toBe(`registration ours-1 was deleted while job job-${employed.job.id} ran there`);
});

it("I1: a registration is deleted while its listener could still take a job", () => {
  const scene = new JudgeScene();
  const runner = scene.register();
  scene.hosts = [host(runner)];
  scene.judge.registrationDeleted(runner, "ticket-over");
  expect(scene.oneViolation).toMatchObject({ invariant: "I1", machine: MACHINE, job: null });
  expect(scene.oneViolation.what).toBe("registration ours-1 was deleted while its listener could still take a job");
});

it("finds nothing in the deletion of a registration that nobody uses any more", () => {
  const scene = new JudgeScene();
  const employed = scene.employ("ours-2");
  const runner = scene.register("ours-1");
  const proof = "ticket-over";
  // Its listener was killed, or takes nothing; another machine's listener waits and works meanwhile.
  scene.hosts = [host(runner, { canAcquire: false }), host(scene.register("ours-3"), {}, "i-3")];
  scene.judge.registrationDeleted(runner, proof);
  // Its Worker goes on without a listener, which alone would learn that its registration is gone.
  scene.hosts = [working(employed, { isListenerAlive: false })];
  scene.judge.registrationDeleted(employed.runner, proof);
  // Its job is over at GitHub.
  finishJob(scene.github, employed.requestId, "Succeeded", null, START_MS);
  scene.hosts = [working(employed)];
  scene.judge.registrationDeleted(employed.runner, proof);
  scene.hosts = [];
  scene.judge.registrationDeleted(runner, proof);
  expect(scene.said).toEqual([]);
  expect(scene.judge.deletedCount).toBe(4);
});

it("I3: more machines are there than may be; as many as may be are none too many", async () => {
  const scene = new JudgeScene();
  scene.hostCount = MACHINES_MAX;
  scene.judge.machineStarted(host(null));
  await scene.pass(0);
  expect(scene.said).toEqual([]);
  scene.judge.machineStarted(host(null, {}, "i-2"));
  // Its provider counts it a moment after it tells.
  scene.hostCount = MACHINES_MAX + 1;
  await scene.pass(0);
  expect(scene.said).toEqual(["I3 3 machines are there, and at most 2 may be"]);
  expect(scene.judge.machinesMax).toBe(3);
  // Told twice of one machine.
  scene.judge.machineStarted(host(null, {}, "i-2"));
  await scene.pass(0);
  expect(scene.said).toHaveLength(1);
});

it("knows how long a machine is of no use", async () => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  expect(scene.judge.uselessForMs("unheard of")).toBe(0);
  scene.judge.machineStarted(working(employed));
  await scene.pass(100);
  expect(scene.judge.uselessForMs(MACHINE)).toBe(100);
  scene.judge.jobAcquired(working(employed), employed.job.id);
  expect(scene.judge.lastProgressAtMs).toBe(START_MS + 100);
  await scene.pass(1_000);
  expect(scene.judge.uselessForMs(MACHINE)).toBe(0);
  scene.judge.jobFinished(working(employed), employed.job.id);
  await scene.pass(10);
  expect(scene.judge.uselessForMs(MACHINE)).toBe(10);
  expect(scene.judge.busyMs).toBe(1_000);
  expect(scene.judge.acquiredAtMs(employed.job.id)).toBe(START_MS + 100);
  expect(scene.judge.acquiredAtMs(employed.job.id + 1)).toBeNull();
});

it("tells the world of jobs that begin and end, with the runner that had them, and of faults", () => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  scene.judge.jobAcquired(working(employed), employed.job.id);
  scene.judge.jobFinished(working(employed), employed.job.id);
  finishJob(scene.github, employed.requestId, "Succeeded", null, START_MS);
  scene.judge.jobFinished(working(employed), employed.job.id);
  scene.judge.faultHappened("host.dies");
  expect(scene.acquired).toEqual([employed.job.id]);
  expect(scene.finished).toEqual([undefined, "ours-1"]);
  expect(scene.faults).toEqual(["host.dies"]);
});

it("shows with a violation when it was, the events of whom it concerns, and what explain says", async () => {
  const scene = new JudgeScene();
  const employed = scene.employ();
  await scene.pass(2 * 3_600_000 + 3 * 60_000 + 4_005);
  scene.log.note("somebody else", "i-2");
  scene.judge.jobAcquired(working(employed), employed.job.id);
  scene.judge.machineEnds(working(employed), { by: "controller", proof: "parked" });
  await scene.pass(1);
  const job = `job-${employed.job.id}`;
  expect(scene.oneViolation).toMatchObject({ atMs: 7_384_005, explanation: [`m-of-${MACHINE} is explained`] });
  expect(scene.oneViolation.timeline).toEqual([
    `2:03:04.005 [i-1, ${job}] job ${job} is acquired`,
    `2:03:04.005 [i-1, ${job}] the machine ends: by the controller, parked`,
    `2:03:04.005 [i-1, ${job}] VIOLATION of I1: the machine was ended (by the controller, parked) while job ${job} ran there`,
  ]);
});

it("keeps twenty violations of a world, and counts them all", () => {
  const scene = new JudgeScene();
  for (let count = 0; count < 25; count += 1) scene.judge.violate("I6", `number ${count}`, {});
  expect(scene.judge.violations).toHaveLength(20);
  expect(scene.judge.violations.at(-1)?.what).toBe("number 19");
  expect(scene.judge.violationCount).toBe(25);
});

it("I3: machines that a restored store forgot, and that no listing shows yet, are nobody's fault", async () => {
  const lagMs = 60_000;
  const scene = new JudgeScene();
  const start = async (providerId: string): Promise<void> => {
    scene.judge.machineStarted(host(null, {}, providerId));
    scene.hostCount += 1;
    await scene.pass(0);
  };
  await start("listed");
  await scene.pass(lagMs);
  await start("not-listed-yet");
  scene.judge.storeRestored(lagMs);
  await start("after-1");
  expect(scene.said).toEqual([]);
  await start("after-2");
  expect(scene.said).toEqual(["I3 4 machines are there, and at most 2 may be"]);
  scene.hostCount -= 1;
  scene.judge.machineEnds(host(null, {}, "after-2"), { by: "controller", proof: "parked" });
  await scene.pass(2 * lagMs);
  await start("when it was listed for long");
  expect(scene.said).toHaveLength(2);
});

it("I3: a machine by which nothing tells whose it is counts once at most", async () => {
  const scene = new JudgeScene();
  const start = async (providerId: string): Promise<void> => {
    scene.judge.machineStarted(host(null, {}, providerId));
    scene.hostCount += 1;
    await scene.pass(0);
  };
  await start("dead-and-forgotten");
  scene.unfindable = ["dead-and-forgotten"];
  scene.judge.storeRestored(60_000);
  for (const id of ["after-1", "after-2"]) await start(id);
  expect(scene.said).toEqual([]);
  await start("after-3");
  expect(scene.said).toEqual(["I3 4 machines are there, and at most 2 may be"]);
});

it("I3: without a listing's lag a restored store can count every machine", async () => {
  const scene = new JudgeScene();
  for (const id of ["i-1", "i-2", "i-3"]) {
    scene.judge.storeRestored(0);
    scene.judge.machineStarted(host(null, {}, id));
    scene.hostCount += 1;
    await scene.pass(0);
  }
  expect(scene.said).toEqual(["I3 3 machines are there, and at most 2 may be"]);
});

it("I1: nothing ends by force before it can have been unknown for its time", async () => {
  const forced = { by: "controller", proof: "forced" } as const;
  const scene = new JudgeScene();
  for (const id of ["i-1", "i-2"]) scene.judge.machineStarted(host(null, {}, id));
  await scene.pass(FORCED_AFTER_MS - 1);
  scene.judge.machineEnds(host(null, {}, "i-1"), forced);
  expect(scene.said).toEqual(["I1 the machine was ended as forced 0:16:39.999 after its start"]);
  await scene.pass(1);
  scene.judge.machineEnds(host(null, {}, "i-2"), forced);
  expect(scene.said).toHaveLength(1);
});
