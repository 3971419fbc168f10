/** What a support bundle says of the configuration and of this process, and the secrets that it must not. */

import { parseMachineId } from "../domain/ids.ts";
import type { AgentTokens } from "../http/agents/token.ts";
import type { SupportSources } from "../http/operators/sources.ts";
import type { Config, ConnectionConfig, PoolConfig } from "./config/config.ts";
import type { Environment } from "./config/environment.ts";

interface Supported {
  readonly config: Config;
  readonly tokens: Pick<AgentTokens, "identitySecret">;
  readonly parts: { readonly environment: Environment; renderMetrics(): Promise<string> };
}

export function supportOf({ config, tokens, parts }: Supported): SupportSources {
  return {
    configuration: describeConfig(config),
    secrets: secretsOf(config, parts.environment),
    versions: { node: process.version, platform: process.platform, architecture: process.arch },
    secretsOfMachine: (id) => [tokens.identitySecret(parseMachineId(id))],
    renderMetrics: () => parts.renderMetrics(),
  };
}

/** Built up from what may be said, so that a new key is silent until somebody has thought about it. */
function describeConfig(config: Config): unknown {
  const { controllerId, storeAddress, listen, urls, connections, operators, pools } = config;
  const { webhooks, agents, operators: operatorsAddress, tls, trustedProxies } = listen;
  return {
    controllerId,
    store: storeAddress,
    listen: { webhooks, agents, operators: operatorsAddress, hasTls: tls !== null, trustedProxies },
    urls,
    github: [...connections.values()].map(describeConnection),
    operators: operators.map(({ name, role, token }) => ({ name, role, hasToken: token !== null })),
    pools: pools.map(describePool),
  };
}

function describeConnection({ name, apiUrl, auth, network, demand, webhookSecrets }: ConnectionConfig) {
  return {
    name,
    apiUrl,
    auth: auth.kind === "app" ? { kind: auth.kind, appId: auth.appId } : { kind: auth.kind },
    demand,
    webhookSecretCount: webhookSecrets.length,
    hasOwnAuthority: network.caPem !== null,
    proxy: network.proxy === null ? null : { host: hostOf(network.proxy.url), except: network.proxy.except },
  };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

function describePool({ policy, runner, provider }: PoolConfig) {
  const names = Object.keys(runner.environment);
  const place =
    provider.kind === "ec2" || provider.kind === "asg"
      ? { ...provider, identityCertificates: provider.identityCertificates.length }
      : provider.kind === "kubernetes"
        ? withoutTemplate(provider)
        : { kind: provider.kind, workDirectory: provider.workDirectory };
  return { ...policy, runner: { directory: runner.directory, environmentNames: names }, provider: place };
}

/** A template holds variables of containers, as a runner's environment does. */
function withoutTemplate({ template, ...rest }: Extract<PoolConfig["provider"], { readonly kind: "kubernetes" }>) {
  return { ...rest, templateKeys: Object.keys(template.spec ?? {}) };
}

/** Values of a runner's variables are for none, and one may hold one all the same; shorter ones are ordinary words. */
const VALUE_LENGTH_MIN = 8;
const PROXY_VARIABLES = ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"] as const;

function secretsOf(config: Config, environment: Environment): readonly string[] {
  const proxies = PROXY_VARIABLES.map((name) => environment[name] ?? "");
  return [
    ...formsOfKey(config.tokenKey),
    ...config.operators.flatMap(({ token }) => token ?? []),
    ...[...config.connections.values()].flatMap(({ auth, webhookSecrets, network }) => [
      auth.kind === "app" ? auth.privateKeyPem : auth.token,
      ...webhookSecrets,
      ...credentialsOf(network.proxy?.url ?? ""),
    ]),
    ...proxies.flatMap(credentialsOf),
    ...config.pools
      .flatMap(({ runner }) => Object.values(runner.environment))
      .filter((value) => value.length >= VALUE_LENGTH_MIN),
  ];
}

/** A key is bytes, and may be printed in any of these. */
function formsOfKey(key: Uint8Array): readonly string[] {
  const bytes = Buffer.from(key);
  return (["utf8", "latin1", "hex", "base64", "base64url"] as const).map((form) => bytes.toString(form));
}

function credentialsOf(url: string): readonly string[] {
  if (!URL.canParse(url)) return [];
  const { username, password } = new URL(url);
  return [password, decodeURIComponent(password), ...(password === "" ? [username] : [])].filter((one) => one !== "");
}
