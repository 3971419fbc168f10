/**
 * What the operator API answers. The commands parse with these schemas, the pages render these values, and the reference
 * is written from them. Every time is ISO 8601 in UTC; `now` is the server's own, so that ages need no second clock.
 */
import { z } from "zod";

export const Instant = z.iso.datetime().describe("ISO 8601, UTC");
export const Because = z.object({
  reason: z.string().describe("A code of docs/reference/reasons.md"),
  sentence: z.string(),
});
const Finding = z.object({
  kind: z
    .string()
    .describe(
      "For a machine busy, idle, unknown or gone; for a job its status; for pools waiting or quiet, by their jobs",
    ),
  sentences: z.array(z.string()),
});

export const StandingWord = z
  .object({
    word: z.enum(["held", "forced", "frozen", "drained"]),
    about: z.string().describe("machine m-…, pool linux or all pools"),
    operator: z.string().nullable().describe("Null where it is not known any more"),
    reason: z.string().describe("As the operator gave it; empty where none was given"),
    since: Instant.nullable(),
  })
  .describe("What an operator has said and not taken back");

const HealthAnswer = z.object({
  isReady: z.boolean(),
  problems: z.array(z.string()),
  controllers: z.array(
    z.object({
      name: z.string(),
      pool: z.string().nullable(),
      lastRunAt: Instant.nullable(),
      lastError: z.string().nullable(),
    }),
  ),
});

export const Count = z.int().min(0);

const BreakerAnswer = z
  .object({
    stops: z.enum(["launches", "tickets"]),
    since: Instant,
    failures: Count.describe("In a row, those after it opened included"),
    nextProbeAt: Instant.describe("When one may be tried next"),
  })
  .describe("What kept failing and is stopped until a probe succeeds");

const PauseAnswer = z
  .object({ what: z.enum(["launches", "tickets"]), because: Because, until: Instant })
  .describe("After a call that was refused or failed; null of another process's pool");

export const PoolAnswer = z.object({
  name: z.string(),
  mode: z.enum(["run", "observe", "removed"]).describe("removed: no longer in the configuration, and not drained yet"),
  max: Count.nullable(),
  labels: z.array(z.string()),
  machines: z
    .object({
      planned: Count,
      provisioning: Count,
      parked: Count,
      stopping: Count,
      stopped: Count,
      engaged: Count,
      retiring: Count,
    })
    .describe("How many machines are in each state; those that are gone are not counted"),
  verdicts: z.object({ busy: Count, idle: Count, unknown: Count }),
  waitingJobs: Count,
  liveTickets: Count,
  standing: z
    .object({ registered: Count, ready: Count })
    .describe("Tickets made in advance: listeners online for `warm.registered`, and tickets held for `tickets.ready`"),
  breakers: z.array(BreakerAnswer).describe("Those that are open"),
  pauses: z.array(PauseAnswer),
  listing: z
    .object({
      at: Instant.nullable().describe("When the provider's listing last came whole; null if not in this process"),
      isFailing: z.boolean().describe("Whether the last one did not come"),
    })
    .nullable()
    .describe("Null where another process asks the provider"),
  agents: z
    .object({ heard: Count, silent: Count, quietSince: Instant.nullable() })
    .describe("Of the machines whose agents should speak: when the one was last heard that has been silent longest"),
  lastErrors: z.array(z.string()),
  words: z.array(StandingWord).describe("Operators' words about the pool as a whole"),
});

const LaunchAnswer = z.object({
  id: z.string(),
  at: Instant,
  state: z.enum(["open", "done", "refused"]).describe("open until the provider answered; refused: nothing was started"),
  machines: Count.describe("How many were asked for"),
  tries: Count,
  nextTryAt: Instant.nullable().describe("Of an open one"),
  error: z.string().nullable().describe("Its last failure"),
});

export const PoolDetailAnswer = PoolAnswer.extend({
  priority: z.int().nullable().describe("Null for one that left the configuration"),
  waiting: z
    .array(z.object({ reason: z.string().nullable(), sentence: z.string(), jobs: Count }))
    .describe("What its queued jobs wait for, the commonest first; reason null where nothing is decided yet"),
  oldestWaitingAt: Instant.nullable().describe("Since when the job waits that waits longest"),
  lastLaunch: LaunchAnswer.nullable().describe("As long as it is kept"),
});

export const PoolsAnswer = z.object({ now: Instant, controllerId: z.string(), pools: z.array(PoolDetailAnswer) });

const BudgetAnswer = z.object({
  account: z.string().describe("Whose installation it is; token for a personal token"),
  limit: Count.nullable().describe("Calls an hour (the primary rate limit); null until GitHub told"),
  remaining: Count.nullable(),
  resetsAt: Instant.nullable(),
  pointsPerMinute: Count.describe("Spent in the last minute: a read costs 1, a write 5 (the secondary rate limit)"),
  pointsPerMinuteMax: Count,
  ticketsPerMinute: Count.describe("Asked for in the last minute"),
  ticketsPerMinuteMax: Count.describe("What the secondary limit allows if nothing else is called"),
  blockedUntil: Instant.nullable().describe("GitHub asked us to make no call before"),
});

