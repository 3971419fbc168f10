import { defineConfig } from "vitest/config";

const END_TO_END = ["test/end-to-end/**/*.test.ts", "test/agent/fence-trials.test.ts"];

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
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: END_TO_END,
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
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
