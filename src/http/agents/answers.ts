/** The shapes of what agents are answered, for the reference; their meaning, and the types, are in `domain/protocol`. */
import { z } from "zod";

const Id = z.string();

export const CheckInAnswer = z.object({
  protocolVersion: z.int(),
  token: z.string().describe("Bearer token of every message after this one; secret"),
  machineId: Id.describe("As whom the agent speaks from now on"),
});

export const ReportAnswer = z.object({
  storeGeneration: z.int().describe("Lower than one that was seen: the store was restored from a backup"),
  confirmedEnds: z.array(Id).describe("Tickets whose ends need not be reported again"),
  ticketOut: Id.nullable().describe("The ticket that the agent must account for"),
  isRetiring: z.boolean().describe("The machine gets no more tickets"),
  handBack: z
    .object({ ticketId: Id, attempt: z.int() })
    .nullable()
    .describe("The ticket that the host is asked to hand back, through its fence"),
  isPinned: z.boolean().describe("An operator pinned the machine, or froze its pool: it never powers off by itself"),
});

export const PollAnswer = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("nothing").describe("Nothing came in 25 seconds") }),
  z.object({ kind: z.literal("report").describe("Something changed that a report's answer will tell") }),
  z.object({
    kind: z.literal("ticket"),
    ticket: z.object({
      id: Id,
      runnerName: z.string(),
      jitConfig: z.string().describe("GitHub's `encoded_jit_config`; secret"),
    }),
  }),
]);

export const LogsAnswer = z.object({ savedCount: z.int().describe("How many logs were kept") });
