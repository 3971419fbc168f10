/**
 * Whom EC2 has called terminated. That is final, and EC2 shows it for an hour only; a hook of the group may wait for longer,
 * and all that time the group lists somebody of whom EC2 says nothing any more.
 */
import type { Instance } from "@aws-sdk/client-ec2";

/** The oldest is forgotten: then it is one that EC2 does not show. */
const ENDED_MAX = 10_000;

export class Ended {
  readonly #ids = new Set<string>();

  note(instances: Iterable<Instance>): void {
    for (const { InstanceId: id, State: state } of instances) {
      if (id === undefined || state?.Name !== "terminated") continue;
      this.#ids.delete(id);
      const [oldest] = this.#ids;
      if (this.#ids.size >= ENDED_MAX && oldest !== undefined) this.#ids.delete(oldest);
      this.#ids.add(id);
    }
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }
}
