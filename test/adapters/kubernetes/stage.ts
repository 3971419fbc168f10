/** A pool of pods of a test: a simulated cluster behind real HTTP, a clock of its own, and permits for its machines. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { createKubernetesProvider, type KubernetesProvider } from "../../../src/adapters/kubernetes/provider.ts";
import type {
  ClusterAccess,
  KubernetesProviderOptions,
  KubernetesSettings,
} from "../../../src/adapters/kubernetes/settings.ts";
import { type ProviderId, parseControllerId, parseLaunchId, parseMachineId } from "../../../src/domain/ids.ts";
import type { MachineState } from "../../../src/domain/machine.ts";
import { issuePermit, type MachinePermit, type MachineProof } from "../../../src/domain/permit.ts";
import { parsePodProviderId } from "../../../src/domain/pod/provider-id.ts";
import type { RetireReason } from "../../../src/domain/reasons.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { LaunchedMachine, LaunchRequest } from "../../../src/ports/provider.ts";
import type { KubernetesSetup } from "../../../src/simulator/kubernetes/create.ts";
import type { PodStatus } from "../../../src/simulator/kubernetes/objects.ts";
import {
  type SimulatedKubernetes,
  startSimulatedKubernetes,
} from "../../../src/simulator/server/kubernetes/simulated-kubernetes.ts";
import { epoch, heard, poolName, retiring, START_MS, unheardMachine } from "../../domain/builders.ts";

export const NAMESPACE = "runners";
export const CONTROLLER = parseControllerId("ci-test");

/** A clock that moves when it is told to; what sleeps goes on in the next turn of the loop. */
export interface HandClock extends Clock {
  pass(durationMs: number): void;
}

export function handClock(startMs = START_MS): HandClock {
  let passedMs = 0;
  return {
    nowMs: () => startMs + passedMs,
    monotonicMs: () => passedMs,
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    pass: (durationMs) => {
      passedMs += durationMs;
    },
  };
}

export function settingsOf(changes: Partial<KubernetesSettings> = {}): KubernetesSettings {
  return {
    access: { kind: "in-cluster" },
    namespace: NAMESPACE,
    image: "ghcr.io/actions/actions-runner:2.336.0",
    resources: { requests: { cpu: "1" }, limits: {} },
    nodeSelector: {},
    tolerations: [],
    serviceAccount: null,
    longestJobSeconds: 21_600,
    template: {},
    ...changes,
  };
}

export function optionsOf(settings: KubernetesSettings, clock: Clock = handClock()): KubernetesProviderOptions {
  return {
    controllerId: CONTROLLER,
    pool: poolName(),
    settings,
    runnerDirectory: "/home/runner",
    runnerEnvironment: {},
    bundle: { url: "https://holdfast.test/agent/v1/bundle/x.tar.gz", sha256: "0".repeat(64), entry: "agent/main.ts" },
    controllerUrl: "https://holdfast.test",
    isObserving: false,
    clock,
    random: { token: () => "0", fraction: () => 0 },
  };
}

export interface Stage {
  readonly cluster: SimulatedKubernetes;
  readonly clock: HandClock;
  readonly provider: KubernetesProvider;
  /** An administrator's. */
  readonly access: ClusterAccess;
  /** Another process of the same controller: it remembers nothing. */
  another(who?: Other): KubernetesProvider;
}

interface Other {
  readonly token?: string;
  readonly settings?: Partial<KubernetesSettings>;
  readonly controllerId?: string;
  readonly pool?: string;
  readonly isObserving?: boolean;
  readonly clock?: Clock;
}

