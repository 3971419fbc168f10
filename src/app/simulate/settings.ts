/** The settings that a planner compares: the scenario's pools, each with what a setting says otherwise. */
import { checkPool, checkPools } from "../config/cross-checks.ts";
import { readDraft } from "../config/draft.ts";
import { addIssues, nearestOf } from "../config/issues.ts";
import type { ProblemList } from "../config/problems.ts";
import { policyOf, type Setting } from "./build-scenario.ts";
import { SCENARIO_REFERENCE } from "./read-faults.ts";
import { ScenarioPoolSchema, type WrittenScenario, type WrittenScenarioPool } from "./schema.ts";

type WrittenSetting = WrittenScenario["settings"][number];
type Block = Readonly<Record<string, unknown>>;

/** @param raw the file, as far as it is without problems. */
export function readSettings(
  written: readonly WrittenSetting[],
  raw: unknown,
  problems: ProblemList,
): readonly Setting[] {
  const names = new Map<string, number>();
  return written.map((setting, index) => {
    const path = `settings[${index}]`;
    const first = names.get(setting.name);
    if (first === undefined) names.set(setting.name, index);
    else problems.add(`${path}.name`, `is the name of settings[${first}] too`, "give each its own name");
    return { name: setting.name, pools: readPools(setting, index, raw, problems).map(policyOf) };
  });
}

function readPools(
  { pools, overrides }: WrittenSetting,
  index: number,
  raw: unknown,
  problems: ProblemList,
): readonly WrittenScenarioPool[] {
  const path = `settings[${index}]`;
  if (pools !== undefined && overrides !== undefined)
    problems.add(path, "has `pools` and `overrides`, which exclude each other", "remove one of them");
  if (pools !== undefined) {
    const { settings } = raw as { readonly settings: readonly Block[] };
    checkPools(`${path}.pools`, { pools: readDraft(settings[index]).pools, github: {} }, problems);
    return pools;
  }
  const own = (raw as { readonly pools: readonly Block[] }).pools;
  const known = own.map(({ name }) => String(name));
  for (const name of Object.keys(overrides ?? {})) {
    if (known.includes(name)) continue;
    const nearest = nearestOf(name, known);
    const mend = nearest === null ? `pools: ${known.join(", ")}` : `did you mean \`${nearest}\`?`;
    problems.add(`${path}.overrides.${name}`, "names no pool", mend);
  }
  return own.flatMap((pool) => overridePool(pool, overrides?.[String(pool.name)] ?? {}, index, problems));
}

function overridePool(
  pool: Block,
  override: Block,
  index: number,
  problems: ProblemList,
): readonly WrittenScenarioPool[] {
  const at = ["settings", index, "overrides", String(pool.name)];
  const input = merge(pool, override);
  const parsed = ScenarioPoolSchema.safeParse(input);
  if (!parsed.success) {
    addIssues(problems, { root: ScenarioPoolSchema, input, at, reference: SCENARIO_REFERENCE }, parsed.error.issues);
    return [];
  }
  if (Object.keys(override).length > 0) {
    const [draft] = readDraft({ pools: [input] }).pools ?? [];
    const path = `settings[${index}].overrides.${String(pool.name)}`;
    if (draft !== undefined) checkPool(path, draft, { github: {} }, problems);
  }
  return [parsed.data];
}

/** Block by block; a list or a value takes the place of what was there. */
function merge(base: Block, override: Block): Block {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(override)) {
    const before = merged[name];
    merged[name] = isBlock(before) && isBlock(value) ? merge(before, value) : value;
  }
  return merged;
}

function isBlock(value: unknown): value is Block {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
