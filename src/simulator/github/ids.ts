/**
 * Where the model's ids come from. They are GitHub's own ids, so they are plain numbers and strings here: the world's
 * ground truth does not pass through the product's parse doors.
 */
export interface IdSource {
  /** A version 4 GUID in lower case, as in `X-GitHub-Delivery`. */
  uuid(): string;
  /** A number that this source has never given before, of the size that GitHub's ids have. */
  number(kind: NumberedKind): number;
}

export type NumberedKind =
  | "job"
  | "run"
  | "runner"
  | "message"
  | "request"
  | "delivery"
  | "attempt"
  | "hook"
  | "label"
  | "app"
  | "installation";

/** Where counting starts, in GitHub's order of magnitude: job and run ids have long left the 32 bits. */
const FIRST_NUMBER: Readonly<Record<NumberedKind, number>> = {
  job: 48_000_000_000,
  run: 17_000_000_000,
  runner: 1_000,
  message: 1,
  request: 1,
  delivery: 1,
  attempt: 900_000_000_000,
  hook: 403_000_000,
  label: 100,
  app: 1_100_000,
  installation: 61_000_000,
};

/** Seeds are folded into this many spans, so that ids of two seeds seldom meet in one controller's store. */
const SEED_SPAN_COUNT = 10_000;
const SEED_SPAN = 1_000_000;

/** The same seed gives the same ids in the same order, on every machine. */
export function createSeededIds(seed: number): IdSource {
  const random = createRandom(seed);
  const given = new Map<NumberedKind, number>();
  return {
    uuid: () => formatUuid(random),
    number: (kind) => {
      const count = given.get(kind) ?? 0;
      given.set(kind, count + 1);
      const span = kind === "job" || kind === "run" || kind === "attempt" ? (seed % SEED_SPAN_COUNT) * SEED_SPAN : 0;
      return FIRST_NUMBER[kind] + span + count;
    },
  };
}

/** Numbers of 32 bits (mulberry32), the same for the same seed. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

function formatUuid(random: () => number): string {
  const digits = Array.from({ length: 4 }, () => random().toString(16).padStart(8, "0")).join("");
  const variant = "89ab"[Number.parseInt(digits.charAt(16), 16) % 4];
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join("-");
}
