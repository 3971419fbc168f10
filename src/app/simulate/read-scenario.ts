/** The one reading of a scenario file. Reports everything that is wrong at once, each with its path and its mend. */
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, resolve } from "node:path";
import type { Scenario } from "../../simulator/scenario/scenario.ts";
import { checkPools } from "../config/cross-checks.ts";
import { readDraft } from "../config/draft.ts";
import { addIssues } from "../config/issues.ts";
import { ConfigError, ProblemList } from "../config/problems.ts";
import { reasonOf } from "../config/secret-sources.ts";
import { parseYaml } from "../config/yaml.ts";
import { buildScenario, type Setting } from "./build-scenario.ts";
import { readFaults, SCENARIO_REFERENCE } from "./read-faults.ts";
import { readTrace, TRACE_BYTES_MAX, type TraceRow } from "./read-trace.ts";
import { ScenarioSchema, type WrittenScenario } from "./schema.ts";
import { readSettings } from "./settings.ts";

export interface ReadScenario {
  readonly file: string;
  readonly scenario: Scenario;
  readonly seed: number;
  /** The same world with other pools, to be compared; empty unless the file asks for it. */
  readonly settings: readonly Setting[];
}

const SCENARIO_BYTES_MAX = 4 * 1024 * 1024;
const EXAMPLE = "docs/guide/simulate.md";

/**
 * @param path of the YAML file; relative paths in it begin at its folder.
 * @throws {ConfigError} `config-invalid` | `config-unreadable`
 */
export async function readScenario(path: string): Promise<ReadScenario> {
  const file = resolve(path);
  const problems = new ProblemList();
  const raw = parseYaml(await readText(path, file), problems, `an example of ${EXAMPLE}`);
  if (raw === null) problems.throwIfAny(path);

  const withPools = giveDefaultPool(raw);
  const parsed = ScenarioSchema.safeParse(withPools);
  if (!parsed.success) {
    const checked = { root: ScenarioSchema, input: withPools, reference: SCENARIO_REFERENCE };
    addIssues(problems, checked, parsed.error.issues);
  }
  checkPools("pools", { pools: readDraft(withPools).pools, github: {} }, problems);
  const faults = readFaults(faultsIn(raw), problems);
  const trace = await readTraceOf(traceFileIn(raw), dirname(file), problems);
  if (!parsed.success) {
    problems.throwIfAny(path);
    throw parsed.error;
  }
  const written: WrittenScenario = parsed.data;
  const settings = readSettings(written.settings, withPools, problems);
  const nameDefault = basename(file, extname(file));
  const scenario = buildScenario({ written, faults, trace, settings, nameDefault }, problems);
  problems.throwIfAny(path);
  return { file: path, scenario, seed: written.seed, settings };
}

async function readText(path: string, file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > SCENARIO_BYTES_MAX) throw new Error(`it has more than ${SCENARIO_BYTES_MAX} bytes`);
    return await readFile(file, "utf8");
  } catch (error) {
    const mend = `check the path and its permissions; ${EXAMPLE} has examples to start from`;
    const problem = { path: "(the file)", problem: `cannot be read: ${reasonOf(error)}`, mend };
    throw new ConfigError("config-unreadable", { file: path, problems: [problem], cause: error });
  }
}

const POOL_DEFAULT = {
  name: "linux",
  scope: { organization: "acme" },
  labels: ["self-hosted", "linux", "x64"],
  machines: { max: 80 },
};

/** A world without pools has one of the usual kind. */
function giveDefaultPool(raw: unknown): unknown {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return raw;
  const { pools } = raw as { readonly pools?: unknown };
  const isEmpty = pools === undefined || (Array.isArray(pools) && pools.length === 0);
  return isEmpty ? { ...raw, pools: [POOL_DEFAULT] } : raw;
}

function at(raw: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
    raw,
  );
}

/** Read beside the schema, so that their problems are found also in a file that has others. */
function faultsIn(raw: unknown): readonly unknown[] {
  const faults = at(raw, "world", "faults");
  return Array.isArray(faults) ? faults : [];
}

function traceFileIn(raw: unknown): string | null {
  const traceFile = at(raw, "world", "workload", "traceFile");
  return typeof traceFile === "string" && traceFile !== "" ? traceFile : null;
}

async function readTraceOf(name: string | null, folder: string, problems: ProblemList): Promise<readonly TraceRow[]> {
  if (name === null) return [];
  const path = "world.workload.traceFile";
  try {
    const file = resolve(folder, name);
    const { size } = await stat(file);
    if (size <= TRACE_BYTES_MAX) return readTrace(await readFile(file, "utf8"), name, problems);
    problems.add(path, `has more than ${TRACE_BYTES_MAX} bytes`, "take a part of it");
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    const mend = "check the path and its permissions; it counts from the scenario's own folder";
    problems.addUnreadable(path, `cannot be read: ${reasonOf(error)}`, mend);
  }
  return [];
}
