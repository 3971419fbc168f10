/** A folder with a scenario, for tests to break. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { stringify } from "yaml";
import { ConfigError, type ConfigProblem } from "../../../src/app/config/problems.ts";
import { type ReadScenario, readScenario } from "../../../src/app/simulate/read-scenario.ts";

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-scenario-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @param scenario text as it is, or a value to write as YAML. @returns its path. */
export function writeScenario(folder: string, scenario: unknown, name = "scenario.yaml"): string {
  const path = join(folder, name);
  writeFileSync(path, typeof scenario === "string" ? scenario : stringify(scenario));
  return path;
}

/** @param files beside the scenario, by their names. */
export function read(scenario: unknown, files: Readonly<Record<string, string>> = {}): Promise<ReadScenario> {
  const folder = makeFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return readScenario(writeScenario(folder, scenario));
}

export async function problemsIn(
  scenario: unknown,
  files: Readonly<Record<string, string>> = {},
): Promise<readonly ConfigProblem[]> {
  try {
    await read(scenario, files);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error("the scenario was taken for sound");
}
