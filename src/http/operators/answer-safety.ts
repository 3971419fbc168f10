/** What `GET /safety` answers. */
import { z } from "zod";
import { ALARM_KINDS } from "../../domain/alarm-facts.ts";
import { REFUSERS } from "../../domain/refusals.ts";
import { Count, Instant } from "./answers.ts";

const CountOf = <Word extends z.ZodType>(word: Word) => z.object({ word, sentence: z.string(), machines: Count });

export const SafetyAnswer = z
  .object({
    now: Instant,
    since: Instant.describe("What was written down from then on is counted"),
    endings: z.array(CountOf(z.string().describe("The proof"))).describe("Machines that the provider was asked to end"),
    refusals: z
      .array(CountOf(z.string().describe("The reason")).extend({ by: z.enum(REFUSERS) }))
      .describe("Machines whose ending was refused, by what was missing and by who stood in the way"),
    forced: z.array(
      z.object({
        at: Instant,
        machineId: z.string(),
        pool: z.string().nullable(),
        by: z.string().describe("The operator, or the limit that was past"),
        reason: z.string(),
        jobs: z.array(
          z.object({ id: z.int(), repository: z.string(), name: z.string(), conclusion: z.string().nullable() }),
        ),
      }),
    ),
    alarms: z
      .array(z.object({ kind: z.enum(ALARM_KINDS), count: Count }))
      .describe("Facts that speak against a promise, or came near it; kinds without any are there with 0"),
    alarming: z
      .array(z.object({ at: Instant, about: z.string(), kind: z.enum(ALARM_KINDS), fact: z.string() }))
      .describe("The newest of them"),
    ghosts: z
      .object({ owed: Count, unknown: Count })
      .describe("Registrations at GitHub without a machine: about to be deleted, and of no ticket that is known"),
    unknown: z.object({ count: Count, machines: z.array(z.string()).describe("The first of them") }),
    adopted: Count.describe("Machines that are here now and whose row was lost or came from a backup"),
  })
  .describe("What was done to keep the two promises, and what went against them, in the last day");

export type SafetyAnswer = z.infer<typeof SafetyAnswer>;
