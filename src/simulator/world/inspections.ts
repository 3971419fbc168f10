/**
 * Looks at the whole world now and then, for what no single event shows: machines that nobody knows of, jobs that wait without
 * a reason, more tickets than a machine may have, what is not ours and was touched. And at its end: what is left.
 */
import { MINUTE_MS } from "../../domain/units.ts";
import { readExplanation } from "../../http/operators/read-explanation.ts";
import type { Job } from "../github/state.ts";
import { findAgentless } from "./agentless.ts";
import { findUnfindable, isForgotten } from "./forgotten.ts";
import type { Remains } from "./provider.ts";
import type { HostTruth } from "./witness.ts";
import type { World } from "./world.ts";

const EVERY_MS = 15 * MINUTE_MS;
const USE_LOOK_MS = 5 * MINUTE_MS;
/** A machine that was of no use for longer, and is not among those that are to wait, is leaked. */
const LEAKED_AFTER_MS = 30 * MINUTE_MS;
/**
 * A job waits, there is room for a machine, and for so long none was started and no job taken: longer than any fault of a
 * random world lasts. Then nobody is about to do anything.
 */
const STALLED_MS = 75 * MINUTE_MS;
/**
 * Machines that died without a word take up the pool until their silence is certain. Who never heard for as long at a
 * stretch cannot know: GitHub must have had a lost runner away for half an hour of it.
 */
const CERTAIN_AFTER_MS = 40 * MINUTE_MS;
/** A job that has waited longer than this has a reason that a person can read. */
const SILENT_WAIT_MS = 10 * MINUTE_MS;
/** Explanations that one look asks for. */
const ASKED_MAX = 6;
/** A lost event is found in less: by the delivery log within a minute, else by the look at open jobs. */
const UNKNOWN_JOB_MS = 10 * MINUTE_MS;
/** Of a ticket; one whose machine has it, may have it or is to get it. */
const IS_LIVE = "state not in ('spent', 'barren', 'handed-back', 'void', 'lost')";