/** For each test a cluster in which nothing happens by itself, unless told otherwise. */
export function useStage(kubernetes: KubernetesSetup = {}, settings: Partial<KubernetesSettings> = {}): Stage {
  let cluster: SimulatedKubernetes;
  let clock: HandClock;
  let provider: KubernetesProvider;
  let folder: string;
  const accessBy = (token: string): ClusterAccess => {
    const tokenFile = join(folder, `token-${token}`);
    writeFileSync(tokenFile, token);
    return { kind: "token", server: cluster.url, tokenFile, certificateFile: null };
  };
  const another = (who: Other = {}): KubernetesProvider => {
    const access = accessBy(who.token ?? cluster.token);
    const options = optionsOf(settingsOf({ access, ...settings, ...who.settings }), who.clock ?? clock);
    const controllerId = parseControllerId(who.controllerId ?? CONTROLLER);
    const pool = poolName(who.pool);
    return createKubernetesProvider({ ...options, controllerId, pool, isObserving: who.isObserving ?? false });
  };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-kubernetes-"));
    cluster = await startSimulatedKubernetes({ seed: 1, kubernetes: { hasKubelets: false, ...kubernetes } });
    clock = handClock();
    provider = another();
  });
  afterEach(async () => {
    await cluster.close();
    rmSync(folder, { recursive: true });
  });
  return {
    get cluster() {
      return cluster;
    },
    get clock() {
      return clock;
    },
    get provider() {
      return provider;
    },
    get access() {
      return accessBy(cluster.token);
    },
    another: (who) => another(who),
  };
}

let launchCount = 0;

/** A launch that was never asked for before. */
export function newLaunch(machineCount = 1): LaunchRequest {
  launchCount += 1;
  const token = String(launchCount).padStart(8, "0");
  return {
    launchId: parseLaunchId(`l-${token}`),
    pool: poolName(),
    settingsHash: "hash",
    machines: Array.from({ length: machineCount }, (_, index) => ({
      machineId: parseMachineId(`m-${token}${String(index).padStart(3, "0")}`),
      identitySecret: "",
    })),
  };
}

/** As the controllers do it: drafted, stored, carried out. */
export async function drafted(provider: KubernetesProvider, request = newLaunch()): Promise<LaunchRequest> {
  return { ...request, order: (await provider.orders?.draft(request)) ?? null };
}

/** Launches one machine. */
export async function launchOne(provider: KubernetesProvider): Promise<LaunchedMachine> {
  const [launched] = await provider.launch(await drafted(provider));
  if (launched === undefined) throw new Error("nothing was launched");
  return launched;
}

export function placeOf(id: ProviderId): { readonly name: string; readonly namespace: string; readonly uid: string } {
  const place = parsePodProviderId(id);
  if (place === null) throw new Error(`not a pod's id: ${id}`);
  return { name: place.podName, namespace: place.namespace, uid: place.podUid };
}

const FORCED: MachineProof = { kind: "forced", operator: "alice", reason: "test" };

/** @param retireWhenSpent of the row: `adopted` for one that was written at first sight of the pod. */
export function permitFor(
  providerId: ProviderId,
  clock: Clock,
  proof: MachineProof = FORCED,
  retireWhenSpent: RetireReason | null = null,
): MachinePermit {
  const state = { ...retiring(), providerId } as MachineState;
  const decision = issuePermit({
    kind: "end-machine",
    machine: unheardMachine({ state, retireWhenSpent }),
    tickets: [],
    proof,
    epoch: epoch(),
    time: { ...heard(), nowMs: clock.nowMs() },
  });
  if (decision.kind === "refused") throw new Error(`no permit: ${decision.missing.join(", ")}`);
  return decision.permit;
}

type State = NonNullable<NonNullable<PodStatus["containerStatuses"]>[number]["state"]>;

/** Its status as a kubelet writes it, with the runner's container in this state. */
export function statusOf(phase: string, state: State, lastState: State = {}): PodStatus {
  const container = { name: "runner", image: "runner", imageID: "", ready: false, restartCount: 0, state, lastState };
  return { phase, containerStatuses: [container] } as unknown as PodStatus;
}

export const AT = "2026-05-04T04:00:00Z";
export const RUNNING = statusOf("Running", { running: { startedAt: AT } });
export const WAITING = statusOf("Pending", { waiting: { reason: "ContainerCreating" } });
export const ENDED = statusOf("Running", {
  terminated: { exitCode: 137, reason: "OOMKilled", startedAt: AT, finishedAt: AT },
} as State);
