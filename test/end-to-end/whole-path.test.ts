import { afterEach, describe, expect, it } from "vitest";
import { type House, openHouse, type PoolOverrides, until } from "./house.ts";

/** Guards against hanging alone: the jobs of a test take a fraction of them, also on a machine that is several times slower. */
const JOBS_PATIENCE_MS = 600_000;
const EMPTY_PATIENCE_MS = 180_000;

let house: House;
async function open(pool: PoolOverrides = {}): Promise<House> {
  house = await openHouse(pool);
  await house.start();
  return house;
}
afterEach(() => house.close());

describe("the whole path, over real HTTP and real processes", () => {
  it("runs 50 jobs with at most 5 machines at a time, and nothing is left", async () => {
    await open({ machines: { max: 5 } });
    let mostMachines = 0;
    const watch = setInterval(() => {
      mostMachines = Math.max(mostMachines, new Set(house.processes().map((one) => one.machineId)).size);
    }, 100);
    const ids = Array.from({ length: 50 }, (_, index) => house.queue([`echo ${index}`, "sleep 0.1"]));
    const conclusions = await house.untilCompleted(ids, JOBS_PATIENCE_MS);
    await house.untilEmpty(EMPTY_PATIENCE_MS);
    clearInterval(watch);
    expect(conclusions).toEqual(ids.map(() => "success"));
    expect(mostMachines).toBeGreaterThan(1);
    expect(mostMachines).toBeLessThanOrEqual(5);
  }, 720_000);

  it("runs three jobs on one machine where jobsPerMachine is 3, each in a fresh root", async () => {
    await open({ machines: { max: 1, jobsPerMachine: 3 } });
    const step = 'test ! -e marker && touch marker && echo "$HOLDFAST_MACHINE" >&2';
    const ids = [house.queue([step]), house.queue([step]), house.queue([step])];
    expect(await house.untilCompleted(ids, JOBS_PATIENCE_MS)).toEqual(["success", "success", "success"]);
    await house.untilEmpty(EMPTY_PATIENCE_MS);
    const { machines } = await house.get<{ machines: readonly { id: string }[] }>("/api/v1/machines?all=true");
    expect(machines).toHaveLength(1);
  }, 720_000);

  it("keeps warm machines parked without a registration, and replaces those that were used", async () => {
    await open({ machines: { max: 4 }, warm: { parked: 2 } });
    const parkedCount = async (): Promise<number> => {
      const { machines } = await house.get<{ machines: readonly { state: string }[] }>("/api/v1/machines");
      return machines.filter((machine) => machine.state === "parked").length;
    };
    await until(
      async () => (await parkedCount()) === 2,
      JOBS_PATIENCE_MS,
      () => "two parked machines",
    );
    expect(house.github.runners()).toEqual([]);
    expect(await house.untilCompleted([house.queue(["echo warm"])], JOBS_PATIENCE_MS)).toEqual(["success"]);
    await until(
      async () => (await parkedCount()) === 2,
      JOBS_PATIENCE_MS,
      () => "two parked machines again",
    );
    await until(
      () => house.github.runners().length === 0,
      EMPTY_PATIENCE_MS,
      () => "no registration",
    );
  }, 720_000);

  it("leaves nothing of a job that was cancelled before it had a ticket", async () => {
    await open({ machines: { max: 1 } });
    const long = house.queue(["sleep 2"]);
    await house.github.waitForJob(long, (job) => job.status === "in_progress", JOBS_PATIENCE_MS);
    const cancelled = house.queue(["echo never"]);
    await until(
      async () =>
        (await house.get<{ jobs: readonly { id: number }[] }>("/api/v1/jobs")).jobs.some((job) => job.id === cancelled),
      JOBS_PATIENCE_MS,
      () => "the job is known",
    );
    house.github.cancelJob(cancelled);
    expect(await house.untilCompleted([long, cancelled], JOBS_PATIENCE_MS)).toEqual(["success", "cancelled"]);
    await house.untilEmpty(EMPTY_PATIENCE_MS);
  }, 720_000);
});
