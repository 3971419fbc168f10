import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** They start real processes and servers, and mostly wait for them. */
const REAL_PROCESSES = [
  "test/end-to-end/**/*.test.ts",
  "test/first-hour.test.ts",
  "test/adapters/kubernetes/process-one.test.ts",
  "test/adapters/process/{launch,list,terminate}.test.ts",
  "test/agent/{account,fence,fence-faults,fence-trials,launcher,one-job,pod-one-job}.test.ts",
  "test/deploy/agent-installer.test.ts",
];
/** At a time. By threes they left a third of two cores idle. */
const REAL_PROCESS_FILES_MAX = 5;
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
  "end-to-end/adoption",
  "end-to-end/whole-path",
  "end-to-end/ec2",
  "end-to-end/deployments",
  "end-to-end/kills",
  "agent/fence",
  "first-hour",
  "end-to-end/lies",
  "end-to-end/pools",
  "agent/fence-trials",
  "end-to-end/bad-input",
  "end-to-end/fence",
  "end-to-end/agent-unit",
  "simulator/world/scenarios",
  "incidents/asg-terminating-wait",
  "simulator/provider/asg",
  "simulator/world/run",
  "town/failures",
  "town/budget",
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
    // Some tests of every project wait: one more than a small machine has cores.
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
          exclude: [...REAL_PROCESSES, ...ALONE],
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
        // They take long: after all the rest, so that nothing short waits for them.
        extends: true,
        test: {
          name: "real-processes",
          include: REAL_PROCESSES,
          maxWorkers: REAL_PROCESS_FILES_MAX,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
