import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { acknowledge, acquire } from "../../src/simulator/github/assignment.ts";
import { cancelJob } from "../../src/simulator/github/jobs.ts";
import { advance, nextDueMs } from "../../src/simulator/github/lease.ts";
import { takeDueSends } from "../../src/simulator/github/outbox.ts";
import type { Scope } from "../../src/simulator/github/places.ts";
import { deleteRunner, reportedBusy } from "../../src/simulator/github/runners.ts";
import { beginPoll, openSession, takeMessage } from "../../src/simulator/github/sessions.ts";
import type { GitHubState, Job, JobPhase, Runner } from "../../src/simulator/github/state.ts";
import { announced, begin, connect, createWorld, disconnect, queue, receive, register, START_MS } from "./world.ts";

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
