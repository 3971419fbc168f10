import { describe, expect, it } from "vitest";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { acknowledge, acquire } from "../../src/simulator/github/assignment.ts";
import { createSeededIds } from "../../src/simulator/github/ids.ts";
import { formatInstant } from "../../src/simulator/github/instant.ts";
import { approveJob, cancelJob } from "../../src/simulator/github/jobs.ts";
import { advance, nextDueMs, renew, startJob } from "../../src/simulator/github/lease.ts";
import { recordAttempt, redeliver, takeDueSends } from "../../src/simulator/github/outbox.ts";
import { deleteRunner, isOnline, registerRunner, reportedBusy } from "../../src/simulator/github/runners.ts";
import { beginPoll, openSession, takeMessage } from "../../src/simulator/github/sessions.ts";
import type { GitHubState, Job, JobPhase, Runner, Scope } from "../../src/simulator/github/state.ts";
import {
  announced,
  begin,
  connect,
  createWorld,
  disconnect,
  finish,
  queue,
  receive,
  register,
  START_MS,
  take,
} from "./world.ts";

const ACME: Scope = { kind: "organization", organization: "acme" };

function kindOf(job: Job): JobPhase["kind"] {
  return job.phase.kind;
}

describe("who gets a job", () => {
  it.each<
    [name: string, runner: Partial<Parameters<typeof register>[1]>, job: Parameters<typeof queue>[1], isTaken: boolean]
  >([
    [
      "all labels, in another case",
      { labels: ["Self-Hosted", "LINUX", "gpu"] },
      { labels: ["self-hosted", "linux"] },
      true,
    ],
    ["one label is missing", { labels: ["linux"] }, { labels: ["linux", "gpu"] }, false],
    ["a job without labels", { labels: ["linux"] }, { labels: [] }, true],
    ["a runner of the repository", { scope: { kind: "repository", fullName: "acme/widgets" } }, {}, true],
    ["a runner of another repository", { scope: { kind: "repository", fullName: "acme/gears" } }, {}, false],
    ["a runner of another organization", { scope: { kind: "organization", organization: "other" } }, {}, false],
    ["a group that is for other repositories", { groupId: 2 }, {}, false],
    ["a group that is for this repository", { groupId: 2 }, { repository: "acme/gears" }, true],
    ["a job that waits for approval", {}, { approval: true }, false],
  ])("%s", (_name, runner, job, isTaken) => {
    const runnerGroups = [
      { id: 1, name: "Default", repositories: "all" },
      { id: 2, name: "gears", repositories: ["acme/gears"] },
    ] as const;
    const state = createWorld({ runnerGroups });
    connect(state, register(state, { name: "r", ...runner }));
    expect(kindOf(queue(state, job)) === "assigned").toBe(isTaken);
  });

  it.each<[name: string, prepare: (state: GitHubState, runner: Runner) => void]>([
    ["a runner that never connected", () => {}],
    [
      "a runner whose session is closed",
      (state, runner) => {
        connect(state, runner);
        disconnect(state, runner, START_MS);
      },
    ],
    [
      "a runner that is silent for a minute",
      (state, runner) => {
        openSession(state, runner, { version: "2.336.0", os: "Linux" }, START_MS - MINUTE_MS);
      },
    ],
    [
      "a deleted registration",
      (state, runner) => {
        connect(state, runner);
        deleteRunner(state, ACME, runner.id, START_MS);
      },
    ],
    [
      "a runner with an assignment",
      (state, runner) => {
        connect(state, runner);
        queue(state);
      },
    ],
    [
      "a runner with a job",
      (state, runner) => {
        connect(state, runner);
        queue(state);
        begin(state, runner);
      },
    ],
  ])("not %s", (_name, prepare) => {
    const state = createWorld();
    prepare(state, register(state, { name: "r" }));
    expect(kindOf(queue(state))).toBe("queued");
  });

  it("a runner that connects later gets the oldest job that fits", () => {
    const state = createWorld();
    const [other, first, second] = [queue(state, { labels: ["gpu"] }), queue(state), queue(state)];
    connect(state, register(state, { name: "r" }));
    expect([other, first, second].map(kindOf)).toEqual(["queued", "assigned", "queued"]);
  });

  it("the driver may choose among all that could take it", () => {
    const state = createWorld({ chooseRunner: (candidates) => candidates.at(-1) as Runner });
    const [, last] = ["a", "b"].map((name) => {
      const runner = register(state, { name });
      connect(state, runner);
      return runner;
    });
    expect(queue(state).phase).toMatchObject({ kind: "assigned", runnerId: last?.id });
  });
});

