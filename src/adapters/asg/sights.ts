/** What the last listing showed of each member: enough to know what it waits for without asking again. */
import { MINUTE_MS } from "../../domain/units.ts";
import type { Owner } from "../aws/tags.ts";
import { type GroupReading, isAnothersGroup, type Member } from "./group.ts";
import { isReserve, waitsAt } from "./lifecycle.ts";

const GROUP_MISSING_MS = 5 * MINUTE_MS;

interface Sight {
  readonly lifecycle: string;
  /** Since when it was seen to wait; null: it does not. */
  readonly waitsSinceMs: number | null;
}

export class Sights {
  #byId = new Map<string, Sight>();
  #group: GroupReading | null = null;
  #shownGroup: GroupReading | null = null;
  #missingSinceMs: number | null = null;

  /** Takes in a complete listing: what it does not show is forgotten. */
  noteListing(group: GroupReading | null, members: readonly Member[], nowMs: number): void {
    const before = this.#byId;
    this.#group = group;
    this.noteOwner(group);
    this.#missingSinceMs = group === null ? (this.#missingSinceMs ?? nowMs) : null;
    this.#byId = new Map();
    for (const { id, lifecycle } of members) this.#byId.set(id, sightOf(before.get(id), lifecycle, nowMs));
  }

  /** A reading of the group alone, later than the last listing. */
  noteGroup(group: GroupReading): void {
    this.#group = group;
    this.noteOwner(group);
  }

  /** Of any reading: whose the group is matters at once. */
  noteOwner(group: GroupReading | null): void {
    this.#shownGroup = group ?? this.#shownGroup;
  }

  note({ id, lifecycle }: Member, nowMs: number): void {
    this.#byId.set(id, sightOf(this.#byId.get(id), lifecycle, nowMs));
  }

  /** Null: not seen, or it may have changed. */
  lifecycleOf(id: string): string | null {
    return this.#byId.get(id)?.lifecycle ?? null;
  }

  waitsSinceMs(id: string): number | null {
    return this.#byId.get(id)?.waitsSinceMs ?? null;
  }

  /** Ids of those that the last listing showed in the group and not in its reserve. */
  shownInGroup(): readonly string[] {
    return [...this.#byId].filter(([, { lifecycle }]) => !isReserve(lifecycle)).map(([id]) => id);
  }

  /** In every listing for so long: one that leaves it out says nothing, while machines carry its tag. */
  isGroupMissing(nowMs: number): boolean {
    return this.#missingSinceMs !== null && nowMs - this.#missingSinceMs >= GROUP_MISSING_MS;
  }

  /** As it was last read. */
  group(): GroupReading | null {
    return this.#group;
  }

  /** By the last reading that showed it: one that leaves it out does not make it nobody's. */
  isAnothers(owner: Owner): boolean {
    return isAnothersGroup(this.#shownGroup, owner);
  }
}

function sightOf(before: Sight | undefined, lifecycle: string, nowMs: number): Sight {
  const isWaiting = waitsAt(lifecycle) !== null;
  const waited = before?.lifecycle === lifecycle ? before.waitsSinceMs : null;
  return { lifecycle, waitsSinceMs: isWaiting ? (waited ?? nowMs) : null };
}
