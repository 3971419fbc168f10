/**
 * The pool's PodDisruptionBudget: no eviction of its pods, while it has any. Kubernetes counts `maxUnavailable` by a
 * workload's owner, which these pods have not; of theirs only a `minAvailable` counts, so it asks for more than there can be.
 *
 * It is made before the first pod and goes after the last one. What fails here holds up no launch: the grace of the longest
 * job still stands between an eviction and a job.
 */
import { MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KubernetesClients } from "./client.ts";
import { describeFailure, readFailure } from "./errors.ts";
import { type Owner, ownerLabels } from "./marks.ts";

/** More pods than a pool may have. */
const MIN_AVAILABLE = 1_000_000;
/** A launch may be under way that the listing does not show yet. */
const KEPT_EMPTY_MS = 2 * MINUTE_MS;
const TRIED_AGAIN_MS = MINUTE_MS;

export interface BudgetOptions {
  readonly clients: KubernetesClients;
  readonly owner: Owner;
  readonly namespace: string;
  readonly clock: Clock;
  /** The pool only observes: nothing is changed for it. */
  readonly isObserving: boolean;
}

export class Budget {
  readonly #options: BudgetOptions;
  readonly #name: string;
  /** Null where this process does not know. */
  #isThere: boolean | null = null;
  #neededAtMs: number;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #trouble: string | null = null;
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(options: BudgetOptions) {
    this.#options = options;
    const { controllerId, pool } = options.owner;
    // Neither of the two can have a dot in it, so what two controllers call theirs is never the same.
    this.#name = `holdfast-${controllerId}.${pool}`;
    this.#neededAtMs = options.clock.monotonicMs();
  }

  /** What keeps it from being as it should, in words. */
  describe(): readonly string[] {
    return this.#trouble === null ? [] : [`pods can be evicted: the disruption budget ${this.#name}: ${this.#trouble}`];
  }

  /** Called before pods are made. */
  async ensure(): Promise<void> {
    this.#neededAtMs = this.#options.clock.monotonicMs();
    await this.#inTurn(async () => {
      // Another replica may have had the pool meanwhile, and removed it: not before it had seen no pod for so long.
      const isFresh = this.#options.clock.monotonicMs() - this.#triedAtMs < KEPT_EMPTY_MS;
      if (this.#isThere !== true || !isFresh) await this.#create();
    });
  }

  /** Called after each complete listing. */
  async keep(podCount: number): Promise<void> {
    if (this.#options.isObserving) return;
    if (this.#options.clock.monotonicMs() - this.#triedAtMs < TRIED_AGAIN_MS) return;
    if (podCount > 0) return this.ensure();
    if (this.#isIdle())
      await this.#inTurn(async () => {
        // A launch may have begun while this waited.
        if (this.#isIdle()) await this.#remove();
      });
  }

  /** It may be there, and has not been needed for long. */
  #isIdle(): boolean {
    return this.#isThere !== false && this.#options.clock.monotonicMs() - this.#neededAtMs >= KEPT_EMPTY_MS;
  }

  async #create(): Promise<void> {
    const { clients, namespace, owner } = this.#options;
    await this.#try(true, async () => {
      await clients.policy.createNamespacedPodDisruptionBudget({
        namespace,
        body: {
          apiVersion: "policy/v1",
          kind: "PodDisruptionBudget",
          metadata: { name: this.#name, namespace, labels: ownerLabels(owner) },
          spec: { minAvailable: MIN_AVAILABLE, selector: { matchLabels: ownerLabels(owner) } },
        },
      });
    });
  }

  async #remove(): Promise<void> {
    const { clients, namespace } = this.#options;
    await this.#try(false, async () => {
      await clients.policy.deleteNamespacedPodDisruptionBudget({ namespace, name: this.#name });
    });
  }

  /** One call after the other: of two that are under way nobody knows which one the API carries out last. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#lastTurn.then(work);
    this.#lastTurn = turn;
    await turn;
  }

  /** @param shallBeThere once the work is done, or was done already. Never throws. */
  async #try(shallBeThere: boolean, work: () => Promise<void>): Promise<void> {
    this.#triedAtMs = this.#options.clock.monotonicMs();
    this.#isThere = null;
    try {
      await work();
      this.#trouble = null;
    } catch (error) {
      const failure = readFailure(error);
      const isDone = failure.trouble === (shallBeThere ? "exists" : "absent");
      this.#trouble = isDone ? null : describeFailure(failure);
    }
    if (this.#trouble === null) this.#isThere = shallBeThere;
  }
}