describe("from assignment to acquire", () => {
  it("an assignment that is not acquired in 60 s goes to another runner, and to the same one if there is none", () => {
    const state = createWorld();
    const [first, second] = [register(state, { name: "a" }), register(state, { name: "b" })];
    connect(state, first);
    const job = queue(state);
    connect(state, second);
    expect(nextDueMs(state)).toBe(START_MS);
    takeDueSends(state, START_MS);
    expect(nextDueMs(state)).toBe(START_MS + MINUTE_MS);
    advance(state, START_MS + MINUTE_MS - 1);
    expect(job.phase).toMatchObject({ kind: "assigned", runnerId: first.id });
    advance(state, START_MS + MINUTE_MS);
    expect(job.phase).toMatchObject({ kind: "assigned", runnerId: second.id });
    expect(job.lostAssignmentCount).toBe(1);
  });

  it("three lost assignments cancel the job, with no runner and no labels", () => {
    const state = createWorld();
    connect(state, register(state, { name: "dead" }));
    const job = queue(state);
    for (const count of [1, 2, 3]) advance(state, START_MS + count * MINUTE_MS);
    expect(job.phase).toMatchObject({
      kind: "completed",
      conclusion: "cancelled",
      cause: "never-acquired",
      runnerId: null,
    });
    expect(announced(state, job)).toEqual(['queued queued   ["linux"]', 'completed completed cancelled  ["linux"]']);
  });

  it("a message is withdrawn with its assignment while it is GitHub's, not when it is on the wire", () => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    const sessionId = connect(state, runner);
    const job = queue(state);
    const late = receive(state, runner);
    expect(job.phase).toMatchObject({ isDelivered: true });
    advance(state, START_MS + MINUTE_MS);
    expect(acquire(state, runner, late, START_MS + MINUTE_MS)).toEqual({ kind: "conflict" });
    const session = state.sessions.get(sessionId);
    if (session === undefined) throw new Error("no session");
    expect(session.messages).toHaveLength(1);
    cancelJob(state, job.id, START_MS + MINUTE_MS);
    expect(takeMessage(state, session)).toBeNull();
  });

  it("only one acquire of a request succeeds, and it alone makes the runner busy", () => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    connect(state, runner);
    const job = queue(state);
    const requestId = receive(state, runner);
    expect(reportedBusy(runner)).toBe(false);
    expect(acknowledge(state, runner, requestId)).toBe("ok");
    expect(reportedBusy(runner)).toBe(false);
    expect(acquire(state, runner, requestId, START_MS).kind).toBe("acquired");
    expect(reportedBusy(runner)).toBe(true);
    expect(acquire(state, runner, requestId, START_MS).kind).toBe("conflict");
    expect(job.phase).toMatchObject({ kind: "acquired", startedAtMs: null });
    expect(runner.registration.kind).toBe("registered");
  });

  it("a job that was cancelled meanwhile is not found, and the ephemeral registration is used up", () => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    const sessionId = connect(state, runner);
    const job = queue(state);
    const requestId = receive(state, runner);
    cancelJob(state, job.id, START_MS);
    expect(acknowledge(state, runner, requestId)).toBe("not-found");
    expect(acquire(state, runner, requestId, START_MS)).toEqual({ kind: "not-found" });
    expect(runner.registration).toMatchObject({ kind: "ended", cause: "consumed" });
    expect(beginPoll(state, sessionId, START_MS).kind).toBe("open");
  });

  it("nobody acquires by another runner's request, or by none", () => {
    const state = createWorld();
    const [mine, other] = [register(state, { name: "a" }), register(state, { name: "b", isEphemeral: false })];
    connect(state, mine);
    queue(state);
    const requestId = receive(state, mine);
    expect(acquire(state, other, requestId, START_MS)).toEqual({ kind: "not-found" });
    expect(acquire(state, other, "", START_MS)).toEqual({ kind: "not-found" });
  });

  it.each([true, false])("acquire after DELETE is what the option says: %s", (isAcquireAllowedAfterDelete) => {
    const state = createWorld({ isAcquireAllowedAfterDelete });
    const runner = register(state, { name: "r" });
    const sessionId = connect(state, runner);
    queue(state);
    const requestId = receive(state, runner);
    expect(deleteRunner(state, ACME, runner.id, START_MS)).toBe("deleted");
    expect(acquire(state, runner, requestId, START_MS).kind).toBe(
      isAcquireAllowedAfterDelete ? "acquired" : "not-found",
    );
    expect(beginPoll(state, sessionId, START_MS).kind).toBe("runner-not-found");
  });
});

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

