import type { StandInSettings } from "../../src/simulator/runner/stand-in-settings.ts";
import type { MomentName } from "../../src/simulator/server/moments.ts";

/** Where the order to hand back is aimed at: a step between GitHub and the runner, or some time after the session. */
export interface Aim {
  readonly name: MomentName;
  readonly side: "before" | "after";
}

/** The blind window from its beginning to its end, and the steps on both sides of it. */
export const AIMS: readonly Aim[] = [
  { name: "session-created", side: "after" },
  { name: "message-delivered", side: "before" },
  { name: "message-delivered", side: "after" },
  { name: "acknowledged", side: "before" },
  { name: "acknowledged", side: "after" },
  { name: "acquired", side: "before" },
  { name: "acquired", side: "after" },
  { name: "renewed", side: "before" },
  { name: "renewed", side: "after" },
  { name: "worker-started", side: "before" },
  { name: "worker-started", side: "after" },
];

/** What breaks while the fence closes, so long after the order. */
export interface Fault {
  readonly kind: "agent-killed" | "agent-frozen" | "watchdog-killed";
  readonly afterMs: number;
}

/**
 * When the order leaves. `early`: at the session; the job is not delivered before the fence begins to close, and so passes
 * step after step while it does. `aimed`: at the step itself. `free`: some time after the session.
 */
export type Timing = "early" | "aimed" | "free";

/** What one trial does; everything that chance decides. */
export interface TrialPlan {
  /** Null: no order at all. */
  readonly aim: Aim | null;
  readonly timing: Timing;
  /** From where the timing says to the order. */
  readonly orderDelayMs: number;
  /**
   * From the beginning of the fence to the delivery of the job, where the order is early. This and the next are parts of
   * the time that a fence takes here and now, from its beginning to the agent's word about it. Null: not before that word,
   * so that jobs are handed back on a machine, too, whose load lets no part be chosen in advance.
   */
  readonly deliveryPart: number | null;
  /** How long GitHub holds up the call that is aimed at. Null: until the agent has answered the order. */
  readonly holdPart: number | null;
  /** From the session to the job. */
  readonly queueDelayMs: number;
  /** Whether a refused order is followed by another at once. */
  readonly asksAgain: boolean;
  /** How long the job's step takes. */
  readonly stepMs: number;
  readonly fault: Fault | null;
  /** Of a later runner of this machine. */
  readonly standIn: StandInSettings;
}

export type Random = () => number;

/** Numbers in [0, 1) that the seed alone decides (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TIMINGS: readonly Timing[] = ["early", "early", "early", "early", "aimed", "free"];
const ORDER_DELAY_MS_MAX = 30;
const FREE_DELAY_MS_MAX = 600;
/** The fence closes somewhere in between. */
const DELIVERY_PART_MAX = 1.3;
const DELIVERED_LAST_SHARE = 0.25;
const QUEUE_DELAY_MS_MAX = 60;
const STEP_MS_MAX = 60;
const HOLD_PARTS_MAX = [0, 0.5, 2, null];
const FAULT_MS_MAX = 150;
const TARRY_MS_MAX = 80;
const TARRYING_STEPS = [
  "message-received",
  "acknowledged",
  "acquired",
  "renewed",
  "worker-spawned",
  "job-sent",
] as const;

export function planTrial(index: number, random: Random): TrialPlan {
  const choose = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const timing = choose(TIMINGS);
  return {
    aim: AIMS[index % AIMS.length] as Aim,
    timing,
    orderDelayMs: random() * (timing === "free" ? FREE_DELAY_MS_MAX : ORDER_DELAY_MS_MAX),
    deliveryPart: random() < DELIVERED_LAST_SHARE ? null : random() * DELIVERY_PART_MAX,
    holdPart: planHold(random, choose(HOLD_PARTS_MAX)),
    queueDelayMs: random() * QUEUE_DELAY_MS_MAX,
    asksAgain: random() < 0.3,
    stepMs: random() * STEP_MS_MAX,
    fault: planFault(index, random),
    standIn: { retryDelayMs: 50, interruptGraceMs: 150, terminateGraceMs: 150, delaysMs: tarrying(random, choose) },
  };
}

function planHold(random: Random, partMax: number | null): number | null {
  const part = random();
  return partMax === null ? null : part * partMax;
}

/** The numbers have no divisor in common with the number of aims: every fault meets every step. */
function planFault(index: number, random: Random): Fault | null {
  const afterMs = random() * FAULT_MS_MAX;
  if (index % 97 === 0) return { kind: "agent-frozen", afterMs };
  if (index % 41 === 0) return { kind: "watchdog-killed", afterMs };
  return index % 19 === 0 ? { kind: "agent-killed", afterMs } : null;
}

/** Half of the runners tarry somewhere in the blind window, on their own side of it. */
function tarrying(
  random: Random,
  choose: <Item>(items: readonly Item[]) => Item,
): NonNullable<StandInSettings["delaysMs"]> {
  return random() < 0.5 ? {} : { [choose(TARRYING_STEPS)]: random() * TARRY_MS_MAX };
}

/** How a job that nobody wants back is run to its end. */
export const UNDISTURBED: TrialPlan = {
  aim: null,
  timing: "free",
  orderDelayMs: 0,
  deliveryPart: 0,
  holdPart: 0,
  queueDelayMs: 0,
  asksAgain: false,
  stepMs: 0,
  fault: null,
  standIn: {},
};
