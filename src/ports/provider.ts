/**
 * A provider of machines. Four verbs; what only some can do is an interface of its own.
 *
 * Everything it starts carries the marks of its launch (controller id, machine id, launch id, pool), so that a listing
 * finds it again whatever happened to us in between.
 */
import type { LaunchId, MachineId, PoolName, ProviderId } from "../domain/ids.ts";
import type { Membership } from "../domain/membership.ts";
import type { ObservedMachine } from "../domain/observed.ts";
import type { MachinePermit } from "../domain/permit.ts";

export interface LaunchRequest {
  readonly launchId: LaunchId;
  /** What the pool's `LaunchOrders` drafted, as it is stored; null where the kind has none, and for `draft` itself. */
  readonly order?: string | null;
  readonly pool: PoolName;
  readonly settingsHash: string;
  readonly machines: readonly {
    readonly machineId: MachineId;
    /** What the machine's agent proves its identity with, where the platform does not sign one. */
    readonly identitySecret: string;
    /**
     * The store was restored from a backup since the machine was planned: an earlier call may have started it, and it may
     * have ended, of which only its provider could still know. A kind that knows a machine by its name alone starts none
     * anew of which that is so: it answers with what is there.
     */
    readonly mayHaveEnded?: boolean;
  }[];
}

/**
 * What a launch is made under, for kinds whose calls set a level: there a call counts for more than its own launch, and one
 * that comes late, or from somebody who knows too little, undoes another's.
 */
export interface LaunchTenure {
  /** Another wherever another process may have held the pool since. */
  readonly epoch: number;
  /** The pool's other launches that are open, or were closed a short while ago: another process may have carried them out. */
  readonly others: readonly DraftedLaunch[];
  /** How long it is certain that no other process holds the pool. */
  leftMs(): number;
}

export interface DraftedLaunch {
  readonly launchId: LaunchId;
  readonly order: string;
}

export interface LaunchedMachine {
  readonly machineId: MachineId;
  readonly providerId: ProviderId;
}

export interface CheckFinding {
  readonly severity: "error" | "warning";
  /** Of a warning: whether the pool may be used could not be found out, so it is not until it could. */
  readonly isOpenQuestion?: boolean;
  /** Where in the configuration: `pools[0].runner.directory`. */
  readonly path: string;
  readonly finding: string;
  readonly mend: string;
}

export interface Provider {
  /**
   * Starts the machines of one launch. Repeating the identical request starts nothing twice and returns the same
   * machines, also after a crash in the middle. A shorter answer is the provider's positive word that the machines which
   * are missing from it were not started by this request, ever.
   * @throws {ProviderError} `provider-invalid` | `provider-capacity` | `provider-quota`: nothing was started by this request, ever;
   *   `provider-unavailable`: unknown, repeat the identical request.
   */
  launch(request: LaunchRequest, tenure?: LaunchTenure): Promise<readonly LaunchedMachine[]>;

  /**
   * "all": every machine that carries our controller id and this pool, complete or an error; what it does not show did
   * not exist when it was read. By ids: one entry for each id, with state `gone` only where the provider positively
   * says so, and `not-found` where it does not know the id.
   * @throws {ProviderError} `provider-unavailable` where any part could not be read; a `PartialListing` carries the rest,
   *   which is worth something as to what it shows, and nothing as to what it does not.
   */
  list(which: "all" | readonly ProviderId[]): Promise<readonly ObservedMachine[]>;

  /**
   * Ends a machine and all that belongs to it. Idempotent; returning says that the call was made, not that it took.
   * @throws {ProviderError} `provider-unavailable`
   */
  terminate(permit: MachinePermit): Promise<void>;

  /**
   * The version of GitHub's runner that new machines get, as it names itself (`2.336.0`).
   * @returns null where it cannot be read before a machine runs; never throws.
   */
  readRunnerVersion(): Promise<string | null>;

  /** Tries the pool's settings without starting anything. */
  check(): Promise<readonly CheckFinding[]>;
}

/**
 * For kinds whose requests depend on more than the pool's settings: on what has no room now, and on what a launch is to
 * cost. Such a request is drafted once, stored with its launch before it is made, and repeated as it is stored.
 */
export interface LaunchOrders {
  /** Whether launches of these settings are drafted: one that has no order yet was never asked for then. */
  draftsFor(settingsHash: string): boolean;

