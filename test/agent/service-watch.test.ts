/** What a member's agent hears of its group, and what it makes of a sleep. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Inbox } from "../../src/agent/inbox.ts";
import { InstanceMetadata } from "../../src/agent/instance-metadata.ts";
import { watchService } from "../../src/agent/service-watch.ts";
import { SleepSense } from "../../src/agent/sleep.ts";
import { type System, system } from "../../src/agent/system.ts";
import type { ToldService } from "../../src/domain/host/group-word.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { type MetadataStandIn, startMetadataStandIn } from "./metadata-stand-in.ts";

const START_MS = 1_787_155_735_000;

/** Clocks that the test moves. */
function handClocks() {
  const clocks = { monotonicMs: 0, wallClockMs: START_MS };
  return {
    sense: { monotonicMs: () => clocks.monotonicMs, wallClockMs: () => clocks.wallClockMs },
    pass: (forMs: number) => {
      clocks.monotonicMs += forMs;
      clocks.wallClockMs += forMs;
    },
    /** The monotonic clock stands still meanwhile. */
    hibernate: (forMs: number) => {
      clocks.wallClockMs += forMs;
    },
  };
}

describe("a sleep", () => {
  it.each<[string, (clocks: ReturnType<typeof handClocks>) => void, boolean]>([
    ["no time", () => {}, false],
    ["the longest wait between two questions", ({ pass }) => pass(5 * SECOND_MS), false],
    ["a clock that is set right by a second", ({ hibernate }) => hibernate(SECOND_MS), false],
    ["an hour of hibernation", ({ hibernate }) => hibernate(HOUR_MS), true],
    ["three seconds of it", ({ hibernate }) => hibernate(3 * SECOND_MS), true],
    ["a wall clock that was not set yet after the resume, and then is", ({ hibernate }) => hibernate(-HOUR_MS), true],
    ["a machine that stood still with all its clocks going on", ({ pass }) => pass(2 * MINUTE_MS), true],
  ])("%s", (_name, happen, hasSlept) => {
    const clocks = handClocks();
    const sleep = new SleepSense(clocks.sense);
    happen(clocks);
    expect(sleep.hasSlept()).toBe(hasSlept);
    expect(sleep.hasSlept()).toBe(false);
  });
});

describe("the inbox after a sleep", () => {
  it("lacks what the group said before it, and holds the rest in its order", async () => {
    const inbox = new Inbox();
    const told = inbox.put({ kind: "service-told", service: "serving" });
    void inbox.put({ kind: "poll-sent" });
    void inbox.put({ kind: "asked-to-stop" });
    inbox.drop("service-told");
    await told;
    expect([inbox.take(), inbox.take(), inbox.take()].map((letter) => letter?.input.kind)).toEqual([
      "poll-sent",
      "asked-to-stop",
      undefined,
    ]);
  });
});

describe("the watch of a member", () => {
  let metadata: MetadataStandIn;
  const clocks = handClocks();
  const heard: ToldService[] = [];
  const lines: string[] = [];
  const pausesMs: number[] = [];
  let stop: AbortController;
  let ended: Promise<void>;
  let wake = () => {};
  let paused = () => {};

  beforeEach(async () => {
    metadata = await startMetadataStandIn();
    for (const list of [heard, lines, pausesMs]) list.splice(0);
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    wake();
    await ended;
    metadata.close();
  });

  const own: System = {
    ...system,
    ...clocks.sense,
    sleep: (durationMs) =>
      new Promise((resolve) => {
        pausesMs.push(durationMs);
        wake = resolve;
        paused();
      }),
  };
  const atPause = () =>
    new Promise<void>((resolve) => {
      paused = resolve;
    });
  const begin = () => {
    const first = atPause();
    const of = new InstanceMetadata({ AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url }, own);
    const log = { path: "", write: (message: string) => void lines.push(message) };
    ended = watchService({ metadata: of, system: own, log, onService: (one) => void heard.push(one) }, stop.signal);
    return first;
  };
  const look = () => {
    const next = atPause();
    wake();
    return next;
  };

  it("hears of an end, of a draw from the warm pool and of a standby within five seconds, each time anew", async () => {
    await begin();
    for (const target of ["InService", "Standby", "InService", "Warmed:Hibernated", "InService", "Terminated"]) {
      metadata.target = target;
      await look();
    }
    await look();
    expect(heard).toEqual(["serving", "serving", "aside", "serving", "aside", "serving", "ending", "ending"]);
    expect(Math.max(...pausesMs)).toBeLessThanOrEqual(5 * SECOND_MS);
    // Once for each word, not for each reading.
    expect(lines).toHaveLength(7);
  });

  it("keeps to the last word while the metadata cannot be read, and says so once", async () => {
    metadata.target = "Standby";
    await begin();
    metadata.isAway = true;
    await look();
    await look();
    expect(heard).toEqual(["aside"]);
    expect(lines.filter((line) => line.includes("not known"))).toHaveLength(1);
    metadata.isAway = false;
    metadata.target = "InService";
    await look();
    expect(heard).toEqual(["aside", "serving"]);
  });

  it("does not pass on an answer that a sleep made old", async () => {
    metadata.target = "InService";
    metadata.onReading = () => clocks.hibernate(HOUR_MS);
    await begin();
    expect(heard).toEqual([]);
    metadata.onReading = () => {};
    await look();
    expect(heard).toEqual(["serving"]);
  });
});
