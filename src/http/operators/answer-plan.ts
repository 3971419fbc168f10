/** What `GET /plan` answers. */
import { z } from "zod";
import { PLANNING_CONTROLLERS } from "../../domain/pass-plan.ts";
import { Because, Count, Instant, StandingWord } from "./answers.ts";

const PlannedStep = z.object({
  controller: z.enum(PLANNING_CONTROLLERS).describe("Which controller would decide so"),
  action: z.string().describe("What it would do, in a word; wait and keep where it would leave it"),
  isAct: z.boolean().describe("Whether something would be done, and not left as it is"),
  about: z.object({
    kind: z.string().describe("job, machine, ticket or pool"),
    id: z.string(),
    title: z.string().nullable().describe("What people call it, where that is more than its id"),
  }),
  reason: Because.shape.reason,
  sentence: z.string(),
  note: z.string().nullable().describe("What else belongs to it: a ticket's machine, the proof of an ending"),
  retryAt: Instant.nullable().describe("It is not tried again before; null: at the next pass, in seconds"),
});

export const PlanAnswer = z.object({
  now: Instant,
  pools: z.array(
    z.object({
      name: z.string(),
      mode: z.enum(["run", "observe", "removed"]),
      isHeld: z
        .boolean()
        .describe(
          "Whether the process that answers holds the pool; else another acts, and remembers more than this one",
        ),
      machines: Count.describe("There or on their way"),
      max: Count.nullable(),
      waitingJobs: Count,
      launches: Count.describe("Machines that would be launched, for jobs and to stand ready"),
      room: z.object({
        count: Count.describe("Machines that could be launched now"),
        limit: Because.describe("Why no more"),
      }),
      unsound: z.array(z.string()).describe("What is not sound in the plan, for which it would not be carried out"),
      words: z.array(StandingWord).describe("Operators' words about the pool as a whole"),
      steps: z.array(PlannedStep).describe("What would be done first, then what waits"),
      omittedCount: Count.describe("Steps beyond the limit, and retiring machines that were not looked at"),
    }),
  ),
  unmatchedJobs: Count.describe("Queued, and no pool takes them"),
});

export type PlanAnswer = z.infer<typeof PlanAnswer>;
