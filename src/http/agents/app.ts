/**
 * The agents' API, `POST /agent/v1/{check-in,report,poll,logs}`. It stores what agents say and answers what the store
 * knows; it decides nothing. A try that is refused is evidence too: somebody is there.
 */
import { type Context, Hono } from "hono";
import type { z } from "zod";
import { isStandIn } from "../../domain/adoption.ts";
import { HoldfastError } from "../../domain/errors.ts";
import type { MachineId, PoolName } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import {
  type ReportAnswer as Answered,
  type CheckInRequest,
  POLL_HOLD_MS,
  type PollAnswer as Polled,
  PROTOCOL_VERSION,
  type ReportRequest,
} from "../../domain/protocol.ts";
import { isTicketOut, isTicketOver } from "../../domain/ticket.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Hearing } from "../../ports/hearing.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import type { Span } from "../../ports/traces.ts";
import type { Wake } from "../../ports/wake.ts";
import type { Standing } from "../../store/facts.ts";
import { saveLogs } from "../../store/logs/logs.ts";
import { recordReport } from "../../store/machines/heard.ts";
import { loadMachine } from "../../store/machines/load.ts";
import type { Store } from "../../store/store.ts";
import { listTicketsOfMachine } from "../../store/tickets/list.ts";
import { inTransaction } from "../../store/transaction.ts";
import { callerOf } from "../caller.ts";
import { answerError, problem } from "../problem.ts";
import { readBody } from "../read-body.ts";
import { type RouteNote, told } from "../route-notes.ts";
import { CheckInAnswer, LogsAnswer, PollAnswer, ReportAnswer } from "./answers.ts";
import { authorize, noteComing, noteRefused } from "./authorize.ts";
import { answerBundle, BUNDLE_ROUTE, type ServedBundle } from "./bundle.ts";
import { writeCheckIn } from "./check-in.ts";
import { answerPoll, type Poller } from "./deliver.ts";
import { compareGenerations } from "./generations.ts";
import { type Identified, identify } from "./identify.ts";
import type { InstanceAuthority } from "./instance-identity.ts";
import { AgentLanes } from "./lanes.ts";
import { CheckIn, Logs, Poll, Report } from "./messages.ts";
import { findOrder, type ServedPool } from "./order.ts";
import { limitReviews, type PodAuthority } from "./pod-identity.ts";
import type { OpenPolls } from "./polls.ts";
import type { AgentTokens } from "./token.ts";
import type { Caller } from "./turns.ts";

/** The last lines of a handful of logs fit; nothing else comes near. */
const MESSAGE_LIMIT_BYTES = 4 * 1024 * 1024;

export interface AgentAppOptions {
  readonly store: Store;
  readonly tokens: AgentTokens;
  readonly polls: OpenPolls;
  readonly hearing: Hearing;
  readonly clock: Clock;
  readonly wake: Wake;
  readonly telemetry: Telemetry;
  readonly pools: readonly ServedPool[];
  /** Who vouches for machines that are EC2 instances; absent where there are none. */
  readonly authorities?: readonly InstanceAuthority[];
  /** Who vouches for machines that are pods; absent where there are none. */
  readonly podAuthorities?: readonly PodAuthority[];
  /** Of whom the tenure asks whether agents are heard; its own where it is left out. */
  readonly lanes?: AgentLanes;
  /** What machines fetch that are computers of their own; absent where there are none. */
  readonly bundle?: ServedBundle | null;
}

type Served = AgentAppOptions & { readonly lanes: AgentLanes };

const CHECK_IN: RouteNote = {
  caller: "agent",
  says: "An agent begins to speak as its machine, and gets its token. It proves who it is by its body.",
  body: CheckIn,
  answer: CheckInAnswer,
  errors: ["protocol-unsupported", "forbidden", "provider-unavailable", "overloaded"],
};
const REPORT: RouteNote = {
  caller: "agent",
  says: "What the host sees: its phase, its ticket, the tickets that ended.",
  body: Report,
  answer: ReportAnswer,
  errors: ["forbidden", "overloaded"],
};
const POLL: RouteNote = {
  caller: "agent",
  says: "Waits for a ticket, or for a reason to report.",
  body: Poll,
  answer: PollAnswer,
  errors: ["forbidden", "overloaded"],
};
const LOGS: RouteNote = {
  caller: "agent",
  says: "The last lines of the logs of a ticket, or of the machine.",
  body: Logs,
  answer: LogsAnswer,
  errors: ["forbidden", "overloaded"],
};
const BUNDLE: RouteNote = {
  caller: "anybody",
  says: "The agent's own files, for machines that are computers of their own: no secret, checked by the hash in `file`.",
  answer: "a gzipped tar archive",
  errors: ["not-found"],
};

