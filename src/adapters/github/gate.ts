/** One rate-limit budget and the calls that share it. Nothing is sent that the budget holds back. */
import { type BackoffPolicy, backoffMs } from "../../domain/backoff.ts";
import {
  type Budget,
  blockUntil,
  decideCall,
  learnPrimary,
  type PlannedCall,
  pointCountOf,
  READ_POINT_COUNT,
  spend,
  ticketCountOf,
  UNUSED_BUDGET,
  WRITE_POINT_COUNT,
} from "../../domain/budget.ts";
import { GitHubError } from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { BudgetReading } from "../../ports/github.ts";
import type { Answer, Call } from "./client.ts";
import {
  isLimitOfItsOwn,
  isWaitOurs,
  primaryWindowOf,
  RATE_LIMIT_WAIT_MS,
  RATE_LIMIT_WAIT_MS_MAX,
  rateLimitWaitOf,
} from "./rate-limit.ts";
import { Slots, WAIT_MS_MAX } from "./slots.ts";

/** GitHub asks for "an exponentially increasing amount of time" where it names none. */
const UNNAMED_PAUSE: BackoffPolicy = { firstMs: RATE_LIMIT_WAIT_MS, limitMs: RATE_LIMIT_WAIT_MS_MAX };

/** Called after each answer. */
export type ShowBudget = (reading: BudgetReading) => void;

/** Budgets are kept in the clock that only grows; what people read is in the time of day. */
export class Gate {
  readonly #account: string;
  readonly #clock: Clock;
  readonly #show: ShowBudget;
  readonly #slots: Slots;
  #budget: Budget = UNUSED_BUDGET;
  /** Refusals in a row for which GitHub named no time. */
  #unnamedPauseCount = 0;
  /** As GitHub says it, in its own time of day. */
  #resetsAtMs = 0;

  constructor(account: string, clock: Clock, show: ShowBudget) {
    this.#account = account;
    this.#clock = clock;
    this.#show = show;
    this.#slots = new Slots(clock);
  }

  /**
   * Does the work with one of the slots, as soon as there is one.
   * @throws {GitHubError} `github-budget`: it was not begun.
   */
  async hold<Value>(call: Call, work: () => Promise<Value>): Promise<Value> {
    this.#check(call);
    if (!(await this.#slots.take(call.purpose)))
      throw heldBack(call, WAIT_MS_MAX, "too many other calls are under way");
    try {
      this.#check(call);
      return await work();
    } finally {
      this.#slots.giveBack();
    }
  }

  /** Counts a call that leaves now. @throws {GitHubError} `github-budget`: it must not leave. */
  spend(call: Call): void {
    this.#check(call);
    this.#budget = spend(this.#budget, plannedOf(call), this.#clock.monotonicMs());
  }

  learn(answer: Answer): void {
    const nowMs = this.#clock.monotonicMs();
    const window = primaryWindowOf(answer.headers, this.#clock.nowMs());
    if (window !== null) {
      const { limit, remaining, resetsInMs } = window;
      this.#budget = learnPrimary(this.#budget, { limit, remaining, resetsAtMs: nowMs + resetsInMs }, nowMs);
      this.#resetsAtMs = window.resetsAtMs;
    }
    const waitMs = rateLimitWaitOf(answer, this.#clock.nowMs());
    if (waitMs !== null && !isLimitOfItsOwn(answer)) this.#pause(answer, waitMs, nowMs);
    else if (answer.status < 400) this.#unnamedPauseCount = 0;
    this.#show(this.read());
  }

  #pause(answer: Answer, waitMs: number, nowMs: number): void {
    const { blockedUntilMs } = this.#budget;
    const isFirst = blockedUntilMs === null || nowMs >= blockedUntilMs;
    const isOurs = isWaitOurs(answer);
    // Calls that were under way together are refused together: that is once.
    if (isOurs && isFirst) this.#unnamedPauseCount += 1;
    const pauseMs = isOurs ? backoffMs(UNNAMED_PAUSE, this.#unnamedPauseCount, 0) : waitMs;
    this.#budget = blockUntil(this.#budget, nowMs + pauseMs);
  }

  read(): BudgetReading {
    const nowMs = this.#clock.monotonicMs();
    const { primary, blockedUntilMs } = this.#budget;
    const isCurrent = primary !== null && nowMs < primary.resetsAtMs;
    const isBlocked = blockedUntilMs !== null && nowMs < blockedUntilMs;
    return {
      account: this.#account,
      primary: isCurrent ? { limit: primary.limit, remaining: primary.remaining, resetsAtMs: this.#resetsAtMs } : null,
      pointCount: pointCountOf(this.#budget, nowMs),
      blockedUntilMs: isBlocked ? this.#clock.nowMs() + blockedUntilMs - nowMs : null,
      ticketCount: ticketCountOf(this.#budget, nowMs),
    };
  }

  #check(call: Call): void {
    const nowMs = this.#clock.monotonicMs();
    const decision = decideCall(this.#budget, plannedOf(call), nowMs);
    if (decision.kind === "go") return;
    throw heldBack(call, decision.untilMs - nowMs, WHY[decision.until]);
  }
}

const WHY = {
  unblocked: "GitHub asked for a pause",
  points: "what is left of the points of this minute is kept for more urgent calls",
  primary: "what is left of the rate limit of this hour is kept for more urgent calls",
};

function plannedOf({ purpose, method }: Call): PlannedCall {
  return { purpose, pointCount: method === "GET" ? READ_POINT_COUNT : WRITE_POINT_COUNT };
}

function heldBack(call: Call, waitMs: number, why: string): GitHubError {
  const retryAfterMs = Math.max(Math.ceil(waitMs), SECOND_MS);
  return new GitHubError("github-budget", call.attempted, { cause: new Error(why), retryAfterMs });
}

/** One gate for each key: an installation, a token, or the App itself. */
export class Gates {
  readonly #clock: Clock;
  readonly #show: ShowBudget;
  readonly #gates = new Map<string, Gate>();

  constructor(clock: Clock, show: ShowBudget) {
    this.#clock = clock;
    this.#show = show;
  }

  /** @param account as it is shown; accounts that differ only in case are one. */
  of(account: string): Gate {
    const key = account.toLowerCase();
    const known = this.#gates.get(key);
    if (known !== undefined) return known;
    const gate = new Gate(account, this.#clock, this.#show);
    this.#gates.set(key, gate);
    return gate;
  }

  read(): readonly BudgetReading[] {
    return [...this.#gates.values()].map((gate) => gate.read());
  }
}
