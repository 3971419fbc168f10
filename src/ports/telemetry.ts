/** Log lines, figures and traces. Subjects go into fields, never into the message, so that lines can be searched by id. */
import type { Traces } from "./traces.ts";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Telemetry extends Traces {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** @param error logged with its whole chain of causes. */
  error(message: string, error: unknown, fields?: LogFields): void;
  /** Adds one to a counter of `docs/reference/metrics.md`. */
  count<Metric extends CounterName>(metric: Metric, labels: CounterLabels<Metric>): void;
  /** Sets a gauge. */
  gauge<Metric extends GaugeName>(metric: Metric, value: number, labels: GaugeLabels<Metric>): void;
  /** Adds one measured duration to a histogram, in milliseconds; it is shown in the histogram's unit, seconds. */
  measure<Metric extends HistogramName>(metric: Metric, durationMs: number, labels: HistogramLabels<Metric>): void;
  /**
   * Gauges of this pool are shown no more until they are set again: another process holds it, or it is gone. What was
   * counted and measured stays, for it happened.
   */
  forgetPool(pool: string): void;
}

export const COUNTERS = {
  holdfast_deliveries_total: { sentence: "Webhook deliveries by outcome.", labels: ["outcome"] },
  holdfast_stops_total: {
    sentence: "Machines that were to wait stopped (`warm.stopped`): calls to stop them, by what came of them.",
    labels: ["pool", "outcome"],
  },
  holdfast_starts_total: {
    sentence: "Stopped machines that were started again, by what came of it.",
    labels: ["pool", "outcome"],
  },
  holdfast_machines_ended_total: { sentence: "Machines ended, by proof.", labels: ["pool", "proof"] },
  holdfast_endings_refused_total: { sentence: "Permits refused, by what was missing.", labels: ["pool", "missing"] },
  holdfast_endings_guarded_total: {
    sentence: "Endings that a guard held up, by which: too many at once, or a reading that is not to be relied on.",
    labels: ["pool", "guard"],
  },
  holdfast_unknown_registrations_deleted_total: {
    sentence: "Registrations with our prefix and without a ticket that were deleted after a day offline.",
    labels: ["pool"],
  },
  holdfast_forced_endings_total: {
    sentence:
      "Machines that were ended although they may have had a job, by whose word: an operator's, or the limit that was past. Each names its jobs.",
    labels: ["pool", "cause"],
  },
  holdfast_reruns_total: {
    sentence:
      "Jobs that went down with their machine and were to run again (`rerun.lostJobs`), by what came of it; `asked`: GitHub runs them.",
    labels: ["pool", "outcome"],
  },
  holdfast_launches_total: { sentence: "Launch calls by outcome.", labels: ["pool", "outcome"] },
  holdfast_tickets_ended_total: { sentence: "Tickets by how they ended.", labels: ["pool", "end"] },
  holdfast_hand_backs_total: {
    sentence: "Orders to hosts to hand a ticket back, by why; one that rested and is given again counts again.",
    labels: ["pool", "reason"],
  },
  holdfast_fence_refusals_total: {
    sentence: "Orders that a host's fence refused because it found work or could not tell.",
    labels: ["pool"],
  },
  holdfast_fence_contradictions_total: {
    sentence:
      "Registrations that GitHub called busy after their host had handed the ticket back. Each may be a job killed by us: above zero is an alarm.",
    labels: ["pool"],
  },
  holdfast_github_calls_total: {
    sentence: "Calls to GitHub by operation and status.",
    labels: ["operation", "status"],
  },
  holdfast_agent_refused_total: { sentence: "Agents' calls that were refused, by code.", labels: ["code"] },
  holdfast_controller_failures_total: {
    sentence: "Passes of a controller that ended with an error.",
    labels: ["controller"],
  },
  holdfast_recovered_jobs_total: {
    sentence: "Jobs that became known or moved on without their webhook, by how: redelivery, payload or sweep.",
    labels: ["connection", "by"],
  },
  holdfast_redeliveries_total: {
    sentence: "Failed deliveries that GitHub was asked to send again.",
    labels: ["connection"],
  },
  holdfast_strays_adopted_total: {
    sentence:
      "Machines of ours that the provider had and the store did not. Above zero without a restored store is an alarm.",
    labels: ["pool"],
  },
  holdfast_stores_restored_total: {
    sentence: "How often an agent, or a machine, showed that the store was restored from a backup.",
    labels: [],
  },
  holdfast_machines_quarantined_total: {
    sentence: "Machines as which a second agent spoke, or whose agent named another machine's ticket: an alarm.",
    labels: ["pool"],
  },
  holdfast_machines_unlisted_total: {
    sentence: "Machines that the provider has by their id and does not list: their marks are lost. An alarm.",
    labels: ["pool"],
  },
  holdfast_machines_unrecognised_total: {
    sentence:
      "Times that the provider showed a machine as it should not be; it is kept, and somebody has to look. An alarm.",
    labels: ["pool"],
  },
  holdfast_holds_total: {
    sentence: "Times that a group was made to wait for a machine that it wants to end, by what came of it.",
    labels: ["pool", "outcome"],
  },
  holdfast_absences_total: {
    sentence: "Rows closed because the provider did not know the machine's id, twice over 5 minutes without a word.",
    labels: ["pool"],
  },
  holdfast_trace_batches_total: {
    sentence: "Batches of spans that were handed to the collector of traces, by outcome: `sent`, `failed`.",
    labels: ["outcome"],
  },
  holdfast_spans_dropped_total: {
    sentence:
      "Spans that were thrown away because the collector takes them too slowly, or not at all. Nothing waits for it.",
    labels: [],
  },
  holdfast_plan_notes_total: { sentence: "Plans that the second look refused.", labels: ["check"] },
} as const satisfies Record<string, { readonly sentence: string; readonly labels: readonly string[] }>;
export type CounterName = keyof typeof COUNTERS;
export type CounterLabels<Metric extends CounterName> = Readonly<
  Record<(typeof COUNTERS)[Metric]["labels"][number], string>