export const ConnectionAnswer = z.object({
  name: z.string(),
  demand: z.enum(["webhooks", "poll"]),
  budgets: z.array(BudgetAnswer),
  repositories: Count.nullable().describe("How many are looked at for jobs that no webhook told of"),
  lookedAt: Instant.nullable().describe("When the repository was looked at that waits the longest"),
  deliveredAt: Instant.nullable().describe("When a webhook last arrived; null if none is stored"),
  troubles: z.array(z.string()),
});

export const StatusAnswer = z.object({
  now: Instant,
  controllerId: z.string(),
  version: z.string(),
  since: Instant.describe("When this process started"),
  health: HealthAnswer,
  connections: z.array(ConnectionAnswer),
  pools: z.array(PoolAnswer),
  jobs: z.object({
    waiting: Count.describe("Held by GitHub until somebody approves them"),
    queued: Count.describe("Queued for a pool"),
    unmatched: Count.describe("Queued, and no pool takes them"),
    running: Count,
    completedLastHour: Count,
  }),
  deliveries: z.object({ pending: Count, applied: Count, ignored: Count, quarantined: Count }),
  words: z.array(StandingWord).describe("Every word of operators, those about single machines after those about pools"),
});

export const JobAnswer = z.object({
  id: z.int(),
  connection: z.string(),
  repository: z.string(),
  workflow: z.string(),
  name: z.string(),
  labels: z.array(z.string()),
  status: z.enum(["waiting", "queued", "in_progress", "completed"]),
  conclusion: z.string().nullable(),
  pool: z.string().nullable(),
  waitingFor: Because.nullable(),
  machineId: z.string().nullable().describe("The machine it runs or ran on, or that a ticket made for it is on"),
  runnerName: z.string().nullable(),
  createdAt: Instant,
  startedAt: Instant.nullable(),
  completedAt: Instant.nullable(),
  queueMs: z.int().describe("How long it waited for a runner, or has waited so far"),
  url: z.string(),
});

const IsMore = z
  .literal(true)
  .optional()
  .describe("Only where older ones were left out: `before` the last asks for them");

export const JobsAnswer = z.object({ now: Instant, jobs: z.array(JobAnswer), isMore: IsMore });

export const MachineAnswer = z.object({
  id: z.string(),
  pool: z.string(),
  state: z.enum(["planned", "provisioning", "parked", "stopping", "stopped", "engaged", "retiring", "gone"]),
  stage: z.string().nullable().describe("Of a retiring machine"),
  since: Instant.describe("When it came to its state"),
  verdict: Finding,
  waitingFor: Because.nullable().describe("Why it is kept, or what its ending waits for"),
  retireReason: z.string().nullable().describe("Of a machine that is retiring or gone"),
  proof: z.string().nullable().describe("By which its end was permitted"),
  ticket: z
    .object({ id: z.string(), state: z.string(), runnerName: z.string() })
    .nullable()
    .describe("The newest that it had"),
  jobs: z.array(z.object({ id: z.int(), repository: z.string(), name: z.string(), status: z.string() })),
  providerId: z.string().nullable(),
  createdAt: Instant,
  heardAt: Instant.nullable().describe("When its agent was last heard since this process started"),
  words: z.array(StandingWord).describe("Operators' words about it, and about its pool"),
});

export const MachinesAnswer = z.object({ now: Instant, machines: z.array(MachineAnswer), isMore: IsMore });

export const FleetAnswer = z
  .object({
    status: StatusAnswer,
    waiting: JobsAnswer.describe("Queued for a pool, those first that have waited longest"),
    moving: MachinesAnswer.describe("Planned, starting, stopping or retiring, newest first"),
    unknown: MachinesAnswer.describe("Of which nobody can say whether they are busy"),
    ended: MachinesAnswer.describe("The last that ended first"),
  })
  .describe("The whole fleet at one moment, each list up to a limit");

