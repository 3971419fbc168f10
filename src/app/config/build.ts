import { resolve } from "node:path";
import type { VolumeSettings } from "../../adapters/ec2/settings.ts";
import { POD_RUNNER_DIRECTORY } from "../../domain/host/pod-settings.ts";
import { parseConnectionName, parseControllerId, parsePoolName } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import type { PoolPolicy, PoolScope } from "../../domain/pool.ts";
import { PROTOCOL_VERSION } from "../../domain/protocol.ts";
import { type ListenAddress, urlOf } from "./addresses.ts";
import { buildAsg } from "./build-asg.ts";
import { buildKubernetes } from "./build-kubernetes.ts";
import type {
  Config,
  ConnectionAuth,
  ConnectionConfig,
  NetworkConfig,
  PoolConfig,
  ProviderConfig,
  RunnerConfig,
} from "./config.ts";
import type { NetworkSecret } from "./networks.ts";
import type { WrittenConfig, WrittenPool } from "./schema.ts";
import type { AuthSecret, Secrets } from "./secrets.ts";
import { hashSettings, type MadeFrom } from "./settings-hash.ts";

/**
 * Puts together what was written and the secrets beside it. Only for a configuration without problems.
 * @param folder the file's own, where relative paths begin.
 */
export function buildConfig(written: WrittenConfig, secrets: Secrets, folder: string): Config {
  const listen = buildListen(written.listen, folder);
  const urls = buildUrls(written.urls, listen);
  invariant(secrets.tokenKey !== null, "a configuration without problems has a token key");
  return {
    controllerId: parseControllerId(written.controllerId),
    storeAddress: buildStoreAddress(written.store, folder),
    listen,
    urls,
    tokenKey: secrets.tokenKey,
    connections: buildConnections(written.github, secrets),
    traces: secrets.traces,
    operators: written.operators.map(({ name, role }, index) => ({
      name,
      role,
      token: secrets.operatorTokens[index] ?? null,
    })),
    pools: written.pools.map((pool, index) =>
      buildPool(pool, folder, urls.agents, secrets.identityCertificates.get(index)),
    ),
  };
}

function buildListen(listen: WrittenConfig["listen"], folder: string): Config["listen"] {
  if ("host" in listen) return { webhooks: listen, agents: listen, operators: listen, tls: null, trustedProxies: [] };
  const { webhooks, agents, operators, trustedProxies } = listen;
  const tls = listen.tls && {
    certificateFile: resolve(folder, listen.tls.certificateFile),
    keyFile: resolve(folder, listen.tls.keyFile),
  };
  return { webhooks, agents, operators, tls: tls ?? null, trustedProxies };
}

function buildUrls(urls: WrittenConfig["urls"], listen: { readonly webhooks: ListenAddress }): Config["urls"] {
  if (typeof urls === "object") return { ...urls, operators: urls.operators ?? null };
  const one = urls ?? urlOf(listen.webhooks);
  return { webhooks: one, agents: one, operators: null };
}

const SQLITE = "sqlite:";
const IN_MEMORY = "sqlite::memory:";

function buildStoreAddress(store: string, folder: string): string {
  return store === IN_MEMORY ? store : `${SQLITE}${resolve(folder, store.slice(SQLITE.length))}`;
}

function buildConnections(github: WrittenConfig["github"], secrets: Secrets): Config["connections"] {
  return new Map(
    Object.entries(github).map(([key, { apiUrl, app, proxy, demand }]) => {
      const name = parseConnectionName(key);
      const auth = buildAuth(secrets.auths.get(key) ?? null, app?.id);
      const connection: ConnectionConfig = {
        name,
        apiUrl,
        auth,
        network: buildNetwork(proxy, secrets.networks.get(key)),
        demand,
        webhookSecrets: secrets.webhookSecrets.get(key) ?? [],
      };
      return [name, connection];
    }),
  );
}

type WrittenProxy = WrittenConfig["github"][string]["proxy"];

function buildNetwork(proxy: WrittenProxy, secret: NetworkSecret | undefined): NetworkConfig {
  invariant(secret !== undefined, "the network of each connection was read");
  const url = proxy?.url ?? secret.proxyUrl;
  return { caPem: secret.caPem, proxy: url === null ? null : { url, except: proxy?.except ?? [] } };
}

function buildAuth(secret: AuthSecret | null, appId: number | undefined): ConnectionAuth {
  invariant(secret !== null, "a configuration without problems has credentials for each connection");
  if (secret.kind === "token") return secret;
  invariant(appId !== undefined, "an App has an id");
  return { ...secret, appId };
}

/**
 * @param folder where relative paths begin.
 * @param identityCertificates what `provider.identityCertificateFile` holds; a world has none.
 */
