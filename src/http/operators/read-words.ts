/** What operators have said and not taken back, read whole: there are as many words as people have spoken. */
import { formatInstant } from "../../domain/instant.ts";
import type { Machine, OperatorMark } from "../../domain/machine.ts";
import { ALL_POOLS } from "../../domain/operator-words.ts";
import { listDrains } from "../../store/drains.ts";
import { type Freeze, listFreezes } from "../../store/freezes.ts";
import type { Queryable } from "../../store/schema.ts";
import type { StandingWord } from "./answers.ts";

export interface Words {
  readonly freezes: readonly Freeze[];
  readonly drainedPools: ReadonlyMap<string, OperatorMark>;
  readonly drainedMachines: ReadonlyMap<string, OperatorMark>;
}

export async function readWords(db: Queryable): Promise<Words> {
  return {
    freezes: await listFreezes(db),
    drainedPools: await listDrains(db, "pool"),
    drainedMachines: await listDrains(db, "machine"),
  };
}

export function isFrozen({ freezes }: Words, pool: string): boolean {
  return freezes.some(({ scope }) => scope === ALL_POOLS || scope === pool);
}

/** About a pool: that of all pools first. */
export function wordsOfPool(words: Words, pool: string): StandingWord[] {
  const freezes = words.freezes.filter(({ scope }) => scope === ALL_POOLS || scope === pool);
  const drain = words.drainedPools.get(pool);
  return [...freezes.map(tellFreeze), ...(drain === undefined ? [] : [tell("drained", `pool ${pool}`, drain)])];
}

/** About a machine itself. */
export function wordsOfMachine({ drainedMachines }: Words, machine: Machine): StandingWord[] {
  const about = `machine ${machine.id}`;
  if (machine.state.kind === "gone") return machine.forced === null ? [] : [tell("forced", about, machine.forced)];
  const isDrained = machine.retireWhenSpent === "drained";
  return [
    ...(machine.hold === null ? [] : [tell("held", about, machine.hold)]),
    ...(machine.forced === null ? [] : [tell("forced", about, machine.forced)]),
    ...(isDrained ? [tell("drained", about, drainedMachines.get(machine.id) ?? null)] : []),
  ];
}

/** About a machine and, while it is there, about its pool. */
export function wordsOver(words: Words, machine: Machine): StandingWord[] {
  const ofPool = machine.state.kind === "gone" ? [] : wordsOfPool(words, machine.pool);
  return [...wordsOfMachine(words, machine), ...ofPool];
}

/** About pools, each once, and then about the machines. */
export function allWords(words: Words, machines: readonly Machine[]): StandingWord[] {
  const drains = [...words.drainedPools].map(([pool, mark]) => tell("drained", `pool ${pool}`, mark));
  return [
    ...words.freezes.map(tellFreeze),
    ...drains,
    ...machines.flatMap((machine) => wordsOfMachine(words, machine)).slice(0, MACHINE_WORDS_MAX),
  ];
}

/** The list of machines has the others. */
export const MACHINE_WORDS_MAX = 50;

function tellFreeze({ scope, mark }: Freeze): StandingWord {
  return tell("frozen", scope === ALL_POOLS ? "all pools" : `pool ${scope}`, mark);
}

function tell(word: StandingWord["word"], about: string, mark: OperatorMark | null): StandingWord {
  return {
    word,
    about,
    operator: mark?.operator ?? null,
    reason: mark?.reason ?? "",
    since: mark === null ? null : formatInstant(mark.atMs),
  };
}
