/** The configuration as the rest of the program gets it: checked, with defaults, secrets read, paths absolute. */
import type { ConnectionName, ControllerId } from "../../domain/ids.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import type { ListenAddress } from "./addresses.ts";

export interface Config {
  readonly controllerId: ControllerId;
  /** `sqlite:` and an absolute path, or `sqlite::memory:`. */
  readonly storeAddress: string;
  readonly listen: {
    readonly webhooks: ListenAddress;
    readonly agents: ListenAddress;
    readonly operators: ListenAddress;
  };
  /** Without a slash at the end. */
  readonly urls: { readonly webhooks: string; readonly agents: string };
  /** Secret. At least 32 bytes. */
  readonly tokenKey: Uint8Array;
  readonly connections: ReadonlyMap<ConnectionName, ConnectionConfig>;
  readonly operators: readonly OperatorConfig[];
  readonly pools: readonly PoolConfig[];
}

export type ConnectionAuth =
  | { readonly kind: "app"; readonly appId: number; readonly privateKeyPem: string }
  | { readonly kind: "token"; readonly token: string };

export interface ConnectionConfig {
  readonly name: ConnectionName;
  /** Without a slash at the end. */
  readonly apiUrl: string;
  /** Secret. */
  readonly auth: ConnectionAuth;
  /** Secret. At least one; a delivery is signed with any of them. */
  readonly webhookSecrets: readonly string[];
}

export interface OperatorConfig {
  readonly name: string;
  readonly role: "reader" | "operator";
  /** Secret. Null: whoever comes without a token. */
  readonly token: string | null;
}

export interface RunnerConfig {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface ProviderConfig {
  readonly kind: "process";
  readonly workDirectory: string;
}

export interface PoolConfig {
  readonly policy: PoolPolicy;
  readonly runner: RunnerConfig;
  readonly provider: ProviderConfig;
}
