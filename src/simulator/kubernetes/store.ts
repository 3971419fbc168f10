/** The one place where objects change: every change gets the next revision and stays in the history for a while. */
import { isDeepStrictEqual } from "node:util";
import type { ApiObject } from "./objects.ts";
import type { ResourceName } from "./resources.ts";
import { type Change, type KubernetesState, keyOf } from "./state.ts";

/** Stores what is new, or what has changed; what has not changed keeps its resourceVersion and is no change. */
export function put<Stored extends ApiObject>(
  state: KubernetesState,
  resource: ResourceName,
  object: Stored,
  nowMs: number,
): Stored {
  const key = keyOf(object.metadata);
  const before = state.objects[resource].get(key) ?? null;
  if (before !== null && isDeepStrictEqual(before, object)) return object;
  const stored = withRevision(object, note(state, { resource, before, after: object }, nowMs));
  state.objects[resource].set(key, stored);
  state.history[state.history.length - 1] = { ...lastChange(state), after: stored };
  return stored;
}

/** @returns what was removed, as its watchers are told of it. */
export function remove(state: KubernetesState, resource: ResourceName, object: ApiObject, nowMs: number): ApiObject {
  state.objects[resource].delete(keyOf(object.metadata));
  return withRevision(object, note(state, { resource, before: object, after: null }, nowMs));
}

function note(state: KubernetesState, change: Omit<Change, "revision" | "atMs">, nowMs: number): number {
  state.revision += 1;
  state.history.push({ ...change, revision: state.revision, atMs: nowMs });
  forgetOld(state, nowMs);
  return state.revision;
}

function lastChange({ history }: KubernetesState): Change {
  // `note` has just put it there, and forgets no change that it has just made.
  return history.at(-1) as Change;
}

export function withRevision<Stored extends ApiObject>(object: Stored, revision: number): Stored {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** So many changes are known however young they are. */
const FORGOTTEN_AT_ONCE_COUNT = 256;

function forgetOld(state: KubernetesState, nowMs: number): void {
  const { historyMs, historyCountMax } = state.options;
  const excessCount = state.history.length - historyCountMax;
  const tooOldCount = countWhile(state.history, ({ atMs }) => atMs < nowMs - historyMs);
  const count = Math.min(Math.max(excessCount, tooOldCount), state.history.length - 1);
  // One by one it would move the whole history for every change.
  if (count >= FORGOTTEN_AT_ONCE_COUNT) compact(state, state.history[count - 1]?.revision ?? 0);
}

function countWhile(changes: readonly Change[], holds: (change: Change) => boolean): number {
  const index = changes.findIndex((change) => !holds(change));
  return index < 0 ? changes.length : index;
}

/** From now on nobody knows what was before this revision: who goes on from there is told that it expired. */
export function compact(state: KubernetesState, revision: number): void {
  state.compactedRevision = Math.max(state.compactedRevision, revision);
  state.history.splice(0, changesUpTo(state, revision));
}

/** How many of the known changes are of that revision or older. */
function changesUpTo({ history }: KubernetesState, revision: number): number {
  let [low, high] = [0, history.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((history[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** At most `countMax` changes after that revision, oldest first. */
export function changesAfter(state: KubernetesState, revision: number, countMax: number): readonly Change[] {
  const from = changesUpTo(state, revision);
  return state.history.slice(from, from + countMax);
}

/**
 * The objects as they were at that revision, by their keys in order.
 * @returns null where nobody knows any more.
 */
export function objectsAt(
  state: KubernetesState,
  resource: ResourceName,
  revision: number,
): readonly ApiObject[] | null {
  if (revision < state.compactedRevision) return null;
  const objects = new Map(state.objects[resource]);
  for (let index = state.history.length - 1; index >= 0; index -= 1) {
    const change = state.history[index];
    if (change === undefined || change.revision <= revision) break;
    if (change.resource !== resource) continue;
    const { before, after } = change;
    if (before !== null) objects.set(keyOf(before.metadata), before);
    else if (after !== null) objects.delete(keyOf(after.metadata));
  }
  return [...objects].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, object]) => object);
}

/** What the watch cache has by now: it lags behind the store. */
export function cachedRevision(
  { options, history, revision, compactedRevision }: KubernetesState,
  nowMs: number,
): number {
  if (options.cacheLagMs === 0) return revision;
  const last = history.findLast(({ atMs }) => atMs <= nowMs - options.cacheLagMs);
  return last?.revision ?? Math.max(compactedRevision, (history[0]?.revision ?? revision + 1) - 1);
}
