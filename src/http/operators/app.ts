/** The operator API under `/api/v1`. What it reads it does not change; a command writes an intent, and never acts. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Telemetry } from "../../ports/telemetry.ts";
import type { Wake } from "../../ports/wake.ts";
import { answerError, problem } from "../problem.ts";
import { type RouteNote, told } from "../route-notes.ts";
import { PlanAnswer } from "./answer-plan.ts";
import { SafetyAnswer } from "./answer-safety.ts";
import {
  DeliveriesAnswer,
  ExplainAnswer,
  ExportAnswer,
  FleetAnswer,
  JobsAnswer,
  LogsAnswer,
  MachinesAnswer,
  PoolsAnswer,
  StatusAnswer,
} from "./answers.ts";
import { type Operator, requireRole } from "./auth.ts";
import { addCommands } from "./commands/app.ts";
import { JobsQuery, listFleet, listJobs, MachinesQuery } from "./lists.ts";
import { readDeliveries, readDelivery } from "./read-deliveries.ts";
import { readExplanation, readFleetExplanation } from "./read-explanation.ts";
import { readExport } from "./read-export.ts";
import { FleetQuery, readFleet } from "./read-fleet.ts";
import { readLogs } from "./read-logs.ts";
import { readPlan } from "./read-plan.ts";
import { readPools } from "./read-pools.ts";
import { readSafety } from "./read-safety.ts";
import { readStatus } from "./read-status.ts";
import type { OperatorSources } from "./sources.ts";

export interface OperatorAppOptions {
  readonly operators: readonly Operator[];
  readonly sources: OperatorSources;
  readonly telemetry: Telemetry;
  readonly wake: Wake;
}

const LIMIT_MAX = 1_000;
const DeliveriesQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(50),
  state: z.enum(["pending", "applied", "ignored", "quarantined"]).default("quarantined"),
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
  app.get(
    "/status",
    told({
      caller: "reader",
      says: "The fleet now: health, pools, connections, jobs by status.",
      answer: StatusAnswer,
    }),
    async (context) => context.json(await readStatus(sources)),
  );
  addLists(app, sources);
  app.get(
    "/safety",
    told({
      caller: "reader",
      says: "What was done for the two promises and what went against them, in the last day.",
      answer: SafetyAnswer,
    }),
    async (context) => context.json(await readSafety(sources)),
  );
  addDeliveries(app, sources);
  addExplanations(app, sources);
  addPlan(app, sources);
  addExport(app, operators, sources);
  addCommands(app, operators, { sources, telemetry, wake });
  return app;
}

function addExplanations(app: Hono, sources: OperatorSources): void {
  const fleet: RouteNote = {
    caller: "reader",
    says: "Why nothing starts in any pool, or what does: how many jobs wait for what.",
    answer: ExplainAnswer,
  };
  app.get("/explain", told(fleet), async (context) => context.json(await readFleetExplanation(sources)));
  const one: RouteNote = {
    caller: "reader",
    says: "One job, machine or pool with its evidence and decisions. `subject` is whatever a person has at hand, encoded as a part of a path: a job's id or page address, a machine's id, its id at the provider, a runner's name, a pool's name.",
    answer: ExplainAnswer,
    errors: ["not-found"],
  };
  app.get("/explain/:subject{.+}", told(one), async (context) => {
    const subject = context.req.param("subject");
    const answer = await readExplanation(sources, subject);
    return answer === null ? problem("not-found", `explaining ${subject.slice(0, 200)}`) : context.json(answer);
  });
  const logs: RouteNote = {
    caller: "reader",
    says: "The last lines of agent, runner and Worker that were kept of a machine or a job, named as for `explain`.",
    answer: LogsAnswer,
    errors: ["not-found"],
  };
  app.get("/logs/:subject{.+}", told(logs), async (context) => {
    const subject = context.req.param("subject");
    const answer = await readLogs(sources, subject);
    return answer === null
      ? problem("not-found", `reading the logs of ${subject.slice(0, 200)}`)
      : context.json(answer);
  });
}

function addLists(app: Hono, sources: OperatorSources): void {
  const pools = {
    caller: "reader",
    says: "Every pool with its machines by state, its breakers and its stops.",
  } as const;
  app.get("/pools", told({ ...pools, answer: PoolsAnswer }), async (context) => context.json(await readPools(sources)));
  const pool: RouteNote = {
    caller: "reader",
    says: "One pool, as `/pools` shows it.",
    answer: PoolsAnswer,
    errors: ["not-found"],
  };
  app.get("/pools/:name", told(pool), async (context) => {
    const name = context.req.param("name");
    const answer = await readPools(sources, name);
    return answer.pools.length === 0
      ? problem("not-found", `reading pool ${name.slice(0, 200)}`, { mend: "`holdfast pools` lists them." })
      : context.json(answer);
  });
  const fleet = {
    caller: "reader",
    says: "What a person watches, at one look: pools, jobs that wait, machines in motion.",
    query: FleetQuery,
    answer: FleetAnswer,
  } as const;
  addQueried(app, "/fleet", fleet, async ({ limit }, context) => context.json(await readFleet(sources, limit)));
  addPagedLists(app, sources);
}

function addPagedLists(app: Hono, sources: OperatorSources): void {
  const jobs = {
    caller: "reader",
    says: "Jobs, those that wait first, each with what it waits for.",
    query: JobsQuery,
    answer: JobsAnswer,
    errors: ["not-found"],
  } as const;
  addQueried(app, "/jobs", jobs, async (query, context) => {
    const answer = await listJobs(sources, query);
    return answer === null ? refuseBefore(context, query.before) : context.json(answer);
  });
  const machines = {
    caller: "reader",
    says: "Machines, each with its verdict and why it is kept or what its ending waits for.",
    query: MachinesQuery,
    answer: MachinesAnswer,
    errors: ["not-found"],
  } as const;
  addQueried(app, "/machines", machines, async (query, context) => {
    const answer = await listFleet(sources, query);
    return answer === null ? refuseBefore(context, query.before) : context.json(answer);
  });
}

function refuseBefore(context: Context, before: unknown): Response {
  const mend = "Name one that `holdfast jobs` or `holdfast machines` lists, or a time.";
  return problem("not-found", `reading what comes before ${before} of ${context.req.path}`, { mend });
}

const SUBJECT_LENGTH_MAX = 500;
const SUBJECTS_MAX = 50;
const ExportQuery = z.strictObject({
  subject: z.array(z.string().trim().min(1).max(SUBJECT_LENGTH_MAX)).max(SUBJECTS_MAX).default([]),
});

/** It holds more than a reader is shown: the configuration, and the logs of every machine. */
function addExport(app: Hono, operators: readonly Operator[], sources: OperatorSources): void {
  const note: RouteNote = {
    caller: "operator",
    says: "What somebody needs who helps from afar, without any secret: configuration, rows, decisions, logs. `subject` may be there several times.",
    query: ExportQuery,
    answer: ExportAnswer,
    errors: ["not-found"],
  };
  app.get("/export", told(note), requireRole(operators, "operator", "Bearer"), async (context) => {
    const query = ExportQuery.safeParse(context.req.queries());
    if (!query.success) return refuseQuery(context, query.error);
    const answer = await readExport(sources, query.data.subject);
    if (!("unknown" in answer)) return context.json(answer);
    return problem("not-found", `exporting ${answer.unknown.map((text) => text.slice(0, 200)).join(", ")}`);
  });
}

