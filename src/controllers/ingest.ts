/** Deliveries become jobs. One that cannot be understood is set aside with its error, counted, and holds up no other. */

import { HoldfastError } from "../domain/errors.ts";
import { parseWorkflowJobEvent } from "../domain/github-job.ts";
import type { PoolName } from "../domain/ids.ts";
import { invariant } from "../domain/invariant.ts";
import { applyJobEvent, type Job, type JobEvent } from "../domain/job.ts";
import { rankPools } from "../domain/pool.ts";
import { finishDelivery, quarantineDelivery } from "../store/deliveries/finish.ts";
import { listPendingDeliveries } from "../store/deliveries/list.ts";
import type { Delivery } from "../store/deliveries/row.ts";
import { recordDecision } from "../store/evidence/decisions.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { loadJob } from "../store/jobs/load.ts";
import type { JobRow } from "../store/jobs/row.ts";
import { saveJob } from "../store/jobs/save.ts";
import type { Queryable } from "../store/schema.ts";
import { jobSubject } from "../store/subjects.ts";
import { inTransaction } from "../store/transaction.ts";
import type { Surroundings } from "./context.ts";
import { routeWaitingJobs } from "./route.ts";

const BATCH_COUNT_MAX = 200;
/** An activation ends after so many batches, so that a flood of deliveries does not hold up a stop. */
const BATCHES_PER_ACTIVATION_MAX = 50;

export async function ingest(context: Surroundings): Promise<void> {
  for (let batch = 0; batch < BATCHES_PER_ACTIVATION_MAX; batch += 1) {
    const deliveries = await listPendingDeliveries(context.store.db, BATCH_COUNT_MAX);
    if (deliveries.length > 0) {
      await ingestBatch(context, deliveries);
    }
    if (deliveries.length < BATCH_COUNT_MAX) break;
  }
  await routeWaitingJobs(context);
}

/** In one transaction; where that fails, each in its own, so that a bad one holds up no other. */
async function ingestBatch(context: Surroundings, deliveries: readonly Delivery[]): Promise<void> {
  try {
    await inTransaction(context.store, async (tx) => {
      for (const delivery of deliveries) await ingestOne(context, tx, delivery);
    });
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    for (const delivery of deliveries) await ingestAlone(context, delivery);
  }
}

async function ingestAlone(context: Surroundings, delivery: Delivery): Promise<void> {
  try {
    await inTransaction(context.store, (tx) => ingestOne(context, tx, delivery));
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const { connection, id } = delivery;
    const problem = `handling it failed: ${error instanceof Error ? error.message : String(error)}`;
    await quarantineDelivery(context.store.db, connection, id, problem, context.clock.nowMs());
    context.telemetry.count("holdfast_deliveries_total", { outcome: "quarantined" });
    context.telemetry.error("a delivery could not be handled and is set aside", error, { delivery: id });
  }
}

async function ingestOne(context: Surroundings, tx: Queryable, delivery: Delivery): Promise<void> {
  const nowMs = context.clock.nowMs();
  const parsed = parseDelivery(delivery);
  if (parsed.kind === "invalid") {
    await quarantineDelivery(tx, delivery.connection, delivery.id, parsed.problem, nowMs);
    context.telemetry.count("holdfast_deliveries_total", { outcome: "quarantined" });
    context.telemetry.warn("a delivery could not be understood and is set aside", {
      delivery: delivery.id,
      problem: parsed.problem,
    });
    return;
  }
  const isNews = await saveJobEvent(context, tx, parsed.job, "github-webhook");
  await finishDelivery(tx, delivery.connection, delivery.id, isNews ? "applied" : "ignored", nowMs);
  context.telemetry.count("holdfast_deliveries_total", { outcome: isNews ? "applied" : "ignored" });
}

type ParsedDelivery =
  | { readonly kind: "job"; readonly job: JobEvent }
  | { readonly kind: "invalid"; readonly problem: string };

function parseDelivery(delivery: Delivery): ParsedDelivery {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(delivery.body));
  } catch (error) {
    return {
      kind: "invalid",
      problem: `the body is not JSON: ${error instanceof Error ? error.message : "unreadable"}`,
    };
  }
  const parsed = parseWorkflowJobEvent(body, delivery.connection, delivery.receivedAtMs);
  if (parsed.kind === "invalid") return parsed;
  // An event says that the job was queued when it was made, not when it reached us: it may be late or sent again.
  const { job } = parsed;
  return { kind: "job", job: { ...job, queuedSeenAtMs: job.status === "queued" ? job.createdAtMs : null } };
}

/** @returns whether the event told anything new. */
export async function saveJobEvent(
  context: Surroundings,
  tx: Queryable,
  event: JobEvent,
  source: "github-webhook" | "github-api",
): Promise<boolean> {
  const nowMs = context.clock.nowMs();
  const row = await loadJob(tx, event.connection, event.id);
  const applied = applyJobEvent(row?.job ?? null, event);
  // GitHub's own answer, and not an event that may be late: it need not be asked again before a ticket is made.
  const isAnswer = source === "github-api" && event.status === "queued";
  if (applied.kind === "ignored" && row !== null && isAnswer)
    await saveJob(tx, { ...row, askedAtMs: nowMs }, row.version, nowMs);
  if (applied.kind === "ignored") return false;
  const { job } = applied;
  const askedAtMs = isAnswer ? nowMs : (row?.askedAtMs ?? null);
  const pools = rankPools(context.pools, job);
  const saved = await saveJob(
    tx,
    { ...(row ?? newJobRow(job, pools[0]?.name ?? null, nowMs)), job, askedAtMs },
    row?.version ?? null,
    nowMs,
  );
  invariant(saved, `job ${job.id} changed inside the transaction that read it`);
  const subject = jobSubject(job.connection, job.id);
  if (row === null || row.job.status !== job.status || row.job.runnerName !== job.runnerName)
    await recordEvidence(tx, { subject, source, fact: describeJob(job), observedAtMs: nowMs });
  if (row === null && pools.length === 0 && job.status === "queued")
    await recordDecision(tx, { subject, action: "wait", reason: "no-pool", decidedAtMs: nowMs });
  for (const pool of pools) context.wake.controller("assign", pool.name);
  return true;
}

function newJobRow(job: Job, pool: PoolName | null, nowMs: number): JobRow {
  return {
    job,
    pool,
    version: 0,
    ticketCount: 0,
    lastTicketAtMs: null,
    askedAtMs: null,
    firstSeenAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

function describeJob(job: Job): string {
  const runner = job.runnerName === null ? "" : ` on ${job.runnerName}`;
  return job.status === "completed"
    ? `job completed: ${job.conclusion ?? "no conclusion"}${runner}`
    : `job ${job.status.replace("_", " ")}${runner}`;
}
