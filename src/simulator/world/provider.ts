/** A provider in the world: everything that it can be asked takes effect at once; whoever asks adds the way there and back. */
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { WorldProvider } from "../provider/pod-port.ts";
import type { Host } from "./host.ts";
import type { ProviderLine } from "./provider-port.ts";
import type { Cause } from "./witness.ts";

/** A machine as another maker's fleet sees it. */
export interface ListedMachine {
  readonly providerId: string;
  readonly state: "pending" | "running" | "terminated";
  readonly launchedAtMs: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface AskingProcess {
  readonly clock: Clock;
  readonly random: Random;
  /** Runs code of it; nothing where it is dead. */
  readonly deliver: (run: () => void) => void;
  readonly isDead: () => boolean;
}

/** Who asks, and how. */
export interface ProviderAsker {
  /** Of its wall clock: stamps its observations, and ages its permits. The world's own time unless given. */
  readonly nowMs?: () => number;
  /** The way of each of its calls; none unless given. */
  readonly line?: ProviderLine;
  /** The process that it is, where it is one. */
  readonly process?: AskingProcess;
}

/** Members by their provider's ids. */
export interface GroupSide {
  /** Tells of each member that came to wait at the terminate hook. */
  onWaiting(listener: (providerId: string) => void): void;
  isWaiting(providerId: string): boolean;
  /** CONTINUE; nothing for one that does not wait. */
  complete(providerId: string, cause: Cause): void;
  heartbeat(providerId: string): void;
}

export interface Remains {
  /** Nobody of ours has to end them: the group's reserve, and what a person put aside. */
  readonly leftAlone: ReadonlySet<string>;
  /** Their group is done with them. */
  readonly over: ReadonlySet<string>;
  /** So many machines are kept, by the groups whatever anybody ends, or by their pools for jobs to come. */
  readonly minimumCount: number;
  /** No more can be there whatever anybody of ours does, because others size the groups. */
  readonly roomCount: number;
}

export interface ProviderModel {
  /**
   * Holdfast's port for one pool. Its promises are settled at once: they wait for nothing.
   */
  forPool(controllerId: ControllerId, pool: PoolName, asker?: ProviderAsker): WorldProvider;

  /**
   * For baselines, and for machines that are nobody's of ours. `make` is called with the new machine's id and how long it
   * boots (null: for ever), and makes its host.
   * @returns null where there is no room: no capacity, quota.
   */
  start(
    tags: Readonly<Record<string, string>>,
    make: (providerId: string, onGone: () => void, bootMs: number | null) => Host,
  ): string | null;
  listTagged(tag: string, value: string): readonly ListedMachine[];
  /** Without a permit: a baseline's own decision. `false`: the call failed, as for an id that nobody knows yet. */
  terminate(providerId: string, cause: Cause): boolean;

  /** Machines that run, or may: each is paid for. By their ids, in the order of their start. */
  readonly hosts: ReadonlyMap<string, Host>;
  /** Machines that wait stopped, or are on their way to it: they are there, and nothing runs on them. */
  readonly stoppedIds: readonly string[];
  /** Of `hosts`, those of which it said for certain that they are not there: nobody could count them. */
  readonly deniedIds: readonly string[];
  /** Of `hosts` and `stoppedIds`, those that a group has beside its capacity, by its own doing or a person's. */
  readonly extraIds?: readonly string[];
  /** Of `hosts`, those that nothing marks as ours: a person took them out of their group before anybody of ours saw them. */
  readonly unmarkedIds?: readonly string[];
  /** The machines that groups had before the world began. Only a provider of groups tells. */
  readonly earlierIds?: ReadonlySet<string>;
  /** For baselines: the groups' own side, where there are any. */
  readonly group?: GroupSide;
  /** As many machines as its quotas leave for all pools of this one's markets together. No limit unless given. */
  quotaOf?(pool: PoolName): number;
  /** What a group leaves at the end. */
  remains?(): Remains;
  /** The provider takes it, without our doing. Who calls it counts the fault. */
  reclaim(providerId: string, kind: string): void;
  /** Machines started by anybody so far. */
  readonly startedCount: number;
  /** Machines of another installation that were ended, or asked to end, by whom they do not belong to (I4). */
  readonly foreignTouchedCount: number;
  /** How long each machine was there, ended or not, in milliseconds. */
  paidMs(): number;
}
