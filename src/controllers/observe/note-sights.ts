/**
 * What a look at the provider changed, and what the machines' records are to say of that. Who is to be held, and what ends, goes
 * by what was shown: the store, which may take no note, has no part in that.
 */
import { HoldfastError } from "../../domain/errors.ts";
import type { MachineId } from "../../domain/ids.ts";
import { describeMembership, isSamePlace } from "../../domain/membership.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { machineSubject } from "../../store/subjects.ts";
import type { PoolContext } from "../context.ts";

/** Facts of one machine that wait for the store to take them. */
const UNTOLD_MAX = 4;

export interface Changes {
  readonly deadCount: number;
  /** Members that are somewhere else on their group's way than they were. */
  readonly movedCount: number;
}

/**
 * All of it at once, and nothing in between: a listing counts as known as soon as it came, so nobody asks again whom it showed.
 * What is to be noted of it waits for `noteSights`.
 */
export function rememberSights(context: PoolContext, shown: readonly ObservedMachine[]): Changes {
  const { observed: known, unnoted } = context.memory;
  let deadCount = 0;
  let movedCount = 0;
  for (const observed of shown) {
    const { machineId } = observed;
    // A machine of no known id carries our mark but no readable launch: shown, never touched.
    if (machineId === null) continue;
    const before = known.get(machineId);
    known.set(machineId, observed);
    const isMoved = !isSamePlace(before?.membership, observed.membership);
    if (isMoved) movedCount += 1;
    if (before?.state === observed.state && isSameTrouble(before, observed) && !isMoved) continue;
    const isNews = before?.state !== observed.state;
    if (isNews && (observed.state === "dead" || observed.state === "gone")) deadCount += 1;
    if (observed.isAlarm === true) alarm(context, machineId, observed);
    addUnnoted(context, machineId, describeSight(observed), observed.observedAtMs);
  }
  for (const id of unnoted.keys()) if (!known.has(id)) unnoted.delete(id);
  return { deadCount, movedCount };
}

export function addUnnoted({ memory }: PoolContext, id: MachineId, fact: string, observedAtMs: number): void {
  const before = memory.unnoted.get(id) ?? [];
  memory.unnoted.set(id, [...before, { fact, observedAtMs }].slice(-UNTOLD_MAX));
}

/**
 * What the store does not take, a later pass notes.
 * @throws {HoldfastError} `store-unavailable`
 */
export async function noteSights({ memory, store }: PoolContext): Promise<void> {
  const { unnoted } = memory;
  for (const [machineId, facts] of unnoted) {
    const subject = machineSubject(machineId);
    for (const [index, said] of facts.entries())
      try {
        await recordEvidence(store.db, { subject, source: "provider", ...said });
      } catch (error) {
        const isRefused = !(error instanceof HoldfastError) || error.code !== "store-unavailable";
        // One that it never takes must not keep what comes after it from being done for ever.
        unnoted.set(machineId, facts.slice(isRefused ? index + 1 : index));
        throw error;
      }
    unnoted.delete(machineId);
  }
}

function isSameTrouble(before: ObservedMachine, observed: ObservedMachine): boolean {
  return (before.why ?? null) === (observed.why ?? null) && before.isAlarm === observed.isAlarm;
}

function describeSight({ state, why = null, membership = null }: ObservedMachine): string {
  const place = membership === null ? "" : `, ${describeMembership(membership)}`;
  return `provider says ${state}${place}${why === null ? "" : `: ${why}`}`;
}

function alarm({ telemetry, pool }: PoolContext, machineId: MachineId, { why = null }: ObservedMachine): void {
  telemetry.count("holdfast_machines_unrecognised_total", { pool: pool.name });
  telemetry.warn("the provider shows a machine as it should not be; it is kept", {
    machine: machineId,
    pool: pool.name,
    why: why ?? "it does not say why",
  });
}
