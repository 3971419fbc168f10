/**
 * A provider of machines. Four verbs; what only some can do is an interface of its own.
 *
 * Everything it starts carries the marks of its launch (controller id, machine id, launch id, pool), so that a listing
 * finds it again whatever happened to us in between.
 */
import type { LaunchId, MachineId, PoolName, ProviderId } from "../domain/ids.ts";
import type { ObservedMachine } from "../domain/observed.ts";
import type { MachinePermit } from "../domain/permit.ts";

export interface LaunchRequest {
  readonly launchId: LaunchId;
  readonly pool: PoolName;
  readonly settingsHash: string;
  readonly machines: readonly {
    readonly machineId: MachineId;
    /** What the machine's agent proves its identity with, where the platform does not sign one. */
    readonly identitySecret: string;
  }[];
}

export interface LaunchedMachine {
  readonly machineId: MachineId;
  readonly providerId: ProviderId;
}

export interface CheckFinding {
  readonly severity: "error" | "warning";
  /** Where in the configuration: `pools[0].runner.directory`. */
  readonly path: string;
  readonly finding: string;
  readonly mend: string;
}

export interface Provider {
  /**
   * Starts the machines of one launch. Repeating the identical request starts nothing twice and returns the same
   * machines, also after a crash in the middle.
   * @throws {ProviderError} `provider-invalid` | `provider-capacity`: nothing was started by this request, ever;
   *   `provider-unavailable`: unknown, repeat the identical request.
   */
  launch(request: LaunchRequest): Promise<readonly LaunchedMachine[]>;

  /**
   * "all": every machine that carries our controller id and this pool, complete or an error; what it does not show did
   * not exist when it was read. By ids: one entry for each id, with state `gone` only where the provider positively
   * says so, and `not-found` where it does not know the id.
   * @throws {ProviderError} `provider-unavailable` where any part could not be read.
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
