/** The operator API under `/api/v1`. What it reads it does not change; a command writes an intent, and never acts. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Telemetry } from "../../ports/telemetry.ts";
import type { Wake } from "../../ports/wake.ts";
import { answerError, problem } from "../problem.ts";
import { type Operator, requireRole } from "./auth.ts";
import { addCommands } from "./commands/app.ts";
import { readDeliveries, readDelivery } from "./read-deliveries.ts";
import { readExplanation, readFleetExplanation } from "./read-explanation.ts";
import { readExport } from "./read-export.ts";
import { readJobs } from "./read-jobs.ts";
import { readLogs } from "./read-logs.ts";
import { readMachines } from "./read-machines.ts";
import { readPlan } from "./read-plan.ts";
import { readStatus } from "./read-status.ts";
import type { OperatorSources } from "./sources.ts";

export interface OperatorAppOptions {
  readonly operators: readonly Operator[];
  readonly sources: OperatorSources;
  readonly telemetry: Telemetry;
  readonly wake: Wake;
}

const LIMIT_MAX = 1_000;
const STATUSES = ["waiting", "queued", "in_progress", "completed"] as const;

const JobsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(50),
  status: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(STATUSES)))
    .optional(),
});
const DeliveriesQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(50),
  state: z.enum(["pending", "applied", "ignored", "quarantined"]).default("quarantined"),
});
const MachinesQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT_MAX),
  all: z.enum(["", "true", "1", "false", "0"]).default("false"),
});

/** A pool's own limit: of several pools each shows as many. */
const PLAN_LIMIT_DEFAULT = 100;
const PlanQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(PLAN_LIMIT_DEFAULT),
});

export function createOperatorApp({ operators, sources, telemetry, wake }: OperatorAppOptions): Hono {
  const app = new Hono().basePath("/api/v1");
  app.onError(answerError(telemetry));
  app.notFound((context) => problem("not-found", `${context.req.method} ${context.req.path}`));
  app.use("*", requireRole(operators, "reader", "Bearer"));
  app.use("*", async (context, next) => {
    await next();
    context.header("cache-control", "no-store");
    context.header("x-content-type-options", "nosniff");
  });
  app.get("/status", async (context) => context.json(await readStatus(sources)));
  app.get("/jobs", async (context) => {
    const query = JobsQuery.safeParse(context.req.query());
    if (!query.success) return refuseQuery(context, query.error);
    const { limit, status } = query.data;
    return context.json(await readJobs(sources, { limitCount: limit, ...(status && { statuses: status }) }));
  });
  app.get("/machines", async (context) => {
    const query = MachinesQuery.safeParse(context.req.query());
    if (!query.success) return refuseQuery(context, query.error);
    const { limit, all } = query.data;
    const includeGone = all !== "false" && all !== "0";
    return context.json(await readMachines(sources, { limitCount: limit, includeGone }));
  });
  addDeliveries(app, sources);
  app.get("/explain", async (context) => context.json(await readFleetExplanation(sources)));
  app.get("/explain/:subject{.+}", async (context) => {
    const subject = context.req.param("subject");
    const answer = await readExplanation(sources, subject);
    return answer === null ? problem("not-found", `explaining ${subject.slice(0, 200)}`) : context.json(answer);
  });
  addPlan(app, sources);
  addExport(app, operators, sources);
  app.get("/logs/:subject{.+}", async (context) => {
    const subject = context.req.param("subject");
    const answer = await readLogs(sources, subject);
    return answer === null
      ? problem("not-found", `reading the logs of ${subject.slice(0, 200)}`)
      : context.json(answer);
  });
  addCommands(app, operators, { sources, telemetry, wake });
  return app;
}

const SUBJECT_LENGTH_MAX = 500;
const SUBJECTS_MAX = 50;
const ExportQuery = z.strictObject({
  subject: z.array(z.string().trim().min(1).max(SUBJECT_LENGTH_MAX)).max(SUBJECTS_MAX).default([]),
});

/** It holds more than a reader is shown: the configuration, and the logs of every machine. */
function addExport(app: Hono, operators: readonly Operator[], sources: OperatorSources): void {
  app.get("/export", requireRole(operators, "operator", "Bearer"), async (context) => {
    const query = ExportQuery.safeParse(context.req.queries());
    if (!query.success) return refuseQuery(context, query.error);
    const answer = await readExport(sources, query.data.subject);
    if (!("unknown" in answer)) return context.json(answer);
    return problem("not-found", `exporting ${answer.unknown.map((text) => text.slice(0, 200)).join(", ")}`);
  });
}

function addPlan(app: Hono, sources: OperatorSources): void {
  const answer = async (context: Context, pool: string | null): Promise<Response> => {
    const query = PlanQuery.safeParse(context.req.query());
    if (!query.success) return refuseQuery(context, query.error);
    const plan = await readPlan(sources, { pool, limitCount: query.data.limit });
    if (plan !== null) return context.json(plan);
    const mend = "`holdfast status` lists the pools.";
    return problem("not-found", `planning the next pass of a pool called ${pool?.slice(0, 200)}`, { mend });
  };
  app.get("/plan", (context) => answer(context, null));
  app.get("/plan/:pool{.+}", (context) => answer(context, context.req.param("pool")));
}

function addDeliveries(app: Hono, sources: OperatorSources): void {
  app.get("/deliveries", async (context) => {
    const query = DeliveriesQuery.safeParse(context.req.query());
    if (!query.success) return refuseQuery(context, query.error);
    const { limit, state } = query.data;
    return context.json(await readDeliveries(sources, { limitCount: limit, state }));
  });
  app.get("/deliveries/:id", async (context) => {
    const id = context.req.param("id");
    const answer = await readDelivery(sources, id);
    return answer.deliveries.length === 0
      ? problem("not-found", `reading delivery ${id.slice(0, 200)}`)
      : context.json(answer);
  });
}

function refuseQuery(context: Context, error: z.ZodError): Response {
  const issue = error.issues[0];
  const field = issue?.code === "unrecognized_keys" ? issue.keys.join(", ") : (issue?.path.join(".") ?? "");
  return problem("payload-invalid", `reading the query of ${context.req.path}, field ${field}`, {
    mend: `${issue?.message ?? "It is not of the documented shape"}.`,
  });
}
