/** A provider of the world with hosts that only remember, and what the tests ask of it. */

import {
  type ControllerId,
  type MachineId,
  parseControllerId,
  parseLaunchId,
  parseProviderId,
} from "../../../src/domain/ids.ts";
import { invariant } from "../../../src/domain/invariant.ts";
import type { ObservedMachine, ProviderState } from "../../../src/domain/observed.ts";
import { issuePermit, type MachinePermit } from "../../../src/domain/permit.ts";
import { HOUR_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { LaunchedMachine, LaunchRequest, Provider, ProviderAbilities } from "../../../src/ports/provider.ts";
import { type AdapterPorts, makeProvider } from "../../../src/simulator/provider/make-provider.ts";
import type { ProviderModelWorld } from "../../../src/simulator/provider/provider-world.ts";
import type { Fault } from "../../../src/simulator/scenario/fault.ts";
import { PLAIN_GROUP } from "../../../src/simulator/scenario/group-plan.ts";
import { PROVIDERS, type ProviderWorld } from "../../../src/simulator/scenario/scenario.ts";
import { Chance } from "../../../src/simulator/world/chance.ts";
import { EventLog } from "../../../src/simulator/world/event-log.ts";
import type { AgentBirth, Host, HostBirth } from "../../../src/simulator/world/host.ts";
import type { AskingProcess, ProviderModel } from "../../../src/simulator/world/provider.ts";
import { Scheduler } from "../../../src/simulator/world/scheduler.ts";
import type { Cause, HostTruth, Witness } from "../../../src/simulator/world/witness.ts";
import { epoch, heard, machine, machineId, poolName, retiring } from "../../domain/builders.ts";

export const START_MS = 1_000 * HOUR_MS;
/** Those whose port is the world's own. Of pods and groups it is the product's adapter, whose promises are tried with it. */
export const MODELLED_PORTS = PROVIDERS.filter((kind) => kind !== "kubernetes" && kind !== "asg");
export const OURS = parseControllerId("ours");
const CLOUD_BOOT_MS = 40 * SECOND_MS;

/** Runs nothing; remembers what ended it. */
export class IdleHost implements Host {
  readonly providerId: string;
  readonly birth: HostBirth;
  endedBy: Cause | null = null;
  isWantedBack = false;

  constructor(birth: HostBirth) {
    this.providerId = birth.providerId;
    this.birth = birth;
  }

  truth(): HostTruth {
    return { providerId: this.providerId, isUp: this.endedBy === null, runner: null };
  }

  boot(): void {}

  askToStop(): void {}

  end(cause: Cause): void {
    this.endedBy ??= cause;
  }

  crashAgent(): void {}
  pauseAgent(): void {}
  pauseMachine(): void {}
  fillDisk(): void {}

  sleep(): void {}

  wake(): void {}

  leadTo(): void {}

  wantBack(): void {
    this.isWantedBack = true;
  }
}

export interface ProviderScene {
  readonly model: ProviderModel;
  readonly scheduler: Scheduler;
  readonly provider: DraftingProvider;
  readonly born: AgentBirth[];
  readonly started: string[];
  readonly faults: Map<string, number>;
  stopFaults(): void;
  /** Lets so much time pass. */
  pass(forMs: number): Promise<void>;
  stateOf(id: string): Promise<ProviderState | undefined>;
  hostOf(id: string): IdleHost;
  /** The port of a pool, or of another controller, with what makes its launches drafted and stored. */
  portOf(...asker: Parameters<ProviderModel["forPool"]>): DraftingProvider;
}

export type DraftingProvider = Provider & ProviderAbilities;

/** A launch is drafted at its first call, and repeated as it was. */
function drafting(provider: DraftingProvider): DraftingProvider {
  const orders = new Map<string, string>();
  return {
    ...provider,
    launch: async (request) => {
      const order = orders.get(request.launchId) ?? (await provider.orders?.draft(request)) ?? null;
      if (order !== null) orders.set(request.launchId, order);
      return provider.launch({ ...request, order });
    },
  };
}

/** What a world of groups is besides: its pools, its groups, and the adapter that asks for them. */
export type GivenGroups = AdapterPorts & Partial<Pick<ProviderModelWorld, "pools" | "group">>;

/** One that never ends, and draws nothing. */
function processOf(scheduler: Scheduler): AskingProcess {
  const nowMs = () => scheduler.nowMs;
  const clock = { nowMs, monotonicMs: nowMs, sleep: async () => {} };
  const random = { fraction: () => 0.5, token: (length: number) => "0".repeat(length) };
  return { clock, random, deliver: (run) => run(), isDead: () => false };
}

export function makeScene(
  kind: ProviderWorld,
  faults: readonly Fault[] = [],
  seed = 1,
  { makeGroupPort = null, pools = [], group = PLAIN_GROUP }: GivenGroups = {},
): ProviderScene {
  const scheduler = new Scheduler(START_MS);
  const happened = new Map<string, number>();
  const started: string[] = [];
  const born: AgentBirth[] = [];
  const hosts = new Map<string, IdleHost>();
  let isFaulty = true;
  const witness: Witness = {
    machineStarted: ({ providerId }) => started.push(providerId),
    machineEnds: () => {},
    machineSleeps: () => {},
    runnerKilled: () => {},
    dispatchLost: () => {},
    jobCancelledByRunner: () => {},
    jobAcquired: () => {},
    jobFinished: () => {},
    faultHappened: (fault) => happened.set(fault, (happened.get(fault) ?? 0) + 1),
  };
  const world = {
    scheduler,
    chance: new Chance(seed),
    log: new EventLog(START_MS, () => scheduler.nowMs),
    witness,
    faults,
    isFaulty: () => isFaulty,
    makeAgentHost: (birth: AgentBirth) => {
      born.push(birth);
      const host = new IdleHost(birth);
      hosts.set(birth.providerId, host);
      return host;
    },
    signIdentity: (providerId: string) => `signed ${providerId}`,
    pools,
    group,
    standbyPools: new Set([poolName("standby")]),
    bootMs: [CLOUD_BOOT_MS, CLOUD_BOOT_MS] as const,
    runnerVersion: "2.336.0",
  };
  const model = makeProvider(kind, world, { makeGroupPort });
  const portOf = (...asker: Parameters<ProviderModel["forPool"]>) => drafting(model.forPool(...asker));
  const provider = portOf(OURS, poolName(), { process: processOf(scheduler) });
  return {
    model,
    scheduler,
    provider,
    portOf,
    born,
    started,
    faults: happened,
    stopFaults: () => {
      isFaulty = false;
    },
    pass: (forMs) => scheduler.runUntil(scheduler.nowMs + forMs),
    stateOf: async (id) => (await provider.list([parseProviderId(id)]))[0]?.state,
    hostOf: (id) => {
      const host = hosts.get(id);
      invariant(host !== undefined, `no host of ${id}`);
      return host;
    },
  };
}

export function request(launch: number, count: number, more: Partial<LaunchRequest> = {}): LaunchRequest {
  return {
    launchId: parseLaunchId(`l-${String(launch).padStart(8, "0")}`),
    pool: poolName(),
    settingsHash: "settings-1",
    machines: Array.from({ length: count }, (_, index) => {
      const id = machineId(100 * launch + index);
      return { machineId: id, identitySecret: `secret of ${id}` };
    }),
    ...more,
  };
}

/** The id of the one machine of a launch of one. */
export async function launchOne(scene: ProviderScene, launch = 1): Promise<LaunchedMachine> {
  const [launched] = await scene.provider.launch(request(launch, 1));
  invariant(launched !== undefined, "a launch of one gives one");
  return launched;
}

export function permit(scene: ProviderScene, target: { machineId?: MachineId; providerId: string }): MachinePermit {
  const state = { ...retiring(), providerId: parseProviderId(target.providerId) };
  const decision = issuePermit({
    kind: "end-machine",
    machine: machine({ id: target.machineId ?? machineId(), state }),
    tickets: [],
    proof: { kind: "forced", operator: "test", reason: "the test has it" },
    epoch: epoch(),
    time: heard(scene.scheduler.nowMs - START_MS),
  });
  invariant(decision.kind === "permitted", "a forced ending is permitted");
  return decision.permit;
}

export async function end(scene: ProviderScene, target: { machineId?: MachineId; providerId: string }): Promise<void> {
  await scene.provider.terminate(permit(scene, target));
}

export function brief({ machineId: id, launchId, pool, state }: ObservedMachine): string {
  return `${id} ${launchId} ${pool} ${state}`;
}

export async function listing(scene: ProviderScene, by: Provider = scene.provider): Promise<readonly string[]> {
  return (await by.list("all")).map(brief);
}

export function otherController(): ControllerId {
  return parseControllerId("theirs");
}
