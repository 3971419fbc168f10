/** Makes the provider of a pool, and tries its settings. An adapter is loaded only where a pool names its kind. */

import type { GroupMemory } from "../adapters/asg/provider.ts";
import { systemRandom } from "../adapters/system/random.ts";
import type { PoolName } from "../domain/ids.ts";
import { bundlePath } from "../http/agents/bundle.ts";
import type { PodAuthority } from "../http/agents/pod-identity.ts";
import type { Clock } from "../ports/clock.ts";
import type { ReviewPodToken } from "../ports/pod-identity.ts";
import { NO_ABILITIES, type Provider, type ProviderAbilities } from "../ports/provider.ts";
import { agentBundle } from "./agent-bundle.ts";
import type {
  AsgProviderConfig,
  Config,
  Ec2ProviderConfig,
  KubernetesProviderConfig,
  PoolConfig,
  ProcessProviderConfig,
} from "./config/config.ts";
import { joinAbilities, joinProviders, type Place, type SettledPlace } from "./joined-provider.ts";
import type { SettledPool } from "./settle-pools.ts";

export interface PoolProvider {
  readonly provider: Provider;
  readonly abilities: ProviderAbilities;
}

/** The provider of all machines that a pool has, whichever of its settings they were made from. */
export async function createPoolProvider(
  { config: pool, formers, isDeparted }: SettledPool,
  config: Config,
  clock: Clock,
  agentsUrl: string,
): Promise<PoolProvider> {
  const all = [pool, ...formers];
  const groups = new Map<string, GroupMemory>();
  const current = await createWithAbilities(pool, config, clock, agentsUrl, {
    isTrial: false,
    isLeft: isDeparted,
    all,
    groups,
  });
  const settled = { ...current, settingsHash: pool.policy.settingsHash, location: placeOf(pool) };
  const joined: (PoolProvider & SettledPlace)[] = [];
  for (const former of formers) {
    const location = placeOf(former);
    const settings = { isTrial: false, isLeft: isDeparted || location !== settled.location, all, groups };
    const made = await createWithAbilities(former, config, clock, agentsUrl, settings);
    joined.push({ ...made, settingsHash: former.policy.settingsHash, location });
  }
  return { provider: joinProviders(settled, joined), abilities: joinAbilities(settled, joined) };
}

/** Where its machines are listed. */
export function placeOf({ provider }: PoolConfig): string {
  switch (provider.kind) {
    case "process":
      return `process ${provider.workDirectory}`;
    case "ec2":
      return `ec2 ${provider.region} ${provider.endpoint}`;
    case "asg":
      return `asg ${provider.region} ${provider.autoScalingEndpoint} ${provider.group}`;
    case "kubernetes":
      return clusterPlaceOf(provider);
  }
}

function clusterPlaceOf({ access, namespace }: KubernetesProviderConfig): string {
  return `kubernetes ${namespace} ${JSON.stringify(access)}`;
}

/**
 * To be tried out, and for nothing else.
 * @param agentsUrl where the pool's agents reach the controller.
 * @throws {ProviderError} `provider-invalid` for credentials that cannot be read.
 */
export async function createProvider(
  pool: PoolConfig,
  config: Config,
  clock: Clock,
  agentsUrl: string,
): Promise<Provider> {
  const settings = { isTrial: true, isLeft: false, all: [pool], groups: new Map() };
  return (await createWithAbilities(pool, config, clock, agentsUrl, settings)).provider;
}

interface Settings {
  /** Credentials that cannot be read are an error at once. A pool that runs reads them at its calls: they may come back. */
  readonly isTrial: boolean;
  /** The pool does not name this place any more. */
  readonly isLeft: boolean;
  /** Those of the pool, former ones included. */
  readonly all: readonly PoolConfig[];
  /** What is known of each group, by its place. */
  readonly groups: Map<string, GroupMemory>;
}

async function createWithAbilities(
  pool: PoolConfig,
  config: Config,
  clock: Clock,
  agentsUrl: string,
  settings: Settings,
): Promise<PoolProvider & Place> {
  const { provider } = pool;
  switch (provider.kind) {
    case "process": {
      const { isMachineId } = await import("../adapters/process/provider.ts");
      return {
        provider: await createProcess({ ...pool, provider }, config, clock, agentsUrl),
        abilities: NO_ABILITIES,
        names: isMachineId,
        idKind: "process",
        isExclusive: false,
      };
    }
    case "ec2": {
      const { isInstanceId } = await import("../adapters/ec2/provider.ts");
      const created = await createEc2({ ...pool, provider }, config, clock, agentsUrl);
      const names = { names: isInstanceId, idKind: "instance", isExclusive: false } as const;
      return { provider: created, abilities: created, ...names };
    }
    case "asg": {
      const { isInstanceId } = await import("../adapters/asg/provider.ts");
      const created = await createAsg({ ...pool, provider }, config, clock, settings);
      const names = { names: isInstanceId, idKind: "instance", isExclusive: false } as const;
      return { provider: created, abilities: created, ...names };
    }
    case "kubernetes": {
      const { namesPodOf } = await import("../adapters/kubernetes/provider.ts");
      const created = await createKubernetes({ ...pool, provider }, config, clock, agentsUrl, settings);
      const names = { names: namesPodOf(provider.namespace), idKind: "pod", isExclusive: true } as const;
      return { provider: created, abilities: created, ...names };
    }
  }
}

