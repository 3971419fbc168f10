import { describe, expect, it } from "vitest";
import type { Baseline } from "../../../src/simulator/scenario/scenario.ts";
import { at, makeFleetScene, type SceneOptions } from "./fleet-scene.ts";

const VARIANTS = ["flag-then-deregister", "deregister-then-recheck", "idle-confirmation-window"] as const;

/** The window needs a second reading, the others one. */
function passesFor(baseline: Baseline): number {
  return baseline === "idle-confirmation-window" ? 2 : 1;
}

/** Every five minutes from the fifth on; a machine of the first minute is looked at from the tenth minute on. */
const oneJob = (durationMs: number) => [{ name: "A", atMs: at(1), durationMs }];

/** `busy` says this, whatever is so, for so long after the acquire. */
function says(isBusy: boolean, name: string, forMs = at(600)): NonNullable<SceneOptions["lie"]> {
  return (jobName, runner, scheduler) => {
    if (jobName !== name) return;
    runner.misreport = { busy: isBusy };
    scheduler.after(forMs, () => {
      runner.misreport = {};
    });
  };
}

describe.each(VARIANTS)("%s", (baseline) => {
  it("ends a machine that is idle and old enough, and deregisters its runner first", async () => {
    const scene = makeFleetScene(baseline, { jobs: oneJob(at(1)) });
    await scene.runUntil(at(9, 59));
    expect(scene.model.hosts.size).toBe(1);
    await scene.runUntil(at(10 + 5 * passesFor(baseline)));
    expect(scene.model.hosts.size).toBe(0);
    expect(scene.causes).toHaveLength(2);
    expect(scene.causes[0]).toContain("DELETE");
    expect(scene.lost).toEqual(new Set());
    expect(scene.finished).toEqual(["A"]);
  });

  it("keeps a machine as long as GitHub says that it is busy", async () => {
    const scene = makeFleetScene(baseline, { jobs: oneJob(at(60)) });
    await scene.runUntil(at(55));
    expect(scene.model.hosts.size).toBe(1);
    await scene.runUntil(at(90));
    expect(scene.finished).toEqual(["A"]);
    expect(scene.lost).toEqual(new Set());
    expect(scene.model.hosts.size).toBe(0);
  });

  it("kills a job of which GitHub says for long that it does not run: the DELETE is answered 204", async () => {
    const scene = makeFleetScene(baseline, { jobs: oneJob(at(60)), lie: says(false, "A") });
    await scene.runUntil(at(10));
    expect(scene.lost).toEqual(new Set());
    await scene.runUntil(at(10 + 5 * passesFor(baseline)));
    expect(scene.lost).toEqual(new Set(["A"]));
    expect(scene.model.hosts.size).toBe(0);
  });

  it("kills a fresh job behind the flag's lag, on a machine that was rightly idle until then", async () => {
    // Idle since the second minute; the fatal reading is the tenth minute's, or the fifteenth's where it takes two.
    const startMs = at(5 + 5 * passesFor(baseline)) - 20_000;
    const fresh = { name: "B", atMs: startMs, durationMs: at(10) };
    const scene = makeFleetScene(baseline, { jobs: [...oneJob(at(1)), fresh], lie: says(false, "B", at(1)) });
    await scene.runUntil(startMs + 15_000);
    expect(scene.model.hosts.size).toBe(1);
    await scene.runUntil(startMs + at(1));
    expect(scene.lost).toEqual(new Set(["B"]));
    expect(scene.model.hosts.size).toBe(0);
  });

  it.each(["get-runner", "delete-runner", "list-runners", "terminate"])(
    "ends nothing running where %s fails",
    async (which) => {
      const scene = makeFleetScene(baseline, {
        jobs: oneJob(at(1)),
        failing: (operation) => (operation === which ? "fails" : null),
      });
      await scene.runUntil(at(60));
      expect(scene.model.hosts.size).toBe(1);
    },
  );

  it("makes an orphan of a machine without a registration after five minutes, and ends it with the next pass", async () => {
    const never = { kind: "host.never-boots", perMachine: 1 } as const;
    const scene = makeFleetScene(baseline, { jobs: oneJob(at(1)), faults: [never] });
    await scene.runUntil(at(14, 59));
    expect(scene.model.hosts.size).toBe(1);
    await scene.runUntil(at(15, 10));
    expect(scene.model.hosts.size).toBe(0);
    expect(scene.causes).toEqual(["orphan"]);
    expect(scene.calls.get("tag")).toBe(1);
  });

  it("kills a busy machine that GitHub's listing leaves out: an orphan without a known id gets no second look", async () => {
    const missing = { kind: "github.missing-from-listing", probability: 1 } as const;
    const scene = makeFleetScene(baseline, { jobs: oneJob(at(60)), faults: [missing] });
    await scene.runUntil(at(16));
    expect(scene.lost).toEqual(new Set(["A"]));
  });

  it("takes the orphan's mark off a single-use machine whose runner GitHub still knows", async () => {
    const missing = { kind: "github.missing-from-listing", probability: 1 } as const;
    const fleet = { isPersistent: false, passEveryMs: at(5), firstPassMs: at(5), minimumAgeMs: at(5) };
    const scene = makeFleetScene(baseline, { jobs: oneJob(at(60)), faults: [missing], scenario: { fleet } });
    await scene.runUntil(at(50));
    expect(scene.lost).toEqual(new Set());
    await scene.runUntil(at(80));
    expect(scene.finished).toEqual(["A"]);
    expect(scene.model.hosts.size).toBe(0);
  });

  it("sees no gaps in listings once faults have stopped", async () => {
    const missing = { kind: "github.missing-from-listing", probability: 1 } as const;
    const scene = makeFleetScene(baseline, {
      jobs: oneJob(at(60)),
      faults: [missing],
      scenario: { faultsEndMs: at(9) },
    });
    await scene.runUntil(at(50));
    expect(scene.lost).toEqual(new Set());
  });

  it("ends an orphan that GitHub calls offline and busy", async () => {
    const missing = { kind: "github.missing-from-listing", probability: 1 } as const;
    const fleet = { isPersistent: false, passEveryMs: at(5), firstPassMs: at(5), minimumAgeMs: at(5) };
    const scene = makeFleetScene(baseline, {
      jobs: oneJob(at(60)),
      faults: [missing],
      scenario: { fleet },
      lie: (_name, runner) => {
        runner.misreport = { busy: true, status: "offline" };
      },
    });
    await scene.runUntil(at(16));
    expect(scene.lost).toEqual(new Set(["A"]));
  });

  it("ends its pass where GitHub's listing fails", async () => {
    const jobs = ["A", "B"].map((name) => ({ name, atMs: at(1), durationMs: at(60) }));
    const failing = (operation: string) => (operation === "list-runners" ? ("fails" as const) : null);
    const scene = makeFleetScene(baseline, { jobs, failing });
    await scene.runUntil(at(11));
    expect(scene.model.hosts.size).toBe(2);
    expect(scene.calls.get("list-runners")).toBe(2);
  });

  it("leaves the other orphans to the next pass where GitHub does not answer for one", async () => {
    const fleet = { isPersistent: false, passEveryMs: at(5), firstPassMs: at(5), minimumAgeMs: at(5) };
    const jobs = ["A", "B", "C"].map((name) => ({ name, atMs: at(1), durationMs: at(1) }));
    const isFirst = (count: number) => count === 1;
    const scene = makeFleetScene(baseline, {
      jobs,
      scenario: { fleet },
      failing: (operation, count) => (operation === "get-runner" && isFirst(count) ? "fails" : null),
    });
    await scene.runUntil(at(15, 30));
    expect(scene.model.hosts.size).toBe(3);
    await scene.runUntil(at(20, 30));
    expect(scene.model.hosts.size).toBe(0);
  });
});

