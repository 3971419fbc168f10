/**
 * A watch on the pool's pods, from the version of a listing on. It only hints: the controllers list whatever it tells, and a
 * watch that is closed, dropped or too old (410) begins anew. What it learns besides is which pods had ended when they went.
 */
import { type KubeConfig, type V1Pod, Watch } from "@kubernetes/client-node";
import { type BackoffPolicy, backoffMs } from "../../domain/backoff.ts";
import { judgePod } from "../../domain/pod/judge.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Hints } from "../../ports/provider.ts";
import type { Random } from "../../ports/random.ts";
import type { ListContext } from "./list.ts";
import { ownerSelector } from "./marks.ts";
import { readShape } from "./shape.ts";

const AGAIN_BACKOFF: BackoffPolicy = { firstMs: SECOND_MS, limitMs: MINUTE_MS };
/** The server closes it then; an idle one has bookmarks about every minute. */
const WATCH_SECONDS = 300;
/** Without a word for so long, bookmarks included, the connection counts as dead. */
const SILENCE_MAX_MS = 3 * MINUTE_MS;
const GONE = 410;
/** Pods whose word is remembered, so that only a change of it is a hint. */
const WORDS_MAX = 50_000;

export interface WatchContext extends ListContext {
  readonly random: Random;
}

export function createHints(context: WatchContext): Hints {
  return {
    async watch(onHint, signal) {
      const words = new Map<string, string>();
      let version: string | null = null;
      let failureCount = 0;
      while (!signal.aborted) {
        try {
          if (version === null) {
            version = await readVersion(context);
            // Whatever happened while nobody watched.
            onHint();
          }
          version = await follow(context, version, { words, onHint, signal });
          failureCount = 0;
        } catch {
          failureCount += 1;
          version = null;
        }
        // One that is closed at once, over and over, is asked for no faster than that.
        const pauseMs = backoffMs(AGAIN_BACKOFF, Math.max(1, failureCount), context.random.fraction());
        await context.clock.sleep(pauseMs, signal);
      }
    },
  };
}

async function readVersion({ clients, namespace, owner }: WatchContext): Promise<string> {
  const labelSelector = ownerSelector(owner);
  const page = await clients.core.listNamespacedPod({ namespace, labelSelector, limit: 1 });
  return page.metadata?.resourceVersion ?? "";
}

interface Follower {
  readonly words: Map<string, string>;
  readonly onHint: () => void;
  readonly signal: AbortSignal;
}

/** @returns the version to go on from; null where that is no longer kept. */
async function follow(context: WatchContext, from: string, follower: Follower): Promise<string | null> {
  const { clients, namespace, owner } = context;
  const { signal } = follower;
  let version: string | null = from;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const query = {
    labelSelector: ownerSelector(owner),
    resourceVersion: from,
    allowWatchBookmarks: true,
    timeoutSeconds: WATCH_SECONDS,
  };
  const onEvent = (kind: string, object: WatchedObject): void => {
    if (kind === "ERROR") {
      version = null;
      if (object.code !== GONE) reject(new Error(`the watch ended: ${object.message ?? "it did not say why"}`));
      return;
    }
    if (version !== null) version = object.metadata?.resourceVersion ?? version;
    if (kind !== "BOOKMARK") noteEvent(context, kind, object, follower);
  };
  const onDone = (error: unknown): void => {
    if (statusOf(error) === GONE) version = null;
    if (error === null || error === undefined || version === null || signal.aborted) resolve();
    else reject(error);
  };
  const watch = new PatientWatch(clients.access);
  const connection = await watch.watch(`/api/v1/namespaces/${namespace}/pods`, query, onEvent, onDone);
  const hangUp = (): void => connection.abort();
  if (signal.aborted) hangUp();
  signal.addEventListener("abort", hangUp, { once: true });
  try {
    await promise;
  } finally {
    signal.removeEventListener("abort", hangUp);
  }
  return version;
}

/** The client gives a connection up after 30 s without a word, which is less than there is between two bookmarks. */
class PatientWatch extends Watch {
  constructor(access: KubeConfig) {
    super(access);
    Object.assign(this, { requestTimeoutMs: SILENCE_MAX_MS });
  }
}

/** A pod, or the `Status` of an error. */
type WatchedObject = V1Pod & { readonly code?: number; readonly message?: string };

function statusOf(error: unknown): number | null {
  return error instanceof Error && "statusCode" in error ? Number(error.statusCode) : null;
}

/** Nodes are not read for it: a change of the pod's own word is enough of a hint. */
function noteEvent({ sights }: WatchContext, kind: string, pod: V1Pod, { words, onHint }: Follower): void {
  const { uid = "", resourceVersion = "" } = pod.metadata ?? {};
  const shape = readShape(pod, { node: "unread", isDeletionOverdue: false });
  if (kind === "DELETED") {
    words.delete(uid);
    // That a container has ended stays so. Nothing else of it does: a pod that lost its labels is told of like this too.
    if (shape.agent?.kind === "terminated")
      sights.noteJudged(uid, { resourceVersion, nodeName: pod.spec?.nodeName ?? null, shape });
    onHint();
    return;
  }
  const { state, why } = judgePod(shape);
  const word = `${state} ${why}`;
  if (words.get(uid) === word) return;
  words.delete(uid);
  const [oldest] = words.keys();
  if (words.size >= WORDS_MAX && oldest !== undefined) words.delete(oldest);
  words.set(uid, word);
  onHint();
}
