import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Controller, Driver } from "../../src/controllers/driver.ts";
import { HoldfastError } from "../../src/domain/errors.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import { connectionName, machineId, poolName } from "../domain/builders.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { ManualClock } from "../store/manual-clock.ts";

const LINUX = poolName("linux");
const PERIOD_MS = 5 * SECOND_MS;
const FAILURE_PAUSE_MS = 500;
const TURNS_MAX = 1_000;

let clock: ManualClock;
let telemetry: ReturnType<typeof recordTelemetry>;
let driver: Driver;
beforeEach(() => {
  clock = new ManualClock();
  telemetry = recordTelemetry();
  driver = new Driver(clock, telemetry, () => undefined);
});
afterEach(async () => {
  const stopping = driver.stop();
  clock.advance(FAILURE_PAUSE_MS);
  await stopping;
});

/** A controller whose activations a test lets end, one by one. */
class Work {
  runCount = 0;
  runningCount = 0;
  mostAtOnce = 0;
  #ends: (() => void)[] = [];

  async run(): Promise<void> {
    this.runCount += 1;
    this.runningCount += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.runningCount);
    await new Promise<void>((resolve) => this.#ends.push(resolve));
    this.runningCount -= 1;
  }

  /** Lets the running activation end. */
  async end(): Promise<void> {
    const end = this.#ends.shift();
    if (end === undefined) throw new Error("nothing runs");
    end();
    await settle();
  }

  as(name: Controller["name"] = "assign", pool: Controller["pool"] = LINUX): Controller {
    return { name, pool, periodMs: PERIOD_MS, run: () => this.run() };
  }
}

/** Counts its runs; fails as often as it is told to. */
function counting(errors: unknown[] = [], name: Controller["name"] = "assign", pool: Controller["pool"] = LINUX) {
  const state = { runCount: 0 };
  const run = async () => {
    state.runCount += 1;
    if (errors.length > 0) throw errors.shift();
  };
  return { state, controller: { name, pool, periodMs: PERIOD_MS, run } };
}

async function settle(): Promise<void> {
  for (let count = 0; count < 10; count += 1) await turn();
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let count = 0; !isTrue(); count += 1) {
    if (count > TURNS_MAX) throw new Error("it does not come");
    await turn();
  }
}

async function advance(durationMs: number): Promise<void> {
  clock.advance(durationMs);
  await settle();
}

