/** The controller's answers, checked by hand: what is not as documented is no answer. */
import { type MachineId, parseMachineId, parseTicketId } from "../domain/ids.ts";
import type { CheckInAnswer, HandBackOrder, PollAnswer, ReportAnswer } from "../domain/protocol.ts";

/** The controller answered in a shape that we do not know. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
}

export function parseCheckIn(value: unknown): CheckInAnswer {
  const { protocolVersion, token, machineId } = recordOf(value);
  if (typeof protocolVersion !== "number" || typeof token !== "string" || token === "")
    throw new AnswerError("check-in: `protocolVersion` or `token` is missing");
  // A controller of before says no name: the one that was claimed holds.
  return { protocolVersion, token, ...(machineId === undefined ? {} : { machineId: machineIdOf(machineId) }) };
}

export function parseReportAnswer(value: unknown): ReportAnswer {
  const { storeGeneration, confirmedEnds, ticketOut, isRetiring, handBack, isPinned } = recordOf(value);
  if (typeof storeGeneration !== "number" || !Number.isSafeInteger(storeGeneration))
    throw new AnswerError("report: `storeGeneration` is not a number");
  if (!Array.isArray(confirmedEnds)) throw new AnswerError("report: `confirmedEnds` is not a list");
  if (typeof isRetiring !== "boolean") throw new AnswerError("report: `isRetiring` is missing");
  if (ticketOut === undefined) throw new AnswerError("report: `ticketOut` is missing");
  return {
    storeGeneration,
    confirmedEnds: confirmedEnds.map(ticketIdOf),
    ticketOut: ticketOut === null ? null : ticketIdOf(ticketOut),
    isRetiring,
    handBack: handBack === null || handBack === undefined ? null : orderOf(handBack),
    // One of a controller before there were operators' pins.
    isPinned: isPinned === true,
  };
}

function orderOf(value: unknown): HandBackOrder {
  const { ticketId, attempt } = recordOf(value);
  if (typeof attempt !== "number" || !Number.isSafeInteger(attempt))
    throw new AnswerError("report: `attempt` of `handBack` is not a number");
  return { ticketId: ticketIdOf(ticketId), attempt };
}

/** How many of the logs are kept. */
export function parseSavedCount(value: unknown): number {
  const { savedCount } = recordOf(value);
  if (typeof savedCount !== "number") throw new AnswerError("logs: `savedCount` is not a number");
  return savedCount;
}

export function parsePollAnswer(value: unknown): PollAnswer {
  const { kind, ticket } = recordOf(value);
  if (kind === "nothing" || kind === "report") return { kind };
  if (kind !== "ticket") throw new AnswerError("poll: `kind` is not known");
  const { id, runnerName, jitConfig } = recordOf(ticket);
  if (typeof runnerName !== "string" || typeof jitConfig !== "string" || jitConfig === "")
    throw new AnswerError("poll: `runnerName` or `jitConfig` of the ticket is missing");
  return { kind, ticket: { id: ticketIdOf(id), runnerName, jitConfig } };
}

function machineIdOf(value: unknown): MachineId {
  try {
    return parseMachineId(String(value));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new AnswerError("check-in: `machineId` is not a machine's id", { cause: error });
  }
}

/** Nothing but a ticket's id becomes the name of a folder. */
function ticketIdOf(value: unknown): ReturnType<typeof parseTicketId> {
  try {
    return parseTicketId(String(value));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new AnswerError("a ticket's id is not one", { cause: error });
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw new AnswerError("the answer is not a JSON object");
  return value as Readonly<Record<string, unknown>>;
}
