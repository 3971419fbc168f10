/**
 * The launch that the group is about: one at a time, because what comes for one cannot be told from what comes for another.
 * And who came for those before, so that nobody counts for two.
 */
import type { LaunchId } from "../../domain/ids.ts";
import { ageMs } from "../../domain/time.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { LaunchedMachine } from "../../ports/provider.ts";
import type { Order } from "./order.ts";

/** After this, what is there is the answer: the wish stays with the group, and who comes later is a newcomer. */
export const GIVE_UP_AFTER_MS = 10 * MINUTE_MS;
/** One that nobody asks for any more, because its pool or its lease was given up. */
export const ABANDONED_AFTER_MS = 2 * GIVE_UP_AFTER_MS;
const ANSWERS_MAX = 1_000;

interface OpenLaunch {
  readonly launchId: LaunchId;
  readonly draftedAtMs: number;
  readonly before: ReadonlySet<string>;
  /** The group may have been asked for machines of it: then nobody may say that it started nothing. */
  mayBeAsked: boolean;
}

export class OpenLaunches {
  #open: OpenLaunch | null = null;
  readonly #own = new Set<LaunchId>();
  readonly #answers = new Map<LaunchId, readonly LaunchedMachine[]>();
  /** Who came for those that are answered. */
  readonly #taken = new Set<string>();

  /** Drafted here: nobody asked for anything yet. */
  draft(launchId: LaunchId, order: Order): void {
    const [oldest] = this.#own;
    if (this.#own.size >= ANSWERS_MAX && oldest !== undefined) this.#own.delete(oldest);
    this.#own.add(launchId);
    this.#set(launchId, order, false);
  }

  /** Is carried out: for the first time, again, or where another process left it. */
  open(launchId: LaunchId, order: Order): void {
    if (this.#open?.launchId !== launchId) this.#set(launchId, order, true);
  }

  #set(launchId: LaunchId, { draftedAtMs, before }: Order, mayBeAsked: boolean): void {
    this.#open = { launchId, draftedAtMs, before: new Set(before), mayBeAsked };
  }

  noteAsked(launchId: LaunchId): void {
    if (this.#open?.launchId === launchId) this.#open.mayBeAsked = true;
  }

  mayBeAsked(launchId: LaunchId): boolean {
    return this.#open?.launchId !== launchId || this.#open.mayBeAsked;
  }

  /** Whether it was drafted here, and by nobody else carried out. */
  isOwn(launchId: LaunchId): boolean {
    return this.#own.has(launchId);
  }

  /** Another process held the pool, and may have carried out, and answered, what was drafted here. */
  forgetOwn(): void {
    this.#own.clear();
    this.#open = null;
  }

  /** The launch that is to be answered before this one; null: none. */
  otherThan(launchId: LaunchId, nowMs: number): LaunchId | null {
    const open = this.#open;
    if (open === null || open.launchId === launchId) return null;
    return ageMs(open.draftedAtMs, nowMs) < ABANDONED_AFTER_MS ? open.launchId : null;
  }

  answer(launchId: LaunchId, launched: readonly LaunchedMachine[]): void {
    if (this.#open?.launchId === launchId) this.#open = null;
    this.#answers.set(launchId, launched);
    for (const { providerId } of launched) this.#taken.add(providerId);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > ANSWERS_MAX && oldest !== undefined) this.#forget(oldest);
  }

  #forget(launchId: LaunchId): void {
    for (const { providerId } of this.#answers.get(launchId) ?? []) this.#taken.delete(providerId);
    this.#answers.delete(launchId);
  }

  /** The launch asked for nothing, ever. */
  refuse(launchId: LaunchId): void {
    if (this.#open?.launchId === launchId) this.#open = null;
  }

  /** What was answered before; a repeat gets the same. */
  answerOf(launchId: LaunchId): readonly LaunchedMachine[] | null {
    return this.#answers.get(launchId) ?? null;
  }

  /** Whether a member came for a launch before. */
  isTaken(id: string): boolean {
    return this.#taken.has(id);
  }

  /** The launch that a member may have come for: it waits for the answer to say so. */
  launchOf(id: string): LaunchId | null {
    if (this.#open === null || this.isTaken(id)) return null;
    return this.#open.before.has(id) ? null : this.#open.launchId;
  }
}