describe("a controller", () => {
  it("runs at once, and then once in a period", async () => {
    const { state, controller } = counting();
    driver.start([controller]);
    await settle();
    expect(state.runCount).toBe(1);
    await advance(PERIOD_MS - 1);
    expect(state.runCount).toBe(1);
    await advance(1);
    expect(state.runCount).toBe(2);
    await advance(10 * PERIOD_MS);
    expect(state.runCount).toBe(3);
  });

  it("counts its period from the end of an activation", async () => {
    const work = new Work();
    driver.start([work.as()]);
    await advance(3 * PERIOD_MS);
    await work.end();
    await advance(PERIOD_MS - 1);
    expect(work.runCount).toBe(1);
    await advance(1);
    expect(work.runCount).toBe(2);
    await work.end();
  });

  it("runs early where it is woken, and its period begins anew", async () => {
    const { state, controller } = counting();
    driver.start([controller]);
    await settle();
    await advance(PERIOD_MS - 1);
    driver.controller("assign", LINUX);
    await settle();
    expect(state.runCount).toBe(2);
    await advance(PERIOD_MS - 1);
    expect(state.runCount).toBe(2);
    await advance(1);
    expect(state.runCount).toBe(3);
  });

  it("runs one activation at a time, however often it is woken, and once more after all of that", async () => {
    const work = new Work();
    driver.start([work.as()]);
    await settle();
    for (let count = 0; count < 20; count += 1) {
      driver.controller("assign", LINUX);
      await advance(PERIOD_MS);
    }
    expect(work.runCount).toBe(1);
    await work.end();
    expect(work.runCount).toBe(2);
    await work.end();
    expect([work.runCount, work.mostAtOnce]).toEqual([2, 1]);
  });

  it("tells how long its passes took, and how long after their time they began", async () => {
    const work = new Work();
    driver.start([work.as()]);
    await advance(3 * SECOND_MS);
    driver.controller("assign", LINUX);
    await advance(SECOND_MS);
    await work.end();
    await work.end();
    await advance(PERIOD_MS);
    await work.end();
    expect(telemetry.durationsMs.get("holdfast_pass_seconds controller=assign")).toEqual([4 * SECOND_MS, 0, 0]);
    expect(telemetry.durationsMs.get("holdfast_pass_lag_seconds controller=assign")).toEqual([0, SECOND_MS, 0]);
  });

  it("shows when the oldest pass that is under way began, and tells of one that fails too", async () => {
    const began = () => telemetry.gauges.get("holdfast_pass_began_timestamp_seconds controller=assign");
    const [first, second] = [new Work(), new Work()];
    clock.advance(100 * SECOND_MS);
    driver.start([first.as("assign", LINUX)]);
    await advance(SECOND_MS);
    driver.start([second.as("assign", poolName("gpu"))]);
    await settle();
    expect(began()).toBe(100);
    await first.end();
    expect(began()).toBe(101);
    await second.end();
    expect(began()).toBe(0);
    driver.start([counting([new Error("no")], "sweep").controller]);
    await settle();
    expect(telemetry.durationsMs.get("holdfast_pass_seconds controller=sweep")).toEqual([0]);
    expect(telemetry.gauges.get("holdfast_pass_began_timestamp_seconds controller=sweep")).toBe(0);
  });

  it("is woken by its name and pool, and no other is", async () => {
    const mine = counting([], "assign", LINUX);
    const others = [
      counting([], "assign", poolName("gpu")),
      counting([], "retire", LINUX),
      counting([], "ingest", null),
    ];
    driver.start([mine.controller, ...others.map(({ controller }) => controller)]);
    await settle();
    driver.controller("assign", LINUX);
    driver.controller("assign", null);
    driver.controller("mint", LINUX);
    await settle();
    expect([mine.state.runCount, ...others.map(({ state }) => state.runCount)]).toEqual([2, 1, 1, 1]);
    driver.pool(LINUX);
    await settle();
    expect([mine.state.runCount, ...others.map(({ state }) => state.runCount)]).toEqual([3, 1, 2, 1]);
    driver.controller("ingest", null);
    await settle();
    expect(others.map(({ state }) => state.runCount)).toEqual([1, 2, 2]);
  });

  it("of a connection is one of several of its name, and is woken with its connection", async () => {
    const [mine, other, pools] = [counting([], "discover", null), counting([], "discover", null), counting()];
    const of = (one: typeof mine, name: string) => ({ ...one.controller, connection: connectionName(name) });
    driver.start([of(mine, "main"), of(other, "ghes"), pools.controller]);
    await settle();
    driver.connection(connectionName("main"));
    await settle();
    expect([mine, other, pools].map(({ state }) => state.runCount)).toEqual([2, 1, 1]);
  });

  it("holds up no other while it runs", async () => {
    const work = new Work();
    const other = counting([], "retire");
    driver.start([work.as(), other.controller]);
    await settle();
    for (let count = 0; count < 3; count += 1) await advance(PERIOD_MS);
    expect([work.runCount, other.state.runCount]).toEqual([1, 4]);
    await work.end();
  });
});

it("hands a wake of a machine to the open polls", () => {
  const woken: string[] = [];
  new Driver(clock, telemetry, (id) => woken.push(id)).machine(machineId(3));
  expect(woken).toEqual([machineId(3)]);
});

describe("a controller that fails", () => {
  const healthOf = () => driver.health().map(({ lastError, lastRunAtMs }) => [lastError, lastRunAtMs]);

  it("is counted, logged with its cause, told in health, and tried again in its period", async () => {
    const failure = new HoldfastError("store-unavailable", "writing the plan", { cause: new Error("disk full") });
    const { state, controller } = counting([failure]);
    driver.start([controller]);
    await settle();
    expect(telemetry.counts).toEqual(["holdfast_controller_failures_total controller=assign"]);
    expect(telemetry.errors).toMatchObject([{ error: failure, fields: { controller: "assign", pool: "linux" } }]);
    await advance(FAILURE_PAUSE_MS);
    expect(healthOf()).toEqual([["writing the plan: The store cannot be opened or written.", FAILURE_PAUSE_MS]]);
    await advance(PERIOD_MS - 1);
    expect(state.runCount).toBe(1);
    await advance(1);
    expect(state.runCount).toBe(2);
    expect(healthOf()).toEqual([[null, FAILURE_PAUSE_MS + PERIOD_MS]]);
  });

  it.each<[string, unknown, string]>([
    ["a bug", new TypeError("x is not a function"), "x is not a function"],
    ["what is no error", "just a text", "just a text"],
    ["nothing", undefined, "undefined"],
  ])("says what it was: %s", async (_name, thrown, told) => {
    driver.start([counting([thrown]).controller]);
    await settle();
    expect(driver.health()[0]?.lastError).toBe(told);
  });

  it("does not spin where it is woken all the time, and runs for the wakes that came meanwhile", async () => {
    const { state, controller } = counting(Array.from({ length: 100 }, () => new Error("again")));
    driver.start([controller]);
    await settle();
    for (let count = 0; count < 50; count += 1) {
      driver.controller("assign", LINUX);
      await turn();
    }
    expect(state.runCount).toBe(1);
    await advance(FAILURE_PAUSE_MS);
    expect(state.runCount).toBe(2);
  });

  it("stops no other, and throws nothing at whoever stops the driver", async () => {
    const other = counting([], "retire");
    const failing = counting(Array.from({ length: 100 }, () => new Error("again")));
    driver.start([failing.controller, other.controller]);
    await settle();
    for (let count = 0; count < 5; count += 1) await advance(FAILURE_PAUSE_MS + PERIOD_MS);
    expect(other.state.runCount).toBe(6);
    expect(driver.health().map(({ name, lastError }) => [name, lastError])).toEqual([
      ["assign", "again"],
      ["retire", null],
    ]);
  });

  it("that throws before it is a promise is no different", async () => {
    const run = (): Promise<void> => {
      throw new Error("at once");
    };
    driver.start([{ name: "assign", pool: LINUX, periodMs: PERIOD_MS, run }]);
    await settle();
    expect(driver.health()[0]?.lastError).toBe("at once");
  });
});

