import type { Migration } from "./migration.ts";

/** A run's page address is what a person has at hand, and names its jobs. */
export const jobsRun: Migration = {
  number: 6,
  name: "jobs-run",
  statements: () => ["create index jobs_run on jobs (run_id, run_attempt)"],
};
