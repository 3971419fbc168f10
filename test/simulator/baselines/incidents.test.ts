/** The incidents' files at their own times: each published algorithm that lost jobs there loses them here. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Baseline } from "../../../src/simulator/scenario/scenario.ts";
import { pool } from "../../domain/builders.ts";
import { ROOT } from "../../house/temp-tree.ts";
import { type FleetScene, makeFleetScene, type SceneOptions } from "./fleet-scene.ts";

interface ScenarioFile {
  readonly name: string;
  readonly start: string;
  readonly duration: string;
  readonly pools: readonly { readonly machines: { readonly max: number } }[];
  readonly world: {
    readonly workload: { readonly jobs: readonly { name: string; at: string; duration: string }[] };
    readonly faults: readonly { kind: string; job: string; lag?: readonly string[]; after?: readonly string[] }[];
  };
  readonly boot: readonly [string, string];
  readonly fleet: { persistent: boolean; firstPass: string; passEvery: string; minimumAge: string };
}

const UNITS = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS } as const;

function spanMs(text: string): number {
  const match = /^(\d+)([smh])$/.exec(text);
  if (match === null) throw new RangeError(`not a span: ${text}`);
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}

function timeOfDayMs(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(":").map(Number);
  return hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS;
}

/** Whatever lies before the start is of the next day. */
function sinceStartMs(text: string, start: string): number {
  return (timeOfDayMs(text) - timeOfDayMs(start) + DAY_MS) % DAY_MS;
}

function lieOf({ world }: ScenarioFile): NonNullable<SceneOptions["lie"]> {
  return (jobName, runner, scheduler) => {
    const fault = world.faults.find(({ job }) => job === jobName);
    runner.misreport = {};
    if (fault === undefined) return;
    const [first = "0s"] = fault.lag ?? fault.after ?? [];
    if (fault.kind !== "github.busy-flag-drops") runner.misreport = { busy: false };
    const isOver = () => runner.acquiredJobId === null;
    if (fault.kind === "github.busy-flag-never") return;
    scheduler.after(spanMs(first), () => {
      if (!isOver()) runner.misreport = fault.kind === "github.busy-flag-lag" ? {} : { busy: false };
    });
  };
}

async function play(
  name: string,
  baseline: Baseline,
): Promise<{ readonly lost: readonly string[]; readonly scene: FleetScene }> {
  const file = parse(readFileSync(join(ROOT, "test", "scenarios", `${name}.yaml`), "utf8")) as ScenarioFile;
  const bootMs = file.boot.map(spanMs);
  const scene = makeFleetScene(baseline, {
    jobs: file.world.workload.jobs.map((job) => ({
      name: job.name,
      atMs: sinceStartMs(job.at, file.start),
      durationMs: spanMs(job.duration),
    })),
    lie: lieOf(file),
    scenario: {
      name: file.name,
      pools: [pool({ machineCountMax: file.pools[0]?.machines.max ?? 0 })],
      bootMs: [bootMs[0] ?? 0, bootMs[1] ?? 0],
      fleet: {
        isPersistent: file.fleet.persistent,
        firstPassMs: spanMs(file.fleet.firstPass),
        passEveryMs: spanMs(file.fleet.passEvery),
        minimumAgeMs: spanMs(file.fleet.minimumAge),
      },
    },
  });
  await scene.runUntil(spanMs(file.duration));
  return { lost: [...scene.lost].toSorted(), scene };
}

it.each<[string, Baseline, readonly string[]]>([
  ["scale-down-toctou", "flag-then-deregister", ["deploy"]],
  ["scale-down-toctou", "deregister-then-recheck", ["deploy"]],
  ["scale-down-toctou", "idle-confirmation-window", ["deploy"]],
  ["broker-rest-desync", "flag-then-deregister", ["B-18700", "B-18701"]],
  ["broker-rest-desync", "deregister-then-recheck", ["B-18700", "B-18701"]],
  ["broker-rest-desync", "idle-confirmation-window", ["B-18700", "B-18701"]],
  ["flag-lag-and-drop", "flag-then-deregister", ["drop-735-seconds", "drop-98-percent", "lag-1", "lag-2"]],
  ["flag-lag-and-drop", "idle-confirmation-window", ["drop-735-seconds"]],
])("%s with %s loses %s", async (name, baseline, lost) => {
  const played = await play(name, baseline);
  expect(played.lost).toEqual(lost);
});