describe("a rest", () => {
  const REST_MS = 2 * SECOND_MS;

  it("makes one pass of the wakes that come within it, and delays no first one", async () => {
    const { state, controller } = counting();
    driver.start([{ ...controller, restMs: REST_MS }]);
    await settle();
    await advance(REST_MS);
    driver.controller("assign", LINUX);
    await settle();
    expect(state.runCount).toBe(2);
    for (let count = 0; count < 5; count += 1) {
      driver.controller("assign", LINUX);
      await settle();
    }
    await advance(REST_MS - 1);
    expect(state.runCount).toBe(2);
    await advance(1);
    expect(state.runCount).toBe(3);
    await advance(PERIOD_MS - 1);
    expect(state.runCount).toBe(3);
    await advance(1);
    expect(state.runCount).toBe(4);
  });

  it("counts from the end of a pass, and loses no wake that came during it", async () => {
    const work = new Work();
    driver.start([{ ...work.as(), restMs: REST_MS }]);
    await settle();
    await advance(3 * REST_MS);
    driver.controller("assign", LINUX);
    await work.end();
    await advance(REST_MS - 1);
    expect(work.runCount).toBe(1);
    await advance(1);
    expect(work.runCount).toBe(2);
    await work.end();
  });

  it("holds nobody up who stops the driver", async () => {
    const { state, controller } = counting();
    driver.start([{ ...controller, restMs: REST_MS }]);
    await settle();
    driver.controller("assign", LINUX);
    await settle();
    await driver.stop();
    expect(state.runCount).toBe(1);
  });
});

describe("health", () => {
  it("names every controller, and says of one that has not ended a run that it has not", async () => {
    const work = new Work();
    driver.start([work.as("mint"), counting([], "ingest", null).controller]);
    await settle();
    await advance(7);
    expect(driver.health()).toEqual([
      { name: "mint", pool: "linux", connection: null, periodMs: PERIOD_MS, lastRunAtMs: null, lastError: null },
      { name: "ingest", pool: null, connection: null, periodMs: PERIOD_MS, lastRunAtMs: 0, lastError: null },
    ]);
    await work.end();
    expect(driver.health()[0]?.lastRunAtMs).toBe(7);
  });
});

describe("a stop", () => {
  it("lets what is last to stop go on until every other has ended, and ends it then", async () => {
    const call = new Work();
    const last = counting([], "hold-members");
    driver.start([call.as("launch"), { ...last.controller, isLastToStop: true }]);
    await settle();
    const stopping = driver.stop();
    for (let count = 0; count < 3; count += 1) await advance(PERIOD_MS);
    expect(last.state.runCount).toBe(4);
    await call.end();
    await stopping;
    expect([call.runCount, last.state.runCount]).toEqual([1, 4]);
  });

  it("lets the running activation end, and starts no other, woken or not", async () => {
    const work = new Work();
    driver.start([work.as()]);
    await settle();
    driver.controller("assign", LINUX);
    let isStopped = false;
    const stopping = driver.stop().then(() => {
      isStopped = true;
    });
    await settle();
    expect([isStopped, work.runningCount]).toEqual([false, 1]);
    await work.end();
    await stopping;
    driver.controller("assign", LINUX);
    await advance(2 * PERIOD_MS);
    expect([work.runCount, work.runningCount]).toEqual([1, 0]);
  });

  it("does not wait for a period", async () => {
    const { state, controller } = counting();
    driver.start([controller]);
    await until(() => clock.sleeperCount === 1);
    await driver.stop();
    expect(state.runCount).toBe(1);
  });

  it("waits for all that run, and may be asked twice", async () => {
    const [one, two] = [new Work(), new Work()];
    driver.start([one.as("assign"), two.as("retire")]);
    await settle();
    const stopping = Promise.all([driver.stop(), driver.stop()]);
    await one.end();
    expect(two.runningCount).toBe(1);
    await two.end();
    await stopping;
  });
});
