/**
 * One installation's share of GitHub's rate limits (docs.github.com, "Rate limits for the REST API"): what was spent, what
 * is left, and which calls may still be made. All times are milliseconds of one clock that only grows.
 */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "./units.ts";

/**
 * What a call is for, the most urgent first; each leaves a reserve to those before it. `safety`: deleting registrations and
 * looking one up. `ticket`: minting. `question`: about one job, and that a lost one runs again. `sweep`: everything that
 * looks around.
 */
export const CALL_PURPOSES = ["safety", "ticket", "question", "sweep"] as const;
export type CallPurpose = (typeof CALL_PURPOSES)[number];

/** The secondary limit: a read costs 1, a write 5. */
export const POINTS_PER_MINUTE_MAX = 900;
export const READ_POINT_COUNT = 1;
export const WRITE_POINT_COUNT = 5;

/** What a purpose leaves to those before it, of the points in a minute and of the primary limit in its window. */
const RESERVE_SHARES: Readonly<Record<CallPurpose, number>> = { safety: 0, ticket: 0.05, question: 0.25, sweep: 0.5 };
/** Kept to the window's end; what is reserved above it shrinks with the time in which it could be needed. */
const LASTING_RESERVE_SHARE = RESERVE_SHARES.ticket;
const PRIMARY_WINDOW_MS = HOUR_MS;
/** Two answers of the same window may tell its end a little differently. */
const WINDOW_END_SPREAD_MS = MINUTE_MS;
/** A second counts until a minute after its end, so that no minute, wherever it begins, holds more than the limit. */
const SECOND_COUNTS_MS = MINUTE_MS + SECOND_MS;

/** The primary limit as GitHub last told it. */
export interface PrimaryWindow {
  readonly limit: number;
  readonly remaining: number;
  readonly resetsAtMs: number;
}

interface SpentSecond {
  readonly startMs: number;
  readonly pointCount: number;
  readonly ticketCount: number;
}

export interface Budget {
  /** Null until GitHub told. */
  readonly primary: PrimaryWindow | null;
  /** Until then GitHub wants no call at all. */
  readonly blockedUntilMs: number | null;
  /** What was spent, oldest first: at most one entry for each second that still counts. */
  readonly seconds: readonly SpentSecond[];
}

export const UNUSED_BUDGET: Budget = { primary: null, blockedUntilMs: null, seconds: [] };

export interface PlannedCall {
  readonly purpose: CallPurpose;
  readonly pointCount: number;
}

export type CallDecision =
  | { readonly kind: "go" }
  /** What it waits for: GitHub's word, the points of the last minute, or what is left of the hour. */
  | { readonly kind: "wait"; readonly untilMs: number; readonly until: "unblocked" | "points" | "primary" };

/** The more urgent a call, the earlier it goes. A block by GitHub holds every call. */
export function decideCall(budget: Budget, call: PlannedCall, nowMs: number): CallDecision {
  const { blockedUntilMs } = budget;
  if (blockedUntilMs !== null && nowMs < blockedUntilMs)
    return { kind: "wait", untilMs: blockedUntilMs, until: "unblocked" };
  const pointsAtMs = whenPointsSuffice(budget, call, nowMs);
  const primaryAtMs = whenPrimarySuffices(budget, call.purpose, nowMs);
  const untilMs = Math.max(pointsAtMs, primaryAtMs);
  if (untilMs <= nowMs) return { kind: "go" };
  return { kind: "wait", untilMs, until: pointsAtMs >= primaryAtMs ? "points" : "primary" };
}

function whenPointsSuffice(budget: Budget, { purpose, pointCount }: PlannedCall, nowMs: number): number {
  const allowed = POINTS_PER_MINUTE_MAX * (1 - RESERVE_SHARES[purpose]) - pointCount;
  const counting = countingSeconds(budget, nowMs);
  let spent = sumOf(counting, "pointCount");
  let atMs = nowMs;
  for (const second of counting) {
    if (spent <= allowed) break;
    spent -= second.pointCount;
    atMs = second.startMs + SECOND_COUNTS_MS;
  }
  return atMs;
}

/** When the reserve, which shrinks, has come down to what is left. */
function whenPrimarySuffices({ primary }: Budget, purpose: CallPurpose, nowMs: number): number {
  const share = RESERVE_SHARES[purpose];
  if (primary === null || share === 0 || nowMs >= primary.resetsAtMs) return nowMs;
  const leftShare = primary.limit > 0 ? primary.remaining / primary.limit : 0;
  if (leftShare <= LASTING_RESERVE_SHARE) return primary.resetsAtMs;
  if (leftShare >= share) return nowMs;
  const sufficesForMs = (PRIMARY_WINDOW_MS * (leftShare - LASTING_RESERVE_SHARE)) / (share - LASTING_RESERVE_SHARE);
  return Math.max(Math.ceil(primary.resetsAtMs - sufficesForMs), nowMs);
}

/** Counts a call that is being made. */
export function spend(budget: Budget, { purpose, pointCount }: PlannedCall, nowMs: number): Budget {
  const startMs = Math.floor(nowMs / SECOND_MS) * SECOND_MS;
  const counting = countingSeconds(budget, nowMs);
  const last = counting.at(-1);
  const isSame = last?.startMs === startMs;
  const second: SpentSecond = {
    startMs,
    pointCount: (isSame ? last.pointCount : 0) + pointCount,
    ticketCount: (isSame ? last.ticketCount : 0) + (purpose === "ticket" && pointCount === WRITE_POINT_COUNT ? 1 : 0),
  };
  return { ...budget, seconds: [...(isSame ? counting.slice(0, -1) : counting), second] };
}

/** Takes in what an answer tells. Answers overtake each other: within a window the least that was told is what is left. */
export function learnPrimary(budget: Budget, told: PrimaryWindow, nowMs: number): Budget {
  const resetsAtMs = Math.min(told.resetsAtMs, nowMs + PRIMARY_WINDOW_MS);
  const known = budget.primary === null || nowMs >= budget.primary.resetsAtMs ? null : budget.primary;
  const isOlder = known !== null && resetsAtMs < known.resetsAtMs - WINDOW_END_SPREAD_MS;
  if (isOlder || resetsAtMs <= nowMs) return budget;
  const isSame = known !== null && resetsAtMs <= known.resetsAtMs + WINDOW_END_SPREAD_MS;
  const primary = {
    limit: told.limit,
    remaining: isSame ? Math.min(known.remaining, told.remaining) : told.remaining,
    resetsAtMs: isSame ? Math.max(known.resetsAtMs, resetsAtMs) : resetsAtMs,
  };
  return primary.remaining > 0 ? { ...budget, primary } : blockUntil({ ...budget, primary }, primary.resetsAtMs);
}

/** GitHub wants no call until then. */
export function blockUntil(budget: Budget, untilMs: number): Budget {
  return { ...budget, blockedUntilMs: Math.max(budget.blockedUntilMs ?? untilMs, untilMs) };
}

export function pointCountOf(budget: Budget, nowMs: number): number {
  return sumOf(countingSeconds(budget, nowMs), "pointCount");
}

export function ticketCountOf(budget: Budget, nowMs: number): number {
  return sumOf(countingSeconds(budget, nowMs), "ticketCount");
}

function countingSeconds({ seconds }: Budget, nowMs: number): readonly SpentSecond[] {
  return seconds.filter(({ startMs }) => nowMs < startMs + SECOND_COUNTS_MS);
}

function sumOf(seconds: readonly SpentSecond[], what: "pointCount" | "ticketCount"): number {
  return seconds.reduce((sum, second) => sum + second[what], 0);
}