function addPlan(app: Hono, sources: OperatorSources): void {
  const answer = async ({ limit }: z.output<typeof PlanQuery>, context: Context): Promise<Response> => {
    const pool = context.req.param("pool") ?? null;
    const plan = await readPlan(sources, { pool, limitCount: limit });
    if (plan !== null) return context.json(plan);
    const mend = "`holdfast status` lists the pools.";
    return problem("not-found", `planning the next pass of a pool called ${pool?.slice(0, 200)}`, { mend });
  };
  const note = {
    caller: "reader",
    says: "What the next pass of each pool would do now, and why; nothing is done. With a name: of that pool alone.",
    query: PlanQuery,
    answer: PlanAnswer,
    errors: ["not-found"],
  } as const;
  addQueried(app, "/plan", note, answer);
  addQueried(app, "/plan/:pool{.+}", note, answer);
}

function addDeliveries(app: Hono, sources: OperatorSources): void {
  const listed = {
    caller: "reader",
    says: "Deliveries in a state; those that could not be handled unless another is named.",
    query: DeliveriesQuery,
    answer: DeliveriesAnswer,
  } as const;
  addQueried(app, "/deliveries", listed, async ({ limit, state }, context) =>
    context.json(await readDeliveries(sources, { limitCount: limit, state })),
  );
  const one: RouteNote = {
    caller: "reader",
    says: "One delivery as it came, by GitHub's id; several, where several connections got it.",
    answer: DeliveriesAnswer,
    errors: ["not-found"],
  };
  app.get("/deliveries/:id", told(one), async (context) => {
    const id = context.req.param("id");
    const answer = await readDelivery(sources, id);
    return answer.deliveries.length === 0
      ? problem("not-found", `reading delivery ${id.slice(0, 200)}`)
      : context.json(answer);
  });
}

/** A route whose query is read by the very schema that its note shows. */
function addQueried<Query extends z.ZodType>(
  app: Hono,
  path: string,
  note: RouteNote & { readonly query: Query },
  answer: (query: z.output<Query>, context: Context) => Promise<Response>,
): void {
  app.get(path, told(note), async (context) => {
    const query = note.query.safeParse(context.req.query());
    return query.success ? answer(query.data, context) : refuseQuery(context, query.error);
  });
}

function refuseQuery(context: Context, error: z.ZodError): Response {
  const issue = error.issues[0];
  const field = issue?.code === "unrecognized_keys" ? issue.keys.join(", ") : (issue?.path.join(".") ?? "");
  return problem("payload-invalid", `reading the query of ${context.req.path}, field ${field}`, {
    mend: `${issue?.message ?? "It is not of the documented shape"}.`,
  });
}
