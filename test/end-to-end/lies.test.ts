import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { JobsAnswer, MachinesAnswer, StatusAnswer } from "../../src/http/operators/answers.ts";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { type House, openHouse, type PoolOverrides, until } from "./house.ts";

/** Those of the house's pool. */
const LABELS = ["self-hosted", "linux", "x64"];
const PATIENCE_MS = 60_000;
const TEST_MS = 180_000;

type Lies = NonNullable<Parameters<House["github"]["queueJob"]>[0]["webhooks"]>;

let house: House;
async function open(pool: PoolOverrides = {}): Promise<void> {
  house = await openHouse(pool);
  await house.start();
}
afterEach(() => house.close());

function queue(steps: readonly string[], webhooks: Lies = {}): number {
  return house.github.queueJob({ repository: "acme/widgets", labels: LABELS, steps, webhooks });
}

async function untilSucceeded(...ids: readonly number[]): Promise<void> {
  for (const id of ids) {
    const job = await house.github.waitForJob(id, ({ status }) => status === "completed", PATIENCE_MS);
    expect([job.conclusion, job.cause]).toEqual(["success", "reported-by-runner"]);
  }
}

/** What Holdfast believes of a job, which is not what is true. */
async function believed(id: number): Promise<string | null> {
  const { jobs } = await house.get<JobsAnswer>("/api/v1/jobs");
  return jobs.find((job) => job.id === id)?.status ?? null;
}

async function untilBelieved(id: number, status: string): Promise<void> {
  let last: string | null = null;
  const isThere = async () => {
    last = await believed(id);
    return last === status;
  };
  await until(isThere, PATIENCE_MS, () => `job ${id} is believed ${last}, not ${status}`);
}

const allMachines = async () => (await house.get<MachinesAnswer>("/api/v1/machines?all=true")).machines;
const pidsOf = (name: string) => house.processes().flatMap((one) => (one.name === name ? [one.pid] : []));

/** Waits until each of these controllers has begun and ended an activation after now. */
async function untilPassed(...names: readonly string[]): Promise<void> {
  const { now } = await house.get<StatusAnswer>("/api/v1/status");
  const isPassed = async () => {
    const { controllers } = (await house.get<StatusAnswer>("/api/v1/status")).health;
    const passed = controllers.filter(({ lastRunAt }) => lastRunAt !== null && lastRunAt > now);
    return names.every((name) => passed.some((one) => one.name === name));
  };
  await until(isPassed, PATIENCE_MS, () => `a pass of ${names.join(", ")}`);
}

describe("a job that GitHub calls completed while its Worker still runs", () => {
  it("runs to its last step, and only then its machine goes", async () => {
    await open();
    const [go, last] = [join(house.directory, "go"), join(house.directory, "last")];
    const steps = [`while test ! -e ${go}; do sleep 0.1; done`, `echo done > ${last}`];
    const id = queue(steps, { isCompletedWhileRunning: true });
    await untilBelieved(id, "completed");
    const [workers, listeners] = [pidsOf("Runner.Worker"), pidsOf("Runner.Listener")];
    expect([workers.length, listeners.length]).toEqual([1, 1]);
    // Everything that could end the machine or its registration has looked at the lie.
    await untilPassed("attend", "assign", "observe", "retire", "sweep");
    await untilPassed("observe", "retire");
    expect([pidsOf("Runner.Worker"), pidsOf("Runner.Listener")]).toEqual([workers, listeners]);
    expect(house.machineFolders()).toHaveLength(1);
    expect(house.github.runners()).toHaveLength(1);
    expect((await allMachines()).map(({ state, verdict }) => [state, verdict.kind])).toEqual([["engaged", "busy"]]);
    expect(existsSync(last)).toBe(false);
    writeFileSync(go, "");
    await untilSucceeded(id);
    expect(readFileSync(last, "utf8")).toBe("done\n");
    await house.untilEmpty(PATIENCE_MS);
  }, 240_000);
});

