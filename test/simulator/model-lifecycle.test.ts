import { describe, expect, it } from "vitest";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { approveJob, cancelJob } from "../../src/simulator/github/jobs.ts";
import { advance, renew, startJob } from "../../src/simulator/github/lease.ts";
import type { Scope } from "../../src/simulator/github/places.ts";
import { deleteRunner, isOnline, registerRunner } from "../../src/simulator/github/runners.ts";
import { beginPoll, openSession } from "../../src/simulator/github/sessions.ts";
import type { GitHubState, Job, JobPhase, Runner } from "../../src/simulator/github/state.ts";
import { announced, begin, connect, createWorld, finish, queue, receive, register, START_MS, take } from "./world.ts";

const ACME: Scope = { kind: "organization", organization: "acme" };

function kindOf(job: Job): JobPhase["kind"] {
  return job.phase.kind;
}

describe("from acquire to the end", () => {
  it("is announced as queued, in progress when the Worker started, and completed", () => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    connect(state, runner);
    const job = queue(state);
    const requestId = take(state, runner);
    expect(announced(state, job)).toHaveLength(1);
    startJob(state, requestId, START_MS + SECOND_MS);
    startJob(state, requestId, START_MS + 2 * SECOND_MS);
    finish(state, requestId, "Succeeded", START_MS + MINUTE_MS);
    expect(announced(state, job)).toEqual([
      'queued queued   ["linux"]',
      'in_progress in_progress  r ["linux"]',
      'completed completed success r ["linux"]',
    ]);
    expect(job.phase).toMatchObject({ kind: "completed", startedAtMs: START_MS + SECOND_MS, runnerId: runner.id });
    expect(runner.registration).toMatchObject({ kind: "ended", cause: "job-done" });
    expect(finish(state, requestId, "Failed")).toBe("not-found");
  });

  it.each<[name: string, renewedAtMs: number | null, lookAtMs: number, kind: JobPhase["kind"]]>([
    ["never renewed, one ms before the end of the lease", null, 10 * MINUTE_MS - 1, "acquired"],
    ["never renewed, at the end of the lease", null, 10 * MINUTE_MS, "completed"],
    ["renewed in time", 9 * MINUTE_MS, 19 * MINUTE_MS - 1, "acquired"],
    ["renewed once and then no more", 9 * MINUTE_MS, 19 * MINUTE_MS, "completed"],
  ])("a lease %s", (_name, renewedAtMs, lookAtMs, kind) => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    connect(state, runner);
    const job = queue(state);
    const requestId = take(state, runner);
    if (renewedAtMs !== null) renew(state, requestId, START_MS + renewedAtMs);
    advance(state, START_MS + lookAtMs);
    expect(kindOf(job)).toBe(kind);
    if (kind === "completed") expect(job.phase).toMatchObject({ conclusion: "failure", cause: "lost-communication" });
    if (kind === "completed") expect(renew(state, requestId, START_MS + lookAtMs)).toBe("not-found");
  });

  it("a runner that is not ephemeral takes job after job", () => {
    const state = createWorld();
    const runner = register(state, { name: "r", isEphemeral: false });
    const sessionId = connect(state, runner);
    const jobs = [queue(state), queue(state)];
    finish(state, begin(state, runner), "Succeeded");
    expect(jobs.map(kindOf)).toEqual(["completed", "queued"]);
    beginPoll(state, sessionId, START_MS);
    expect(jobs.map(kindOf)).toEqual(["completed", "assigned"]);
  });

  it("a job that nobody takes fails after a day", () => {
    const state = createWorld();
    const job = queue(state);
    advance(state, START_MS + DAY_MS);
    expect(job.phase).toMatchObject({ kind: "completed", conclusion: "failure", cause: "queued-too-long" });
  });
});

