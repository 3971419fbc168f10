/** Everything that chance decides about a run of kills: which jobs, which kills, at what, how long after it. */
import { createRandom, type Random } from "../agent/fence-plan.ts";

/** What is to be going on when the controller is killed. `start`: it is not ready yet. `any`: whatever it is. */
const CONTROLLER_AIMS = [
  "launch",
  "mint",
  "delivery",
  "any",
  "job",
  "start",
  "session",
  "end-of-job",
  "deregistration",
  "ending",
] as const;
/** And when an agent is killed. */
const AGENT_AIMS = ["start", "ticket", "any", "session", "dispatch", "job", "end-of-job", "leaving"] as const;
/** What there is to hit when a wave has run out of jobs. */
const CONTROLLER_EBB_AIMS = ["hand-back", "ending", "deregistration", "end-of-job"] as const;
const AGENT_EBB_AIMS = ["fence", "end-of-job", "leaving"] as const;

type ControllerAim = (typeof CONTROLLER_AIMS)[number] | (typeof CONTROLLER_EBB_AIMS)[number];
type AgentAim = (typeof AGENT_AIMS)[number] | (typeof AGENT_EBB_AIMS)[number];
export type Aim = ControllerAim | AgentAim;

/** How long after what is aimed at, at most. */
const DELAY_MS_MAX: Readonly<Record<Aim, number>> = {
  any: 1_500,
  start: 700,
  launch: 60,
  mint: 10,
  delivery: 500,
  ticket: 150,
  session: 100,
  dispatch: 80,
  job: 400,
  "end-of-job": 250,
  "hand-back": 400,
  fence: 200,
  leaving: 800,
  deregistration: 20,
  ending: 120,
};

/** A process that is killed, or stopped for a while. */
export interface PlannedKill {
  readonly victim: "controller" | "agent";
  readonly way: "kill" | "pause";
  readonly aim: Aim;
  readonly delayMs: number;
  /** In [0, 1): which of several agents. */
  readonly choice: number;
  /** How long a killed controller stays away; how long a pause is. */
  readonly awayMs: number;
}

export interface PlannedJob {
  readonly name: string;
  readonly stepMs: number;
  /** It is cancelled while it is queued, when a runner that was made for it comes online. */
  readonly isDoomed: boolean;
}

/** Jobs come in a flood, and more of them with each kill; then the wave ebbs, until nothing is left. */
export interface Wave {
  readonly jobs: readonly PlannedJob[];
  readonly doomed: readonly PlannedJob[];
  readonly flood: readonly PlannedKill[];
  readonly ebb: readonly PlannedKill[];
}

export interface PlanOptions {
  readonly seed: number;
  /** Of the controller, and as many of agents. */
  readonly killCount: number;
  readonly jobCount: number;
  readonly waveCount: number;
}

const DOOMED_PART = 0.08;
const EBB_PART = 0.25;
const AWAY_MS_MAX = 1_000;
/** For each of so many kills there is a pause as well. */
const KILLS_PER_PAUSE = 4;
const CONTROLLER_PAUSE_MS_MAX = 4_000;
/** Past the 5 s after which a fence's watchdog acts by itself. */
const AGENT_PAUSE_MS_MAX = 7_000;
/** Longer than the controller takes to come back. */
const LONG_STEP_MS_MIN = 4_000;
const LONG_STEP_MS_MAX = 6_000;
const LONG_PART = 0.12;
const STEP_MS_MAX = 1_500;

export function planWaves({ seed, killCount, jobCount, waveCount }: PlanOptions): readonly Wave[] {
  const random = createRandom(seed);
  const strikes = [planStrikes("controller", killCount, random), planStrikes("agent", killCount, random)];
  return Array.from({ length: waveCount }, (_, index) => {
    const share = <Item>(items: readonly Item[]) => shareOf(items, index, waveCount);
    const kills = strikes.map(share);
    const floodCount = (count: number) => count - Math.floor(EBB_PART * count);
    const jobs = share(Array.from({ length: jobCount }, (_, job) => job)).map((job) => planJob(job, random));
    const doomedCount = Math.max(1, Math.round(DOOMED_PART * jobs.length));
    return {
      jobs: jobs.slice(doomedCount),
      doomed: jobs.slice(0, doomedCount).map((job) => ({ ...job, isDoomed: true })),
      flood: kills.flatMap((some) => some.slice(0, floodCount(some.length))),
      ebb: kills.flatMap((some) => some.slice(floodCount(some.length)).map((kill) => atEbb(kill, random))),
    };
  });
}

function shareOf<Item>(items: readonly Item[], index: number, count: number): readonly Item[] {
  const from = Math.floor((index * items.length) / count);
  return items.slice(from, Math.floor(((index + 1) * items.length) / count));
}

/** The kills, and among them the pauses. */
function planStrikes(victim: PlannedKill["victim"], killCount: number, random: Random): readonly PlannedKill[] {
  const aims: readonly Aim[] = victim === "controller" ? CONTROLLER_AIMS : AGENT_AIMS;
  const plan = (way: PlannedKill["way"], count: number) =>
    Array.from({ length: count }, (_, index) => planKill(victim, way, aims[index % aims.length] as Aim, random));
  const strikes = [...plan("kill", killCount)];
  for (const pause of plan("pause", Math.floor(killCount / KILLS_PER_PAUSE)))
    strikes.splice(Math.floor(random() * (strikes.length + 1)), 0, pause);
  return strikes;
}

function planKill(victim: PlannedKill["victim"], way: PlannedKill["way"], aim: Aim, random: Random): PlannedKill {
  const pauseMsMax = victim === "controller" ? CONTROLLER_PAUSE_MS_MAX : AGENT_PAUSE_MS_MAX;
  const awayMs = random() * (way === "kill" ? AWAY_MS_MAX : pauseMsMax);
  return { victim, way, aim, delayMs: random() * DELAY_MS_MAX[aim], choice: random(), awayMs };
}

function atEbb({ victim, way }: PlannedKill, random: Random): PlannedKill {
  const aims: readonly Aim[] = victim === "controller" ? CONTROLLER_EBB_AIMS : AGENT_EBB_AIMS;
  return planKill(victim, way, aims[Math.floor(random() * aims.length)] as Aim, random);
}

function planJob(index: number, random: Random): PlannedJob {
  const part = random();
  const stepMs =
    random() < LONG_PART ? LONG_STEP_MS_MIN + part * (LONG_STEP_MS_MAX - LONG_STEP_MS_MIN) : part * STEP_MS_MAX;
  return { name: `job-${index}`, stepMs, isDoomed: false };
}

/** For kills that found no agent: it is there for long enough. */
export function planBait(index: number): PlannedJob {
  return { name: `bait-${index}`, stepMs: LONG_STEP_MS_MIN, isDoomed: false };
}
