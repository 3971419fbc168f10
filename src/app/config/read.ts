import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { systemClock } from "../../adapters/system/clock.ts";
import type { Clock } from "../../ports/clock.ts";
import { buildConfig } from "./build.ts";
import type { Config } from "./config.ts";
import { checkTogether } from "./cross-checks.ts";
import { readDraft } from "./draft.ts";
import type { Environment } from "./environment.ts";
import { addIssues } from "./issues.ts";
import { checkTls } from "./networks.ts";
import { ConfigError, ProblemList } from "./problems.ts";
import { ConfigSchema } from "./schema.ts";
import { reasonOf, SecretReader } from "./secret-sources.ts";
import { readSecrets } from "./secrets.ts";
import { parseYaml } from "./yaml.ts";

/**
 * The one reading of the configuration and of the secrets that it names. Reports everything that is wrong at once.
 * @param path of the YAML file; relative paths in it begin at its folder.
 * @param clock tells whether certificates are out of date.
 * @throws {ConfigError} `config-invalid` | `config-unreadable` (nothing is wrong but files that cannot be read)
 */
export async function readConfig(
  path: string,
  environment: Environment,
  clock: Pick<Clock, "nowMs"> = systemClock(),
): Promise<Config> {
  const file = resolve(path);
  const folder = dirname(file);
  const problems = new ProblemList();
  const raw = parseYaml(await readText(path, file), problems);
  if (raw === null) problems.throwIfAny(path);

  const parsed = ConfigSchema.safeParse(raw);
  if (!parsed.success) addIssues(problems, { root: ConfigSchema, input: raw }, parsed.error.issues);
  const draft = readDraft(raw);
  checkTogether(draft, problems);
  const reader = new SecretReader(folder, environment, problems);
  const secrets = await readSecrets(draft, reader);
  await checkTls(draft, reader, clock.nowMs());
  problems.throwIfAny(path);
  if (!parsed.success) throw parsed.error;
  return buildConfig(parsed.data, secrets, folder);
}

async function readText(path: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const mend = "check the path and its permissions; holdfast.example.yaml is one to start from";
    const problem = { path: "(the file)", problem: `cannot be read: ${reasonOf(error)}`, mend };
    throw new ConfigError("config-unreadable", { file: path, problems: [problem], cause: error });
  }
}
