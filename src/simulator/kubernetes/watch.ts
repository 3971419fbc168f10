/**
 * Watches. A watch is a place in the history and nothing more: who reads it gets what has happened since. However slow its
 * reader is, nothing piles up for it; when the history has forgotten its place, it is told so and ends.
 */

import { SECOND_MS } from "../../domain/units.ts";
import { failureStatus, KubernetesRefusal, type Status } from "./errors.ts";
import { matcherOf, readRevision, readWhole, tooLarge } from "./list.ts";
import type { ApiObject } from "./objects.ts";
import type { KubernetesRequest } from "./requests.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import type { Matcher } from "./selectors.ts";
import type { Change, KubernetesState } from "./state.ts";
import { cachedRevision, changesAfter, objectsAt, withRevision } from "./store.ts";

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: object;
}

/** One watch that is open. */
export interface Watch {
  readonly resource: Resource;
  readonly matches: Matcher;
  readonly number: number;
  readonly hasBookmarks: boolean;
  readonly endsAtMs: number;
  /** What happened up to here has been read. */
  revision: number;
  /** The reader knows that it has come so far: from what it was told, or from a bookmark. */
  toldRevision: number;
  /** Told before anything that happened. */
  initial: readonly ApiObject[];
  bookmarkAtMs: number;
  isOver: boolean;
}

/** @throws {KubernetesRefusal} for selectors and revisions that cannot be read. */
export function openWatch(
  state: KubernetesState,
  resource: Resource,
  { namespace, options = {} }: KubernetesRequest,
  nowMs: number,
): Watch {
  if (options.sendInitialEvents !== undefined) throw new KubernetesRefusal("Invalid", SENDS_NO_INITIAL_EVENTS);
  const { resourceVersion = "" } = options;
  const from = resourceVersion === "" ? 0 : readRevision(resourceVersion);
  const matches = matcherOf(resource, namespace, options);
  const isFromNow = from === 0;
  const revision = isFromNow ? cachedRevision(state, nowMs) : from;
  state.watchTrouble.openedCount += 1;
  const number = state.watchTrouble.openedCount;
  const { times, chance } = state.options;
  const timeoutMs =
    readWhole(options.timeoutSeconds) * SECOND_MS || chance.fork(`watch/${number}`).between(times.watchMs);
  const endsAtMs = nowMs + timeoutMs;
  return {
    resource,
    matches,
    number,
    hasBookmarks: options.allowWatchBookmarks === "true" || options.allowWatchBookmarks === "1",
    endsAtMs,
    revision,
    toldRevision: revision,
    initial: isFromNow ? (objectsAt(state, resource.name, revision) ?? []).filter(matches) : [],
    bookmarkAtMs: Math.min(nowMs + times.bookmarkEveryMs, endsAtMs - LAST_BOOKMARK_MS),
    isOver: false,
  };
}

const SENDS_NO_INITIAL_EVENTS =
  'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';

/** The last bookmark comes so long before the end, so that the next watch can go on from there. */
const LAST_BOOKMARK_MS = 2 * SECOND_MS;

/** So many changes are looked at in one reading. */
const READ_COUNT_MAX = 500;

/** What the watch is told now. It is over when `isOver` says so: there is nothing more to read then. */
export function readWatch(state: KubernetesState, watch: Watch, nowMs: number): readonly WatchEvent[] {
  const { watchTrouble } = state;
  if (watch.isOver) return [];
  if (watch.number < watchTrouble.droppedBelow) {
    watch.isOver = true;
    return [];
  }
  if (nowMs < watchTrouble.stalledUntilMs) return endIfDue(watch, nowMs, []);
  if (watch.revision > state.revision) return fail(watch, tooLarge(watch.revision, state.revision));
  if (watch.revision < state.compactedRevision) return fail(watch, expired(state, watch));
  const events: WatchEvent[] = watch.initial.map((object) => ({ type: "ADDED", object }));
  watch.initial = [];
  const until = cachedRevision(state, nowMs);
  for (const change of changesAfter(state, watch.revision, READ_COUNT_MAX)) {
    if (change.revision > until) break;
    watch.revision = change.revision;
    const event = change.resource === watch.resource.name ? eventOf(watch.matches, change) : null;
    if (event === null) continue;
    watch.toldRevision = change.revision;
    if (watchTrouble.lostEventCount > 0) watchTrouble.lostEventCount -= 1;
    else events.push(event);
  }
  if (watch.hasBookmarks && nowMs >= watch.bookmarkAtMs) {
    // One that says nothing new is not sent.
    if (watch.revision > watch.toldRevision) events.push(bookmark(watch));
    watch.toldRevision = watch.revision;
    watch.bookmarkAtMs = nextBookmarkMs(watch, nowMs + state.options.times.bookmarkEveryMs, nowMs);
  }
  return endIfDue(watch, nowMs, events);
}

function nextBookmarkMs({ endsAtMs }: Watch, usualMs: number, nowMs: number): number {
  const lastMs = endsAtMs - LAST_BOOKMARK_MS;
  return nowMs < lastMs ? Math.min(usualMs, lastMs) : usualMs;
}

/** There is more to read at once. */
export function isBehind(state: KubernetesState, watch: Watch, nowMs: number): boolean {
  if (watch.isOver || nowMs < state.watchTrouble.stalledUntilMs) return false;
  return watch.revision < cachedRevision(state, nowMs);
}

/** When the watch has something to say even if nothing happens. */
export function nextWatchMs(state: KubernetesState, watch: Watch, nowMs: number): number {
  const moments = [watch.endsAtMs];
  if (watch.hasBookmarks) moments.push(watch.bookmarkAtMs);
  if (nowMs < state.watchTrouble.stalledUntilMs) moments.push(state.watchTrouble.stalledUntilMs);
  else if (watch.revision < state.revision) moments.push(nowMs + state.options.cacheLagMs);
  return Math.min(...moments);
}

function endIfDue(watch: Watch, nowMs: number, events: readonly WatchEvent[]): readonly WatchEvent[] {
  if (nowMs >= watch.endsAtMs) watch.isOver = true;
  return events;
}

/** What leaves the selection was deleted, as far as this watch goes; what enters it was added. */
function eventOf(matches: Matcher, { before, after, revision }: Change): WatchEvent | null {
  const [did, does] = [before !== null && matches(before), after !== null && matches(after)];
  if (after !== null && does) return { type: did ? "MODIFIED" : "ADDED", object: after };
  if (before !== null && did) return { type: "DELETED", object: withRevision(before, revision) };
  return null;
}

function bookmark({ resource, revision }: Watch): WatchEvent {
  return {
    type: "BOOKMARK",
    object: {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(revision), creationTimestamp: null },
    },
  };
}

function fail(watch: Watch, refusal: KubernetesRefusal): readonly WatchEvent[] {
  watch.isOver = true;
  const object: Status = failureStatus(refusal.reason, refusal.message, refusal.details);
  return [{ type: "ERROR", object }];
}

function expired(state: KubernetesState, { revision }: Watch): KubernetesRefusal {
  return new KubernetesRefusal("Expired", `too old resource version: ${revision} (${state.compactedRevision})`);
}
