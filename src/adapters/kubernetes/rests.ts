/**
 * What pods are not asked for at the moment: none at all, because the API just refused them or because they found no node or
 * no image; none on a node that is ready and started nothing. Kept in memory: a restart costs one more try for each.
 */
import { type BackoffPolicy, backoffMs } from "../../domain/backoff.ts";
import { ProviderError, type ProviderErrorCode } from "../../domain/errors.ts";
import { formatInstant } from "../../domain/instant.ts";
import { HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { JudgedPod } from "./sights.ts";

export type RestCause = "quota" | "room" | "image";

const POLICIES: Readonly<Record<RestCause | "node", BackoffPolicy>> = {
  quota: { firstMs: 2 * MINUTE_MS, limitMs: 15 * MINUTE_MS },
  // A node that an autoscaler adds is there in minutes.
  room: { firstMs: MINUTE_MS, limitMs: 10 * MINUTE_MS },
  image: { firstMs: MINUTE_MS, limitMs: 15 * MINUTE_MS },
  node: { firstMs: 15 * MINUTE_MS, limitMs: HOUR_MS },
};
const CODES: Readonly<Record<RestCause, ProviderErrorCode>> = {
  quota: "provider-quota",
  room: "provider-capacity",
  image: "provider-invalid",
};
const WORDS: Readonly<Record<RestCause, string>> = {
  quota: "the namespace's quota is used up",
  room: "the cluster has no node for it",
  image: "its image cannot be pulled",
};
/** A rest that ended so long ago counts for nothing: the next one is a first one again. */
const FORGOTTEN_AFTER_MS = HOUR_MS;
/** Each is one more condition in every pod; the one that was struck longest ago is forgotten. */
const AVOIDED_NODES_MAX = 8;
const IMAGE_TROUBLE = /Image|Registry/;

interface Rest {
  readonly untilMonotonicMs: number;
  readonly untilMs: number;
  readonly why: string;
  readonly count: number;
}

export class Rests {
  readonly #clock: Clock;
  readonly #causes = new Map<RestCause, Rest>();
  readonly #nodes = new Map<string, Rest>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(cause: RestCause, why: string): void {
    const rest = this.#next(this.#causes.get(cause), POLICIES[cause], why);
    if (rest !== null) this.#causes.set(cause, rest);
  }

  /**
   * Learns from a pod that ends because its agent was never heard of. One whose agent's container ran says nothing about the
   * cluster: what kept its agent from us may be the network between us.
   */
  learn({ shape, nodeName }: JudgedPod, why: string | null): void {
    const { agent, initContainers, isScheduled } = shape;
    if (agent?.kind === "running" || agent?.kind === "terminated") return;
    if (!isScheduled) {
      this.note("room", why ?? "the scheduler bound it to no node");
      return;
    }
    const waits = [...initContainers, agent].flatMap((one) => (one?.kind === "waiting" ? (one.reason ?? []) : []));
    if (waits.some((reason) => IMAGE_TROUBLE.test(reason))) this.note("image", why ?? waits.join(", "));
    // An init container that ran and failed did not fail for its node.
    const hasFailed = initContainers.some((one) => one.kind === "terminated" && one.exitCode !== 0);
    if (nodeName === null || shape.node !== "ready" || hasFailed) return;
    const rest = this.#next(this.#nodes.get(nodeName), POLICIES.node, why ?? "it started nothing");
    if (rest === null) return;
    this.#nodes.delete(nodeName);
    const [oldest] = this.#nodes.keys();
    if (this.#nodes.size >= AVOIDED_NODES_MAX && oldest !== undefined) this.#nodes.delete(oldest);
    this.#nodes.set(nodeName, rest);
  }

  /** @throws {ProviderError} `provider-quota` | `provider-capacity` | `provider-invalid` while something rests all launches. */
  demandNone(attempted: string): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [cause, { untilMonotonicMs, why }] of this.#causes) {
      if (untilMonotonicMs <= nowMs) continue;
      const retryAfterMs = untilMonotonicMs - nowMs;
      throw new ProviderError(CODES[cause], `${attempted}: ${WORDS[cause]}: ${why}`, { retryAfterMs });
    }
  }

  avoidedNodes(): readonly string[] {
    return [...this.#lasting(this.#nodes)].map(([node]) => node).sort();
  }

  /** All that last, in words. */
  describe(): readonly string[] {
    return [
      ...this.#lasting(this.#causes).map(([cause, rest]) => describe(WORDS[cause], rest)),
      ...this.#lasting(this.#nodes).map(([node, rest]) => describe(`node ${node} is avoided`, rest)),
    ];
  }

  #lasting<Key>(rests: ReadonlyMap<Key, Rest>): readonly (readonly [Key, Rest])[] {
    const nowMs = this.#clock.monotonicMs();
    return [...rests].filter(([, { untilMonotonicMs }]) => untilMonotonicMs > nowMs);
  }

  /** @returns null while one lasts: pods of one launch report the same trouble each. */
  #next(before: Rest | undefined, policy: BackoffPolicy, why: string): Rest | null {
    const monotonicMs = this.#clock.monotonicMs();
    if (before !== undefined && before.untilMonotonicMs > monotonicMs) return null;
    const isFresh = before === undefined || monotonicMs - before.untilMonotonicMs > FORGOTTEN_AFTER_MS;
    const count = isFresh ? 1 : before.count + 1;
    const restMs = backoffMs(policy, count, 0);
    return { untilMonotonicMs: monotonicMs + restMs, untilMs: this.#clock.nowMs() + restMs, why, count };
  }
}

function describe(what: string, { untilMs, why }: Rest): string {
  return `${what} until ${formatInstant(untilMs)}: ${why}`;
}
