/** The one machine or pool that a command is about. What changes something takes no guess: two of a name are none. */
import type { MachineId, PoolName } from "../../../domain/ids.ts";
import { parseMachineId, parseProviderId } from "../../../domain/ids.ts";
import type { Machine } from "../../../domain/machine.ts";
import { listDrains } from "../../../store/drains.ts";
import { listFreezes } from "../../../store/freezes.ts";
import { findJobById } from "../../../store/jobs/load.ts";
import type { JobRow } from "../../../store/jobs/row.ts";
import { countPresentByPool } from "../../../store/machines/count.ts";
import { findMachinesByProviderId, loadMachine } from "../../../store/machines/load.ts";
import type { Queryable } from "../../../store/schema.ts";
import { findTicketByRunnerName } from "../../../store/tickets/load.ts";
import { parsed, readJobNumber } from "../find-subject.ts";

export type Target =
  | { readonly kind: "machine"; readonly id: MachineId }
  | { readonly kind: "pool"; readonly name: PoolName };

export type FoundTarget =
  | Target
  | { readonly kind: "none"; readonly because: string | null }
  | { readonly kind: "ambiguous"; readonly names: readonly string[] };

/** Says which kind is meant, where a name is both: `pool:linux`, `machine:linux`. */
const PREFIX = /^(pool|machine):(.+)$/;

/**
 * @param text a pool's name; a machine's id, its provider's id, a runner's name, or the id or address of a job that a machine
 *   runs or ran.
 */
export async function findTarget(db: Queryable, configured: readonly PoolName[], text: string): Promise<FoundTarget> {
  const [, kind = null, rest = text.trim()] = PREFIX.exec(text.trim()) ?? [];
  const pool = kind === "machine" ? null : await findPool(db, configured, rest);
  const machines = kind === "pool" ? NO_MACHINES : await findMachines(db, rest);
  const targets: Target[] = [
    ...(pool === null ? [] : [{ kind: "pool", name: pool } as const]),
    ...machines.found.map(({ id }) => ({ kind: "machine", id }) as const),
  ];
  const [only, ...others] = targets;
  if (only === undefined) return { kind: "none", because: machines.because };
  if (others.length === 0) return only;
  return { kind: "ambiguous", names: targets.map((one) => (one.kind === "pool" ? `pool:${one.name}` : one.id)) };
}

/** A pool that left the configuration counts as long as it has machines, or a word stands about it. */
export async function findPool(db: Queryable, configured: readonly PoolName[], text: string): Promise<PoolName | null> {
  const present = [...(await countPresentByPool(db)).keys()];
  const worded = [...(await listFreezes(db)).map(({ scope }) => scope), ...(await listDrains(db, "pool")).keys()];
  const name = text.trim();
  const known = [...configured, ...present].find((one) => one === name);
  // What is frozen or drained under a name that nothing has any more can still be thawed and released.
  return known ?? (worded.includes(name) ? (name as PoolName) : null);
}

interface FoundMachines {
  readonly found: readonly Machine[];
  /** Why there is none, where more than its name is known. */
  readonly because: string | null;
}

const NO_MACHINES: FoundMachines = { found: [], because: null };

async function findMachines(db: Queryable, subject: string): Promise<FoundMachines> {
  const machineId = parsed(parseMachineId, subject);
  const byId = machineId === null ? null : await loadMachine(db, machineId);
  if (byId !== null) return { found: [byId], because: null };
  const providerId = parsed(parseProviderId, subject);
  const byProvider = providerId === null ? [] : preferPresent(await findMachinesByProviderId(db, providerId));
  if (byProvider.length > 0) return { found: byProvider, because: null };
  const byRunner = await findByRunner(db, subject);
  return byRunner === null ? findByJob(db, subject) : { found: [byRunner], because: null };
}

/** Providers may use an id again: those that are gone count only where none is there, and then the newest does. */
function preferPresent(machines: readonly Machine[]): readonly Machine[] {
  const present = machines.filter(({ state }) => state.kind !== "gone");
  return present.length > 0 ? present : machines.slice(0, 1);
}

async function findByRunner(db: Queryable, runnerName: string): Promise<Machine | null> {
  const ticket = await findTicketByRunnerName(db, runnerName);
  return ticket === null ? null : loadMachine(db, ticket.machineId);
}

/** Only of a job that GitHub gave to a runner: which one a waiting job comes to is not known before. */
async function findByJob(db: Queryable, subject: string): Promise<FoundMachines> {
  const number = readJobNumber(subject);
  const rows = number === null ? [] : await findJobById(db, number);
  const named = rows.filter(({ job }) => job.htmlUrl !== "" && subject.startsWith(job.htmlUrl));
  const meant = named.length > 0 ? named : rows;
  const machines = await Promise.all(meant.map((row) => findMachineOfJob(db, row)));
  const byId = new Map(machines.flatMap((machine) => (machine === null ? [] : [[machine.id, machine]])));
  const found = [...byId.values()];
  const [first] = meant;
  if (found.length > 0 || first === undefined) return { found, because: null };
  return { found, because: `job ${first.job.id} is ${first.job.status.replace("_", " ")}, and on no machine of ours` };
}

async function findMachineOfJob(db: Queryable, { job }: JobRow): Promise<Machine | null> {
  return job.runnerName === null || job.runnerName === "" ? null : findByRunner(db, job.runnerName);
}
