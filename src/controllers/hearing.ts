/**
 * Keeps in memory when each agent was last heard: by the monotonic clock, so that no word is ever from the future, or from
 * long ago, because somebody set the wall clock.
 */
import type { MachineId, ProviderId } from "../domain/ids.ts";
import { CLOCK_STEP_MS } from "../domain/time.ts";
import { DAY_MS, MINUTE_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { Hearing } from "../ports/hearing.ts";
import type { Heard } from "../store/hearings.ts";

/** A machine that has been silent for longer than any deadline is as one that was never heard. */
const KEPT_MS = 31 * DAY_MS;

/** A machine without a row that spoke longer ago has one by now, or is silent: its provider need not be asked. */
const ROWLESS_KEPT_MS = 5 * MINUTE_MS;
/** Asked for by id, in each look of each pool; who is left out speaks again. */
const ROWLESS_MAX = 200;

/** As `Hearing`, with what one replica tells the others and hears from them. */
export interface SharedHearing extends Hearing {
  /** Another process heard it. What was before this one started counts for nothing. */
  noteElsewhere(heard: Heard): void;
  /** What was heard here since the last time that this was asked. */
  takeUntold(): readonly Heard[];
  /** Of the machines without a row, those that spoke to this process. */
  listRowlessHere(): readonly ProviderId[];
  /** They spoke to another one. */
  noteRowlessElsewhere(ids: readonly ProviderId[]): void;
  /** What was taken could not be told: it is taken again the next time. */
  putBack(heard: readonly Heard[]): void;
}

interface Sign {
  readonly heardAtMs: number | null;
  readonly stirredAtMs: number;
}

export function createHearing(clock: Pick<Clock, "nowMs" | "monotonicMs">): SharedHearing {
  const startedAtMs = clock.monotonicMs();
  /** By the monotonic clock. */
  const signs = new Map<MachineId, Sign>();
  /** Whether its agent spoke; else somebody was refused. */
  const untold = new Map<MachineId, boolean>();
  const wallOf = (atMs: number | null | undefined) =>
    atMs === undefined || atMs === null ? null : clock.nowMs() - (clock.monotonicMs() - atMs);
  /** A word from the future was told before somebody set the clock back: how long ago it was nobody knows. */
  const atOf = (forMs: number | null): number | null => {
    if (forMs === null || forMs < -CLOCK_STEP_MS) return null;
    const atMs = clock.monotonicMs() - Math.max(0, forMs);
    return atMs > startedAtMs ? atMs : null;
  };
  return {
    note: (machineId) => {
      signs.set(machineId, { heardAtMs: clock.monotonicMs(), stirredAtMs: clock.monotonicMs() });
      untold.set(machineId, true);
    },
    heardAtMs: (machineId) => wallOf(signs.get(machineId)?.heardAtMs),
    noteTry: (machineId) => {
      signs.set(machineId, {
        heardAtMs: signs.get(machineId)?.heardAtMs ?? null,
        stirredAtMs: clock.monotonicMs(),
      });
      untold.set(machineId, untold.get(machineId) ?? false);
    },
    stirredAtMs: (machineId) => wallOf(signs.get(machineId)?.stirredAtMs),
    noteElsewhere: ({ machineId, heardForMs, stirredForMs }) => {
      const known = signs.get(machineId);
      const heardAtMs = later(known?.heardAtMs ?? null, atOf(heardForMs));
      const stirredAtMs = later(later(known?.stirredAtMs ?? null, atOf(stirredForMs)), heardAtMs);
      if (stirredAtMs !== null) signs.set(machineId, { heardAtMs, stirredAtMs });
    },
    takeUntold: () => {
      const nowMs = clock.monotonicMs();
      for (const [machineId, { stirredAtMs }] of signs) if (nowMs - stirredAtMs > KEPT_MS) signs.delete(machineId);
      const taken = [...untold].flatMap(([machineId, hasSpoken]) => {
        const sign = signs.get(machineId);
        if (sign === undefined) return [];
        const heardForMs = hasSpoken && sign.heardAtMs !== null ? nowMs - sign.heardAtMs : null;
        return [{ machineId, heardForMs, stirredForMs: nowMs - sign.stirredAtMs }];
      });
      untold.clear();
      return taken;
    },
    putBack: (heard) => {
      for (const { machineId, heardForMs } of heard)
        untold.set(machineId, heardForMs !== null || untold.get(machineId) === true);
    },
    forget: (machineId) => {
      signs.delete(machineId);
      untold.delete(machineId);
    },
    ...hearRowless(clock),
  };
}

type RowlessHearing = Pick<SharedHearing, "noteRowless" | "listRowless" | "listRowlessHere" | "noteRowlessElsewhere">;

function hearRowless(clock: Pick<Clock, "monotonicMs">): RowlessHearing {
  /** By the monotonic clock. */
  const here = new Map<ProviderId, number>();
  let elsewhere: readonly ProviderId[] = [];
  const listRowlessHere = (): readonly ProviderId[] => {
    for (const [id, spokeAtMs] of here) if (clock.monotonicMs() - spokeAtMs > ROWLESS_KEPT_MS) here.delete(id);
    return [...here.keys()];
  };
  return {
    noteRowless: (providerId) => {
      if (here.has(providerId) || here.size < ROWLESS_MAX) here.set(providerId, clock.monotonicMs());
    },
    listRowlessHere,
    noteRowlessElsewhere: (ids) => {
      elsewhere = ids;
    },
    listRowless: () => [...new Set([...listRowlessHere(), ...elsewhere])].slice(0, ROWLESS_MAX),
  };
}

function later(one: number | null, other: number | null): number | null {
  return one === null || (other !== null && other > one) ? other : one;
}