describe("webhooks that lie about time and number", () => {
  it(
    "run each job once: told twice, late, and in the wrong order",
    async () => {
      await open({ machines: { max: 3 } });
      const file = join(house.directory, "ran");
      const step = (name: string) => [`echo ${name} >> ${file}`];
      const twice = ["queued", "in_progress", "completed"] as const;
      const ids = [
        queue(step("twice"), { duplicate: twice }),
        queue(step("queued-late"), { delayMs: { queued: 2_000 } }),
        queue(step("started-after-completed"), { delayMs: { in_progress: 4_000 } }),
        queue(step("completed-late"), { delayMs: { completed: 4_000 } }),
        queue(step("queued-after-all"), { delayMs: { queued: 6_000 }, duplicate: twice }),
        queue(step("start-not-told"), { drop: ["in_progress"] }),
      ];
      await untilSucceeded(...ids);
      for (const id of ids) await untilBelieved(id, "completed");
      await house.untilEmpty(PATIENCE_MS);
      const ran = readFileSync(file, "utf8").trim().split("\n");
      expect(ran.toSorted()).toEqual(
        [
          "twice",
          "queued-late",
          "started-after-completed",
          "completed-late",
          "queued-after-all",
          "start-not-told",
        ].sort(),
      );
      const { deliveries } = await house.get<StatusAnswer>("/api/v1/status");
      expect([deliveries.pending, deliveries.quarantined]).toEqual([0, 0]);
    },
    TEST_MS,
  );
});

describe("a registration whose answer was lost after it took effect", () => {
  it(
    "is found and deleted, and the job runs under another name",
    async () => {
      await open();
      house.github.faults.inject("generate-jitconfig", { kind: "answer-lost", effect: "done" });
      const id = queue(["echo ran"]);
      await untilSucceeded(id);
      await house.untilEmpty(PATIENCE_MS);
      const runners = house.github.runners("ended-too");
      expect(runners).toHaveLength(2);
      const [lost, used] = runners;
      expect([lost?.version, used?.name === lost?.name]).toEqual([null, false]);
      expect(await allMachines()).toHaveLength(1);
    },
    TEST_MS,
  );
});

describe("a job that waits for somebody's approval", () => {
  it.each(["waiting", "queued"] as const)(
    "gets nothing until it is approved (event %s)",
    async (approval) => {
      await open();
      const request = { repository: "acme/widgets", labels: LABELS, steps: ["echo approved"], approval };
      const id = house.github.queueJob(request);
      await untilBelieved(id, "waiting");
      await untilPassed("ingest", "assign", "launch", "mint");
      expect([await allMachines(), house.github.runners("ended-too")]).toEqual([[], []]);
      expect(house.github.approveJob(id)).toBe(true);
      await untilSucceeded(id);
      await house.untilEmpty(PATIENCE_MS);
      expect(await allMachines()).toHaveLength(1);
    },
    TEST_MS,
  );
});

describe("a runner that exits without a job", () => {
  it(
    "makes its ticket barren with its exit code, leaves no registration, and the job is run by the next",
    async () => {
      house = await openHouse({ machines: { max: 1 } });
      const runner = join(house.directory, "runner");
      createRunnerFolder(runner, { exitCode: 1 });
      await house.start();
      const id = queue(["echo ran"]);
      const barren = async () => (await allMachines()).find(({ ticket }) => ticket?.state === "barren");
      await until(
        async () => (await barren()) !== undefined,
        PATIENCE_MS,
        () => "a barren ticket",
      );
      createRunnerFolder(runner, {});
      const machine = await barren();
      const explained = await house.get<{ timeline: readonly { fact: string }[] }>(`/api/v1/explain/${machine?.id}`);
      expect(explained.timeline.map(({ fact }) => fact)).toContain("ticket barren: exit code 1");
      await untilSucceeded(id);
      await house.untilEmpty(PATIENCE_MS);
      const first = house.github.runners("ended-too").find(({ name }) => name === machine?.ticket?.runnerName);
      expect([first?.acquiredJobId, first?.version]).toEqual([null, null]);
    },
    TEST_MS,
  );
});