describe("webhooks", () => {
  it("are sent in order, and those with a delay when it has passed", () => {
    const state = createWorld();
    takeDueSends(state, START_MS);
    const late = queue(state, { webhooks: { delayMs: { queued: MINUTE_MS } } });
    const soon = queue(state);
    const jobsOf = (nowMs: number) => takeDueSends(state, nowMs).map(({ guid }) => state.deliveries.get(guid)?.jobId);
    expect(jobsOf(START_MS)).toEqual([soon.id]);
    expect(nextDueMs(state)).toBe(START_MS + MINUTE_MS);
    expect(jobsOf(START_MS + MINUTE_MS)).toEqual([late.id]);
  });

  it("are dropped, or sent twice under one GUID, when the job says so", () => {
    const state = createWorld();
    takeDueSends(state, START_MS);
    const dropped = queue(state, { webhooks: { drop: ["queued"] } });
    const twice = queue(state, { webhooks: { duplicate: ["queued"] } });
    const sends = takeDueSends(state, START_MS);
    expect(sends.map(({ guid }) => state.deliveries.get(guid)?.jobId)).toEqual([twice.id, twice.id]);
    expect(new Set(sends.map(({ guid }) => guid)).size).toBe(1);
    const [lost] = [...state.deliveries.values()].filter(({ jobId }) => jobId === dropped.id);
    expect(lost?.status).toBe("dropped");
    expect(redeliver(state, lost?.guid ?? "", START_MS)).toBe("never-attempted");
  });

  it("say completed while the Worker runs, and nothing at its end, when the job says so", () => {
    const state = createWorld();
    const runner = register(state, { name: "r" });
    connect(state, runner);
    const job = queue(state, { webhooks: { isCompletedWhileRunning: true } });
    const requestId = begin(state, runner);
    expect(announced(state, job).slice(1)).toEqual([
      'in_progress in_progress  r ["linux"]',
      'completed completed success r ["linux"]',
    ]);
    expect(kindOf(job)).toBe("acquired");
    finish(state, requestId, "Failed");
    expect(announced(state, job)).toHaveLength(3);
  });

  it.each<[name: string, approval: "waiting" | "queued", first: string]>([
    ["action waiting", "waiting", 'waiting waiting   ["linux"]'],
    ["action queued with status waiting", "queued", 'queued waiting   ["linux"]'],
  ])("announce a job that waits for approval by %s", (_name, approval, first) => {
    const state = createWorld();
    const job = queue(state, { approval });
    approveJob(state, job.id, START_MS);
    expect(announced(state, job)).toEqual([first, 'queued queued   ["linux"]']);
    expect(approveJob(state, job.id, START_MS)).toBe(false);
  });

  it("show the job as it was, however late they are rendered", () => {
    const state = createWorld();
    const job = queue(state);
    cancelJob(state, job.id, START_MS + SECOND_MS);
    expect(announced(state, job)[0]).toBe('queued queued   ["linux"]');
  });

  it("are not retried by GitHub, and can be redelivered for three days", () => {
    const state = createWorld();
    const job = queue(state);
    takeDueSends(state, START_MS);
    const [delivery] = [...state.deliveries.values()].filter(({ jobId }) => jobId === job.id);
    const guid = delivery?.guid ?? "";
    recordAttempt(state, guid, { atMs: START_MS, durationMs: 3, statusCode: 503, isRedelivery: false });
    expect(delivery?.status).toBe("failed");
    expect(takeDueSends(state, START_MS + DAY_MS)).toEqual([]);
    expect(redeliver(state, guid, START_MS + 3 * DAY_MS)).toBe("accepted");
    expect(takeDueSends(state, START_MS + 3 * DAY_MS)).toMatchObject([{ guid, isRedelivery: true }]);
    recordAttempt(state, guid, { atMs: START_MS, durationMs: 3, statusCode: 202, isRedelivery: true });
    expect(delivery?.status).toBe("delivered");
    expect(redeliver(state, guid, START_MS + 3 * DAY_MS + 1)).toBe("too-old");
    expect(redeliver(state, "unknown", START_MS)).toBe("unknown");
  });
});

describe("determinism", () => {
  it("gives the same ids for the same seed, and others for another", () => {
    const draw = (seed: number) => {
      const ids = createSeededIds(seed);
      return [ids.uuid(), ids.uuid(), ids.number("job"), ids.number("job"), ids.number("runner")];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it.each([0, 951_782_399_000, 951_782_400_000, START_MS, 1_709_164_800_000, 4_102_444_799_999])(
    "writes %i as ISO 8601",
    (epochMs) => {
      expect(formatInstant(epochMs)).toBe(new Date(epochMs).toISOString().replace(/\.\d+Z$/, "Z"));
    },
  );
});
