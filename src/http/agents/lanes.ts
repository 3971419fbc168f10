/**
 * The turns of all that agents send, by who sends it: who has shown who it is waits behind nobody who has not. A check-in
 * shows it only in its turn, and some wait for a platform's word.
 */
import type { Clock } from "../../ports/clock.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import { type Caller, type Rest, Turns } from "./turns.ts";

/** One connection serves so many as fast as more; of several connections some are left for the controllers. */
const TURNS_MAX = { proven: 8, "check-in": 4, unproven: 1 } as const;
/** A report and a poll of each of as many machines as a pool may have, and a check-in of each. */
const WAITING_MAX = { proven: 40_000, "check-in": 20_000, unproven: 1_000 } as const;

export type LaneName = keyof typeof TURNS_MAX;

export class AgentLanes {
  readonly #telemetry: Telemetry;
  readonly #lanes: Readonly<Record<LaneName, Turns>>;

  constructor({ clock, telemetry }: { readonly clock: Pick<Clock, "monotonicMs">; readonly telemetry: Telemetry }) {
    const lane = (name: LaneName) => new Turns({ turnsMax: TURNS_MAX[name], waitingMax: WAITING_MAX[name], clock });
    this.#telemetry = telemetry;
    this.#lanes = { proven: lane("proven"), "check-in": lane("check-in"), unproven: lane("unproven") };
  }

  /** As `Turns.take`. */
  async take<Answer>(lane: LaneName, caller: Caller, work: (rest: Rest) => Promise<Answer>): Promise<Answer> {
    const answer = this.#lanes[lane].take(caller, (rest) => {
      this.#gauge();
      return work(rest);
    });
    this.#gauge();
    return answer;
  }

  /**
   * Whether what agents say may wait here for longer than they wait for an answer. No deadline counts meanwhile: one that
   * nobody was heard by is not silent.
   */
  isBehind(): boolean {
    return Object.values(this.#lanes).some((lane) => lane.isBehind());
  }

  #gauge(): void {
    const count = Object.values(this.#lanes).reduce((sum, { waitingCount }) => sum + waitingCount, 0);
    this.#telemetry.gauge("holdfast_agent_messages_waiting", count, {});
  }
}
