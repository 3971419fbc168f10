/**
 * tuist's OrphanedStampedPods (tuist/tuist #11060, facts 2.4): a machine that was made for a job, has no claim row and is
 * older than five minutes is deleted. Machines are listed before the claims are read, and a failed listing skips the pass.
 * The age is the machine's own, from its creation. Claims are made by `in_progress` and released by `completed`, by the name
 * of the runner that executed the job (tuist makes them at its own dispatch, which GitHub's runners do not have). Machines
 * are single-use, for jobs that are still queued after 30 s; the reaper is also what ends those that have run their job.
 *
 * How it loses jobs (#11133): a claim that is released early, late or never made leaves a running job's machine without a
 * row, and nothing else is asked.
 */
import { MINUTE_MS } from "../../domain/units.ts";
import type { Fleet, FleetWorld } from "../world/algorithm.ts";
import { Calls } from "./calls.ts";
import { ageOf, listInstances, terminateInstance } from "./instances.ts";
import { Launcher } from "./launcher.ts";

const GRACE_MS = 5 * MINUTE_MS;

export function makeLedgerReaper(world: FleetWorld): Fleet {
  const calls = new Calls(world);
  const launcher = new Launcher(calls, { isPersistent: false, checksJob: true });
  const claimed = new Set<string>();
  calls.repeat(async () => {
    for (const instance of (await listInstances(calls)) ?? []) {
      if (ageOf(calls, instance) < GRACE_MS || claimed.has(instance.runnerName)) continue;
      await terminateInstance(calls, instance.providerId, "no claim on it");
    }
  });
  return {
    onJobEvent: ({ action, jobId, labels, repository, runnerName }) => {
      if (action === "queued") launcher.order({ jobId, labels, repository, attemptCount: 0 });
      else if (runnerName !== null && action === "in_progress") claimed.add(runnerName);
      else if (runnerName !== null) claimed.delete(runnerName);
    },
    onRowLost: (runnerName) => claimed.delete(runnerName),
    stop: () => calls.stop(),
  };
}
