import type { Activity } from "@aws-sdk/client-auto-scaling";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { beginnings, readActivities } from "./activities.ts";
import type { AsgClients } from "./clients.ts";
import type { AsgSettings } from "./settings.ts";
import type { Sights } from "./sights.ts";

/** How often the group's activities are read for members of which nobody knows since when they wait. */
const ACTIVITIES_EVERY_MS = MINUTE_MS;
const WAITS_MAX = 10_000;
/** The client tries for half a minute, and by then the shortest hook has given up. */
const LEARNING_WAIT_MAX_MS = 3 * SECOND_MS;

interface WaitsContext {
  readonly clients: AsgClients;
  readonly settings: AsgSettings;
  readonly clock: Clock;
  readonly sights: Sights;
}

/** Of a member, at what it waits at now. */
export interface Wait {
  readonly sinceMs: number;
  /** The group itself said since when; else it was only seen to wait, by a reading that may have lagged. */
  readonly isCertain: boolean;
}

/**
 * Since when members wait: by the activity that ends them, which the group began then; until that is to be seen, since we
 * first saw it, which is later.
 */
export class Waits {
  readonly #context: WaitsContext;
  readonly #known = new Map<string, { readonly sinceMs: number; readonly seenMs: number }>();
  #readAtMonotonicMs: number | null = null;

  constructor(context: WaitsContext) {
    this.#context = context;
  }

  async of(id: string, nowMs: number): Promise<Wait> {
    const seenMs = this.#context.sights.waitsSinceMs(id);
    if (this.#knownOf(id, seenMs) === null) await this.#learnSoon(id);
    const knownMs = this.#knownOf(id, seenMs);
    return { sinceMs: knownMs ?? seenMs ?? nowMs, isCertain: knownMs !== null };
  }

  /** Of this wait: a member that waits again was seen to begin anew. One that an old reading does not show waits on. */
  #knownOf(id: string, seenMs: number | null): number | null {
    const known = this.#known.get(id);
    if (known === undefined) return null;
    return seenMs === null || known.seenMs === seenMs ? known.sinceMs : null;
  }

  /** Whoever is held next waits for it: what comes later is known for the next hold. */
  async #learnSoon(id: string): Promise<void> {
    const isOver = new AbortController();
    const late = this.#context.clock.sleep(LEARNING_WAIT_MAX_MS, isOver.signal);
    await Promise.race([this.#learn(id), late]);
    isOver.abort();
  }

  async #learn(id: string): Promise<void> {
    const nowMs = this.#context.clock.monotonicMs();
    if (this.#readAtMonotonicMs !== null && nowMs - this.#readAtMonotonicMs < ACTIVITIES_EVERY_MS) return;
    this.#readAtMonotonicMs = nowMs;
    try {
      const { clients, settings, sights } = this.#context;
      const tells = (found: readonly Activity[]) => beginnings(found).has(id);
      const begun = beginnings(await readActivities(clients, settings.group, tells));
      for (const [one, sinceMs] of begun) {
        const seenMs = sights.waitsSinceMs(one);
        if (seenMs !== null) this.#known.set(one, { sinceMs: sinceMs - clients.aheadMs(), seenMs });
      }
      for (const oldest of this.#known.keys()) {
        if (this.#known.size <= WAITS_MAX) break;
        this.#known.delete(oldest);
      }
    } catch {
      // It is held; only since when is not known, and the next hold asks again.
    }
  }
}
