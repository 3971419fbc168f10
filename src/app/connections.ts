/** The connections to GitHub: one of each, shared by its pools so that they spend one budget. */
import { createGitHubConnection } from "../adapters/github/connection.ts";
import { createFetch } from "../adapters/network/fetch.ts";
import {
  type ConnectionContext,
  type ConnectionMemory,
  emptyConnectionMemory,
} from "../controllers/connection/context.ts";
import type { Surroundings } from "../controllers/context.ts";
import type { ConnectionName, PoolName } from "../domain/ids.ts";
import { invariant } from "../domain/invariant.ts";
import type { ConnectionReading } from "../http/operators/sources.ts";
import type { Clock } from "../ports/clock.ts";
import type { GitHubConnection } from "../ports/github.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { Config, ConnectionConfig } from "./config/config.ts";
import type { Environment } from "./config/environment.ts";

export interface ConnectionParts {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** For the proxy variables. */
  readonly environment: Environment;
}

/** @throws {GitHubError} `github-unauthorized` where the token cannot be one. */
export function connectGitHub(config: ConnectionConfig, parts: ConnectionParts, stop?: AbortSignal): GitHubConnection {
  const { name, apiUrl, auth, network } = config;
  const { clock, telemetry, environment } = parts;
  const fetch = createFetch({ ...network, environment });
  return createGitHubConnection({ connection: name, apiUrl, auth, fetch, clock, telemetry, ...(stop && { stop }) });
}

export class Connections {
  readonly #config: Config;
  readonly #stop = new AbortController();
  readonly #connections: ReadonlyMap<ConnectionName, GitHubConnection>;
  readonly #memories: ReadonlyMap<ConnectionName, ConnectionMemory>;

  constructor(config: Config, parts: ConnectionParts) {
    this.#config = config;
    const configs = [...config.connections.values()];
    this.#connections = new Map(configs.map((one) => [one.name, connectGitHub(one, parts, this.#stop.signal)]));
    this.#memories = new Map(configs.map(({ name }) => [name, emptyConnectionMemory()]));
  }

  /** Nothing is looked around for any more; what is urgent goes on to its end. */
  stop(): void {
    this.#stop.abort();
  }

  of(name: ConnectionName): GitHubConnection {
    const connection = this.#connections.get(name);
    invariant(connection !== undefined, `pool's connection ${name} is configured`);
    return connection;
  }

  /** What each connection's controllers work with. A connection that no pool works with is left alone. */
  contexts(surroundings: Surroundings, isHeld: (pool: PoolName) => boolean): readonly ConnectionContext[] {
    const { connections, urls } = this.#config;
    return [...connections.values()].flatMap(({ name, demand }) => {
      const ownPools = surroundings.pools.filter((pool) => pool.connection === name);
      if (ownPools.length === 0) return [];
      const { github, hooks } = this.of(name);
      const isHolding = () => ownPools.some((pool) => isHeld(pool.name));
      const own = { connection: name, demand, github, hooks, ownPools, isHolding };
      return [{ ...surroundings, ...own, webhooksUrl: urls.webhooks, memory: this.#memory(name) }];
    });
  }

  read(): readonly ConnectionReading[] {
    return [...this.#config.connections.values()].map(({ name, demand }) => {
      const { repositories, lookedAtMs, trouble } = this.#memory(name);
      const isLookedAtAll = repositories?.names.every((repository) => lookedAtMs.has(repository)) ?? false;
      const troubles = [trouble.recover, trouble.discover, trouble.rerun].filter((one) => one !== null);
      return {
        name,
        demand,
        budgets: this.of(name).readBudgets(),
        repositoryCount: repositories?.names.length ?? null,
        lookedAtMs: isLookedAtAll && lookedAtMs.size > 0 ? Math.min(...lookedAtMs.values()) : null,
        troubles: troubles.map(({ code, text }) => `${code}: ${text}`),
      };
    });
  }

  #memory(name: ConnectionName): ConnectionMemory {
    const memory = this.#memories.get(name);
    invariant(memory !== undefined, `connection ${name} is configured`);
    return memory;
  }
}