export const ExplainAnswer = z.object({
  now: Instant,
  subject: z.discriminatedUnion("kind", [
    z.object({
      kind: z.literal("job"),
      id: z.string(),
      name: z.string(),
      repository: z.string(),
      pool: z.string().nullable(),
      url: z.string(),
      machineId: z.string().nullable(),
      runnerName: z.string().nullable(),
    }),
    z.object({
      kind: z.literal("machine"),
      id: z.string(),
      name: z.string(),
      pool: z.string(),
      state: z.string(),
      providerId: z.string().nullable(),
      runnerNames: z.array(z.string()),
    }),
    z.object({
      kind: z.literal("pool"),
      id: z.string(),
      name: z.string(),
      mode: z.enum(["run", "observe", "removed"]),
      machineCount: Count,
      max: Count.nullable(),
    }),
    z.object({ kind: z.literal("fleet"), id: z.string(), name: z.string() }).describe("All pools of a controller"),
  ]),
  verdict: Finding,
  waitingFor: Because.nullable(),
  next: z
    .object({ sentence: z.string(), at: Instant.nullable() })
    .nullable()
    .describe("What has to happen before it goes on, and when it is tried or looked at next; null once it is over"),
  lanes: z
    .array(
      z.object({
        about: z.string(),
        kind: z.enum(["states", "reasons"]),
        bands: z.array(z.object({ word: z.string(), from: Instant, until: Instant.nullable() })),
      }),
    )
    .describe("The states of each thing as stretches of time, and beside them why it stood so"),
  timeline: z.array(
    z.object({
      at: Instant,
      until: Instant.nullable(),
      about: z.string(),
      source: z.string(),
      fact: z.string(),
      rule: Because.nullable(),
    }),
  ),
  omittedCount: Count,
  words: z.array(StandingWord).describe("Operators' words about it, its machine and its pool"),
});

export const LogsAnswer = z.object({
  now: Instant,
  subject: z.object({ kind: z.enum(["job", "machine"]), id: z.string(), name: z.string() }),
  logs: z
    .array(
      z.object({
        machineId: z.string(),
        runnerName: z.string().nullable().describe("Null where the log is of the machine and of no ticket"),
        name: z
          .string()
          .describe("The file's own; `console` for what the provider kept of a machine that never checked in"),
        savedAt: Instant,
        lines: z.array(z.string()).describe("The last ones"),
      }),
    )
    .describe("Oldest first"),
  omittedCount: Count.describe("Older logs that are kept and were left out"),
});

export const ExportAnswer = z.object({
  now: Instant,
  controllerId: z.string(),
  files: z.array(z.object({ path: z.string(), content: z.string() })).describe("What a bundle holds, secrets masked"),
  cuts: z.array(z.string()).describe("What was left out so that the bundle stays within its size"),
});

export const DeliveryAnswer = z.object({
  id: z.string().describe("GitHub's own: X-GitHub-Delivery"),
  connection: z.string(),
  event: z.string(),
  state: z.enum(["pending", "applied", "ignored", "quarantined"]),
  problem: z.string().nullable().describe("Why it could not be handled"),
  receivedAt: Instant,
  byteCount: Count,
  body: z.string().nullable().describe("As it came; null in a list"),
});

export const DeliveriesAnswer = z.object({
  now: Instant,
  quarantinedCount: Count.describe("All that wait for a person, however many are listed"),
  deliveries: z.array(DeliveryAnswer),
});

export const CommandAnswer = z.object({
  now: Instant,
  command: z.enum(["drain", "hold", "release", "freeze", "thaw", "terminate", "replay", "discard", "rerun"]),
  outcome: z.enum(["written", "already"]).describe("already: what was asked for is so, and nothing was written"),
  subject: z.object({
    kind: z.enum(["machine", "pool", "pools", "delivery", "job"]),
    id: z.string().nullable().describe("Null for all pools"),
    pool: z.string().nullable(),
  }),
  result: z.string().describe("What is so now"),
  next: z.array(z.string()).describe("What happens next, and what does not"),
  jobs: z
    .array(z.object({ id: z.int(), repository: z.string(), name: z.string(), url: z.string() }))
    .describe("Jobs that are known to run on the machine: a forced end costs them; of rerun the job itself"),
  undo: z.string().nullable().describe("The command that takes it back; null where nothing does"),
});

export const ProblemAnswer = z.object({ code: z.string(), message: z.string(), mend: z.string() });

export type StatusAnswer = z.infer<typeof StatusAnswer>;
export type ConnectionAnswer = z.infer<typeof ConnectionAnswer>;
export type PoolAnswer = z.infer<typeof PoolAnswer>;
export type PoolDetailAnswer = z.infer<typeof PoolDetailAnswer>;
export type PoolsAnswer = z.infer<typeof PoolsAnswer>;
export type FleetAnswer = z.infer<typeof FleetAnswer>;
export type JobAnswer = z.infer<typeof JobAnswer>;
export type JobsAnswer = z.infer<typeof JobsAnswer>;
export type MachineAnswer = z.infer<typeof MachineAnswer>;
export type MachinesAnswer = z.infer<typeof MachinesAnswer>;
export type StandingWord = z.infer<typeof StandingWord>;
export type DeliveryAnswer = z.infer<typeof DeliveryAnswer>;
export type DeliveriesAnswer = z.infer<typeof DeliveriesAnswer>;
export type LogsAnswer = z.infer<typeof LogsAnswer>;
export type ExportAnswer = z.infer<typeof ExportAnswer>;
export type CommandAnswer = z.infer<typeof CommandAnswer>;
export type ExplainAnswer = z.infer<typeof ExplainAnswer>;