describe.each(["flag-then-deregister", "deregister-then-recheck"] as const)("%s", (baseline) => {
  it("is kept from a running job by GitHub's refusal, where its view is right by the time of the DELETE", async () => {
    const scene = makeFleetScene(baseline, {
      jobs: oneJob(at(30)),
      // The flag turns between the reading and the DELETE.
      lie: (_name, runner, scheduler) => {
        runner.misreport = { busy: false };
        scheduler.at(Math.ceil(scheduler.nowMs / at(5)) * at(5) + at(5) + 1_500, () => {
          runner.misreport = {};
        });
      },
    });
    await scene.runUntil(at(14));
    expect(scene.calls.get("get-runner")).toBe(1);
    await scene.runUntil(at(30));
    expect(scene.calls.get("delete-runner")).toBe(1);
    expect(scene.lost).toEqual(new Set());
    expect(scene.model.hosts.size).toBe(1);
  });
});

describe("deregister-then-recheck", () => {
  it("looks again after the DELETE, and takes the 404 for idleness", async () => {
    const scene = makeFleetScene("deregister-then-recheck", { jobs: oneJob(at(60)), lie: says(false, "A") });
    await scene.runUntil(at(11));
    expect(scene.calls.get("get-runner")).toBe(2);
    expect(scene.lost).toEqual(new Set(["A"]));
  });

  it("ends what it left alone as an orphan, two passes later", async () => {
    const scene = makeFleetScene("deregister-then-recheck", {
      jobs: oneJob(at(1)),
      failing: (operation, count) => (operation === "get-runner" && count === 2 ? "fails" : null),
    });
    await scene.runUntil(at(19, 59));
    expect(scene.model.hosts.size).toBe(1);
    await scene.runUntil(at(21));
    expect(scene.model.hosts.size).toBe(0);
    expect(scene.causes.at(-1)).toBe("orphan");
  });
});

describe("idle-confirmation-window", () => {
  it("starts its window anew after a reading that is busy", async () => {
    // Idle at the tenth minute, busy at the fifteenth, idle again from the seventeenth on.
    const second = { name: "B", atMs: at(12), durationMs: at(5) };
    const scene = makeFleetScene("idle-confirmation-window", { jobs: [...oneJob(at(1)), second] });
    await scene.runUntil(at(24, 59));
    expect(scene.model.hosts.size).toBe(1);
    await scene.runUntil(at(26));
    expect(scene.model.hosts.size).toBe(0);
    expect(scene.lost).toEqual(new Set());
  });

  it("waits for its five minutes, however often it reads meanwhile", async () => {
    const fleet = { isPersistent: true, passEveryMs: at(2), firstPassMs: at(10), minimumAgeMs: at(5) };
    const scene = makeFleetScene("idle-confirmation-window", { jobs: oneJob(at(1)), scenario: { fleet } });
    await scene.runUntil(at(15));
    expect(scene.model.hosts.size).toBe(1);
    await scene.runUntil(at(17));
    expect(scene.model.hosts.size).toBe(0);
  });

  it("saves the fresh job that one reading kills", async () => {
    const fresh = { name: "B", atMs: at(9, 45), durationMs: at(10) };
    const jobs = [...oneJob(at(1)), fresh];
    const windowed = makeFleetScene("idle-confirmation-window", { jobs, lie: says(false, "B", at(1)) });
    await windowed.runUntil(at(19));
    expect(windowed.lost).toEqual(new Set());
  });
});
