/**
 * How long a hook waits for one member. People change a hook's timeout while members wait, and AWS does not say whether one
 * that waits keeps what its wait began with, or gets with each word what the hook says then. So each wait counts by the least
 * that its hook has said since a moment before it began. Where that is not known, because nobody here read the hooks then,
 * it counts as no longer than a timeout that people would choose.
 */
import { HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import { HEARTBEATS_MAX, type Hook } from "./hooks.ts";
import type { Wait } from "./waits.ts";

/**
 * The least timeout that can be made to hold a job of six hours, which is what a job may take unless it says otherwise. A
 * shorter one that nobody knows of hears of us in time all the same, down to a quarter of this.
 */
export const UNKNOWN_HEARTBEAT_MS = (6 * HOUR_MS) / HEARTBEATS_MAX;
/** Between two readings, or a reading and the beginning of a wait after it, nobody changes a hook to and fro within this. */
export const NEAR_MS = MINUTE_MS;
/** A wait whose beginning was only seen may have begun so much earlier: readings lag. */
const READING_LAG_MS = 2 * MINUTE_MS;
/** A group has 50 hooks at most. Of what is forgotten by this the timeout is unknown. */
const TERMS_MAX = 400;

export type Terms = Pick<Hook, "heartbeatMs" | "globalMs">;

/** What the readings of a hook said in a row, from the first to the last of them. */
interface Said extends Terms {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export class HookTerms {
  /** Of each hook in the order in which they were read. */
  #said: readonly Said[] = [];

  /** @param readAtMs when it was answered: what a hook says by a later reading than a wait's beginning may be new since. */
  note(hooks: readonly Hook[], readAtMs: number): void {
    for (const { name, heartbeatMs, globalMs } of hooks) {
      const last = this.#said.findLast((one) => one.name === name);
      const isSame = last?.heartbeatMs === heartbeatMs && last.globalMs === globalMs;
      const isNear = last !== undefined && readAtMs >= last.toMs && readAtMs - last.toMs <= NEAR_MS;
      const said = { name, heartbeatMs, globalMs, toMs: readAtMs };
      this.#said =
        isSame && isNear
          ? this.#said.map((one) => (one === last ? { ...said, fromMs: last.fromMs } : one))
          : [...this.#said, { ...said, fromMs: readAtMs }];
    }
    this.#said = this.#said.slice(-TERMS_MAX);
  }

  of(hook: Hook, { sinceMs, isCertain }: Wait): Terms {
    const said = this.#said.filter(({ name }) => name === hook.name);
    const earliestMs = isCertain ? sinceMs : sinceMs - READING_LAG_MS;
    // What was said last before it, too: when that was changed nobody saw.
    const during = said.filter(({ toMs }, at) => toMs >= earliestMs || (said[at + 1]?.fromMs ?? Infinity) > earliestMs);
    const isKnown = isCertain && said.some(({ fromMs, toMs }) => fromMs <= sinceMs && sinceMs <= toMs + NEAR_MS);
    const heartbeatMs = Math.min(hook.heartbeatMs, ...during.map((one) => one.heartbeatMs));
    return {
      heartbeatMs: isKnown ? heartbeatMs : Math.min(heartbeatMs, UNKNOWN_HEARTBEAT_MS),
      globalMs: Math.min(hook.globalMs, ...during.map((one) => one.globalMs)),
    };
  }
}
