/**
 * Which members came since the last complete listing, so that nobody can have given them a ticket before: those that were
 * launched after it began, and those that waited in the reserve in it. One that was there before and is shown for the first
 * time (attached, or back from elsewhere) is none.
 *
 * The first listing of a process has none before it, and so no newcomers.
 */
import { SECOND_MS } from "../../domain/units.ts";

/** EC2 tells the second of a launch, and shows an instance a moment after it. */
const SIGHT_LAG_MS = 10 * SECOND_MS;

export interface Sighted {
  readonly id: string;
  /** Null: EC2 does not show it yet. */
  readonly launchedAtMs: number | null;
  readonly isReserve: boolean;
}

export class Newcomers {
  #last: { readonly startedAtMs: number; readonly isReserve: ReadonlyMap<string, boolean> } | null = null;
  /** Of members that EC2 did not show: when the last listing began that did not show them at all. */
  #unseenSinceMs: ReadonlyMap<string, number> = new Map();

  /**
   * Takes in a complete listing.
   * @returns since when each newcomer is there.
   */
  note(startedAtMs: number, sighted: readonly Sighted[]): ReadonlyMap<string, number> {
    const since = new Map<string, number>();
    const unseen = new Map<string, number>();
    for (const one of sighted) {
      const sinceMs = this.#sinceOf(one, startedAtMs);
      if (sinceMs !== null) since.set(one.id, sinceMs);
      const unseenSinceMs = this.#unseenSinceOf(one);
      if (unseenSinceMs !== null) unseen.set(one.id, unseenSinceMs);
    }
    this.#unseenSinceMs = unseen;
    const shown = sighted.filter(({ id }) => !unseen.has(id));
    this.#last = { startedAtMs, isReserve: new Map(shown.map(({ id, isReserve }) => [id, isReserve])) };
    return since;
  }

  #sinceOf({ id, launchedAtMs, isReserve }: Sighted, startedAtMs: number): number | null {
    if (this.#last === null || isReserve) return null;
    const wasReserve = this.#last.isReserve.get(id);
    if (wasReserve !== undefined) return wasReserve ? startedAtMs : null;
    if (launchedAtMs === null) return null;
    const unseenSinceMs = this.#unseenSinceMs.get(id) ?? this.#last.startedAtMs;
    return launchedAtMs + SIGHT_LAG_MS > unseenSinceMs ? launchedAtMs : null;
  }

  #unseenSinceOf({ id, launchedAtMs }: Sighted): number | null {
    if (launchedAtMs !== null || this.#last === null || this.#last.isReserve.has(id)) return null;
    return this.#unseenSinceMs.get(id) ?? this.#last.startedAtMs;
  }
}