describe("cancellation", () => {
  it.each<[name: string, advanceTo: (state: GitHubState, job: Job, runner: Runner) => void, want: Partial<JobPhase>]>([
    [
      "waiting",
      () => {},
      { kind: "completed", conclusion: "cancelled", cause: "cancelled-before-pick-up", runnerId: null },
    ],
    [
      "queued",
      (state, job) => approveJob(state, job.id, START_MS),
      { kind: "completed", conclusion: "cancelled", runnerId: null },
    ],
    [
      "assigned",
      (state, job, runner) => {
        connect(state, runner);
        approveJob(state, job.id, START_MS);
      },
      { kind: "completed", conclusion: "cancelled", cause: "cancelled-before-pick-up", runnerId: null },
    ],
    [
      "acquired",
      (state, job, runner) => {
        connect(state, runner);
        approveJob(state, job.id, START_MS);
        begin(state, runner);
      },
      { kind: "acquired", isCancelRequested: true },
    ],
  ])("of a job that is %s", (_name, advanceTo, want) => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    const job = queue(state, { approval: true });
    advanceTo(state, job, runner);
    expect(cancelJob(state, job.id, START_MS)).toBe(true);
    expect(job.phase).toMatchObject(want);
    if (want.kind === "completed") {
      expect(announced(state, job).at(-1)).toBe("completed completed cancelled  []");
      expect(cancelJob(state, job.id, START_MS)).toBe(false);
    }
  });

  it("after pick-up the runner is told once, and reports it or loses its lease", () => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    const sessionId = connect(state, runner);
    const job = queue(state);
    begin(state, runner);
    cancelJob(state, job.id, START_MS);
    cancelJob(state, job.id, START_MS);
    expect(state.sessions.get(sessionId)?.messages).toMatchObject([{ kind: "job-cancellation", jobId: job.id }]);
    advance(state, START_MS + 10 * MINUTE_MS);
    expect(job.phase).toMatchObject({ conclusion: "cancelled", cause: "lost-communication" });
  });
});

describe("registrations", () => {
  it.each<[name: string, prepare: (state: GitHubState, runner: Runner) => void, want: ReturnType<typeof deleteRunner>]>(
    [
      ["never connected", () => {}, "deleted"],
      ["idle and online", connect, "deleted"],
      [
        "dispatched, not acquired",
        (state, runner) => {
          connect(state, runner);
          queue(state);
          receive(state, runner);
        },
        "deleted",
      ],
      [
        "acquired",
        (state, runner) => {
          connect(state, runner);
          queue(state);
          take(state, runner);
        },
        "busy",
      ],
      [
        "acquired, and GitHub's flag is wrong",
        (state, runner) => {
          connect(state, runner);
          queue(state);
          take(state, runner);
          runner.misreport = { busy: false };
        },
        "deleted",
      ],
      [
        "idle, and GitHub's flag is wrong",
        (_state, runner) => {
          runner.misreport = { busy: true };
        },
        "busy",
      ],
      [
        "done",
        (state, runner) => {
          connect(state, runner);
          queue(state);
          finish(state, begin(state, runner), "Succeeded");
        },
        "not-found",
      ],
    ],
  )("DELETE of one that is %s", (_name, prepare, want) => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    prepare(state, runner);
    expect(deleteRunner(state, ACME, runner.id, START_MS)).toBe(want);
    if (want === "deleted") expect(deleteRunner(state, ACME, runner.id, START_MS)).toBe("not-found");
  });

  it("has a name once, until it has ended", () => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    const again = { scope: ACME, name: "R", labels: ["x"], groupId: 1, isEphemeral: true };
    expect(registerRunner(state, again, START_MS)).toBe("name-taken");
    deleteRunner(state, ACME, runner.id, START_MS);
    expect(registerRunner(state, again, START_MS)).toMatchObject({ name: "R", version: null });
  });

  it("has one session at a time, until that one is silent", () => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    const listener = { version: "2.336.0", os: "Linux" };
    expect(openSession(state, runner, listener, START_MS).kind).toBe("opened");
    expect(openSession(state, runner, listener, START_MS + MINUTE_MS - 1).kind).toBe("conflict");
    expect(openSession(state, runner, listener, START_MS + MINUTE_MS).kind).toBe("opened");
    expect(state.sessions.size).toBe(1);
  });

  it("counts a listener as online for a minute after its death", () => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    openSession(state, runner, { version: "2.336.0", os: "Linux" }, START_MS);
    expect(isOnline(state, runner, START_MS + MINUTE_MS - 1)).toBe(true);
    expect(isOnline(state, runner, START_MS + MINUTE_MS)).toBe(false);
  });

  it("removes an ephemeral one that was offline for a day", () => {
    const state = createWorld();
    const [ephemeral, lasting] = [register(state, { name: "a" }), register(state, { name: "b", isEphemeral: false })];
    advance(state, START_MS + DAY_MS - 1);
    expect(state.registrations.size).toBe(2);
    advance(state, START_MS + DAY_MS);
    expect([ephemeral, lasting].map(({ registration }) => registration.kind)).toEqual(["ended", "registered"]);
  });
});
