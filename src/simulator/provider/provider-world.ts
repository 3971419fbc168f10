/** What a provider of the world is made from, and what tells one kind of provider from another. */
import type { MachineId, PoolName } from "../../domain/ids.ts";
import type { ProviderState } from "../../domain/observed.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import type { Fault, FaultKind } from "../scenario/fault.ts";
import type { GroupPlan } from "../scenario/group-plan.ts";
import type { Chance, Range } from "../world/chance.ts";
import type { EventLog } from "../world/event-log.ts";
import type { AgentBirth, Host } from "../world/host.ts";
import type { Scheduler } from "../world/scheduler.ts";
import type { Witness } from "../world/witness.ts";
import type { ProviderMachine } from "./machine.ts";

export interface ProviderModelWorld {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly log: EventLog;
  readonly witness: Witness;
  readonly faults: readonly Fault[];
  /** False once faults have stopped, and from then on. */
  isFaulty(): boolean;
  /** Called again for a machine that was stopped and is started: its disk is as it was. */
  makeAgentHost(birth: AgentBirth): Host;
  /** What the platform of an instance signs for it. */
  signIdentity(providerId: string): string;
  /** Pools that keep stopped machines, and so have none that cannot be stopped. */
  readonly standbyPools: ReadonlySet<PoolName>;
  readonly pools: readonly Pick<PoolPolicy, "name" | "machineCountMax" | "warmParkedCount" | "warmRegisteredCount">[];
  /** Of each pool's group, where there are groups. */
  readonly group: GroupPlan;
  /** How long a machine of a cloud takes to boot. */
  readonly bootMs: Range;
  /** Of the runner that new machines get, where the provider can read it without one; unknown where left out. */
  readonly runnerVersion?: string;
}

export interface ProviderNature {
  /** The faults that can befall it; a scenario's others do not touch it. */
  readonly faultKinds: ReadonlySet<FaultKind>;
  /** @param machineId null for a machine that is not ours. */
  drawProviderId(chance: Chance, machineId: MachineId | null): string;
  isProviderId(text: string): boolean;
  bootRange(world: ProviderModelWorld): Range;
  /** How long after its end a machine still shows as running. */
  readonly endingMs: Range;
  /** What it says of a machine; null once it has forgotten it. */
  stateOf(machine: ProviderMachine, nowMs: number): ProviderState | null;
  /** What it says of an id that it does not know. */
  readonly unknownState: "gone" | "not-found";
  /**
   * A machine is a folder with its id for a name: it is known whatever became of its marks, it stays until it is cleared
   * away, and its clearing also stops a launch of it that is still to come.
   */
  readonly hasFolders: boolean;
  /** An ending that does not take is an error here; elsewhere the call has succeeded and the machine stays. */
  readonly reportsFailedEnding: boolean;
  /** Whether the runner that machines get can be read without one. */
  readonly tellsRunnerVersion: boolean;
}
