/** `holdfast check`: the configuration field by field, and whether each pool could launch here. Starts nothing. */

import { systemClock } from "../../adapters/system/clock.ts";
import { plainText } from "../../http/text/plain-text.ts";
import type { Config, PoolConfig } from "../config/config.ts";
import { ConfigError, type ConfigProblem, renderProblems } from "../config/problems.ts";
import { readConfig } from "../config/read.ts";
import { createProvider, findPoolProblems } from "../providers.ts";
import { type Colours, type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import { type Column, renderTable } from "../terminal/table.ts";
import { EXIT, type ExitCode, telling } from "./failure.ts";

export interface CheckOptions {
  readonly json?: boolean | undefined;
}

/** The findings are what was asked for, so they go to `stdout`, problems too. */
export function runCheck(configPath: string, options: CheckOptions, io: CommandIo): Promise<ExitCode> {
  return telling(io, options, async () => {
    const checked = await readOrProblems(configPath, io);
    if (checked instanceof ConfigError) {
      const { problems } = checked;
      const text = options.json === true ? asJson({ file: configPath, problems }) : renderProblems(checked);
      io.stdout.write(text);
      return EXIT.usage;
    }
    io.stdout.write(
      options.json === true ? asJson({ file: configPath, problems: [] }) : renderConfig(configPath, checked, io),
    );
    return EXIT.ok;
  });
}

async function readOrProblems(configPath: string, io: CommandIo): Promise<Config | ConfigError> {
  try {
    const config = await readConfig(configPath, io.environment);
    const problems = await Promise.all(config.pools.map((pool) => checkPool(pool, config)));
    return problems.flat().length === 0
      ? config
      : new ConfigError("config-invalid", { file: configPath, problems: problems.flat() });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

async function checkPool(pool: PoolConfig, config: Config): Promise<readonly ConfigProblem[]> {
  return findPoolProblems(await createProvider(pool, config, systemClock(), config.urls.agents), pool, config);
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Never a secret: only where things are, and how many. */
function renderConfig(configPath: string, config: Config, io: CommandIo): string {
  const colours = coloursOf(io);
  const { listen, urls, connections, operators } = config;
  const surfaces = (["webhooks", "agents", "operators"] as const).map(
    (name) => `${name} ${listen[name].host}:${listen[name].port}`,
  );
  const github = [...connections.values()].map(({ name, apiUrl, auth, webhookSecrets }) => {
    const secretCount = webhookSecrets.length === 1 ? "1 webhook secret" : `${webhookSecrets.length} webhook secrets`;
    return `${name} ${apiUrl}, ${auth.kind === "app" ? `App ${auth.appId}` : "token"}, ${secretCount}`;
  });
  const named = operators.map(({ name, role, token }) => `${name} (${role}${token === null ? ", anonymous" : ""})`);
  const lines = [
    ["controller", config.controllerId],
    ["store", config.storeAddress],
    ["listens", surfaces.join(", ")],
    ["reached at", `webhooks ${urls.webhooks}, agents ${urls.agents}`],
    ...github.map((text) => ["GitHub", text]),
    ["operators", named.length === 0 ? "none: nobody can look in" : named.join(", ")],
  ];
  const facts = lines.map(([name = "", text = ""]) => `${colours.dim(name.padEnd(12))}${plainText(text)}\n`).join("");
  const pools = renderTable(config.pools, POOL_COLUMNS, widthOf(io), colours);
  return `${configPath}: ${colours.green("no problems")}\n\n${facts}\n${pools}${renderNext(colours)}`;
}

const POOL_COLUMNS: readonly Column<PoolConfig>[] = [
  { head: "POOL", cell: ({ policy }) => policy.name, min: 8 },
  { head: "MODE", cell: ({ policy }) => policy.mode },
  { head: "MAX", cell: ({ policy }) => String(policy.machineCountMax), align: "right" },
  { head: "WARM", cell: ({ policy }) => String(policy.warmParkedCount), align: "right" },
  { head: "SCOPE", cell: ({ policy }) => describeScope(policy.scope), min: 12, rank: 2 },
  { head: "LABELS", cell: ({ policy }) => policy.labels.join(", "), min: 12, rank: 1 },
  { head: "PROVIDER", cell: ({ provider }) => provider.kind },
];

function describeScope(scope: PoolConfig["policy"]["scope"]): string {
  return scope.kind === "organization" ? scope.organization : scope.repositories.join(", ");
}

function renderNext(colours: Colours): string {
  return colours.dim(
    "\nThe file was read and each pool's folders were looked at; credentials and permissions at GitHub were not tried.\n",
  );
}