>;

export const GAUGES = {
  holdfast_machines: { sentence: "Machines by pool and state.", labels: ["pool", "state"] },
  holdfast_machines_unknown: {
    sentence:
      "Machines of which nobody can tell whether a job runs there, those included whose host has refused for half an hour to hand its ticket back though it sees no Worker. They are kept; look at `holdfast explain`.",
    labels: ["pool"],
  },
  holdfast_members_held: {
    sentence: "Machines that their group wants to end, and is made to wait for because they may run a job.",
    labels: ["pool"],
  },
  holdfast_members_held_near_limit: {
    sentence:
      "Of those the ones whose group will soon go on, whatever runs there: the hook's global limit is near. Above zero is an alarm.",
    labels: ["pool"],
  },
  holdfast_jobs_waiting: { sentence: "Queued jobs by pool.", labels: ["pool"] },
  holdfast_oldest_queued_job_seconds: {
    sentence: "For how long the oldest queued job of the pool has been queued at GitHub; 0 where none is.",
    labels: ["pool"],
  },
  holdfast_queued_job_bound_seconds: {
    sentence:
      "How long a job may be queued, by the pool's deadlines, with one try that failed before the one that ran. Past it something stands in the way.",
    labels: ["pool"],
  },
  holdfast_oldest_retiring_machine_seconds: {
    sentence:
      "For how long the machine that has been retiring longest has been seen to retire, counted anew after a restart from the step that it is at; 0 where none is.",
    labels: ["pool"],
  },
  holdfast_retiring_bound_seconds: {
    sentence:
      "How long a machine may retire, by the pool's deadlines: until a silent host counts as lost, and its end is confirmed.",
    labels: ["pool"],
  },
  holdfast_ghosts: {
    sentence:
      "Registrations at GitHub without a machine, by kind: `owed` (their ticket is over, and they are about to be deleted), `unknown` (our prefix, offline, and no ticket is known: they go after a day).",
    labels: ["pool", "kind"],
  },
  holdfast_tickets_standing: {
    sentence:
      "Tickets that count for no waiting job yet, by purpose: registered (`warm.registered`), ready (`tickets.ready`).",
    labels: ["pool", "purpose"],
  },
  holdfast_breakers_open: {
    sentence:
      "Breakers that are open: tickets (runners keep ending without a job), launches (machines never check in), job (how many single jobs are stopped). Above zero is an alarm.",
    labels: ["pool", "breaker"],
  },
  holdfast_launch_obstacles: {
    sentence:
      "Kinds of machines that the provider is not asked for at the moment, because it has no room for them or a quota is used up, and those that come last, because EC2 keeps taking such back; of a removed pool, a group that still owes machines which nobody will own.",
    labels: ["pool"],
  },
  holdfast_launches_blocked: {
    sentence:
      "1 where the pool's last launch was refused, by the reason that its waiting jobs get: `provider-quota`, `provider-full`, `provider-refuses`, `launch-backoff`; 0 once one succeeds.",
    labels: ["pool", "reason"],
  },
  holdfast_github_budget_remaining: {
    sentence: "What is left of the primary rate limit, by account.",
    labels: ["connection", "account"],
  },
  holdfast_github_budget_limit: {
    sentence: "The primary rate limit itself: calls an hour, by account.",
    labels: ["connection", "account"],
  },
  holdfast_github_points: {
    sentence: "Points of the secondary rate limit (900 a minute) spent in the last minute, by account.",
    labels: ["connection", "account"],
  },
  holdfast_runner_deprecation_seconds: {
    sentence:
      "Seconds until GitHub takes no more jobs with the pool's version of the runner; negative once it is past.",
    labels: ["pool"],
  },
  holdfast_departed_pool_remains: {
    sentence:
      "What is left of a pool that left the configuration, by kind: machines, tickets, registrations, launches. Not shown any more once it is drained.",
    labels: ["pool", "kind"],
  },
  holdfast_sweep_age_seconds: {
    sentence: "Since when the oldest repository was last looked at for jobs whose webhook is missing.",
    labels: ["connection"],
  },
  holdfast_deliveries_quarantined: {
    sentence:
      "Deliveries that could not be handled and wait for a person. Above 5 is an alarm that pages: jobs may wait that nobody knows of.",
    labels: [],
  },
  holdfast_agent_messages_waiting: {
    sentence:
      "Messages of agents that wait for their turn at the store: above zero for minutes, it is slower than they speak.",
    labels: [],
  },
  holdfast_pass_began_timestamp_seconds: {
    sentence:
      "When the pass of a controller began that has been under way longest, in seconds since 1970; 0 while none is.",
    labels: ["controller"],
  },
} as const satisfies Record<string, { readonly sentence: string; readonly labels: readonly string[] }>;
export type GaugeName = keyof typeof GAUGES;
export type GaugeLabels<Metric extends GaugeName> = Readonly<Record<(typeof GAUGES)[Metric]["labels"][number], string>>;

