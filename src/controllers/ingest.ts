/** Deliveries become jobs. One that cannot be understood is set aside with its error, counted, and holds up no other. */

import { HoldfastError } from "../domain/errors.ts";
import { parseWorkflowJobEvent } from "../domain/github-job.ts";
import type { PoolName } from "../domain/ids.ts";
import { invariant } from "../domain/invariant.ts";
import { applyJobEvent, type Job, type JobEvent } from "../domain/job.ts";
import { rankPools } from "../domain/pool.ts";
import { jobFact } from "../domain/wait.ts";
import type { Span } from "../ports/traces.ts";
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
import { tellWaits } from "./tell-waits.ts";

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
  let begun: readonly JobRow[];
  try {
    begun = await inTransaction(context.store, async (tx) => {
      const rows: JobRow[] = [];
      for (const delivery of deliveries) rows.push(...(await ingestOne(context, tx, delivery)));
      return rows;
    });
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    for (const delivery of deliveries) await ingestAlone(context, delivery);
    return;
  }
  await tellWaits(context, begun);
}

async function ingestAlone(context: Surroundings, delivery: Delivery): Promise<void> {
  let begun: readonly JobRow[];
  try {
    begun = await inTransaction(context.store, (tx) => ingestOne(context, tx, delivery));
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const { connection, id } = delivery;
    const problem = `handling it failed: ${error instanceof Error ? error.message : String(error)}`;
    await quarantineDelivery(context.store.db, connection, id, problem, context.clock.nowMs());
    context.telemetry.count("holdfast_deliveries_total", { outcome: "quarantined" });
    context.telemetry.error("a delivery could not be handled and is set aside", error, { connection, delivery: id });
    return;
  }
  await tellWaits(context, begun);
}

function ingestOne(context: Surroundings, tx: Queryable, delivery: Delivery): Promise<readonly JobRow[]> {
  const { connection, id } = delivery;
  return context.telemetry.trace("delivery", "apply", { connection, delivery: id }, (span) =>
    applyDelivery(context, tx, delivery, span),
  );
}

/** @returns the job, where it began to run on a runner that is named. */
async function applyDelivery(
  context: Surroundings,
  tx: Queryable,
  delivery: Delivery,
  span: Span<"delivery">,
): Promise<readonly JobRow[]> {
  const nowMs = context.clock.nowMs();
  const parsed = parseDelivery(delivery);
  if (parsed.kind === "invalid") {
    await quarantineDelivery(tx, delivery.connection, delivery.id, parsed.problem, nowMs);
    span.note({ outcome: "quarantined" });
    context.telemetry.count("holdfast_deliveries_total", { outcome: "quarantined" });
    context.telemetry.warn("a delivery could not be understood and is set aside", {
      connection: delivery.connection,
      delivery: delivery.id,
      problem: parsed.problem,
    });
    return [];
  }
  const { isNews, begun } = await saveJobEvent(context, tx, parsed.job, {
    source: "github-webhook",
    receivedAtMs: delivery.receivedAtMs,
  });
  const outcome = isNews ? "applied" : "ignored";
  span.note({ job: parsed.job.id, outcome });
  await finishDelivery(tx, delivery.connection, delivery.id, outcome, nowMs);
  context.telemetry.count("holdfast_deliveries_total", { outcome });
  return begun;
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

/** What GitHub answered about jobs, all in one transaction. @returns those of which it told anything new. */
export async function saveAnswers(context: Surroundings, answers: readonly JobEvent[]): Promise<readonly JobEvent[]> {
  const heard = { source: "github-api", receivedAtMs: context.clock.nowMs() } as const;
  const saved = await inTransaction(context.store, async (tx) => {
    const each: { readonly answer: JobEvent; readonly saved: Saved }[] = [];
    for (const answer of answers) each.push({ answer, saved: await saveJobEvent(context, tx, answer, heard) });
    return each;
  });
  await tellWaits(
    context,
    saved.flatMap((one) => one.saved.begun),
  );
  return saved.flatMap((one) => (one.saved.isNews ? [one.answer] : []));
}

interface Saved {
  readonly isNews: boolean;
  /** The job, where this is the first that says on whose runner it runs. */
  readonly begun: readonly JobRow[];
}

interface Heard {
  readonly source: "github-webhook" | "github-api";
  readonly receivedAtMs: number;
}

const NOTHING_NEW: Saved = { isNews: false, begun: [] };

async function saveJobEvent(
  context: Surroundings,
  tx: Queryable,
  event: JobEvent,
  { source, receivedAtMs }: Heard,
): Promise<Saved> {
  const nowMs = context.clock.nowMs();
  const row = await loadJob(tx, event.connection, event.id);
  const applied = applyJobEvent(row?.job ?? null, event);
  // GitHub's own answer, and not an event that may be late: it need not be asked again before a ticket is made.
  const isAnswer = source === "github-api" && event.status === "queued";
  if (applied.kind === "ignored" && row !== null && isAnswer)
    await saveJob(tx, { ...row, askedAtMs: nowMs }, row.version, nowMs);
  if (applied.kind === "ignored") return NOTHING_NEW;
  const { job } = applied;
  const askedAtMs = isAnswer ? nowMs : (row?.askedAtMs ?? null);
  const pools = rankPools(context.pools, job);
  const after = { ...(row ?? newJobRow(job, pools[0]?.name ?? null, receivedAtMs, nowMs)), job, askedAtMs };
  const isSaved = await saveJob(tx, after, row?.version ?? null, nowMs);
  invariant(isSaved, `job ${job.id} changed inside the transaction that read it`);
  const subject = jobSubject(job.connection, job.id);
  if (row === null || row.job.status !== job.status || row.job.runnerName !== job.runnerName)
    await recordEvidence(tx, { subject, source, fact: describeJob(job), observedAtMs: nowMs });
  if (row === null && pools.length === 0 && job.status === "queued")
    await recordDecision(tx, { subject, action: "wait", reason: "no-pool", decidedAtMs: nowMs });
  for (const pool of pools) context.wake.controller("assign", pool.name);
  const begins = !hasBegun(row?.job ?? null) && hasBegun(job);
  return { isNews: true, begun: begins ? [after] : [] };
}

/** Once so, it stays so: each of these fields only ever grows. */
function hasBegun(job: Job | null): boolean {
  return job !== null && job.runnerName !== null && job.startedAtMs !== null;
}

function newJobRow(job: Job, pool: PoolName | null, receivedAtMs: number, nowMs: number): JobRow {
  return {
    job,
    pool,
    version: 0,
    ticketCount: 0,
    lastTicketAtMs: null,
    askedAtMs: null,
    firstSeenAtMs: receivedAtMs,
    updatedAtMs: nowMs,
  };
}

function describeJob(job: Job): string {
  const runner = job.runnerName === null ? "" : ` on ${job.runnerName}`;
  return job.status === "completed"
    ? `job completed: ${job.conclusion ?? "no conclusion"}${runner}`
    : `${jobFact(job.status)}${runner}`;
}
