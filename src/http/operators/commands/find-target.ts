/** The one machine or pool that a command is about. What changes something takes no guess: two of a name are none. */
import type { MachineId, PoolName } from "../../../domain/ids.ts";
import type { Machine } from "../../../domain/machine.ts";
import { listDrains } from "../../../store/drains.ts";
import { listFreezes } from "../../../store/freezes.ts";
import type { JobRow } from "../../../store/jobs/row.ts";
import { countPresentByPool } from "../../../store/machines/count.ts";
import type { Queryable } from "../../../store/schema.ts";
import { findJobs, findMachineOfRunner, findMachines, findRun, nameJobs } from "../find-subject.ts";
import { type GivenName, readName } from "../read-name.ts";

export type Target =
  | { readonly kind: "machine"; readonly id: MachineId }
  | { readonly kind: "pool"; readonly name: PoolName };

export type FoundTarget =
  | Target
  | { readonly kind: "none"; readonly because: string | null }
  | { readonly kind: "ambiguous"; readonly names: readonly string[] };

/**
 * @param text as `readName` takes it: a pool's name, or what a machine, its runner, its provider or a job on it is called.
 */
export async function findTarget(db: Queryable, configured: readonly PoolName[], text: string): Promise<FoundTarget> {
  const name = readName(text);
  const isSaid = (kind: GivenName["kind"]) => name.kind === null || name.kind === kind;
  const pool = isSaid("pool") ? await findPool(db, configured, name.text) : null;
  const machines = isSaid("machine") ? await findMachines(db, name) : [];
  const targets: Target[] = [
    ...(pool === null ? [] : [{ kind: "pool", name: pool } as const]),
    ...machines.map(({ id }) => ({ kind: "machine", id }) as const),
  ];
  const [only, ...others] = targets;
  if (only === undefined) return isSaid("job") || isSaid("machine") ? findByJob(db, name) : NOBODY;
  if (others.length === 0) return only;
  return { kind: "ambiguous", names: targets.map((one) => (one.kind === "pool" ? `pool:${one.name}` : one.id)) };
}

const NOBODY: FoundTarget = { kind: "none", because: null };

/** A pool that left the configuration counts as long as it has machines, or a word stands about it. */
export async function findPool(db: Queryable, configured: readonly PoolName[], text: string): Promise<PoolName | null> {
  const present = [...(await countPresentByPool(db)).keys()];
  const worded = [...(await listFreezes(db)).map(({ scope }) => scope), ...(await listDrains(db, "pool")).keys()];
  const name = text.trim();
  const known = [...configured, ...present].find((one) => one === name);
  // What is frozen or drained under a name that nothing has any more can still be thawed and released.
  return known ?? (worded.includes(name) ? (name as PoolName) : null);
}

/** Only of a job that GitHub gave to a runner: which one a waiting job comes to is not known before. */
async function findByJob(db: Queryable, name: GivenName): Promise<FoundTarget> {
  const jobs = await findJobs(db, name);
  const ofRun = jobs.length > 0 ? [] : await findRun(db, name);
  if (ofRun.length > 1) return { kind: "ambiguous", names: nameJobs(ofRun) };
  const meant = [...jobs, ...ofRun];
  const machines = await Promise.all(meant.map((row) => findMachineOfJob(db, row)));
  const ids = [...new Set(machines.flatMap((machine) => (machine === null ? [] : [machine.id])))];
  const [first] = meant;
  const [only, ...others] = ids;
  if (first === undefined) return NOBODY;
  if (only === undefined) {
    const { id, status } = first.job;
    return { kind: "none", because: `job ${id} is ${status.replace("_", " ")}, and on no machine of ours` };
  }
  return others.length === 0 ? { kind: "machine", id: only } : { kind: "ambiguous", names: ids };
}

async function findMachineOfJob(db: Queryable, { job }: JobRow): Promise<Machine | null> {
  return job.runnerName === null || job.runnerName === "" ? null : findMachineOfRunner(db, job.runnerName);
}
