/**
 * Reads GitHub's delivery log for events that did not reach us, and has each sent again; GitHub never does so by itself.
 * One that fails again is taken from the log itself: so jobs come in also while our own address cannot be reached.
 */
import { GitHubError } from "../../domain/errors.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Hook, HookDelivery } from "../../ports/github-hooks.ts";
import type { ConnectionContext, LoggedDelivery, Rescue } from "./context.ts";
import { isOfOne, readEachLog, takePayload, withoutKnown } from "./delivery-log.ts";
import { isResting, meetTrouble, troubleOf } from "./trouble.ts";

/** Twice within the minute in which a lost event is found that the log knows of. */
export const RECOVER_PERIOD_MS = 15 * SECOND_MS;
/** A job waits a day at GitHub before it fails, so that older events are of no use. */
const LOOK_BACK_MS = DAY_MS;
/** An attempt is listed under the time at which it began, and may last this long. */
const OVERLAP_MS = MINUTE_MS;
const DELIVERIES_PER_PASS_MAX = 1_000;
/** A redelivery costs 5 points of GitHub's limit, a look at what was sent 1: after an outage the rest is read at once. */
const REDELIVERIES_PER_PASS_MAX = 20;
const RESCUES_PER_PASS_MAX = 120;
/** Redelivered once, then read from the log, twice more where that fails. */
const ATTEMPTS_MAX = 4;
/** So long a redelivery gets to arrive. GitHub itself waits 10 s for our answer. */
const RESCUE_PATIENCE_MS = 15 * SECOND_MS;

export async function recover(context: ConnectionContext): Promise<void> {
  const { memory, clock } = context;
  if (!context.isHolding() || isResting(context, "recover")) return;
  try {
    const beganAtMs = clock.nowMs();
    // The time of day may have been set back since.
    const sinceMs = Math.min(memory.deliveriesSeenUntilMs ?? beganAtMs - LOOK_BACK_MS, beganAtMs) - OVERLAP_MS;
    const lost = await listAllLost(context, sinceMs);
    await rescueAll(context, lost);
    forgetSettled(context, lost);
    // What is left over is listed again: the log is read from the oldest that is not settled.
    memory.deliveriesSeenUntilMs = oldestOpen(context, lost) ?? beganAtMs;
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    meetTrouble(context, "recover", error);
  }
}

async function listAllLost(context: ConnectionContext, sinceMs: number): Promise<readonly LoggedDelivery[]> {
  const { found: lost, refusal } = await readEachLog(context, (hook) => listLost(context, hook, sinceMs));
  noteFailing(context, lost);
  if (refusal !== null) context.memory.trouble.recover ??= troubleOf(context, refusal);
  return lost;
}

/** Events of jobs whose newest attempt failed and that the store does not have. The newest first: their jobs still wait. */
async function listLost(context: ConnectionContext, hook: Hook, sinceMs: number): Promise<readonly LoggedDelivery[]> {
  const failed = await context.hooks.listFailedDeliveries(hook, sinceMs, DELIVERIES_PER_PASS_MAX);
  const newest = new Map<string, HookDelivery>();
  for (const delivery of failed)
    if (delivery.event === "workflow_job" && !newest.has(delivery.guid)) newest.set(delivery.guid, delivery);
  const deliveries = [...newest.values()].sort((a, b) => b.deliveredAtMs - a.deliveredAtMs);
  return withoutKnown(
    context,
    deliveries.map((delivery) => ({ hook, delivery })),
  );
}

async function rescueAll(context: ConnectionContext, lost: readonly LoggedDelivery[]): Promise<void> {
  const due = lost.filter((one) => isDue(context, one)).slice(0, RESCUES_PER_PASS_MAX);
  let redeliveryCount = 0;
  for (const one of due) {
    const { attemptCount } = rescueOf(context, one);
    const lastAtMs = context.clock.monotonicMs();
    context.memory.rescues.set(one.delivery.guid, { attemptCount: attemptCount + 1, lastAtMs });
    const isRedelivered = attemptCount === 0 && redeliveryCount < REDELIVERIES_PER_PASS_MAX;
    if (isRedelivered) redeliveryCount += 1;
    try {
      await (isRedelivered ? redeliver(context, one) : takePayload(context, one));
    } catch (error) {
      if (!isOfOne(error)) throw error;
      const { telemetry, connection } = context;
      telemetry.warn("a delivery cannot be rescued", { connection, delivery: one.delivery.guid, code: error.code });
    }
  }
}

function rescueOf({ memory }: ConnectionContext, { delivery }: LoggedDelivery): Rescue {
  return memory.rescues.get(delivery.guid) ?? { attemptCount: 0, lastAtMs: 0 };
}

function isDue(context: ConnectionContext, one: LoggedDelivery): boolean {
  const { attemptCount, lastAtMs } = rescueOf(context, one);
  const isWaiting = attemptCount > 0 && context.clock.monotonicMs() - lastAtMs < RESCUE_PATIENCE_MS;
  return !isWaiting && attemptCount < ATTEMPTS_MAX;
}

async function redeliver({ hooks, telemetry, connection }: ConnectionContext, { hook, delivery }: LoggedDelivery) {
  await hooks.redeliver(hook, delivery.id);
  telemetry.count("holdfast_redeliveries_total", { connection });
}

function isGivenUp(context: ConnectionContext, one: LoggedDelivery): boolean {
  return rescueOf(context, one).attemptCount >= ATTEMPTS_MAX;
}

function oldestOpen(context: ConnectionContext, lost: readonly LoggedDelivery[]): number | null {
  const open = lost.filter((one) => !isGivenUp(context, one));
  return open.length === 0 ? null : Math.min(...open.map(({ delivery }) => delivery.deliveredAtMs));
}

function forgetSettled(context: ConnectionContext, lost: readonly LoggedDelivery[]): void {
  const listed = new Set(lost.map(({ delivery }) => delivery.guid));
  for (const [guid, { lastAtMs }] of context.memory.rescues)
    if (!listed.has(guid) && context.clock.monotonicMs() - lastAtMs > OVERLAP_MS) context.memory.rescues.delete(guid);
}

/** A wrong secret, a wrong path, an address that nobody reaches: told in GitHub's own words. */
function noteFailing({ memory, clock }: ConnectionContext, lost: readonly LoggedDelivery[]): void {
  const last = lost[0]?.delivery;
  if (last === undefined) {
    memory.trouble.recover = null;
    return;
  }
  const how = last.statusCode === 0 ? last.status : `status ${last.statusCode}`;
  const many = lost.length === 1 ? "1 webhook delivery did" : `${lost.length} webhook deliveries did`;
  const text = `${many} not arrive and GitHub is asked again, the last one: ${how}`;
  memory.trouble.recover = { code: "deliveries-failing", text, atMs: clock.nowMs() };
}
