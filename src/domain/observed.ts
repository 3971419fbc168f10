/** What a provider and GitHub say exists, as facts with the moment they were observed; never as decisions. */
import type { GitHubErrorCode, ProviderErrorCode } from "./errors.ts";
import type { LaunchId, MachineId, PoolName, ProviderId, RunnerId } from "./ids.ts";
import type { Membership } from "./membership.ts";

/**
 * One look at one thing. A failed look is `unknown`, which is not an absence; and an absence is only the answer to this
 * question at this moment, never a proof that nothing runs.
 */
export type Observation<Value> =
  | { readonly kind: "present"; readonly value: Value; readonly observedAtMs: number }
  | { readonly kind: "absent"; readonly observedAtMs: number }
  | { readonly kind: "unknown"; readonly code: GitHubErrorCode | ProviderErrorCode; readonly observedAtMs: number };

/**
 * A machine of ours as its provider sees it. `starting`: asked for, nothing runs yet. `dead`: nothing runs there and
 * nothing will again, though remains (a folder, a listing) may still have to be cleared. `stopped`: nothing runs there, and
 * it can be started again by whoever may. `gone`: the provider's positive word that neither machine nor remains exist.
 * `not-found`: it does not know the id, which is no such word.
 */
export type ProviderState = "starting" | "running" | "stopped" | "dead" | "gone" | "not-found";

export interface ObservedMachine {
  readonly providerId: ProviderId;
  /**
   * From the marks that we put on it at launch; null where they are unreadable, and where several machines were started by
   * one call that could not mark each with its own: the store then knows which is which.
   */
  readonly machineId: MachineId | null;
  readonly launchId: LaunchId | null;
  readonly pool: PoolName | null;
  readonly state: ProviderState;
  readonly observedAtMs: number;
  /** What is the matter with it, in words for people; left out or null: nothing that the provider could tell. */
  readonly why?: string | null;
  /** Hashes of the settings by whose places it was shown, where the pool has several. Left out: by that of today's settings. */
  readonly shownBySettings?: readonly string[];
  /** It is of a shape that should not be, and somebody has to look. */
  readonly isAlarm?: boolean;
  /** Its agent had not started by then, by a word that was current: it cannot have had a ticket. */
  readonly hasNeverRun?: boolean;
  /** That it is gone is our conclusion: its provider has not known its id for a while. Left out: the provider said so. */
  readonly isAbsent?: boolean;
  /**
   * Its group lists it, and the service that runs machines does not show it, yet or any more. Left out: that shows it, or
   * nobody else would.
   */
  readonly isByGroupAlone?: boolean;
  /** Of a machine that belongs to a group; null: of one that does so no more; left out: of one that never did. */
  readonly membership?: Membership | null;
  /**
   * It is ours only where a row of ours knows it: it carries no mark of the pool, and is of a group that the pool does not
   * name, or not any more. Left out: it is ours whatever the store knows.
   */
  readonly needsRow?: boolean;
  /** It carries our word that a store of ours had a row of it. Left out: it is of a kind that carries no such word. */
  readonly hadRow?: boolean;
  /**
   * When it came into its group's service or began to, where that is since the last complete listing: nobody can have given
   * it a ticket before. Left out or null: nobody can tell.
   */
  readonly newcomerSinceMs?: number | null;
}

/** A registration as GitHub lists it. */
export interface ObservedRunner {
  readonly id: RunnerId;
  readonly name: string;
  readonly isOnline: boolean;
  readonly isBusy: boolean;
  /** Null until the runner connected for the first time. */
  readonly version: string | null;
}