  /**
   * Decides how a launch is made. Starts nothing; what it returns is for `LaunchRequest.order` alone, and holds no secret.
   * @returns null for a launch of settings whose kind drafts none, or with which nothing is started any more.
   * @throws {ProviderError} as `launch` does: where it refuses, nothing was started and no call for it was made.
   */
  draft(request: LaunchRequest, tenure?: LaunchTenure): Promise<string | null>;

  /** What this provider starts no machines with at the moment, each with its reason, in words. */
  readObstacles(): readonly string[];
}

/** Machines that can wait stopped, where they cost their disks only. */
export interface Standby {
  /**
   * Stops a machine that holds no ticket. Idempotent; returning says that the call was made, not that it took.
   * @throws {ProviderError} `provider-invalid` for a machine that can never be stopped | `provider-unavailable`
   */
  stop(permit: MachinePermit): Promise<void>;

  /**
   * Starts stopped machines again.
   * @throws {ProviderError} `provider-capacity` | `provider-quota`: it stays stopped | `provider-unavailable`
   */
  start(providerId: ProviderId): Promise<void>;
}

/** What a machine wrote before there was an agent to tell it. */
export interface Consoles {
  /** Whether it can be read of a machine in any state until that is gone; else only of one that nobody was heard from. */
  readonly isLasting: boolean;
  /**
   * The last lines of the machine's console, as they are at the provider.
   * @returns null where it has written nothing yet, or the provider does not know the machine.
   * @throws {ProviderError} `provider-unavailable`
   */
  readConsole(providerId: ProviderId): Promise<readonly string[] | null>;
}

/** A stream of hints that something changed. Nothing depends on it but how soon the provider is read. */
export interface Hints {
  /**
   * Tells of changes until it is stopped; what it misses, the next reading shows. It goes on by itself after whatever
   * failed.
   * @param onHint is called with nothing: what changed is read, never told.
   */
  watch(onHint: () => void, signal: AbortSignal): Promise<void>;
}

/** So long the group waits for a machine that it wants to end. */
export interface Hold {
  /** From now on, unless it is held again: the least that is certain, where somebody changes for how long the group waits. */
  readonly forMs: number;
  /** When the group began to wait. */
  readonly sinceMs: number;
  /** However often it is held, the group goes on then. */
  readonly untilMs: number;
  /** What it does then is to keep the machine running until it is told to end it. */
  readonly isRetained?: boolean;
}

/** A member that a hook of its group holds up. */
export interface HeldUp {
  readonly providerId: ProviderId;
  readonly membership: Membership;
  /** No setting of the pool names its group any more: one without a row is not ours there. */
  readonly isGroupLeft: boolean;
}

/** Machines of a group that others size, heal and replace as well. */
export interface Group {
  /**
   * Who is held up, by the group's own service alone: that may answer while what a whole listing needs besides does not.
   * It says nothing of what else became of anybody.
   * @throws {ProviderError} `provider-unavailable`
   */
  listHeldUp(): Promise<readonly HeldUp[]>;

  /**
   * Makes the group wait on for a machine that it wants to end, of its own accord. Ends nothing, so it takes no permit.
   * @param last where it was when it was held before: readings lag, and its hooks are asked whatever they show.
   * @returns null where nothing waits (any more): the next listing tells what became of it.
   * @throws {ProviderError} `provider-unavailable`: it may be held or not; hold it again at once
   */
  hold(providerId: ProviderId, last?: Membership | null): Promise<Hold | null>;

  /**
   * What the group waits by: another wherever somebody was seen to change it, and whoever was held by a former one is held
   * anew then. Reads it again where that was not done a moment ago. Never throws.
   */
  readHookEdition(): Promise<string>;

  /**
   * The store has a row of each: they are marked with that, so that a store without one is known to be a backup. Never
   * throws; what was not marked is marked when it is noted again.
   */
  noteRows(providerIds: readonly ProviderId[]): Promise<void>;

  /** How many machines the group keeps whatever we end, by the last listing; 0 before the first. */
  readMinimumCount(): number;
}

/** What only some kinds can do; null where the kind cannot. */
export interface ProviderAbilities {
  readonly orders: LaunchOrders | null;
  readonly standby: Standby | null;
  readonly consoles: Consoles | null;
  readonly hints: Hints | null;
  readonly group: Group | null;
}

export const NO_ABILITIES: ProviderAbilities = {
  orders: null,
  standby: null,
  consoles: null,
  hints: null,
  group: null,
};
