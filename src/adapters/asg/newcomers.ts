/**
 * Which members came since the last complete listing, so that nobody can have given them a ticket before: those that were
 * launched after it began, and those that waited in the reserve in it, wherever they are now. One that was there before and
 * is shown for the first time (attached, or back from elsewhere) is none. One that waited in it for the answer to an open
 * launch had no row then, and is still one where the answer is of others.
 *
 * All times are by AWS's clock. The first listing of a process has none before it, and so no newcomers.
 */
import { SECOND_MS } from "../../domain/units.ts";

/** EC2 tells the second of a launch, and shows an instance a moment after it. */
const SIGHT_LAG_MS = 10 * SECOND_MS;

export interface Sighted {
  readonly id: string;
  /** Null: EC2 knows nothing of it, so it is being launched, or was gone long ago. */
  readonly launchedAtMs: number | null;
  /** Null: the group does not list it now, which says nothing of where it was. */
  readonly isReserve: boolean | null;
  /** An open launch may be answered with it. */
  readonly isAwaited: boolean;
}

/** What a listing showed of a member. */
interface Sight {
  readonly isReserve: boolean;
  /** Of a newcomer that waits for the answer to a launch: since when it is there; else null. */
  readonly awaitedSinceMs: number | null;
}

export class Newcomers {
  #last: { readonly startedAtMs: number; readonly sights: ReadonlyMap<string, Sight> } | null = null;

  /**
   * Takes in a complete listing.
   * @returns for each newcomer since when it is there at the earliest.
   */
  note(startedAtMs: number, sighted: readonly Sighted[]): ReadonlyMap<string, number> {
    const since = new Map<string, number>();
    const sights = new Map<string, Sight>();
    for (const one of sighted) {
      const sinceMs = this.#sinceOf(one);
      if (sinceMs !== null) since.set(one.id, sinceMs);
      const isReserve = one.isReserve ?? this.wasReserve(one.id);
      sights.set(one.id, { isReserve, awaitedSinceMs: one.isAwaited ? sinceMs : null });
    }
    this.#last = { startedAtMs, sights };
    return since;
  }

  /** By the last listing, or by the one before for what the group left out of it. */
  wasReserve(id: string): boolean {
    return this.#last?.sights.get(id)?.isReserve ?? false;
  }

  #sinceOf({ id, launchedAtMs }: Sighted): number | null {
    const last = this.#last;
    if (last === null) return null;
    const sight = last.sights.get(id);
    // Also of one that never leaves the reserve but by its end: it is let go as soon as its group wants it.
    if (sight !== undefined) return sight.isReserve ? last.startedAtMs : sight.awaitedSinceMs;
    if (launchedAtMs === null) return last.startedAtMs;
    return launchedAtMs + SIGHT_LAG_MS > last.startedAtMs ? launchedAtMs : null;
  }
}