export function buildPool(
  pool: WrittenPool,
  folder: string,
  agentsUrl: string,
  identityCertificates: readonly string[] = [],
): PoolConfig {
  const made = buildProvider(pool, folder);
  // Who vouches for a machine is nothing that it is made from.
  const provider: ProviderConfig =
    made.kind === "ec2" || made.kind === "asg" ? { ...made, identityCertificates } : made;
  const { directory = POD_RUNNER_DIRECTORY, environment } = pool.runner;
  const runner: RunnerConfig = {
    // Of a machine that is a computer of its own, the folder is there and not here.
    directory: provider.kind === "process" ? resolve(folder, directory) : directory,
    environment,
  };
  const policy: PoolPolicy = {
    name: parsePoolName(pool.name),
    connection: parseConnectionName(pool.github),
    scope: buildScope(pool.scope),
    acceptRepositories: pool.accept?.repositories ?? null,
    labels: pool.labels,
    runnerGroup: pool.runnerGroup,
    requiredLabels: pool.requiredLabels,
    priority: pool.priority,
    mode: pool.mode,
    machineCountMax: pool.machines.max,
    jobsPerMachine: pool.machines.jobsPerMachine,
    warmParkedCount: pool.warm.parked,
    warmStoppedCount: pool.warm.stopped,
    warmRegisteredCount: pool.warm.registered,
    readyTicketCount: pool.tickets.ready,
    maxAgeMs: pool.machines.maxAge ?? null,
    deadlines: {
      bootMs: pool.deadlines.boot,
      onlineMs: pool.deadlines.online,
      idleTicketMs: pool.deadlines.idleTicket,
      lostHostMs: pool.deadlines.lostHost,
      unknownMs: pool.deadlines.unknown,
    },
    rerun: pool.rerun.lostJobs ? { exceptLabel: pool.rerun.exceptLabel ?? null } : null,
    ...(made.kind === "asg" && made.scaling === "external" ? { sizing: "external" as const } : {}),
    settingsHash: hashSettings({ runner, provider: madeFrom(made), agentsUrl, protocolVersion: PROTOCOL_VERSION }),
  };
  return { policy, runner, provider };
}

function buildProvider(pool: WrittenPool, folder: string): ProviderConfig {
  const { provider, runner } = pool;
  if (provider.kind === "process") {
    invariant(provider.workDirectory !== undefined, "a process pool without problems has a folder");
    return { kind: "process", workDirectory: resolve(folder, provider.workDirectory) };
  }
  if (provider.kind === "kubernetes") return buildKubernetes(provider, folder);
  if (provider.kind === "asg") return buildAsg(pool);
  const { region, subnets, instanceTypes, volume } = provider;
  invariant(region !== undefined && subnets !== undefined && instanceTypes !== undefined, "an EC2 pool has its keys");
  return {
    kind: "ec2",
    region,
    endpoint: provider.endpoint ?? null,
    subnets,
    securityGroups: provider.securityGroups,
    instanceTypes,
    image: provider.image ?? null,
    launchTemplate: provider.launchTemplate ?? null,
    market: provider.market,
    onDemandBase: provider.onDemandBase,
    onDemandPercent: provider.onDemandPercent,
    spotAllocation: provider.spotAllocation,
    onDemandAllocation: provider.onDemandAllocation,
    spotMaxPrice: provider.spotMaxPrice ?? null,
    tenancy: provider.tenancy,
    hostResourceGroup: provider.hostResourceGroup ?? null,
    instanceProfile: provider.instanceProfile ?? null,
    publicAddress: provider.publicAddress ?? null,
    volume: volume === undefined ? null : buildVolume(volume),
    metadataHops: provider.metadataHops,
    tags: provider.tags,
    runnerUser: runner.user ?? "runner",
    runnerDownload: runner.download ?? null,
    identityCertificates: [],
  };
}

/** A group's launch template makes its machines: who sizes the group, and how it is reached, changes none of them. */
function madeFrom(provider: ProviderConfig): MadeFrom {
  if (provider.kind !== "asg") return provider;
  const { kind, region, group } = provider;
  return { kind, region, group };
}

function buildVolume(volume: NonNullable<WrittenPool["provider"]["volume"]>): VolumeSettings {
  const { sizeGib = null, type, iops = null, throughputMib = null, kmsKey = null } = volume;
  return { sizeGib, type, iops, throughputMib, kmsKey };
}

function buildScope({ organization, repositories, enterprise }: WrittenPool["scope"]): PoolScope {
  if (organization !== undefined) return { kind: "organization", organization };
  if (enterprise !== undefined) return { kind: "enterprise", enterprise };
  invariant(repositories !== undefined, "a scope without problems names one of three");
  return { kind: "repositories", repositories };
}