export function createAgentApp(given: AgentAppOptions): Hono {
  const { lanes = new AgentLanes(given) } = given;
  const options = { ...given, podAuthorities: limitReviews(given.podAuthorities ?? []), lanes };
  const app = new Hono();
  app.onError((error) => {
    if (error instanceof HoldfastError) options.telemetry.count("holdfast_agent_refused_total", { code: error.code });
    return answerError(options.telemetry)(error);
  });
  app.notFound((context) => problem("not-found", `${context.req.method} ${context.req.path}`));
  app.get(BUNDLE_ROUTE, told(BUNDLE), (context) => answerBundle(context, options.bundle ?? null));
  const { telemetry } = options;
  app.post("/agent/v1/check-in", told(CHECK_IN), (context) =>
    telemetry.trace("agent", "check-in", {}, (span) => checkIn(context, options, span)),
  );
  app.post("/agent/v1/report", told(REPORT), (context) =>
    telemetry.trace("agent", "report", {}, (span) => report(context, options, span)),
  );
  app.post("/agent/v1/poll", told(POLL), (context) => poll(context, options));
  app.post("/agent/v1/logs", told(LOGS), (context) =>
    telemetry.trace("agent", "logs", {}, (span) => logs(context, options, span)),
  );
  return app;
}

/** @param about what a later message of the same speaker takes the place of. */
function callerOn({ req }: Context, about: string, { machineId, incarnation }: Poller): Caller {
  return { name: `${about} of machine ${machineId} by ${incarnation}`, signal: req.raw.signal };
}

async function checkIn(context: Context, options: Served, span: Span<"agent">): Promise<Response> {
  const claimed = await readMessage(context, CheckIn);
  return options.lanes.take("check-in", callerOn(context, "a check-in", claimed), async (rest) => {
    const podAuthorities = (options.podAuthorities ?? []).map((authority) => ({
      ...authority,
      reviewPodToken: (token: string) => rest(() => authority.reviewPodToken(token)),
    }));
    return takeCheckIn(context, { ...options, podAuthorities }, claimed, span);
  });
}

async function takeCheckIn(
  context: Context,
  options: AgentAppOptions,
  claimed: CheckInRequest,
  span: Span<"agent">,
): Promise<Response> {
  const { store, tokens, clock, hearing, wake } = options;
  const machineId = await demandIdentity(context, options, claimed);
  span.note({ machine: machineId });
  const { providerId } = claimed;
  if (claimed.protocolVersion !== PROTOCOL_VERSION) {
    await noteRefused(context, options, machineId, `a check-in with protocol ${claimed.protocolVersion} was refused`);
    throw new HoldfastError("protocol-unsupported", `checking in with protocol ${claimed.protocolVersion}`);
  }
  const request = { ...claimed, machineId };
  const outcome = await inTransaction(store, (tx) => writeCheckIn(tx, request, clock.nowMs()));
  span.note({ pool: outcome.pool, outcome: outcome.isQuarantined ? "quarantined" : "known" });
  if (outcome.isQuarantined) tellQuarantined(context, options, machineId, outcome.pool);
  hearing.note(machineId);
  if (outcome.pool === null) wakeObservers(options);
  else wake.controller("retire", outcome.pool);
  const token = tokens.issue({ machineId, providerId });
  return Response.json({ protocolVersion: PROTOCOL_VERSION, token, machineId });
}

/**
 * @throws {HoldfastError} `unauthorized` | `forbidden` for another machine's identity | `provider-unavailable`, `overloaded` where
 *   whoever vouches could not be asked. Each of them is a try that is noted: somebody is there.
 */
async function demandIdentity(context: Context, options: AgentAppOptions, claimed: CheckInRequest): Promise<MachineId> {
  let identified: Identified;
  try {
    identified = await identify(claimed, options);
  } catch (error) {
    const fact = "a check-in that nobody could vouch for at the time was refused";
    if (error instanceof HoldfastError) await noteRefused(context, options, claimed.machineId, fact);
    throw error;
  }
  const { machineId, kind } = identified;
  if (kind === "proven") return machineId;
  if (kind === "unproven") {
    await noteRefused(context, options, machineId, "a check-in with a wrong identity was refused");
    throw new HoldfastError("unauthorized", `checking in as machine ${machineId}`);
  }
  await noteRefused(context, options, machineId, "a check-in with another machine's identity was refused");
  throw new HoldfastError("forbidden", `checking in as machine ${machineId} with the identity of another`);
}

async function report(context: Context, options: Served, span: Span<"agent">): Promise<Response> {
  const request = await readMessage(context, Report);
  span.note({ machine: request.machineId, ticket: request.report.ticket?.id });
  const lane = noteComing(context, options, request.machineId);
  const caller = callerOn(context, "a report", request);
  return options.lanes.take(lane, caller, () => takeReport(context, options, request, span));
}

async function takeReport(
  context: Context,
  options: AgentAppOptions,
  request: ReportRequest,
  span: Span<"agent">,
): Promise<Response> {
  const { store, hearing, wake } = options;
  const { providerId } = await authorize(context, options, request.machineId);
  const standing = await compareGenerations(options, request);
  const { outcome, machine } = await recordReport(store.db, request);
  span.note({ outcome, pool: machine?.pool });
  // The row forgot this incarnation, or a later one checked in: only a check-in can tell which of the two speaks.
  if (outcome === "unknown-incarnation")
    throw new HoldfastError("unauthorized", `reporting as incarnation ${request.incarnation}`);
  hearing.note(request.machineId);
  if (outcome === "unknown-machine") {
    hearing.noteRowless(providerId);
    wakeObservers(options);
  }
  // Whoever ends machines is woken by it once the report is attended to: before that it would see nothing new.
  if (outcome === "recorded" && machine !== null) wake.controller("attend", machine.pool);
  return Response.json(await answerReport(options, request, { machine, standing }));
}

