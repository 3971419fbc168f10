/**
 * Launches of which no call can have started anything yet: drafted in this tenure, and no call of theirs was heeded. Only of
 * these a refusal says all. Of any other a call whose answer nobody had may have taken, whoever made it; and what EC2 refuses
 * for its settings or our credentials it refuses before it looks for the token.
 */
import type { LaunchId } from "../../domain/ids.ts";
import type { LaunchRequest } from "../../ports/provider.ts";

/** The oldest is forgotten, and a refusal of it is looked into. */
const LAUNCHES_MAX = 1_000;

export class Untried {
  readonly #epochs = new Map<LaunchId, number>();

  /** What a restored store has without an order may have had one, and been made. */
  note({ launchId, machines }: Pick<LaunchRequest, "launchId" | "machines">, epoch: number): void {
    if (machines.some(({ mayHaveEnded = false }) => mayHaveEnded)) return;
    this.#epochs.set(launchId, epoch);
    const [oldest] = this.#epochs.keys();
    if (this.#epochs.size > LAUNCHES_MAX && oldest !== undefined) this.#epochs.delete(oldest);
  }

  /** To be called before a call is made. @returns whether it is the first that EC2 can heed. */
  take(launchId: LaunchId, epoch: number): boolean {
    const isUntried = this.#epochs.get(launchId) === epoch;
    this.#epochs.delete(launchId);
    return isUntried;
  }
}
