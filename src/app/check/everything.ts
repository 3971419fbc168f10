/** All findings of a sound configuration: each pool's provider, its labels, and each connection. Starts nothing. */

import { GitHubError, ProviderError } from "../../domain/errors.ts";
import type { ConnectionName } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GitHubConnection } from "../../ports/github.ts";
import type { Provider } from "../../ports/provider.ts";
import type { Config, ConnectionConfig, PoolConfig } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import type { TracesConfig } from "../config/traces.ts";
import { createProvider as createProviderOf } from "../providers.ts";
import { checkConnection } from "./connection.ts";
import { type Finding, failure, ok, type Place, warning } from "./finding.ts";
import { judgeOverlaps } from "./overlaps.ts";
import { lookAtRunnerOnly } from "./runner-version.ts";
import { describeFailedSignIn } from "./sign-in.ts";
import { silentTelemetry } from "./silent-telemetry.ts";
import { type PoolSubject, poolPlace } from "./subject.ts";

export interface CheckParts {
  readonly clock: Clock;
  /** @throws {GitHubError} `github-unauthorized` where the credentials cannot be any. */
  connect(config: ConnectionConfig): Promise<GitHubConnection>;
  createProvider(pool: PoolConfig, config: Config): Promise<Provider>;
  /** @returns why the collector did not take an empty request; null where it did. */
  tryCollector(traces: TracesConfig): Promise<string | null>;
}

export interface CheckScope {
  /** Leaves GitHub out. */
  readonly isOffline: boolean;
}

/** @returns findings by area: the connections as they are configured, then the pools. */
export async function checkEverything(
  config: Config,
  parts: CheckParts,
  { isOffline }: CheckScope,
): Promise<readonly Finding[]> {
  const pools = await Promise.all(
    config.pools.map((pool, index) => preparePool(pool, `pools[${index}]`, config, parts)),
  );
  const subjects = pools.map(({ subject }) => subject);
  const [ofPools, ofTraces, ofGitHub] = await Promise.all([
    Promise.all(pools.map((pool) => checkProvider(pool))),
    checkCollector(config, parts),
    isOffline
      ? Promise.all(subjects.map(lookAtRunnerOnly))
      : Promise.all([...config.connections.values()].map((one) => checkOne(one, subjects, config, parts))),
  ]);
  return inOrder([...ofGitHub.flat(), ...ofPools.flat(), ...judgeOverlaps(subjects), ...ofTraces], config);
}

/** Without its traces Holdfast runs all the same. */
async function checkCollector({ traces }: Config, { tryCollector }: CheckParts): Promise<readonly Finding[]> {
  if (traces === null) return [];
  const place: Place = { area: TRACES_AREA, path: "telemetry.traces" };
  const why = await tryCollector(traces);
  if (why === null) return [ok(place, `the collector at ${traces.url} takes spans`)];
  const mend =
    "Look at its address, at its headers and certificate authority, and whether it runs; jobs need no traces.";
  return [warning(place, `the collector at ${traces.url} took no spans: ${why}`, mend)];
}

interface PreparedPool {
  readonly subject: PoolSubject;
  readonly config: PoolConfig;
  readonly provider: Provider;
}

async function preparePool(config: PoolConfig, path: string, all: Config, parts: CheckParts): Promise<PreparedPool> {
  const provider = await parts.createProvider(config, all);
  // Asked by several looks, and it starts a process each time.
  let version: Promise<string | null> | null = null;
  const readRunnerVersion = () => {
    version ??= provider.readRunnerVersion();
    return version;
  };
  return { config, provider, subject: { policy: config.policy, path, readRunnerVersion } };
}

async function checkProvider({ subject, config, provider }: PreparedPool): Promise<readonly Finding[]> {
  const { area } = poolPlace(subject, "provider");
  const place: Place = { area, path: `${subject.path}.provider` };
  try {
    const found = (await provider.check()).map(({ severity, path, finding, mend }) => {
      const at = { area, path: path.replace("pools[]", subject.path) };
      return severity === "error" ? failure(at, finding, mend, "provider-invalid") : warning(at, finding, mend);
    });
    return found.length === 0 ? [ok(place, `its provider, ${config.provider.kind}, could launch here`)] : found;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return [failure(place, `${error.message} failed`, "Try again; if it stays so, look at the provider.", error.code)];
  }
}

async function checkOne(
  config: ConnectionConfig,
  pools: readonly PoolSubject[],
  { urls }: Config,
  { clock, connect }: CheckParts,
): Promise<readonly Finding[]> {
  const own = pools.filter(({ policy }) => policy.connection === config.name);
  const unused = own.length > 0 ? [] : [describeUnused(config.name)];
  try {
    const connection = await connect(config);
    const listRepositories = once((owner) => connection.github.listRepositories(owner));
    const subject = { config, connection, pools: own, webhooksUrl: urls.webhooks, clock, listRepositories };
    return [...(await checkConnection(subject)), ...unused];
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    return [describeFailedSignIn(error, config), ...unused];
  }
}

function describeUnused(name: ConnectionName): Finding {
  const place = { area: `connection ${name}`, path: `github.${name}` };
  return warning(place, "no pool uses this connection", `Remove it, or name it by \`github: ${name}\` in a pool.`);
}

type ListRepositories = PoolListing["listRepositories"];
interface PoolListing {
  readonly listRepositories: (owner: string | null) => Promise<readonly string[]>;
}

/** A failed listing is remembered too: it would fail again. */
function once(list: ListRepositories): ListRepositories {
  const asked = new Map<string | null, Promise<readonly string[]>>();
  return (owner) => {
    const key = owner?.toLowerCase() ?? null;
    const known = asked.get(key) ?? list(owner);
    asked.set(key, known);
    return known;
  };
}

const TRACES_AREA = "traces";
const CONNECTION_AREAS = ["connection", "webhook", "jobs"];

function inOrder(findings: readonly Finding[], config: Config): readonly Finding[] {
  const areas = [
    ...[...config.connections.keys()].flatMap((name) => CONNECTION_AREAS.map((area) => `${area} ${name}`)),
    ...config.pools.map(({ policy }) => `pool ${policy.name}`),
    TRACES_AREA,
  ];
  return areas.flatMap((area) => withoutRepeats(findings.filter((finding) => finding.area === area)));
}

/** Several looks at one pool may meet the same refusal. */
function withoutRepeats(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((one, index) => findings.findIndex(({ finding }) => finding === one.finding) === index);
}

/** As the command uses them. The adapter is loaded only where GitHub is asked. */
export function systemParts(clock: Clock, environment: Environment): CheckParts {
  return {
    clock,
    connect: async (connection) => {
      const { connectGitHub } = await import("../connections.ts");
      return connectGitHub(connection, { clock, telemetry: silentTelemetry, environment });
    },
    createProvider: (pool, config) => createProviderOf(pool, config, clock, config.urls.agents),
    tryCollector: async (traces) => (await import("../../adapters/opentelemetry/exporter.ts")).tryCollector(traces),
  };
}