async function createProcess(
  pool: PoolConfig & { readonly provider: ProcessProviderConfig },
  config: Config,
  clock: Clock,
  agentsUrl: string,
): Promise<Provider> {
  const { createProcessProvider } = await import("../adapters/process/provider.ts");
  return createProcessProvider({
    controllerId: config.controllerId,
    pool: pool.policy.name,
    workDirectory: pool.provider.workDirectory,
    runnerDirectory: pool.runner.directory,
    runnerEnvironment: pool.runner.environment,
    controllerUrl: agentsUrl,
    clock,
  });
}

async function createEc2(
  { policy, runner, provider }: PoolConfig & { readonly provider: Ec2ProviderConfig },
  { controllerId }: Config,
  clock: Clock,
  agentsUrl: string,
): Promise<Provider & ProviderAbilities> {
  const { createEc2Provider } = await import("../adapters/ec2/provider.ts");
  const { sha256, entry } = agentBundle();
  const { kind: _, identityCertificates: __, runnerUser, runnerDownload, ...settings } = provider;
  return createEc2Provider({
    controllerId,
    pool: policy.name,
    settings,
    host: {
      runnerDirectory: runner.directory,
      runnerUser,
      runnerDownload,
      runnerEnvironment: runner.environment,
    },
    bundle: { url: `${agentsUrl}${bundlePath(sha256)}`, sha256, entry },
    controllerUrl: agentsUrl,
    clock,
    keepsStopped: policy.warmStoppedCount > 0,
  });
}

/** Its machines' own software is in their image: what they run is none of the provider's business. */
async function createAsg(
  pool: PoolConfig & { readonly provider: AsgProviderConfig },
  { controllerId }: Config,
  clock: Clock,
  { isLeft, all, groups }: Settings,
): Promise<Provider & ProviderAbilities> {
  const { createAsgProvider, GroupMemory } = await import("../adapters/asg/provider.ts");
  const { policy, provider } = pool;
  const memory = groups.get(placeOf(pool)) ?? new GroupMemory(clock);
  groups.set(placeOf(pool), memory);
  const { kind: _, identityCertificates: __, runnerUser: ___, ...settings } = provider;
  return createAsgProvider({
    controllerId,
    pool: policy.name,
    settings,
    clock,
    machineCountMax: policy.machineCountMax,
    isObserving: policy.mode === "observe",
    isLeft,
    memory,
    otherGroups: otherGroupsOf(provider, all),
  });
}

/** A group's name is one of its account's in a region. */
function otherGroupsOf(provider: AsgProviderConfig, all: readonly PoolConfig[]): readonly string[] {
  const { region, autoScalingEndpoint, group } = provider;
  return all.flatMap(({ provider: other }) =>
    other.kind === "asg" &&
    other.region === region &&
    other.autoScalingEndpoint === autoScalingEndpoint &&
    other.group !== group
      ? [other.group]
      : [],
  );
}

async function createKubernetes(
  { policy, runner, provider }: PoolConfig & { readonly provider: KubernetesProviderConfig },
  { controllerId }: Config,
  clock: Clock,
  agentsUrl: string,
  { isTrial }: Settings,
): Promise<Provider & ProviderAbilities> {
  const { createKubernetesProvider } = await import("../adapters/kubernetes/provider.ts");
  const { createClients, createClientsLater } = await import("../adapters/kubernetes/client.ts");
  const { sha256, entry } = agentBundle();
  const { kind: _, ...settings } = provider;
  const options = {
    controllerId,
    pool: policy.name,
    settings,
    runnerDirectory: runner.directory,
    runnerEnvironment: runner.environment,
    bundle: { url: `${agentsUrl}${bundlePath(sha256)}`, sha256, entry },
    controllerUrl: agentsUrl,
    isObserving: policy.mode === "observe",
    clock,
    random: systemRandom(),
  };
  return createKubernetesProvider(options, (isTrial ? createClients : createClientsLater)(settings.access, clock));
}

/** Who vouches for pods: one for each cluster and namespace in which a pool has or had some. */
export function podAuthoritiesOf(pools: readonly SettledPool[], clock: Clock): readonly PodAuthority[] {
  const places = new Map<string, { readonly provider: KubernetesProviderConfig; readonly pools: Set<PoolName> }>();
  for (const { config, formers } of pools)
    for (const { provider } of [config, ...formers]) {
      if (provider.kind !== "kubernetes") continue;
      const place = places.get(clusterPlaceOf(provider)) ?? { provider, pools: new Set<PoolName>() };
      place.pools.add(config.policy.name);
      places.set(clusterPlaceOf(provider), place);
    }
  return [...places.values()].map(({ provider: { access, namespace }, pools: names }) => {
    let review: Promise<ReviewPodToken> | null = null;
    return {
      namespace,
      pools: [...names],
      reviewPodToken: async (token) => {
        review ??= openReview(access, clock).catch((error: unknown) => {
          // Credentials that cannot be read now may be the next time.
          review = null;
          throw error;
        });
        return (await review)(token);
      },
    };
  });
}

async function openReview(access: KubernetesProviderConfig["access"], clock: Clock): Promise<ReviewPodToken> {
  const { openTokenReview } = await import("../adapters/kubernetes/token-review.ts");
  return openTokenReview(access, clock);
}
