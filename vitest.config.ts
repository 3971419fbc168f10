import { defineConfig } from "vitest/config";

const END_TO_END = ["test/end-to-end/**/*.test.ts", "test/agent/fence-trials.test.ts"];
/** They put something else in a module's place, or in a global's: each has a process of its own. */
const ALONE = [
  "test/adapters/network/fetch.test.ts",
  "test/adapters/process/disk-full.test.ts",
  "test/agent/fence-hand.test.ts",
  "test/agent/instance.test.ts",
  "test/app/commands/read.test.ts",
];

export default defineConfig({
  test: {
    // The tests' own summary is the last thing on the screen; .ci/run relies on it.
    reporters: ["default"],
    pool: "forks",
    maxWorkers: 2,
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
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "alone", include: ALONE, testTimeout: 30_000, sequence: { groupOrder: 0 } },
      },
      {
        // They start real processes and servers, and wait for them: after all the rest, and more of them at a time.
        extends: true,
        test: {
          name: "end-to-end",
          include: END_TO_END,
          maxWorkers: 3,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
