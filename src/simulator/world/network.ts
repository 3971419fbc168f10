/** Between agents and the controller: calls take their time, some machines are cut off, and nobody answers for a dead process. */
import type { FaultOf } from "../scenario/fault.ts";
import type { Chance } from "./chance.ts";
import type { AgentLine, Exchange } from "./host.ts";
import type { Scheduler } from "./scheduler.ts";

const WAY_MS = [2, 60] as const;
/** A connection that nobody accepts is refused so soon. */
const REFUSED_MS = 50;

export interface Answering {
  /** Hands the call to the process that answers now, if there is one that runs; null: the connection is refused. */
  receive(
    path: string,
    token: string | null,
    body: object,
    signal: AbortSignal,
    onAnswer: (answer: Exchange) => void,
  ): boolean;
}

export class Network implements AgentLine {
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;
  readonly #controller: Answering;
  /** Until when each machine is cut off, by whom it does not reach. */
  readonly #cutOff = { controller: new Map<string, number>(), github: new Map<string, number>() };

  constructor(scheduler: Scheduler, chance: Chance, controller: Answering) {
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#controller = controller;
  }

  /** Of two at a time the longer one counts. */
  cutOff(providerId: string, from: FaultOf<"host.cut-off">["from"], forMs: number): void {
    for (const side of ["controller", "github"] as const) {
      if (from !== "both" && from !== side) continue;
      const untilMs = this.#cutOff[side].get(providerId) ?? 0;
      this.#cutOff[side].set(providerId, Math.max(untilMs, this.#scheduler.nowMs + forMs));
    }
  }

  reaches(providerId: string, what: "controller" | "github"): boolean {
    return (this.#cutOff[what].get(providerId) ?? 0) <= this.#scheduler.nowMs;
  }

  send(from: string, call: Parameters<AgentLine["send"]>[1], onAnswer: (answer: Exchange) => void): () => void {
    const broken = new AbortController();
    let isOver = false;
    const conclude = (answer: Exchange): void => {
      if (isOver) return;
      isOver = true;
      giveUp.cancel();
      onAnswer(answer);
    };
    const giveUp = this.#scheduler.after(call.timeoutMs, () => {
      conclude(null);
      this.#breakOff(broken);
    });
    this.#scheduler.after(this.#wayMs(), () => {
      if (!this.reaches(from, "controller")) return;
      const isTaken = this.#controller.receive(call.path, call.token, call.body, broken.signal, (answer) => {
        this.#scheduler.after(this.#wayMs(), () => {
          if (this.reaches(from, "controller")) conclude(answer);
        });
      });
      if (!isTaken) this.#scheduler.after(REFUSED_MS, () => conclude(null));
    });
    return () => {
      isOver = true;
      giveUp.cancel();
      this.#breakOff(broken);
    };
  }

  /** The other side sees it a moment later. */
  #breakOff(broken: AbortController): void {
    this.#scheduler.after(this.#wayMs(), () => {
      this.#scheduler.disturb();
      broken.abort();
    });
  }

  #wayMs(): number {
    return this.#chance.between(WAY_MS);
  }
}