export class Inspections {
  readonly #world: World;
  strayMax = 0;
  leakedMs = 0;
  /** Of whom the last look found no reason. */
  readonly #reasonless = new Set<string>();
  #touchedCount = 0;
  /** When all room was last taken up: by hosts that are there, or of which nobody could be certain that they were dead. */
  #lastTakenUpAtMs = Number.NEGATIVE_INFINITY;

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    this.#world.scheduler.after(EVERY_MS, () => this.#look());
    this.#world.scheduler.every(USE_LOOK_MS, () => this.#measureLeak());
  }

  /** Machines that are not ours and that we ended, or asked to end, since the last look. */
  checkForeign(): void {
    const { foreignTouchedCount: count } = this.#world.provider;
    if (count > this.#touchedCount)
      this.#world.judge.violate("I4", `${count - this.#touchedCount} machines that are not ours were to be ended`, {});
    this.#touchedCount = count;
  }

  #measureLeak(): void {
    const { provider, judge, scenario } = this.#world;
    const { leftAlone, minimumCount } = provider.remains?.() ?? NO_REMAINS;
    const useless = [...provider.hosts.keys()].filter(
      (id) => judge.uselessForMs(id) > LEAKED_AFTER_MS && !leftAlone.has(id),
    );
    this.leakedMs += USE_LOOK_MS * Math.max(0, useless.length - Math.max(warmCountOf(scenario), minimumCount));
  }

  #look(): void {
    this.#world.scheduler.after(EVERY_MS, () => this.#look());
    this.checkForeign();
    const { database, installation } = this.#world;
    if (database === null || installation === null || database.isBeingWritten) return;
    this.#countStrays();
    this.#checkTickets();
    this.#checkStall();
    this.#checkReasons();
  }

  #checkStall(): void {
    const { github, scheduler, judge, workload } = this.#world;
    const stalledSinceMs = scheduler.nowMs - STALLED_MS;
    if (this.#isTakenUp(stalledSinceMs)) this.#lastTakenUpAtMs = scheduler.nowMs;
    if (Math.max(judge.lastProgressAtMs, this.#lastTakenUpAtMs) > stalledSinceMs) return;
    const waiting = [...github.state.openJobs.values()].find(
      ({ phase, createdAtMs }) => phase.kind === "queued" && createdAtMs < stalledSinceMs,
    );
    if (waiting === undefined) return;
    const job = workload.nameOf(waiting.id);
    judge.violate(
      "I5",
      `job ${job} waits, there is room, and nothing was started for ${STALLED_MS / MINUTE_MS} minutes`,
      {
        job,
      },
    );
  }

  /** Where others size the groups, the dead may take up all that is wanted of them: nobody of ours can start another. */
  #isTakenUp(stalledSinceMs: number): boolean {
    const { provider } = this.#world;
    const max = roomOf(this.#world);
    if (provider.hosts.size >= max || this.#areDeadUncertain(max, stalledSinceMs)) return true;
    const { roomCount } = provider.remains?.() ?? NO_REMAINS;
    const areAllDead = [...provider.hosts.values()].every((host) => !host.truth().isUp);
    return areAllDead && provider.hosts.size >= roomCount && this.#areDeadUncertain(roomCount, stalledSinceMs);
  }

  #areDeadUncertain(max: number, sinceMs: number): boolean {
    const [{ count } = { count: 0 }] = this.#rows("select count(*) as count from machines where state <> 'gone'");
    return Number(count) >= max && this.#world.attention.longestMs(sinceMs) < CERTAIN_AFTER_MS;
  }

  #countStrays(): void {
    const { provider, machineIds } = this.#world;
    const rows = this.#rows("select id, provider_id from machines where state <> 'gone'");
    const names = new Set(rows.flatMap((row) => [String(row.id), String(row.provider_id)]));
    const strays = [...provider.hosts.keys()].filter(
      (providerId) => !names.has(machineIds.get(providerId) ?? "") && !names.has(providerId),
    );
    this.strayMax = Math.max(this.strayMax, strays.length);
  }

  #checkTickets(): void {
    const live = this.#rows(
      `select machine_id, count(*) as count from tickets where ${IS_LIVE} group by machine_id having count(*) > 1`,
    );
    for (const { machine_id: machine, count } of live)
      this.#world.judge.violate("I3", `machine ${String(machine)} has ${String(count)} live tickets`, {});
  }

  #checkReasons(): void {
    const { github, scheduler, workload, installation } = this.#world;
    const running = installation?.current ?? null;
    // While nobody is there to be asked, or it has only just started, nobody can tell.
    if (running === null || !running.process.isRunning) return;
    if (running.process.clock.monotonicMs() < UNKNOWN_JOB_MS) return;
    const waiting = [...github.state.openJobs.values()].filter(
      ({ phase, createdAtMs }) => phase.kind === "queued" && scheduler.nowMs - createdAtMs > SILENT_WAIT_MS,
    );
    for (const job of waiting.slice(0, ASKED_MAX)) this.#ask(String(job.id), `job ${workload.nameOf(job.id)}`, job);
    const kept = this.#rows("select id from machines where state <> 'gone' order by state_since_ms limit ?", ASKED_MAX);
    for (const { id } of kept) this.#ask(String(id), `machine ${String(id)}`, null);
  }

  #ask(subject: string, what: string, job: Job | null): void {
    const running = this.#world.installation?.current ?? null;
    if (running === null) return;
    const { judge, workload } = this.#world;
    running.process.deliver(() => {
      readExplanation(running.sources, subject).then(
        (answer) => {
          const about = job === null ? {} : { job: workload.nameOf(job.id) };
          if (answer === null) {
            if (job !== null && this.#isHeardOf(job))
              judge.violate("I6", `${what} waits and nobody knows of it`, about);
            return;
          }
          const says = answer.verdict.sentences.some((sentence) => sentence.trim() !== "");
          // A state that has only just come has no reason yet: it has one at the next look.
          const isReasonless = !says || (answer.waitingFor === null && this.#isWaiting(answer.verdict.kind));
          const wasReasonless = this.#reasonless.delete(subject);
          if (!isReasonless) return;
          if (wasReasonless) judge.violate("I6", `${what} waits or is kept, and nobody says why`, about);
          else this.#reasonless.add(subject);
        },
        (error: unknown) => {
          // Whoever was asked is being stopped.
          if (this.#world.installation?.current !== running || running.isClosing) return;
          judge.violate("I6", `${what} cannot be explained: ${String(error)}`, {});
        },
      );
    });
  }

  /** What is queued, idle or unknown waits for something; what runs and what is gone does not. */
  #isWaiting(verdict: string): boolean {
    return verdict === "queued" || verdict === "idle" || verdict === "unknown";
  }

  /** Long enough that every net must have found it, had GitHub answered: until the faults stop it may not have. */
  #isHeardOf(job: Job): boolean {
    const { scheduler, scenario } = this.#world;
    const answersSinceMs = scenario.startMs + (scenario.faultsEndMs ?? Number.POSITIVE_INFINITY);
    return scheduler.nowMs - Math.max(job.createdAtMs, answersSinceMs) > 2 * UNKNOWN_JOB_MS;
  }

  #rows(sql: string, ...parameters: readonly unknown[]) {
    return this.#world.database?.read(sql, ...parameters) ?? [];
  }
}

