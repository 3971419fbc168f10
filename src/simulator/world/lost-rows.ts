/**
 * A machine's row that is deleted under its running job, by a hand or by a path that has nothing to do with it: as the claim
 * of tuist's pod was released 46 s into its job (tuist #11133).
 */
import { SECOND_MS } from "../../domain/units.ts";
import type { GitHubState } from "../github/state.ts";
import type { Fleet } from "./algorithm.ts";
import type { Chance } from "./chance.ts";
import type { WorldDatabase } from "./database.ts";
import type { EventLog } from "./event-log.ts";
import type { GitHubWorld } from "./github-world.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Workload } from "./workload.ts";

/** Whose book it is: of the two one is there. */
interface BookedWorld {
  readonly workload: Workload;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly log: EventLog;
  readonly github: GitHubWorld;
  readonly database: WorldDatabase | null;
  readonly fleet: Fleet | null;
}

/** A transaction that is open is not cut in two. */
const RETRY_MS = SECOND_MS / 10;

/** To be told of every job that was acquired. */
export function loseRowLater(world: BookedWorld, jobId: number): void {
  const { workload, scheduler, chance, log } = world;
  const fault = workload.strikes("controller.row-lost", jobId);
  if (fault === null) return;
  const lose = (): void => {
    const runnerName = runnerOf(world.github.state, jobId);
    if (runnerName === null) return;
    if (world.database?.isBeingWritten === true) return void scheduler.after(RETRY_MS, lose);
    log.note(`the row of ${runnerName}'s machine is deleted`, workload.nameOf(jobId));
    world.database?.forgetMachine(runnerName);
    world.fleet?.onRowLost?.(runnerName);
  };
  scheduler.after(chance.fork(`row-lost/${jobId}`).between(fault.afterMs), lose);
}

/** Who runs the job now; null once nobody does. */
function runnerOf({ jobs, runners }: GitHubState, jobId: number): string | null {
  const phase = jobs.get(jobId)?.phase;
  return phase?.kind === "acquired" ? (runners.get(phase.runnerId)?.name ?? null) : null;
}
