/** What a world was, as figures: the answer of `holdfast simulate --json`. */
import type { Algorithm } from "./scenario.ts";

export const INVARIANTS = ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "durable"] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Violation {
  readonly invariant: Invariant;
  /** Milliseconds since the world's start. */
  readonly atMs: number;
  /** In words: "machine m-1 was ended while job build-3 ran there". */
  readonly what: string;
  readonly machine: string | null;
  readonly job: string | null;
  /** The last events of what it concerns, oldest first. */
  readonly timeline: readonly string[];
  /** What `holdfast explain` says of it; empty where it knows nothing. */
  readonly explanation: readonly string[];
}

export interface Distribution {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface WorldResult {
  readonly scenario: string;
  readonly seed: number;
  readonly algorithm: Algorithm;
  readonly jobs: {
    readonly total: number;
    readonly succeeded: number;
    readonly cancelled: number;
    /** Died because of something that the system under test did. */
    readonly killedByUs: number;
    /** Died with a machine that its provider took, that broke, or that was ended by force: with a record. */
    readonly lostForced: number;
    /** Died because of what the world did to them (their own runner broke, GitHub gave them up). */
    readonly lostByWorld: number;
    /** Not over at the end. */
    readonly open: number;
    /** Dispatches that were taken back before they were acquired. */
    readonly delays: number;
    readonly waitSeconds: Distribution;
  };
  readonly machines: {
    readonly launched: number;
    readonly max: number;
    /** The most at one time that had no row. */
    readonly strayMax: number;
    /** There at the end without a reason. */
    readonly leaked: number;
    readonly leakedMinutes: number;
    readonly idleMinutes: number;
    readonly busyMinutes: number;
    readonly paidMinutes: number;
    readonly retiredByProof: Readonly<Record<string, number>>;
  };
  readonly ghosts: { readonly created: number; readonly leftover: number };
  readonly calls: {
    readonly github: Readonly<Record<string, number>>;
    readonly provider: Readonly<Record<string, number>>;
  };
  /** How often each kind happened. */
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly simulatedHours: number;
  readonly machineHours: number;
  readonly events: number;
  /** SHA-256 of the event log, in hexadecimal digits. */
  readonly digest: string;
}
