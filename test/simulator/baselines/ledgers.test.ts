import { describe, expect, it } from "vitest";
import { at, makeFleetScene } from "./fleet-scene.ts";

const oneJob = (durationMs: number) => [{ name: "A", atMs: at(1), durationMs }];

describe("age-cap", () => {
  it("ends a machine when its job is completed, and its registration goes with the job", async () => {
    const scene = makeFleetScene("age-cap", { jobs: oneJob(at(20)) });
    await scene.runUntil(at(21));
    expect(scene.model.hosts.size).toBe(1);
    await scene.runUntil(at(23));
    expect(scene.model.hosts.size).toBe(0);
    expect(scene.lost).toEqual(new Set());
    expect(scene.causes[0]).toBe("its job is completed");
  });

  it("kills a job whose start it never heard of, after ten minutes", async () => {
    const scene = makeFleetScene("age-cap", {
      jobs: oneJob(at(60)),
      isLost: (_name, action) => action === "in_progress",
    });
    await scene.runUntil(at(14, 59));
    expect(scene.lost).toEqual(new Set());
    await scene.runUntil(at(16));
    expect(scene.lost).toEqual(new Set(["A"]));
    expect(scene.model.startedCount).toBe(1);
    expect(scene.causes[0]).toBe("pending for too long");
  });

  it("starts three more machines at most for one job", async () => {
    const never = { kind: "host.never-boots", perMachine: 1 } as const;
    const scene = makeFleetScene("age-cap", { jobs: oneJob(at(1)), faults: [never] });
    await scene.runUntil(at(120));
    expect(scene.model.startedCount).toBe(4);
    expect(scene.model.hosts.size).toBe(0);
  });

  it("kills a job at 360 minutes, and starts nothing for it", async () => {
    const scene = makeFleetScene("age-cap", { jobs: oneJob(at(420)) });
    await scene.runUntil(at(360));
    expect(scene.lost).toEqual(new Set());
    await scene.runUntil(at(366));
    expect(scene.lost).toEqual(new Set(["A"]));
    await scene.runUntil(at(370));
    expect(scene.model.startedCount).toBe(1);
    expect(scene.calls.get("get-job")).toBe(1);
  });

  it("leaks a machine whose ending failed, for its terminal row shields it, until the row is a day old", async () => {
    const scene = makeFleetScene("age-cap", {
      jobs: oneJob(at(1)),
      failing: (operation, count) => (operation === "terminate" && count === 1 ? "fails" : null),
    });
    await scene.runUntil(at(10));
    const [machine] = scene.model.listTagged("fleet", "baseline");
    const event = { jobId: 1, labels: ["linux"], repository: "acme/widgets", runnerName: machine?.tags.runner ?? "" };
    // What comes late or twice moves no row back.
    scene.fleet.onJobEvent({ ...event, action: "completed" });
    scene.fleet.onJobEvent({ ...event, action: "in_progress" });
    await scene.runUntil(at(60 * 24));
    expect(scene.model.hosts.size).toBe(1);
    expect(scene.calls.get("terminate")).toBe(1);
    await scene.runUntil(at(60 * 24 + 6));
    expect(scene.model.hosts.size).toBe(0);
    expect(scene.causes.at(-1)).toBe("no row knows it");
  });

  it("tries again to end what is pending for too long, and starts nothing for it meanwhile", async () => {
    const never = { kind: "host.never-boots", perMachine: 1 } as const;
    const scene = makeFleetScene("age-cap", {
      jobs: oneJob(at(1)),
      faults: [never],
      failing: (operation, count) => (operation === "terminate" && count < 3 ? "fails" : null),
    });
    await scene.runUntil(at(24));
    expect(scene.model.startedCount).toBe(1);
    await scene.runUntil(at(26));
    expect(scene.model.startedCount).toBe(2);
    expect(scene.model.hosts.size).toBe(1);
  });

  it("keeps a row whose machine the provider does not know yet", async () => {
    const never = { kind: "host.never-boots", perMachine: 1 } as const;
    const lag = { kind: "provider.listing-lag", lagMs: [at(24), at(24)] } as const;
    const scene = makeFleetScene("age-cap", { jobs: oneJob(at(1)), faults: [never, lag] });
    await scene.runUntil(at(29));
    expect(scene.model.startedCount).toBe(1);
    await scene.runUntil(at(31));
    expect(scene.model.startedCount).toBe(2);
  });

  it("does not know the machine of a launch whose answer was lost, and its row shields that too", async () => {
    const scene = makeFleetScene("age-cap", {
      jobs: oneJob(at(1)),
      scenario: { bootMs: [at(2), at(2)] },
      failing: (operation, count) => (operation === "launch" && count === 1 ? "answer-lost" : null),
    });
    await scene.runUntil(at(120));
    expect(scene.model.startedCount).toBe(2);
    expect(scene.model.hosts.size).toBe(1);
  });
});

describe("ledger-reaper", () => {
  it("ends a machine past five minutes that has no claim on it", async () => {
    const scene = makeFleetScene("ledger-reaper", { jobs: oneJob(at(20)) });
    await scene.runUntil(at(24));
    expect(scene.model.hosts.size).toBe(1);
    await scene.runUntil(at(26));
    expect(scene.model.hosts.size).toBe(0);
    expect(scene.lost).toEqual(new Set());
    expect(scene.causes).toEqual(["no claim on it"]);
  });

  it("leaves a machine alone for its first five minutes", async () => {
    const scene = makeFleetScene("ledger-reaper", { jobs: oneJob(at(1)) });
    await scene.runUntil(at(5, 59));
    expect(scene.model.hosts.size).toBe(1);
  });

  it("kills a job whose claim was never made", async () => {
    const scene = makeFleetScene("ledger-reaper", {
      jobs: oneJob(at(20)),
      isLost: (_name, action) => action === "in_progress",
    });
    await scene.runUntil(at(11));
    expect(scene.lost).toEqual(new Set(["A"]));
  });

  it("kills a job whose claim was released early", async () => {
    const scene = makeFleetScene("ledger-reaper", { jobs: oneJob(at(20)), completedWhileWorking: ["A"] });
    await scene.runUntil(at(11));
    expect(scene.lost).toEqual(new Set(["A"]));
  });

  it("leaks a machine for ever whose job's end it never heard of", async () => {
    const scene = makeFleetScene("ledger-reaper", {
      jobs: oneJob(at(1)),
      isLost: (_name, action) => action === "completed",
    });
    await scene.runUntil(at(460));
    expect(scene.model.hosts.size).toBe(1);
  });

  it("ends nothing where the listing fails", async () => {
    const scene = makeFleetScene("ledger-reaper", {
      jobs: oneJob(at(1)),
      failing: (operation, count) => (operation === "list" && count > 1 ? "fails" : null),
    });
    await scene.runUntil(at(60));
    expect(scene.model.hosts.size).toBe(1);
  });
});
