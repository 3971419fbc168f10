/** The configuration as the rest of the program gets it: checked, with defaults, secrets read, paths absolute. */
import type { AsgSettings } from "../../adapters/asg/settings.ts";
import type { Ec2Settings, RunnerDownload } from "../../adapters/ec2/settings.ts";
import type { KubernetesSettings } from "../../adapters/kubernetes/settings.ts";
import type { ConnectionName, ControllerId } from "../../domain/ids.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import type { ListenAddress } from "./addresses.ts";
import type { TracesConfig } from "./traces.ts";

export interface Config {
  readonly controllerId: ControllerId;
  /** `sqlite:` and an absolute path, or `sqlite::memory:`. */
  readonly storeAddress: string;
  readonly listen: {
    readonly webhooks: ListenAddress;
    readonly agents: ListenAddress;
    readonly operators: ListenAddress;
    /** Null: plain HTTP, behind something that speaks TLS or on this machine only. */
    readonly tls: TlsConfig | null;
    /** Addresses and networks (`10.0.0.0/8`) whose `X-Forwarded-For` is believed. */
    readonly trustedProxies: readonly string[];
  };
  /** Without a slash at the end. */
  readonly urls: {
    readonly webhooks: string;
    readonly agents: string;
    /** Null where people use an IP address, localhost, or the name of one of the others. */
    readonly operators: string | null;
  };
  /** Secret. At least 32 bytes. */
  readonly tokenKey: Uint8Array;
  readonly connections: ReadonlyMap<ConnectionName, ConnectionConfig>;
  /** Null: off. */
  readonly traces: TracesConfig | null;
  readonly operators: readonly OperatorConfig[];
  readonly pools: readonly PoolConfig[];
}

/** Absolute paths; read again when they change, so that a renewed certificate needs no restart. */
export interface TlsConfig {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** How a connection reaches GitHub. */
export interface NetworkConfig {
  /** PEM of a private certificate authority, trusted beside the usual ones; null for none. */
  readonly caPem: string | null;
  /** Null: as the variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY say. */
  readonly proxy: ProxyConfig | null;
}

export interface ProxyConfig {
  /** Secret: may hold a user and a password. Without a slash at the end. */
  readonly url: string;
  /** Reached without the proxy: IP addresses, and lower-case names with every host under them, `.internal` or `internal`. */
  readonly except: readonly string[];
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
  readonly network: NetworkConfig;
  /** How jobs are heard of: `poll` where no webhook reaches us. */
  readonly demand: "webhooks" | "poll";
  /** Secret. At least one where jobs are heard of by webhooks; a delivery is signed with any of them. */
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

export type ProviderConfig = ProcessProviderConfig | Ec2ProviderConfig | AsgProviderConfig | KubernetesProviderConfig;

export interface ProcessProviderConfig {
  readonly kind: "process";
  readonly workDirectory: string;
}

export interface Ec2ProviderConfig extends Ec2Settings {
  readonly kind: "ec2";
  /** The user of the image that runners run as. */
  readonly runnerUser: string;
  readonly runnerDownload: RunnerDownload | null;
  /** PEM of those with which EC2 signs identity documents in the region. */
  readonly identityCertificates: readonly string[];
}

export interface AsgProviderConfig extends AsgSettings {
  readonly kind: "asg";
  /** The user of the image that runners run as: the installer's to know. */
  readonly runnerUser: string;
  /** PEM of those with which EC2 signs identity documents in the region. */
  readonly identityCertificates: readonly string[];
}

export interface KubernetesProviderConfig extends KubernetesSettings {
  readonly kind: "kubernetes";
}

export interface PoolConfig {
  readonly policy: PoolPolicy;
  readonly runner: RunnerConfig;
  readonly provider: ProviderConfig;
}
