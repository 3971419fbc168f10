/** The operators' commands: `POST /api/v1/{drain,hold,release,freeze,thaw,terminate,replay,discard,rerun}`. */
import type { Context, Hono } from "hono";
import { z } from "zod";
import type { ErrorCode } from "../../../domain/errors.ts";
import { ALL_POOLS } from "../../../domain/operator-words.ts";
import { problem } from "../../problem.ts";
import { readBody } from "../../read-body.ts";
import { type RouteNote, told } from "../../route-notes.ts";
import { CommandAnswer } from "../answers.ts";
import { type Operator, type OperatorEnv, refuseForged, requireRole } from "../auth.ts";
import { settleDelivery } from "./delivery-commands.ts";
import { findPool, findTarget, type Target } from "./find-target.ts";
import { terminateMachine } from "./force.ts";
import { drainCommand, holdCommand, releaseCommand, runMachineCommand } from "./machine-commands.ts";
import { drainPool, freeze, releasePool, thaw } from "./pool-commands.ts";
import { rerunJob } from "./rerun.ts";
import { type CommandName, type CommandOutcome, type CommandSetting, configuredPools, markOf } from "./setting.ts";

const BODY_LIMIT_BYTES = 16 * 1024;
const TEXT_LENGTH_MAX = 500;

const Subject = z.string().trim().min(1).max(TEXT_LENGTH_MAX);
const Reason = z.string().trim().max(TEXT_LENGTH_MAX);
const Anything = z.strictObject({ subject: Subject, reason: Reason.default("") });
const Held = z.strictObject({ subject: Subject, reason: Reason.min(1) });
const Pools = z.strictObject({ pool: Subject.nullable().default(null), reason: Reason.default("") });
const Delivered = z.strictObject({
  delivery: Subject,
  connection: Subject.nullable().default(null),
  reason: Reason.default(""),
});
const Ended = z.strictObject({ subject: Subject, reason: Reason.default(""), force: z.boolean().default(false) });

/** What a command runs with, and for whom. */
interface Call extends CommandSetting {
  readonly operator: string;
}

export function addCommands(app: Hono, operators: readonly Operator[], setting: CommandSetting): void {
  const guards = [requireRole(operators, "operator", "Bearer"), refuseForged()] as const;
  const post = <Schema extends z.ZodType>(
    name: CommandName,
    schema: Schema,
    run: (call: Call, body: z.output<Schema>) => Promise<CommandOutcome>,
  ): void => {
    app.post(`/${name}`, told(noteOf(name, schema)), ...guards, async (context: Context<OperatorEnv>) => {
      const body = await readCommand(context, schema);
      if (body instanceof Response) return body;
      const outcome = await run({ ...setting, operator: context.var.operator.name }, body.value);
      return outcome instanceof Response ? outcome : Response.json(outcome);
    });
  };
  post("drain", Anything, drain);
  post("hold", Held, hold);
  post("release", Anything, release);
  post("terminate", Ended, terminate);
  post("freeze", Pools, (call, { pool, reason }) => onPools(call, "freezing", pool, reason, freeze));
  for (const command of ["replay", "discard"] as const)
    post(command, Delivered, (call, { delivery, connection, reason }) =>
      settleDelivery(call, command, { id: delivery, connection }, markOf(call, call.operator, reason)),
    );
  post("rerun", Anything, (call, { subject, reason }) => rerunJob(call, subject, markOf(call, call.operator, reason)));
  post("thaw", Pools, (call, { pool, reason }) => onPools(call, "thawing", pool, reason, thaw));
}

const SAYS: Readonly<Record<CommandName, { readonly says: string; readonly errors: readonly ErrorCode[] }>> = {
  drain: {
    says: "Takes a machine or a pool out: it gets no more jobs, and goes once it is free.",
    errors: ["not-found", "ambiguous"],
  },
  hold: {
    says: "Pins one machine: it is not ended until it is released.",
    errors: ["not-found", "ambiguous", "machine-gone", "machine-ending"],
  },
  release: {
    says: "Takes back a drain or a hold of a machine, or the drain of a pool.",
    errors: ["not-found", "ambiguous", "machine-ending"],
  },
  freeze: { says: "Stops every ending in a pool, or in all of them.", errors: ["not-found"] },
  thaw: { says: "Takes a freeze back.", errors: ["not-found", "pool-frozen"] },
  terminate: {
    says: "Ends a machine; with `force` also one that may run a job, which is recorded with its jobs.",
    errors: ["not-found", "ambiguous", "force-needed", "machine-held", "machine-gone", "pool-frozen", "pool-observes"],
  },
  replay: { says: "Handles a delivery once more that could not be handled.", errors: ["not-found", "ambiguous"] },
  rerun: {
    says: "Has GitHub run a job again that failed or was lost with its machine; asked twice for one attempt it is done once.",
    errors: [
      "not-found",
      "ambiguous",
      "job-not-ours",
      "job-not-over",
      "job-succeeded",
      "rerun-too-old",
      "rerun-too-often",
      "pool-observes",
      "github-not-connected",
    ],
  },
  discard: { says: "Sets a delivery aside for good that could not be handled.", errors: ["not-found", "ambiguous"] },
};