/** From a tenth of a second to an hour: what a person waits for. */
const WAIT_BUCKETS_SECONDS = [0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600] as const;
/** From a millisecond to two minutes: what our own process does. */
const WORK_BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120] as const;

/**
 * Durations, with fixed buckets. Labels are few and known: never a machine, a job or a repository.
 * @property buckets upper bounds in seconds, rising.
 */
export const HISTOGRAMS = {
  holdfast_queue_wait_seconds: {
    sentence:
      "From the moment a job was queued at GitHub until it ran on a machine of ours, by both of GitHub's stamps; GitHub's have whole seconds. Told once per job.",
    labels: ["pool"],
    buckets: WAIT_BUCKETS_SECONDS,
  },
  holdfast_queue_wait_part_seconds: {
    sentence:
      "The same wait in its parts, which add up to it: `github` (queued there until we heard of it), `decision` (until a machine or a ticket was decided on, waiting for room included), `launch` (until the provider answered), `boot` (until the agent was ready), `ticket` (until its machine had the ticket), `assignment` (until GitHub let it run). A part that a job did not need is not told. Times of GitHub's clock and ours are put in order: a difference below zero counts as 0.",
    labels: ["pool", "part"],
    buckets: WAIT_BUCKETS_SECONDS,
  },
  holdfast_pass_seconds: {
    sentence: "How long a pass of a controller took.",
    labels: ["controller"],
    buckets: WORK_BUCKETS_SECONDS,
  },
  holdfast_pass_lag_seconds: {
    sentence: "How long after it was woken, or after its period was over, a controller's pass began.",
    labels: ["controller"],
    buckets: WORK_BUCKETS_SECONDS,
  },
  holdfast_store_seconds: {
    sentence:
      "How long the store took, by operation: `query` (one statement), `transaction` (from asking for it, its wait for others included, until it was committed or rolled back).",
    labels: ["operation"],
    buckets: WORK_BUCKETS_SECONDS,
  },
} as const satisfies Record<
  string,
  { readonly sentence: string; readonly labels: readonly string[]; readonly buckets: readonly number[] }
>;
export type HistogramName = keyof typeof HISTOGRAMS;
export type HistogramLabels<Metric extends HistogramName> = Readonly<
  Record<(typeof HISTOGRAMS)[Metric]["labels"][number], string>
>;
