import { createHmac, randomInt, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { type House, type MarkedProcess, openHouse, until } from "./house.ts";

/** A guard against hanging, and no bound on how fast anything is: many times what the jobs take on a slow machine. */
const JOBS_PATIENCE_MS = 420_000;
const EMPTY_PATIENCE_MS = 90_000;
const JOB_MS_MIN = 300;
const JOB_MS_MAX = 3_000;

let house: House;
afterEach(() => house.close());

/** Each job leaves a line when it begins and when it ends: one that ran twice, or was cut short, shows. */
function countingJob(file: string, name: string): readonly string[] {
  const seconds = (randomInt(JOB_MS_MIN, JOB_MS_MAX) / 1_000).toFixed(2);
  return [`echo "begin ${name}" >> ${file}`, `sleep ${seconds}`, `echo "end ${name}" >> ${file}`];
}

describe("crashes in the middle of work", () => {
  it("keeps a job running through the SIGKILL of its agent, and the next agent takes it over", async () => {
    house = await openHouse({ machines: { max: 4 } });
    await house.start();
    const ids = Array.from({ length: 8 }, () => house.queue(["sleep 4"]));
    for (let killCount = 0; killCount < 4; killCount += 1) {
      await until(
        () => busyAgents().length > 0,
        JOBS_PATIENCE_MS,
        () => "an agent watches a job",
      );
      const agents = busyAgents();
      for (const agent of agents) process.kill(agent.pid, "SIGKILL");
      await until(
        () => agents.every((agent) => house.processes().every((one) => one.pid !== agent.pid)),
        JOBS_PATIENCE_MS,
        () => "the agents are dead",
      );
    }
    expect(await house.untilCompleted(ids, JOBS_PATIENCE_MS)).toEqual(ids.map(() => "success"));
    await house.untilEmpty(EMPTY_PATIENCE_MS);
  }, 600_000);

  it("loses no job and no machine when the controller is killed at ten random moments under load", async () => {
    house = await openHouse({ machines: { max: 5 }, warm: { parked: 1 } });
    await house.start();
    const file = join(house.directory, "ran");
    const names = Array.from({ length: 60 }, (_, index) => `job-${index}`);
    const ids: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      for (const name of names.slice(round * 6, round * 6 + 6)) ids.push(house.queue(countingJob(file, name), name));
      // A random moment, counted in what GitHub saw happen since: no moment of the path is spared.
      await untilSomethingHappened(randomInt(1, 12));
      await house.kill();
      await house.start();
    }
    expect(await house.untilCompleted(ids, JOBS_PATIENCE_MS)).toEqual(ids.map(() => "success"));
    const lines = readFileSync(file, "utf8").trim().split("\n").sort();
    expect(lines).toEqual(names.flatMap((name) => [`begin ${name}`, `end ${name}`]).sort());
    await untilOnlyWarmLeft();
  }, 900_000);

  it("has every delivery in the store that was answered before a SIGKILL", async () => {
    house = await openHouse();
    await house.start();
    const acknowledged: string[] = [];
    let isKilled = false;
    const senders = Array.from({ length: 8 }, async () => {
      while (!isKilled) {
        const id = randomUUID();
        if (await deliver(id)) acknowledged.push(id);
      }
    });
    await until(
      () => acknowledged.length > 200,
      JOBS_PATIENCE_MS,
      () => `${acknowledged.length} acknowledged`,
    );
    await house.kill();
    isKilled = true;
    await Promise.all(senders);
    const db = new DatabaseSync(join(house.directory, "holdfast.db"), { readOnly: true });
    const stored = new Set(
      db
        .prepare("select id from deliveries")
        .all()
        .map((row) => row.id),
    );
    db.close();
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  }, 600_000);
});

/** Agents of machines on which a Worker runs. */
function busyAgents(): readonly MarkedProcess[] {
  const processes = house.processes();
  const busy = new Set(processes.filter((one) => one.name === "Runner.Worker").map((one) => one.machineId));
  return processes.filter((one) => one.command.includes("agent/main.ts") && busy.has(one.machineId));
}

/** The one machine that the pool keeps warm, parked and without a registration. */
async function untilOnlyWarmLeft(): Promise<void> {
  const machineIds = () => new Set(house.processes().map((one) => one.machineId));
  await until(
    () => machineIds().size === 1 && house.machineFolders().length === 1 && house.github.runners().length === 0,
    EMPTY_PATIENCE_MS,
    () =>
      `machines ${[...machineIds()]}, folders ${house.machineFolders()}, ${house.github.runners().length} registrations`,
  );
  expect(house.processes().filter((one) => one.name.startsWith("Runner."))).toEqual([]);
}

/** Waits for so many changes of any job's or runner's state. */
async function untilSomethingHappened(changeCount: number): Promise<void> {
  let seen = 0;
  const stop = house.github.onJobChange(() => {
    seen += 1;
  });
  const isIdle = () => house.github.jobs().every((job) => job.status === "completed");
  await until(
    () => seen >= changeCount || isIdle(),
    JOBS_PATIENCE_MS,
    () => `${seen} of ${changeCount} changes`,
  );
  stop();
}

async function deliver(id: string): Promise<boolean> {
  const body = JSON.stringify({ action: "queued", workflow_job: { note: "x".repeat(8_000) } });
  const signature = createHmac("sha256", house.webhookSecret).update(body).digest("hex");
  try {
    const answer = await fetch(`${house.url}/webhooks/github`, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/json",
        "x-github-event": "workflow_job",
        "x-github-delivery": id,
        "x-hub-signature-256": `sha256=${signature}`,
      },
    });
    await answer.arrayBuffer();
    return answer.status === 202;
  } catch {
    return false;
  }
}
