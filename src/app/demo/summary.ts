/** What the demonstration came to, from GitHub's ground truth, the store, the provider and the folders themselves. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { listEvidence } from "../../store/evidence/evidence.ts";
import { listMachines } from "../../store/machines/list.ts";
import { machineSubject } from "../../store/subjects.ts";
import type { Stage } from "./stage.ts";

const MACHINES_MAX = 100_000;
const EVIDENCE_MAX = 100;

export interface Summary {
  readonly jobs: {
    readonly total: number;
    readonly succeeded: number;
    readonly cancelled: number;
    readonly failed: number;
  };
  readonly waitMs: { readonly median: number; readonly max: number } | null;
  readonly machineCount: number;
  readonly endedByProof: ReadonlyMap<string, number>;
  readonly left: {
    readonly machines: number;
    readonly processes: number;
    readonly registrations: number;
    readonly folders: number;
  };
}

export async function summarize(stage: Stage): Promise<Summary> {
  const jobs = stage.github.jobs();
  const succeeded = jobs.filter((job) => job.conclusion === "success").length;
  const cancelled = jobs.filter((job) => job.conclusion === "cancelled").length;
  const waits = jobs.flatMap((job) =>
    job.startedAtMs === null || job.conclusion !== "success" ? [] : [job.startedAtMs - job.createdAtMs],
  );
  const machines = await listMachines(stage.holdfast.store.db, { includeGone: true, limitCount: MACHINES_MAX });
  return {
    jobs: { total: jobs.length, succeeded, cancelled, failed: jobs.length - succeeded - cancelled },
    waitMs: median(waits),
    machineCount: machines.length,
    endedByProof: await countProofs(stage),
    left: {
      machines: machines.filter((machine) => machine.state.kind !== "gone").length,
      processes: await countListed(stage),
      registrations: stage.github.runners().length,
      folders: countFolders(stage.directory),
    },
  };
}

export function isClean(summary: Summary): boolean {
  return Object.values(summary.left).every((count) => count === 0);
}

function median(values: readonly number[]): Summary["waitMs"] {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  const max = sorted.at(-1);
  return middle === undefined || max === undefined ? null : { median: middle, max };
}

async function countProofs(stage: Stage): Promise<ReadonlyMap<string, number>> {
  const { db } = stage.holdfast.store;
  const counts = new Map<string, number>();
  for (const machine of await listMachines(db, { includeGone: true, limitCount: MACHINES_MAX })) {
    const evidence = await listEvidence(db, machineSubject(machine.id), EVIDENCE_MAX);
    const proof = evidence.map((one) => /by proof (\S+)/.exec(one.fact)?.[1]).find((found) => found !== undefined);
    if (proof !== undefined) counts.set(proof, (counts.get(proof) ?? 0) + 1);
  }
  return counts;
}

async function countListed(stage: Stage): Promise<number> {
  const listings = await Promise.all(stage.holdfast.providers.map((provider) => provider.list("all")));
  return listings.flat().filter((machine) => machine.state !== "gone").length;
}

function countFolders(directory: string): number {
  const machines = join(directory, "machines");
  if (!existsSync(machines)) return 0;
  const folders = readdirSync(machines).flatMap((controller) => readdirSync(join(machines, controller)));
  return folders.filter((name) => name.startsWith("m-")).length;
}
