/**
 * What this process saw last of each pod. Kept in memory: after a restart a pod that is absent says less than it could, and
 * one that changed is read once more; nothing else is lost.
 */
import type { V1Pod } from "@kubernetes/client-node";
import type { LastSight } from "../../domain/pod/absence.ts";
import { OVERDUE_AFTER_GRACE_MS } from "../../domain/pod/deletion.ts";
import type { PodShape } from "../../domain/pod/shape.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";

/** Pods of which something is known; the one that was seen longest ago is forgotten. */
const SIGHTS_MAX = 50_000;

/** The reading that the controllers judged last: what is deleted is this very version. */
export interface JudgedPod {
  readonly resourceVersion: string;
  readonly nodeName: string | null;
  readonly shape: PodShape;
}

interface Sight extends JudgedPod {
  readonly isFinal: boolean;
}

interface DeletionSight {
  readonly graceSeconds: number;
  readonly sinceMonotonicMs: number;
}

export class Sights {
  readonly #clock: Clock;
  readonly #sights = new Map<string, Sight>();
  readonly #deletions = new Map<string, DeletionSight>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param uid of the pod: a name may come back with another one behind it. */
  noteJudged(uid: string, judged: JudgedPod): void {
    const before = this.#sights.get(uid)?.shape.agent;
    // A container that has ended stays so: what was read before, and answered after the watch told of its end, is older.
    if (before?.kind === "terminated" && !isEndedOrLater(judged.shape.agent)) return;
    remember(this.#sights, uid, { ...judged, isFinal: false });
  }

  /** The object as our own deletion removed it. */
  noteFinal(uid: string, judged: JudgedPod): void {
    remember(this.#sights, uid, { ...judged, isFinal: true });
  }

  judged(uid: string): JudgedPod | null {
    return this.#sights.get(uid) ?? null;
  }

  last(uid: string): LastSight | null {
    return this.#sights.get(uid) ?? null;
  }

  /**
   * Whether it should have gone: 5 minutes past its grace since this process first saw it being deleted with that grace.
   * The API's own time of it is by another clock, and is past at once for what was deleted while nobody looked.
   */
  isDeletionOverdue({ metadata }: V1Pod): boolean {
    const { uid = "", deletionTimestamp, deletionGracePeriodSeconds: graceSeconds = 0 } = metadata ?? {};
    if (deletionTimestamp === undefined) return false;
    const nowMs = this.#clock.monotonicMs();
    const seen = this.#deletions.get(uid);
    if (seen === undefined || seen.graceSeconds !== graceSeconds) {
      remember(this.#deletions, uid, { graceSeconds, sinceMonotonicMs: nowMs });
      return false;
    }
    return nowMs - seen.sinceMonotonicMs >= graceSeconds * SECOND_MS + OVERDUE_AFTER_GRACE_MS;
  }
}

/** What says that it ended before, and does something again, was written after that end. */
function isEndedOrLater(agent: PodShape["agent"]): boolean {
  if (agent === null || agent.kind === "unrecognised") return false;
  return agent.kind === "terminated" || agent.hasRunBefore;
}

function remember<Value>(map: Map<string, Value>, uid: string, value: Value): void {
  map.delete(uid);
  const [oldest] = map.keys();
  if (map.size >= SIGHTS_MAX && oldest !== undefined) map.delete(oldest);
  map.set(uid, value);
}
