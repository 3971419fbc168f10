/** The shapes of the agents' messages, checked at the door; their meaning is in `domain/protocol`. */
import { z } from "zod";
import { parseIncarnationId, parseMachineId, parseProviderId, parseTicketId } from "../../domain/ids.ts";
import {
  type CheckInRequest,
  type PollRequest,
  REPORTED_ENDS_MAX,
  type ReportRequest,
  type SavedLogs,
} from "../../domain/protocol.ts";
import { TICKET_STEPS } from "../../domain/ticket.ts";

const TEXT_LENGTH_MAX = 500;

function id<Id>(parse: (text: string) => Id) {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "not an id" });
      return z.NEVER;
    }
  });
}

const machineId = id(parseMachineId);
const incarnation = id(parseIncarnationId);
const ticketId = id(parseTicketId);
const sequence = z.int().min(1);
const message = { machineId, incarnation };

/** A signed identity document has some 2,000. */
const DOCUMENT_LENGTH_MAX = 16_384;
/** A projected token has some 1,200. */
const POD_TOKEN_LENGTH_MAX = 16_384;

export const CheckIn: z.ZodType<CheckInRequest> = z.object({
  ...message,
  protocolVersion: z.int(),
  providerId: id(parseProviderId),
  identity: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("process"), secret: z.string().max(TEXT_LENGTH_MAX) }),
    z.object({ kind: z.literal("ec2"), document: z.string().max(DOCUMENT_LENGTH_MAX) }),
    z.object({ kind: z.literal("kubernetes"), token: z.string().max(POD_TOKEN_LENGTH_MAX) }),
  ]),
  bootId: z.string().max(TEXT_LENGTH_MAX),
  agentVersion: z.string().max(TEXT_LENGTH_MAX),
});

const End = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("spent") }),
  z.object({ kind: z.literal("handed-back") }),
  z.object({ kind: z.literal("barren"), reason: z.string().max(TEXT_LENGTH_MAX) }),
]);

const Sighting = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("seen"), hasListener: z.boolean(), workerCount: z.int().min(0) }),
  z.object({ kind: z.literal("unknown"), why: z.string().max(TEXT_LENGTH_MAX) }),
]);

export const Report: z.ZodType<ReportRequest> = z.object({
  ...message,
  sequence,
  storeGeneration: z.int().min(0),
  report: z.object({
    phase: z.enum(["starting", "preparing", "parked", "engaged", "leaving"]),
    ticket: z.object({ id: ticketId, step: z.enum(TICKET_STEPS) }).nullable(),
    ended: z.array(z.object({ id: ticketId, end: End })).max(REPORTED_ENDS_MAX),
    sighting: Sighting,
    fence: z
      .object({ ticketId, attempt: z.int().min(0), why: z.string().max(TEXT_LENGTH_MAX) })
      .nullable()
      .default(null),
    stillness: z
      .object({ isLeaseOld: z.boolean(), isWorkerStill: z.boolean(), areLogsSaved: z.boolean() })
      .nullable()
      .default(null),
  }),
});

export const Poll: z.ZodType<PollRequest> = z.object({ ...message, sequence });

const LOGS_MAX = 20;
const LOG_LINES_MAX = 500;
const LOG_LINE_LENGTH_MAX = 4_000;

export const Logs: z.ZodType<SavedLogs> = z.object({
  ...message,
  ticketId: ticketId.nullable(),
  logs: z
    .array(
      z.object({
        name: z.string().max(200),
        lines: z.array(z.string().max(LOG_LINE_LENGTH_MAX)).max(LOG_LINES_MAX),
      }),
    )
    .max(LOGS_MAX),
});
