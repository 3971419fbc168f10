/** A configuration as the program gets it: one connection, one pool over one repository, everything in one folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Config, ConnectionConfig, PoolConfig } from "../../src/app/config/config.ts";
import { parseConnectionName, parseControllerId } from "../../src/domain/ids.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { pool } from "../domain/builders.ts";

const ANYWHERE = { host: "127.0.0.1", port: 0 };
const TOKEN_KEY_LENGTH = 32;

/** A folder with a runner in it, for this test. */
export function makePlace(): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-app-"));
  createRunnerFolder(join(directory, "runner"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function connectionConfig(name = "main", apiUrl = "http://127.0.0.1:9"): ConnectionConfig {
  return {
    name: parseConnectionName(name),
    apiUrl,
    auth: { kind: "token", token: "ghp_test" },
    network: { caPem: null, proxy: null },
    demand: "poll",
    webhookSecrets: [],
  };
}

export function poolConfig(directory: string, policy: Partial<PoolPolicy> = {}, workFolder = "machines"): PoolConfig {
  return {
    policy: pool({ scope: { kind: "repositories", repositories: ["acme/widgets"] }, ...policy }),
    runner: { directory: join(directory, "runner"), environment: {} },
    provider: { kind: "process", workDirectory: join(directory, workFolder) },
  };
}

export function wholeConfig(
  directory: string,
  parts: { readonly pools?: readonly PoolConfig[]; readonly connections?: readonly ConnectionConfig[] } = {},
): Config {
  const { pools = [poolConfig(directory)], connections = [connectionConfig()] } = parts;
  return {
    controllerId: parseControllerId("test-app"),
    storeAddress: `sqlite:${join(directory, "holdfast.db")}`,
    listen: { webhooks: ANYWHERE, agents: ANYWHERE, operators: ANYWHERE, tls: null, trustedProxies: [] },
    urls: { webhooks: "http://127.0.0.1", agents: "http://127.0.0.1", operators: null },
    tokenKey: new Uint8Array(TOKEN_KEY_LENGTH),
    connections: new Map(connections.map((one) => [one.name, one])),
    traces: null,
    operators: [{ name: "everyone", role: "reader", token: null }],
    pools,
  };
}
