/** The whole fleet at one moment, for whoever watches it: one question instead of five, and each list up to a limit. */
import { z } from "zod";
import type { FleetAnswer } from "./answers.ts";
import { readWaitingJobs } from "./read-jobs.ts";
import { readEndedMachines, readMachines } from "./read-machines.ts";
import { readStatus } from "./read-status.ts";
import type { OperatorSources } from "./sources.ts";

/** More than any screen has lines for. */
const LIMIT_MAX = 200;
const LIMIT = 50;

export const FleetQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT) });

const MOVING = ["planned", "provisioning", "stopping", "retiring"] as const;

/** @param limitCount of each list. */
export async function readFleet(sources: OperatorSources, limitCount: number): Promise<FleetAnswer> {
  const status = await readStatus(sources);
  const isAnyUnknown = status.pools.some(({ verdicts }) => verdicts.unknown > 0);
  const of = { includeGone: false, limitCount };
  return {
    status,
    waiting: await readWaitingJobs(sources, limitCount),
    moving: await readMachines(sources, { ...of, states: MOVING }),
    // To find them every machine is judged: not where it is known that there is none.
    unknown: isAnyUnknown
      ? await readMachines(sources, { ...of, verdicts: ["unknown"] })
      : { now: status.now, machines: [] },
    ended: await readEndedMachines(sources, limitCount),
  };
}
