/** What the fleets ask of GitHub's REST API. It answers what GitHub's view is, which need not be so. */
import type { Scope } from "../github/places.ts";
import {
  type Deletion,
  deleteRunner,
  findRunner,
  listRunners,
  reportedBusy,
  reportedStatus,
} from "../github/runners.ts";
import type { FleetWorld } from "../world/algorithm.ts";
import type { Calls } from "./calls.ts";

export type RunnerReading =
  | { readonly kind: "found"; readonly isBusy: boolean; readonly isOnline: boolean }
  /** 404 */
  | { readonly kind: "missing" };

export function readRunner(calls: Calls, scope: Scope, runnerId: number): Promise<RunnerReading | null> {
  const { github, scheduler } = calls.world;
  return calls.ask("github", "get-runner", (): RunnerReading => {
    const runner = findRunner(github.state, scope, runnerId);
    if (runner === undefined) return { kind: "missing" };
    const isOnline = reportedStatus(github.state, runner, scheduler.nowMs) === "online";
    return { kind: "found", isBusy: reportedBusy(runner), isOnline };
  });
}

/** The ids of the scope's runners by their names. */
export function readRunnerIds(calls: Calls, scope: Scope): Promise<ReadonlyMap<string, number> | null> {
  const { world } = calls;
  return calls.ask("github", "list-runners", () => {
    const runners = listRunners(world.github.state, scope).filter(() => !isLeftOut(world));
    return new Map(runners.map(({ name, id }) => [name, id]));
  });
}

function isLeftOut({ scenario, scheduler, chance }: FleetWorld): boolean {
  const { faults, faultsEndMs, startMs } = scenario;
  if (faultsEndMs !== null && scheduler.nowMs >= startMs + faultsEndMs) return false;
  return faults.some((fault) => fault.kind === "github.missing-from-listing" && chance.happens(fault.probability));
}

export function removeRunner(calls: Calls, scope: Scope, runnerId: number): Promise<Deletion | null> {
  const { world } = calls;
  return calls.ask("github", "delete-runner", () => {
    world.cause(`DELETE of runner ${runnerId}`);
    const deletion = deleteRunner(world.github.state, scope, runnerId, world.scheduler.nowMs);
    world.github.changed();
    return deletion;
  });
}

export function readIsQueued(calls: Calls, jobId: number): Promise<boolean | null> {
  const { github } = calls.world;
  return calls.ask("github", "get-job", () => {
    const phase = github.state.jobs.get(jobId)?.phase;
    if (phase === undefined) return false;
    // It reads as queued until its Worker has started.
    return phase.kind === "acquired" ? phase.startedAtMs === null : phase.kind !== "completed";
  });
}
