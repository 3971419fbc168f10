/**
 * `holdfast check`: the configuration field by field, whether each pool could launch here, and what GitHub says of
 * credentials, permissions, webhook, labels and runner. Starts and changes nothing.
 */
import { stringify } from "yaml";
import { systemClock } from "../../adapters/system/clock.ts";
import { plainText } from "../../http/text/plain-text.ts";
import { type CheckParts, checkEverything, systemParts } from "../check/everything.ts";
import type { Finding } from "../check/finding.ts";
import { breakLines, renderFindings, renderSummary } from "../check/render.ts";
import type { Config, PoolConfig } from "../config/config.ts";
import { ConfigError, type ConfigProblem, renderProblems } from "../config/problems.ts";
import { readConfig } from "../config/read.ts";
import { type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import { type Column, renderTable } from "../terminal/table.ts";
import { CommandError, EXIT, type ExitCode, telling } from "./failure.ts";

export interface CheckOptions {
  readonly json?: boolean | undefined;
  /** Leaves GitHub out. */
  readonly offline?: boolean | undefined;
  /** Instead of all that: the IAM policy that the pools at AWS need. */
  readonly iam?: boolean | undefined;
  /** Instead of all that: the roles that the Kubernetes pools need. */
  readonly rbac?: boolean | undefined;
}

/** The findings are what was asked for, so they go to `stdout`, problems too. */
export function runCheck(
  configPath: string,
  options: CheckOptions,
  io: CommandIo,
  parts: CheckParts = systemParts(systemClock(), io.environment),
): Promise<ExitCode> {
  return telling(io, options, async () => {
    const config = await readOrProblems(configPath, io);
    if (config instanceof ConfigError) {
      const { problems } = config;
      io.stdout.write(
        options.json === true ? asJson({ file: configPath, problems, findings: [] }) : renderProblems(config),
      );
      return EXIT.usage;
    }
    if (options.iam === true) {
      io.stdout.write(asJson(await policyOf(config, configPath)));
      return EXIT.ok;
    }
    if (options.rbac === true) {
      const roles = await rolesOf(config, configPath);
      io.stdout.write(options.json === true ? asJson(roles) : roles.map((role) => stringify(role)).join("---\n"));
      return EXIT.ok;
    }
    const isOffline = options.offline === true;
    const findings = await checkEverything(config, parts, { isOffline });
    const problems = findings.filter(isProblem).map(asProblem);
    io.stdout.write(
      options.json === true
        ? asJson({ file: configPath, problems, findings })
        : renderAll(configPath, config, findings, { io, isOffline }),
    );
    if (problems.length > 0) return EXIT.usage;
    return findings.some(({ severity }) => severity === "error") ? EXIT.failed : EXIT.ok;
  });
}

/** Written from the file alone: whoever lacks the permissions cannot ask EC2 which they are. */
async function policyOf({ controllerId, pools }: Config, configPath: string): Promise<unknown> {
  const named = pools.flatMap(({ policy, provider }) =>
    provider.kind === "ec2"
      ? [{ pool: policy.name, settings: provider, keepsStopped: policy.warmStoppedCount > 0 }]
      : [],
  );
  const groups = pools.flatMap(({ provider }) => (provider.kind === "asg" ? [provider] : []));
  if (named.length + groups.length > 0) {
    const [{ policyFor }, { groupStatements }, { policyOf: policyWith }] = await Promise.all([
      import("../../adapters/ec2/iam.ts"),
      import("../../adapters/asg/iam.ts"),
      import("../../adapters/aws/iam.ts"),
    ]);
    const ofInstances = named.length === 0 ? [] : policyFor(controllerId, named).Statement;
    const ofGroups = groups.length === 0 ? [] : groupStatements(controllerId, groups);
    return policyWith([...ofInstances, ...ofGroups]);
  }
  throw new CommandError("writing an IAM policy", {
    code: "usage",
    wrong: `No pool of ${configPath} is of kind ec2 or asg, so none needs one.`,
    mend: "Leave out --iam, or name the configuration with such pools by --config.",
  });
}

/** From the file alone, as the policy is. */
async function rolesOf({ controllerId, pools }: Config, configPath: string): Promise<readonly object[]> {
  const namespaces = pools.flatMap(({ provider }) => (provider.kind === "kubernetes" ? [provider.namespace] : []));
  if (namespaces.length > 0) {
    const { rolesFor } = await import("../../adapters/kubernetes/role.ts");
    return rolesFor(controllerId, namespaces);
  }
  throw new CommandError("writing roles", {
    code: "usage",
    wrong: `No pool of ${configPath} is of kind kubernetes, so none needs any.`,
    mend: "Leave out --rbac, or name the configuration with such pools by --config.",
  });
}

/** What keeps `holdfast serve` from starting: a problem of the configuration, found beyond the file. */
function isProblem({ severity, code }: Finding): boolean {
  return severity === "error" && code === "provider-invalid";
}

function asProblem({ path, finding, mend }: Finding): ConfigProblem {
  return { path, problem: finding, mend };
}

async function readOrProblems(configPath: string, io: CommandIo): Promise<Config | ConfigError> {
  try {
    return await readConfig(configPath, io.environment);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

interface Screen {
  readonly io: CommandIo;
  readonly isOffline: boolean;
}

function renderAll(
  configPath: string,
  config: Config,
  findings: readonly Finding[],
  { io, isOffline }: Screen,
): string {
  const options = { colours: coloursOf(io), width: widthOf(io) };
  const head = `${configPath}: ${options.colours.green("no problems in the file")}`;
  const note = isOffline ? `\n${options.colours.dim("GitHub was not asked (--offline).")}\n` : "";
  const said = renderFindings(findings, options);
  return `${head}\n\n${renderConfig(config, io)}\n${said}${note}\n${renderSummary(findings, options)}`;
}

const KEY_WIDTH = 12;

/** Never a secret: only where things are, and how many. */
function renderConfig(config: Config, io: CommandIo): string {
  const colours = coloursOf(io);
  const width = widthOf(io);
  const { listen, urls, connections, operators } = config;
  const surfaces = (["webhooks", "agents", "operators"] as const).map(
    (name) => `${name} ${listen[name].host}:${listen[name].port}`,
  );
  const github = [...connections.values()].map(({ name, apiUrl, auth, demand, webhookSecrets }) => {
    const secretCount = webhookSecrets.length === 1 ? "1 webhook secret" : `${webhookSecrets.length} webhook secrets`;
    const heard = demand === "poll" ? "poll" : secretCount;
    return `${name} ${apiUrl}, ${auth.kind === "app" ? `App ${auth.appId}` : "token"}, ${heard}`;
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
  const facts = lines.map(([name = "", text = ""]) => {
    const [first = "", ...rest] = breakLines(plainText(text), width - KEY_WIDTH);
    const broken = rest.map((line) => `${" ".repeat(KEY_WIDTH)}${line}\n`).join("");
    return `${colours.dim(name.padEnd(KEY_WIDTH))}${first}\n${broken}`;
  });
  return `${facts.join("")}\n${renderTable(config.pools, POOL_COLUMNS, width, colours)}`;
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
  switch (scope.kind) {
    case "organization":
      return scope.organization;
    case "enterprise":
      return `enterprise ${scope.enterprise}`;
    case "repositories":
      return scope.repositories.join(", ");
  }
}