/** What is there at the end and should not be, in words; nothing once all came to its end. */
export interface Leftovers {
  readonly openJobs: readonly Job[];
  readonly machines: readonly string[];
  readonly registrations: readonly string[];
  readonly ticketCount: number;
}

export function findLeftovers(world: World): Leftovers {
  const { scenario, provider, github, database } = world;
  const sum = (of: (pool: (typeof scenario.pools)[number]) => number) =>
    scenario.pools.reduce((total, pool) => total + of(pool), 0);
  const warmCount = warmCountOf(scenario);
  const registeredCount = sum((pool) => pool.warmRegisteredCount + pool.readyTicketCount);
  const hosts = [...provider.hosts.values()].map((host) => host.truth());
  const unfindable = new Set(findUnfindable(world));
  const { leftAlone, over, minimumCount } = provider.remains?.() ?? NO_REMAINS;
  // Those that wait are wanted as long as they work: what does not is left over, then what is more than wanted.
  const agentless = findAgentless(world);
  const ofUse = hosts.filter(({ providerId }) => !leftAlone.has(providerId) && !agentless.has(providerId));
  const broken = ofUse
    .filter(({ isUp, providerId }) => (!isUp && !unfindable.has(providerId)) || over.has(providerId))
    .map(({ providerId }) => providerId);
  const kept = findUntellable(world, ofUse);
  const keptNames = new Set(kept.values());
  const waiting = ofUse
    .filter(({ isUp, providerId }) => isUp && !over.has(providerId) && !kept.has(providerId))
    .map(({ providerId }) => providerId);
  const stopped = provider.stoppedIds.filter((id) => !leftAlone.has(id));
  const registrations = [...github.state.registrations.values()].filter(
    (runner) => world.isOurs(runner.name) && !isForgotten(world, runner) && !keptNames.has(runner.name),
  );
  const ofAgentless = new Set<string>(agentless.values());
  const tickets = database?.read(`select machine_id from tickets where ${IS_LIVE}`) ?? [];
  const ticketCount = tickets.filter(({ machine_id: machine }) => !ofAgentless.has(String(machine))).length;
  return {
    openJobs: [...github.state.openJobs.values()],
    machines: [
      ...broken,
      ...waiting.slice(0, Math.max(0, waiting.length - Math.max(warmCount, minimumCount))),
      ...stopped.slice(sum((pool) => pool.warmStoppedCount)),
    ],
    registrations: registrations.slice(registeredCount).map(({ name }) => name),
    ticketCount: Math.max(0, ticketCount - registeredCount - kept.size),
  };
}

