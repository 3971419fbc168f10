/** What a house is set up with: the configuration that `serve` reads, the files that it names, and the hooks at GitHub. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { HookPlace } from "../../src/simulator/github/delivery.ts";
import type { SimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";

export const LABELS = ["self-hosted", "linux", "x64"];

/** Keys of one entry of `pools`, as a person writes them; the others are the house's own. */
export interface PoolOverrides {
  readonly name?: string;
  readonly github?: string;
  readonly scope?: object;
  readonly accept?: { readonly repositories: readonly string[] };
  readonly labels?: readonly string[];
  readonly requiredLabels?: readonly string[];
  readonly priority?: number;
  readonly runnerGroup?: string;
  readonly mode?: "run" | "observe";
  readonly machines?: { readonly max?: number; readonly jobsPerMachine?: number };
  readonly warm?: { readonly parked?: number };
  readonly deadlines?: Readonly<Record<string, string>>;
  readonly runner?: object;
  readonly provider?: object;
}

/** One that is told nothing signs in by a token, goes straight to the simulated GitHub, and hears of jobs by webhooks. */
export interface ConnectionPlan {
  readonly apiUrl?: string;
  readonly app?: { readonly id: number; readonly privateKeyPem: string };
  /** The simulated GitHub's first unless given. */
  readonly token?: string;
  readonly demand?: "webhooks" | "poll";
  readonly caPem?: string;
  readonly proxy?: { readonly url: string; readonly except?: readonly string[] };
  /** Each gets the connection's own secret. The App's, or for a token that of the first App, unless given. */
  readonly hooks?: readonly HookPlace[];
}

/** Where Holdfast listens and how others reach it. */
export interface FrontPlan {
  readonly listen: string | object;
  readonly urls: string | object;
  /** Where the test itself asks. */
  readonly operatorsUrl: string;
  readonly webhooksUrl: string;
  /** By the names under which `listen` names them. */
  readonly files: Readonly<Record<string, string>>;
}

export interface HousePlan {
  readonly controllerId: string;
  /** By their names. */
  readonly connections: Readonly<Record<string, ConnectionPlan>>;
  readonly pools: readonly PoolOverrides[];
  readonly front: FrontPlan;
  /** Anybody may look in unless given. */
  readonly operators?: readonly object[];
  /** Of the controller's process, besides where programs are. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Written beside the configuration, by their names. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Everything on one plain address. */
export function plainFront(port: number): FrontPlan {
  const url = `http://127.0.0.1:${port}`;
  return { listen: `127.0.0.1:${port}`, urls: url, operatorsUrl: url, webhooksUrl: url, files: {} };
}

/** Writes the folder that `serve` starts in, and sets the hooks. @returns the webhook secret of each connection. */
export function settle(directory: string, plan: HousePlan, github: SimulatedGitHub): ReadonlyMap<string, string> {
  const write = (name: string, content: string | Uint8Array) => writeFileSync(join(directory, name), content);
  const secrets = new Map<string, string>();
  for (const [name, connection] of Object.entries(plan.connections)) {
    const secret = randomBytes(16).toString("hex");
    secrets.set(name, secret);
    for (const [file, content] of Object.entries(filesOf(name, connection, secret, github))) write(file, content);
    setHooks(connection, { url: `${plan.front.webhooksUrl}/webhooks/github`, secret }, github);
  }
  for (const [file, content] of Object.entries({ ...plan.front.files, ...plan.files })) write(file, content);
  write("token-key", randomBytes(32));
  write("holdfast.yaml", stringify(configOf(plan, github)));
  return secrets;
}

type Files = Readonly<Record<string, string>>;

function filesOf(name: string, { app, token, caPem }: ConnectionPlan, secret: string, github: SimulatedGitHub): Files {
  return {
    [`${name}-hook`]: secret,
    ...(app === undefined ? { [`${name}-token`]: token ?? github.token } : { [`${name}-app.pem`]: app.privateKeyPem }),
    ...(caPem === undefined ? {} : { [`${name}-ca.pem`]: caPem }),
  };
}

function setHooks(connection: ConnectionPlan, target: { url: string; secret: string }, github: SimulatedGitHub): void {
  for (const place of hooksOf(connection, github)) {
    if (place.kind === "app") github.setWebhook(target, place.appId);
    else github.addHook(place, target);
  }
}

function hooksOf({ app, hooks }: ConnectionPlan, github: SimulatedGitHub): readonly HookPlace[] {
  return hooks ?? [{ kind: "app", appId: app?.id ?? github.appId }];
}

function configOf({ controllerId, connections, pools, front, operators }: HousePlan, github: SimulatedGitHub): object {
  const named = Object.entries(connections).map(([name, plan]) => [name, connectionOf(name, plan, github)] as const);
  return {
    controllerId,
    store: "sqlite:./holdfast.db",
    listen: front.listen,
    urls: front.urls,
    tokenKeyFile: "./token-key",
    github: Object.fromEntries(named),
    operators: operators ?? [{ name: "everyone", role: "reader", anonymous: true }],
    pools: pools.map((pool) => poolOf(pool, Object.keys(connections)[0] ?? "")),
  };
}

function connectionOf(name: string, plan: ConnectionPlan, github: SimulatedGitHub): object {
  const { apiUrl = github.apiUrl, app, demand, caPem, proxy } = plan;
  return {
    apiUrl,
    ...(app === undefined
      ? { token: { file: `./${name}-token` } }
      : { app: { id: app.id, privateKeyFile: `./${name}-app.pem` } }),
    ...(demand === "poll" ? { demand } : { webhookSecretFiles: [`./${name}-hook`] }),
    ...(caPem === undefined ? {} : { caFile: `./${name}-ca.pem` }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

function poolOf({ machines, ...others }: PoolOverrides, firstConnection: string): object {
  return {
    name: "linux",
    github: firstConnection,
    scope: { organization: "acme" },
    labels: LABELS,
    machines: { max: 5, ...machines },
    runner: { directory: "./runner" },
    provider: { kind: "process", workDirectory: "./machines" },
    ...others,
  };
}