function noteOf(name: CommandName, body: z.ZodType): RouteNote {
  return { caller: "operator", body, answer: CommandAnswer, ...SAYS[name] };
}

async function drain(call: Call, { subject, reason }: z.output<typeof Anything>): Promise<CommandOutcome> {
  const target = await locate(call, "draining", subject);
  if (target instanceof Response) return target;
  const mark = markOf(call, call.operator, reason);
  return target.kind === "pool"
    ? drainPool(call, target.name, mark)
    : runMachineCommand(call, target.id, drainCommand(mark));
}

async function release(call: Call, { subject, reason }: z.output<typeof Anything>): Promise<CommandOutcome> {
  const target = await locate(call, "releasing", subject);
  if (target instanceof Response) return target;
  const mark = markOf(call, call.operator, reason);
  return target.kind === "pool"
    ? releasePool(call, target.name, mark)
    : runMachineCommand(call, target.id, releaseCommand(mark));
}

async function hold(call: Call, { subject, reason }: z.output<typeof Held>): Promise<CommandOutcome> {
  const target = await locate(call, "holding", subject);
  if (target instanceof Response) return target;
  if (target.kind === "pool")
    return refusePool("holding", target.name, `\`holdfast freeze ${target.name}\` stops every ending in it`);
  return runMachineCommand(call, target.id, holdCommand(markOf(call, call.operator, reason)));
}

async function terminate(call: Call, { subject, reason, force }: z.output<typeof Ended>): Promise<CommandOutcome> {
  const target = await locate(call, "terminating", subject);
  if (target instanceof Response) return target;
  if (target.kind === "pool")
    return refusePool("terminating", target.name, `\`holdfast drain ${target.name}\` empties it`);
  return terminateMachine(call, target.id, { isForced: force, mark: markOf(call, call.operator, reason) });
}

function refusePool(attempted: string, pool: string, instead: string): Response {
  const mend = `Name a machine: this takes no pool. ${instead}.`;
  return problem("not-found", `${attempted} a machine called ${pool}`, { mend });
}

async function onPools(
  call: Call,
  attempted: string,
  pool: string | null,
  reason: string,
  run: typeof freeze,
): Promise<CommandOutcome> {
  const mark = markOf(call, call.operator, reason);
  if (pool === null) return run(call, ALL_POOLS, mark);
  const name = await findPool(call.sources.store.db, configuredPools(call), pool);
  if (name !== null) return run(call, name, mark);
  const mend = "`holdfast status` lists the pools. One machine is pinned by `holdfast hold`.";
  return problem("not-found", `${attempted} a pool called ${pool.slice(0, 200)}`, { mend });
}

async function locate(call: Call, attempted: string, subject: string): Promise<Target | Response> {
  const found = await findTarget(call.sources.store.db, configuredPools(call), subject);
  switch (found.kind) {
    case "machine":
    case "pool":
      return found;
    case "ambiguous": {
      const mend = `Name one of them: ${found.names.join(", ")}.`;
      return problem("ambiguous", `${attempted} ${subject.slice(0, 200)}`, { mend });
    }
    case "none": {
      const because = found.because === null ? "" : ` (${found.because})`;
      const mend = "`holdfast machines` lists the machines, `holdfast status` the pools.";
      return problem("not-found", `${attempted} ${subject.slice(0, 200)}${because}`, { mend });
    }
  }
}

/** Of our own shape or refused, naming the first wrong field. */
async function readCommand<Schema extends z.ZodType>(
  context: Context,
  schema: Schema,
): Promise<{ readonly value: z.output<Schema> } | Response> {
  const attempted = `reading the body of ${context.req.path}`;
  if (!/^application\/json\b/i.test(context.req.header("content-type") ?? ""))
    return problem("payload-invalid", attempted, { status: 415, mend: "Send JSON, as application/json." });
  const body = await readBody(context.req.raw, BODY_LIMIT_BYTES);
  if (body.kind === "too-large") return problem("payload-too-large", attempted, { mend: "Give a shorter reason." });
  if (body.kind === "cut-off") return problem("payload-invalid", attempted);
  const parsed = schema.safeParse(parseJson(body.bytes));
  if (parsed.success) return { value: parsed.data };
  const issue = parsed.error.issues[0];
  const field = issue?.code === "unrecognized_keys" ? issue.keys.join(", ") : (issue?.path.join(".") ?? "");
  return problem("payload-invalid", `${attempted}, field ${field === "" ? "(all of it)" : field}`, {
    mend: `${issue?.message ?? "It is not of the documented shape"}.`,
  });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
