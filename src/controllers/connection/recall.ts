/**
 * After a restore: reads from GitHub's delivery log which jobs it ended between the backup and the restore. Those events
 * arrived, so GitHub counts them as told; the open jobs of a repository no longer show them; and without its job a ticket
 * that is known by its host's word alone cannot be spent by the job's end (proof `job-terminal`).
 */
import { GitHubError } from "../../domain/errors.ts";
import type { DeliveryId } from "../../domain/ids.ts";
import { DAY_MS, SECOND_MS } from "../../domain/units.ts";
import type { Hook } from "../../ports/github-hooks.ts";
import { readRestoredAtMs } from "../../store/facts.ts";
import type { ConnectionContext, LoggedDelivery } from "./context.ts";
import { isOfOne, readEachLog, takePayload, withoutKnown } from "./delivery-log.ts";
import { isResting, meetTrouble } from "./trouble.ts";

export const RECALL_PERIOD_MS = 15 * SECOND_MS;
/** How old a backup may be. What ended before it is left to the limits of a nameless job. */
const LOOK_BACK_MS = DAY_MS;
/** As many as GitHub's log is read for at once: the newest of them, where there are more. */
const DELIVERIES_MAX = 10_000;
/** One point of GitHub's limit each. */
const PAYLOADS_PER_PASS_MAX = 120;

export async function recall(context: ConnectionContext): Promise<void> {
  if (!context.isHolding() || isResting(context, "recover")) return;
  const restoredAtMs = await readRestoredAtMs(context.store.db);
  if (restoredAtMs === null || context.clock.nowMs() - restoredAtMs > LOOK_BACK_MS) return;
  try {
    await recallSince(context, restoredAtMs);
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    meetTrouble(context, "recover", error);
  }
}

async function recallSince(context: ConnectionContext, restoredAtMs: number): Promise<void> {
  const { memory } = context;
  if (memory.recall?.restoredAtMs !== restoredAtMs)
    memory.recall = { restoredAtMs, open: await listForgotten(context, restoredAtMs) };
  const due = memory.recall.open.slice(0, PAYLOADS_PER_PASS_MAX);
  for (const one of due) {
    await takeOne(context, one);
    memory.recall = { restoredAtMs, open: memory.recall.open.slice(1) };
  }
}

/** The newest first: what still holds a machine is more likely among them. */
async function listForgotten(context: ConnectionContext, restoredAtMs: number): Promise<readonly LoggedDelivery[]> {
  const { found } = await readEachLog(context, (hook) => listEnded(context, hook, restoredAtMs));
  return withoutKnown(context, found);
}

/**
 * A job's end names its runner: what was told of it before adds nothing. To the log's end, for the restore has its time from a
 * clock that may be behind GitHub's; what came after it is in the store, and costs nothing.
 */
async function listEnded(
  { hooks }: ConnectionContext,
  hook: Hook,
  restoredAtMs: number,
): Promise<readonly LoggedDelivery[]> {
  const listed = await hooks.listDeliveries(hook, restoredAtMs - LOOK_BACK_MS, DELIVERIES_MAX);
  const ended = listed.filter(({ event, action }) => event === "workflow_job" && action === "completed");
  const perEvent = new Map<DeliveryId, LoggedDelivery>();
  for (const delivery of ended) perEvent.set(delivery.guid, { hook, delivery });
  return [...perEvent.values()];
}

/** What GitHub does not hand out is not asked for again. */
async function takeOne(context: ConnectionContext, one: LoggedDelivery): Promise<void> {
  try {
    await takePayload(context, one);
  } catch (error) {
    if (!isOfOne(error)) throw error;
    const { telemetry, connection } = context;
    telemetry.warn("a delivery cannot be recalled", { connection, delivery: one.delivery.guid, code: error.code });
  }
}
