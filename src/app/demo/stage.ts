/** The whole system on one computer, in a folder that is removed afterwards: GitHub, a runner, a store, one pool. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConnectionName, parseControllerId, parsePoolName } from "../../domain/ids.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { Random } from "../../ports/random.ts";
import { createRunnerFolder } from "../../simulator/runner/folder.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../simulator/server/simulated-github.ts";
import type { Config } from "../config/config.ts";
import { type Holdfast, type SystemParts, startHoldfast } from "../wire.ts";

export const DEMO_REPOSITORIES = ["acme/widgets", "acme/rockets"] as const;
export const DEMO_LABELS = ["self-hosted", "linux", "x64"] as const;
const MACHINE_COUNT_MAX = 4;
const WARM_PARKED_COUNT = 1;
const SECRET_LENGTH = 32;

export interface Stage {
  readonly directory: string;
  readonly github: SimulatedGitHub;
  readonly holdfast: Holdfast;
  /** @param keepsFolder leaves the folder for somebody who wants to see what went wrong. */
  close(keepsFolder: boolean): Promise<void>;
}

export interface StageOptions {
  /** Of the status page; 0 for any free one. */
  readonly port: number;
  createParts(directory: string): SystemParts;
}

/** @throws {HoldfastError} `port-in-use` */
export async function openStage(options: StageOptions): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-demo-"));
  createRunnerFolder(join(directory, "runner"));
  const github = await startSimulatedGitHub({ repositories: DEMO_REPOSITORIES });
  const parts = options.createParts(directory);
  const secret = parts.random.token(SECRET_LENGTH);
  try {
    const config = demoConfig(directory, github, secret, parts.random, options.port);
    const holdfast = await startHoldfast(config, parts);
    github.setWebhook({ url: `${holdfast.addresses.webhooks}/webhooks/github`, secret });
    const close = async (keepsFolder: boolean): Promise<void> => {
      await holdfast.close();
      await github.close();
      if (!keepsFolder) await rm(directory, { recursive: true, force: true });
    };
    return { directory, github, holdfast, close };
  } catch (error) {
    await github.close();
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

function demoConfig(directory: string, github: SimulatedGitHub, secret: string, random: Random, port: number): Config {
  const address = { host: "127.0.0.1", port };
  const connection = parseConnectionName("simulated");
  return {
    controllerId: parseControllerId(`demo-${random.token(8)}`),
    storeAddress: `sqlite:${join(directory, "holdfast.db")}`,
    listen: { webhooks: address, agents: address, operators: address, tls: null, trustedProxies: [] },
    urls: { webhooks: `http://127.0.0.1:${port}`, agents: `http://127.0.0.1:${port}`, operators: null },
    tokenKey: new TextEncoder().encode(random.token(SECRET_LENGTH)),
    connections: new Map([
      [
        connection,
        {
          name: connection,
          apiUrl: github.apiUrl,
          auth: { kind: "token", token: github.token },
          network: { caPem: null, proxy: null },
          demand: "webhooks",
          webhookSecrets: [secret],
        },
      ],
    ]),
    traces: null,
    // Only this computer reaches it: whoever tries the demonstration may try the commands.
    operators: [{ name: "everyone", role: "operator", token: null }],
    pools: [
      {
        policy: {
          name: parsePoolName("linux"),
          connection,
          scope: { kind: "organization", organization: "acme" },
          acceptRepositories: null,
          labels: DEMO_LABELS,
          runnerGroup: "Default",
          requiredLabels: [],
          priority: 0,
          mode: "run",
          machineCountMax: MACHINE_COUNT_MAX,
          jobsPerMachine: 1,
          warmParkedCount: WARM_PARKED_COUNT,
          warmStoppedCount: 0,
          warmRegisteredCount: 0,
          readyTicketCount: 0,
          maxAgeMs: null,
          deadlines: {
            bootMs: MINUTE_MS,
            onlineMs: MINUTE_MS,
            idleTicketMs: 2 * MINUTE_MS,
            lostHostMs: 20 * MINUTE_MS,
            unknownMs: 0,
          },
          rerun: null,
          settingsHash: "demo",
        },
        runner: { directory: join(directory, "runner"), environment: {} },
        provider: { kind: "process", workDirectory: join(directory, "machines") },
      },
    ],
  };
}
