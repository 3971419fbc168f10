import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const END_TO_END = ["test/end-to-end/**/*.test.ts", "test/agent/fence-trials.test.ts", "test/first-hour.test.ts"];
/** They put something else in a module's place, or in a global's: each has a process of its own. */
const ALONE = [
  "test/adapters/network/fetch.test.ts",
  "test/adapters/process/disk-full.test.ts",
  "test/agent/fence-hand.test.ts",
  "test/agent/instance.test.ts",
  "test/app/commands/read.test.ts",
];

/** The longest first: one that began last would run alone for minutes. */
const LONGEST = [
  "end-to-end/crashes",
  "end-to-end/kills",
  "end-to-end/adoption",
  "end-to-end/pools",
  "end-to-end/deployments",
  "first-hour",
  "end-to-end/lies",
  "simulator/world/scenarios",
  "incidents/asg-terminating-wait",
  "simulator/provider/asg",
  "simulator/world/run",
  "town/failures",
  "tidy",
].map((name) => `/test/${name}.test.ts`);

/** A guard against hanging alone, far past what any of them takes on a machine that is several times slower. */
const HANG_MS = 120_000;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return place < 0 ? LONGEST.length : place;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // The tests' own summary is the last thing on the screen; .ci/run relies on it.
    reporters: ["default"],
    pool: "forks",
    // Many tests wait for real processes: one more than a small machine has cores.
    maxWorkers: 3,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    hookTimeout: 30_000,
    projects: [
      {
        // Files that share a process load each module once: that is a tenth of the whole run.
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...END_TO_END, ...ALONE],
          isolate: false,
          testTimeout: HANG_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "alone", include: ALONE, testTimeout: HANG_MS, sequence: { groupOrder: 0 } },
      },
      {
        // They start real processes and servers, and take long: after all the rest, so that nothing short waits for them.
        extends: true,
        test: {
          name: "end-to-end",
          include: END_TO_END,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
