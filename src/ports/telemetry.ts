/** Log lines and figures. Subjects go into fields, never into the message, so that lines can be searched by id. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Telemetry {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** @param error logged with its whole chain of causes. */
  error(message: string, error: unknown, fields?: LogFields): void;
  /** Adds one to a counter of `docs/reference/metrics.md`. */
  count<Metric extends CounterName>(metric: Metric, labels: CounterLabels<Metric>): void;
  /** Sets a gauge. */
  gauge<Metric extends GaugeName>(metric: Metric, value: number, labels: GaugeLabels<Metric>): void;
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
    sentence: "Tickets that hosts were asked to hand back, by why.",
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
  holdfast_absences_total: {
    sentence: "Rows closed because the provider did not know the machine's id, twice over 5 minutes without a word.",
    labels: ["pool"],
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
    sentence: "Machines of which nobody can tell whether a job runs there. They are kept; look at `holdfast explain`.",
    labels: ["pool"],
  },
  holdfast_jobs_waiting: { sentence: "Queued jobs by pool.", labels: ["pool"] },
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
      "Kinds of machines that the provider is not asked for at the moment, because it has no room for them or a quota is used up.",
    labels: ["pool"],
  },
  holdfast_github_budget_remaining: {
    sentence: "What is left of the primary rate limit, by account.",
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
      "What is left of a pool that left the configuration, by kind: machines, tickets, registrations, launches. Zero once it is drained.",
    labels: ["pool", "kind"],
  },
  holdfast_sweep_age_seconds: {
    sentence: "Since when the oldest repository was last looked at for jobs whose webhook is missing.",
    labels: ["connection"],
  },
  holdfast_deliveries_quarantined: {
    sentence: "Deliveries that could not be handled and wait for a person.",
    labels: [],
  },
} as const satisfies Record<string, { readonly sentence: string; readonly labels: readonly string[] }>;
export type GaugeName = keyof typeof GAUGES;
export type GaugeLabels<Metric extends GaugeName> = Readonly<Record<(typeof GAUGES)[Metric]["labels"][number], string>>;