/** Its agent lives and the store has no row of it: the next look at the provider adopts it. */
function wakeObservers({ wake, pools }: AgentAppOptions): void {
  for (const { name } of pools) wake.controller("observe", name);
}

function tellQuarantined(
  context: Context,
  { telemetry }: AgentAppOptions,
  machineId: MachineId,
  pool: PoolName | null,
): void {
  telemetry.warn("two agents speak as one machine: it is quarantined", {
    machine: machineId,
    pool,
    caller: callerOf(context),
  });
  telemetry.count("holdfast_machines_quarantined_total", { pool: pool ?? "" });
}

/** @param known what taking the report has read already: one look at the machine does for all of the answer. */
async function answerReport(
  options: AgentAppOptions,
  request: ReportRequest,
  { machine, standing }: { readonly machine: Machine | null; readonly standing: Standing },
): Promise<Answered> {
  const tickets = await listTicketsOfMachine(options.store.db, request.machineId);
  const isPinned = machine !== null && (machine.hold !== null || standing.isFrozen);
  const ended = new Set(request.report.ended.map(({ id }) => id));
  return {
    storeGeneration: standing.generation,
    confirmedEnds: tickets.filter((ticket) => ended.has(ticket.id) && isTicketOver(ticket)).map(({ id }) => id),
    // Of a stand-in no host can know.
    ticketOut: tickets.find((ticket) => isTicketOut(ticket) && !isStandIn(ticket))?.id ?? null,
    isRetiring: machine === null || takesNoTickets(machine),
    // An order that the host has not answered rests while the machine is pinned: it kills a listener.
    handBack: isPinned ? null : await findOrder(options, tickets),
    isPinned,
  };
}

/**
 * A machine that the store does not know gets no tickets from it either, nor one whose row was lost: from then on its host
 * refuses also what an earlier poll still brings.
 */
function takesNoTickets({ state, origin }: Machine): boolean {
  return state.kind === "retiring" || state.kind === "gone" || origin !== "launched";
}

async function poll(context: Context, options: Served): Promise<Response> {
  const { store, polls, hearing, clock, telemetry, lanes } = options;
  const request = await readMessage(context, Poll);
  const caller = callerOn(context, "a poll", request);
  const lane = noteComing(context, options, request.machineId);
  const untilMs = clock.monotonicMs() + POLL_HOLD_MS;
  let isKnown = false;
  const look = async (): Promise<Polled | null> => {
    if (!isKnown) {
      await authorize(context, options, request.machineId);
      // Once: that it is looked for again later is no sign of its host.
      hearing.note(request.machineId);
      isKnown = true;
    }
    // A ticket would be delivered to nobody.
    return caller.signal.aborted ? null : answerPoll(store, request, clock.nowMs(), telemetry);
  };
  do {
    const waiting = polls.enter(request.machineId);
    try {
      const answer = await lanes.take(lane, caller, look);
      if (answer !== null) return Response.json(answer);
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) break;
      await clock.sleep(leftMs, AbortSignal.any([waiting.signal, caller.signal]));
    } finally {
      waiting.leave();
    }
  } while (!caller.signal.aborted);
  return Response.json({ kind: "nothing" });
}

async function logs(context: Context, options: Served, span: Span<"agent">): Promise<Response> {
  const request = await readMessage(context, Logs);
  span.note({ machine: request.machineId, ticket: request.ticketId });
  const about = `logs of ticket ${request.ticketId ?? "none"}`;
  const lane = noteComing(context, options, request.machineId);
  return options.lanes.take(lane, callerOn(context, about, request), async () => {
    await authorize(context, options, request.machineId);
    const savedAtMs = options.clock.nowMs();
    const machine = await loadMachine(options.store.db, request.machineId);
    span.note({ pool: machine?.pool });
    if (machine !== null) await saveLogs(options.store.db, { ...request, savedAtMs });
    return Response.json({ savedCount: machine === null ? 0 : request.logs.length });
  });
}

/** @throws {HoldfastError} `payload-too-large` | `payload-invalid`, naming the first wrong field. */
async function readMessage<Message>(context: Context, schema: z.ZodType<Message>): Promise<Message> {
  const body = await readBody(context.req.raw, MESSAGE_LIMIT_BYTES);
  if (body.kind === "too-large") throw new HoldfastError("payload-too-large", "reading an agent's message");
  if (body.kind === "cut-off") throw new HoldfastError("payload-invalid", "reading an agent's message to its end");
  const parsed = schema.safeParse(parseJson(body.bytes));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined ? "" : ` at ${issue.path.join(".") || "its top"}: ${issue.message}`;
  throw new HoldfastError("payload-invalid", `reading an agent's message${where}`);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