/**
 * Idle listeners that no host can tell from one that was just given a job: the contract keeps them, and has them told. Of
 * those that are not told among the unknown none is excused.
 * @returns the names of their runners, by machine.
 */
function findUntellable({ telemetry }: World, hosts: readonly HostTruth[]): ReadonlyMap<string, string> {
  const untellable = hosts.flatMap(({ providerId, isUp, runner }) => {
    const isIdle = isUp && runner?.isListenerAlive === true && runner.workerCount === 0;
    return isIdle && runner.hasLostLines ? [[providerId, runner.runnerName] as const] : [];
  });
  return new Map(untellable.slice(0, telemetry.gaugeTotal("holdfast_machines_unknown")));
}

const NO_REMAINS: Remains = {
  leftAlone: new Set(),
  over: new Set(),
  minimumCount: 0,
  roomCount: Number.POSITIVE_INFINITY,
};

/** How many machines there may be: of the pools, each by the quota of its markets, and by the provider's quota of all. */
function roomOf({ scenario, provider }: World): number {
  const quotas = scenario.faults.flatMap((fault) => (fault.kind === "provider.quota" ? [fault.machines] : []));
  const roomOfPool = ({ name, machineCountMax }: (typeof scenario.pools)[number]) =>
    Math.min(machineCountMax, provider.quotaOf?.(name) ?? machineCountMax);
  return Math.min(
    scenario.pools.reduce((sum, pool) => sum + roomOfPool(pool), 0),
    ...quotas,
  );
}

/** Machines that wait because they are to. */
function warmCountOf({ pools }: World["scenario"]): number {
  return pools.reduce((total, pool) => total + pool.warmParkedCount + pool.warmRegisteredCount, 0);
}

export function isNothingLeft({ openJobs, machines, registrations, ticketCount }: Leftovers): boolean {
  return openJobs.length + machines.length + registrations.length + ticketCount === 0;
}

/** Counters of nets that catch what should not happen: in a world without faults none of them moves. */
const NETS = [
  "holdfast_strays_adopted_total",
  "holdfast_unknown_registrations_deleted_total",
  "holdfast_absences_total",
  "holdfast_machines_quarantined_total",
  "holdfast_machines_unlisted_total",
  "holdfast_machines_unrecognised_total",
  "holdfast_stores_restored_total",
  "holdfast_fence_contradictions_total",
  "holdfast_recovered_jobs_total",
  "holdfast_forced_endings_total",
] as const;

/** At the end: I5 for jobs, I2 for whatever else is left, I7 for nets that caught something in a world without faults. */
export function judgeEnd(world: World, left: Leftovers): void {
  const { judge, workload, scenario, telemetry } = world;
  for (const job of left.openJobs)
    judge.violate("I5", `job ${workload.nameOf(job.id)} is ${job.phase.kind} at the end`, {
      job: workload.nameOf(job.id),
    });
  for (const machine of left.machines)
    judge.violate("I2", `machine ${machine} is there at the end, and nobody needs it`, { machine });
  for (const registration of left.registrations)
    judge.violate("I2", `registration ${registration} is there at the end, and nobody needs it`, { registration });
  if (left.ticketCount > 0) judge.violate("I2", `${left.ticketCount} tickets are not over at the end`, {});
  if (scenario.faults.length > 0 || scenario.algorithm !== "holdfast") return;
  for (const net of NETS) {
    // Whom a group had before anybody of ours looked is adopted, as it should be.
    const expected = net === "holdfast_strays_adopted_total" ? (world.provider.earlierIds?.size ?? 0) : 0;
    if (telemetry.total(net) > expected)
      judge.violate("I7", `${net} is ${telemetry.total(net)} in a world without faults`, {});
  }
  for (const end of ["barren", "lost"])
    if (telemetry.total("holdfast_tickets_ended_total", end) > 0)
      judge.violate("I7", `tickets ended ${end} in a world without faults`, {});
}
